//! A file of events as a source.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use async_trait::async_trait;
use flate2::bufread::MultiGzDecoder;
use marabet_schemas::Source as SourceName;

use super::Reader;
use crate::recorded::BATCH_EVENTS;
use crate::source::{Batch, Source, SourceError};

/// A file of events, compressed with gzip or not. The same file makes the same batches.
pub struct NdjsonFile {
    name: SourceName,
    path: String,
    reader: Reader<Box<dyn BufRead + Send>>,
    number: u64,
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
        Ok(Self { name, reader: Reader::new(&shown, bytes), path: shown, number: 0 })
    }

    /// The next batch: as many lines as a frame has events, bad ones counted.
    fn batch(&mut self) -> Result<Option<Batch>, SourceError> {
        let mut batch = Batch { number: self.number + 1, ..Batch::default() };
        while batch.events.len() + batch.rejects.len() < BATCH_EVENTS {
            let next = self.reader.next_event().map_err(|error| {
                SourceError::permanent(format!("cannot read on in {}: {error}", self.path))
            })?;
            match next {
                Some(Ok(event)) => batch.events.push(event),
                Some(Err(reject)) => batch.rejects.push(*reject),
                None => break,
            }
        }
        if batch.events.is_empty() && batch.rejects.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(batch))
    }
}

#[async_trait]
impl Source for NdjsonFile {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn resume(&mut self, after: u64) -> Result<(), SourceError> {
        while self.number < after {
            if self.batch()?.is_none() {
                return Err(SourceError::permanent(format!(
                    "the log holds {after} batches of `{}`, but {} has only {}: it is not the \
                     file that the log was filled from",
                    self.name, self.path, self.number
                )));
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        self.batch()
    }
}
