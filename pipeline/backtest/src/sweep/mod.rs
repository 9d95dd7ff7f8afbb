//! The sweep: many strategies over everything that was value, and which of them is more than luck.
//!
//! A [`Trial`] is a strategy that is tried. Each asks the rows of its view that pass its filters
//! ([`filter`], in Polars in `query`), folds them into bets by the rules of detection ([`fold`])
//! and these through the portfolio; then all are ranked together ([`rank`]).

pub mod compare;
pub mod filter;
pub mod fold;
pub mod grid;
pub mod rank;
pub mod view;

use marabet_schemas::strategy::{Rules, Strategy};
use marabet_schemas::{StrategyName, bets::BetOutcome};

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
) -> Result<(Vec<Made>, Booked), SweepError> {
    let made = fold::fold(passing, trial, catalogue, memo);
    let rules = Rules {
        strategies: [(trial.name.clone(), trial.rules.clone())].into(),
        account: rules.account.clone(),
        books: rules.books.clone(),
        closing: rules.closing.clone(),
        settlement: rules.settlement.clone(),
    };
    let mut events = account::events(&made, &trial.name);
    // What goes to review stays open until its match is closed, which is when it went.
    let closed = made.iter().filter_map(|bet| {
        let end = bet.ended.filter(|end| end.outcome == BetOutcome::Review)?;
        let src = marabet_schemas::Source::new("sweep");
        let closed = marabet_schemas::facts::MatchClosed { src };
        Some(marabet_schemas::Event::of(bet.key.clone(), end.at, closed))
    });
    events.extend(closed);
    account::sort_canonically(&mut events);
    let booked = account::book(&rules, &events, &Default::default()).map_err(SweepError::Fault)?;
    Ok((made, booked))
}
