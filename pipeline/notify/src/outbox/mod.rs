//! The outbox: what became of each bet on each channel.
//!
//! A channel is outside the log, and what it has told cannot be taken back, so each telling is
//! written down before and after:
//!
//! ```text
//!            ┌─> nothing   the caps left no stake: recorded, not told
//! (no entry) ┼─> unwanted  not for this channel's reader: recorded, not told
//!            ┼─> quiet     it came in quiet hours: recorded, counted in the message after them
//!            ┼─> expired   too late when it came: recorded, not told
//!            └─> claimed ──> sent
//!                   │ ├────> failed    the channel refused it, or was away too long
//!                   │ ├────> expired   the channel was away until it was too late
//!                   │ └────> unknown   the channel may have told it
//! ```
//!
//! An entry that is found `claimed` was left by a process that ended between telling and writing
//! `sent`, or before telling. It is told once more, marked as perhaps a repetition, if it is not
//! too late; otherwise it ends as `unknown`. So a bet is told **at least once** where the channel
//! works, and more than once only when a process or Redis dies, or a send gives no answer, within
//! that window: the time of one send and one write.
//!
//! Beside the bets, an outbox keeps what else was told once: the end of a bet under
//! `settled:<bet>:<revision>`, a report under `report:<period>`, an error under `error:<kind>`.

mod memory;

use std::collections::BTreeMap;

use async_trait::async_trait;
use marabet_schemas::{Instant, Money};
use serde::{Deserialize, Serialize};

pub use memory::MemoryOutbox;

/// Where the telling of a bet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being told, or was when a process ended.
    Claimed,
    /// The channel has it.
    Sent,
    /// The channel may have it.
    Unknown,
    /// It came too late to be told.
    Expired,
    /// There was nothing to stake.
    Nothing,
    /// The channel does not have it and will not get it.
    Failed,
    /// It was not for this channel's reader.
    Unwanted,
    /// It came in quiet hours.
    Quiet,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Claimed,
        Self::Sent,
        Self::Unknown,
        Self::Expired,
        Self::Nothing,
        Self::Failed,
        Self::Unwanted,
        Self::Quiet,
    ];

    /// The state as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Nothing => "nothing",
            Self::Failed => "failed",
            Self::Unwanted => "unwanted",
            Self::Quiet => "quiet",
        }
    }
}

/// What is written down of a bet, or of something else that is told once, on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands.
    pub state: State,
    /// Since when, by the notifier's clock.
    pub at: Instant,
    /// How often it was handed to the channel.
    #[serde(default)]
    pub attempts: u16,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the message stands, on a channel whose messages can be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The bet's revision that was told.
    #[serde(default)]
    pub revision: u16,
    /// The stake that was told, and its currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stake: Option<(Money, String)>,
    /// What the message is to say once it no longer holds; none where that is done, or where the
    /// channel's messages cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands: Option<Stands>,
}

/// A message that holds until an instant, and what it is changed to then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// Until when it holds.
    pub until: Instant,
    /// What it says afterwards.
    pub text: String,
}

impl Entry {
    /// An entry in a state since an instant, and nothing more.
    #[must_use]
    pub fn new(state: State, at: Instant) -> Self {
        Self {
            state,
            at,
            attempts: 0,
            note: None,
            place: None,
            revision: 0,
            stake: None,
            stands: None,
        }
    }
}

/// The outbox cannot be read or written. Nothing is told without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the outbox cannot be used: {0}")]
pub struct OutboxError(pub String);

/// Keeps the entries.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Writes the first entry of a subject (a bet's identity) on a channel, unless there is one: then nothing is written
    /// and that one returned. One atomic step.
    ///
    /// # Errors
    /// [`OutboxError`] when it cannot be known whether the entry was written.
    async fn begin(
        &self,
        channel: &str,
        subject: &str,
        entry: &Entry,
    ) -> Result<Option<Entry>, OutboxError>;

    /// Replaces the entry of a subject on a channel.
    ///
    /// # Errors
    /// [`OutboxError`] when it cannot be known whether the entry was written.
    async fn update(&self, channel: &str, subject: &str, entry: &Entry) -> Result<(), OutboxError>;

    /// The entry of a subject on a channel.
    ///
    /// # Errors
    /// [`OutboxError`] when it cannot be read.
    async fn find(&self, channel: &str, subject: &str) -> Result<Option<Entry>, OutboxError>;

    /// The entries of a channel whose messages hold until an instant, by subject.
    ///
    /// # Errors
    /// [`OutboxError`] when they cannot be read.
    async fn standing(&self, channel: &str) -> Result<BTreeMap<String, Entry>, OutboxError>;
}
