//! The rows of the stage's state.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use marabet_schemas::bets::{BetOutcome, Cap, Deposit};
use marabet_schemas::strategy::{Account, BookRules, Rules};
use marabet_schemas::{ArtefactHash, Book, Instant, Money, StrategyName};
use serde::{Deserialize, Serialize};

use crate::account::{decided, worth};

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

/// The text is not that key.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no key of the rules in force")]
pub(crate) struct NoKey(String);

impl FromStr for InForce {
    type Err = NoKey;
    fn from_str(text: &str) -> Result<Self, NoKey> {
        let known = (text == Self::TEXT).then_some(Self);
        known.ok_or_else(|| NoKey(text.to_owned()))
    }
}

marabet_stage::alone!(InForce);

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
        let at_the_placed_price = self
            .placed_net_odds
            .and_then(|net_odds| Some(decided(settled.outcome)?.profit(net_odds)));
        let unit_profit = at_the_placed_price.unwrap_or(settled.unit_profit);
        worth(self.stake, settled.outcome, unit_profit)
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
    fn the_key_reads_back_as_it_is_written() {
        assert_eq!(InForce.to_string().parse::<InForce>().unwrap(), InForce);
        assert!("other".parse::<InForce>().is_err());
    }
}
