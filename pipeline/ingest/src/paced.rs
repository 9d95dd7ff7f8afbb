//! A recorded source in its own time, or so many times as fast: what it recorded comes as far
//! apart as it came then.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use marabet_schemas::{Event, Instant, Source as SourceName};

use crate::clock;
use crate::reject::Reject;
use crate::source::{Batch, Source, SourceError};

/// Events that are handed out together, at most, where they are due together.
const BATCH_EVENTS: usize = marabet_schemas::frame::FEED_EVENTS_MAX;

/// A recorded source that waits between its events as they did.
pub struct Paced {
    source: Box<dyn Source>,
    /// Seconds of event time a second.
    speed: f64,
    /// When the first event was handed out, and its instant.
    began: Option<(std::time::Instant, Instant)>,
    /// What is not due yet, and the position of the first of it.
    ahead: VecDeque<Event>,
    position: Option<u64>,
    rejects: Vec<Reject>,
}

impl std::fmt::Debug for Paced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paced").field("speed", &self.speed).finish_non_exhaustive()
    }
}

impl Paced {
    /// This source at so many seconds of event time a second: 1 is its own time.
    #[must_use]
    pub fn new(source: Box<dyn Source>, speed: f64) -> Self {
        let (ahead, rejects) = (VecDeque::new(), Vec::new());
        Self { source, speed, began: None, ahead, position: None, rejects }
    }

    /// How long it is until an instant is due. One that lies before those that were handed out, as
    /// where a second file begins, is due at once.
    fn until(&mut self, at: Instant) -> Duration {
        let (began, first) = *self.began.get_or_insert_with(|| (clock::moment(), at));
        let due = Duration::try_from_secs_f64(at.seconds_since(first) / self.speed);
        due.unwrap_or_default().saturating_sub(began.elapsed())
    }

    /// What is due now of what is ahead.
    fn due(&mut self) -> Batch {
        let first = self.position;
        let mut events = Vec::new();
        while events.len() < BATCH_EVENTS
            && let Some(at) = self.ahead.front().map(|event| event.at)
            && self.until(at).is_zero()
        {
            events.extend(self.ahead.pop_front());
        }
        self.position = first.map(|first| first + events.len() as u64);
        Batch { first, events, rejects: std::mem::take(&mut self.rejects) }
    }
}

#[async_trait]
impl Source for Paced {
    fn name(&self) -> &SourceName {
        self.source.name()
    }

    async fn resume(&mut self, from: u64) -> Result<(), SourceError> {
        self.source.resume(from).await
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        while self.ahead.is_empty() {
            let Some(batch) = self.source.next().await? else { return Ok(None) };
            if batch.events.is_empty() {
                return Ok(Some(batch));
            }
            self.position = batch.first;
            self.ahead = batch.events.into();
            self.rejects.extend(batch.rejects);
        }
        if let Some(at) = self.ahead.front().map(|event| event.at) {
            // Nothing is taken out before the wait is over: dropping it here loses nothing.
            tokio::time::sleep(self.until(at)).await;
        }
        Ok(Some(self.due()))
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::facts::Seen;

    use super::*;
    use crate::recorded::Recorded;

    fn paced(seconds: &[i64], speed: f64) -> Paced {
        let seen = |at: &i64| {
            let seen = Seen { src: "test".into(), book: "bet365".into() };
            Event::global(Instant::default().plus_seconds(*at), seen)
        };
        let events: Vec<Event> = seconds.iter().map(seen).collect();
        Paced::new(Box::new(Recorded::new("test".into(), events.into_iter())), speed)
    }

    async fn all(mut source: Paced) -> Vec<(Option<u64>, usize)> {
        let mut batches = Vec::new();
        while let Some(batch) = source.next().await.unwrap() {
            batches.push((batch.first, batch.events.len()));
        }
        batches
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn events_come_as_far_apart_as_they_came_and_keep_their_positions() {
        run(async {
            let began = clock::moment();
            // 0.2 s of its own time at ten times the speed of 2 s; what steps back waits for none.
            let batches = all(paced(&[0, 0, 1, 2, 1], 10.0)).await;
            assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
            let count: usize = batches.iter().map(|(_, count)| count).sum();
            assert_eq!((count, batches[0]), (5, (Some(0), 2)));
            let mut next = 0;
            for (first, count) in batches {
                assert_eq!(first, Some(next));
                next += count as u64;
            }
        });
    }

    #[test]
    fn a_wait_that_is_given_up_loses_nothing() {
        run(async {
            let mut source = paced(&[0, 1], 5.0);
            assert_eq!(source.next().await.unwrap().unwrap().events.len(), 1);
            let early = tokio::time::timeout(Duration::from_millis(5), source.next()).await;
            assert!(early.is_err());
            assert_eq!(source.next().await.unwrap().unwrap().first, Some(1));
            assert_eq!(source.next().await.unwrap(), None);
        });
    }
}
