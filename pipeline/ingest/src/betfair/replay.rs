//! Historical files as a source: as fast as they can be read.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

use async_trait::async_trait;
use marabet_schemas::{Instant, Source as SourceName};
use smol_str::SmolStr;

use super::SOURCE;
use super::catalogue::Catalogue;
use super::files::{self, FileError};
use super::tape::{News, Tape, TapeSettings, stated};
use crate::desk::{self, Desk};
use crate::recorded::Numbered;
use crate::reject::{Reject, RejectKind, Scope};
use crate::source::{Batch, Source, SourceError};

/// Events a batch, about.
const BATCH_EVENTS: usize = 1024;
/// Batches of news that are read ahead, at most.
const AHEAD: usize = 8;

/// What the reading thread sends.
struct Read {
    news: Vec<News>,
    rejects: Vec<Reject>,
}

/// Historical files, read one after the other in the order of their first moments.
#[derive(Debug)]
pub struct BetfairFiles {
    name: SourceName,
    desk: Desk,
    read: std::sync::Arc<std::sync::Mutex<Receiver<Read>>>,
    numbered: Numbered,
}

impl BetfairFiles {
    /// Reads these files and folders. A reply of the catalogue that lies among them gives names.
    ///
    /// # Errors
    /// A folder that cannot be read, or nothing to read.
    pub fn open(
        paths: &[PathBuf],
        settings: TapeSettings,
        desk: Desk,
    ) -> Result<Self, SourceError> {
        let found =
            files::found(paths).map_err(|error| SourceError::permanent(error.to_string()))?;
        if found.is_empty() {
            return Err(SourceError::permanent("there are no files to read; name some in `files`"));
        }
        let (send, read) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            let mut reading = Reading { news: Vec::new(), rejects: Vec::new(), send };
            reading.all(&found, settings);
        });
        Ok(Self {
            name: SourceName::new(SOURCE),
            desk,
            read: std::sync::Arc::new(std::sync::Mutex::new(read)),
            numbered: Numbered::default(),
        })
    }
}

struct Reading {
    news: Vec<News>,
    rejects: Vec<Reject>,
    send: std::sync::mpsc::SyncSender<Read>,
}

impl Reading {
    fn all(&mut self, found: &[PathBuf], settings: TapeSettings) {
        let mut catalogue = Catalogue::default();
        let mut streams: Vec<(Instant, &PathBuf)> = Vec::new();
        for path in found {
            if path.extension().is_some_and(|extension| extension == "json")
                && let Ok(bytes) = std::fs::read(path)
                && catalogue.read(&path.display().to_string(), &bytes, &mut Vec::new()) > 0
            {
                continue;
            }
            match first_moment(path) {
                Ok(at) => streams.push((at, path)),
                Err(error) => self.refuse(&error),
            }
        }
        streams.sort();
        let mut tape = Tape::new(settings, catalogue);
        for (_, path) in streams {
            let read = files::lines(path, &mut |name, number, line| {
                tape.read(name, number, line, &mut self.news, &mut self.rejects);
                if self.news.len() >= BATCH_EVENTS {
                    self.send();
                }
                true
            });
            if let Err(error) = read {
                self.refuse(&error);
            }
        }
        self.send();
    }

    fn refuse(&mut self, error: &FileError) {
        let file = match error {
            FileError::Io { file, .. }
            | FileError::Empty { file }
            | FileError::NoStream { file, .. } => file,
        };
        self.rejects.push(Reject {
            file: SmolStr::new(file),
            line: 1,
            column: None,
            value: None,
            kind: RejectKind::Unreadable,
            scope: Scope::Row,
            reason: error.to_string(),
            row: String::new(),
        });
    }

    fn send(&mut self) {
        let (news, rejects) = (std::mem::take(&mut self.news), std::mem::take(&mut self.rejects));
        if !news.is_empty() || !rejects.is_empty() {
            // A source that was dropped wants no more.
            let _ = self.send.send(Read { news, rejects });
        }
    }
}

/// When the first message of a file was published.
fn first_moment(path: &std::path::Path) -> Result<Instant, FileError> {
    let mut first = None;
    let mut message = super::wire::Message::default();
    files::lines(path, &mut |_, _, line| {
        if first.is_none() && message.read(line).is_ok() {
            first = Some(Instant::from_micros(message.published_ms.saturating_mul(1000)));
        }
        first.is_none()
    })?;
    Ok(first.unwrap_or_default())
}

/// What the news says, resolved and as a batch.
pub(super) fn batch(
    desk: &mut Desk,
    news: Vec<News>,
    rejects: Vec<Reject>,
) -> Result<Batch, SourceError> {
    let mut told = desk::News { events: Vec::new(), rejects };
    for News { at, named, kickoff, facts } in news {
        desk.tell(at, named, kickoff, stated(at, facts), &mut told)
            .map_err(|error| SourceError::transient(format!("names cannot be kept: {error}")))?;
    }
    Ok(Batch { first: None, events: told.events, rejects: told.rejects })
}

#[async_trait]
impl Source for BetfairFiles {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn resume(&mut self, from: u64) -> Result<(), SourceError> {
        self.numbered.resume(from);
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        let read = std::sync::Arc::clone(&self.read);
        let received = tokio::task::spawn_blocking(move || {
            read.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv().ok()
        });
        let received = received.await.map_err(|error| SourceError::transient(error.to_string()))?;
        let Some(Read { news, rejects }) = received else {
            self.numbered.ended(&self.name)?;
            return Ok(None);
        };
        let batch = batch(&mut self.desk, news, rejects)?;
        Ok(Some(self.numbered.number(batch)))
    }
}
