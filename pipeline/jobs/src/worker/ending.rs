//! Writing what came of runs, many at once.

use std::time::Duration;

use marabet_streams::backoff::Backoff;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::Worker;
use crate::queues::{KEPT, ms};
use crate::script::FINISH;

/// Most ends in one writing.
const BATCH_MAX: usize = 128;
/// Longest text of a result or an error, in bytes.
const TEXT_MAX: usize = 64 << 10;

/// A run that ended.
pub(super) struct Ended {
    pub(super) id: String,
    pub(super) fence: u64,
    pub(super) outcome: Outcome,
    pub(super) pause: Duration,
    /// Given back when the end is written.
    pub(super) _place: OwnedSemaphorePermit,
}

/// How it ended.
pub(super) enum Outcome {
    Done(String),
    Failed(String),
    Refused(String),
    Cancelled,
    Returned,
}

impl Outcome {
    pub(super) fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Done(result) => ("done", result),
            Self::Failed(error) => ("failed", error),
            Self::Refused(error) => ("refused", error),
            Self::Cancelled => ("cancelled", "someone asked for its end"),
            Self::Returned => ("returned", ""),
        }
    }
}

impl Worker {
    /// Writes ends until all takers and runs are gone. While Redis is away it tries again for as
    /// long as it takes: a lease that runs out meanwhile makes what it says void.
    pub(super) async fn write_ends(&self, mut from: mpsc::Receiver<Ended>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while from.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let mut command = FINISH.command([self.queues.prefix()]);
            command.arg(ms(KEPT));
            for ended in &batch {
                let (outcome, text) = ended.outcome.words();
                command.arg(&ended.id).arg(ended.fence).arg(outcome);
                command.arg(shortened(text)).arg(ms(ended.pause));
            }
            let mut waits = Backoff::reconnect();
            loop {
                match self.queues.run::<Vec<String>>(&FINISH, &command).await {
                    Ok(states) => {
                        for (ended, state) in batch.iter().zip(&states) {
                            report(ended, state);
                        }
                        break;
                    }
                    Err(error) if error.is_transient() => {
                        tracing::warn!("the ends of jobs are not written: {error}; trying again");
                        waits.wait().await;
                    }
                    Err(error) => {
                        tracing::error!("the ends of jobs cannot be written: {error}");
                        break;
                    }
                }
            }
            batch.clear();
        }
    }
}

fn report(ended: &Ended, state: &str) {
    let id = &*ended.id;
    match (&ended.outcome, state) {
        (_, "stale") => tracing::warn!(job = id, "what it ended with is void: another run counts"),
        (Outcome::Failed(error) | Outcome::Refused(error), "dead") => {
            tracing::error!(job = id, "the job is given up: {error}");
        }
        (Outcome::Failed(error), _) => tracing::warn!(job = id, "the job failed: {error}"),
        _ => {}
    }
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
