//! What was known before: from the log, and from the archive what the log has dropped.

use std::sync::Arc;

use marabet_archive::{Archive, Days, Holding, day_of};
use marabet_ledger::{Earlier, EarlierFrames, Filed};
use marabet_schemas::{EntryId, Event};
use marabet_streams::{Log, Stream};
use marabet_views::readback::Pages;

/// Hands on every event of a stream, partition after partition, each in its order.
pub(crate) async fn each(
    log: &Log,
    archive: &Archive,
    stream: Stream,
    take: impl FnMut(Event) + Send,
) -> anyhow::Result<()> {
    each_since(log, archive, stream, EntryId::default(), take).await
}

/// The same for the entries behind one, of which no file of an earlier day is opened.
pub(crate) async fn each_since(
    log: &Log,
    archive: &Archive,
    stream: Stream,
    since: EntryId,
    mut take: impl FnMut(Event) + Send,
) -> anyhow::Result<()> {
    let days = Days { from: (since > EntryId::default()).then(|| day_of(since)), to: None };
    let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
    for partition in 0..partitions {
        let mut last = since;
        if log.entries_gone(stream, partition).await? > 0 {
            // To its end: what the log drops meanwhile is in it.
            tokio::task::block_in_place(|| -> anyhow::Result<()> {
                if archive.about()?.is_none() {
                    return Ok(());
                }
                for frame in archive.frames(&Holding::Stream(stream), partition, &days)? {
                    let frame = frame?;
                    if frame.id <= since {
                        continue;
                    }
                    last = frame.id;
                    frame.events.into_iter().flatten().for_each(&mut take);
                }
                Ok(())
            })?;
        }
        let mut pages = Pages::after(log, stream, partition, last);
        while let Some(frames) = pages.next().await? {
            frames.into_iter().flat_map(|frame| frame.events).flatten().for_each(&mut take);
        }
    }
    Ok(())
}

/// All facts, partition after partition.
pub(crate) async fn facts(log: &Log, archive: &Archive) -> anyhow::Result<Vec<Event>> {
    let mut all = Vec::new();
    each(log, archive, Stream::Feed, |event| all.push(event)).await?;
    Ok(all)
}

/// The archive, as the ledger draws from it.
pub(crate) fn filed(archive: &Archive) -> Filed {
    Some(Arc::new(InArchive(archive.clone())))
}

struct InArchive(Archive);

impl Earlier for InArchive {
    fn frames(
        &self,
        stream: Stream,
        partition: u16,
        from: EntryId,
    ) -> Result<EarlierFrames, String> {
        let Self(archive) = self;
        if archive.about().map_err(|error| error.to_string())?.is_none() {
            return Ok(Box::new(std::iter::empty()));
        }
        let days = if from > EntryId::default() {
            Days { from: Some(day_of(from)), to: None }
        } else {
            Days::ALL
        };
        let frames = archive.frames(&Holding::Stream(stream), partition, &days);
        let frames = frames.map_err(|error| error.to_string())?;
        let from_there = frames.skip_while(move |frame| matches!(frame, Ok(one) if one.id < from));
        Ok(Box::new(from_there.map(|frame| frame.map_err(|error| error.to_string()))))
    }
}
