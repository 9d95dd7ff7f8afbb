//! Replay and sweep side by side: for one strategy both must make the same bets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use marabet_schemas::{BetId, StrategyName};
use polars::prelude::{IntoLazy, PolarsError};

use super::filter::Filter;
use super::{SweepError, Trial, book, made, view};
use crate::history::History;
use crate::opportunity::{Catalogue, Entering, Row};
use crate::played::PlayedBet;
use crate::setup::Setup;
use crate::survey::{SurveyError, survey};
use crate::table;

/// Why the two could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The rows could not be made.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The bets could not be made of them.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// The rows could not be asked for those that pass.
    #[error(transparent)]
    Query(#[from] PolarsError),
}

/// A bet that the two make differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// As the replay has it.
    pub replayed: Option<PlayedBet>,
    /// As the sweep has it.
    pub swept: Option<PlayedBet>,
}

/// The strategies of a set-up as trials.
#[must_use]
pub fn trials(setup: &Setup) -> Vec<Trial> {
    let trial = |(name, rules): (&StrategyName, &marabet_schemas::strategy::Strategy)| Trial {
        name: name.clone(),
        about: name.to_string(),
        rules: rules.clone(),
        aggregates: false,
    };
    setup.strategies.iter().map(trial).collect()
}

/// Rows by view, match by match, in memory: for histories that are small.
///
/// # Errors
/// [`SurveyError`].
pub fn rows(
    history: &History,
    setup: &Setup,
    trials: &[Trial],
    threads: usize,
) -> Result<(BTreeMap<StrategyName, Vec<Row>>, Catalogue), SurveyError> {
    let views = view::all(trials, &setup.rules());
    let entering = Entering::default();
    let by_view: Mutex<BTreeMap<StrategyName, Vec<Row>>> = Mutex::default();
    history.each(threads, |strand| {
        survey(strand, setup, &views, &entering, |view, rows| {
            let mut by_view = by_view.lock().unwrap_or_else(PoisonError::into_inner);
            by_view.entry(view.into()).or_default().extend_from_slice(rows);
        })
    })?;
    let by_view = by_view.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((by_view, entering.finish()))
}

/// The bets that the sweep's way makes for the strategies of a set-up, in canonical order for
/// each.
///
/// # Errors
/// [`CompareError`].
pub fn swept(
    history: &History,
    setup: &Setup,
    threads: usize,
) -> Result<Vec<PlayedBet>, CompareError> {
    let trials = trials(setup);
    if let Some(trial) = trials.iter().find(|trial| trial.rules.top_up) {
        return Err(SweepError::TopUp(trial.name.clone()).into());
    }
    let (by_view, catalogue) = rows(history, setup, &trials, threads)?;
    let mut bets = Vec::new();
    for trial in &trials {
        let filter = Filter::of(trial, &setup.rules(), &catalogue);
        let (name, _) = view::of(&trial.rules);
        let rows = by_view.get(&name).map_or(&[][..], Vec::as_slice);
        let made = made(&passing(rows, &filter)?, trial, &catalogue);
        let booked = book(trial, &made, &setup.rules())?;
        bets.extend(booked.bets);
    }
    Ok(bets)
}

/// The rows that pass a filter, in their order.
fn passing(rows: &[Row], filter: &Filter) -> Result<Vec<Row>, CompareError> {
    let passing = table::frame(rows)?.lazy().filter(filter.expr()).collect()?;
    Ok(table::rows(&passing)?)
}

/// Where two lists of bets differ, bet by bet.
#[must_use]
pub fn differences(replayed: &[PlayedBet], swept: &[PlayedBet]) -> Vec<Difference> {
    let by_id = |bets: &[PlayedBet]| -> BTreeMap<BetId, PlayedBet> {
        bets.iter().map(|bet| (bet.bet, bet.clone())).collect()
    };
    let (replayed, mut swept) = (by_id(replayed), by_id(swept));
    let mut found = Vec::new();
    for (id, bet) in replayed {
        let other = swept.remove(&id);
        if other.as_ref() != Some(&bet) {
            found.push(Difference { replayed: Some(bet), swept: other });
        }
    }
    found.extend(swept.into_values().map(|bet| Difference { replayed: None, swept: Some(bet) }));
    found
}
