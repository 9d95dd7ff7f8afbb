//! One tenure of a stage over a partition: from taking the lease to losing or giving it back.

use std::time::{Duration, Instant};

use marabet_schemas::frame::Frame;
use marabet_schemas::{Body, EntryId};
use marabet_stage::{Driver, FrameError, FrameOutput, Stage};
use redis::Cmd;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::load::load_state;
use super::reader::{CONSUMER, Read, Reader};
use super::{Attempts, RunOptions};
use crate::backoff::Backoff;
use crate::clock;
use crate::commit::{self, Batch, Committed, Line, Lives};
use crate::connect::Connection;
use crate::error::LogError;
use crate::groups;
use crate::lease::{self, Fence, LEASE_LENGTH, Lease};
use crate::log::Log;
use crate::metrics::{Condition, StageMetrics};
use crate::namespace::Slot;
use crate::shutdown::Shutdown;
use crate::{trace, watchdog};

/// How a tenure ended that did not fail.
pub(crate) enum End {
    /// The runner was asked to end.
    Asked,
    /// Another has the lease.
    Held { owner: String, left: Duration },
    /// A commit was refused, or the lease was lost: memory is out of step with the log.
    Refused { reason: String },
    /// A newer program wrote what comes next.
    Newer { reason: String },
}

/// Ends a step early: by an end of the tenure, or by an error.
enum Stop {
    End(End),
    Error(LogError),
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Self::Error(error)
    }
}

/// Batches that are fetched and decoded ahead of the one being applied.
const READ_AHEAD: usize = 1;
/// How often a missing artefact is looked for.
const MISSING_WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

pub(crate) struct Tenure<'a, S> {
    log: &'a Log,
    line: Line<'a>,
    options: &'a RunOptions,
    metrics: &'a StageMetrics,
    driver: &'a mut Driver<S>,
    attempts: &'a mut Attempts,
    committed: bool,
}

/// The lease that a tenure has, and the connection for everything that does not block.
struct Held {
    connection: Connection,
    fence: Fence,
    renewed: Instant,
    lives: Lives,
}

impl<'a, S: Stage> Tenure<'a, S> {
    pub(crate) fn new(
        log: &'a Log,
        line: Line<'a>,
        options: &'a RunOptions,
        metrics: &'a StageMetrics,
        driver: &'a mut Driver<S>,
        attempts: &'a mut Attempts,
    ) -> Self {
        Self { log, line, options, metrics, driver, attempts, committed: false }
    }

    /// Whether anything was committed.
    pub(crate) fn committed(&self) -> bool {
        self.committed
    }

    fn slot(&self) -> Slot {
        Slot::Partition(self.line.partition)
    }

    fn set_condition(&self, condition: Condition) {
        self.metrics.set_condition(self.line.partition, condition);
    }

    /// Takes the lease, loads the state, and takes frames until something ends it.
    pub(crate) async fn serve(&mut self, shutdown: &mut Shutdown) -> Result<End, LogError> {
        let (slot, stage) = (self.slot(), self.line.stage);
        let key = self.log.namespace().fence(slot, stage);
        let mut connection = self.log.connector().open(key).await?;
        let fence = match lease::take(&mut connection, self.log, slot, stage).await? {
            Lease::Taken(fence) => fence,
            Lease::Held { owner, left } => return Ok(End::Held { owner, left }),
        };
        let mut held =
            Held { connection, fence, renewed: clock::moment(), lives: Lives::default() };
        let end = match self.work(&mut held, shutdown).await {
            Ok(()) => End::Asked,
            Err(Stop::End(end)) => end,
            Err(Stop::Error(error)) if is_group_gone(&error) => {
                End::Refused { reason: error.to_string() }
            }
            Err(Stop::Error(error)) => return Err(error),
        };
        if matches!(end, End::Asked | End::Newer { .. }) {
            // What is not given back is free when its deadline has passed.
            let _ =
                lease::give_back(&mut held.connection, self.log, slot, stage, &held.fence).await;
        }
        Ok(end)
    }

    /// Returns when the runner was asked to end.
    async fn work(&mut self, held: &mut Held, shutdown: &mut Shutdown) -> Result<(), Stop> {
        self.set_condition(Condition::Loading);
        let names = self.log.namespace();
        let input = names.stream(self.line.input, self.line.partition);
        groups::ensure(&mut held.connection, &input, self.line.stage).await?;
        groups::claim_all(&mut held.connection, &input, self.line.stage, CONSUMER).await?;
        groups::refuse_rollback(&mut held.connection, &input, self.line.stage).await?;
        self.attempts.absolve(&mut held.connection).await?;
        let state = names.state(self.slot(), self.line.stage);
        load_state(&mut held.connection, &state, self.driver).await?;

        // The task ends with this set, and its connection with the task.
        let mut tasks = JoinSet::new();
        let (to, mut frames) = mpsc::channel(READ_AHEAD);
        tasks.spawn(Reader::open(self.log, self.line, self.options).await?.run(to));
        self.set_condition(Condition::Running);
        let mut stray = None;
        loop {
            let Some(read) = shutdown.unless_asked(frames.recv()).await else { return Ok(()) };
            let gone = || LogError::Asked("the reader's task is gone".to_owned());
            let read: Read = read.ok_or_else(gone)??;
            self.keep_lease(held).await?;
            if read.frames.is_empty() {
                stray = self.look_for_stray(held, &input, stray).await?;
                continue;
            }
            stray = None;
            let spans = trace::frames(self.line.stage, self.line.partition, &read.frames);
            let taking = self.take_read(held, &read, shutdown);
            taking.instrument(trace::first(&spans)).await?;
        }
    }

    async fn take_read(
        &mut self,
        held: &mut Held,
        read: &Read,
        shutdown: &mut Shutdown,
    ) -> Result<(), Stop> {
        if !read.again {
            return self.take(held, &read.frames, shutdown).await;
        }
        for frame in &read.frames {
            self.take_again(held, frame, shutdown).await?;
        }
        Ok(())
    }

    /// Looks whether a frame is pending although nothing comes: it was handed to the blocked
    /// read of an owner before, and no commit would notice it as long as nothing else comes. A
    /// frame that is pending at one look may be on its way; at the second it is a stray.
    async fn look_for_stray(
        &mut self,
        held: &mut Held,
        input: &str,
        before: Option<EntryId>,
    ) -> Result<Option<EntryId>, Stop> {
        let found = groups::first_pending(&mut held.connection, input, self.line.stage).await?;
        match found {
            Some(id) if before == found => {
                let reason = format!("frame {id} was handed to someone else");
                Err(Stop::End(End::Refused { reason }))
            }
            found => Ok(found),
        }
    }

    /// Renews the lease when a third of it has passed.
    async fn keep_lease(&mut self, held: &mut Held) -> Result<(), Stop> {
        if held.renewed.elapsed() < LEASE_LENGTH / 3 {
            return Ok(());
        }
        let (slot, stage) = (self.slot(), self.line.stage);
        let kept = lease::renew(&mut held.connection, self.log, slot, stage, &held.fence).await?;
        if !kept {
            let reason = "another process has taken the lease".to_owned();
            return Err(Stop::End(End::Refused { reason }));
        }
        held.renewed = clock::moment();
        Ok(())
    }

    /// Takes a frame that was handed out before. Each is counted before it is applied and its
    /// count taken away by its commit: one that ends the process again and again stands out.
    async fn take_again(
        &mut self,
        held: &mut Held,
        frame: &Frame,
        shutdown: &mut Shutdown,
    ) -> Result<(), Stop> {
        let ended = self.attempts.begin(&mut held.connection, &frame.id.to_string()).await?;
        if ended >= self.options.attempts_max {
            let reason = format!("{ended} attempts to apply its frame ended the process");
            self.quarantine(held, frame, &reason).await?;
        } else {
            self.take(held, std::slice::from_ref(frame), shutdown).await?;
        }
        self.attempts.committed();
        Ok(())
    }

    /// Applies frames and commits what follows, waiting for artefacts that are missing.
    async fn take(
        &mut self,
        held: &mut Held,
        frames: &[Frame],
        shutdown: &mut Shutdown,
    ) -> Result<(), Stop> {
        let mut rest = frames;
        let mut waits = Backoff::new(MISSING_WAITS.0, MISSING_WAITS.1);
        while !rest.is_empty() {
            let started = clock::moment();
            let error = match self.apply(rest) {
                Ok(outputs) => {
                    self.metrics.apply_time.record(started.elapsed());
                    return self.write(held, rest, outputs).await;
                }
                Err(error) => error,
            };
            let (FrameError::Newer { id, .. } | FrameError::Missing { id, .. }) = &error;
            let good = rest.iter().position(|frame| frame.id == *id).unwrap_or(0);
            if good > 0 {
                let (before, after) = rest.split_at(good);
                let outputs = self.apply(before);
                let outputs = outputs.map_err(|error| LogError::Asked(error.to_string()))?;
                self.write(held, before, outputs).await?;
                rest = after;
            }
            match error {
                FrameError::Newer { .. } => {
                    return Err(Stop::End(End::Newer { reason: error.to_string() }));
                }
                FrameError::Missing { hash, .. } => match self.log.get_artefact(&hash).await {
                    Ok(_) => {
                        waits.reset();
                        self.set_condition(Condition::Running);
                    }
                    Err(LogError::Artefact { reason, .. }) => {
                        let reason = format!("{error}: {reason}");
                        tracing::warn!(stage = self.line.stage, "{reason}; trying again");
                        self.set_condition(Condition::Missing { reason });
                        self.keep_lease(held).await?;
                        if shutdown.unless_asked(waits.wait()).await.is_none() {
                            return Err(Stop::End(End::Asked));
                        }
                    }
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Ok(())
    }

    fn apply(&mut self, frames: &[Frame]) -> Result<Vec<FrameOutput>, FrameError> {
        let Line { stage, partition, .. } = self.line;
        let _watched = watchdog::watch(self.options.apply_max, &self.options.on_stuck, || {
            let first = frames.first().map_or_else(String::new, |frame| frame.id.to_string());
            format!("{stage} does not return from partition {partition}, {first} and on")
        });
        self.driver.apply(frames, self.log.artefacts())
    }

    /// Commits what follows from frames that were applied.
    async fn write(
        &mut self,
        held: &mut Held,
        frames: &[Frame],
        outputs: Vec<FrameOutput>,
    ) -> Result<(), Stop> {
        let changes = match self.driver.changes() {
            Ok(changes) => changes,
            Err(error) => {
                self.driver.take_back();
                return self.write_apart(held, frames, &error.to_string()).await;
            }
        };
        let batch = Batch { outputs: &outputs, changes: &changes, quarantined: &[] };
        let (command, lines) =
            commit::command(self.log, self.line, &held.fence, batch, &mut held.lives);
        let count = Count::of(frames, &outputs);
        let place = (self.line.output, self.line.partition);
        for (output, lines) in outputs.into_iter().zip(lines) {
            if !output.events.is_empty() {
                self.log.handed().put(place, output.id, lines, output.events);
            }
        }
        self.send(held, &command).await?;
        self.driver.keep();
        self.measure(&count);
        Ok(())
    }

    /// Commits frames one by one, of which one leads to state that cannot be written: its events
    /// become dead letters.
    async fn write_apart(
        &mut self,
        held: &mut Held,
        frames: &[Frame],
        reason: &str,
    ) -> Result<(), Stop> {
        if let [frame] = frames {
            let output = self.driver.give_up(frame, reason);
            let outputs = [output];
            let batch = Batch { outputs: &outputs, changes: &[], quarantined: &[] };
            self.commit(held, batch).await?;
            self.measure(&Count::of(frames, &outputs));
            return Ok(());
        }
        for frame in frames {
            let frame = std::slice::from_ref(frame);
            let outputs = self.apply(frame);
            let outputs = outputs.map_err(|error| LogError::Asked(error.to_string()))?;
            Box::pin(self.write(held, frame, outputs)).await?;
        }
        Ok(())
    }

    /// Passes over a frame that ends the process whenever it is applied.
    async fn quarantine(
        &mut self,
        held: &mut Held,
        frame: &Frame,
        reason: &str,
    ) -> Result<(), Stop> {
        tracing::error!(
            stage = self.line.stage,
            partition = self.line.partition,
            "frame {} is quarantined: {reason}",
            frame.id
        );
        let outputs = [self.driver.give_up(frame, reason)];
        let quarantined = [(frame.id, reason.to_owned())];
        let batch = Batch { outputs: &outputs, changes: &[], quarantined: &quarantined };
        self.commit(held, batch).await?;
        self.measure(&Count::of(std::slice::from_ref(frame), &outputs));
        Ok(())
    }

    async fn commit(&mut self, held: &mut Held, batch: Batch<'_>) -> Result<(), Stop> {
        let (command, _) =
            commit::command(self.log, self.line, &held.fence, batch, &mut held.lives);
        self.send(held, &command).await
    }

    async fn send(&mut self, held: &mut Held, command: &Cmd) -> Result<(), Stop> {
        let sent = clock::moment();
        let refused = |reason| Err(Stop::End(End::Refused { reason }));
        match commit::send(&mut held.connection, command).await? {
            Committed::Done => {
                self.metrics.commit_time.record(sent.elapsed());
                self.metrics.commits.add(1);
                self.committed = true;
                Ok(())
            }
            Committed::Fenced => refused("another process has taken the lease".to_owned()),
            Committed::NotHead { expected, found } => refused(format!(
                "frame {expected} is not the first that is pending, which is {found}"
            )),
        }
    }

    fn measure(&self, count: &Count) {
        let metrics = self.metrics;
        metrics.frames.add(count.frames);
        metrics.events.add(count.events);
        metrics.derived.add(count.derived);
        metrics.dead.add(count.dead);
        for &(id, has_bets) in &count.outputs {
            let age = self.log.stamps().age(self.line.partition, id);
            metrics.latency.record(age);
            if has_bets {
                metrics.bet_latency.record(age);
            }
        }
    }
}

/// What the metrics say of a commit.
struct Count {
    frames: u64,
    events: u64,
    derived: u64,
    dead: u64,
    /// The frames that led to something, and whether to bets.
    outputs: Vec<(EntryId, bool)>,
}

impl Count {
    fn of(frames: &[Frame], outputs: &[FrameOutput]) -> Self {
        let has_bets = |output: &FrameOutput| {
            output.events.iter().any(|event| matches!(event.body, Body::ValueBet(_)))
        };
        let led = outputs.iter().filter(|output| !output.events.is_empty());
        Self {
            frames: frames.len() as u64,
            events: frames.iter().map(|frame| frame.events.len() as u64).sum(),
            derived: outputs.iter().map(|output| output.events.len() as u64).sum(),
            dead: outputs.iter().map(|output| output.dead.len() as u64).sum(),
            outputs: led.map(|output| (output.id, has_bets(output))).collect(),
        }
    }
}

/// Whether the stream or the group was lost by the server: starting over makes them again.
fn is_group_gone(error: &LogError) -> bool {
    matches!(error, LogError::Reply { reason, .. }
        if reason.contains("NOGROUP") || reason.contains("UNBLOCKED"))
}
