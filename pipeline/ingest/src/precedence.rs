//! Two sources that tell of one book: the one that comes first is believed while it lives.
//!
//! The other's prices wait beside it. When the first has said nothing of the book on a match for
//! a while, what the other last said goes out in its place.

use std::collections::BTreeMap;

use marabet_quant::Market;
use marabet_schemas::facts::Phase;
use marabet_schemas::{Body, Book, Event, Instant, MatchKey, Source};

use crate::desk::src_of;

/// Decides whose word on a book counts.
#[derive(Debug, Clone)]
pub struct Precedence {
    /// Sources, the first the most believed; those that are not named come behind, by name.
    order: Vec<Source>,
    /// A source that has said nothing of a book for so long is passed over, in seconds.
    silent_seconds: i64,
    books: BTreeMap<(MatchKey, Book), Told>,
}

/// What is told of one book on one match.
#[derive(Debug, Clone, Default)]
struct Told {
    /// Who is believed, and when it last said something.
    believed: Option<(Source, Instant)>,
    /// What the others last said.
    beside: BTreeMap<(Source, Market), Event>,
}

/// Books on matches that are remembered, at most.
const TOLD_MAX: usize = 500_000;

impl Precedence {
    /// In this order; silence of so many seconds ends a source's word.
    #[must_use]
    pub fn new(order: Vec<Source>, silent_seconds: i64) -> Self {
        Self { order, silent_seconds, books: BTreeMap::new() }
    }

    fn rank(&self, src: &Source) -> (usize, Source) {
        let place = self.order.iter().position(|known| known == src);
        (place.unwrap_or(self.order.len()), src.clone())
    }

    /// What of this event goes out: itself, nothing, or what waited beside it.
    pub fn pass(&mut self, event: Event) -> Vec<Event> {
        let Some(key) = event.key.clone() else { return vec![event] };
        if let Body::MatchClosed(_) = event.body {
            self.books.retain(|(known, _), _| *known != key);
            return vec![event];
        }
        let book = match &event.body {
            Body::Quote(quote) if quote.phase == Phase::Pre => quote.book.clone(),
            Body::Withdrawn(gone) => gone.book.clone(),
            Body::Seen(seen) => seen.book.clone(),
            _ => return vec![event],
        };
        let Some(src) = src_of(&event.body).cloned() else { return vec![event] };
        if self.books.len() >= TOLD_MAX {
            self.books.clear();
        }
        let rank = self.rank(&src);
        let believed =
            self.books.get(&(key.clone(), book.clone())).and_then(|t| t.believed.clone());
        let silent = |at: &Instant| at.plus_seconds(self.silent_seconds) < event.at;
        let counts = believed
            .as_ref()
            .is_none_or(|(who, at)| *who == src || rank < self.rank(who) || silent(at));
        let told = self.books.entry((key, book)).or_default();
        if !counts {
            match &event.body {
                Body::Quote(quote) => drop(told.beside.insert((src, quote.market), event)),
                Body::Withdrawn(gone) => told.beside.retain(|(who, market), _| {
                    *who != src || gone.market.is_some_and(|gone| gone != *market)
                }),
                _ => {}
            }
            return Vec::new();
        }
        let takes_over = believed.is_some_and(|(who, _)| who != src);
        told.believed = Some((src.clone(), event.at));
        let mut out = Vec::new();
        if takes_over {
            let own =
                told.beside.keys().filter(|(who, _)| *who == src).cloned().collect::<Vec<_>>();
            out.extend(own.into_iter().filter_map(|place| told.beside.remove(&place)));
        }
        out.push(event);
        out
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::facts::{Quote, Seen};

    use super::*;

    fn at(seconds: i64, body: impl Into<Body>) -> Event {
        let key = "E0|2025-26|A|B|1".parse().unwrap();
        Event::of(key, Instant::default().plus_seconds(seconds), body)
    }

    fn quote(src: &str, seconds: i64, home: f64) -> Event {
        let odds = [home, 3.0, 4.0].map(|odds| odds.try_into().unwrap()).into();
        let market = Market::MATCH_ODDS;
        let quote = Quote {
            src: src.into(),
            book: "b".into(),
            market,
            odds,
            phase: Phase::Pre,
            sizes: None,
        };
        at(seconds, quote)
    }

    fn seen(src: &str, seconds: i64) -> Event {
        at(seconds, Seen { src: src.into(), book: "b".into() })
    }

    #[test]
    fn the_first_source_is_believed_until_it_falls_silent_and_then_the_others_word_stands() {
        let mut precedence = Precedence::new(vec!["one".into(), "two".into()], 60);
        assert_eq!(precedence.pass(quote("two", 0, 2.0)).len(), 1);
        assert_eq!(precedence.pass(quote("one", 1, 2.1)).len(), 1);
        assert!(precedence.pass(quote("two", 2, 2.2)).is_empty());
        assert!(precedence.pass(seen("two", 50)).is_empty());
        let out = precedence.pass(seen("two", 62));
        assert_eq!(out, [quote("two", 2, 2.2), seen("two", 62)]);
        assert_eq!(precedence.pass(quote("one", 70, 2.3)).len(), 1);
        assert!(precedence.pass(quote("two", 71, 2.2)).is_empty());
    }
}
