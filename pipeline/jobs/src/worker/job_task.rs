//! One run: the job's own work, its time limit, and what it is told meanwhile.

use std::sync::Arc;
use std::time::Duration;

use marabet_schemas::Instant;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinHandle;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::ending::{Ended, Outcome};
use super::{Running, Say, Worker};
use crate::clock;
use crate::job::{Job, JobError};
use crate::run::{Progress, Run};

/// How long a run that is asked to end may take to do so by itself.
const CANCEL_GRACE: Duration = Duration::from_secs(5);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// A run as the script has begun it: identity, fence, attempt, kind, arguments, timeout in ms,
/// planned instant in ms, attempts, first pause in ms.
pub(super) type Begun = (String, u64, u32, String, String, u64, Option<String>, u32, u64);

impl Worker {
    /// Runs it in a task that holds its place until its end is written.
    pub(super) fn spawn(&self, begun: Begun, place: OwnedSemaphorePermit, to: mpsc::Sender<Ended>) {
        let (id, fence, attempt, kind, args, timeout_ms, planned, _, pause_ms) = begun;
        let (say, told) = watch::channel(Say::GoOn);
        let progress = Arc::new(Progress::new());
        let running = Running { fence, progress: Arc::clone(&progress), say };
        self.lock().insert(id.clone(), running);
        let worker = self.clone();
        let span = span(&id, &kind, attempt);
        let inner = span.clone();
        let running = async move {
            let (cancel, cancelled) = watch::channel(false);
            let run = Run {
                id: id.clone(),
                attempt,
                args: serde_json::from_str(&args).unwrap_or(Value::Null),
                planned: planned
                    .and_then(|ms| ms.parse().ok())
                    .map(|ms: i64| Instant::from_micros(ms.saturating_mul(1_000))),
                queues: worker.queues.clone(),
                progress,
                cancelled,
            };
            let outcome = match worker.registry.get(&kind) {
                Ok(job) => {
                    let work = tokio::spawn(work(Arc::clone(job), run).instrument(inner.clone()));
                    let timeout = Duration::from_millis(timeout_ms);
                    supervise(work, timeout, told, &cancel).await
                }
                // A program that knows it may come; until then it waits.
                Err(unknown) => Some(Outcome::Failed(unknown.to_string())),
            };
            worker.lock().remove(&id);
            if let Some(outcome) = outcome {
                let (how, text) = outcome.words();
                inner.record("outcome", how);
                if matches!(outcome, Outcome::Failed(_) | Outcome::Refused(_)) {
                    inner.record("error", text);
                }
                let pause = pause(Duration::from_millis(pause_ms), attempt);
                // Without a receiver the worker has ended, and the lease runs out.
                let _ = to.send(Ended { id, fence, outcome, pause, _place: place }).await;
            }
        };
        tokio::spawn(running.instrument(span));
    }
}

/// The span of one attempt; those of a job make one trace, which begins with the first.
fn span(id: &str, kind: &str, attempt: u32) -> Span {
    tracing::debug_span!(
        target: marabet_streams::trace::TARGET,
        parent: None,
        "job",
        otel.name = %format_args!("job {kind}"),
        trace.key = %format_args!("job/{id}"),
        trace.origin = attempt == 1,
        job = id,
        kind,
        attempt,
        outcome = Empty,
        error = Empty,
    )
}

async fn work(job: Arc<dyn Job>, run: Run) -> Result<Value, JobError> {
    job.run(&run).await
}

/// What came of it; nothing when another run counts.
async fn supervise(
    mut work: JoinHandle<Result<Value, JobError>>,
    timeout: Duration,
    mut told: watch::Receiver<Say>,
    cancel: &watch::Sender<bool>,
) -> Option<Outcome> {
    let mut end = std::pin::pin!(tokio::time::sleep(timeout));
    let mut cancelling = false;
    loop {
        tokio::select! {
            ended = &mut work => {
                return Some(match ended {
                    Ok(Ok(result)) => Outcome::Done(result.to_string()),
                    _ if cancelling => Outcome::Cancelled,
                    Ok(Err(JobError::Again(reason))) => Outcome::Failed(reason),
                    Ok(Err(JobError::Refused(reason))) => Outcome::Refused(reason),
                    Err(panic) => Outcome::Failed(format!("the job panicked: {}", said(panic))),
                });
            }
            () = &mut end => {
                work.abort();
                return Some(if cancelling {
                    Outcome::Cancelled
                } else {
                    let limit = timeout.as_secs_f64();
                    Outcome::Failed(format!("it took longer than its limit of {limit} s"))
                });
            }
            changed = told.changed() => {
                let say = if changed.is_ok() { *told.borrow_and_update() } else { Say::Lost };
                match say {
                    Say::GoOn => {}
                    Say::Cancel if cancelling => {}
                    Say::Cancel => {
                        cancelling = true;
                        cancel.send_replace(true);
                        end.set(tokio::time::sleep(CANCEL_GRACE));
                    }
                    Say::Return => {
                        work.abort();
                        return Some(Outcome::Returned);
                    }
                    Say::Lost => {
                        work.abort();
                        return None;
                    }
                }
            }
        }
    }
}

fn said(panic: tokio::task::JoinError) -> String {
    let Ok(said) = panic.try_into_panic() else { return "it was dropped".to_owned() };
    let text = said.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| said.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// The pause after an attempt: doubled with each, at most an hour, less up to a half of it.
fn pause(first: Duration, attempt: u32) -> Duration {
    let doubled = first.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(PAUSE_MAX);
    let share = 0.5 + 0.5 * (clock::dice() as f64 / u64::MAX as f64);
    doubled.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_no_two_workers_come_back_at_once() {
        let second = Duration::from_secs(1);
        for (attempt, most) in [(1, 1), (2, 2), (5, 16), (30, 3_600)] {
            let pauses: Vec<Duration> = (0..50).map(|_| pause(second, attempt)).collect();
            let most = Duration::from_secs(most);
            assert!(pauses.iter().all(|pause| *pause <= most && *pause >= most / 2));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
