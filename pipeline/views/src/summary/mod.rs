//! What a run of the line amounts to: counts, and for each strategy what it claimed beside what
//! came of it.
//!
//! A fold over the events of the log's streams, in the canonical order where order matters.

mod digest;
mod forecasts;
mod strategy;

use std::collections::{BTreeMap, BTreeSet};

use marabet_schemas::bets::RefusalReason;
use marabet_schemas::{Body, Event, StrategyName};
use schemars::JsonSchema;
use serde::Serialize;

pub use digest::canonical;
pub use forecasts::{Forecasts, Scores};
pub use strategy::{Strategies, StrategySummary};

/// What a run amounts to.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Events of the feed.
    pub facts: u64,
    /// Book prices: one for each selection of each quote.
    pub quotes: u64,
    /// Prices that are means or maxima over books.
    pub aggregates: u64,
    /// Quotes that carry a model's view.
    pub predictions: u64,
    /// Matches with a fixture.
    pub matches: u64,
    /// Models that came into force.
    pub models: u64,
    /// What each strategy claimed, and what came of it.
    pub strategies: BTreeMap<StrategyName, StrategySummary>,
    /// Ranked probability score of the 1X2 forecasts, lower is better.
    pub rps: ModelAndClosing,
    /// Log-loss in nats of the 1X2 forecasts, lower is better.
    pub log_loss: ModelAndClosing,
    /// Matches that both scores are over.
    pub scored_matches: u64,
    /// Hash of all alerts in canonical order.
    pub bets_digest: String,
}

/// A score of the model beside that of the closing odds, over the same matches.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct ModelAndClosing {
    /// The model in force at the last price before kick-off.
    pub model: Option<f64>,
    /// The reference book's closing odds, de-vigged.
    pub closing: Option<f64>,
}

/// The streams of a log, partition by partition.
#[derive(Debug, Default)]
pub struct Streams {
    /// What `predict` wrote: every fact, quotes priced.
    pub priced: Vec<Event>,
    /// What `detect` wrote.
    pub bets: Vec<Event>,
}

/// What bets amount to by themselves, without the prices that they were chosen from.
#[derive(Debug, Default)]
pub struct Bets {
    /// Each strategy.
    pub strategies: BTreeMap<StrategyName, StrategySummary>,
    /// All of them together.
    pub all: StrategySummary,
    /// The largest fall below a peak, as a share of the peak.
    pub max_drawdown: Option<f64>,
    /// Hash of all alerts in canonical order.
    pub digest: String,
}

impl Bets {
    /// Sums up the events of the stream `bets`.
    #[must_use]
    pub fn of(bets: &[Event]) -> Self {
        let ordered = canonical(bets);
        let mut strategies = Strategies::default();
        ordered.iter().for_each(|event| strategies.observe(event));
        Self {
            all: strategies.together(),
            max_drawdown: strategy::max_drawdown(&ordered),
            strategies: strategies.summarise(),
            digest: digest::of_bets(&ordered),
        }
    }
}

/// Sums up the streams.
#[must_use]
pub fn summarise(streams: &Streams, closing: &marabet_schemas::strategy::ClosingRules) -> Summary {
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
                summary.predictions += u64::from(priced.forecast.is_some());
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
    let mut strategies = Strategies::default();
    ordered.iter().for_each(|event| strategies.observe(event));
    summary.strategies = strategies.summarise();
    summary
}

/// Refusals, the most frequent first.
#[must_use]
pub fn by_frequency(refusals: &BTreeMap<RefusalReason, u64>) -> Vec<(RefusalReason, u64)> {
    let mut sorted: Vec<_> = refusals.iter().map(|(&reason, &count)| (reason, count)).collect();
    sorted.sort_by_key(|&(reason, count)| (std::cmp::Reverse(count), reason));
    sorted
}
