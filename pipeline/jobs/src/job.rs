//! What a kind of job is.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::run::Run;

/// A kind of job.
///
/// ```
/// use marabet_jobs::{Job, JobError, JobRules, Run};
/// use serde_json::{Value, json};
///
/// struct Greet;
///
/// #[async_trait::async_trait]
/// impl Job for Greet {
///     fn kind(&self) -> &'static str { "greet" }
///     fn about(&self) -> &'static str { "Greet whoever is named" }
///     fn rules(&self) -> JobRules { JobRules::of("maintenance") }
///     async fn run(&self, run: &Run) -> Result<Value, JobError> {
///         let name: String = run.args("name")?;
///         Ok(json!({ "said": format!("hello {name}") }))
///     }
/// }
/// ```
#[async_trait]
pub trait Job: Send + Sync {
    /// What it is called: in the queue, on the command line, in the schedule.
    fn kind(&self) -> &'static str;

    /// What it does, in a line.
    fn about(&self) -> &'static str;

    /// How it is run.
    fn rules(&self) -> JobRules;

    /// Does it. What it returns is kept as the job's result.
    ///
    /// # Errors
    /// [`JobError`], which says whether to try again.
    async fn run(&self, run: &Run) -> Result<Value, JobError>;
}

/// How a kind of job is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRules {
    /// In which queue.
    pub queue: &'static str,
    /// How often it is begun at most, at least 1.
    pub attempts_max: u32,
    /// How long a run may take.
    pub timeout: Duration,
    /// The pause before the second attempt; it doubles with each further one, up to an hour, and
    /// is shortened at random by up to half, so that not all come back at once.
    pub pause: Duration,
    /// Whether at most one of the same arguments is in the queues.
    pub unique: bool,
}

impl JobRules {
    /// Rules for most jobs: in this queue, three attempts, ten minutes each, unique.
    #[must_use]
    pub const fn of(queue: &'static str) -> Self {
        Self {
            queue,
            attempts_max: 3,
            timeout: Duration::from_secs(600),
            pause: Duration::from_secs(10),
            unique: true,
        }
    }
}

/// Why a run did not do what it should.
#[derive(Clone, PartialEq, Eq)]
pub enum JobError {
    /// Another attempt may succeed.
    Again(String),
    /// No other attempt would: the arguments are wrong, or what it needs cannot come to be.
    Refused(String),
}

impl JobError {
    /// An error that another attempt may not meet, with the causes of it.
    pub fn again(error: impl fmt::Display) -> Self {
        Self::Again(format!("{error:#}"))
    }

    /// An error that every attempt would meet.
    pub fn refused(error: impl fmt::Display) -> Self {
        Self::Refused(format!("{error:#}"))
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Again(reason) | Self::Refused(reason)) = self;
        f.write_str(reason)
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for JobError {}
