//! Reading whole streams back from the log, a page at a time.

use marabet_schemas::frame::Frame;
use marabet_schemas::{EntryId, Event};
use marabet_streams::{Log, LogError, Stream};

use crate::summary::Streams;

/// Frames a page.
const PAGE: usize = 512;

/// The frames of one partition of a stream, in order.
pub struct Pages<'a> {
    log: &'a Log,
    stream: Stream,
    partition: u16,
    from: Option<EntryId>,
    done: bool,
}

impl<'a> Pages<'a> {
    /// From the stream's beginning.
    #[must_use]
    pub fn of(log: &'a Log, stream: Stream, partition: u16) -> Self {
        Self { log, stream, partition, from: None, done: false }
    }

    /// From behind an entry.
    #[must_use]
    pub fn after(log: &'a Log, stream: Stream, partition: u16, id: EntryId) -> Self {
        let from = Some(EntryId { seq: id.seq + 1, ..id });
        Self { log, stream, partition, from, done: false }
    }

    /// The next frames; none at the end.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn next(&mut self) -> Result<Option<Vec<Frame>>, LogError> {
        if self.done {
            return Ok(None);
        }
        let frames = self.log.range(self.stream, self.partition, self.from, None, PAGE).await?;
        match frames.last() {
            Some(last) if frames.len() == PAGE => {
                self.from = Some(EntryId { seq: last.id.seq + 1, ..last.id });
            }
            _ => self.done = true,
        }
        Ok((!frames.is_empty()).then_some(frames))
    }
}

/// All frames of one partition of a stream.
///
/// # Errors
/// [`LogError::Away`] when Redis is.
pub async fn frames(log: &Log, stream: Stream, partition: u16) -> Result<Vec<Frame>, LogError> {
    let mut all = Vec::new();
    let mut pages = Pages::of(log, stream, partition);
    while let Some(frames) = pages.next().await? {
        all.extend(frames);
    }
    Ok(all)
}

/// All events of a stream, partition after partition.
///
/// # Errors
/// [`LogError::Away`] when Redis is.
pub async fn events(log: &Log, stream: Stream) -> Result<Vec<Event>, LogError> {
    let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
    let mut all = Vec::new();
    for partition in 0..partitions {
        for frame in frames(log, stream, partition).await? {
            all.extend(frame.events.into_iter().flatten());
        }
    }
    Ok(all)
}

/// What the stages have derived so far.
///
/// # Errors
/// [`LogError::Away`] when Redis is.
pub async fn streams(log: &Log) -> Result<Streams, LogError> {
    Ok(Streams {
        priced: events(log, Stream::Priced).await?,
        bets: events(log, Stream::Bets).await?,
    })
}
