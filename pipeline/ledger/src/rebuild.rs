//! Writing the views again, from the log.

use std::time::Duration;

use marabet_streams::{Log, Stream};
use sqlx::Executor;

use crate::database::Ledger;
use crate::error::LedgerError;
use crate::follow::catch_up;

/// The tables that follow from the log.
pub(crate) const VIEWS: [&str; 10] = [
    "offsets",
    "rejects",
    "bets",
    "grants",
    "placements",
    "settlements",
    "accounts",
    "commissions",
    "movements",
    "models",
];

/// Longer than the server's disk is behind its memory.
const DURABLE_AFTER: Duration = Duration::from_millis(2_500);

/// What a rebuild has written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// How many bets.
    pub bets: u64,
    /// How many settlements, corrections included.
    pub settlements: u64,
}

/// Drops the views and takes the whole log in again. The ledger's own records stay.
///
/// The views are emptied in one transaction with how far the log was taken in: a rebuild that is
/// interrupted goes on where it was, as following does.
///
/// # Errors
/// As [`follow`](crate::follow); and [`LedgerError::Database`] when a newer program wrote a part
/// of the log.
pub async fn rebuild(log: &Log, ledger: &Ledger) -> Result<Rebuilt, LedgerError> {
    let fault = |error: sqlx::Error| ledger.fault(&error);
    let mut to = ledger.begin().await?;
    to.execute("DELETE FROM meta WHERE key = 'log'").await.map_err(fault)?;
    for table in VIEWS {
        to.execute(&*format!("DELETE FROM {table}")).await.map_err(fault)?;
    }
    to.commit().await.map_err(fault)?;
    ledger.belong_to(log).await?;
    let mut ends = Vec::new();
    for stream in [Stream::Bets, Stream::Grants] {
        let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
        let mut last = Vec::new();
        for partition in 0..partitions {
            last.push(log.last_id(stream, partition).await?);
        }
        ends.push((stream, last));
    }
    // What is there now is on the server's disk then.
    tokio::time::sleep(DURABLE_AFTER).await;
    for (stream, last) in ends {
        if let Some(newer) = catch_up(log, ledger, stream, &last).await? {
            return Err(LedgerError::Database { at: ledger.at().to_owned(), reason: newer.reason });
        }
    }
    Ok(Rebuilt {
        bets: ledger.count("bets").await?,
        settlements: ledger.count("settlements").await?,
    })
}
