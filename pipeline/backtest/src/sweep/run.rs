//! Running a sweep over a table: view by view, a batch of matches in memory at a time, all trials
//! of the view over it before the next is taken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use marabet_schemas::strategy::Rules;
use marabet_schemas::{Instant, StrategyName};

use super::filter::Filter;
use super::fold::{Bet, Memo, fold};
use super::masks::{Candidate, Masks};
use super::money::{House, Slip, Stakes, money};
use super::rank::Tested;
use super::tally::Tally;
use super::{SweepError, Trial, book, made, view};
use crate::account::Booked;
use crate::opportunity::{Catalogue, NONE, Row};
use crate::table::{Table, View};

/// The trials of one view, with their places among all.
type OfView<'a> = Vec<(usize, &'a Trial)>;

/// Bets of a view's trials that lie in memory at once, twelve bytes each. Where there are more,
/// the later half of the trials waits for another pass over the rows.
const BETS_MAX: usize = 16_000_000;

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
    sweep_within(table, trials, rules, split, threads, BETS_MAX)
}

/// As [`sweep`], with so many bets in memory at once.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_within(
    table: &Table,
    trials: &[Trial],
    rules: &Rules,
    split: Instant,
    threads: usize,
    bets_max: usize,
) -> Result<Vec<Tested>, SweepError> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(trials.len())));
    let house = House::new(rules, &table.catalogue);
    let mut views: Vec<(StrategyName, OfView<'_>)> = by_view(trials)?.into_iter().collect();
    // So that no thread is left alone with the longest at the end.
    let longest_first = |(name, of_view): &(StrategyName, OfView<'_>)| {
        std::cmp::Reverse(table.bytes_of(name.as_str()).saturating_mul(of_view.len() as u64))
    };
    views.sort_by_cached_key(longest_first);
    let work = || -> Result<(), SweepError> {
        while let Some((name, of_view)) = views.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut left = &of_view[..];
            while !left.is_empty() {
                let tested =
                    Pass { table, rules, split, house: &house, bets_max }.run(name, left)?;
                let (through, rest) = left.split_at(tested.len());
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.extend(through.iter().map(|(place, _)| *place).zip(tested));
                left = rest;
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
    let view = opened(table, &name, trial)?;
    let filter = Filter::of(trial, rules, &table.catalogue);
    let mut all = Vec::new();
    for batch in view.batches(view.scan()?.filter(filter.expr()))? {
        all.extend(made(&view.rows(&batch?)?, trial, &table.catalogue));
    }
    book(trial, &all, rules)
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

fn opened<'t>(
    table: &'t Table,
    name: &StrategyName,
    trial: &Trial,
) -> Result<View<'t>, SweepError> {
    table.view(name.as_str()).ok_or_else(|| SweepError::NoView(trial.name.clone()))
}

/// One pass over the rows of a view.
struct Pass<'a> {
    table: &'a Table,
    rules: &'a Rules,
    split: Instant,
    house: &'a House<'a>,
    bets_max: usize,
}

/// Trials that share their filters, by their places among the view's.
struct Group {
    filter: Filter,
    trials: Vec<usize>,
}

/// What is kept of the bets of one trial.
struct Kept {
    tally: Tally,
    stakes: Stakes,
}

impl Pass<'_> {
    /// What came of the first of these trials: of as many as could be kept in memory together.
    fn run(
        &self,
        name: &StrategyName,
        trials: &[(usize, &Trial)],
    ) -> Result<Vec<Tested>, SweepError> {
        let groups = self.groups(trials);
        let masks = Masks::new(groups.iter().map(|group| &group.filter));
        let wanted = Filter::union(groups.iter().map(|group| &group.filter));
        let view = opened(self.table, name, trials[0].1)?;
        let query = view.scan()?.filter(wanted.expr()).with_columns(masks.columns());
        let kept = || Kept { tally: Tally::new(self.split), stakes: Stakes::default() };
        let mut running = Running {
            trials,
            groups: &groups,
            masks,
            memo: Memo::default(),
            slips: Vec::new(),
            places: Vec::new(),
            kept: trials.iter().map(|_| kept()).collect(),
            bets: 0,
        };
        for batch in view.batches(query)? {
            let batch = batch?;
            running.masks.look_at(&batch).map_err(|error| view.damaged(error))?;
            running.batch(&view.rows(&batch)?, &self.table.catalogue, self.house);
            running.keep_within(self.bets_max);
        }
        let Running { slips, kept, .. } = running;
        let tested = trials.iter().zip(kept).map(|((_, trial), kept)| {
            let money = money(&kept.stakes, &slips, self.house);
            Tested::of(trial, kept.tally, money)
        });
        Ok(tested.collect())
    }

    fn groups(&self, trials: &[(usize, &Trial)]) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (place, (_, trial)) in trials.iter().enumerate() {
            let filter = Filter::of(trial, self.rules, &self.table.catalogue);
            // The trials of a grid that share their filters follow each other closely.
            match groups.iter_mut().rev().find(|group| group.filter == filter) {
                Some(group) => group.trials.push(place),
                None => groups.push(Group { filter, trials: vec![place] }),
            }
        }
        groups
    }
}

/// A pass as it goes through the batches.
struct Running<'a> {
    trials: &'a [(usize, &'a Trial)],
    groups: &'a [Group],
    masks: Masks,
    memo: Memo,
    slips: Vec<Slip>,
    /// The slip of each row of the batch; [`NONE`] where no trial bet at it.
    places: Vec<u32>,
    /// One a trial, of those that still run: the first of all.
    kept: Vec<Kept>,
    bets: usize,
}

impl Running<'_> {
    /// Folds the rows of the batch that the masks have looked at.
    fn batch(&mut self, rows: &[Row], catalogue: &Catalogue, house: &House<'_>) {
        self.places.clear();
        self.places.resize(rows.len(), NONE);
        let (mut passing, mut made): (Vec<Candidate<'_>>, Vec<Bet<'_>>) = (Vec::new(), Vec::new());
        let (running, mut start) = (self.kept.len(), 0);
        for of_match in rows.chunk_by(|one, next| one.match_id == next.match_id) {
            let range = start..start + of_match.len();
            start = range.end;
            self.memo.clear();
            for (filter, group) in self.groups.iter().enumerate() {
                passing.clear();
                self.masks.passing(filter, rows, range.clone(), &mut passing);
                if passing.is_empty() {
                    continue;
                }
                for trial in group.trials.iter().copied().filter(|trial| *trial < running) {
                    let rules = &self.trials[trial].1.rules;
                    made.clear();
                    fold(&passing, rules, catalogue, &mut self.memo, &mut made);
                    made.iter().for_each(|bet| self.keep(trial, bet, house));
                }
            }
        }
    }

    fn keep(&mut self, trial: usize, bet: &Bet<'_>, house: &House<'_>) {
        let Candidate { place, row } = bet.candidate;
        let slip = &mut self.places[place];
        if *slip == NONE {
            // As many slips as fit into memory are fewer than 2^32.
            *slip = self.slips.len() as u32;
            self.slips.push(Slip::of(row, house));
        }
        let kept = &mut self.kept[trial];
        kept.stakes.push(*slip, bet.share);
        kept.tally.add(row, bet.share);
        self.bets += 1;
    }

    /// Lets go of the later half of the trials as long as there are too many bets.
    fn keep_within(&mut self, bets_max: usize) {
        while self.bets > bets_max && self.kept.len() > 1 {
            self.kept.truncate(self.kept.len().div_ceil(2));
            self.bets = self.kept.iter().map(|kept| kept.stakes.len()).sum();
        }
    }
}
