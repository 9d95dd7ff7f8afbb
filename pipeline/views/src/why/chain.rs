//! The chain from a bet back to what it was made from.

use marabet_schemas::bets::{Grant, Settlement, ValueBet};
use marabet_schemas::control::{ConfigPublished, ModelPublished};
use marabet_schemas::facts::Quote;
use marabet_schemas::strategy::Strategy;
use marabet_schemas::{Address, Instant, MatchKey};
use schemars::JsonSchema;
use serde::Serialize;

/// Everything that led to a bet, and what came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Chain {
    /// The match.
    pub r#match: MatchKey,
    /// When it was decided, in event time.
    pub decided_at: Instant,
    /// The alert, as `detect` wrote it.
    pub bet: Found<ValueBet>,
    /// The quote that caused it, as the source reported it.
    pub quote: Option<Found<Quote>>,
    /// What the model in force made of that quote.
    pub prediction: Option<Found<Prediction>>,
    /// How the model came into force, and what it was trained on.
    pub model: Option<Found<ModelPublished>>,
    /// The configuration in force.
    pub config: Option<Found<ConfigInForce>>,
    /// The numbers, so that they can be redone by hand.
    pub arithmetic: Arithmetic,
    /// What the portfolio granted.
    pub grant: Option<Grant>,
    /// How it ended, every revision.
    pub settlements: Vec<Settlement>,
}

/// An event, and where it stands in the log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Found<T> {
    /// Which stream.
    pub stream: &'static str,
    /// Where.
    pub address: Address,
    /// What it says.
    pub event: T,
}

/// The model's outcome probabilities of the bet's selection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Prediction {
    /// Model number.
    pub number: u64,
    /// Expected goals of the home side.
    pub lambda: f64,
    /// Expected goals of the away side.
    pub mu: f64,
    /// Dependence of low scores.
    pub rho: f64,
    /// Win, half-win, push, half-loss, loss of the bet's selection.
    pub outcomes: [f64; 5],
}

/// The part of the configuration that decided.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConfigInForce {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: marabet_schemas::ArtefactHash,
    /// The strategy's rules.
    pub strategy: Strategy,
}

impl ConfigInForce {
    /// The rules of one strategy in a configuration.
    pub fn of(published: &ConfigPublished, bet: &ValueBet) -> Option<Self> {
        let strategy = published.rules.strategies.get(&bet.strategy)?.clone();
        Some(Self { number: published.number, hash: published.hash, strategy })
    }
}

/// The numbers of a bet, one step a field.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Arithmetic {
    /// Sum of the reference's inverse odds, where one reference decided.
    pub overround: Option<f64>,
    /// Fair probability, conditional on the stake being decided.
    pub probability: f64,
    /// `1 / probability`.
    pub fair_odds: f64,
    /// The price after commission.
    pub net_odds: f64,
    /// `(net − 1)(win + ½ half-win) − ½ half-loss − loss`.
    pub ev: f64,
    /// What Kelly would stake on this bet alone, full.
    pub kelly_alone: f64,
}

impl Arithmetic {
    /// Redone from the alert's own numbers.
    pub fn of(bet: &ValueBet) -> Self {
        let [win, half_win, _, half_loss, loss] = bet.fair.outcomes;
        let gain = bet.net_odds - 1.0;
        let ev = gain * (win + half_win / 2.0) - half_loss / 2.0 - loss;
        let overround = match &bet.fair.references[..] {
            [one] => Some(one.odds.iter().map(|odds| 1.0 / odds.decimal()).sum()),
            _ => None,
        };
        let outcomes = marabet_quant::outcome::Outcomes::new(bet.fair.outcomes);
        let kelly = outcomes
            .ok()
            .and_then(|outcomes| {
                marabet_quant::staking::kelly_outcomes(&outcomes, bet.net_odds, 1.0).ok()
            })
            .map_or(0.0, |kelly| kelly.stake);
        Self {
            overround,
            probability: bet.fair.probability,
            fair_odds: 1.0 / bet.fair.probability,
            net_odds: bet.net_odds,
            ev,
            kelly_alone: kelly,
        }
    }
}
