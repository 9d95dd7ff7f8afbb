//! The views that the stage keeps in the cache, for the API.
//!
//! Each is a hash of the match's partition; `<match>` is the match's key.
//!
//! | view | field | value | kept as |
//! |---|---|---|---|
//! | `odds:<match>` | `<book>\|<market>` | the book's latest `quote`, as its line | odds |
//! | `predictions:<match>` | `<market>` | a [`Prediction`] | predictions |
//! | `stats:<match>` | `stats`, `live`, `result` | the latest `stats`, live `fixture`, `result`, as lines | stats |
//! | `fixture:<match>` | `fixture` | the latest `fixture`, as its line | static |
//!
//! A line reads back with [`Event::from_line`]. A withdrawn price takes its field away.

use marabet_quant::Market;
use marabet_schemas::bets::{ModelView, OutcomeRow};
use marabet_schemas::{Book, Event, Instant, MatchKey};
use marabet_stage::{CacheClass, CacheEntry};
use serde::{Deserialize, Serialize};

/// What a model makes of one market of a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Event time of the quote that it was made for.
    pub at: Instant,
    /// The model's view of the match.
    pub model: ModelView,
    /// Outcome probabilities, one row a selection of the market, in canonical order.
    pub outcomes: Vec<OutcomeRow>,
}

/// The name of a match's odds.
#[must_use]
pub fn odds(key: &MatchKey) -> String {
    format!("odds:{key}")
}

/// The field of a book's price within a match's odds.
#[must_use]
pub fn odds_field(book: &Book, market: &Market) -> String {
    format!("{book}|{market}")
}

/// The name of a match's predictions.
#[must_use]
pub fn predictions(key: &MatchKey) -> String {
    format!("predictions:{key}")
}

/// The name of a match's statistics, live score and result.
#[must_use]
pub fn stats(key: &MatchKey) -> String {
    format!("stats:{key}")
}

/// The name of a match's fixture.
#[must_use]
pub fn fixture(key: &MatchKey) -> String {
    format!("fixture:{key}")
}

pub(crate) fn quoted(key: &MatchKey, book: &Book, market: &Market, quote: &Event) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Odds,
        name: odds(key),
        field: odds_field(book, market),
        json: Some(quote.to_line()),
    }
}

pub(crate) fn withdrawn(key: &MatchKey, book: &Book, market: &Market) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Odds,
        name: odds(key),
        field: odds_field(book, market),
        json: None,
    }
}

pub(crate) fn predicted(key: &MatchKey, market: &Market, prediction: &Prediction) -> CacheEntry {
    let json = serde_json::to_string(prediction).expect("a prediction holds finite numbers");
    CacheEntry {
        class: CacheClass::Predictions,
        name: predictions(key),
        field: market.to_string(),
        json: Some(json),
    }
}

pub(crate) fn of_stats(key: &MatchKey, field: &str, fact: &Event) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Stats,
        name: stats(key),
        field: field.to_owned(),
        json: Some(fact.to_line()),
    }
}

pub(crate) fn of_fixture(key: &MatchKey, fact: &Event) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Static,
        name: fixture(key),
        field: "fixture".to_owned(),
        json: Some(fact.to_line()),
    }
}
