//! A file of events as a source.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use async_trait::async_trait;
use flate2::bufread::MultiGzDecoder;
use marabet_schemas::{Event, Source as SourceName};

use super::Reader;
use crate::recorded::{BATCH_EVENTS, ended_early};
use crate::reject::Reject;
use crate::source::{Batch, Source, SourceError};

/// A file of events, compressed with gzip or not: the same events at the same positions each
/// time.
pub struct NdjsonFile {
    name: SourceName,
    path: String,
    reader: Reader<Box<dyn BufRead + Send>>,
    /// The position of the next event.
    position: u64,
    /// The file was read to its end.
    done: bool,
}

impl std::fmt::Debug for NdjsonFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NdjsonFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl NdjsonFile {
    /// Opens a file; `name` is the source under which its batches are numbered.
    ///
    /// # Errors
    /// [`SourceError::Permanent`] when it cannot be opened.
    pub fn open(name: SourceName, path: &Path) -> Result<Self, SourceError> {
        let shown = path.display().to_string();
        let open = || -> io::Result<Box<dyn BufRead + Send>> {
            let mut bytes = BufReader::with_capacity(1 << 16, File::open(path)?);
            Ok(if bytes.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
                Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(bytes)))
            } else {
                Box::new(bytes)
            })
        };
        let bytes = open()
            .map_err(|error| SourceError::permanent(format!("cannot read {shown}: {error}")))?;
        Ok(Self { name, reader: Reader::new(&shown, bytes), path: shown, position: 0, done: false })
    }

    fn next_event(&mut self) -> Result<Option<Result<Event, Box<Reject>>>, SourceError> {
        let next = self.reader.next_event().map_err(|error| {
            SourceError::permanent(format!("cannot read on in {}: {error}", self.path))
        })?;
        self.position += u64::from(matches!(next, Some(Ok(_))));
        self.done |= next.is_none();
        Ok(next)
    }
}

#[async_trait]
impl Source for NdjsonFile {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn resume(&mut self, from: u64) -> Result<(), SourceError> {
        // Lines that were bad are so again, and were reported when they were first read.
        while self.position < from {
            if self.next_event()?.is_none() {
                return Err(ended_early(&self.name, from, self.position));
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        let mut batch = Batch { first: Some(self.position), ..Batch::default() };
        while !self.done && batch.events.len() + batch.rejects.len() < BATCH_EVENTS {
            match self.next_event()? {
                Some(Ok(event)) => batch.events.push(event),
                Some(Err(reject)) => batch.rejects.push(*reject),
                None => {}
            }
        }
        let empty = batch.events.is_empty() && batch.rejects.is_empty();
        Ok((!empty).then_some(batch))
    }
}
