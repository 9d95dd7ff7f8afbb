//! What a report says, as data: written as JSON beside the page.

use std::collections::BTreeMap;

use marabet_schemas::bets::RefusalReason;
use marabet_schemas::{Instant, Money, StrategyName};
use serde::Serialize;

use crate::account::Booked;
use crate::built_in;
use crate::history::Origin;
use crate::measure::{
    Bin, Group, Grouping, Histogram, Month, Summary, calibration, claimed_beside_realised,
    clv_histogram, group_by, monthly, summarise,
};
use crate::paper::PaperReport;
use crate::played::PlayedBet;
use crate::setup::Setup;
use crate::walk::Walked;

/// Points of an equity curve, at most.
const POINTS_MAX: usize = 600;
/// Groups of a calibration.
const BINS: usize = 10;

/// A whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What was done: `replay`, `sweep`.
    pub title: String,
    /// Where the facts are from.
    pub origin: Option<Origin>,
    /// What was gone through.
    pub walked: Walked,
    /// Rows and cells that could not be read.
    pub unread: u64,
    /// How long it took.
    pub seconds: f64,
    /// SHA-256 of the set-up.
    pub setup_hash: String,
    /// The set-up.
    pub setup: Setup,
    /// Hash of all bets.
    pub bets_digest: String,
    /// Each strategy.
    pub strategies: Vec<StrategyReport>,
    /// What was tried, where strategies were searched for.
    pub sweep: Option<SweepReport>,
    /// The paper's strategy.
    pub paper: Option<PaperReport>,
}

/// One strategy of a report.
#[derive(Debug, Clone, Serialize)]
pub struct StrategyReport {
    /// Its name.
    pub name: StrategyName,
    /// What it does.
    pub about: String,
    /// Hash of its bets.
    pub bets_digest: String,
    /// What it came to.
    pub summary: Summary,
    /// Its bankroll over time.
    pub equity: Vec<EquityPoint>,
    /// What each month brought.
    pub months: Vec<Month>,
    /// Claimed probabilities beside how often the bets won.
    pub calibration: Vec<Bin>,
    /// Claimed value beside the yield.
    pub claims: Vec<Bin>,
    /// The distribution of closing-line value.
    pub clv: Histogram,
    /// Per league, market, book, odds, season.
    pub groups: Vec<(Grouping, Vec<Group>)>,
    /// What it refused.
    pub refusals: BTreeMap<RefusalReason, u64>,
}

/// A day's end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EquityPoint {
    /// Days since 1970.
    pub day: f64,
    /// The bankroll.
    pub bankroll: f64,
    /// How far it lies below its peak, as a share of the peak.
    pub drawdown: f64,
}

/// What a search over strategies brought.
#[derive(Debug, Clone, Serialize)]
pub struct SweepReport {
    /// How many were tried.
    pub tried: usize,
    /// How many of them differ in their bets.
    pub distinct: usize,
    /// Matches from this day on were not looked at for the ranking.
    pub split: String,
    /// How long the sweep took, the table apart.
    pub seconds: f64,
    /// How long the table took, where it was made.
    pub table_seconds: Option<f64>,
    /// Rows of the table.
    pub rows: u64,
    /// White's reality check over all that were tried, on the first period.
    pub reality_p: Option<f64>,
    /// What the best of so many is expected to reach by chance: Sharpe ratio a match-day.
    pub expected_best_sharpe: f64,
    /// Those tried, the best of the first period first.
    pub ranked: Vec<Ranked>,
    /// What the prices were worth that the best of them chose among.
    pub worth: Option<WorthReport>,
}

/// What the prices of books that were value by a view were worth before the split, as if a unit
/// had been staked on each.
#[derive(Debug, Clone, Serialize)]
pub struct WorthReport {
    /// What was taken for fair.
    pub view: String,
    /// Per league, market, book, odds, season.
    pub groups: Vec<(Grouping, Vec<Group>)>,
}

/// A strategy that was tried.
#[derive(Debug, Clone, Serialize)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// What makes it differ.
    pub about: String,
    /// It bets at maxima over books, which nobody offers.
    pub aggregates: bool,
    /// What it came to before the split.
    pub before: Period,
    /// And after.
    pub after: Period,
    /// Its bankroll at the end of both.
    pub bankroll_end: f64,
    /// Its deepest drawdown over both.
    pub max_drawdown: f64,
    /// The probability that its Sharpe ratio is above what the best of so many reaches by chance.
    pub deflated: Option<f64>,
}

/// What a strategy came to in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Period {
    /// Decided bets.
    pub bets: usize,
    /// Yield weighted by share of the bankroll.
    pub r#yield: Option<f64>,
    /// Claimed value, weighted alike.
    pub claimed_ev: Option<f64>,
    /// Mean closing-line value.
    pub clv: Option<f64>,
    /// Sharpe ratio, a match-day.
    pub sharpe: Option<f64>,
}

impl StrategyReport {
    /// What a strategy's bets say.
    #[must_use]
    pub fn of(name: &StrategyName, about: String, booked: &Booked) -> Self {
        let bets: Vec<&PlayedBet> =
            booked.bets.iter().filter(|bet| bet.strategy == *name).collect();
        let equity = booked.equity.get(name).map_or(&[][..], Vec::as_slice);
        let grouped = Grouping::ALL.map(|grouping| (grouping, group_by(&bets, grouping)));
        Self {
            name: name.clone(),
            about,
            bets_digest: crate::digest::of_bets(bets.iter().copied()),
            summary: summarise(&bets, equity),
            equity: points(equity),
            months: monthly(&bets),
            calibration: calibration(&bets, BINS),
            claims: claimed_beside_realised(&bets, BINS),
            clv: clv_histogram(&bets),
            groups: grouped.into_iter().collect(),
            refusals: BTreeMap::new(),
        }
    }
}

/// What a strategy does, for people: as it is built in, else by its rules.
#[must_use]
pub fn about(name: &StrategyName, setup: &Setup) -> String {
    let built_in = built_in::all().into_iter().find(|one| one.name == *name);
    match (built_in, setup.strategies.get(name)) {
        (Some(one), Some(rules)) if one.rules == *rules => one.about.to_owned(),
        (_, Some(rules)) => {
            let fair = serde_json::to_value(rules.fair).unwrap_or_default();
            let fair = fair.as_str().unwrap_or_default().to_owned();
            format!("{fair}, value from {:.1} %", rules.ev_min * 100.0)
        }
        _ => String::new(),
    }
}

/// The bankroll at each day's end, from the eve of the first settlement, thinned to what a screen
/// can show.
fn points(equity: &[(Instant, Money)]) -> Vec<EquityPoint> {
    const DAY_SECONDS: i64 = 86_400;
    let mut days: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    let mut peak = f64::MIN_POSITIVE;
    let eve = equity.get(1).map(|(settled, _)| settled.plus_seconds(-DAY_SECONDS));
    for (at, money) in equity {
        let at = eve.map_or(*at, |eve| eve.max(*at));
        peak = peak.max(money.units());
        days.insert(at.days().floor() as i64, (money.units(), 1.0 - money.units() / peak));
    }
    let each = days.len().div_ceil(POINTS_MAX).max(1);
    let last = days.len().saturating_sub(1);
    days.into_iter()
        .enumerate()
        .filter(|(place, _)| place.is_multiple_of(each) || *place == last)
        .map(|(_, (day, (bankroll, drawdown)))| EquityPoint { day: day as f64, bankroll, drawdown })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_begins_on_the_eve_of_the_first_settlement() {
        let day = |day: i64, units: i64| {
            (Instant::from_micros(day * 86_400_000_000), Money::from_cents(units * 100))
        };
        let curve = points(&[day(0, 100), day(5_000, 50), day(5_001, 120)]);
        let curve: Vec<_> = curve.iter().map(|at| (at.day, at.bankroll, at.drawdown)).collect();
        assert_eq!(curve, [(4_999.0, 100.0, 0.0), (5_000.0, 50.0, 0.5), (5_001.0, 120.0, 0.0)]);
        let without_bets = points(&[day(0, 100)]);
        assert_eq!(without_bets.len(), 1);
    }
}
