//! One run of a job, as the job sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use marabet_schemas::Instant;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;

use crate::job::JobError;
use crate::queues::Queues;

/// One run of a job.
pub struct Run {
    pub(crate) id: String,
    pub(crate) attempt: u32,
    pub(crate) args: Value,
    pub(crate) planned: Option<Instant>,
    pub(crate) queues: Queues,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cancelled: watch::Receiver<bool>,
}

/// How far a run is: the bits of a number in 0..=1, or of NaN while nothing was said.
pub(crate) struct Progress(AtomicU64);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(f64::NAN.to_bits()))
    }

    pub(crate) fn get(&self) -> Option<f64> {
        let share = f64::from_bits(self.0.load(Ordering::Relaxed));
        share.is_finite().then_some(share)
    }
}

impl Run {
    /// The job's identity, the same in each of its runs.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Which attempt it is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The instant of the plan that asked for it; none for one that a person asked for.
    #[must_use]
    pub fn planned(&self) -> Option<Instant> {
        self.planned
    }

    /// The queues, to ask for further jobs.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// An argument.
    ///
    /// # Errors
    /// [`JobError::Refused`] when it is missing or of another type.
    pub fn args<T: DeserializeOwned>(&self, name: &str) -> Result<T, JobError> {
        let value = self.args.get(name).cloned().unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|error| {
            JobError::Refused(format!("the argument `{name}` of the job is wrong: {error}"))
        })
    }

    /// Says how far it is, in 0..=1.
    pub fn progress(&self, share: f64) {
        self.progress.0.store(share.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
    }

    /// Writes a line into the job's log. What Redis does not take is left out.
    pub async fn log(&self, line: impl AsRef<str>) {
        let line = line.as_ref();
        tracing::info!(job = self.id, "{line}");
        if let Err(error) = self.queues.write_log(&self.id, line).await {
            tracing::warn!(job = self.id, "a line of the log is lost: {error}");
        }
    }

    /// Whether someone asks it to end. A job that takes long looks now and then; one that does
    /// not is dropped at its next wait.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }
}
