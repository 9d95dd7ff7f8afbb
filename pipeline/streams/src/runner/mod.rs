//! Running a stage over a partition: read, apply, commit, and start over whenever in doubt.
//!
//! Memory is never trusted over the log. After a lost connection or a refused commit the runner
//! drops what it holds, takes the lease anew, which fences off whatever it had on the way, loads
//! the state, and reads what is pending.

mod along;
mod attempts;
mod load;
mod post;
mod reader;
mod taking;
mod tenure;

use std::time::Duration;

use marabet_stage::Stage;

use crate::backoff::Backoff;
use crate::commit::Line;
use crate::error::LogError;
use crate::log::Log;
use crate::metrics::Condition;
use crate::namespace::{Slot, Stream};
use crate::shutdown::Shutdown;
use crate::watchdog::{self, OnStuck};
pub(crate) use attempts::Attempts;
pub(crate) use load::load_state;
use post::{Post, SharedPost};
use tenure::{End, Tenure};

/// How a runner reads and commits.
#[derive(Clone)]
pub struct RunOptions {
    /// How long a read waits for frames. Also how often the lease is looked at.
    pub block: Duration,
    /// About how many events one commit is to hold under load.
    pub batch_events: usize,
    /// Most frames that one commit holds.
    pub batch_frames_max: usize,
    /// How often a frame may end the process that applies it before it is quarantined.
    pub attempts_max: u32,
    /// How long a stage may take to apply a batch before it is taken for stuck.
    pub apply_max: Duration,
    /// What is done then. It should end the process, which nothing else gets out of the stage.
    pub on_stuck: OnStuck,
}

impl std::fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOptions")
            .field("block", &self.block)
            .field("batch_events", &self.batch_events)
            .field("batch_frames_max", &self.batch_frames_max)
            .field("attempts_max", &self.attempts_max)
            .field("apply_max", &self.apply_max)
            .finish_non_exhaustive()
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            block: Duration::from_secs(1),
            batch_events: 2048,
            batch_frames_max: 64,
            attempts_max: 3,
            apply_max: Duration::from_secs(10),
            on_stuck: watchdog::end_process(),
        }
    }
}

/// Which stage's place in the line: its partition and streams.
#[derive(Debug, Clone)]
pub struct StageRun {
    /// The partition.
    pub partition: u16,
    /// What it reads.
    pub input: Stream,
    /// What it writes.
    pub output: Stream,
    /// How.
    pub options: RunOptions,
}

/// How long a runner waits before it looks again whether it can read what a newer program wrote.
const NEWER_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long a runner waits at most before it asks again for a lease that another has.
const HELD_WAIT_MAX: Duration = Duration::from_millis(300);

/// Runs a stage over a partition until it is asked to end. The stage's group reads the input
/// from its beginning; the stage begins with the state that its commits have written.
///
/// While another process has the lease it stands by. While Redis is away it waits and goes on
/// where the log stands. A frame of a newer program makes it give the partition up and wait;
/// nothing of it becomes a dead letter.
///
/// # Errors
/// What no waiting repairs: [`LogError::Alarm`] when the output stream has a higher ID already,
/// [`LogError::State`] when the state cannot be read, and an answer that Redis should not give.
pub async fn run_stage<S: Stage + 'static>(
    log: &Log,
    run: &StageRun,
    stage: S,
    mut shutdown: Shutdown,
) -> Result<(), LogError> {
    let name = stage.name();
    let metrics = log.metrics().stage(name);
    let line = Line { stage: name, partition: run.partition, input: run.input, output: run.output };
    let post = SharedPost::new(Post::new(log, line, &run.options, stage));
    let slot = Slot::Partition(run.partition);
    let mut attempts = Attempts::new(log.namespace().attempts(slot, name));
    let mut away = Backoff::reconnect();
    let mut newer = Backoff::new(NEWER_WAITS.0, NEWER_WAITS.1);
    let condition = |condition| metrics.set_condition(run.partition, condition);

    while !shutdown.is_asked() {
        let mut tenure = Tenure::new(log, line, &run.options, &metrics, &post, &mut attempts);
        let end = tenure.serve(&mut shutdown).await;
        if tenure.committed() {
            away.reset();
            newer.reset();
        }
        let wait = match end {
            Ok(End::Asked) => break,
            Ok(End::Held { owner, left }) => {
                condition(Condition::Elsewhere { owner });
                left.clamp(Duration::from_millis(10), HELD_WAIT_MAX)
            }
            Ok(End::Refused { reason }) => {
                tracing::warn!(stage = name, partition = run.partition, "{reason}; starting over");
                away.advance()
            }
            Ok(End::Newer { reason }) => {
                tracing::warn!(stage = name, partition = run.partition, "{reason}; waiting");
                condition(Condition::Newer { reason });
                newer.advance()
            }
            Err(error) if error.is_transient() => {
                let reason = error.to_string();
                tracing::warn!(stage = name, partition = run.partition, "{reason}; trying again");
                condition(Condition::Away { reason });
                away.advance()
            }
            Err(error) => {
                condition(Condition::Failed { reason: error.to_string() });
                tracing::error!(stage = name, partition = run.partition, "{error}");
                return Err(error);
            }
        };
        metrics.reloads.add(1);
        shutdown.unless_asked(tokio::time::sleep(wait)).await;
    }
    condition(Condition::Ended);
    Ok(())
}
