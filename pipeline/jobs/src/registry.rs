//! The kinds of jobs that there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::job::Job;

/// The kinds of jobs that a process knows, by name.
#[derive(Clone, Default)]
pub struct Registry {
    jobs: BTreeMap<&'static str, Arc<dyn Job>>,
}

/// A kind of job that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no job `{asked}`; there are: {known}")]
pub struct Unknown {
    /// What was asked for.
    pub asked: String,
    /// The kinds there are, separated by commas.
    pub known: String,
}

impl Registry {
    /// No jobs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more; of two with one name the last stands.
    #[must_use]
    pub fn with(mut self, job: impl Job + 'static) -> Self {
        self.jobs.insert(job.kind(), Arc::new(job));
        self
    }

    /// The job of a name.
    ///
    /// # Errors
    /// [`Unknown`], which names those there are.
    pub fn get(&self, kind: &str) -> Result<&Arc<dyn Job>, Unknown> {
        self.jobs.get(kind).ok_or_else(|| Unknown {
            asked: kind.to_owned(),
            known: self.jobs.keys().copied().collect::<Vec<_>>().join(", "),
        })
    }

    /// Every job, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Job>> {
        self.jobs.values()
    }
}
