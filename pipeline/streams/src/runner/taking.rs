//! Taking frames: applying them and committing what follows.

use std::sync::Arc;
use std::time::Duration;

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use marabet_stage::{FrameError, FrameOutput, Stage};
use redis::Cmd;
use tokio::sync::OwnedMutexGuard;

use super::along::Along;
use super::post::{Count, Post};
use super::reader::Read;
use super::tenure::{End, Held, Stop};
use super::{Attempts, RunOptions};
use crate::backoff::Backoff;
use crate::chain::{Joined, Outcome};
use crate::clock;
use crate::commit::{self, Batch, Committed, Line, Written};
use crate::error::LogError;
use crate::log::Log;
use crate::metrics::{Condition, StageMetrics};
use crate::shutdown::Shutdown;

/// How often a missing artefact is looked for.
const MISSING_WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Events of a batch that holds its thread for so long that others are let in between its steps.
const LONG_BATCH_EVENTS: usize = 256;

/// Lets others have the thread in the middle of a long batch: among them those that send what
/// other partitions commit, without which the server would have nothing to do.
async fn give_way(frames: &[Frame]) {
    if frames.iter().map(|frame| frame.events.len()).sum::<usize>() >= LONG_BATCH_EVENTS {
        tokio::task::yield_now().await;
    }
}

/// A batch being taken.
pub(super) struct Taking<'t, S> {
    pub(super) log: &'t Log,
    pub(super) line: Line<'t>,
    pub(super) options: &'t RunOptions,
    pub(super) metrics: &'t StageMetrics,
    pub(super) attempts: &'t mut Attempts,
    pub(super) post: &'t mut Post<S>,
    pub(super) held: &'t mut Held,
    pub(super) along: &'t mut Along,
    pub(super) shutdown: &'t mut Shutdown,
    /// Held while a frame is taken that may have ended a process.
    pub(super) alone: Option<OwnedMutexGuard<()>>,
}

impl<S: Stage + 'static> Taking<'_, S> {
    /// Takes all frames of a read.
    pub(super) async fn take_read(mut self, read: &Read) -> Result<(), Stop> {
        if !read.again {
            return self.take(&read.frames, true).await;
        }
        for frame in &read.frames {
            self.take_again(frame).await?;
        }
        Ok(())
    }

    /// Takes a frame that was handed out before. Each is counted before it is applied and its
    /// count taken away by its commit: one that ends the process again and again stands out.
    async fn take_again(&mut self, frame: &Frame) -> Result<(), Stop> {
        self.alone = Some(Arc::clone(self.log.suspects()).lock_owned().await);
        let ended = self.attempts.begin(&mut self.held.connection, &frame.id.to_string()).await?;
        if ended >= self.options.attempts_max {
            let reason = format!("{ended} attempts to apply its frame ended the process");
            self.quarantine(frame, &reason).await?;
        } else {
            self.take(std::slice::from_ref(frame), false).await?;
        }
        self.attempts.committed();
        self.alone = None;
        Ok(())
    }

    /// Applies frames and commits what follows, waiting for artefacts that are missing. The next
    /// stage is taken along, if it may be: not with a frame that may have ended a process, which
    /// has to be known of the one stage or of the other.
    async fn take(&mut self, frames: &[Frame], along: bool) -> Result<(), Stop> {
        let mut rest = frames;
        let mut waits = Backoff::new(MISSING_WAITS.0, MISSING_WAITS.1);
        while !rest.is_empty() {
            let error = match self.post.apply(rest) {
                Ok(outputs) => return self.write(rest, outputs, along).await,
                Err(error) => error,
            };
            let (FrameError::Newer { id, .. } | FrameError::Missing { id, .. }) = &error;
            let good = rest.iter().position(|frame| frame.id == *id).unwrap_or(0);
            if good > 0 {
                let (before, after) = rest.split_at(good);
                let outputs = self.post.apply(before);
                let outputs = outputs.map_err(|error| LogError::Asked(error.to_string()))?;
                self.write(before, outputs, along).await?;
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
                        // What waits for an artefact holds up nobody.
                        self.alone = None;
                        self.held.keep(self.log, self.line).await?;
                        if self.shutdown.unless_asked(waits.wait()).await.is_none() {
                            return Err(Stop::End(End::Asked));
                        }
                    }
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Ok(())
    }

    fn set_condition(&self, condition: Condition) {
        self.metrics.set_condition(self.line.partition, condition);
    }

    /// Commits what follows from frames that were applied.
    async fn write(
        &mut self,
        frames: &[Frame],
        outputs: Vec<FrameOutput>,
        along: bool,
    ) -> Result<(), Stop> {
        let changes = match self.post.changes() {
            Ok(changes) => changes,
            Err(error) => return self.write_apart(frames, &error.to_string()).await,
        };
        let count = Count::of(frames, &outputs);
        give_way(frames).await;
        let (written, derived) = Written::of_all(outputs);
        give_way(frames).await;
        let mut next = None;
        if along {
            next = self.along.join(self.log, self.line, &derived).await;
        }
        give_way(frames).await;
        let wrote = derived.last().map(|frame| frame.id);
        let batch = Batch { written: &written, changes: &changes, quarantined: &[] };
        let part = self.post.part(batch);
        let command = commit::command(self.log, part, next.as_mut().map(|next| next.part()));
        if next.is_none() {
            self.hand_over(written, derived);
        }
        self.send(&command, next).await?;
        self.along.wrote(wrote);
        if let Some(last) = frames.last() {
            self.post.keep(last.id, &count);
        }
        Ok(())
    }

    /// Hands what was derived to the next stage, if it reads it here.
    fn hand_over(&self, written: Vec<Written>, derived: Vec<Frame>) {
        let place = (self.line.output, self.line.partition);
        let lines = written.into_iter().map(Written::into_lines).filter(|lines| !lines.is_empty());
        for (lines, frame) in lines.zip(derived) {
            self.log.handed().put(place, lines, frame);
        }
    }

    /// Commits frames one by one, of which one leads to state that cannot be written: its events
    /// become dead letters.
    async fn write_apart(&mut self, frames: &[Frame], reason: &str) -> Result<(), Stop> {
        if let [frame] = frames {
            let output = self.post.driver().give_up(frame, reason);
            return self.write_letters(frame, output, None).await;
        }
        for frame in frames {
            let frame = std::slice::from_ref(frame);
            let outputs = self.post.apply(frame);
            let outputs = outputs.map_err(|error| LogError::Asked(error.to_string()))?;
            Box::pin(self.write(frame, outputs, false)).await?;
        }
        Ok(())
    }

    /// Passes over a frame that ends the process whenever it is applied.
    async fn quarantine(&mut self, frame: &Frame, reason: &str) -> Result<(), Stop> {
        tracing::error!(
            stage = self.line.stage,
            partition = self.line.partition,
            "frame {} is quarantined: {reason}",
            frame.id
        );
        let output = self.post.driver().give_up(frame, reason);
        self.write_letters(frame, output, Some(reason)).await
    }

    /// Commits a frame that leads to dead letters alone.
    async fn write_letters(
        &mut self,
        frame: &Frame,
        output: FrameOutput,
        quarantined: Option<&str>,
    ) -> Result<(), Stop> {
        let outputs = vec![output];
        let count = Count::of(std::slice::from_ref(frame), &outputs);
        let (written, _) = Written::of_all(outputs);
        let quarantined: Vec<(EntryId, String)> =
            quarantined.iter().map(|reason| (frame.id, (*reason).to_owned())).collect();
        let batch = Batch { written: &written, changes: &[], quarantined: &quarantined };
        let command = commit::command(self.log, self.post.part(batch), None);
        self.send(&command, None).await?;
        self.post.keep(frame.id, &count);
        Ok(())
    }

    /// Sends a commit, and tells the next stage what came of it. Where no answer comes nobody
    /// does: it is in doubt then, as this one is.
    async fn send(&mut self, command: &Cmd, next: Option<Box<dyn Joined>>) -> Result<(), Stop> {
        let sent = clock::moment();
        let answer = commit::send(&mut self.held.connection, command).await?;
        let took = sent.elapsed();
        if let Some(next) = next {
            let is_written = answer == Committed::Done;
            next.settle(if is_written { Outcome::Written(took) } else { Outcome::Not });
            self.along.went(is_written);
        }
        let refused = |reason| Err(Stop::End(End::Refused { reason }));
        match answer {
            Committed::Done | Committed::Apart => {
                self.metrics.commit_time.record(took);
                self.metrics.commits.add(1);
                Ok(())
            }
            Committed::Fenced => refused("another process has taken the lease".to_owned()),
            Committed::NotHead { expected, found } => refused(format!(
                "frame {expected} is not the first that is pending, which is {found}"
            )),
        }
    }
}
