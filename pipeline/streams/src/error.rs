//! What can go wrong with the log.

use marabet_schemas::{ArtefactHash, EntryId};
use marabet_stage::StateError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::check::Refusal;

/// Why the log could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// Redis is away, or does not answer yet. It may be back: try again.
    #[error("redis at {at} is away: {reason}")]
    Away {
        /// Which server, without its password.
        at: String,
        /// What happened.
        reason: String,
    },
    /// Redis has no memory left for more facts. Readers that catch up make room: try again.
    #[error("redis at {at} is at its memory limit: {reason}")]
    Full {
        /// Which server, without its password.
        at: String,
        /// What it said.
        reason: String,
    },
    /// The URL is none that this program can use.
    #[error(
        "{reason}; write the URL of Redis as redis://[user:password@]host:port[/db], with several hosts apart by commas for a cluster, rediss://… for TLS, redis+sentinel://host:port,host:port/master, or unix:///path"
    )]
    Url {
        /// What is wrong, without the URL, which may hold a password.
        reason: String,
    },
    /// The server's settings would lose data.
    #[error(transparent)]
    Settings(#[from] Refusal),
    /// The namespace exists with another number of partitions.
    #[error(
        "namespace `{prefix}` was made with {found} partitions and cannot be opened with {asked}; configure {found}, or choose another prefix"
    )]
    Partitions {
        /// The namespace.
        prefix: String,
        /// How many it has.
        found: u16,
        /// How many were asked for.
        asked: u16,
    },
    /// The namespace's name or number of partitions cannot be used.
    #[error("{0}")]
    Namespace(String),
    /// Another owner has taken over; nothing was written.
    #[error("{what} was taken over by another owner; nothing was written")]
    Fenced {
        /// What was owned.
        what: String,
    },
    /// A reader stands above the end of a stream: the server has lost entries that were read.
    #[error(
        "`{stream}` was rolled back: it ends at {last}, and {reader} has read up to {offset}; restore the server's data, or reset the reader knowingly"
    )]
    Rollback {
        /// The stream's key.
        stream: String,
        /// Who has read it.
        reader: String,
        /// How far.
        offset: EntryId,
        /// The stream's last ID.
        last: EntryId,
    },
    /// A write was refused that should never be.
    #[error("alarm: `{stream}` refused {id}: {reason}; a person has to look")]
    Alarm {
        /// The stream's key.
        stream: String,
        /// The entry.
        id: String,
        /// What Redis said.
        reason: String,
    },
    /// State that cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// An artefact is not in the log, or is not what its name says.
    #[error("artefact {hash}: {reason}")]
    Artefact {
        /// Which.
        hash: ArtefactHash,
        /// What is wrong.
        reason: String,
    },
    /// What was asked for does not exist, or cannot be done with it.
    #[error("{0}")]
    Asked(String),
    /// Redis answered with an error that is none of the above.
    #[error("redis at {at}: {reason}")]
    Reply {
        /// Which server, without its password.
        at: String,
        /// What it said.
        reason: String,
    },
}

impl LogError {
    /// Whether it passes by itself, so that trying again with backoff is right.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Full { .. })
    }

    /// The error that the client reported of the server at this place.
    pub(crate) fn from_redis(at: &str, error: &RedisError) -> Self {
        let (at, reason) = (at.to_owned(), error.to_string());
        match error.kind() {
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Self::Away { at, reason },
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::ReadOnly,
            ) => Self::Away { at, reason },
            _ => match error.code() {
                Some("OOM") => Self::Full { at, reason },
                // A server that cannot write its AOF, or lacks replicas, takes no writes for now.
                Some("MISCONF" | "NOREPLICAS" | "BUSY") => Self::Away { at, reason },
                // A blocked read is ended when its master became a replica.
                Some("UNBLOCKED") => Self::Away { at, reason },
                _ => Self::Reply { at, reason },
            },
        }
    }

    /// An answer of another form than the command has.
    pub(crate) fn unexpected(what: &str, found: &redis::Value) -> Self {
        let shown: String = format!("{found:?}").chars().take(200).collect();
        Self::Reply { at: what.to_owned(), reason: format!("unexpected answer {shown}") }
    }
}
