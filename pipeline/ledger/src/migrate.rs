//! The schema: numbered migrations, each applied once, in order, under a lock.
//!
//! All that is missing is applied in one transaction: after a crash the schema is as it was
//! before, or as it is now.

use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row};

use crate::clock;
use crate::database::{Dialect, Ledger};
use crate::error::LedgerError;

/// One step of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its number, from 1.
    pub version: i64,
    /// What it is about.
    pub name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Every step, in order.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "ledger",
    sqlite: include_str!("../../../migrations/sqlite/0001_ledger.sql"),
    postgres: include_str!("../../../migrations/postgres/0001_ledger.sql"),
}];

/// What a migration would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The schema's version now; 0 for an empty database.
    pub version: i64,
    /// The steps that are missing.
    pub missing: Vec<Migration>,
}

impl Migration {
    /// The step's statements.
    #[must_use]
    pub const fn sql(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }

    /// The statements one by one: each ends with a semicolon at the end of a line.
    fn statements(&self, dialect: Dialect) -> impl Iterator<Item = &'static str> {
        let all = self.sql(dialect).split(";\n").map(str::trim);
        all.filter(|statement| {
            let mut lines = statement.lines();
            lines.any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
        })
    }

    fn checksum(&self, dialect: Dialect) -> String {
        let digest = Sha256::digest(self.sql(dialect).as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (\
     version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";

impl Ledger {
    /// Applies what is missing. Processes that come at once wait for one another.
    ///
    /// # Errors
    /// [`LedgerError::Newer`] and [`LedgerError::Changed`], with nothing changed;
    /// [`LedgerError::Away`].
    pub async fn migrate(&self) -> Result<Pending, LedgerError> {
        let mut connection = self.pool.acquire().await.map_err(|error| self.fault(&error))?;
        let done = self.migrate_on(&mut connection).await;
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = sqlx::query(end).execute(&mut *connection).await;
        if ended.is_err() {
            // A connection in an unknown state must not be given to another.
            let _ = connection.close().await;
        }
        ended.map_err(|error| self.fault(&error)).and(done)
    }

    async fn migrate_on(&self, connection: &mut AnyConnection) -> Result<Pending, LedgerError> {
        let fault = |error: sqlx::Error| self.fault(&error);
        let lock: &[&str] = match self.dialect {
            Dialect::Sqlite => &["BEGIN IMMEDIATE"],
            Dialect::Postgres => {
                &["BEGIN", "DO $$ BEGIN PERFORM pg_advisory_xact_lock(7300147); END $$"]
            }
        };
        for statement in lock.iter().chain(&[TABLE]) {
            sqlx::query(statement).execute(&mut *connection).await.map_err(fault)?;
        }
        let pending = self.pending_on(connection).await?;
        for step in &pending.missing {
            for statement in step.statements(self.dialect) {
                sqlx::query(statement).execute(&mut *connection).await.map_err(fault)?;
            }
            sqlx::query("INSERT INTO schema_migrations VALUES ($1, $2, $3, $4)")
                .bind(step.version)
                .bind(step.name)
                .bind(step.checksum(self.dialect))
                .bind(clock::now().micros())
                .execute(&mut *connection)
                .await
                .map_err(fault)?;
        }
        Ok(pending)
    }

    /// What [`Self::migrate`] would do; nothing is changed.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub async fn pending(&self) -> Result<Pending, LedgerError> {
        let mut connection = self.pool.acquire().await.map_err(|error| self.fault(&error))?;
        let exists = match self.dialect {
            Dialect::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'",
            Dialect::Postgres => {
                "SELECT 1 FROM information_schema.tables WHERE table_name = 'schema_migrations' \
                 AND table_schema = ANY (current_schemas(false))"
            }
        };
        let found = sqlx::query(exists).fetch_optional(&mut *connection).await;
        if found.map_err(|error| self.fault(&error))?.is_none() {
            return Ok(Pending { version: 0, missing: MIGRATIONS.to_vec() });
        }
        self.pending_on(&mut connection).await
    }

    async fn pending_on(&self, connection: &mut AnyConnection) -> Result<Pending, LedgerError> {
        let fault = |error: sqlx::Error| self.fault(&error);
        let rows = sqlx::query("SELECT version, checksum FROM schema_migrations ORDER BY version")
            .fetch_all(connection)
            .await
            .map_err(fault)?;
        let known = MIGRATIONS.last().map_or(0, |step| step.version);
        let mut missing = MIGRATIONS.to_vec();
        let mut version = 0;
        for row in rows {
            version = row.try_get("version").map_err(fault)?;
            let checksum: String = row.try_get("checksum").map_err(fault)?;
            let at = self.at().to_owned();
            let Some(step) = MIGRATIONS.iter().find(|step| step.version == version) else {
                return Err(LedgerError::Newer { at, found: version, known });
            };
            if step.checksum(self.dialect) != checksum {
                return Err(LedgerError::Changed { at, version });
            }
            missing.retain(|step| step.version != version);
        }
        Ok(Pending { version, missing })
    }
}
