//! Frames in order, also those that the log has dropped: these are drawn from where they are
//! filed. Where they are not to be had it is an error, never a gap.

use std::sync::Arc;

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use marabet_streams::{Log, Stream};
use tokio::sync::mpsc;

use crate::error::LedgerError;

/// Frames of one page.
const PAGE: usize = 512;
/// Pages of filed frames that are read ahead.
const AHEAD: usize = 2;

/// Where frames are filed before the log drops them.
pub trait Earlier: Send + Sync {
    /// The frames of a stream's partition from an entry on, itself included, in order, as far as
    /// there are any. It is called, and the frames are drawn, on a thread that may block.
    ///
    /// # Errors
    /// Where it looked, and what is wrong there.
    fn frames(
        &self,
        stream: Stream,
        partition: u16,
        from: EntryId,
    ) -> Result<EarlierFrames, String>;
}

/// Filed frames.
pub type EarlierFrames = Box<dyn Iterator<Item = Result<Frame, String>> + Send>;

/// Where frames are filed; none where the log keeps all it ever had.
pub type Filed = Option<Arc<dyn Earlier>>;

type Pages = mpsc::Receiver<Result<Vec<Frame>, LedgerError>>;

/// The frames of a partition behind one entry and up to another, page by page, without a gap.
pub(crate) struct Course<'a> {
    log: &'a Log,
    filed: &'a Filed,
    place: (Stream, u16),
    after: EntryId,
    to: EntryId,
    /// How many entries the log had dropped when it was last seen that none of them is passed over.
    dropped: u64,
    /// What is being drawn from where it is filed.
    pages: Option<Pages>,
}

impl<'a> Course<'a> {
    pub(crate) fn new(
        log: &'a Log,
        filed: &'a Filed,
        place: (Stream, u16),
        (after, to): (EntryId, EntryId),
    ) -> Self {
        Self { log, filed, place, after, to, dropped: 0, pages: None }
    }

    /// The next frames; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Frame>>, LedgerError> {
        loop {
            if let Some(pages) = &mut self.pages {
                match pages.recv().await {
                    Some(page) => return Ok(Some(self.pass(page?))),
                    None => self.pages = None,
                }
            }
            if self.after >= self.to {
                return Ok(None);
            }
            let (stream, partition) = self.place;
            let from = EntryId { seq: self.after.seq + 1, ..self.after };
            let frames = self.log.range(stream, partition, Some(from), Some(self.to), PAGE).await?;
            // Looked at after the reading: what was dropped before it, or while it was under way,
            // is seen now.
            let dropped = self.log.entries_gone(stream, partition).await?;
            if dropped > self.dropped {
                self.dropped = dropped;
                let first = self.log.range(stream, partition, None, None, 1).await?;
                let first = first.first().map(|frame| frame.id);
                if first.is_none_or(|first| self.after < first) {
                    self.pages = Some(self.draw(first)?);
                    continue;
                }
            }
            return Ok((!frames.is_empty()).then(|| self.pass(frames)));
        }
    }

    fn pass(&mut self, frames: Vec<Frame>) -> Vec<Frame> {
        self.after = frames.last().map_or(self.after, |last| last.id);
        frames
    }

    /// Draws what lies before the log's first entry.
    fn draw(&self, first: Option<EntryId>) -> Result<Pages, LedgerError> {
        let span = Span { place: self.place, after: self.after, first, to: self.to };
        let filed = self.filed.clone().ok_or_else(|| span.missing("it is filed nowhere"))?;
        let (send, receive) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = span.draw(&*filed, &send) {
                // Whoever does not wait for it any more needs not know.
                let _ = send.blocking_send(Err(error));
            }
        });
        Ok(receive)
    }
}

/// What is to be drawn from where it is filed.
#[derive(Debug, Clone, Copy)]
struct Span {
    place: (Stream, u16),
    after: EntryId,
    /// The first that the log has itself.
    first: Option<EntryId>,
    to: EntryId,
}

impl Span {
    fn draw(
        &self,
        filed: &dyn Earlier,
        send: &mpsc::Sender<Result<Vec<Frame>, LedgerError>>,
    ) -> Result<(), LedgerError> {
        let failed = |reason| LedgerError::Earlier { reason };
        let (stream, partition) = self.place;
        let from_start = self.after == EntryId::default();
        // The entry that was taken in last must be among them, or nobody knows what came behind it.
        let mut joined = false;
        let mut page = Vec::new();
        for frame in filed.frames(stream, partition, self.after).map_err(failed)? {
            let frame = frame.map_err(failed)?;
            joined |= from_start || frame.id == self.after;
            if !joined || self.first.is_some_and(|first| first <= frame.id) || self.to < frame.id {
                break;
            }
            if self.after < frame.id {
                page.push(frame);
            }
            if page.len() == PAGE && send.blocking_send(Ok(std::mem::take(&mut page))).is_err() {
                return Ok(());
            }
        }
        if !joined {
            return Err(self.missing("it is not where it should be filed"));
        }
        if !page.is_empty() {
            let _ = send.blocking_send(Ok(page));
        }
        Ok(())
    }

    fn missing(&self, reason: &str) -> LedgerError {
        let (stream, partition) = self.place;
        LedgerError::Dropped {
            stream: stream.name(),
            partition,
            after: self.after.to_string(),
            reason: reason.to_owned(),
        }
    }
}
