//! What is known of a job.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use marabet_schemas::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::JobsError;

/// Where a job stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// In its queue.
    Queued,
    /// Until a moment comes: after a failure, or as it was asked for.
    Waiting,
    /// Being run.
    Running,
    /// Ended well.
    Done,
    /// Given up. It stays until it is retried or purged.
    Dead,
    /// Ended because someone asked for it.
    Cancelled,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Waiting, Self::Running, Self::Done, Self::Dead, Self::Cancelled];

    /// The state as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a job; there are queued, waiting, running, done, dead, cancelled")]
pub struct NoState(String);

impl FromStr for JobState {
    type Err = NoState;
    fn from_str(text: &str) -> Result<Self, NoState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| NoState(text.to_owned()))
    }
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JobView {
    /// Its identity.
    pub id: String,
    /// What kind of job.
    pub kind: String,
    /// In which queue.
    pub queue: String,
    /// Where it stands.
    pub state: JobState,
    /// How often it was begun.
    pub attempt: u32,
    /// How often it may be begun.
    pub attempts_max: u32,
    /// What was asked for, JSON.
    pub args: String,
    /// When it was asked for.
    pub enqueued_at: Instant,
    /// When it was last begun.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// The instant of the plan that asked for it.
    pub planned_at: Option<Instant>,
    /// Who runs it, or ran it last.
    pub owner: Option<String>,
    /// How far it is, in 0..=1.
    pub progress: Option<f64>,
    /// What came of it, JSON.
    pub result: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
}

impl JobView {
    /// Reads the hash of a job.
    pub(crate) fn read(id: &str, mut hash: BTreeMap<String, String>) -> Result<Self, JobsError> {
        let wrong = |reason: String| JobsError::Unreadable { id: id.to_owned(), reason };
        let state = hash.get("state").ok_or_else(|| JobsError::NoJob(id.to_owned()))?;
        let state: JobState = state.parse().map_err(|error: NoState| wrong(error.to_string()))?;
        let ms = |field: &str| {
            let ms: Option<i64> = hash.get(field).and_then(|text| text.parse().ok());
            ms.map(|ms| Instant::from_micros(ms.saturating_mul(1000)))
        };
        let count = |field: &str| {
            let count = hash.get(field).and_then(|text| text.parse().ok());
            count.ok_or_else(|| wrong(format!("`{field}` is no number")))
        };
        Ok(Self {
            id: id.to_owned(),
            state,
            attempt: count("attempt")?,
            attempts_max: count("attempts_max")?,
            enqueued_at: ms("enqueued_ms").unwrap_or_default(),
            started_at: ms("started_ms"),
            ended_at: ms("ended_ms"),
            planned_at: ms("planned_ms"),
            progress: hash.get("progress").and_then(|text| text.parse().ok()),
            kind: hash.remove("kind").unwrap_or_default(),
            queue: hash.remove("queue").unwrap_or_default(),
            args: hash.remove("args").unwrap_or_default(),
            owner: hash.remove("owner"),
            result: hash.remove("result"),
            error: hash.remove("error"),
        })
    }
}
