//! What a source is: something that yields facts of the world, batch by batch.
//!
//! A source knows its provider's form and nothing else: not the log, not the partitions, not the
//! stages. It maps what it reads to events of `schemas`, says what it could not use and why, and
//! keeps within the provider's limits. Adding one is a file (or a small folder) with one type
//! that implements [`Source`].
//!
//! * A source of **recorded** data (files, the simulator) yields the same events each time, at
//!   positions that count from 0, so that after a restart it can be read again from where the
//!   log ends. Its batches say the position of their first event.
//! * A **live** source (a polled API, a stream) yields what changed since its last look; what it
//!   yields has no position and is not yielded again.
//! * A source **waits** within [`Source::next`] for what comes, for its poll interval, or for
//!   its rate limit. The future is dropped when the program stops: a source holds nothing
//!   half-done across an await that it could not do again.

use async_trait::async_trait;
use marabet_schemas::{Event, Source as SourceName};

use crate::reject::Reject;

/// Facts that came together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// The position of the first event among all of the source, where it can be read again.
    pub first: Option<u64>,
    /// The facts, in order. A match's facts must be appended in this order.
    pub events: Vec<Event>,
    /// What could not be used.
    pub rejects: Vec<Reject>,
}

/// Why a source yields nothing now.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It may be better later: the network, a rate limit, a fault of the provider.
    #[error("{reason}")]
    Transient {
        /// What happened.
        reason: String,
        /// How long the provider asks to wait, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// It will not be better by itself: a key that is refused, a file that is none.
    #[error("{reason}")]
    Permanent {
        /// What is wrong and what to do.
        reason: String,
    },
}

impl SourceError {
    /// It may be better later.
    #[must_use]
    pub fn transient(reason: impl Into<String>) -> Self {
        Self::Transient { reason: reason.into(), retry_after_ms: None }
    }

    /// It will not be better by itself.
    #[must_use]
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent { reason: reason.into() }
    }
}

/// A source of facts.
#[async_trait]
pub trait Source: Send {
    /// The name under which its facts are appended.
    fn name(&self) -> &SourceName;

    /// Passes over the events before this position. Called at most once, before the first
    /// [`Source::next`]; a live source, which has no positions, has nothing to do.
    ///
    /// # Errors
    /// [`SourceError`], also when the source ends before it.
    async fn resume(&mut self, from: u64) -> Result<(), SourceError> {
        let _ = from;
        Ok(())
    }

    /// The next batch, or none when there will be no more. A batch may be empty of events: its
    /// rejects count all the same.
    ///
    /// # Errors
    /// [`SourceError`]; after a transient one it may be called again, and goes on where it was.
    async fn next(&mut self) -> Result<Option<Batch>, SourceError>;
}
