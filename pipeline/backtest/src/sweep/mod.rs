//! The sweep: many strategies over everything that was value, and which of them is more than luck.
//!
//! A [`Trial`] is a strategy that is tried. The rows of its [`view`] are a lazy query of Polars,
//! whose answer streams by in batches, once for all trials of the view ([`run`]): what no trial
//! wants is passed over in the files, and which rows pass which [`filter`] is asked for all filters
//! together ([`masks`]). Those that pass are folded into bets by the rules of detection ([`fold`]).
//! Of these only sums are kept ([`tally`]), and what the portfolio's account follows from
//! ([`money`]); then all are ranked together ([`rank`]). What the prices of a view were [`worth`]
//! before any strategy chose among them is asked of the whole table too.

pub mod compare;
pub mod filter;
pub mod fold;
pub mod grid;
pub mod masks;
pub mod money;
pub mod rank;
pub mod run;
pub mod tally;
pub mod view;
pub mod worth;

use marabet_quant::Odds;
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::facts::MatchClosed;
use marabet_schemas::strategy::{Rules, Strategy};
use marabet_schemas::{Event, Instant, Source, StakeFraction, StrategyName};

use self::fold::{Bet, Memo};
use self::masks::Candidate;
use crate::account::{self, Booked, Made, MadeEnd};
use crate::opportunity::{Catalogue, Row};
use crate::table::TableError;

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
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The bets of a trial, from rows that pass its filter, in the order of match, look and row.
#[must_use]
pub fn made(rows: &[Row], trial: &Trial, catalogue: &Catalogue) -> Vec<Made> {
    let (mut memo, mut passing, mut bets) = (Memo::default(), Vec::new(), Vec::new());
    let mut made = Vec::new();
    for of_match in rows.chunk_by(|one, next| one.match_id == next.match_id) {
        passing.clear();
        passing.extend(of_match.iter().enumerate().map(|(place, row)| Candidate { place, row }));
        memo.clear();
        bets.clear();
        fold::fold(&passing, &trial.rules, catalogue, &mut memo, &mut bets);
        made.extend(bets.iter().filter_map(|bet| made_of(bet, catalogue)));
    }
    made
}

/// A bet with its names; none where the catalogue does not [know](Catalogue::knows) the row.
fn made_of(bet: &Bet<'_>, catalogue: &Catalogue) -> Option<Made> {
    let row = bet.candidate.row;
    let market = *catalogue.markets.get(row.market)?;
    let ended = row.ended().map(|outcome| MadeEnd {
        at: Instant::from_micros(row.ended_at),
        outcome,
        profit: row.profit,
        clv: (!row.clv.is_nan()).then_some(row.clv),
    });
    Some(Made {
        key: catalogue.matches.get(row.match_id)?.clone(),
        at: Instant::from_micros(row.at),
        quoted_at: Instant::from_micros(row.quoted_at),
        kickoff: Instant::from_micros(row.kickoff),
        book: catalogue.books.get(row.book)?.clone(),
        market,
        selection: *market.selections().get(row.selection as usize)?,
        payoff: catalogue.payoff(row.payoff)?,
        occurrence: bet.occurrence,
        odds: Odds::new(row.odds).ok()?,
        net_odds: row.net_odds,
        probability: row.probability,
        ev: row.ev,
        share: StakeFraction::new(bet.share).ok()?,
        ended,
    })
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
