//! One partition's way into the feed.
//!
//! A lane's task appends whatever was waiting when its last append returned: single events while
//! there is little to do, full frames under load.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use marabet_schemas::frame::Frame;
use marabet_schemas::{EntryId, Event};
use redis::Value;
use tokio::sync::{Notify, watch};

use super::cut::Waiting;
use super::own::{Owned, own};
use super::pace::Pace;
use super::sent::SentFrames;
use crate::backoff::Backoff;
use crate::clock;
use crate::connect::Connection;
use crate::error::LogError;
use crate::horizon::Horizon;
use crate::log::Log;
use crate::script::APPEND;
use crate::{trace, wire};

/// Most frames in one append.
const FRAMES_AT_ONCE: usize = 16;
/// How often a lane looks whether the server still has what it was given, and what is durable.
const CONFIRM_EVERY: Duration = Duration::from_millis(500);
/// How often a lane that is held up looks again.
const HELD_UP_WAITS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// What producers and the lane's task share.
pub(crate) struct Lane {
    waiting: Mutex<WaitingState>,
    /// Wakes the task.
    wake: Notify,
    /// How far the task is.
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct WaitingState {
    waiting: Waiting,
    /// Events accepted so far.
    accepted: u64,
    closed: bool,
}

/// How far a lane is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// Rises whenever what waited was taken.
    taken: u64,
    /// Events that are in Redis.
    pub(crate) appended: u64,
    /// Events that are durable there.
    durable: u64,
    /// Why the lane ended, if it did.
    failed: Option<LogError>,
}

impl Lane {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            wake: Notify::new(),
            progress: watch::Sender::new(Progress::default()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, WaitingState> {
        // Nothing that is done under the lock can panic half way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line if there is room for it. The caller wakes the lane when it has added all.
    pub(crate) fn push(
        &self,
        line: &[u8],
        position: Option<u64>,
        event: Option<&Event>,
        bytes_max: usize,
    ) -> bool {
        let mut state = self.lock();
        if state.waiting.bytes() >= bytes_max {
            return false;
        }
        state.waiting.push(line, position, event.cloned());
        state.accepted += 1;
        true
    }

    /// Tells the lane's task that something waits.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until there is room again.
    pub(crate) async fn room(&self, bytes_max: usize) -> Result<(), LogError> {
        self.wake();
        let mut progress = self.progress.subscribe();
        loop {
            if let Some(error) = &progress.borrow_and_update().failed {
                return Err(error.clone());
            }
            if self.lock().waiting.bytes() < bytes_max {
                return Ok(());
            }
            // The sender lives in `self`, so that it cannot be gone.
            let _ = progress.changed().await;
        }
    }

    /// Why the lane ended, if it did.
    pub(crate) fn failure(&self) -> Option<LogError> {
        self.progress.borrow().failed.clone()
    }

    /// Waits until everything accepted so far is in Redis.
    pub(crate) async fn settled(&self) -> Result<(), LogError> {
        self.until(|progress, accepted| progress.appended >= accepted).await
    }

    /// Waits until everything accepted so far is durable in Redis.
    pub(crate) async fn durable(&self) -> Result<(), LogError> {
        self.until(|progress, accepted| progress.durable >= accepted).await
    }

    async fn until(&self, reached: impl Fn(&Progress, u64) -> bool) -> Result<(), LogError> {
        let accepted = self.lock().accepted;
        self.wake();
        let mut progress = self.progress.subscribe();
        let done = progress
            .wait_for(|progress| reached(progress, accepted) || progress.failed.is_some())
            .await;
        match done {
            Ok(progress) if reached(&progress, accepted) => Ok(()),
            Ok(progress) => Err(progress.failed.clone().expect("it was waited for")),
            Err(_) => Err(LogError::Asked("the writer was closed".to_owned())),
        }
    }

    /// Lets the task end once nothing waits.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }
}

/// The task of a lane.
pub(crate) struct LaneTask {
    pub(crate) lane: Arc<Lane>,
    pub(crate) log: Log,
    pub(crate) source: String,
    pub(crate) partition: u16,
    pub(super) owned: Owned,
    pub(crate) sent: SentFrames,
    pub(crate) pace: Pace,
    pub(crate) horizon: Horizon,
    /// When the horizon was last looked at.
    pub(crate) looked: Option<Instant>,
}

impl LaneTask {
    /// Appends what waits, until the lane is closed or fails.
    pub(crate) async fn run(mut self) {
        if let Err(error) = self.serve().await {
            tracing::error!(partition = self.partition, source = self.source, "{error}");
            self.lane.progress.send_modify(|progress| progress.failed = Some(error));
        }
    }

    async fn serve(&mut self) -> Result<(), LogError> {
        let lane = Arc::clone(&self.lane);
        let mut connection = None;
        loop {
            let (waiting, closed) = {
                let mut state = lane.lock();
                (std::mem::take(&mut state.waiting), state.closed)
            };
            if waiting.is_empty() {
                if closed {
                    return Ok(());
                }
                tokio::select! {
                    () = lane.wake.notified() => {}
                    () = tokio::time::sleep(CONFIRM_EVERY), if !self.sent.is_empty() => {
                        self.settle(&mut connection).await?;
                        self.look_at_horizon(&mut connection).await?;
                    }
                }
                continue;
            }
            lane.progress.send_modify(|progress| progress.taken += 1);
            let cuts = waiting.cut();
            let events: u64 = cuts.iter().map(|cut| cut.events as u64).sum();
            for cut in cuts {
                self.pace.count(1, cut.lines.len() as u64);
                self.sent.push(cut);
            }
            self.settle(&mut connection).await?;
            lane.progress.send_modify(|progress| progress.appended += events);
            if self.looked.is_none_or(|looked| looked.elapsed() >= CONFIRM_EVERY) {
                self.look_at_horizon(&mut connection).await?;
            }
            self.keep_pace(&mut connection).await?;
        }
    }

    /// Looks what of that which the server has is durable. All of it was just seen to be there.
    async fn look_at_horizon(
        &mut self,
        connection: &mut Option<Connection>,
    ) -> Result<(), LogError> {
        let slot = crate::Slot::Partition(self.partition);
        let looked = match open(&self.log, self.partition, connection).await {
            Ok(open) => self.horizon.look(open, (&self.log, slot)).await,
            Err(error) => Err(error),
        };
        self.looked = Some(clock::moment());
        match looked {
            Ok(_) => {}
            // The next append waits for the server.
            Err(error) if error.is_transient() => *connection = None,
            Err(error) => return Err(error),
        }
        if let Some(bound) = self.horizon.bound() {
            self.sent.durable(bound);
            let durable = self.sent.durable_events();
            self.lane.progress.send_modify(|progress| progress.durable = durable);
        }
        Ok(())
    }

    /// Sends until the server has every frame, however often it goes away meanwhile. With
    /// nothing to send it asks once whether the server has all that it had.
    async fn settle(&mut self, connection: &mut Option<Connection>) -> Result<(), LogError> {
        let mut backoff = Backoff::reconnect();
        loop {
            match self.append(connection).await {
                Ok(()) if self.sent.is_settled() => return Ok(()),
                Ok(()) => backoff.reset(),
                Err(error) if error.is_transient() => {
                    if !matches!(error, LogError::Full { .. }) {
                        *connection = None;
                    }
                    self.log.metrics().feed.held_up_by(Some(error.to_string()));
                    backoff.wait().await;
                    self.log.metrics().feed.held_up_by(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One append of the next frames.
    async fn append(&mut self, connection: &mut Option<Connection>) -> Result<(), LogError> {
        let connection = open(&self.log, self.partition, connection).await?;
        let names = self.log.namespace();
        let feed = names.stream(crate::Stream::Feed, self.partition);
        let source = names.source(crate::Slot::Partition(self.partition), &self.source);
        let (first, cuts) = self.sent.next(FRAMES_AT_ONCE);
        let mut command = APPEND.command([&*feed, &*source]);
        command.arg(&self.owned.fence).arg(first);
        for cut in &cuts {
            command.arg(cut.events).arg(&*cut.lines);
            command.arg(cut.position.map_or(String::new(), |position| position.to_string()));
        }
        let sent = clock::moment();
        let answer = connection.run(&APPEND, &command).await?;
        match parse(answer)? {
            Appended::Done { last, ids } => {
                let now = clock::moment();
                let metrics = &self.log.metrics().feed;
                let place = (crate::Stream::Feed, self.partition);
                for (id, cut) in ids.into_iter().zip(self.sent.next_mut(FRAMES_AT_ONCE)) {
                    metrics.appended(cut.events as u64, cut.lines.len() as u64);
                    let events = std::mem::take(&mut cut.handed);
                    let Some(id) = id else { continue };
                    self.log.stamps().note(self.partition, id, sent);
                    let took = now.duration_since(sent);
                    trace::appended(&self.source, self.partition, id, cut.events, took);
                    if events.len() == cut.events {
                        let frame = Frame::new(id, events);
                        self.log.handed().put(place, cut.lines.clone(), frame);
                    }
                }
                metrics.append_time.record(now.duration_since(sent));
                self.sent.acknowledge(last, now);
                Ok(())
            }
            Appended::Gap { last } if self.sent.rewind(last) => {
                tracing::warn!(
                    partition = self.partition,
                    source = self.source,
                    "the server lost batches after {last}; they are sent again"
                );
                Ok(())
            }
            Appended::Gap { last } => Err(self.lost(last)),
            Appended::Fenced { held } if held == self.owned.before => self.take_again().await,
            Appended::Fenced { .. } => Err(LogError::Fenced {
                what: format!("source {} of partition {}", self.source, self.partition),
            }),
        }
    }

    /// The server lost that this writer owns the source, with the end of its file or with a
    /// master whose replica did not have it yet, and nobody else has taken it since.
    async fn take_again(&mut self) -> Result<(), LogError> {
        let owned = own(&self.log, &self.source, self.partition).await?;
        tracing::warn!(
            partition = self.partition,
            source = self.source,
            "the server lost who owns the source; it is taken again after batch {}",
            owned.batch
        );
        let (before, last) = (self.owned.batch, owned.batch);
        self.owned = owned;
        // More than was there when it was first taken comes from the owner before, who was not
        // fenced off for a while: that may be cut otherwise than what this writer has.
        if last == before && self.sent.rewind(last) { Ok(()) } else { Err(self.lost(last)) }
    }

    fn lost(&self, last: u64) -> LogError {
        LogError::Asked(format!(
            "the server lost batches of source {} in partition {} after {last} that are not kept any more; read the source again from its position",
            self.source, self.partition
        ))
    }

    /// Waits while the feed is too far ahead of its readers.
    async fn keep_pace(&mut self, connection: &mut Option<Connection>) -> Result<(), LogError> {
        if !self.pace.is_due() {
            return Ok(());
        }
        let mut waits = Backoff::new(HELD_UP_WAITS.0, HELD_UP_WAITS.1);
        loop {
            let looked = match open(&self.log, self.partition, connection).await {
                Ok(open) => self.pace.look(open).await,
                Err(error) => Err(error),
            };
            match looked {
                Ok(None) => {
                    self.log.metrics().feed.held_up_by(None);
                    return Ok(());
                }
                Ok(Some(held_up)) => self.log.metrics().feed.held_up_by(Some(held_up.by)),
                // The next append waits for the server.
                Err(error) if error.is_transient() => {
                    *connection = None;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            waits.wait().await;
        }
    }
}

/// The lane's connection, opened where it was lost.
async fn open<'a>(
    log: &Log,
    partition: u16,
    connection: &'a mut Option<Connection>,
) -> Result<&'a mut Connection, LogError> {
    if connection.is_none() {
        let feed = log.namespace().stream(crate::Stream::Feed, partition);
        *connection = Some(log.connector().open(feed).await?);
    }
    Ok(connection.as_mut().expect("it was just put there"))
}

/// What came of an append.
enum Appended {
    /// The frames are there; each with its ID where it was this append that brought it.
    Done { last: u64, ids: Vec<Option<EntryId>> },
    /// Batches before are missing.
    Gap { last: u64 },
    /// The source has another owner, by its fence; empty where it has none.
    Fenced { held: String },
}

fn parse(answer: Value) -> Result<Appended, LogError> {
    let unexpected = || LogError::unexpected("append", &Value::Nil);
    let mut parts = wire::array(answer).ok_or_else(unexpected)?.into_iter();
    let word = parts.next().ok_or_else(unexpected)?;
    let second = parts.next().ok_or_else(unexpected)?;
    if wire::text(&word) == Some("fenced") {
        let held = wire::text(&second).ok_or_else(unexpected)?.to_owned();
        return Ok(Appended::Fenced { held });
    }
    let Value::Int(last) = second else { return Err(unexpected()) };
    let last = last as u64;
    match wire::text(&word) {
        Some("ok") => {
            Ok(Appended::Done { last, ids: parts.map(|id| wire::entry_id(&id)).collect() })
        }
        Some("gap") => Ok(Appended::Gap { last }),
        _ => Err(unexpected()),
    }
}
