//! What can go wrong with the ledger.

use marabet_streams::LogError;

/// Why the ledger cannot do what was asked. No message holds a password.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The URL is none that the ledger can use.
    #[error(
        "the ledger's URL cannot be used: {reason}; write sqlite:path/to/file or postgres://user@host:port/database"
    )]
    Url {
        /// What is wrong, without the URL, which may hold a password.
        reason: String,
    },
    /// The database does not answer. It passes, or the address is wrong.
    #[error("the ledger at {at} is away: {reason}")]
    Away {
        /// Which database, without its password.
        at: String,
        /// What happened.
        reason: String,
    },
    /// A newer program has made the schema.
    #[error(
        "the ledger at {at} has schema version {found}, and this program knows {known}; upgrade the program, or point it at another ledger"
    )]
    Newer {
        /// Which database.
        at: String,
        /// The version found.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// A migration was changed after it was applied.
    #[error(
        "migration {version} of the ledger at {at} was applied with another text than this program has; restore the program or the ledger that belong together"
    )]
    Changed {
        /// Which database.
        at: String,
        /// Which migration.
        version: i64,
    },
    /// The ledger belongs to another log.
    #[error(
        "the ledger at {at} was made from log `{found}` and cannot follow `{asked}`; rebuild it, or use another"
    )]
    OtherLog {
        /// Which database.
        at: String,
        /// The log that it follows.
        found: String,
        /// The log that it should follow.
        asked: String,
    },
    /// The ledger stands above the end of the log.
    #[error(
        "the ledger has taken in {stream} of partition {partition} up to {offset}, but it ends at {last}: the log was rolled back; restore it, or rebuild the ledger"
    )]
    Ahead {
        /// Which stream.
        stream: &'static str,
        /// Which partition.
        partition: u16,
        /// How far the ledger is.
        offset: String,
        /// Where the stream ends.
        last: String,
    },
    /// The ledger was set back while it was followed: rebuilt, or restored from a backup. It passes:
    /// the follower begins anew where the ledger is.
    #[error(
        "the ledger has taken in {stream} of partition {partition} up to {found} and had it up to {after}: it was rebuilt or restored meanwhile"
    )]
    SetBack {
        /// Which stream.
        stream: &'static str,
        /// Which partition.
        partition: u16,
        /// How far it was.
        after: String,
        /// How far it is.
        found: String,
    },
    /// The log has dropped what the ledger needs, and it is not to be had elsewhere.
    #[error(
        "the log has dropped what comes after {after} in {stream} of partition {partition}, and {reason}; name the place of its archive (`archive.location`), or restore a ledger that is further"
    )]
    Dropped {
        /// Which stream.
        stream: &'static str,
        /// Which partition.
        partition: u16,
        /// How far it is known.
        after: String,
        /// Where it was looked for.
        reason: String,
    },
    /// What the log has dropped cannot be read where it is filed.
    #[error("what the log has dropped cannot be read: {reason}")]
    Earlier {
        /// What is wrong, and where.
        reason: String,
    },
    /// The database refuses a statement.
    #[error("the ledger at {at}: {reason}")]
    Database {
        /// Which database.
        at: String,
        /// What it said.
        reason: String,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl LedgerError {
    /// Whether it passes by itself, so that trying again with backoff is right.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Away { .. } | Self::SetBack { .. } | Self::Earlier { .. } => true,
            Self::Log(error) => error.is_transient(),
            _ => false,
        }
    }

    /// The error that the driver reported of the database at this place.
    pub(crate) fn from_sqlx(at: &str, error: &sqlx::Error) -> Self {
        let (at, reason) = (at.to_owned(), error.to_string());
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Protocol(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => Self::Away { at, reason },
            sqlx::Error::Database(refusal) if passes(refusal.code().as_deref()) => {
                Self::Away { at, reason }
            }
            _ => Self::Database { at, reason },
        }
    }
}

/// Whether an error code is of a state that passes: SQLite's BUSY (5), LOCKED (6), IOERR (10) and
/// FULL (13), with their extended codes; PostgreSQL's classes of lost connections (08), rolled
/// back transactions (40), missing resources (53) and interventions (57).
fn passes(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code.len() == 5 && !code.bytes().all(|byte| byte == b'0') {
        return ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class));
    }
    code.parse::<u32>().is_ok_and(|code| [5, 6, 10, 13].contains(&(code & 0xff)))
}

#[cfg(test)]
mod tests {
    use super::passes;

    #[test]
    fn a_busy_or_restarting_database_passes_and_a_wrong_statement_does_not() {
        for code in ["5", "517", "6", "13", "08006", "40001", "57P01", "53300"] {
            assert!(passes(Some(code)), "{code}");
        }
        for code in ["1", "19", "2067", "23505", "42601"] {
            assert!(!passes(Some(code)), "{code}");
        }
        assert!(!passes(None));
    }
}
