//! Running a sweep over a table: view by view, a part in memory at a time, all trials of the view
//! over it before the next is read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use marabet_schemas::strategy::Rules;
use marabet_schemas::{Instant, StrategyName};

use super::filter::Filter;
use super::fold::{Memo, fold};
use super::rank::{Money, Tested};
use super::{SweepError, Trial, book, view};
use crate::account::{Booked, Made};
use crate::measure::max_drawdown;
use crate::opportunity::Row;
use crate::table::{self, Table};

/// The trials of one view, with their places among all.
type OfView<'a> = Vec<(usize, &'a Trial)>;

/// Tries every trial over the table, views side by side.
///
/// # Errors
/// [`SweepError`] for a trial that a sweep cannot try, or a table that cannot be read.
pub fn sweep(
    table: &Table,
    trials: &[Trial],
    rules: &Rules,
    split: Instant,
    threads: usize,
) -> Result<Vec<Tested>, SweepError> {
    let views = by_view(trials)?;
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(trials.len())));
    let views: Vec<(StrategyName, OfView<'_>)> = views.into_iter().collect();
    let work = || -> Result<(), SweepError> {
        while let Some((name, of_view)) = views.get(next.fetch_add(1, Ordering::Relaxed)) {
            let made = of_one(table, name, of_view, rules)?;
            for ((place, trial), made) in of_view.iter().zip(made) {
                let booked = book(trial, &made, rules)?;
                let tested = Tested::of(trial, &made, split, money(&trial.name, &booked));
                done.lock().unwrap_or_else(PoisonError::into_inner).push((*place, tested));
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| -> Result<(), SweepError> {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, tested)| tested).collect())
}

/// The bets and the money of one trial, whole.
///
/// # Errors
/// As [`sweep`].
pub fn one(table: &Table, trial: &Trial, rules: &Rules) -> Result<Booked, SweepError> {
    let (name, _) = view::of(&trial.rules);
    let made = of_one(table, &name, &[(0, trial)], rules)?;
    book(trial, &made.concat(), rules)
}

fn by_view(trials: &[Trial]) -> Result<BTreeMap<StrategyName, OfView<'_>>, SweepError> {
    let mut views: BTreeMap<StrategyName, OfView<'_>> = BTreeMap::new();
    for (place, trial) in trials.iter().enumerate() {
        if trial.rules.top_up {
            return Err(SweepError::TopUp(trial.name.clone()));
        }
        let (name, _) = view::of(&trial.rules);
        views.entry(name).or_default().push((place, trial));
    }
    Ok(views)
}

/// What each trial of a view makes of the view's rows.
fn of_one(
    table: &Table,
    name: &StrategyName,
    of_view: &[(usize, &Trial)],
    rules: &Rules,
) -> Result<Vec<Vec<Made>>, SweepError> {
    let wrong = |error: table::TableError| SweepError::Table(error.to_string());
    let parts = table::parts(table, name.as_str()).map_err(wrong)?;
    if parts.is_empty() {
        return Err(SweepError::NoView(of_view[0].1.name.clone()));
    }
    let filters: Vec<Filter> =
        of_view.iter().map(|(_, trial)| Filter::of(trial, rules, &table.catalogue)).collect();
    let least = filters.iter().map(|filter| filter.ev_min).fold(f64::MAX, f64::min);
    let aggregates = filters.iter().any(|filter| filter.aggregates);
    let mut memo = Memo::default();
    let mut made: Vec<Vec<Made>> = vec![Vec::new(); of_view.len()];
    let mut passing: Vec<Row> = Vec::new();
    for part in parts {
        let rows = table::rows(&part, least, aggregates).map_err(wrong)?;
        for (((_, trial), filter), made) in of_view.iter().zip(&filters).zip(&mut made) {
            passing.clear();
            passing.extend(rows.iter().filter(|row| filter.passes(row)));
            made.extend(fold(&passing, trial, &table.catalogue, &mut memo));
        }
        // The next part has other matches.
        memo.clear();
    }
    Ok(made)
}

fn money(name: &StrategyName, booked: &Booked) -> Money {
    let equity = booked.equity.get(name).map_or(&[][..], Vec::as_slice);
    Money {
        end: equity.last().map_or(0.0, |(_, money)| money.units()),
        max_drawdown: max_drawdown(equity),
    }
}
