//! Standard input, or any other stream of lines, as a source.

use std::io::BufRead;

use async_trait::async_trait;
use marabet_schemas::{Event, Source as SourceName};
use tokio::sync::mpsc;

use super::Reader;
use crate::recorded::BATCH_EVENTS;
use crate::reject::Reject;
use crate::source::{Batch, Source, SourceError};

/// How many lines may wait to be taken; then the writer of the pipe has to.
const WAITING_MAX: usize = 4 * BATCH_EVENTS;

type Read = Result<Event, Box<Reject>>;

/// A stream of lines that arrive when they arrive. A batch is what waits when it is asked for:
/// one event under little load, up to a frame's worth under much. What was piped once does not
/// come again: the events have no positions.
#[derive(Debug)]
pub struct NdjsonPipe {
    name: SourceName,
    lines: mpsc::Receiver<std::io::Result<Read>>,
}

impl NdjsonPipe {
    /// Reads from `bytes` on a thread of its own, which ends with them, or, once this source is
    /// dropped, with the next line.
    pub fn new(name: SourceName, bytes: impl BufRead + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel(WAITING_MAX);
        let mut reader = Reader::new(name.as_str(), bytes);
        // A blocked read cannot be cancelled: a thread that the runtime waits for at its end
        // would keep the program from stopping while nothing comes.
        std::thread::spawn(move || {
            while let Some(read) = reader.next_event().transpose() {
                let failed = read.is_err();
                if sender.blocking_send(read).is_err() || failed {
                    return;
                }
            }
        });
        Self { name, lines }
    }

    /// Reads standard input.
    #[must_use]
    pub fn stdin() -> Self {
        Self::new("stdin".into(), std::io::BufReader::new(std::io::stdin()))
    }
}

#[async_trait]
impl Source for NdjsonPipe {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        let Some(first) = self.lines.recv().await else { return Ok(None) };
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(read) = next {
            match read {
                Ok(Ok(event)) => batch.events.push(event),
                Ok(Err(reject)) => batch.rejects.push(*reject),
                Err(error) => {
                    return Err(SourceError::permanent(format!(
                        "cannot read on from `{}`: {error}",
                        self.name
                    )));
                }
            }
            let room = batch.events.len() + batch.rejects.len() < BATCH_EVENTS;
            next = if room { self.lines.try_recv().ok() } else { None };
        }
        Ok(Some(batch))
    }
}
