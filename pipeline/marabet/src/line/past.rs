//! What was known before a process began: from the log, and from the archive what it has dropped.

use marabet_archive::{Archive, Days, Holding};
use marabet_schemas::Event;
use marabet_streams::{Log, Stream};
use marabet_views::readback;

/// All facts, partition after partition.
pub(crate) async fn facts(log: &Log, archive: &Archive) -> anyhow::Result<Vec<Event>> {
    let mut all = Vec::new();
    for partition in 0..log.namespace().partitions() {
        let first = log.range(Stream::Feed, partition, None, None, 1).await?;
        let first = first.first().map(|frame| frame.id);
        let dropped = log.entries_gone(Stream::Feed, partition).await? > 0;
        if dropped && archive.about()?.is_some() {
            let feed = Holding::Stream(Stream::Feed);
            for frame in archive.frames(&feed, partition, &Days::ALL)? {
                let frame = frame?;
                if first.is_some_and(|first| first <= frame.id) {
                    break;
                }
                all.extend(frame.events.into_iter().flatten());
            }
        }
        for frame in readback::frames(log, Stream::Feed, partition).await? {
            all.extend(frame.events.into_iter().flatten());
        }
    }
    Ok(all)
}
