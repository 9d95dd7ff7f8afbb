//! Dead letters and quarantine marks into the archive.
//!
//! A stage's letters lie in streams of their own, which no group reads: the files say how far the
//! archive is.

use std::time::Duration;

use marabet_schemas::EntryId;
use marabet_streams::backoff::Backoff;
use marabet_streams::{Log, Shutdown, Slot};

use super::{ArchiverOptions, blocking};
use crate::archive::{Archive, Marks};
use crate::error::ArchiveError;
use crate::file::FileWriter;
use crate::place::day_number;
use crate::schema::Holding;

/// How often the letters are looked at, at most.
const LOOK_EVERY_MIN: Duration = Duration::from_secs(1);
/// Entries that are read at once.
const PAGE: usize = 1_000;

/// Archives the letters of all stages again and again until asked to end, and then once more.
pub(super) async fn run(
    log: Log,
    archive: Archive,
    options: ArchiverOptions,
    mut shutdown: Shutdown,
) -> Result<(), ArchiveError> {
    let mut waits = Backoff::reconnect();
    let wait = options.age_max.max(LOOK_EVERY_MIN);
    loop {
        let asked = shutdown.unless_asked(tokio::time::sleep(wait)).await.is_none();
        match sweep(&log, &archive, &options).await {
            Ok(()) => waits.reset(),
            Err(error) if error.is_transient() => {
                tracing::warn!("dead letters not archived: {error}; they are, the next time");
                shutdown.unless_asked(waits.wait()).await;
            }
            Err(error) => return Err(error),
        }
        if asked {
            return Ok(());
        }
    }
}

async fn sweep(
    log: &Log,
    archive: &Archive,
    options: &ArchiverOptions,
) -> Result<(), ArchiveError> {
    let mut marks = Marks::new();
    for stage in &options.stages {
        let holding = Holding::Dead(stage.clone());
        let (own, of) = (archive.clone(), holding.clone());
        let (files, _) = blocking(move || own.all_files(&of)).await?;
        for slot in log.namespace().slots().chain([Slot::Account]) {
            let partition = match slot {
                Slot::Partition(partition) => partition,
                Slot::Account => 0,
            };
            let mine = files.iter().filter(|place| place.partition == partition);
            let last = mine.map(|place| place.last).max().unwrap_or_default();
            letters(log, archive, (slot, partition), &holding, stage, last, options.level).await?;
        }
        let found = log.quarantined(stage).await?;
        if !found.is_empty() {
            marks.insert(stage.clone(), found);
        }
    }
    let own = archive.clone();
    blocking(move || {
        let mut known = own.marks()?;
        let before = known.clone();
        for (stage, partitions) in marks {
            for (partition, frames) in partitions {
                known
                    .entry(stage.clone())
                    .or_default()
                    .entry(partition)
                    .or_default()
                    .extend(frames);
            }
        }
        if known == before { Ok(()) } else { own.put_marks(&known) }
    })
    .await
}

async fn letters(
    log: &Log,
    archive: &Archive,
    (slot, partition): (Slot, u16),
    holding: &Holding,
    stage: &str,
    mut last: EntryId,
    level: i32,
) -> Result<(), ArchiveError> {
    loop {
        let mut page = log.dead_lines(slot, stage, last, PAGE).await?;
        let Some((first, _)) = page.first() else { return Ok(()) };
        let day = day_number(*first);
        page.retain(|(id, _)| day_number(*id) == day);
        let Some((end, _)) = page.last() else { return Ok(()) };
        log.wait_durable(slot, end.ms).await?;
        let (after, end) = (last, *end);
        let (archive, holding) = (archive.clone(), holding.clone());
        blocking(move || {
            let mut file = FileWriter::new(&holding, partition, after, level);
            for (id, lines) in &page {
                file.push_lines(*id, lines.split_terminator('\n'))?;
            }
            match file.finish()? {
                Some(written) => archive.put(&written),
                None => Ok(()),
            }
        })
        .await?;
        last = end;
    }
}
