//! What happens to a bet on its way to the book: it takes time, the price moves, the book says no.
//!
//! A backtest that bets every alert at its price flatters. Here each alert reaches the book after
//! a delay, meets the price that the book shows by then, and is refused in a stated share of cases.
//! Chance is a hash of the bet and a seed, so that two runs refuse the same bets.

use std::collections::HashMap;

use marabet_quant::outcome::{Outcome, Outcomes};
use marabet_quant::{Market, Odds};
use marabet_schemas::bets::{BetOutcome, ValueBet};
use marabet_schemas::facts::{OddsList, Phase, Quote};
use marabet_schemas::strategy::{BookRules, Rules};
use marabet_schemas::{BetId, Body, Book, Event, Instant, MatchKey};
use serde::{Deserialize, Serialize};

use crate::played::NotPlaced;

/// How hard it is to bet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Frictions {
    /// From the alert until the bet reaches the book, in seconds.
    pub delay_s: u32,
    /// Share of bets that a book refuses.
    pub rejected: f64,
    /// Share that this book refuses, where it is another.
    pub rejected_by: std::collections::BTreeMap<Book, f64>,
    /// Which bets are refused.
    pub seed: u64,
}

impl Default for Frictions {
    /// None: each alert is bet at its price.
    fn default() -> Self {
        Self { delay_s: 0, rejected: 0.0, rejected_by: Default::default(), seed: 1 }
    }
}

impl Frictions {
    /// Whether bets are made as they are alerted.
    #[must_use]
    pub fn are_none(&self) -> bool {
        let refusing = self.rejected_by.values().chain([&self.rejected]).any(|share| *share > 0.0);
        self.delay_s == 0 && !refusing
    }

    fn rejects(&self, bet: &ValueBet) -> bool {
        let share = *self.rejected_by.get(&bet.book).unwrap_or(&self.rejected);
        let drawn = crate::digest::of_bytes(format!("{} {}", self.seed, bet.bet).as_bytes());
        // Eight hexadecimal digits are a number below 2^32.
        let drawn = u32::from_str_radix(&drawn[..8], 16).unwrap_or(u32::MAX);
        f64::from(drawn) / 4_294_967_296.0 < share
    }
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Placement {
    /// Bet at its price.
    #[default]
    AsAlerted,
    /// Bet at the price that stood when it reached the book.
    At {
        /// The odds.
        odds: Odds,
        /// Net of commission.
        net_odds: f64,
    },
    /// Not bet.
    Not(NotPlaced),
}

/// What each book shows of a match, before it and in play; nothing where it withdrew its price.
type Shown = HashMap<(Book, Market, InPlay), Option<OddsList>>;

/// Whether a price was taken in play.
type InPlay = bool;

/// Follows the books' prices and says what became of alerts.
pub struct Counter<'a> {
    frictions: &'a Frictions,
    rules: &'a Rules,
    /// What each book shows, of matches with an alert on its way or to come.
    shown: HashMap<MatchKey, Shown>,
    on_its_way: HashMap<MatchKey, Vec<(Instant, ValueBet)>>,
    placements: HashMap<BetId, Placement>,
}

impl<'a> Counter<'a> {
    /// A counter at which these frictions rule.
    #[must_use]
    pub fn new(frictions: &'a Frictions, rules: &'a Rules) -> Self {
        Self {
            frictions,
            rules,
            shown: HashMap::new(),
            on_its_way: HashMap::new(),
            placements: HashMap::new(),
        }
    }

    /// Takes in an event of the priced stream, before the alerts that it brings.
    pub fn observe(&mut self, event: &Event) {
        let Some(key) = &event.key else { return };
        self.arrive(key, event.at);
        match &event.body {
            Body::Priced(priced) => self.shows(key, &priced.quote),
            Body::Withdrawn(gone) => {
                for ((book, market, _), odds) in self.shown.entry(key.clone()).or_default() {
                    if *book == gone.book && gone.market.is_none_or(|gone| gone == *market) {
                        *odds = None;
                    }
                }
            }
            Body::MatchClosed(_) => {
                self.arrive(key, Instant::from_micros(i64::MAX));
                self.shown.remove(key);
            }
            _ => {}
        }
    }

    /// Takes in an alert.
    pub fn alert(&mut self, key: &MatchKey, at: Instant, bet: &ValueBet) {
        if self.frictions.rejects(bet) {
            self.placements.insert(bet.bet, Placement::Not(NotPlaced::Rejected));
        } else if self.frictions.delay_s > 0 {
            let arrives = at.plus_seconds(self.frictions.delay_s.into());
            self.on_its_way.entry(key.clone()).or_default().push((arrives, bet.clone()));
        }
    }

    /// What became of every alert that was not simply bet.
    #[must_use]
    pub fn finish(mut self) -> HashMap<BetId, Placement> {
        let keys: Vec<MatchKey> = self.on_its_way.keys().cloned().collect();
        keys.iter().for_each(|key| self.arrive(key, Instant::from_micros(i64::MAX)));
        self.placements
    }

    fn shows(&mut self, key: &MatchKey, quote: &Quote) {
        let at = (quote.book.clone(), quote.market, quote.phase == Phase::InPlay);
        self.shown.entry(key.clone()).or_default().insert(at, Some(quote.odds.clone()));
    }

    /// Bets that reach their book before `now` meet the prices that stood until then.
    fn arrive(&mut self, key: &MatchKey, now: Instant) {
        let Some(waiting) = self.on_its_way.get_mut(key) else { return };
        let (arrived, still): (Vec<_>, Vec<_>) =
            waiting.drain(..).partition(|(arrives, _)| *arrives < now);
        *waiting = still;
        if waiting.is_empty() {
            self.on_its_way.remove(key);
        }
        for (arrives, bet) in arrived {
            let placement = self.meet(key, arrives, &bet);
            self.placements.insert(bet.bet, placement);
        }
    }

    fn meet(&self, key: &MatchKey, arrives: Instant, bet: &ValueBet) -> Placement {
        if !bet.in_play && arrives >= bet.kickoff {
            return Placement::Not(NotPlaced::TooLate);
        }
        let sought = (bet.book.clone(), bet.market, bet.in_play);
        let shown = self.shown.get(key).and_then(|shown| shown.get(&sought));
        let at = bet.market.selections().iter().position(|s| *s == bet.selection);
        let odds = shown.and_then(Option::as_ref).zip(at).and_then(|(odds, at)| odds.get(at));
        let Some(odds) = odds.copied() else { return Placement::Not(NotPlaced::PriceGone) };
        if odds == bet.odds {
            return Placement::AsAlerted;
        }
        let BookRules { commission, .. } = self.rules.book(&bet.book);
        let net_odds = odds.net_of_commission(commission);
        let least = self.rules.strategies.get(&bet.strategy).map_or(0.0, |rules| rules.ev_min);
        let is_worth = Outcomes::new(bet.fair.outcomes)
            .is_ok_and(|outcomes| outcomes.expected_return(net_odds) >= least);
        if is_worth {
            Placement::At { odds, net_odds }
        } else {
            Placement::Not(NotPlaced::PriceGone)
        }
    }
}

/// Profit of one unit staked at these net odds.
#[must_use]
pub fn profit(outcome: BetOutcome, net_odds: f64) -> f64 {
    match outcome {
        BetOutcome::Win => Outcome::Win.profit(net_odds),
        BetOutcome::HalfWin => Outcome::HalfWin.profit(net_odds),
        BetOutcome::HalfLoss => Outcome::HalfLoss.profit(net_odds),
        BetOutcome::Loss => Outcome::Loss.profit(net_odds),
        BetOutcome::Push | BetOutcome::Void | BetOutcome::Review => 0.0,
    }
}
