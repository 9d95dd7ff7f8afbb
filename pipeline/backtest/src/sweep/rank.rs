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

/// What a trial came to: what is needed to rank it, without its bets.
#[derive(Debug, Clone)]
pub struct Tested {
    name: String,
    about: String,
    aggregates: bool,
    before: Period,
    after: Period,
    /// The level returns of the first period's match-days, in order.
    days: Vec<(i64, f64)>,
    /// Hash of what was bet on, stakes apart.
    digest: String,
    money: Money,
}

/// What the portfolio says of a trial over both periods.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Money {
    /// The bankroll at the end.
    pub end: f64,
    /// The largest loss from a peak, as a share of it.
    pub max_drawdown: f64,
}

impl Tested {
    /// What a trial's bets come to before and after `split`.
    #[must_use]
    pub fn of(trial: &Trial, made: &[Made], split: Instant, money: Money) -> Self {
        let before = || made.iter().filter(|bet| bet.kickoff < split);
        let mut days: BTreeMap<i64, f64> = BTreeMap::new();
        for bet in before() {
            if let Some(value) = level_return(bet) {
                *days.entry(day(bet)).or_default() += value;
            }
        }
        Self {
            name: trial.name.to_string(),
            about: trial.about.clone(),
            aggregates: trial.aggregates,
            before: period(before()),
            after: period(made.iter().filter(|bet| bet.kickoff >= split)),
            days: days.into_iter().collect(),
            digest: digest(made),
            money,
        }
    }
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

/// Ranks trials by their first period alone: by the probability that their Sharpe ratio is more
/// than the best of so many reaches by chance, those with few bets last.
#[must_use]
pub fn rank(tested: Vec<Tested>) -> Ranking {
    let days = match_days(&tested);
    let returns: Vec<Returns> = tested.iter().map(|one| returns(one, &days)).collect();
    let moments: Vec<Option<Moments>> = returns
        .iter()
        .map(|returns| Moments::of(&returns.iter().map(|(_, r)| *r), days.len()).ok())
        .collect();
    let ratios: Vec<f64> = moments.iter().flatten().map(|moments| moments.sharpe).collect();
    let bet_at_all = tested.iter().filter(|one| one.before.bets + one.after.bets > 0);
    let distinct = bet_at_all.map(|one| &one.digest).collect::<HashSet<_>>().len();
    let (variance, trials) = (variance(&ratios), distinct.max(1) as f64);
    let checked = reality_check(&returns, days.len(), BLOCK_DAYS, RESAMPLES, SEED).ok();
    let mut ranked: Vec<Ranked> = tested
        .into_iter()
        .zip(moments)
        .map(|(one, moments)| Ranked {
            name: one.name,
            about: one.about,
            aggregates: one.aggregates,
            before: one.before,
            after: one.after,
            bankroll_end: one.money.end,
            max_drawdown: one.money.max_drawdown,
            deflated: moments.map(|m| deflated_sharpe(&m, variance, trials).probability),
        })
        .collect();
    let merit = |one: &Ranked| (one.before.bets >= BETS_MIN, one.deflated.unwrap_or(-1.0));
    ranked.sort_by(|one, other| {
        let ((many, best), (other_many, other_best)) = (merit(one), merit(other));
        let by_merit = other_many.cmp(&many).then(other_best.total_cmp(&best));
        by_merit.then_with(|| one.name.cmp(&other.name))
    });
    Ranking {
        ranked,
        distinct,
        reality_p: checked.map(|checked| checked.p),
        expected_best_sharpe: expected_best_sharpe(variance, trials),
    }
}

/// Every match-day of the first period on which any trial bet, by its place.
fn match_days(tested: &[Tested]) -> BTreeMap<i64, u32> {
    let mut days: Vec<i64> = tested.iter().flat_map(|one| &one.days).map(|(day, _)| *day).collect();
    days.sort_unstable();
    days.dedup();
    days.into_iter().zip(0..).collect()
}

fn returns(tested: &Tested, days: &BTreeMap<i64, u32>) -> Returns {
    tested.days.iter().filter_map(|(day, value)| Some((*days.get(day)?, *value))).collect()
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
        sharpe: Moments::of(&days.values().copied(), days.len()).ok().map(|m| m.sharpe),
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

fn digest(made: &[Made]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for bet in made {
        let Made { key, market, selection, book, at, .. } = bet;
        // Writing to a string does not fail.
        let _ = writeln!(text, "{key} {market} {selection} {book} {}", at.micros());
    }
    crate::digest::of_bytes(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use marabet_quant::payoff::Payoff;
    use marabet_schemas::StakeFraction;
    use marabet_schemas::bets::BetOutcome;
    use marabet_schemas::strategy::Strategy;

    use super::*;
    use crate::account::MadeEnd;

    fn day_at(day: i64) -> Instant {
        Instant::default().plus_seconds(day * 86_400)
    }

    fn bet(day: i64, wins: bool) -> Made {
        let (market, selection) = ("1x2".parse().unwrap(), "home".parse().unwrap());
        let outcome = if wins { BetOutcome::Win } else { BetOutcome::Loss };
        let profit = if wins { 1.0 } else { -1.0 };
        Made {
            key: format!("E0|2020-21|A{day}|B|1").parse().unwrap(),
            at: day_at(day),
            quoted_at: day_at(day),
            kickoff: day_at(day).plus_seconds(3_600),
            book: "bet365".into(),
            market,
            selection,
            payoff: Payoff::new(&market, selection).unwrap(),
            occurrence: 0,
            odds: marabet_quant::Odds::new(2.0).unwrap(),
            net_odds: 2.0,
            probability: 0.51,
            ev: 0.02,
            share: StakeFraction::new(0.01).unwrap(),
            ended: Some(MadeEnd { at: day_at(day + 1), outcome, profit, clv: Some(0.01) }),
        }
    }

    fn tested(name: &str, wins: impl Fn(i64) -> bool) -> Tested {
        let rules = Strategy::default();
        let trial = Trial { name: name.into(), about: name.into(), rules, aggregates: false };
        let made: Vec<Made> = (0..400).map(|day| bet(day, wins(day))).collect();
        Tested::of(&trial, &made, day_at(200), Money::default())
    }

    #[test]
    fn what_comes_after_the_split_has_no_part_in_the_order() {
        let order = |later: bool| -> Vec<String> {
            // The first is the better one before the split; after it everything may happen.
            let first = tested("first", |day| if day < 200 { day % 10 < 7 } else { later });
            let second = tested("second", |day| if day < 200 { day % 10 < 5 } else { !later });
            rank(vec![second, first]).ranked.into_iter().map(|one| one.name).collect()
        };
        assert_eq!(order(true), ["first", "second"]);
        assert_eq!(order(false), order(true));
    }

    #[test]
    fn strategies_that_bet_alike_count_once() {
        let alike = || tested("a", |day| day % 2 == 0);
        assert_eq!(rank(vec![alike(), alike(), alike()]).distinct, 1);
    }

    #[test]
    fn a_period_is_what_its_bets_are() {
        let one = tested("a", |day| day % 4 == 0);
        assert_eq!((one.before.bets, one.after.bets), (200, 200));
        assert!((one.before.r#yield.unwrap() + 0.5).abs() < 1e-12);
        assert!((one.before.claimed_ev.unwrap() - 0.02).abs() < 1e-12);
    }
}
