//! Running a stage of the account: one owner that takes the frames of all partitions.
//!
//! Its inputs lie in other slots than its output, so a commit cannot acknowledge them. It keeps
//! the last frame taken from each partition beside its state instead, and reads on from there:
//! a frame is taken once, and none is passed over. The groups of the inputs follow afterwards;
//! they say how far the stage is, and what may be trimmed.
//!
//! The order in which frames were taken is written down: each entry of the output names them in
//! its field `c`.

mod commit;
mod reader;
mod tenure;

use std::time::Duration;

use marabet_stage::{Driver, Stage};

use crate::backoff::Backoff;
use crate::error::LogError;
use crate::log::Log;
use crate::metrics::Condition;
use crate::namespace::{Slot, Stream};
use crate::runner::{Attempts, RunOptions};
use crate::shutdown::Shutdown;
use tenure::{End, Tenure};

/// Under which partition the metrics show a stage of the account.
const SHOWN_AS: u16 = 0;
/// How long a runner waits before it looks again whether it can read what a newer program wrote.
const NEWER_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long a runner waits at most before it asks again for a lease that another has.
const HELD_WAIT_MAX: Duration = Duration::from_millis(300);

/// Runs a stage that takes `input` of all partitions and writes `output` of the account, until it
/// is asked to end. Otherwise as [`run_stage`](crate::run_stage).
///
/// # Errors
/// What no waiting repairs: [`LogError::Rollback`] when a partition ends below what was taken
/// from it, [`LogError::State`] when the state cannot be read, and an answer that Redis should
/// not give.
pub async fn run_account<S: Stage>(
    log: &Log,
    input: Stream,
    output: Stream,
    options: &RunOptions,
    stage: S,
    mut shutdown: Shutdown,
) -> Result<(), LogError> {
    let name = stage.name();
    let metrics = log.metrics().stage(name);
    let mut driver = Driver::new(stage, SHOWN_AS);
    let mut attempts = Attempts::new(log.namespace().attempts(Slot::Account, name));
    let mut away = Backoff::reconnect();
    let mut newer = Backoff::new(NEWER_WAITS.0, NEWER_WAITS.1);
    let condition = |condition| metrics.set_condition(SHOWN_AS, condition);

    while !shutdown.is_asked() {
        let line = (input, output);
        let mut tenure =
            Tenure::new(log, name, line, options, &metrics, &mut driver, &mut attempts);
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
                tracing::warn!(stage = name, "{reason}; starting over");
                away.advance()
            }
            Ok(End::Newer { reason }) => {
                tracing::warn!(stage = name, "{reason}; waiting");
                condition(Condition::Newer { reason });
                newer.advance()
            }
            Err(error) if error.is_transient() => {
                let reason = error.to_string();
                tracing::warn!(stage = name, "{reason}; trying again");
                condition(Condition::Away { reason });
                away.advance()
            }
            Err(error) => {
                condition(Condition::Failed { reason: error.to_string() });
                tracing::error!(stage = name, "{error}");
                return Err(error);
            }
        };
        metrics.reloads.add(1);
        shutdown.unless_asked(tokio::time::sleep(wait)).await;
    }
    condition(Condition::Ended);
    Ok(())
}
