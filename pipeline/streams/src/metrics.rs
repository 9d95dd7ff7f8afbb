//! What this process counts and measures of the log.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::histogram::Histogram;

/// A count that only rises.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is measured, by stage.
#[derive(Debug, Default)]
pub struct Metrics {
    /// The writers of this process.
    pub feed: FeedMetrics,
    stages: Mutex<BTreeMap<String, Arc<StageMetrics>>>,
}

impl Metrics {
    /// The metrics of a stage, over all its partitions in this process.
    #[must_use]
    pub fn stage(&self, name: &str) -> Arc<StageMetrics> {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(stages.entry(name.to_owned()).or_default())
    }

    /// The metrics of every stage that ran in this process, by name.
    #[must_use]
    pub fn stages(&self) -> BTreeMap<String, Arc<StageMetrics>> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What writers did.
#[derive(Debug, Default)]
pub struct FeedMetrics {
    /// Events appended, those of the whole system once a partition.
    pub events: Counter,
    /// Frames appended.
    pub frames: Counter,
    /// Bytes of their lines.
    pub bytes: Counter,
    /// Events left out because another source speaks for their book.
    pub outranked: Counter,
    /// From sending an append to its answer.
    pub append_time: Histogram,
    held_up_by: Mutex<Option<String>>,
}

impl FeedMetrics {
    pub(crate) fn appended(&self, events: u64, bytes: u64) {
        self.events.add(events);
        self.frames.add(1);
        self.bytes.add(bytes);
    }

    pub(crate) fn held_up_by(&self, what: Option<String>) {
        *self.held_up_by.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// What the feed waits for, if it does: a group that is behind, the server's memory, or the
    /// server itself.
    #[must_use]
    pub fn waits_for(&self) -> Option<String> {
        self.held_up_by.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a stage did in this process.
#[derive(Debug, Default)]
pub struct StageMetrics {
    /// Events applied, bad ones included.
    pub events: Counter,
    /// Frames committed.
    pub frames: Counter,
    /// Commits.
    pub commits: Counter,
    /// Those of them in which it was taken along by the stage before.
    pub commits_along: Counter,
    /// Events derived.
    pub derived: Counter,
    /// Dead letters written.
    pub dead: Counter,
    /// Times that memory was dropped and loaded again.
    pub reloads: Counter,
    /// From taking a batch up to its state being changed.
    pub apply_time: Histogram,
    /// From sending a commit to its answer.
    pub commit_time: Histogram,
    /// From appending a frame to the feed to the commit of what followed from it.
    pub latency: Histogram,
    /// The same, of frames from which a bet followed.
    pub bet_latency: Histogram,
    conditions: Mutex<BTreeMap<u16, Condition>>,
}

/// How a stage is doing in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Another process runs it.
    Elsewhere {
        /// Which.
        owner: String,
    },
    /// Its state is being loaded.
    Loading,
    /// It takes frames as they come.
    Running,
    /// The server is away; it tries again.
    Away {
        /// What happened.
        reason: String,
    },
    /// A newer program wrote what it cannot read; it gave the partition up and waits.
    Newer {
        /// What was found.
        reason: String,
    },
    /// An artefact is missing; it tries again.
    Missing {
        /// What is missing.
        reason: String,
    },
    /// It ended, as asked.
    Ended,
    /// It ended, with an error.
    Failed {
        /// Which.
        reason: String,
    },
}

impl StageMetrics {
    pub(crate) fn set_condition(&self, partition: u16, condition: Condition) {
        let mut conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.insert(partition, condition);
    }

    /// How the stage is doing, by partition; 0 for a stage of the account.
    #[must_use]
    pub fn conditions(&self) -> BTreeMap<u16, Condition> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
