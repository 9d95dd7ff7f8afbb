//! Which of many strategies is more than luck: ranked on one period, reported on the next.

use std::collections::HashSet;

use marabet_quant::trials::{
    Moments, Trial as Returns, deflated_sharpe, expected_best_sharpe, reality_check,
};
use rustc_hash::FxHashMap;

use super::Trial;
use super::money::Outcome;
use super::tally::Tally;
use crate::measure::BLOCK_DAYS;
use crate::report::{Period, Ranked};

/// Resamples of the match-days.
const RESAMPLES: u32 = 500;
const SEED: u64 = 20_170_807;
/// Bets that a strategy must have made in the first period to be ranked before the others.
pub const BETS_MIN: usize = 50;

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
    /// Hash of what was bet on, stakes apart; none where nothing was.
    digest: Option<[u8; 32]>,
    money: Outcome,
}

impl Tested {
    /// What the sums of a trial's bets say, and its money.
    #[must_use]
    pub fn of(trial: &Trial, tally: Tally, money: Outcome) -> Self {
        let (before, after) = tally.periods();
        Self {
            name: trial.name.to_string(),
            about: trial.about.clone(),
            aggregates: trial.aggregates,
            before,
            after,
            digest: tally.digest(),
            days: tally.days(),
            money,
        }
    }

    /// What the portfolio says of it.
    #[must_use]
    pub fn money(&self) -> Outcome {
        self.money
    }

    /// Its decided bets in both periods.
    #[must_use]
    pub fn decided(&self) -> usize {
        self.before.bets + self.after.bets
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
pub fn rank(mut tested: Vec<Tested>) -> Ranking {
    let days = match_days(&tested);
    let place = |(day, value)| Some((*days.get(&day)?, value));
    let returns: Vec<Returns> = tested
        .iter_mut()
        .map(|one| std::mem::take(&mut one.days).into_iter().filter_map(place).collect())
        .collect();
    let moments: Vec<Option<Moments>> = returns
        .iter()
        .map(|returns| Moments::of(&returns.iter().map(|(_, r)| *r), days.len()).ok())
        .collect();
    let ratios: Vec<f64> = moments.iter().flatten().map(|moments| moments.sharpe).collect();
    let distinct = tested.iter().filter_map(|one| one.digest).collect::<HashSet<_>>().len();
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
fn match_days(tested: &[Tested]) -> FxHashMap<i64, u32> {
    let mut days: Vec<i64> = tested.iter().flat_map(|one| &one.days).map(|(day, _)| *day).collect();
    days.sort_unstable();
    days.dedup();
    days.into_iter().zip(0..).collect()
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0)
}

#[cfg(test)]
mod tests {
    use marabet_schemas::Instant;
    use marabet_schemas::strategy::Strategy;

    use super::*;
    use crate::opportunity::Row;

    fn day_at(day: i64) -> Instant {
        Instant::default().plus_seconds(day * 86_400)
    }

    fn bet(day: i64, wins: bool) -> Row {
        let (at, kickoff) = (day_at(day).micros(), day_at(day).plus_seconds(3_600).micros());
        // A win is the first of the outcomes, a loss the fifth.
        let outcome = if wins { 0 } else { 4 };
        Row { at, kickoff, outcome, odds: 2.0, net_odds: 2.0, ev: 0.02, clv: 0.01, ..Row::EMPTY }
    }

    fn tested(name: &str, wins: impl Fn(i64) -> bool) -> Tested {
        let rules = Strategy::default();
        let trial = Trial { name: name.into(), about: name.into(), rules, aggregates: false };
        let mut tally = Tally::new(day_at(200));
        (0..400).for_each(|day| tally.add(&bet(day, wins(day)), 0.01));
        Tested::of(&trial, tally, Outcome::default())
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
}
