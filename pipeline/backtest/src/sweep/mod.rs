//! The sweep: many strategies over everything that was value, and which of them is more than luck.
//!
//! A [`Trial`] is a strategy that is tried. The rows of its [`view`] are read a part at a
//! time, once for all trials of the view ([`run`]); those that pass its [`filter`] are folded into
//! bets by the rules of detection ([`fold`]) and these through the portfolio; then all are ranked
//! together ([`rank`]).

pub mod compare;
pub mod filter;
pub mod fold;
pub mod grid;
pub mod rank;
pub mod run;
pub mod view;

use marabet_schemas::bets::BetOutcome;
use marabet_schemas::facts::MatchClosed;
use marabet_schemas::strategy::{Rules, Strategy};
use marabet_schemas::{Event, Source, StrategyName};

use crate::account::{self, Booked, Made};
use crate::opportunity::{Catalogue, Row};

/// A strategy that is tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its name.
    pub name: StrategyName,
    /// What makes it differ, for people.
    pub about: String,
    /// Its rules.
    pub rules: Strategy,
    /// It bets at maxima over books, which nobody offers.
    pub aggregates: bool,
}

/// Why a strategy cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A sweep knows no top-ups.
    #[error(
        "strategy `{0}` tops bets up, which a sweep does not know: replay it, or turn `top_up` off"
    )]
    TopUp(StrategyName),
    /// The table has no rows of the strategy's view.
    #[error("the table holds no view of what strategy `{0}` takes for fair; make it anew with it")]
    NoView(StrategyName),
    /// The portfolio rejected a bet.
    #[error("{0}")]
    Fault(marabet_stage::Fault),
    /// The table could not be read.
    #[error("{0}")]
    Table(String),
}

/// The bets of a trial, from the rows that pass its filters.
///
/// # Errors
/// [`SweepError::Fault`] for a bet that the portfolio rejects.
pub fn play(
    trial: &Trial,
    passing: &[Row],
    catalogue: &Catalogue,
    rules: &Rules,
    memo: &mut fold::Memo,
) -> Result<Booked, SweepError> {
    book(trial, &fold::fold(passing, trial, catalogue, memo), rules)
}

/// A trial's bets through the portfolio.
///
/// # Errors
/// [`SweepError::Fault`] for a bet that the portfolio rejects.
pub fn book(trial: &Trial, made: &[Made], rules: &Rules) -> Result<Booked, SweepError> {
    let rules = Rules {
        strategies: [(trial.name.clone(), trial.rules.clone())].into(),
        account: rules.account.clone(),
        books: rules.books.clone(),
        closing: rules.closing.clone(),
        settlement: rules.settlement.clone(),
    };
    let mut events = account::events(made, &trial.name);
    // What goes to review stays open until its match is closed, which is when it went.
    let reviewed = |bet: &Made| {
        let end = bet.ended.filter(|end| end.outcome == BetOutcome::Review)?;
        let src = Source::new("sweep");
        Some(Event::of(bet.key.clone(), end.at, MatchClosed { src }))
    };
    events.extend(made.iter().filter_map(reviewed));
    account::sort_canonically(&mut events);
    account::book(&rules, &events, &Default::default()).map_err(SweepError::Fault)
}
