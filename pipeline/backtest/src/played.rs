//! A bet as it was made, and how it ended.

use marabet_quant::{Market, Selection};
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::{BetId, Book, Instant, MatchKey, Money, StrategyName};
use serde::Serialize;

/// A bet of a backtest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlayedBet {
    /// Whose.
    pub strategy: StrategyName,
    /// Its identity, the same live, in replay and in a sweep.
    pub bet: BetId,
    /// The match.
    pub key: MatchKey,
    /// When the alert came.
    pub at: Instant,
    /// The kick-off as it was known then.
    pub kickoff: Instant,
    /// At which book.
    pub book: Book,
    /// The price was a maximum over books, which nobody offers.
    pub aggregate: bool,
    /// On which market.
    pub market: Market,
    /// On what.
    pub selection: Selection,
    /// The odds of the alert.
    pub odds: f64,
    /// The odds that the bet was placed at, net of commission.
    pub net_odds: f64,
    /// The fair probability that was claimed, conditional on the stake being decided.
    pub probability: f64,
    /// The expected value that was claimed for one unit.
    pub ev: f64,
    /// The stake that was wanted, as a share of the bankroll.
    pub share: f64,
    /// What was staked in the end.
    pub stake: Money,
    /// The strategy's bankroll when it was.
    pub bankroll: Money,
    /// Why nothing was, where nothing was.
    pub not_placed: Option<NotPlaced>,
    /// How it ended; none where it is open.
    pub outcome: Option<BetOutcome>,
    /// When.
    pub settled_at: Option<Instant>,
    /// Profit of one unit staked, at the odds that the bet was placed at.
    pub unit_profit: f64,
    /// Profit of the stake.
    pub profit: Money,
    /// Closing-line value at the odds of the alert.
    pub clv: Option<f64>,
}

/// Why a bet that was wanted was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotPlaced {
    /// A cap of the portfolio left nothing.
    Capped,
    /// The book took no bet.
    Rejected,
    /// The price was gone or worth too little when the bet reached the book.
    PriceGone,
    /// The bet reached the book after kick-off.
    TooLate,
}

impl PlayedBet {
    /// Whether money was staked and the match decided what became of it.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        let decided = |outcome| !matches!(outcome, BetOutcome::Void | BetOutcome::Review);
        self.stake > Money::ZERO && self.outcome.is_some_and(decided)
    }

    /// The match-day: days since 1970 in UTC.
    #[must_use]
    pub fn day(&self) -> i64 {
        self.kickoff.days().floor() as i64
    }

    /// What the bet added to the bankroll, as a share of it, were every bet on a bankroll that
    /// never changes: the measure by which strategies are compared day by day.
    #[must_use]
    pub fn level_return(&self) -> f64 {
        if self.is_decided() { self.share * self.unit_profit } else { 0.0 }
    }
}
