//! Reading streams for those who do something outside with what they read: tell, file, archive.
//!
//! What is read is acknowledged after it was dealt with, so that it comes at least once. One
//! process at a time reads for a group: the others stand by.

mod reading;
mod strays;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;

use crate::backoff::Backoff;
use crate::clock;
use crate::connect::{Connection, Connections};
use crate::error::LogError;
use crate::groups;
use crate::horizon::Horizon;
use crate::lease::{self, Fence, LEASE_LENGTH, Lease};
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::script::SEEK;
use reading::{Batch, Readings};
use strays::{Of, Strays};

/// How long a reader waits at most before it asks again for a lease that another has.
const HELD_WAIT_MAX: Duration = Duration::from_millis(300);
/// The archive's group.
pub const ARCHIVE: &str = "archive";
/// The ledger's group on the bets.
pub const LEDGER: &str = "ledger";

/// Whether the group reads nothing before it is durable, so that it is always some seconds behind.
pub(crate) fn reads_behind_the_horizon(group: &str) -> bool {
    [ARCHIVE, LEDGER].contains(&group)
}

/// How long one reading waits for what was read to be durable.
const DURABLE_WITHIN: Duration = Duration::from_secs(1);

/// The consumer that all readers of a group read as.
const CONSUMER: &str = "owner";

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
    /// None before the first reading.
    readings: Option<Readings>,
    /// To the server that has the lease.
    acting: Connection,
    /// To those that have the partitions.
    looking: Connections,
    fence: Fence,
    renewed: Instant,
    horizons: BTreeMap<u16, Horizon>,
    strays: Strays,
    /// What was read and is not handed out yet: the caller may give up waiting for it.
    ready: Vec<Batch>,
    /// What was read is being put in order: the caller gave up in the middle of it.
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
        let mut command = SEEK.command([&*key]);
        command.arg(&group).arg(id.to_string());
        held.looking.of(&key).await?.run(&SEEK, &command).await?;
        // What was read ahead is pending, and comes again with what else is.
        held.readings = None;
        held.ready.retain(|batch| batch.partition != partition);
        held.strays.go_on_after(partition, id);
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
                Ok(None) => tokio::time::sleep(self.options.block.min(HELD_WAIT_MAX)).await,
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
        let keys: Vec<String> = self.partitions().map(|partition| self.key(partition)).collect();
        let Some(held) = &mut self.held else { return Ok(None) };
        if held.ready.is_empty() {
            held.read(&self.log, &self.group, &self.options, &keys).await?;
        }
        // The caller must get to renew the lease, so that there is no waiting without end.
        if self.options.durable_only && !held.are_durable(&self.log, self.stream, &keys).await? {
            return Ok(Some(Vec::new()));
        }
        let mut deliveries = Vec::new();
        for batch in std::mem::take(&mut held.ready) {
            deliveries.extend(deliver(batch));
        }
        Ok(Some(deliveries))
    }

    /// Becomes the group's reader; none while another is.
    async fn begin(&self) -> Result<Option<Held>, LogError> {
        let name = self.lease();
        let lease_key = self.log.namespace().fence(Slot::Account, &name);
        let mut acting = self.log.connector().open(lease_key).await?;
        let lease = lease::take(&mut acting, &self.log, Slot::Account, &name).await?;
        let Lease::Taken(fence) = lease else { return Ok(None) };
        let mut looking = self.log.connections();
        for partition in self.partitions() {
            let stream = self.key(partition);
            let connection = looking.of(&stream).await?;
            groups::ensure(connection, &stream, &self.group).await?;
            groups::refuse_rollback(connection, &stream, &self.group).await?;
        }
        Ok(Some(Held {
            readings: None,
            acting,
            looking,
            fence,
            renewed: clock::moment(),
            horizons: BTreeMap::new(),
            strays: Strays::default(),
            ready: Vec::new(),
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

impl Held {
    /// Reads on, and puts frames that nobody has in their places.
    async fn read(
        &mut self,
        log: &Log,
        group: &str,
        options: &ReaderOptions,
        keys: &[String],
    ) -> Result<(), LogError> {
        let readings = match &mut self.readings {
            Some(readings) => readings,
            None => {
                let begun = Readings::begin(log, group, options, keys).await?;
                self.readings.insert(begun)
            }
        };
        self.ready = readings.next(options.block).await?;
        let read_all = readings.is_empty();
        self.in_doubt = true;
        self.find_strays(group, keys, read_all).await?;
        self.in_doubt = false;
        Ok(())
    }

    async fn find_strays(
        &mut self,
        group: &str,
        keys: &[String],
        read_all: bool,
    ) -> Result<(), LogError> {
        let mut all = Vec::new();
        for batch in std::mem::take(&mut self.ready) {
            let key = &*keys[usize::from(batch.partition)];
            let of = Of { partition: batch.partition, key, group };
            if let (false, Some(first)) = (batch.again, batch.entries.first()) {
                let connection = self.looking.of(key).await?;
                all.extend(self.strays.before(connection, of, first.id).await?);
            }
            self.strays.come(&batch);
            all.push(batch);
        }
        if all.is_empty() && read_all {
            for (partition, key) in (0..).zip(keys) {
                let connection = self.looking.of(key).await?;
                let found = self.strays.idle(connection, Of { partition, key, group }).await?;
                found.iter().for_each(|batch| self.strays.come(batch));
                all.extend(found);
            }
        }
        self.ready = all;
        Ok(())
    }

    /// Waits for what is ready to be durable; false when it is not after a while.
    async fn are_durable(
        &mut self,
        log: &Log,
        stream: Stream,
        keys: &[String],
    ) -> Result<bool, LogError> {
        for batch in &self.ready {
            let Some(last) = batch.entries.last() else { continue };
            let connection = self.looking.of(&keys[usize::from(batch.partition)]).await?;
            let slot = log.namespace().slot_of(stream, batch.partition);
            let horizon = self.horizons.entry(batch.partition).or_default();
            if !horizon.passed(connection, (log, slot), last.id.ms, DURABLE_WITHIN).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn deliver(batch: Batch) -> impl Iterator<Item = Delivery> {
    let Batch { partition, entries, again } = batch;
    entries.into_iter().map(move |mut entry| {
        let causes = entry.causes.take();
        Delivery { partition, frame: entry.into_frame(), causes, again }
    })
}
