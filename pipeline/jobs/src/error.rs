//! What can go wrong with the queues.

use marabet_streams::LogError;

/// Why the queues cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// There is no job of this identity.
    #[error("there is no job `{0}`; `marabet jobs list --all` shows those there are")]
    NoJob(String),
    /// The job's state does not allow it.
    #[error("job {id} is {state}: {reason}")]
    State {
        /// Which job.
        id: String,
        /// Its state.
        state: String,
        /// What to do instead.
        reason: &'static str,
    },
    /// What Redis holds of a job cannot be read.
    #[error("job {id} cannot be read: {reason}")]
    Unreadable {
        /// Which job.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl JobsError {
    /// Whether it passes by itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Log(error) if error.is_transient())
    }
}
