//! How far the ledger is, and how much it holds.

use std::collections::BTreeMap;

use marabet_schemas::EntryId;
use marabet_streams::{Log, Stream};
use serde::Serialize;
use sqlx::Row;

use crate::database::Ledger;
use crate::error::LedgerError;

/// The ledger at a glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Where it is.
    pub at: String,
    /// Its schema's version.
    pub schema: i64,
    /// How far it has taken in each partition of each stream.
    pub streams: Vec<StreamStatus>,
    /// Rows, by table.
    pub rows: BTreeMap<&'static str, u64>,
}

/// A partition of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamStatus {
    /// The stream.
    pub stream: &'static str,
    /// The partition.
    pub partition: u16,
    /// The last entry taken in.
    pub taken: EntryId,
    /// The stream's last entry.
    pub last: EntryId,
}

/// The tables that `status` counts.
const COUNTED: [&str; 15] = [
    "bets",
    "grants",
    "placements",
    "settlements",
    "movements",
    "accounts",
    "models",
    "rejects",
    "predictions",
    "performance",
    "jobs",
    "backtest_runs",
    "notifications",
    "name_reviews",
    "schema_migrations",
];

impl Ledger {
    /// How far the ledger is.
    ///
    /// # Errors
    /// [`LedgerError::Away`]; an error of the log.
    pub async fn status(&self, log: &Log) -> Result<Status, LedgerError> {
        let mut streams = Vec::new();
        for stream in [Stream::Bets, Stream::Grants] {
            let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
            for partition in 0..partitions {
                let taken = self.offset(stream, partition).await?;
                let last = log.last_id(stream, partition).await?;
                streams.push(StreamStatus { stream: stream.name(), partition, taken, last });
            }
        }
        let mut rows = BTreeMap::new();
        for table in COUNTED {
            rows.insert(table, self.count(table).await?);
        }
        let schema = self.pending().await?.version;
        Ok(Status { at: self.at().to_owned(), schema, streams, rows })
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &'static str) -> Result<u64, LedgerError> {
        let fault = |error: sqlx::Error| self.fault(&error);
        let query = format!("SELECT COUNT(*) FROM {table}");
        let row = sqlx::query(&query).fetch_one(&self.pool);
        let count: i64 = row.await.and_then(|row| row.try_get(0)).map_err(fault)?;
        Ok(count.unsigned_abs())
    }
}
