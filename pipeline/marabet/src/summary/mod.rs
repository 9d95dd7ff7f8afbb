//! What a run of the line amounts to: counts, and for each strategy what it claimed beside what
//! came of it.
//!
//! A fold over the events of the log's streams, in the canonical order where order matters.

mod digest;
mod forecasts;
mod strategy;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use marabet_schemas::bets::RefusalReason;
use marabet_schemas::{Body, Event, StrategyName};
use serde::Serialize;

pub(crate) use digest::canonical;
pub(crate) use forecasts::Forecasts;
pub(crate) use strategy::StrategySummary;

/// What a run amounts to.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Summary {
    /// Events of the feed.
    pub(crate) facts: u64,
    /// Book prices: one for each selection of each quote.
    pub(crate) quotes: u64,
    /// Prices that are means or maxima over books.
    pub(crate) aggregates: u64,
    /// Quotes that carry a model's view.
    pub(crate) predictions: u64,
    /// Matches with a fixture.
    pub(crate) matches: u64,
    /// Models that came into force.
    pub(crate) models: u64,
    /// What each strategy claimed, and what came of it.
    pub(crate) strategies: BTreeMap<StrategyName, StrategySummary>,
    /// Ranked probability score of the 1X2 forecasts, lower is better.
    pub(crate) rps: ModelAndClosing,
    /// Log-loss in nats of the 1X2 forecasts, lower is better.
    pub(crate) log_loss: ModelAndClosing,
    /// Matches that both scores are over.
    pub(crate) scored_matches: u64,
    /// Hash of all alerts in canonical order.
    pub(crate) bets_digest: String,
}

/// A score of the model beside that of the closing odds, over the same matches.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct ModelAndClosing {
    /// The model in force at the last price before kick-off.
    pub(crate) model: Option<f64>,
    /// The reference book's closing odds, de-vigged.
    pub(crate) closing: Option<f64>,
}

/// The streams of a log, partition by partition.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// What `predict` wrote: every fact, quotes priced.
    pub(crate) priced: Vec<Event>,
    /// What `detect` wrote.
    pub(crate) bets: Vec<Event>,
}

/// What bets amount to by themselves, without the prices that they were chosen from.
#[derive(Debug, Default)]
pub(crate) struct Bets {
    /// Each strategy.
    pub(crate) strategies: BTreeMap<StrategyName, StrategySummary>,
    /// All of them together.
    pub(crate) all: StrategySummary,
    /// The largest fall below a peak, as a share of the peak.
    pub(crate) max_drawdown: Option<f64>,
    /// Hash of all alerts in canonical order.
    pub(crate) digest: String,
}

impl Bets {
    /// Sums up the events of the stream `bets`.
    pub(crate) fn of(bets: &[Event]) -> Self {
        let ordered = canonical(bets);
        let (all, max_drawdown) = strategy::together(&ordered);
        Self {
            strategies: strategy::summarise(&ordered),
            all,
            max_drawdown,
            digest: digest::of_bets(&ordered),
        }
    }
}

/// Sums up the streams.
pub(crate) fn summarise(
    streams: &Streams,
    closing: &marabet_schemas::strategy::ClosingRules,
) -> Summary {
    let mut summary = Summary::default();
    let mut forecasts = Forecasts::new(closing.clone());
    // Every partition has its copy.
    let mut models = BTreeSet::new();
    for event in &streams.priced {
        summary.facts += 1;
        forecasts.observe(event);
        match &event.body {
            Body::Priced(priced) => {
                summary.quotes += priced.quote.odds.len() as u64;
                summary.predictions += u64::from(priced.model.is_some());
            }
            Body::ModelPublished(model) => {
                models.insert((model.competition.clone(), model.number));
            }
            Body::Aggregate(aggregate) => summary.aggregates += aggregate.odds.len() as u64,
            _ => {}
        }
    }
    summary.models = models.len() as u64;
    summary.matches = forecasts.matches();
    let scores = forecasts.score();
    (summary.rps, summary.log_loss, summary.scored_matches) =
        (scores.rps, scores.log_loss, scores.matches);

    let ordered = canonical(&streams.bets);
    summary.bets_digest = digest::of_bets(&ordered);
    summary.strategies = strategy::summarise(&ordered);
    summary
}

/// Refusals, the most frequent first.
pub(crate) fn by_frequency(refusals: &BTreeMap<RefusalReason, u64>) -> Vec<(RefusalReason, u64)> {
    let mut sorted: Vec<_> = refusals.iter().map(|(&reason, &count)| (reason, count)).collect();
    sorted.sort_by_key(|&(reason, count)| (std::cmp::Reverse(count), reason));
    sorted
}
