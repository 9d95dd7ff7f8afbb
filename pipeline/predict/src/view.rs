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

use std::sync::Arc;

use marabet_quant::Market;
use marabet_schemas::bets::{ModelView, OutcomeRow};
use marabet_schemas::{Book, Event, Forecast, Instant, MatchKey};
use marabet_stage::{CacheClass, CacheEntry, Json, ViewName};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

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

fn name(kind: &'static str, key: &MatchKey) -> ViewName {
    ViewName::new(kind, key.clone())
}

/// The name of a match's odds.
#[must_use]
pub fn odds(key: &MatchKey) -> String {
    name("odds", key).to_string()
}

/// The field of a book's price within a match's odds.
#[must_use]
pub fn odds_field(book: &Book, market: &Market) -> SmolStr {
    format_smolstr!("{book}|{market}")
}

/// The name of a match's predictions.
#[must_use]
pub fn predictions(key: &MatchKey) -> String {
    name("predictions", key).to_string()
}

/// The name of a match's statistics, live score and result.
#[must_use]
pub fn stats(key: &MatchKey) -> String {
    name("stats", key).to_string()
}

/// The name of a match's fixture.
#[must_use]
pub fn fixture(key: &MatchKey) -> String {
    name("fixture", key).to_string()
}

pub(crate) fn quoted(key: &MatchKey, book: &Book, market: &Market, quote: Json) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Odds,
        name: name("odds", key),
        field: odds_field(book, market),
        json: Some(quote),
    }
}

pub(crate) fn withdrawn(key: &MatchKey, book: &Book, market: &Market) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Odds,
        name: name("odds", key),
        field: odds_field(book, market),
        json: None,
    }
}

/// A [`Prediction`], which is a forecast and its time.
pub(crate) fn predicted(
    key: &MatchKey,
    market: &Market,
    at: Instant,
    forecast: &Forecast,
) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Predictions,
        name: name("predictions", key),
        field: format_smolstr!("{market}"),
        json: Some(Json::At(at, Arc::clone(forecast.json_tail()))),
    }
}

pub(crate) fn of_stats(key: &MatchKey, field: &str, fact: &Event) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Stats,
        name: name("stats", key),
        field: field.into(),
        json: Some(fact.to_line().into()),
    }
}

pub(crate) fn of_fixture(key: &MatchKey, fact: &Event) -> CacheEntry {
    CacheEntry {
        class: CacheClass::Static,
        name: name("fixture", key),
        field: "fixture".into(),
        json: Some(fact.to_line().into()),
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::ArtefactHash;

    use super::*;

    #[test]
    fn a_prediction_reads_back_from_its_forecast_and_its_time() {
        let model = ModelView {
            number: 7,
            hash: ArtefactHash::of(b"model"),
            lambda: 1.4,
            mu: 1.1,
            rho: -0.05,
            running: None,
        };
        let outcomes = vec![[0.4, 0.0, 0.1, 0.0, 0.5], [0.5, 0.0, 0.1, 0.0, 0.4]];
        let at = Instant::from_micros(1_700_000_000_000_001);
        let market: Market = "ah@-1".parse().unwrap();
        let key = "E0|2024-25|A|B|1".parse().unwrap();
        let forecast = Forecast::new(model.clone(), outcomes.clone());
        let entry = predicted(&key, &market, at, &forecast);
        let prediction = Prediction { at, model, outcomes };
        let written = entry.json.map(|json| json.to_string());
        assert_eq!(written, Some(serde_json::to_string(&prediction).unwrap()));
    }
}
