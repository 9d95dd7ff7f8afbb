//! One tenure of a stage of the account: from taking the lease to losing or giving it back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use marabet_stage::{Driver, FrameError, FrameOutput, Stage};
use tokio::sync::OwnedMutexGuard;
use tracing::Instrument;

use super::commit::{self, Committed, Taken};
use super::reader::{Read, Reader};
use crate::backoff::Backoff;
use crate::clock;
use crate::commit::Lives;
use crate::connect::{Connection, Connections};
use crate::error::LogError;
use crate::groups;
use crate::horizon::replicated;
use crate::lease::{self, Fence, LEASE_LENGTH, Lease};
use crate::log::Log;
use crate::metrics::{Condition, StageMetrics};
use crate::namespace::{Slot, Stream};
use crate::read::last_generated;
use crate::runner::{Attempts, RunOptions, load_state};
use crate::shutdown::Shutdown;
use crate::{trace, watchdog};

/// How a tenure ended that did not fail.
pub(crate) enum End {
    Asked,
    Held { owner: String, left: Duration },
    Refused { reason: String },
    Newer { reason: String },
}

enum Stop {
    End(End),
    Error(LogError),
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Self::Error(error)
    }
}

/// How often a missing artefact is looked for.
const MISSING_WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How long replicas may take to say that they have what is to be taken, before the lease is
/// looked at again.
const REPLICAS_WITHIN: Duration = Duration::from_millis(500);

pub(crate) struct Tenure<'a, S> {
    log: &'a Log,
    stage: &'a str,
    input: Stream,
    output: Stream,
    options: &'a RunOptions,
    metrics: &'a StageMetrics,
    driver: &'a mut Driver<S>,
    attempts: &'a mut Attempts,
    committed: bool,
    /// Held while a frame is taken that may have ended a process.
    alone: Option<OwnedMutexGuard<()>>,
}

/// The lease that a tenure has, and how far it is in each partition.
struct Held {
    /// To the server that has the account.
    connection: Connection,
    /// To those that have the partitions.
    inputs: Connections,
    fence: Fence,
    renewed: Instant,
    offsets: BTreeMap<u16, EntryId>,
    lives: Lives,
    /// Partitions from which something was read: what is read first may have been begun before.
    read_from: BTreeSet<u16>,
}

impl<'a, S: Stage> Tenure<'a, S> {
    pub(crate) fn new(
        log: &'a Log,
        stage: &'a str,
        (input, output): (Stream, Stream),
        options: &'a RunOptions,
        metrics: &'a StageMetrics,
        driver: &'a mut Driver<S>,
        attempts: &'a mut Attempts,
    ) -> Self {
        let (committed, alone) = (false, None);
        Self { log, stage, input, output, options, metrics, driver, attempts, committed, alone }
    }

    /// Whether anything was committed.
    pub(crate) fn committed(&self) -> bool {
        self.committed
    }

    /// Takes the lease, loads the state, and takes frames until something ends it.
    pub(crate) async fn serve(&mut self, shutdown: &mut Shutdown) -> Result<End, LogError> {
        let slot = Slot::Account;
        let key = self.log.namespace().fence(slot, self.stage);
        let mut connection = self.log.connector().open(key).await?;
        let fence = match lease::take(&mut connection, self.log, slot, self.stage).await? {
            Lease::Taken(fence) => fence,
            Lease::Held { owner, left } => return Ok(End::Held { owner, left }),
        };
        let renewed = clock::moment();
        let mut held = Held {
            connection,
            inputs: self.log.connections(),
            fence,
            renewed,
            offsets: BTreeMap::new(),
            lives: Lives::default(),
            read_from: BTreeSet::new(),
        };
        let worked = self.work(&mut held, shutdown).await;
        self.alone = None;
        let end = match worked {
            Ok(()) => End::Asked,
            Err(Stop::End(end)) => end,
            Err(Stop::Error(error)) => return Err(error),
        };
        if matches!(end, End::Asked | End::Newer { .. }) {
            // What is not given back is free when its deadline has passed.
            let connection = &mut held.connection;
            let _ = lease::give_back(connection, self.log, slot, self.stage, &held.fence).await;
        }
        Ok(end)
    }

    /// Returns when the runner was asked to end.
    async fn work(&mut self, held: &mut Held, shutdown: &mut Shutdown) -> Result<(), Stop> {
        self.metrics.set_condition(super::SHOWN_AS, Condition::Loading);
        self.load(held).await?;
        // The tasks end with this set, and their connections with the tasks.
        let (_tasks, mut reads) =
            Reader::begin(self.log, self.input, &held.offsets, self.options).await?;
        self.metrics.set_condition(super::SHOWN_AS, Condition::Running);
        loop {
            let Some(read) = shutdown.unless_asked(reads.recv()).await else { return Ok(()) };
            let gone = || LogError::Asked("the reader's task is gone".to_owned());
            let read: Read = read.ok_or_else(gone)??;
            self.keep_lease(held).await?;
            for (partition, frames) in &read {
                self.wait_replicated(held, *partition).await?;
                let spans = trace::frames(self.stage, *partition, frames);
                let span = trace::first(&spans);
                let taken = if held.read_from.insert(*partition) && !frames.is_empty() {
                    self.take_again(held, *partition, frames, shutdown).instrument(span).await
                } else {
                    self.take(held, *partition, frames, shutdown).instrument(span).await
                };
                drop(spans);
                self.show_group(held, *partition).await?;
                taken?;
            }
        }
    }

    /// Loads state and offsets, and makes the groups that show how far the stage is.
    async fn load(&mut self, held: &mut Held) -> Result<(), Stop> {
        let names = self.log.namespace();
        let connection = &mut held.connection;
        self.attempts.absolve(connection).await?;
        let state = names.state(Slot::Account, self.stage);
        load_state(connection, &state, self.driver).await?;
        let mut command = redis::cmd("HGETALL");
        command.arg(names.offsets(self.stage));
        let offsets: BTreeMap<String, String> = connection.query(&command).await?;
        for (partition, offset) in &offsets {
            let unexpected = |_| LogError::Asked(format!("`{partition} {offset}` is no offset"));
            let id = offset.parse().map_err(|_| ()).map_err(unexpected)?;
            held.offsets.insert(partition.parse().map_err(|_| ()).map_err(unexpected)?, id);
        }
        for partition in 0..names.partitions() {
            let stream = names.stream(self.input, partition);
            let connection = held.inputs.of(&stream).await?;
            groups::ensure(connection, &stream, self.stage).await?;
            let offset = held.offsets.get(&partition).copied().unwrap_or_default();
            let last = last_generated(connection, &stream).await?;
            if last < offset {
                let reader = self.stage.to_owned();
                return Err(LogError::Rollback { stream, reader, offset, last }.into());
            }
        }
        // An owner before may have ended between a commit and this.
        for partition in 0..names.partitions() {
            self.show_group(held, partition).await?;
        }
        Ok(())
    }

    async fn keep_lease(&mut self, held: &mut Held) -> Result<(), Stop> {
        if held.renewed.elapsed() < LEASE_LENGTH / 3 {
            return Ok(());
        }
        let connection = &mut held.connection;
        if !lease::renew(connection, self.log, Slot::Account, self.stage, &held.fence).await? {
            let reason = "another process has taken the lease".to_owned();
            return Err(Stop::End(End::Refused { reason }));
        }
        held.renewed = clock::moment();
        Ok(())
    }

    /// Moves the partition's group to what was taken, so that it shows and may be trimmed.
    async fn show_group(&mut self, held: &mut Held, partition: u16) -> Result<(), Stop> {
        let Some(offset) = held.offsets.get(&partition) else { return Ok(()) };
        let stream = self.log.namespace().stream(self.input, partition);
        let mut command = redis::cmd("XGROUP");
        command.arg("SETID").arg(&stream).arg(self.stage).arg(offset.to_string());
        held.inputs.of(&stream).await?.ask(&command).await?;
        Ok(())
    }

    /// Waits until replicas have what was read of a partition. Its server may fail, and another
    /// take over that never had it: what was taken from it would then have come from nowhere.
    async fn wait_replicated(&mut self, held: &mut Held, partition: u16) -> Result<(), Stop> {
        if self.log.replicas() == 0 {
            return Ok(());
        }
        let slot = Slot::Partition(partition);
        let stream = self.log.namespace().stream(self.input, partition);
        loop {
            let connection = held.inputs.of(&stream).await?;
            if replicated(connection, (self.log, slot), REPLICAS_WITHIN).await? {
                self.metrics.set_condition(super::SHOWN_AS, Condition::Running);
                return Ok(());
            }
            let reason = format!("partition {partition} has no replica that keeps up");
            self.metrics.set_condition(super::SHOWN_AS, Condition::Away { reason });
            self.keep_lease(held).await?;
        }
    }

    /// Takes frames one by one that an owner before may have begun to take. Each is counted
    /// before it is applied: one that ends the process again and again stands out.
    async fn take_again(
        &mut self,
        held: &mut Held,
        partition: u16,
        frames: &[Frame],
        shutdown: &mut Shutdown,
    ) -> Result<(), Stop> {
        for frame in frames {
            self.alone = Some(Arc::clone(self.log.suspects()).lock_owned().await);
            let place = format!("{partition}/{}", frame.id);
            let ended = self.attempts.begin(&mut held.connection, &place).await?;
            let one = std::slice::from_ref(frame);
            if ended >= self.options.attempts_max {
                let reason = format!("{ended} attempts to apply its frame ended the process");
                tracing::error!(stage = self.stage, "frame {place} is quarantined: {reason}");
                let outputs = vec![self.driver.give_up(frame, &reason)];
                self.write(held, partition, one, outputs, Some(&reason)).await?;
            } else {
                self.take(held, partition, one, shutdown).await?;
            }
            self.attempts.committed();
            self.alone = None;
        }
        Ok(())
    }

    /// Applies frames of a partition and commits what follows, waiting for missing artefacts.
    async fn take(
        &mut self,
        held: &mut Held,
        partition: u16,
        frames: &[Frame],
        shutdown: &mut Shutdown,
    ) -> Result<(), Stop> {
        let mut rest = frames;
        let mut waits = Backoff::new(MISSING_WAITS.0, MISSING_WAITS.1);
        while !rest.is_empty() {
            let error = match self.apply(partition, rest) {
                Ok(outputs) => return self.write(held, partition, rest, outputs, None).await,
                Err(error) => error,
            };
            let (FrameError::Newer { id, .. } | FrameError::Missing { id, .. }) = &error;
            let good = rest.iter().position(|frame| frame.id == *id).unwrap_or(0);
            if good > 0 {
                let (before, after) = rest.split_at(good);
                let outputs = self.apply(partition, before);
                let outputs = outputs.map_err(|error| LogError::Asked(error.to_string()))?;
                self.write(held, partition, before, outputs, None).await?;
                rest = after;
            }
            match error {
                FrameError::Newer { .. } => {
                    return Err(Stop::End(End::Newer { reason: error.to_string() }));
                }
                FrameError::Missing { hash, .. } => match self.log.get_artefact(&hash).await {
                    Ok(_) => waits.reset(),
                    Err(LogError::Artefact { reason, .. }) => {
                        let reason = format!("{error}: {reason}");
                        self.metrics.set_condition(super::SHOWN_AS, Condition::Missing { reason });
                        // What waits for an artefact holds up nobody.
                        self.alone = None;
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

    fn apply(&mut self, partition: u16, frames: &[Frame]) -> Result<Vec<FrameOutput>, FrameError> {
        let _watched = watchdog::watch(self.options.apply_max, &self.options.on_stuck, || {
            let first = frames.first().map_or_else(String::new, |frame| frame.id.to_string());
            format!("{} does not return from {partition}/{first} and on", self.stage)
        });
        self.driver.apply(frames, self.log.artefacts())
    }

    async fn write(
        &mut self,
        held: &mut Held,
        partition: u16,
        frames: &[Frame],
        mut outputs: Vec<FrameOutput>,
        quarantined: Option<&str>,
    ) -> Result<(), Stop> {
        // The driver knows one partition only, and this stage takes from all.
        for letter in outputs.iter_mut().flat_map(|output| &mut output.dead) {
            letter.address.partition = partition;
        }
        let changes = match self.driver.changes() {
            Ok(changes) => changes,
            Err(error) => {
                self.driver.take_back();
                return self.write_apart(held, partition, frames, &error.to_string()).await;
            }
        };
        let taken = Taken {
            stage: self.stage,
            output: self.output,
            partition,
            before: held.offsets.get(&partition).copied().unwrap_or_default(),
            outputs: &outputs,
            changes: &changes,
            quarantined,
        };
        let sent = clock::moment();
        let reason = match commit::commit(
            &mut held.connection,
            self.log,
            &held.fence,
            &taken,
            &mut held.lives,
        )
        .await?
        {
            Committed::Done => {
                self.driver.keep();
                self.committed = true;
                if let Some(last) = outputs.last() {
                    held.offsets.insert(partition, last.id);
                }
                self.metrics.commit_time.record(sent.elapsed());
                self.measure(partition, frames, &outputs);
                return Ok(());
            }
            Committed::Fenced => "another process has taken the lease".to_owned(),
            Committed::Moved(found) => {
                format!("partition {partition} was taken up to {found}, not {}", taken.before)
            }
        };
        Err(Stop::End(End::Refused { reason }))
    }

    /// Commits frames one by one, of which one leads to state that cannot be written: its events
    /// become dead letters.
    async fn write_apart(
        &mut self,
        held: &mut Held,
        partition: u16,
        frames: &[Frame],
        reason: &str,
    ) -> Result<(), Stop> {
        let alone = frames.len() == 1;
        for frame in frames {
            let one = std::slice::from_ref(frame);
            let outputs = if alone {
                vec![self.driver.give_up(frame, reason)]
            } else {
                let applied = self.apply(partition, one);
                applied.map_err(|error| LogError::Asked(error.to_string()))?
            };
            Box::pin(self.write(held, partition, one, outputs, None)).await?;
        }
        Ok(())
    }

    fn measure(&self, partition: u16, frames: &[Frame], outputs: &[FrameOutput]) {
        let metrics = self.metrics;
        metrics.commits.add(1);
        metrics.frames.add(frames.len() as u64);
        metrics.events.add(frames.iter().map(|frame| frame.events.len() as u64).sum());
        for output in outputs {
            metrics.derived.add(output.events.len() as u64);
            metrics.dead.add(output.dead.len() as u64);
            if !output.events.is_empty() {
                metrics.latency.record(self.log.stamps().age(partition, output.id));
            }
        }
    }
}
