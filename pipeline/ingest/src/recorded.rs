//! Recorded facts as a source: files, the simulator, anything that yields the same events again.

use async_trait::async_trait;
use marabet_schemas::{Event, Source as SourceName};

use crate::reject::Reject;
use crate::source::{Batch, Source, SourceError};

/// How many events make a batch, unless told otherwise: as many as a frame of the feed holds.
pub const BATCH_EVENTS: usize = marabet_schemas::frame::FEED_EVENTS_MAX;

/// Events that were recorded, as a source. The same events make the same batches, so that after
/// a restart the source goes on behind the last batch that the log holds.
#[derive(Debug)]
pub struct Recorded<I> {
    name: SourceName,
    events: I,
    /// What could not be used; it goes with the first batch that is handed out.
    rejects: Vec<Reject>,
    batch_events: usize,
    number: u64,
}

impl<I: Iterator<Item = Event> + Send> Recorded<I> {
    /// These events, under the name of their source.
    pub fn new(name: SourceName, events: I) -> Self {
        Self { name, events, rejects: Vec::new(), batch_events: BATCH_EVENTS, number: 0 }
    }

    /// With what could not be used.
    #[must_use]
    pub fn with_rejects(self, rejects: Vec<Reject>) -> Self {
        Self { rejects, ..self }
    }

    /// With batches of this many events, at least one.
    #[must_use]
    pub fn with_batches_of(self, events: usize) -> Self {
        Self { batch_events: events.max(1), ..self }
    }

    fn take(&mut self) -> Option<Vec<Event>> {
        let events: Vec<Event> = self.events.by_ref().take(self.batch_events).collect();
        (!events.is_empty()).then_some(events)
    }
}

#[async_trait]
impl<I: Iterator<Item = Event> + Send> Source for Recorded<I> {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn resume(&mut self, after: u64) -> Result<(), SourceError> {
        while self.number < after {
            if self.take().is_none() {
                return Err(SourceError::permanent(format!(
                    "the log holds {after} batches of `{}`, but the source has only {}: it is \
                     not the one that the log was filled from; use another namespace or the \
                     same files",
                    self.name, self.number
                )));
            }
            self.number += 1;
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        let rejects = std::mem::take(&mut self.rejects);
        match self.take() {
            None if rejects.is_empty() => Ok(None),
            events => {
                self.number += 1;
                let events = events.unwrap_or_default();
                Ok(Some(Batch { number: self.number, events, rejects }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::Instant;
    use marabet_schemas::facts::Seen;

    use super::*;

    fn recorded(count: i64) -> Recorded<impl Iterator<Item = Event> + Send> {
        let events = (0..count).map(|at| {
            let seen = Seen { src: "test".into(), book: "bet365".into() };
            Event::global(Instant::from_micros(at), seen)
        });
        Recorded::new("test".into(), events).with_batches_of(3)
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn batches_are_numbered_and_go_on_behind_the_last_that_the_log_holds() {
        run(async {
            let mut source = recorded(8);
            let mut batches = Vec::new();
            while let Some(batch) = source.next().await.unwrap() {
                batches.push(batch);
            }
            let shape: Vec<_> = batches.iter().map(|b| (b.number, b.events.len())).collect();
            assert_eq!(shape, [(1, 3), (2, 3), (3, 2)]);

            let mut again = recorded(8);
            again.resume(2).await.unwrap();
            assert_eq!(again.next().await.unwrap().as_ref(), Some(&batches[2]));
            assert_eq!(again.next().await.unwrap(), None);
        });
    }

    #[test]
    fn a_source_that_is_shorter_than_the_log_is_not_the_one_it_was_filled_from() {
        let error = run(async { recorded(2).resume(9).await }).unwrap_err();
        assert!(error.to_string().contains("only 1"), "{error}");
    }
}
