//! A job that is asked for.

use std::time::Duration;

use marabet_schemas::Instant;
use serde_json::Value;

use crate::clock;
use crate::job::{Job, JobRules};

/// What goes first within a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Before all others: someone waits for it.
    High,
    /// As it comes.
    #[default]
    Normal,
    /// When nothing else is to be done.
    Low,
}

impl Priority {
    /// Every priority, the first first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The priority as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// A job that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) rules: JobRules,
    pub(crate) args: Value,
    pub(crate) priority: Priority,
    pub(crate) unique: Option<String>,
    pub(crate) wait: Duration,
    pub(crate) planned: Option<Instant>,
}

impl NewJob {
    /// A job of a kind with its arguments, a JSON object.
    #[must_use]
    pub fn of(job: &dyn Job, args: Value) -> Self {
        let rules = job.rules();
        let unique = rules.unique.then(|| format!("{} {args}", job.kind()));
        Self {
            id: clock::identity(),
            kind: job.kind().to_owned(),
            rules,
            args,
            priority: Priority::Normal,
            unique,
            wait: Duration::ZERO,
            planned: None,
        }
    }

    /// The same at another priority.
    #[must_use]
    pub fn at(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// The same, not before this time has passed.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// The same as the run of a plan at its instant, whose identity follows from both: to ask
    /// for it again changes nothing.
    #[must_use]
    pub fn planned(self, plan: &str, at: Instant) -> Self {
        Self { id: format!("{plan}@{}", at.micros() / 1_000_000), planned: Some(at), ..self }
    }
}
