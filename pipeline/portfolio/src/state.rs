//! The rows of the stage's state.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use marabet_quant::outcome::Outcome;
use marabet_schemas::bets::{BetOutcome, Cap, Deposit};
use marabet_schemas::strategy::{Account, BookRules, Rules};
use marabet_schemas::{ArtefactHash, BetId, Book, Instant, MatchKey, Money, StrategyName};
use serde::{Deserialize, Serialize};

use crate::caps::Standing;

/// The key of a table with one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InForce;

impl InForce {
    const TEXT: &'static str = "in_force";
}

impl fmt::Display for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::TEXT)
    }
}

/// A row's key that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no {1}")]
pub(crate) struct NoKey(String, &'static str);

impl FromStr for InForce {
    type Err = NoKey;
    fn from_str(text: &str) -> Result<Self, NoKey> {
        let known = (text == Self::TEXT).then_some(Self);
        known.ok_or_else(|| NoKey(text.to_owned(), "key of the rules in force"))
    }
}

/// What the portfolio needs of the rules in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RulesRow {
    pub(crate) number: u64,
    pub(crate) account: Account,
    books: BTreeMap<Book, BookRules>,
}

impl RulesRow {
    pub(crate) fn new(number: u64, rules: &Rules) -> Self {
        Self { number, account: rules.account.clone(), books: rules.books.clone() }
    }

    pub(crate) fn book(&self, book: &Book) -> BookRules {
        self.books.get(book).cloned().unwrap_or_default()
    }
}

/// Most days whose stakes are kept for the day's cap: a bet of an earlier day can hardly come,
/// and would find its day empty.
const DAYS_MAX: i64 = 31;

/// A strategy's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountRow {
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
    pub(crate) fn new(start: Money) -> Self {
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
    pub(crate) fn standing(&self, at: Instant) -> Standing {
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

    /// Books what a bet brought more (or less) than was known of it, and begins the days without
    /// a stake when that reaches a limit.
    pub(crate) fn win(&mut self, at: Instant, amount: Money, rules: &Account) {
        self.profit += amount;
        let today = day(at);
        *self.won.entry(today).or_default() += amount;
        let newest = self.won.keys().next_back().copied().unwrap_or_default();
        self.won.retain(|day, _| newest.saturating_sub(*day) < DAYS_MAX);
        let reached = |most: Option<Money>, days| {
            most.is_some_and(|most| amount < Money::ZERO && self.lost(today, days) >= most)
        };
        if reached(rules.loss_day_max, 1) || reached(rules.loss_week_max, 7) {
            let until = today.saturating_add(1 + i64::from(rules.cool_off_days));
            self.stakes_from = self.stakes_from.max(until);
        }
    }

    pub(crate) fn bankroll(&self) -> Money {
        self.start + self.deposits + self.profit
    }

    pub(crate) fn staked_on_day_of(&self, at: Instant) -> Money {
        self.days.get(&day(at)).copied().unwrap_or_default()
    }

    /// Counts a granted stake as open and towards its day.
    pub(crate) fn grant(&mut self, at: Instant, stake: Money) {
        self.open += stake;
        *self.days.entry(day(at)).or_default() += stake;
        let newest = self.days.keys().next_back().copied().unwrap_or_default();
        self.days.retain(|day, _| newest.saturating_sub(*day) < DAYS_MAX);
    }

    /// Replaces a stake granted at an instant by what became of it.
    pub(crate) fn restake(&mut self, at: Instant, before: Money, after: Money) {
        if let Some(staked) = self.days.get_mut(&day(at)) {
            *staked += after - before;
        }
    }
}

fn day(at: Instant) -> i64 {
    at.micros().div_euclid(86_400 * 1_000_000)
}

/// A bet of a match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BetKey {
    pub(crate) key: MatchKey,
    pub(crate) bet: BetId,
}

impl BetKey {
    /// At or before every bet of a match.
    pub(crate) fn first(key: &MatchKey) -> Self {
        let lowest = "0000000000000000".parse().expect("sixteen digits are a bet's identity");
        Self { key: key.clone(), bet: lowest }
    }
}

impl fmt::Display for BetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.key, self.bet)
    }
}

impl FromStr for BetKey {
    type Err = NoKey;
    fn from_str(text: &str) -> Result<Self, NoKey> {
        let wrong = || NoKey(text.to_owned(), "bet of a match; written match|bet");
        let (key, bet) = text.rsplit_once('|').ok_or_else(wrong)?;
        let (key, bet) = (key.parse().map_err(|_| wrong())?, bet.parse().map_err(|_| wrong())?);
        Ok(Self { key, bet })
    }
}

/// A bet that was answered with a grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BetRow {
    pub(crate) strategy: StrategyName,
    /// Event time of the bet.
    pub(crate) at: Instant,
    /// The answer that was given.
    pub(crate) asked: Money,
    pub(crate) granted: Money,
    pub(crate) bankroll: Money,
    pub(crate) capped_by: Vec<Cap>,
    /// The highest revision answered.
    pub(crate) revision: u16,
    /// What counts as staked: what was granted, until the user says what he did.
    pub(crate) stake: Money,
    /// The net price that the user got, where he said so.
    pub(crate) placed_net_odds: Option<f64>,
    /// The book made it void: the stake is back, whatever the match brings.
    pub(crate) void: bool,
    /// The last settlement.
    pub(crate) settled: Option<Settled>,
    /// Of the stake, what is booked as open.
    pub(crate) open: Money,
    /// What is booked as won or lost.
    pub(crate) profit: Money,
}

/// A settlement, as far as it matters to the money.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) revision: u16,
    pub(crate) outcome: BetOutcome,
    /// Per unit staked at the price of record.
    pub(crate) unit_profit: f64,
}

impl BetRow {
    /// What of the stake is open, and what is won or lost, by all that is known.
    pub(crate) fn worth(&self) -> (Money, Money) {
        let Some(settled) = self.settled.filter(|_| !self.void) else {
            let open = if self.void { Money::ZERO } else { self.stake };
            return (open, Money::ZERO);
        };
        let ended = match settled.outcome {
            BetOutcome::Review => return (self.stake, Money::ZERO),
            BetOutcome::Void => return (Money::ZERO, Money::ZERO),
            BetOutcome::Win => Outcome::Win,
            BetOutcome::HalfWin => Outcome::HalfWin,
            BetOutcome::Push => Outcome::Push,
            BetOutcome::HalfLoss => Outcome::HalfLoss,
            BetOutcome::Loss => Outcome::Loss,
        };
        let at_the_placed_price = self.placed_net_odds.map(|net_odds| ended.profit(net_odds));
        let unit_profit = at_the_placed_price.unwrap_or(settled.unit_profit);
        (Money::ZERO, self.stake.times(unit_profit))
    }
}

/// The identity of a deposit: its content.
pub(crate) fn deposit_identity(at: Instant, deposit: &Deposit) -> ArtefactHash {
    ArtefactHash::of(&serde_json::to_vec(&(at, deposit)).expect("a deposit is plain data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_as_they_are_written() {
        let key: MatchKey = "E0|2024-25|A|B|1".parse().unwrap();
        let bet = BetId::of(&"sharp".into(), &key, "1x2:home", 0, 0);
        let bet = BetKey { key, bet };
        assert_eq!(bet.to_string().parse::<BetKey>().unwrap(), bet);
        assert!(BetKey::first(&bet.key) <= bet);
        assert!("E0|2024-25|A|B|1".parse::<BetKey>().is_err());
        assert_eq!(InForce.to_string().parse::<InForce>().unwrap(), InForce);
        assert!("other".parse::<InForce>().is_err());
    }

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
