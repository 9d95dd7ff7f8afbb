//! Where everything lies in Redis: the one place that builds keys.
//!
//! All keys of a partition share one hash tag, `mb:{07}:…`, and so one slot of a Redis Cluster;
//! all keys of the account share another, `mb:{account}:…`.

use std::fmt;

use marabet_schemas::{ArtefactHash, Event, MatchKey};

use crate::error::LogError;

/// The streams, in the order in which the data flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Facts.
    Feed,
    /// Facts, quotes carrying the model's probabilities.
    Priced,
    /// Value bets, refusals, settlements.
    Bets,
    /// Granted stakes. It has one partition, the account's.
    Grants,
}

impl Stream {
    /// Every stream.
    pub const ALL: [Self; 4] = [Self::Feed, Self::Priced, Self::Bets, Self::Grants];

    /// The name, as in its key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Priced => "priced",
            Self::Bets => "bets",
            Self::Grants => "grants",
        }
    }

    /// The stream of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }

    /// Whether it is one of the account, not of the partitions.
    #[must_use]
    pub const fn is_of_account(self) -> bool {
        matches!(self, Self::Grants)
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A part of the key space that shares one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// A partition of the matches.
    Partition(u16),
    /// The account.
    Account,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(partition) => write!(f, "{partition:02}"),
            Self::Account => f.write_str("account"),
        }
    }
}

/// A log among others in the same Redis: a prefix, and how many partitions it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    prefix: String,
    partitions: u16,
}

impl Namespace {
    /// Most partitions: two digits, in the hash tag and in the archive's folders.
    pub const PARTITIONS_MAX: u16 = 100;

    /// A namespace of this prefix, such as `mb`, with this many partitions.
    ///
    /// # Errors
    /// [`LogError::Namespace`] when the prefix is empty or holds anything but letters, digits,
    /// `-`, `_` and `.`, or when there are no partitions or more than
    /// [`Self::PARTITIONS_MAX`].
    pub fn new(prefix: impl Into<String>, partitions: u16) -> Result<Self, LogError> {
        let prefix = prefix.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if prefix.is_empty() || !prefix.chars().all(plain) {
            return Err(LogError::Namespace(format!(
                "`{prefix}` is no prefix for a namespace; use letters, digits, `-`, `_` and `.`"
            )));
        }
        if !(1..=Self::PARTITIONS_MAX).contains(&partitions) {
            return Err(LogError::Namespace(format!(
                "a namespace has 1 to {} partitions, not {partitions}",
                Self::PARTITIONS_MAX
            )));
        }
        Ok(Self { prefix, partitions })
    }

    /// The prefix of every key.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How many partitions.
    #[must_use]
    pub fn partitions(&self) -> u16 {
        self.partitions
    }

    /// The slots of all partitions.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.partitions).map(Slot::Partition)
    }

    /// The partitions that an event belongs to: its match's, or all of them.
    #[must_use]
    pub fn partitions_of(&self, event: &Event) -> std::ops::Range<u16> {
        match &event.key {
            Some(key) => {
                let partition = key.partition(self.partitions);
                partition..partition + 1
            }
            None => 0..self.partitions,
        }
    }

    /// A key in a slot: `mb:{07}:<rest>`.
    #[must_use]
    pub fn key(&self, slot: Slot, rest: fmt::Arguments<'_>) -> String {
        format!("{}:{{{slot}}}:{rest}", self.prefix)
    }

    /// The slot of a stream's partition; the account's for its own, whatever the partition.
    #[must_use]
    pub fn slot_of(&self, stream: Stream, partition: u16) -> Slot {
        if stream.is_of_account() { Slot::Account } else { Slot::Partition(partition) }
    }

    /// A stream's key. The partition is of no account for [`Stream::Grants`].
    #[must_use]
    pub fn stream(&self, stream: Stream, partition: u16) -> String {
        self.key(self.slot_of(stream, partition), format_args!("{stream}"))
    }

    /// The hash that holds a stage's state.
    #[must_use]
    pub fn state(&self, slot: Slot, stage: &str) -> String {
        self.key(slot, format_args!("state:{stage}"))
    }

    /// The hash that holds a stage's fence and lease.
    #[must_use]
    pub fn fence(&self, slot: Slot, stage: &str) -> String {
        self.key(slot, format_args!("fence:{stage}"))
    }

    /// The stream of a stage's dead letters.
    #[must_use]
    pub fn dead(&self, slot: Slot, stage: &str) -> String {
        self.key(slot, format_args!("dead:{stage}"))
    }

    /// The hash that says which dead letters of a stage were dealt with.
    #[must_use]
    pub fn dead_done(&self, slot: Slot, stage: &str) -> String {
        self.key(slot, format_args!("dead_done:{stage}"))
    }

    /// The hash of frames that a stage began to apply after a crash, with how often.
    #[must_use]
    pub fn attempts(&self, slot: Slot, stage: &str) -> String {
        self.key(slot, format_args!("attempts:{stage}"))
    }

    /// The hash of frames that a stage passes over, with the reason.
    #[must_use]
    pub fn quarantine(&self, slot: Slot, stage: &str) -> String {
        self.key(slot, format_args!("quarantine:{stage}"))
    }

    /// A materialised view.
    #[must_use]
    pub fn cache(&self, slot: Slot, name: impl fmt::Display) -> String {
        self.key(slot, format_args!("cache:{name}"))
    }

    /// The hash that holds what is known of a source: fence, last batch, position.
    #[must_use]
    pub fn source(&self, slot: Slot, source: &str) -> String {
        self.key(slot, format_args!("source:{source}"))
    }

    /// The hash of which source speaks for each book on a match.
    #[must_use]
    pub fn claims(&self, slot: Slot, key: &MatchKey) -> String {
        self.key(slot, format_args!("claims:{key}"))
    }

    /// The mark behind which everything else in a slot was written.
    #[must_use]
    pub fn barrier(&self, slot: Slot) -> String {
        self.key(slot, format_args!("barrier"))
    }

    /// What is known of a batch that a client sent under this source.
    #[must_use]
    pub fn batch(&self, source: &str) -> String {
        format!("{}:batch:{source}", self.prefix)
    }

    /// The hash of the last address that a stage of the account has taken from each partition.
    #[must_use]
    pub fn offsets(&self, stage: &str) -> String {
        self.key(Slot::Account, format_args!("offsets:{stage}"))
    }

    /// The hash of a channel's outbox.
    #[must_use]
    pub fn outbox(&self, channel: &str) -> String {
        self.key(Slot::Account, format_args!("outbox:{channel}"))
    }

    /// An artefact.
    #[must_use]
    pub fn artefact(&self, hash: &ArtefactHash) -> String {
        format!("{}:artefact:{hash}", self.prefix)
    }

    /// What every key of the job queues begins with: `mb:{jobs}:`. They share one slot.
    #[must_use]
    pub fn jobs(&self) -> String {
        format!("{}:{{jobs}}:", self.prefix)
    }

    /// The hash that says how the namespace was made.
    #[must_use]
    pub fn about(&self) -> String {
        format!("{}:namespace", self.prefix)
    }

    /// The hash of the processes that run a stage, with their deadlines.
    #[must_use]
    pub fn members(&self, stage: &str) -> String {
        format!("{}:{{members}}:{stage}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_partition_share_one_hash_tag() {
        let names = Namespace::new("mb", 32).unwrap();
        let slot = Slot::Partition(7);
        let keys = [
            names.stream(Stream::Feed, 7),
            names.stream(Stream::Bets, 7),
            names.state(slot, "predict"),
            names.fence(slot, "predict"),
            names.dead(slot, "predict"),
            names.cache(slot, "odds:x"),
            names.source(slot, "stdin"),
        ];
        assert!(keys.iter().all(|key| key.starts_with("mb:{07}:")), "{keys:?}");
        assert_eq!(names.stream(Stream::Grants, 7), "mb:{account}:grants");
    }

    #[test]
    fn a_prefix_that_would_break_the_hash_tag_is_refused() {
        for (prefix, partitions) in [("", 4), ("a{b", 4), ("a:b", 4), ("mb", 0), ("mb", 101)] {
            assert!(Namespace::new(prefix, partitions).is_err(), "{prefix} {partitions}");
        }
    }
}
