//! Which of many strategies is more than luck: ranked on one period, reported on the next.

use std::collections::{BTreeMap, HashSet};

use marabet_quant::trials::{
    Moments, Trial as Returns, deflated_sharpe, expected_best_sharpe, reality_check,
};
use marabet_schemas::Instant;

use super::Trial;
use crate::account::Made;
use crate::frictions;
use crate::measure::BLOCK_DAYS;
use crate::report::{Period, Ranked};

/// Resamples of the match-days.
const RESAMPLES: u32 = 500;
const SEED: u64 = 20_170_807;
/// Bets that a strategy must have made in the first period to be ranked before the others.
const BETS_MIN: usize = 50;

/// What a trial made, with what is needed to rank it.
pub struct Tried<'a> {
    /// The trial.
    pub trial: &'a Trial,
    /// Its bets.
    pub made: &'a [Made],
}

/// The ranking, and how much of it is luck.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// The best of the first period first.
    pub ranked: Vec<Ranked>,
    /// How many differ in their bets.
    pub distinct: usize,
    /// The reality check over all of them.
    pub reality_p: Option<f64>,
    /// What the best of so many reaches by chance.
    pub expected_best_sharpe: f64,
}

/// Ranks trials on matches before `split`. Nothing of a match from then on enters the order.
#[must_use]
pub fn rank(tried: &[Tried<'_>], split: Instant) -> Ranking {
    let days = match_days(tried, split);
    let returns: Vec<Returns> = tried.iter().map(|one| returns(one, split, &days)).collect();
    let moments: Vec<Option<Moments>> = returns
        .iter()
        .map(|returns| Moments::of(returns.iter().map(|(_, r)| *r), days.len()).ok())
        .collect();
    let ratios: Vec<f64> = moments.iter().flatten().map(|moments| moments.sharpe).collect();
    let distinct = distinct(tried);
    let variance = variance(&ratios);
    let trials = distinct.max(1) as f64;
    let checked = reality_check(&returns, days.len(), BLOCK_DAYS, RESAMPLES, SEED).ok();
    let mut ranked: Vec<(bool, f64, Ranked)> = tried
        .iter()
        .zip(&moments)
        .map(|(one, moments)| {
            let before = period(one.made.iter().filter(|bet| bet.kickoff < split));
            let after = period(one.made.iter().filter(|bet| bet.kickoff >= split));
            let deflated =
                moments.map(|moments| deflated_sharpe(&moments, variance, trials).probability);
            let sharpe = before.sharpe.unwrap_or(f64::NEG_INFINITY);
            let ranked = Ranked {
                name: one.trial.name.to_string(),
                about: one.trial.about.clone(),
                aggregates: one.trial.aggregates,
                before,
                after,
                deflated,
            };
            (before.bets >= BETS_MIN, deflated.unwrap_or(sharpe.min(-1.0)), ranked)
        })
        .collect();
    ranked.sort_by(|one, other| {
        other.0.cmp(&one.0).then(other.1.total_cmp(&one.1)).then(one.2.name.cmp(&other.2.name))
    });
    Ranking {
        ranked: ranked.into_iter().map(|(_, _, ranked)| ranked).collect(),
        distinct,
        reality_p: checked.map(|checked| checked.p),
        expected_best_sharpe: expected_best_sharpe(variance, trials),
    }
}

/// Every match-day of the first period on which any trial bet, by its place.
fn match_days(tried: &[Tried<'_>], split: Instant) -> BTreeMap<i64, u32> {
    let bets = tried.iter().flat_map(|one| one.made);
    let mut days: Vec<i64> = bets.filter(|bet| bet.kickoff < split).map(day).collect();
    days.sort_unstable();
    days.dedup();
    days.into_iter().zip(0..).collect()
}

fn day(bet: &Made) -> i64 {
    bet.kickoff.days().floor() as i64
}

/// What a bet adds to a bankroll that never changes.
fn level_return(bet: &Made) -> Option<f64> {
    use marabet_schemas::bets::BetOutcome::{Review, Void};
    let end = bet.ended.filter(|end| !matches!(end.outcome, Void | Review))?;
    Some(bet.share.get() * frictions::profit(end.outcome, bet.net_odds))
}

fn returns(tried: &Tried<'_>, split: Instant, days: &BTreeMap<i64, u32>) -> Returns {
    let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
    for bet in tried.made.iter().filter(|bet| bet.kickoff < split) {
        if let (Some(place), Some(value)) = (days.get(&day(bet)), level_return(bet)) {
            *sums.entry(*place).or_default() += value;
        }
    }
    sums.into_iter().collect()
}

fn period<'a>(bets: impl Iterator<Item = &'a Made>) -> Period {
    let (mut count, mut staked, mut profit, mut claimed) = (0, 0.0, 0.0, 0.0);
    let (mut clv, mut with_clv) = (0.0, 0_u32);
    let mut days: BTreeMap<i64, f64> = BTreeMap::new();
    for bet in bets {
        let Some(value) = level_return(bet) else { continue };
        count += 1;
        let share = bet.share.get();
        staked += share;
        profit += value;
        claimed += share * bet.ev;
        *days.entry(day(bet)).or_default() += value;
        if let Some(value) = bet.ended.and_then(|end| end.clv) {
            clv += value;
            with_clv += 1;
        }
    }
    let of_stake = |sum: f64| (staked > 0.0).then(|| sum / staked);
    Period {
        bets: count,
        r#yield: of_stake(profit),
        claimed_ev: of_stake(claimed),
        clv: (with_clv > 0).then(|| clv / f64::from(with_clv)),
        sharpe: Moments::of(days.values().copied(), days.len()).ok().map(|m| m.sharpe),
    }
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0)
}

/// How many trials differ in what they bet on, stakes apart.
fn distinct(tried: &[Tried<'_>]) -> usize {
    let digest = |one: &Tried<'_>| {
        let mut text = String::new();
        for bet in one.made {
            use std::fmt::Write as _;
            let Made { key, market, selection, book, at, .. } = bet;
            let _ = writeln!(text, "{key} {market} {selection} {book} {}", at.micros());
        }
        crate::digest::of_bytes(text.as_bytes())
    };
    tried.iter().filter(|one| !one.made.is_empty()).map(digest).collect::<HashSet<_>>().len()
}
