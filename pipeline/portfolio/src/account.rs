//! A strategy's money: what it owns, what is open, what it staked and won by day.
//!
//! The stage keeps one [`AccountRow`] a strategy. Whoever sweeps over strategies folds the bets of
//! each into one, without an event for every bet.

use std::collections::BTreeMap;

use marabet_quant::outcome::Outcome;
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::strategy::Account;
use marabet_schemas::{Instant, Money};
use serde::{Deserialize, Serialize};

use crate::caps::Standing;

/// Most days whose stakes are kept for the day's cap: a bet of an earlier day can hardly come,
/// and would find its day empty.
const DAYS_MAX: i64 = 31;

/// A strategy's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// What it started with.
    pub(crate) start: Money,
    /// Put in and taken out since.
    pub(crate) deposits: Money,
    /// Won and lost by settled bets.
    pub(crate) profit: Money,
    /// Staked and not settled.
    pub(crate) open: Money,
    /// Granted by UTC day, counted from the epoch.
    days: BTreeMap<i64, Money>,
    /// Won and lost by UTC day of the settlement.
    #[serde(default)]
    won: BTreeMap<i64, Money>,
    /// The first day on which something may be staked again, after a loss limit was reached.
    #[serde(default)]
    stakes_from: i64,
}

impl AccountRow {
    /// An account that holds a bankroll and no bet.
    #[must_use]
    pub fn new(start: Money) -> Self {
        Self {
            start,
            deposits: Money::ZERO,
            profit: Money::ZERO,
            open: Money::ZERO,
            days: BTreeMap::new(),
            won: BTreeMap::new(),
            stakes_from: i64::MIN,
        }
    }

    /// Where the money stands for a bet at an instant.
    #[must_use]
    pub fn standing(&self, at: Instant) -> Standing {
        Standing {
            bankroll: self.bankroll(),
            open: self.open,
            day: self.staked_on_day_of(at),
            lost_day: self.lost(day(at), 1),
            lost_week: self.lost(day(at), 7),
            cools_off: day(at) < self.stakes_from,
        }
    }

    /// What was lost in so many days, the last one included; negative for winnings.
    fn lost(&self, last: i64, days: i64) -> Money {
        let won = self.won.range(last.saturating_sub(days - 1)..=last);
        Money::ZERO - won.map(|(_, won)| *won).sum()
    }

    /// Books what of a stake is no longer open, and what it brought more (or less) than was known.
    pub fn settle(&mut self, at: Instant, released: Money, won: Money, rules: &Account) {
        self.open -= released;
        if won != Money::ZERO {
            self.win(at, won, rules);
        }
    }

    /// Takes a stake back whose match was closed without deciding it.
    pub fn release(&mut self, open: Money) {
        self.open -= open;
    }

    /// Books what a bet brought more (or less) than was known of it, and begins the days without
    /// a stake when that reaches a limit.
    fn win(&mut self, at: Instant, amount: Money, rules: &Account) {
        self.profit += amount;
        let today = day(at);
        count(&mut self.won, today, amount);
        let reached = |most: Option<Money>, days| {
            most.is_some_and(|most| amount < Money::ZERO && self.lost(today, days) >= most)
        };
        if reached(rules.loss_day_max, 1) || reached(rules.loss_week_max, 7) {
            let until = today.saturating_add(1 + i64::from(rules.cool_off_days));
            self.stakes_from = self.stakes_from.max(until);
        }
    }

    /// What it owns, open stakes included.
    #[must_use]
    pub fn bankroll(&self) -> Money {
        self.start + self.deposits + self.profit
    }

    pub(crate) fn staked_on_day_of(&self, at: Instant) -> Money {
        self.days.get(&day(at)).copied().unwrap_or_default()
    }

    /// Counts a granted stake as open and towards its day.
    pub fn grant(&mut self, at: Instant, stake: Money) {
        self.open += stake;
        count(&mut self.days, day(at), stake);
    }

    /// Replaces a stake granted at an instant by what became of it.
    pub(crate) fn restake(&mut self, at: Instant, before: Money, after: Money) {
        if let Some(staked) = self.days.get_mut(&day(at)) {
            *staked += after - before;
        }
    }
}

/// Adds an amount to its day, and forgets days that have become old.
fn count(days: &mut BTreeMap<i64, Money>, day: i64, amount: Money) {
    if let Some(known) = days.get_mut(&day) {
        *known += amount;
        return;
    }
    days.insert(day, amount);
    let newest = days.keys().next_back().copied().unwrap_or_default();
    days.retain(|day, _| newest.saturating_sub(*day) < DAYS_MAX);
}

fn day(at: Instant) -> i64 {
    at.micros().div_euclid(86_400 * 1_000_000)
}

/// What of a stake is open when a bet ended so, and what is won or lost.
#[must_use]
pub fn worth(stake: Money, outcome: BetOutcome, unit_profit: f64) -> (Money, Money) {
    match outcome {
        BetOutcome::Review => (stake, Money::ZERO),
        BetOutcome::Void => (Money::ZERO, Money::ZERO),
        _ => (Money::ZERO, stake.times(unit_profit)),
    }
}

/// How the match decided a bet; none where it did not.
pub(crate) fn decided(outcome: BetOutcome) -> Option<Outcome> {
    match outcome {
        BetOutcome::Win => Some(Outcome::Win),
        BetOutcome::HalfWin => Some(Outcome::HalfWin),
        BetOutcome::Push => Some(Outcome::Push),
        BetOutcome::HalfLoss => Some(Outcome::HalfLoss),
        BetOutcome::Loss => Some(Outcome::Loss),
        BetOutcome::Review | BetOutcome::Void => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_days_are_kept() {
        let mut account = AccountRow::new(Money::ZERO);
        let at = |day: i64| Instant::from_micros(day * 86_400_000_000 + 7);
        let cent = Money::from_cents(1);
        for day in 0..100 {
            account.grant(at(day), cent);
        }
        assert_eq!(account.days.len(), 31);
        assert_eq!(account.staked_on_day_of(at(99)), cent);
        account.restake(at(99), cent, Money::ZERO);
        account.restake(at(3), cent, Money::ZERO);
        assert_eq!(account.staked_on_day_of(at(99)), Money::ZERO);
        assert_eq!((account.days.len(), account.open), (31, Money::from_cents(100)));
    }
}
