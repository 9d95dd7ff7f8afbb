//! One row of everything that was value: what a sweep reads, with names as numbers.
//!
//! The rows are [`marabet_detect::survey`]'s opportunities; the [`Catalogue`] says which number
//! stands for which name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use marabet_detect::survey::{Opportunity, ScoreRecipe};
use marabet_quant::payoff::Payoff;
use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::{Book, Competition, MatchKey};
use serde::{Deserialize, Serialize};

/// Stands for no number.
pub const NONE: u32 = u32::MAX;

/// A price that is value by a view.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "each name is that of the opportunity's field")]
pub struct Row {
    pub match_id: u32,
    pub competition: u32,
    pub look: u32,
    pub row: u32,
    /// The row of the look that this one is offered elsewhere for; [`NONE`] for a row of the
    /// market looked at.
    pub via: u32,
    pub trigger: bool,
    pub aggregate: bool,
    pub book: u32,
    pub market: u32,
    /// The family of the market looked at.
    pub family: u32,
    /// The place of the selection in its market.
    pub selection: u32,
    pub payoff: u32,
    pub at: i64,
    pub quoted_at: i64,
    pub kickoff: i64,
    pub odds: f64,
    pub net_odds: f64,
    pub probability: f64,
    pub ev: f64,
    pub usual: f64,
    pub goals: [f64; 3],
    pub fair_market: u32,
    pub fair: [f64; 3],
    /// The outcome's place among [`OUTCOMES`]; [`NONE`] where it is not known.
    pub outcome: u32,
    pub ended_at: i64,
    pub profit: f64,
    /// Not a number where there is no closing price.
    pub clv: f64,
    /// From this look on a bet at it was void.
    pub void_from: u32,
}

impl Row {
    /// A row before its columns are read.
    pub(crate) const EMPTY: Self = Self {
        match_id: 0,
        competition: 0,
        look: 0,
        row: 0,
        via: 0,
        trigger: false,
        aggregate: false,
        book: 0,
        market: 0,
        family: 0,
        selection: 0,
        payoff: 0,
        at: 0,
        quoted_at: 0,
        kickoff: 0,
        odds: 0.0,
        net_odds: 0.0,
        probability: 0.0,
        ev: 0.0,
        usual: 0.0,
        goals: [0.0; 3],
        fair_market: 0,
        fair: [0.0; 3],
        outcome: 0,
        ended_at: 0,
        profit: 0.0,
        clv: 0.0,
        void_from: 0,
    };

    /// How a bet at it ended; none where nobody knows yet.
    #[must_use]
    pub fn ended(&self) -> Option<BetOutcome> {
        OUTCOMES.get(self.outcome as usize).copied()
    }

    /// What a share of the bankroll staked on it adds to a bankroll that never changes; none where
    /// no match decided it.
    #[must_use]
    pub fn level_return(&self, share: f64) -> Option<f64> {
        use BetOutcome::{Review, Void};
        let outcome = self.ended().filter(|outcome| !matches!(outcome, Void | Review))?;
        Some(share * crate::frictions::profit(outcome, self.net_odds))
    }
}

/// The outcomes by number, those first that a match decided.
pub const OUTCOMES: [BetOutcome; 7] = [
    BetOutcome::Win,
    BetOutcome::HalfWin,
    BetOutcome::Push,
    BetOutcome::HalfLoss,
    BetOutcome::Loss,
    BetOutcome::Void,
    BetOutcome::Review,
];
/// How many of the outcomes a match decided.
pub const DECIDED: u32 = 5;

/// Names and their numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    from = "Vec<T>",
    into = "Vec<T>",
    bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>")
)]
pub struct Names<T: Eq + std::hash::Hash + Clone> {
    list: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Eq + std::hash::Hash + Clone> From<Vec<T>> for Names<T> {
    fn from(list: Vec<T>) -> Self {
        // As many names as fit into memory are fewer than 2^32.
        let numbers = list.iter().cloned().zip(0..).collect();
        Self { list, numbers }
    }
}

impl<T: Eq + std::hash::Hash + Clone> From<Names<T>> for Vec<T> {
    fn from(names: Names<T>) -> Self {
        names.list
    }
}

impl<T: Eq + std::hash::Hash + Clone> Default for Names<T> {
    fn default() -> Self {
        Self { list: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Eq + std::hash::Hash + Clone> Names<T> {
    fn number(&mut self, name: &T) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        // As many names as fit into memory are fewer than 2^32.
        let number = self.list.len() as u32;
        self.list.push(name.clone());
        self.numbers.insert(name.clone(), number);
        number
    }

    /// The name of a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&T> {
        self.list.get(number as usize)
    }

    /// Every name, in the order of the numbers.
    #[must_use]
    pub fn all(&self) -> &[T] {
        &self.list
    }
}

/// Which number stands for which name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each name is what it holds")]
pub struct Catalogue {
    pub matches: Names<MatchKey>,
    pub competitions: Names<Competition>,
    pub books: Names<Book>,
    pub markets: Names<Market>,
    pub families: Names<String>,
    /// Each as a market and a selection of it.
    pub payoffs: Names<(Market, Selection)>,
}

/// A catalogue that several competitions are entered in at once.
#[derive(Debug, Default)]
pub struct Entering(Mutex<Catalogue>);

impl Entering {
    /// Numbers the names of opportunities.
    #[must_use]
    pub fn rows(&self, opportunities: &[Opportunity]) -> Vec<Row> {
        let mut catalogue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opportunities.iter().map(|one| catalogue.row(one)).collect()
    }

    /// The catalogue of all that was entered.
    #[must_use]
    pub fn finish(self) -> Catalogue {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Catalogue {
    fn row(&mut self, one: &Opportunity) -> Row {
        let selections = one.market.selections();
        let selection = selections.iter().position(|s| *s == one.selection);
        let outcome = |of: BetOutcome| OUTCOMES.iter().position(|outcome| *outcome == of);
        let ended = one.ended;
        let small = |place: Option<usize>| place.map_or(NONE, |place| place as u32);
        Row {
            match_id: self.matches.number(&one.key),
            competition: self.competitions.number(&one.key.competition()),
            look: one.look,
            row: one.row,
            via: one.via.unwrap_or(NONE),
            trigger: one.trigger,
            aggregate: one.aggregate,
            book: self.books.number(&one.book),
            market: self.markets.number(&one.market),
            family: self.families.number(&one.scores.market.family().to_owned()),
            selection: small(selection),
            payoff: self.payoffs.number(&(one.payoff.market(), one.payoff.selection())),
            at: one.at.micros(),
            quoted_at: one.quoted_at.micros(),
            kickoff: one.kickoff.micros(),
            odds: one.odds.decimal(),
            net_odds: one.net_odds,
            probability: one.probability,
            ev: one.ev,
            usual: one.usual,
            goals: one.scores.goals,
            fair_market: self.markets.number(&one.scores.market),
            fair: one.scores.fair,
            outcome: small(ended.and_then(|ended| outcome(ended.outcome))),
            ended_at: ended.map_or(0, |ended| ended.at.micros()),
            profit: ended.map_or(0.0, |ended| ended.profit),
            clv: ended.and_then(|ended| ended.clv).map_or(f64::NAN, |clv| clv.value),
            void_from: ended.and_then(|ended| ended.void_from).unwrap_or(NONE),
        }
    }

    /// Whether every number of a row stands for a name, and its odds are odds.
    #[must_use]
    pub fn knows(&self, row: &Row) -> bool {
        let market = self.markets.get(row.market);
        let has_selection = |market: &Market| (row.selection as usize) < market.selections().len();
        self.matches.get(row.match_id).is_some()
            && self.books.get(row.book).is_some()
            && market.is_some_and(has_selection)
            && self.markets.get(row.fair_market).is_some()
            && self.payoffs.get(row.payoff).is_some()
            && Odds::new(row.odds).is_ok()
            && row.net_odds >= 1.0
            && row.net_odds.is_finite()
    }

    /// The payoff of a number.
    #[must_use]
    pub fn payoff(&self, number: u32) -> Option<Payoff> {
        let (market, selection) = self.payoffs.get(number)?;
        Payoff::new(market, *selection).ok()
    }

    /// What makes the score matrix behind a row again.
    #[must_use]
    pub fn scores(&self, row: &Row) -> Option<ScoreRecipe> {
        let market = *self.markets.get(row.fair_market)?;
        Some(ScoreRecipe { goals: row.goals, market, fair: row.fair })
    }

    /// The number of a name, where it has one.
    #[must_use]
    pub fn book(&self, name: &Book) -> Option<u32> {
        self.books.numbers.get(name).copied()
    }

    /// The number of a name, where it has one.
    #[must_use]
    pub fn competition(&self, name: &Competition) -> Option<u32> {
        self.competitions.numbers.get(name).copied()
    }

    /// The number of a name, where it has one.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<u32> {
        self.families.numbers.get(name).copied()
    }
}
