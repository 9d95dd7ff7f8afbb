//! Two sources that report one book: the one that ranks higher speaks for it.
//!
//! Per match and book the slot keeps which source speaks, until when. A source that ranks higher
//! takes over at once, another when the one that speaks has been silent for a while. Facts of
//! whoever does not speak stay out of the feed, so that the feed holds one voice a book.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use marabet_schemas::{Body, Event, MatchKey};
use redis::Value;

use crate::clock;
use crate::error::LogError;
use crate::log::Log;
use crate::namespace::Slot;
use crate::script::CLAIM;

/// How long a source speaks for a book that says nothing more about it.
const LASTING: Duration = Duration::from_secs(60);
/// How often a source asks whether it still speaks.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// Most answers that are kept at hand.
const KEPT_MAX: usize = 200_000;

/// Whose facts stay out where another source speaks for a book.
pub(super) struct Claims {
    source: String,
    /// 0 for the source that ranks first.
    rank: usize,
    /// Whether it speaks, by partition, match and book, and when it was told so.
    told: HashMap<(u16, MatchKey, String), (bool, Instant)>,
}

impl Claims {
    /// Those of a source, by the order in which sources are believed. One that is not named
    /// ranks behind all that are. None where no order is configured.
    pub(super) fn of(source: &str, order: &[String]) -> Option<Self> {
        let rank = order.iter().position(|name| name == source).unwrap_or(order.len());
        let source = source.to_owned();
        (!order.is_empty()).then(|| Self { source, rank, told: HashMap::new() })
    }

    /// Whether an event is to be appended: it is about no book's prices, or the source speaks
    /// for the book.
    pub(super) async fn allow(
        &mut self,
        log: &Log,
        partition: u16,
        event: &Event,
    ) -> Result<bool, LogError> {
        let book = match &event.body {
            Body::Quote(quote) => &quote.book,
            Body::Withdrawn(withdrawn) => &withdrawn.book,
            Body::Seen(seen) => &seen.book,
            _ => return Ok(true),
        };
        let Some(key) = &event.key else { return Ok(true) };
        let place = (partition, key.clone(), book.as_str().to_owned());
        if let Some((speaks, asked)) = self.told.get(&place)
            && asked.elapsed() < ASK_EVERY
        {
            return Ok(*speaks);
        }
        let speaks = self.ask(log, partition, key, &place.2).await?;
        if self.told.len() >= KEPT_MAX {
            self.told.clear();
        }
        self.told.insert(place, (speaks, clock::moment()));
        Ok(speaks)
    }

    async fn ask(
        &self,
        log: &Log,
        partition: u16,
        key: &MatchKey,
        book: &str,
    ) -> Result<bool, LogError> {
        let claims = log.namespace().claims(Slot::Partition(partition), key);
        let mut command = CLAIM.command([&*claims]);
        command.arg(book).arg(self.rank).arg(&self.source).arg(LASTING.as_millis() as u64);
        match log.run(&CLAIM, &command).await? {
            Value::Int(speaks) => Ok(speaks == 1),
            found => Err(LogError::unexpected("claim", &found)),
        }
    }
}
