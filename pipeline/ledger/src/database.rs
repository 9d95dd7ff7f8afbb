//! Opening the database that a URL names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use marabet_schemas::Instant;
use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, Executor, Row, Transaction};

use crate::error::LedgerError;

/// Most connections at once: the follower's, a report's, and a few jobs'.
const CONNECTIONS_MAX: u32 = 6;
/// How long a caller waits for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which database it is, where that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL, on a server.
    Postgres,
}

/// The ledger. Clones share its connections.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) pool: AnyPool,
    pub(crate) dialect: Dialect,
    at: Arc<str>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger of this URL, and brings its schema up to date.
    ///
    /// # Errors
    /// [`LedgerError::Url`]; [`LedgerError::Away`]; [`LedgerError::Newer`] when a newer program
    /// has made the schema.
    pub async fn open(url: &str) -> Result<Self, LedgerError> {
        let ledger = Self::connect(url).await?;
        ledger.migrate().await?;
        Ok(ledger)
    }

    /// Opens the ledger of this URL and leaves its schema as it is.
    ///
    /// # Errors
    /// [`LedgerError::Url`]; [`LedgerError::Away`].
    pub async fn connect(url: &str) -> Result<Self, LedgerError> {
        sqlx::any::install_default_drivers();
        let (dialect, url, at) = understand(url)?;
        if dialect == Dialect::Sqlite
            && let Some(folder) = Path::new(&at).parent().filter(|path| *path != Path::new(""))
        {
            std::fs::create_dir_all(folder)
                .map_err(|error| LedgerError::Away { at: at.clone(), reason: error.to_string() })?;
        }
        let options = AnyPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(CONNECT_TIMEOUT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if dialect == Dialect::Sqlite {
                        // Readers beside one writer, and a commit that a power cut does not undo.
                        connection
                            .execute(
                                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
                                 PRAGMA synchronous = FULL; PRAGMA cache_size = -32000",
                            )
                            .await?;
                    }
                    Ok(())
                })
            });
        let pool = options.connect(&url).await.map_err(|error| match error {
            sqlx::Error::Configuration(_) => unusable("it cannot be understood"),
            error => LedgerError::from_sqlx(&at, &error),
        })?;
        Ok(Self { pool, dialect, at: at.into() })
    }

    /// Where it is, without its password.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Which database it is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The file that holds it; none for a server.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        (self.dialect == Dialect::Sqlite).then(|| PathBuf::from(&*self.at))
    }

    /// Closes the connections.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// Gives back the room of deleted rows and counts anew what the planner goes by.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn optimise(&self) -> Result<(), LedgerError> {
        for statement in ["VACUUM", "ANALYZE"] {
            self.pool.execute(statement).await.map_err(|error| self.fault(&error))?;
        }
        Ok(())
    }

    /// Copies a ledger in a file, whole and as of one moment, to a file that there is not yet.
    ///
    /// # Errors
    /// [`LedgerError::Url`] for a ledger on a server; [`LedgerError::Away`].
    pub async fn copy_to(&self, file: &Path) -> Result<(), LedgerError> {
        if self.dialect != Dialect::Sqlite {
            return Err(unusable("a ledger on a server is copied by the server's own programs"));
        }
        let copied = sqlx::query("VACUUM INTO $1").bind(file.display().to_string());
        copied.execute(&self.pool).await.map(|_| ()).map_err(|error| self.fault(&error))
    }

    /// The latest instant that the views know of; none while they know nothing.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn latest(&self) -> Result<Option<Instant>, LedgerError> {
        Ok(self.span().await?.map(|(_, latest)| latest))
    }

    /// The first and the latest instant that the views know of; none while they know nothing.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn span(&self) -> Result<Option<(Instant, Instant)>, LedgerError> {
        let query = sqlx::query(
            "SELECT MIN(first) AS first, MAX(latest) AS latest FROM (\
             SELECT MIN(found_at) AS first, MAX(found_at) AS latest FROM bets \
             UNION ALL SELECT MIN(settled_at), MAX(settled_at) FROM settlements \
             UNION ALL SELECT MIN(moved_at), MAX(moved_at) FROM movements) AS known",
        );
        let row = query.fetch_one(&self.pool).await;
        let ends = row.and_then(|row| {
            Ok((row.try_get::<Option<i64>, _>("first")?, row.try_get::<Option<i64>, _>("latest")?))
        });
        let (first, latest) = ends.map_err(|error| self.fault(&error))?;
        let instant = Instant::from_micros;
        Ok(first.map(instant).zip(latest.map(instant)))
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, LedgerError> {
        self.pool.begin().await.map_err(|error| self.fault(&error))
    }

    pub(crate) fn fault(&self, error: &sqlx::Error) -> LedgerError {
        LedgerError::from_sqlx(&self.at, error)
    }
}

fn unusable(reason: &str) -> LedgerError {
    LedgerError::Url { reason: reason.to_owned() }
}

/// The dialect, the URL as the driver takes it, and the place as it may be shown.
fn understand(url: &str) -> Result<(Dialect, String, String), LedgerError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split('?').next().unwrap_or_default();
        if path.is_empty() || path.starts_with(':') {
            return Err(unusable("a ledger in memory would be lost; name a file"));
        }
        return Ok((Dialect::Sqlite, format!("sqlite://{path}?mode=rwc"), path.to_owned()));
    }
    let scheme = ["postgres://", "postgresql://"].into_iter().find(|one| url.starts_with(one));
    let rest = scheme.and_then(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or_else(|| unusable("it is of no database that is known"))?;
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    // A socket's folder may be given as a parameter; a password must not be shown from there.
    let host = parameters.split('&').find_map(|one| one.strip_prefix("host="));
    let shown = host.map_or_else(|| place.to_owned(), |host| format!("{host}:{place}"));
    Ok((Dialect::Postgres, url.to_owned(), shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_without_its_password() {
        for (url, shown) in [
            ("sqlite:ledger.db", "ledger.db"),
            ("sqlite:///var/lib/ledger.db?mode=ro", "/var/lib/ledger.db"),
            ("postgres://bettor:s3cret@db:5433/bets", "db:5433/bets"),
            ("postgres:///bets?host=/run/pg&password=s3cret", "/run/pg:/bets"),
        ] {
            assert_eq!(understand(url).unwrap().2, shown);
        }
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_used_is_refused_without_repeating_it() {
        for url in ["mysql://u:s3cret@h/d", "sqlite::memory:", "postgres://u:s3cret@h:port/d", ""] {
            let error = Ledger::connect(url).await.unwrap_err();
            assert!(matches!(error, LedgerError::Url { .. }), "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }
}
