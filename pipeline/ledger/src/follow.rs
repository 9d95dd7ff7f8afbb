//! Following the log: what it says, taken in exactly once.

use std::collections::BTreeSet;
use std::time::Duration;

use marabet_schemas::frame::{BadLine, Frame};
use marabet_schemas::{Address, EntryId};
use marabet_streams::backoff::Backoff;
use marabet_streams::group::{Delivery, Reader, ReaderOptions};
use marabet_streams::{Log, Shutdown, Stream};
use sqlx::{Any, Row, Transaction};

use crate::apply;
use crate::database::Ledger;
use crate::earlier::{Course, Filed};
use crate::error::LedgerError;
use crate::money;

/// The consumer group on `bets`.
pub const GROUP_BETS: &str = marabet_streams::group::LEDGER;
/// The consumer group on `grants`.
pub const GROUP_GRANTS: &str = "ledger.grants";

/// Frames of a partition in one transaction at most.
const FRAMES_MAX: usize = 512;
/// How long the follower waits before it tries again to read what a newer program wrote.
const NEWER_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Takes in `bets` and `grants` until it is asked to end.
///
/// While the database or Redis is away it waits, and the log keeps what comes. It stays behind
/// the durable horizon. Of several processes that follow one log, one works and the others wait.
/// While the ledger is rebuilt it waits too; where it was set back, by a rebuild or a restored
/// backup, it takes in again what is missing, from the log or from where it is filed.
///
/// # Errors
/// What no waiting repairs: [`LedgerError::OtherLog`], [`LedgerError::Ahead`],
/// [`LedgerError::Dropped`], a statement that the database refuses, a log that was rolled back.
pub async fn follow(
    log: &Log,
    ledger: &Ledger,
    filed: Filed,
    shutdown: Shutdown,
) -> Result<(), LedgerError> {
    let mut waits = Backoff::reconnect();
    while let Err(error) = ledger.belong_to(log).await {
        if !error.is_transient() {
            return Err(error);
        }
        tracing::warn!("{error}; trying again");
        if shutdown.clone().unless_asked(waits.wait()).await.is_none() {
            return Ok(());
        }
    }
    let followed = |stream, group| Followed { log, ledger, filed: &filed, stream, group };
    let (bets, grants) =
        (followed(Stream::Bets, GROUP_BETS), followed(Stream::Grants, GROUP_GRANTS));
    tokio::try_join!(bets.run(shutdown.clone()), grants.run(shutdown))?;
    Ok(())
}

/// One stream that is followed for one group.
struct Followed<'a> {
    log: &'a Log,
    ledger: &'a Ledger,
    filed: &'a Filed,
    stream: Stream,
    group: &'a str,
}

impl Followed<'_> {
    async fn run(&self, mut shutdown: Shutdown) -> Result<(), LedgerError> {
        let group = self.group;
        let mut waits = Backoff::reconnect();
        let mut newer = Backoff::new(NEWER_WAITS.0, NEWER_WAITS.1);
        while !shutdown.is_asked() {
            let options = ReaderOptions {
                durable_only: true,
                frames_max: FRAMES_MAX,
                ..ReaderOptions::default()
            };
            let mut reader = Reader::new(self.log, self.stream, group, options);
            match self.serve(&mut reader, &mut waits, &mut shutdown).await {
                Ok(None) => {
                    reader.close().await;
                    break;
                }
                Ok(Some(line)) => {
                    reader.close().await;
                    tracing::warn!(group, "{}; waiting", line.reason);
                    shutdown.unless_asked(tokio::time::sleep(newer.advance())).await;
                }
                Err(error) if error.is_transient() => {
                    tracing::warn!(group, "{error}; trying again");
                    reader.close().await;
                    shutdown.unless_asked(waits.wait()).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes in until asked to end, or until a line comes that needs a newer program.
    async fn serve(
        &self,
        reader: &mut Reader,
        waits: &mut Backoff,
        shutdown: &mut Shutdown,
    ) -> Result<Option<BadLine>, LedgerError> {
        // How far each partition was taken in when this last looked.
        let mut taken: Option<Vec<EntryId>> = None;
        loop {
            let Some(deliveries) = shutdown.unless_asked(reader.next()).await else {
                return Ok(None);
            };
            let deliveries = deliveries?;
            let taken = match &mut taken {
                Some(taken) => taken,
                None => {
                    // This first reading has made the process the group's reader. What the group
                    // was handed once and the ledger has not, as after a ledger was restored from
                    // a backup, no group hands out again.
                    let handed_out = self.handed_out().await?;
                    // This may take long, and is given up as harmlessly as it is begun again.
                    match shutdown.unless_asked(self.catch_up(&handed_out)).await.transpose()? {
                        None => return Ok(None),
                        Some(Some(line)) => return Ok(Some(line)),
                        Some(None) => {}
                    }
                    taken.insert(handed_out)
                }
            };
            for batch in deliveries.chunk_by(|a, b| a.partition == b.partition) {
                let frames: Vec<&Frame> = batch.iter().map(|delivery| &delivery.frame).collect();
                if let Some(newer) = frames.iter().find_map(|frame| frame.newer()) {
                    return Ok(Some(newer.clone()));
                }
                let Some(last) = frames.last() else { continue };
                let partition = batch[0].partition;
                let before = &mut taken[usize::from(partition)];
                // It waits while the ledger is rebuilt.
                let taking = self.ledger.take_in(self.stream, partition, *before, &frames);
                if shutdown.unless_asked(taking).await.transpose()?.is_none() {
                    return Ok(None);
                }
                *before = last.id.max(*before);
                acknowledge(reader, batch).await?;
                waits.reset();
            }
        }
    }

    /// The last entry of each partition that the group was handed, once the server cannot lose it
    /// any more.
    async fn handed_out(&self) -> Result<Vec<EntryId>, LedgerError> {
        let status = self.log.status().await?;
        let own = status.streams.iter().filter(|one| one.stream == self.stream.name());
        let read_to = own.map(|one| {
            let found = one.groups.iter().find(|one| one.group == self.group);
            found.map_or(EntryId::default(), |group| group.read_to)
        });
        let read_to: Vec<EntryId> = read_to.collect();
        for (partition, id) in (0..).zip(&read_to) {
            let slot = self.log.namespace().slot_of(self.stream, partition);
            if self.ledger.offset(self.stream, partition).await? < *id {
                self.log.wait_durable(slot, id.ms).await?;
            }
        }
        Ok(read_to)
    }

    /// Takes in from where the ledger is to an entry of each partition, without the group.
    async fn catch_up(&self, to: &[EntryId]) -> Result<Option<BadLine>, LedgerError> {
        let (log, ledger, stream) = (self.log, self.ledger, self.stream);
        for (partition, &to) in (0..).zip(to) {
            let mut offset = ledger.offset(stream, partition).await?;
            let end = log.last_id(stream, partition).await?;
            if end < offset {
                let (stream, offset, last) = (stream.name(), offset.to_string(), end.to_string());
                return Err(LedgerError::Ahead { stream, partition, offset, last });
            }
            let mut course = Course::new(log, self.filed, (stream, partition), (offset, to));
            while let Some(frames) = course.next().await? {
                if let Some(newer) = frames.iter().find_map(Frame::newer) {
                    return Ok(Some(newer.clone()));
                }
                let frames: Vec<&Frame> = frames.iter().collect();
                ledger.take_in(stream, partition, offset, &frames).await?;
                offset = frames.last().map_or(offset, |last| last.id);
            }
        }
        Ok(None)
    }
}

async fn acknowledge(reader: &mut Reader, batch: &[Delivery]) -> Result<(), LedgerError> {
    // What is not acknowledged comes again, and the offset knows it.
    reader.acknowledge(batch).await.map_err(LedgerError::from)
}

/// Which log a ledger is of.
pub(crate) fn log_of(log: &Log) -> String {
    format!("{}/{}", log.namespace().prefix(), log.namespace().partitions())
}

impl Ledger {
    /// Binds an empty ledger to a log, and sees that another is this log's.
    pub(crate) async fn belong_to(&self, log: &Log) -> Result<(), LedgerError> {
        let asked = log_of(log);
        let fault = |error: sqlx::Error| self.fault(&error);
        sqlx::query("INSERT INTO meta VALUES ('log', $1) ON CONFLICT DO NOTHING")
            .bind(&*asked)
            .execute(&self.pool)
            .await
            .map_err(fault)?;
        let row = sqlx::query("SELECT value FROM meta WHERE key = 'log'").fetch_one(&self.pool);
        let found: String = row.await.and_then(|row| row.try_get(0)).map_err(fault)?;
        if found == asked {
            Ok(())
        } else {
            Err(LedgerError::OtherLog { at: self.at().to_owned(), found, asked })
        }
    }

    /// How far a stream's partition was taken in.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn offset(&self, stream: Stream, partition: u16) -> Result<EntryId, LedgerError> {
        let fault = |error: sqlx::Error| self.fault(&error);
        let row = sqlx::query(
            "SELECT entry_ms, entry_seq FROM offsets WHERE stream = $1 AND partition = $2",
        )
        .bind(stream.name())
        .bind(i64::from(partition))
        .fetch_optional(&self.pool)
        .await
        .map_err(fault)?;
        let Some(row) = row else { return Ok(EntryId::default()) };
        let part = |column| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
        Ok(EntryId { ms: part("entry_ms").map_err(fault)?, seq: part("entry_seq").map_err(fault)? })
    }

    /// Writes what the frames of one partition, in order, say and have not said before, and how
    /// far the partition is taken in: all of it or nothing. The frames are those that follow
    /// `after`: a ledger that does not stand there, nor further, would be left with a gap.
    ///
    /// # Errors
    /// [`LedgerError::SetBack`] where the ledger stands before `after`, with nothing written;
    /// [`LedgerError::Away`]: whether it was written is not known then, and asking again is right.
    pub async fn take_in(
        &self,
        stream: Stream,
        partition: u16,
        after: EntryId,
        frames: &[&Frame],
    ) -> Result<(), LedgerError> {
        let Some(last) = frames.last() else { return Ok(()) };
        let fault = |error: sqlx::Error| self.fault(&error);
        let mut to = self.begin().await?;
        let before = lock_offset(&mut to, stream, partition).await.map_err(fault)?;
        if before < after {
            to.rollback().await.map_err(fault)?;
            let (after, found) = (after.to_string(), before.to_string());
            return Err(LedgerError::SetBack { stream: stream.name(), partition, after, found });
        }
        if last.id <= before {
            return to.rollback().await.map_err(fault);
        }
        take_frames(&mut to, (stream, partition), before, frames).await.map_err(fault)?;
        to.commit().await.map_err(fault)
    }
}

/// Writes what the frames behind an entry say, and how far the partition is taken in then.
pub(crate) async fn take_frames(
    to: &mut Transaction<'static, Any>,
    (stream, partition): (Stream, u16),
    before: EntryId,
    frames: &[&Frame],
) -> Result<(), sqlx::Error> {
    let Some(last) = frames.last() else { return Ok(()) };
    let mut moved = BTreeSet::new();
    for frame in frames.iter().filter(|frame| frame.id > before) {
        for (index, event) in (0..).zip(&frame.events) {
            let address = Address { partition, entry: frame.id, index };
            match event {
                Ok(event) => moved.extend(apply::event(to, event, address).await?),
                Err(bad) => apply::reject(to, bad, address).await?,
            }
        }
    }
    money::book(to, &moved).await?;
    sqlx::query(
        "UPDATE offsets SET entry_ms = $1, entry_seq = $2 WHERE stream = $3 AND partition = $4",
    )
    .bind(last.id.ms.cast_signed())
    .bind(last.id.seq.cast_signed())
    .bind(stream.name())
    .bind(i64::from(partition))
    .execute(&mut **to)
    .await?;
    Ok(())
}

/// How far the partition was taken in; nobody else moves it until the transaction ends.
pub(crate) async fn lock_offset(
    to: &mut Transaction<'static, Any>,
    stream: Stream,
    partition: u16,
) -> Result<EntryId, sqlx::Error> {
    // A write that changes nothing takes the lock in both databases, before anything is read. Two
    // streams are not taken in at once: a settlement that does not see the grant that is being
    // written beside it, nor the grant the settlement, would leave its money unbooked.
    sqlx::query("UPDATE meta SET value = value WHERE key = 'log'").execute(&mut **to).await?;
    sqlx::query(
        "INSERT INTO offsets VALUES ($1, $2, 0, 0) \
         ON CONFLICT (stream, partition) DO UPDATE SET entry_seq = offsets.entry_seq",
    )
    .bind(stream.name())
    .bind(i64::from(partition))
    .execute(&mut **to)
    .await?;
    let row =
        sqlx::query("SELECT entry_ms, entry_seq FROM offsets WHERE stream = $1 AND partition = $2")
            .bind(stream.name())
            .bind(i64::from(partition))
            .fetch_one(&mut **to)
            .await?;
    let part = |column| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
    Ok(EntryId { ms: part("entry_ms")?, seq: part("entry_seq")? })
}
