//! Reading streams for those who do something outside with what they read: tell, file, archive.
//!
//! What is read is acknowledged after it was dealt with, so that it comes at least once. One
//! process at a time reads for a group: the others stand by.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;

use crate::backoff::Backoff;
use crate::clock;
use crate::connect::Connection;
use crate::error::LogError;
use crate::groups;
use crate::horizon::Horizon;
use crate::lease::{self, Fence, LEASE_LENGTH, Lease};
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::read::last_generated;
use crate::wire;

/// The consumer that all readers of a group read as.
const CONSUMER: &str = "owner";

/// Pending entries that are forgotten at once.
const PENDING_PAGE: usize = 1_000;

/// How a reader reads.
#[derive(Debug, Clone)]
pub struct ReaderOptions {
    /// How long one reading waits for frames.
    pub block: Duration,
    /// Most frames of each partition in one reading.
    pub frames_max: usize,
    /// Whether to hold frames back until they are on the server's disk: for those who tell
    /// someone who cannot take it back that the server will not lose it.
    pub durable_only: bool,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { block: Duration::from_secs(1), frames_max: 64, durable_only: false }
    }
}

/// A frame that was handed to a reader.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its partition; 0 for a stream of the account.
    pub partition: u16,
    /// The frame.
    pub frame: Frame,
    /// The frames of the partitions that it follows from, as `partition/ID` with blanks between,
    /// in the order in which they were taken; for what a stage of the account wrote.
    pub causes: Option<String>,
    /// It was handed out before and not acknowledged.
    pub again: bool,
}

/// Reads all partitions of a stream for a group, from the stream's beginning.
pub struct Reader {
    log: Log,
    stream: Stream,
    group: String,
    options: ReaderOptions,
    held: Option<Held>,
    waits: Backoff,
    /// How often the right to read was taken.
    tenures: u64,
}

/// What a reader has while it is the group's.
struct Held {
    reading: Connection,
    acting: Connection,
    fence: Fence,
    renewed: Instant,
    horizon: Horizon,
    /// The partitions whose pending frames are still to be read, and after which.
    pending: BTreeMap<u16, EntryId>,
    /// A reading was sent and its answer not taken: the caller gave up waiting for it.
    in_doubt: bool,
}

impl Reader {
    /// A reader of a stream for a group. Connects when it is first read from.
    #[must_use]
    pub fn new(log: &Log, stream: Stream, group: &str, options: ReaderOptions) -> Self {
        let (log, group) = (log.clone(), group.to_owned());
        Self { log, stream, group, options, held: None, waits: Backoff::reconnect(), tenures: 0 }
    }

    /// Under which name the right to read is taken: a group may read more than one stream, each
    /// with a reader of its own.
    fn lease(&self) -> String {
        if self.stream.is_of_account() {
            self.group.clone()
        } else {
            format!("{}:{}", self.stream, self.group)
        }
    }

    /// How often this reader has become the group's. When it has risen, another process may have
    /// read meanwhile.
    #[must_use]
    pub fn tenures(&self) -> u64 {
        self.tenures
    }

    /// Reads a partition on after this entry, whatever the group has handed out or acknowledged:
    /// for those who know better than Redis how far they are. What was handed out before and is
    /// pending comes again if it lies behind the entry.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is, or when this reader is not the group's (any more).
    pub async fn go_on_after(&mut self, partition: u16, id: EntryId) -> Result<(), LogError> {
        let (key, group) = (self.key(partition), self.group.clone());
        let not_held = || LogError::Away {
            at: key.clone(),
            reason: format!("another process reads for {group}"),
        };
        let held = self.held.as_mut().ok_or_else(not_held)?;
        let mut command = redis::cmd("XGROUP");
        command.arg("SETID").arg(&key).arg(&group).arg(id.to_string());
        held.acting.ask(&command).await?;
        // Only now is nothing lost when what is pending is forgotten.
        loop {
            let pending = groups::pending(&mut held.acting, &key, &group, PENDING_PAGE).await?;
            if pending.is_empty() {
                break;
            }
            let mut command = redis::cmd("XACK");
            command.arg(&key).arg(&group);
            for id in pending {
                command.arg(id.to_string());
            }
            held.acting.ask(&command).await?;
        }
        held.pending.remove(&partition);
        Ok(())
    }

    fn partitions(&self) -> std::ops::Range<u16> {
        if self.stream.is_of_account() { 0..1 } else { 0..self.log.namespace().partitions() }
    }

    fn key(&self, partition: u16) -> String {
        self.log.namespace().stream(self.stream, partition)
    }

    /// The next frames: first what was handed out before and not acknowledged, then what is new.
    /// Empty when none came for a while. Waits while another process reads for the group, and
    /// while Redis is away. May be given up and called again.
    ///
    /// # Errors
    /// What no waiting repairs: [`LogError::Rollback`] when the server has lost entries that the
    /// group has read, and an answer that Redis should not give.
    pub async fn next(&mut self) -> Result<Vec<Delivery>, LogError> {
        loop {
            match self.try_next().await {
                Ok(Some(deliveries)) => {
                    self.waits.reset();
                    return Ok(deliveries);
                }
                Ok(None) => tokio::time::sleep(self.options.block.min(LEASE_LENGTH / 6)).await,
                Err(error) if error.is_transient() => {
                    tracing::warn!(group = self.group, "{error}; trying again");
                    self.held = None;
                    self.waits.wait().await;
                }
                Err(error) => {
                    self.held = None;
                    return Err(error);
                }
            }
        }
    }

    /// Says that the reader is alive. Whoever takes longer than a third of [`LEASE_LENGTH`] over
    /// what he was handed calls it meanwhile: after [`LEASE_LENGTH`] without a sign another process
    /// reads on, from what was not acknowledged. False when this reader is not the group's (any
    /// more): what it was handed comes again, here or elsewhere.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn keep(&mut self) -> Result<bool, LogError> {
        let name = self.lease();
        let Some(held) = &mut self.held else { return Ok(false) };
        if held.renewed.elapsed() < LEASE_LENGTH / 3 {
            return Ok(true);
        }
        let acting = &mut held.acting;
        if !lease::renew(acting, &self.log, Slot::Account, &name, &held.fence).await? {
            self.held = None;
            return Ok(false);
        }
        held.renewed = clock::moment();
        Ok(true)
    }

    /// None while another process reads for the group.
    async fn try_next(&mut self) -> Result<Option<Vec<Delivery>>, LogError> {
        if self.held.as_ref().is_some_and(|held| held.in_doubt) {
            self.held = None;
        }
        if self.held.is_none() {
            self.held = self.begin().await?;
            self.tenures += u64::from(self.held.is_some());
        }
        if !self.keep().await? {
            return Ok(None);
        }
        let keys: Vec<(u16, String)> =
            self.partitions().map(|partition| (partition, self.key(partition))).collect();
        let Some(held) = &mut self.held else { return Ok(None) };
        held.in_doubt = true;
        let deliveries = match held.pending.pop_first() {
            Some((partition, after)) => {
                let key = &keys[usize::from(partition)].1;
                let mut command = self.options.command(&self.group, false);
                command.arg(key).arg(after.to_string());
                let entries = wire::read_one(held.reading.ask(&command).await?)?;
                if let Some(last) = entries.last() {
                    held.pending.insert(partition, last.id);
                }
                deliver(partition, entries, true).collect()
            }
            None => {
                let mut command = self.options.command(&self.group, true);
                for (_, key) in &keys {
                    command.arg(key);
                }
                for _ in &keys {
                    command.arg(">");
                }
                let read = wire::read_many(held.reading.ask(&command).await?)?;
                let place = |key: &str| keys.iter().find(|(_, found)| found == key);
                read.into_iter()
                    .filter_map(|(key, entries)| Some((place(&key)?.0, entries)))
                    .flat_map(|(partition, entries)| deliver(partition, entries, false))
                    .collect()
            }
        };
        let deliveries: Vec<Delivery> = deliveries;
        if self.options.durable_only
            && let Some(latest) = deliveries.iter().map(|delivery| delivery.frame.id.ms).max()
        {
            held.horizon.passed(&mut held.acting, latest).await?;
        }
        held.in_doubt = false;
        Ok(Some(deliveries))
    }

    /// Becomes the group's reader; none while another is.
    async fn begin(&self) -> Result<Option<Held>, LogError> {
        let mut acting = self.log.connector().open().await?;
        let lease = lease::take(&mut acting, &self.log, Slot::Account, &self.lease()).await?;
        let Lease::Taken(fence) = lease else { return Ok(None) };
        for partition in self.partitions() {
            let stream = self.key(partition);
            groups::ensure(&mut acting, &stream, &self.group).await?;
            let groups = groups::of(&mut acting, &stream).await?;
            let last = last_generated(&mut acting, &stream).await?;
            let offset = groups.iter().find(|group| group.name == self.group);
            let offset = offset.map_or(last, |group| group.last_delivered);
            if last < offset {
                let reader = self.group.clone();
                return Err(LogError::Rollback { stream, reader, offset, last });
            }
        }
        Ok(Some(Held {
            reading: self.log.connector().open_blocking(self.options.block).await?,
            acting,
            fence,
            renewed: clock::moment(),
            horizon: Horizon::default(),
            pending: self.partitions().map(|partition| (partition, EntryId::default())).collect(),
            in_doubt: false,
        }))
    }

    /// Acknowledges frames that were dealt with. One whose acknowledgement fails comes again.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn acknowledge(&mut self, deliveries: &[Delivery]) -> Result<(), LogError> {
        let mut by_partition: BTreeMap<u16, Vec<EntryId>> = BTreeMap::new();
        for delivery in deliveries {
            by_partition.entry(delivery.partition).or_default().push(delivery.frame.id);
        }
        for (partition, ids) in by_partition {
            let mut command = redis::cmd("XACK");
            command.arg(self.key(partition)).arg(&self.group);
            for id in ids {
                command.arg(id.to_string());
            }
            self.log.query::<redis::Value>(&command).await?;
        }
        Ok(())
    }

    /// Lets another process read for the group at once.
    pub async fn close(mut self) {
        let name = self.lease();
        if let Some(held) = &mut self.held {
            let acting = &mut held.acting;
            // What is not given back is free when its deadline has passed.
            let _ = lease::give_back(acting, &self.log, Slot::Account, &name, &held.fence).await;
        }
    }
}

impl ReaderOptions {
    fn command(&self, group: &str, new: bool) -> redis::Cmd {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(group).arg(CONSUMER).arg("COUNT").arg(self.frames_max.max(1));
        if new {
            let block_ms = u64::try_from(self.block.as_millis()).unwrap_or(u64::MAX).max(1);
            command.arg("BLOCK").arg(block_ms);
        }
        command.arg("STREAMS");
        command
    }
}

fn deliver(
    partition: u16,
    entries: Vec<wire::Entry>,
    again: bool,
) -> impl Iterator<Item = Delivery> {
    entries.into_iter().map(move |mut entry| {
        let causes = entry.causes.take();
        Delivery { partition, frame: entry.into_frame(), causes, again }
    })
}
