//! Writing the views again, from the log and from where it is filed.

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use marabet_streams::{Log, Stream};
use sqlx::{Any, Executor, Transaction};

use crate::database::Ledger;
use crate::earlier::{Course, Filed};
use crate::error::LedgerError;
use crate::follow::{lock_offset, log_of, take_frames};

/// The tables that follow from the log.
const VIEWS: [&str; 10] = [
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

/// What a rebuild has written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// How many bets.
    pub bets: u64,
    /// How many settlements, corrections included.
    pub settlements: u64,
}

/// Drops the views and takes in again all that the log has and had. The ledger's own records stay.
///
/// It is one transaction. Whoever reads sees the rows of before until it ends; one that fails or
/// is interrupted has changed nothing; and whoever follows the log meanwhile waits, and goes on
/// behind what the rebuild has taken in.
///
/// # Errors
/// As [`follow`](crate::follow); and [`LedgerError::Database`] when a newer program wrote a part
/// of the log.
pub async fn rebuild(log: &Log, ledger: &Ledger, filed: &Filed) -> Result<Rebuilt, LedgerError> {
    let fault = |error: sqlx::Error| ledger.fault(&error);
    let mut to = ledger.begin().await?;
    // The row that each batch is written under: a follower waits for it from here on.
    let locked = sqlx::query(
        "INSERT INTO meta VALUES ('log', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    locked.bind(log_of(log)).execute(&mut *to).await.map_err(fault)?;
    for table in VIEWS {
        to.execute(&*format!("DELETE FROM {table}")).await.map_err(fault)?;
    }
    // Looked at under the lock: what a follower had taken in before lies within.
    let mut ends = Vec::new();
    for stream in [Stream::Bets, Stream::Grants] {
        let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
        for partition in 0..partitions {
            ends.push((stream, partition, log.last_id(stream, partition).await?));
        }
    }
    for (stream, partition, last) in ends {
        let slot = log.namespace().slot_of(stream, partition);
        if last > EntryId::default() {
            log.wait_durable(slot, last.ms).await?;
        }
        let course = Course::new(log, filed, (stream, partition), (EntryId::default(), last));
        take_course(ledger, &mut to, (stream, partition), course).await?;
    }
    to.commit().await.map_err(fault)?;
    Ok(Rebuilt {
        bets: ledger.count("bets").await?,
        settlements: ledger.count("settlements").await?,
    })
}

async fn take_course(
    ledger: &Ledger,
    to: &mut Transaction<'static, Any>,
    (stream, partition): (Stream, u16),
    mut course: Course<'_>,
) -> Result<(), LedgerError> {
    let fault = |error: sqlx::Error| ledger.fault(&error);
    while let Some(frames) = course.next().await? {
        if let Some(newer) = frames.iter().find_map(Frame::newer) {
            let (at, reason) = (ledger.at().to_owned(), newer.reason.clone());
            return Err(LedgerError::Database { at, reason });
        }
        let frames: Vec<&Frame> = frames.iter().collect();
        let before = lock_offset(to, stream, partition).await.map_err(fault)?;
        take_frames(to, (stream, partition), before, &frames).await.map_err(fault)?;
    }
    Ok(())
}
