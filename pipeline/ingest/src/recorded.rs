//! Recorded facts as a source: files, the simulator, anything that yields the same events again.

use async_trait::async_trait;
use marabet_schemas::{Event, Source as SourceName};

use crate::reject::Reject;
use crate::source::{Batch, Source, SourceError};

/// How many events make a batch, unless told otherwise: as many as a frame of the feed holds.
pub const BATCH_EVENTS: usize = marabet_schemas::frame::FEED_EVENTS_MAX;

/// Events that were recorded, as a source: the same events at the same positions each time.
#[derive(Debug)]
pub struct Recorded<I> {
    name: SourceName,
    events: I,
    /// What could not be used; it goes with the first batch that is handed out.
    rejects: Vec<Reject>,
    batch_events: usize,
    /// The position of the next event.
    position: u64,
}

impl<I: Iterator<Item = Event> + Send> Recorded<I> {
    /// These events, under the name of their source.
    pub fn new(name: SourceName, events: I) -> Self {
        Self { name, events, rejects: Vec::new(), batch_events: BATCH_EVENTS, position: 0 }
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
}

#[async_trait]
impl<I: Iterator<Item = Event> + Send> Source for Recorded<I> {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn resume(&mut self, from: u64) -> Result<(), SourceError> {
        while self.position < from {
            if self.events.next().is_none() {
                return Err(ended_early(&self.name, from, self.position));
            }
            self.position += 1;
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        let events: Vec<Event> = self.events.by_ref().take(self.batch_events).collect();
        let rejects = std::mem::take(&mut self.rejects);
        if events.is_empty() && rejects.is_empty() {
            return Ok(None);
        }
        let first = self.position;
        self.position += events.len() as u64;
        Ok(Some(Batch { first: Some(first), events, rejects }))
    }
}

/// Numbers the batches of a source that is read from its beginning each time, and passes over the
/// facts that the log has of it.
#[derive(Debug, Default)]
pub(crate) struct Numbered {
    pass_over: u64,
    position: u64,
}

impl Numbered {
    /// The log has this many facts.
    pub(crate) fn resume(&mut self, from: u64) {
        self.pass_over = from;
    }

    /// The batch with its position, without what is passed over. What the source did to make the
    /// facts is done all the same: names that it resolved are needed later.
    pub(crate) fn number(&mut self, mut batch: Batch) -> Batch {
        let count = batch.events.len() as u64;
        let known = self.pass_over.saturating_sub(self.position).min(count);
        batch.first = Some(self.position + known);
        self.position += count;
        // As many as there are, at most.
        batch.events.drain(..known as usize);
        batch
    }

    /// At the source's end.
    ///
    /// # Errors
    /// It has less than the log holds of it.
    pub(crate) fn ended(&self, name: &SourceName) -> Result<(), SourceError> {
        if self.position < self.pass_over {
            return Err(ended_early(name, self.pass_over, self.position));
        }
        Ok(())
    }
}

/// A source that was read to its end has less than the log holds of it.
pub(crate) fn ended_early(name: &SourceName, from: u64, end: u64) -> SourceError {
    SourceError::permanent(format!(
        "the log holds {from} events of `{name}`, but the source has only {end}: it is not the \
         one that the log was filled from; use the same files, or another namespace"
    ))
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
    fn batches_say_their_positions_and_go_on_from_any() {
        run(async {
            let mut source = recorded(8);
            let mut batches = Vec::new();
            while let Some(batch) = source.next().await.unwrap() {
                batches.push(batch);
            }
            let shape: Vec<_> = batches.iter().map(|b| (b.first, b.events.len())).collect();
            assert_eq!(shape, [(Some(0), 3), (Some(3), 3), (Some(6), 2)]);

            let mut again = recorded(8);
            again.resume(7).await.unwrap();
            let last = again.next().await.unwrap().unwrap();
            assert_eq!((last.first, &last.events[..]), (Some(7), &batches[2].events[1..]));
            assert_eq!(again.next().await.unwrap(), None);
        });
    }

    #[test]
    fn a_source_that_is_shorter_than_the_log_is_not_the_one_it_was_filled_from() {
        let error = run(async { recorded(2).resume(9).await }).unwrap_err();
        assert!(error.to_string().contains("only 2"), "{error}");
    }
}
