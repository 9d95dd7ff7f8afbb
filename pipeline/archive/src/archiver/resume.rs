//! Where the archiver goes on: the files compared with the log.

use std::collections::BTreeMap;

use marabet_schemas::EntryId;
use marabet_streams::read::READ_MAX;
use marabet_streams::{Log, Stream};

use super::blocking;
use super::stream::Lane;
use crate::archive::Archive;
use crate::error::ArchiveError;
use crate::place::Place;
use crate::schema::Holding;

/// The partitions of a stream, each after the last entry in its files that the log agrees with.
pub(super) async fn lanes(
    log: &Log,
    archive: &Archive,
    stream: Stream,
) -> Result<BTreeMap<u16, Lane>, ArchiveError> {
    let holding = Holding::Stream(stream);
    let (own, of) = (archive.clone(), holding.clone());
    let (files, _) = blocking(move || own.all_files(&of)).await?;
    let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
    let mut lanes = BTreeMap::new();
    for partition in 0..partitions {
        let mine = files.iter().filter(|place| place.partition == partition);
        let mut mine: Vec<Place> = mine.cloned().collect();
        while let Some(tail) = ahead_of(log, stream, partition, &mine).await? {
            mine = set_aside(log, archive, (stream, partition), mine, tail).await?;
        }
        lanes.insert(partition, lane(log, archive, (stream, partition), &mine).await?);
    }
    Ok(lanes)
}

fn furthest(files: &[Place]) -> Option<&Place> {
    files.iter().max_by_key(|place| place.last)
}

/// The last entry of the files, where the log should have it and does not: the server lost what
/// was archived.
async fn ahead_of(
    log: &Log,
    stream: Stream,
    partition: u16,
    files: &[Place],
) -> Result<Option<EntryId>, ArchiveError> {
    let Some(last) = furthest(files).map(|place| place.last) else { return Ok(None) };
    // A log that holds nothing says nothing of what it once held.
    let first = log.range(stream, partition, None, None, 1).await?;
    let Some(first) = first.first().map(|frame| frame.id) else { return Ok(None) };
    if first > last || log.frame(stream, partition, last).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(last))
}

/// Moves the file at the tail out of the way, and writes anew what of it the log still has, or has
/// dropped in good order.
async fn set_aside(
    log: &Log,
    archive: &Archive,
    (stream, partition): (Stream, u16),
    mut files: Vec<Place>,
    tail: EntryId,
) -> Result<Vec<Place>, ArchiveError> {
    let Some(at) = files.iter().position(|place| place.last == tail) else { return Ok(files) };
    let place = files.remove(at);
    let path = place.to_string();
    // A server that is rolled back loses its last entries, never earlier ones.
    let mut agreed = None;
    let mut from = place.first;
    loop {
        let page = log.range(stream, partition, Some(from), Some(tail), READ_MAX).await?;
        let Some(last) = page.last() else { break };
        agreed = Some(last.id);
        from = EntryId { seq: last.id.seq + 1, ..last.id };
    }
    let first = log.range(stream, partition, None, None, 1).await?;
    let dropped_below = first.first().map_or(EntryId::default(), |frame| frame.id);
    tracing::error!(
        "{} is ahead of the log: the server has lost entries that were archived, the last of them \
         {tail}; the file is set aside as set-aside/{path}",
        archive.store().name(&path)
    );
    let own = archive.clone();
    let keeps = move |id: EntryId| id < dropped_below || agreed.is_some_and(|agreed| id <= agreed);
    let kept = blocking(move || own.cut_tail(&place, keeps)).await?;
    files.extend(kept);
    Ok(files)
}

async fn lane(
    log: &Log,
    archive: &Archive,
    (stream, partition): (Stream, u16),
    files: &[Place],
) -> Result<Lane, ArchiveError> {
    let gone = log.entries_gone(stream, partition).await?;
    let Some(place) = furthest(files).cloned() else {
        if gone == 0 {
            return Ok(Lane::after(EntryId::default(), EntryId::default(), 0));
        }
        // The archive begins in the middle of a log: what came before is known to be missing.
        let first = log.range(stream, partition, None, None, 1).await?;
        let first = match first.first() {
            Some(frame) => frame.id,
            None => log.last_id(stream, partition).await?,
        };
        tracing::error!(
            %stream, partition,
            "{gone} entries were dropped from the log before they were archived; the archive \
             begins at {first}, and a replay cannot begin before it"
        );
        return Ok(Lane::after(EntryId::default(), just_before(first), gone));
    };
    let own = archive.clone();
    let last = place.last;
    let ordinal = blocking(move || Ok(own.open(&place)?.content().ordinal)).await?;
    if ordinal < gone {
        tracing::error!(
            %stream, partition,
            "the log has a gap: {} entries after {last} were dropped before they were archived",
            gone - ordinal
        );
        let first = log.range(stream, partition, None, None, 1).await?;
        let before = first.first().map_or(last, |frame| just_before(frame.id));
        return Ok(Lane::after(last, before.max(last), gone));
    }
    Ok(Lane::after(last, last, ordinal))
}

/// The ID before this one: the file that begins here says with it that something is missing.
fn just_before(id: EntryId) -> EntryId {
    match id.seq.checked_sub(1) {
        Some(seq) => EntryId { seq, ..id },
        None => EntryId { ms: id.ms.saturating_sub(1), seq: u64::MAX },
    }
}
