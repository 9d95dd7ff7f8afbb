//! Writing facts into the feed.
//!
//! Per partition and source the server keeps a fence, the number of the last batch, and the
//! position of its last event. After an unclear answer the writer shows the batch number again
//! and the server says what it has: each batch is in the feed once, in order.

mod claims;
mod cut;
mod lane;
mod own;
mod pace;
mod sent;

use std::sync::Arc;

use marabet_schemas::{Event, Source};
use tokio::task::JoinSet;

use crate::backoff::Backoff;
use crate::error::LogError;
use crate::horizon::Horizon;
use crate::log::Log;
use crate::namespace::Stream;
use claims::Claims;
use lane::{Lane, LaneTask};
use own::own;
use pace::Pace;
use sent::SentFrames;

pub use pace::Ahead;

/// Bounds of a writer.
#[derive(Debug, Clone)]
pub struct FeedOptions {
    /// How far the feed may run ahead of its readers.
    pub ahead: Ahead,
    /// Most bytes of a partition that wait to be appended; above it `append` waits.
    pub waiting_bytes_max: usize,
    /// Most bytes of a partition kept to be sent again when the server loses its last second.
    pub kept_bytes_max: usize,
    /// Which of several sources is believed that report one book: the order of their names. None
    /// where each is the only one for its books.
    pub source_priority: Vec<String>,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self {
            ahead: Ahead::default(),
            waiting_bytes_max: 256 << 10,
            kept_bytes_max: 32 << 20,
            source_priority: Vec::new(),
        }
    }
}

/// Largest event that is taken, in bytes of its line.
pub const EVENT_BYTES_MAX: usize = 1 << 20;

/// The owner of a source: appends its facts, each to its match's partition, and those that
/// concern the whole system to every partition.
///
/// The order of `append` calls is kept within each partition. A later writer of the same source
/// takes it over, and this one then fails with [`LogError::Fenced`].
pub struct FeedWriter {
    log: Log,
    options: FeedOptions,
    lanes: Vec<Arc<Lane>>,
    /// The position of the last event of each partition, as the server had it at the start.
    positions: Vec<Option<u64>>,
    tasks: JoinSet<()>,
    /// None where no other source may speak for the same books.
    claims: Option<tokio::sync::Mutex<Claims>>,
}

impl FeedWriter {
    /// Becomes the owner of a source.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn open(log: &Log, source: &Source, options: FeedOptions) -> Result<Self, LogError> {
        let claims = Claims::of(source.as_str(), &options.source_priority);
        let mut writer = Self {
            log: log.clone(),
            options,
            lanes: Vec::new(),
            positions: Vec::new(),
            tasks: JoinSet::new(),
            claims: claims.map(tokio::sync::Mutex::new),
        };
        for partition in 0..log.namespace().partitions() {
            let owned = own(log, source.as_str(), partition).await?;
            writer.positions.push(owned.position);
            let lane = Lane::new();
            let task = LaneTask {
                lane: Arc::clone(&lane),
                log: log.clone(),
                source: source.as_str().to_owned(),
                partition,
                sent: SentFrames::after(owned.batch, writer.options.kept_bytes_max),
                pace: Pace::new(writer.options.ahead.clone(), log.namespace(), partition),
                horizon: Horizon::default(),
                looked: None,
                owned,
            };
            writer.tasks.spawn(task.run());
            writer.lanes.push(lane);
        }
        Ok(writer)
    }

    /// The position from which a source that can be read again has to be read: the lowest that
    /// any partition may lack. Events that a partition has are passed over by
    /// [`Self::append_from`], so that starting too early does no harm.
    #[must_use]
    pub fn resume_from(&self) -> u64 {
        self.positions.iter().map(|position| position.map_or(0, |at| at + 1)).min().unwrap_or(0)
    }

    /// Appends events that have no position. Returns when all are accepted, which waits for room.
    ///
    /// # Errors
    /// What made an earlier append fail; the writer then takes no more. Redis being away is no
    /// error: the writer waits for it.
    pub async fn append(&self, events: &[Event]) -> Result<(), LogError> {
        self.append_positioned(events, None).await
    }

    /// Appends events at the positions `first`, `first + 1`, … of their source, which rise over
    /// the source's whole life. Those that a partition has had already, before a restart, are
    /// passed over: a source that is read again appends each event once.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn append_from(&self, first: u64, events: &[Event]) -> Result<(), LogError> {
        self.append_positioned(events, Some(first)).await
    }

    async fn append_positioned(
        &self,
        events: &[Event],
        first: Option<u64>,
    ) -> Result<(), LogError> {
        let mut line = Vec::with_capacity(512);
        let mut touched = vec![false; self.lanes.len()];
        let handed = self.log.handed();
        let is_read = |partition: usize| handed.is_read((Stream::Feed, partition as u16));
        let read: Vec<bool> = (0..self.lanes.len()).map(is_read).collect();
        for (index, event) in (0..).zip(events) {
            let position = first.map(|first: u64| first + index);
            line.clear();
            event.write(&mut line);
            if line.len() > EVENT_BYTES_MAX {
                return Err(LogError::Asked(format!(
                    "an event of {} bytes is larger than {EVENT_BYTES_MAX}; it was not appended, nor were those after it",
                    line.len()
                )));
            }
            for partition in self.log.namespace().partitions_of(event) {
                let partition = usize::from(partition);
                let had = self.positions[partition];
                if position.zip(had).is_some_and(|(position, had)| position <= had) {
                    continue;
                }
                if !self.speaks(partition, event).await? {
                    self.log.metrics().feed.outranked.add(1);
                    continue;
                }
                let event = read[partition].then_some(event);
                self.push(partition, &line, position, event).await?;
                touched[partition] = true;
            }
        }
        for (lane, _) in self.lanes.iter().zip(&touched).filter(|(_, touched)| **touched) {
            lane.wake();
        }
        Ok(())
    }

    /// Whether the event may go into the feed, or another source speaks for its book.
    async fn speaks(&self, partition: usize, event: &Event) -> Result<bool, LogError> {
        let Some(claims) = &self.claims else { return Ok(true) };
        let mut claims = claims.lock().await;
        let mut backoff = Backoff::reconnect();
        loop {
            match claims.allow(&self.log, partition as u16, event).await {
                Err(error) if error.is_transient() => backoff.wait().await,
                answer => return answer,
            }
        }
    }

    async fn push(
        &self,
        lane: usize,
        line: &[u8],
        position: Option<u64>,
        event: Option<&Event>,
    ) -> Result<(), LogError> {
        let lane = &self.lanes[lane];
        if let Some(error) = lane.failure() {
            return Err(error);
        }
        while !lane.push(line, position, event, self.options.waiting_bytes_max) {
            lane.room(self.options.waiting_bytes_max).await?;
        }
        Ok(())
    }

    /// Appends a line as it is to a partition, for facts that are put in by hand.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn append_line(&self, partition: u16, line: &str) -> Result<(), LogError> {
        if usize::from(partition) >= self.lanes.len() {
            return Err(LogError::Asked(format!("there is no partition {partition}")));
        }
        self.push(usize::from(partition), line.as_bytes(), None, None).await?;
        self.lanes[usize::from(partition)].wake();
        Ok(())
    }

    /// Waits until everything accepted so far is in Redis.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn flush(&self) -> Result<(), LogError> {
        for lane in &self.lanes {
            lane.wake();
        }
        for lane in &self.lanes {
            lane.settled().await?;
        }
        Ok(())
    }

    /// Waits until everything accepted so far is durable: on the server's disk, and on its
    /// replicas where one of them may take over. Takes two seconds and more. Whoever tells a
    /// sender that he need not keep what he sent waits for this first.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn flush_durable(&self) -> Result<(), LogError> {
        self.flush().await?;
        for lane in &self.lanes {
            lane.durable().await?;
        }
        Ok(())
    }

    /// Appends what still waits, and ends.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn close(mut self) -> Result<(), LogError> {
        let flushed = self.flush().await;
        for lane in &self.lanes {
            lane.close();
        }
        while self.tasks.join_next().await.is_some() {}
        flushed
    }
}
