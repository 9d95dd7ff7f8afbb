//! One tenure of a stage over a partition: from taking the lease to losing or giving it back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use marabet_schemas::EntryId;
use marabet_stage::Stage;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::along::Along;
use super::load::load_state;
use super::post::SharedPost;
use super::reader::{CONSUMER, Read, Reader};
use super::taking::Taking;
use super::{Attempts, RunOptions};
use crate::chain::Chain;
use crate::commit::Line;
use crate::connect::Connection;
use crate::error::LogError;
use crate::groups;
use crate::lease::{self, Fence, LEASE_LENGTH, Lease};
use crate::log::Log;
use crate::metrics::{Condition, StageMetrics};
use crate::namespace::Slot;
use crate::read::last_generated;
use crate::shutdown::Shutdown;
use crate::{clock, trace};

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
pub(super) enum Stop {
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

pub(crate) struct Tenure<'a, S> {
    log: &'a Log,
    line: Line<'a>,
    options: &'a RunOptions,
    metrics: &'a StageMetrics,
    post: &'a SharedPost<S>,
    attempts: &'a mut Attempts,
    committed: bool,
}

/// The lease that a tenure has, and the connection for everything that does not block.
pub(super) struct Held {
    pub(super) connection: Connection,
    fence: Fence,
    renewed: Instant,
}

impl Held {
    /// Renews the lease when a third of it has passed.
    pub(super) async fn keep(&mut self, log: &Log, line: Line<'_>) -> Result<(), Stop> {
        if self.renewed.elapsed() < LEASE_LENGTH / 3 {
            return Ok(());
        }
        let slot = Slot::Partition(line.partition);
        if !lease::renew(&mut self.connection, log, slot, line.stage, &self.fence).await? {
            let reason = "another process has taken the lease".to_owned();
            return Err(Stop::End(End::Refused { reason }));
        }
        self.renewed = clock::moment();
        Ok(())
    }
}

impl<'a, S: Stage + 'static> Tenure<'a, S> {
    pub(crate) fn new(
        log: &'a Log,
        line: Line<'a>,
        options: &'a RunOptions,
        metrics: &'a StageMetrics,
        post: &'a SharedPost<S>,
        attempts: &'a mut Attempts,
    ) -> Self {
        Self { log, line, options, metrics, post, attempts, committed: false }
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
        let mut held = Held { connection, fence, renewed: clock::moment() };
        let worked = self.work(&mut held, shutdown).await;
        self.post.lock().await.end();
        let end = match worked {
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
        let taken = groups::refuse_rollback(&mut held.connection, &input, self.line.stage).await?;
        self.attempts.absolve(&mut held.connection).await?;
        let state = names.state(self.slot(), self.line.stage);
        {
            let mut post = self.post.lock().await;
            load_state(&mut held.connection, &state, post.driver()).await?;
            post.begin(held.fence.clone(), taken);
        }
        self.post.set_taken(taken);
        let output = names.stream(self.line.output, self.line.partition);
        let mut along = Along::after(last_generated(&mut held.connection, &output).await?);

        // The task ends with this set, and its connection with the task.
        let mut tasks = JoinSet::new();
        let (to, mut frames) = mpsc::channel(READ_AHEAD);
        tasks.spawn(Reader::open(self.log, self.line, self.options).await?.run(to));
        self.set_condition(Condition::Running);
        let place = (self.line.input, self.line.partition);
        let _place = Chain::follow(self.log.chain(), place, Arc::new(self.post.clone()));
        let mut stray = None;
        loop {
            let Some(read) = shutdown.unless_asked(frames.recv()).await else { return Ok(()) };
            let gone = || LogError::Asked("the reader's task is gone".to_owned());
            let read: Read = read.ok_or_else(gone)??;
            held.keep(self.log, self.line).await?;
            if read.frames.is_empty() {
                stray = self.look_for_stray(held, &input, stray).await?;
                continue;
            }
            stray = None;
            let spans = trace::frames(self.line.stage, self.line.partition, &read.frames);
            let taking = self.take_read(held, &mut along, &read, shutdown);
            taking.instrument(trace::first(&spans)).await?;
        }
    }

    async fn take_read(
        &mut self,
        held: &mut Held,
        along: &mut Along,
        read: &Read,
        shutdown: &mut Shutdown,
    ) -> Result<(), Stop> {
        let mut post = self.post.lock().await;
        if post.is_in_doubt() {
            let reason = "it is not known what came of frames taken along".to_owned();
            return Err(Stop::End(End::Refused { reason }));
        }
        let before = post.taken();
        let taking = Taking {
            log: self.log,
            line: self.line,
            options: self.options,
            metrics: self.metrics,
            attempts: self.attempts,
            post: &mut post,
            held,
            along,
            shutdown,
            alone: None,
        };
        let took = taking.take_read(read).await;
        if took.is_err() {
            // Before anybody else comes to the post.
            post.end();
        }
        let taken = post.taken();
        drop(post);
        self.committed |= taken > before;
        self.post.set_taken(taken);
        took
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
}

/// Whether the stream or the group was lost by the server: starting over makes them again.
fn is_group_gone(error: &LogError) -> bool {
    matches!(error, LogError::Reply { reason, .. }
        if reason.contains("NOGROUP") || reason.contains("UNBLOCKED"))
}
