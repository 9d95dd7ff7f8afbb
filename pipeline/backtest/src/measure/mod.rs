//! What bets claimed, what came of them, and how sure one can be.
//!
//! Knows bets and no price; everything here is a fold over [`PlayedBet`]s.

mod curves;
mod groups;
mod months;

use std::collections::BTreeMap;

use marabet_quant::bootstrap::{Observation, bets_to_confirm, ratio_interval};
use marabet_quant::trials::{Moments, Trial, reality_check};
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::{Instant, Money};
use serde::Serialize;

pub use curves::{Bin, Histogram, calibration, claimed_beside_realised, clv_histogram};
pub(crate) use groups::BANDS;
pub use groups::{Group, Grouping, group_by};
pub use months::{Month, monthly};

use crate::played::{NotPlaced, PlayedBet};

/// Resamples of the match-days.
const RESAMPLES: u32 = 2_000;
/// The digits are the same each time.
const SEED: u64 = 20_170_807;
/// Days hang together about as long as a weekend does.
pub const BLOCK_DAYS: f64 = 2.0;

/// What one strategy's bets came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Alerts.
    pub bets: u64,
    /// Bets with a stake whose match decided what became of it.
    pub decided: u64,
    /// Bets made void.
    pub void: u64,
    /// Bets that nobody settled.
    pub open: u64,
    /// Alerts that no money was staked on, by reason.
    pub not_placed: BTreeMap<NotPlaced, u64>,
    /// Bets at maxima over books, which nobody offers.
    pub aggregates: u64,
    /// First and last match-day.
    pub from: Option<String>,
    /// Last match-day.
    pub to: Option<String>,
    /// Mean odds of the decided bets.
    pub odds_mean: Option<f64>,
    /// Share of them that won, halves counted as halves.
    pub won: Option<f64>,
    /// Staked, in the account's currency.
    pub staked: Money,
    /// Won and lost.
    pub profit: Money,
    /// The bankroll at the start.
    pub start: Money,
    /// And at the end.
    pub end: Money,
    /// Largest loss from a peak of the bankroll, as a share of the peak.
    pub max_drawdown: f64,
    /// What one unit staked was claimed to earn, weighted by stake.
    pub claimed_ev: Option<f64>,
    /// What it earned.
    pub r#yield: Option<f64>,
    /// 95 % interval: bootstrap over match-days.
    pub yield_ci95: Option<[f64; 2]>,
    /// Yield of equal stakes on every bet.
    pub level_yield: Option<f64>,
    /// Its interval.
    pub level_yield_ci95: Option<[f64; 2]>,
    /// The probability of a mean return this high if the bets were worth nothing.
    pub luck: Option<f64>,
    /// Bets after which the claimed value would be told from nothing, at 95 % with power 80 %.
    pub bets_to_confirm: Option<f64>,
    /// Mean closing-line value of the bets that have one.
    pub clv_mean: Option<f64>,
    /// Share of decided bets that have one.
    pub clv_coverage: Option<f64>,
    /// Share of those whose value is above zero.
    pub clv_beaten: Option<f64>,
    /// Sharpe ratio of the match-days' returns, a year of as many match-days as there were.
    pub sharpe_a_year: Option<f64>,
}

/// Sums up one strategy's bets and its bankroll over time.
#[must_use]
pub fn summarise(bets: &[&PlayedBet], equity: &[(Instant, Money)]) -> Summary {
    let decided: Vec<&PlayedBet> = bets.iter().copied().filter(|bet| bet.is_decided()).collect();
    let mut summary = Summary {
        bets: bets.len() as u64,
        decided: decided.len() as u64,
        aggregates: bets.iter().filter(|bet| bet.aggregate).count() as u64,
        start: equity.first().map_or(Money::ZERO, |(_, money)| *money),
        end: equity.last().map_or(Money::ZERO, |(_, money)| *money),
        max_drawdown: max_drawdown(equity),
        ..Summary::default()
    };
    for bet in bets {
        if let Some(reason) = bet.not_placed {
            *summary.not_placed.entry(reason).or_default() += 1;
        } else if bet.outcome == Some(BetOutcome::Void) {
            summary.void += 1;
        } else if !bet.is_decided() {
            summary.open += 1;
        }
    }
    let day = |bet: Option<&&PlayedBet>| bet.map(|bet| bet.kickoff.day());
    summary.from = day(decided.iter().min_by_key(|bet| bet.kickoff));
    summary.to = day(decided.iter().max_by_key(|bet| bet.kickoff));
    if !decided.is_empty() {
        summary.of_decided(&decided);
    }
    summary
}

impl Summary {
    fn of_decided(&mut self, decided: &[&PlayedBet]) {
        let n = decided.len() as f64;
        let mean = |value: fn(&PlayedBet) -> f64| decided.iter().map(|b| value(b)).sum::<f64>() / n;
        self.staked = decided.iter().map(|bet| bet.stake).sum();
        self.profit = decided.iter().map(|bet| bet.profit).sum();
        self.odds_mean = Some(mean(|bet| bet.odds));
        self.won = Some(mean(|bet| match bet.outcome {
            Some(BetOutcome::Win) => 1.0,
            Some(BetOutcome::HalfWin) => 0.5,
            _ => 0.0,
        }));
        let staked = self.staked.units();
        let claimed: f64 = decided.iter().map(|bet| bet.ev * bet.stake.units()).sum();
        self.claimed_ev = Some(claimed / staked);
        self.r#yield = Some(self.profit.units() / staked);
        self.yield_ci95 = interval(decided, |bet| (bet.profit.units(), bet.stake.units()));
        self.level_yield = Some(mean(|bet| bet.unit_profit));
        self.level_yield_ci95 = interval(decided, |bet| (bet.unit_profit, 1.0));
        self.luck = luck(decided);
        let level = mean(|bet| bet.unit_profit);
        let squares: f64 = decided.iter().map(|bet| (bet.unit_profit - level).powi(2)).sum();
        let deviation = (squares / (n - 1.0).max(1.0)).sqrt();
        self.bets_to_confirm = bets_to_confirm(claimed / staked, deviation, 0.95, 0.8).ok();
        let clvs: Vec<f64> = decided.iter().filter_map(|bet| bet.clv).collect();
        self.clv_coverage = Some(clvs.len() as f64 / n);
        if !clvs.is_empty() {
            let with = clvs.len() as f64;
            self.clv_mean = Some(clvs.iter().sum::<f64>() / with);
            self.clv_beaten = Some(clvs.iter().filter(|clv| **clv > 0.0).count() as f64 / with);
        }
        self.sharpe_a_year = sharpe_a_year(decided);
    }
}

/// The 95 % interval of a ratio over match-days.
pub(crate) fn interval(
    bets: &[&PlayedBet],
    parts: impl Fn(&PlayedBet) -> (f64, f64),
) -> Option<[f64; 2]> {
    let observe = |bet: &&PlayedBet| {
        let (numerator, denominator) = parts(bet);
        Observation { cluster: bet.day(), numerator, denominator }
    };
    of_observations(&bets.iter().map(observe).collect::<Vec<_>>())
}

/// The 95 % interval of a ratio of sums over days: (day, numerator, denominator).
pub(crate) fn ratio_by_day(parts: impl Iterator<Item = (i64, f64, f64)>) -> Option<[f64; 2]> {
    let observe =
        |(cluster, numerator, denominator)| Observation { cluster, numerator, denominator };
    of_observations(&parts.map(observe).collect::<Vec<_>>())
}

fn of_observations(observations: &[Observation]) -> Option<[f64; 2]> {
    let found = ratio_interval(observations, 0.95, RESAMPLES, SEED).ok()?;
    Some([found.low, found.high])
}

/// The level returns of match-days, in order.
#[must_use]
pub fn daily(bets: &[&PlayedBet]) -> BTreeMap<i64, f64> {
    let mut days = BTreeMap::new();
    for bet in bets.iter().filter(|bet| bet.is_decided()) {
        *days.entry(bet.day()).or_default() += bet.level_return();
    }
    days
}

/// Fewer match-days say nothing of chance.
const DAYS_MIN: usize = 20;

fn luck(decided: &[&PlayedBet]) -> Option<f64> {
    let days = daily(decided);
    if days.len() < DAYS_MIN {
        return None;
    }
    let trial: Trial = (0..).zip(days.values().copied()).collect();
    reality_check(&[trial], days.len(), BLOCK_DAYS, RESAMPLES, SEED).ok().map(|check| check.p)
}

fn sharpe_a_year(decided: &[&PlayedBet]) -> Option<f64> {
    let days = daily(decided);
    let (first, last) = (days.keys().next()?, days.keys().next_back()?);
    let moments = Moments::of(&days.values().copied(), days.len()).ok()?;
    let years = ((last - first + 1) as f64 / 365.25).max(1.0 / 365.25);
    Some(moments.sharpe * (days.len() as f64 / years).sqrt())
}

/// The largest loss from a peak, as a share of the peak.
#[must_use]
pub fn max_drawdown(equity: &[(Instant, Money)]) -> f64 {
    let mut drawdown = Drawdown::default();
    equity.iter().for_each(|(_, money)| drawdown.reach(*money));
    drawdown.worst()
}

/// The largest loss from a peak so far, as a bankroll goes up and down.
#[derive(Debug, Clone, Copy)]
pub struct Drawdown {
    peak: f64,
    worst: f64,
}

impl Default for Drawdown {
    /// Before any money.
    fn default() -> Self {
        Self { peak: f64::MIN_POSITIVE, worst: 0.0 }
    }
}

impl Drawdown {
    /// The bankroll comes to so much.
    pub fn reach(&mut self, money: Money) {
        self.peak = self.peak.max(money.units());
        self.worst = self.worst.max(1.0 - money.units() / self.peak);
    }

    /// The largest loss, as a share of the peak that it was from.
    #[must_use]
    pub fn worst(&self) -> f64 {
        self.worst
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use marabet_schemas::{BetId, MatchKey};

    use super::*;

    /// A bet of one unit, so many days after 2024-01-01, that brought so much.
    pub(crate) fn bet(day: i64, odds: f64, unit_profit: f64) -> PlayedBet {
        let key: MatchKey = format!("E0|2024-25|A{day}|B|1").parse().unwrap();
        let kickoff = Instant::default().plus_seconds((19_723 + day) * 86_400 + 43_200);
        let outcome = if unit_profit > 0.0 { BetOutcome::Win } else { BetOutcome::Loss };
        PlayedBet {
            strategy: "sharp".into(),
            bet: BetId::of(&"sharp".into(), &key, "1x2:home", 0, 0),
            key,
            at: kickoff.plus_seconds(-3_600),
            kickoff,
            book: "bet365".into(),
            aggregate: false,
            market: "1x2".parse().unwrap(),
            selection: "home".parse().unwrap(),
            odds,
            net_odds: odds,
            probability: 1.03 / odds,
            ev: 0.03,
            share: 0.01,
            stake: Money::from_cents(10_000),
            bankroll: Money::from_cents(1_000_000),
            not_placed: None,
            outcome: Some(outcome),
            settled_at: Some(kickoff.plus_seconds(7_200)),
            unit_profit,
            profit: Money::from_cents(10_000).times(unit_profit),
            clv: Some(0.01),
        }
    }

    #[test]
    fn what_was_claimed_stands_beside_what_came_of_it() {
        let bets: Vec<PlayedBet> =
            (0..200).map(|day| bet(day, 2.0, if day % 2 == 0 { 1.0 } else { -1.0 })).collect();
        let bets: Vec<&PlayedBet> = bets.iter().collect();
        let summary = summarise(&bets, &[]);
        assert_eq!((summary.bets, summary.decided), (200, 200));
        assert!(summary.r#yield.unwrap().abs() < 1e-12);
        assert!((summary.claimed_ev.unwrap() - 0.03).abs() < 1e-12);
        let [low, high] = summary.yield_ci95.unwrap();
        assert!(low < -0.1 && high > 0.1, "{low} … {high}");
        // (z₀.₉₅ + z₀.₈)² / 0.03² for a spread of about one.
        let bets = summary.bets_to_confirm.unwrap();
        assert!((bets / 6_900.0 - 1.0).abs() < 0.02, "{bets}");
        let luck = summary.luck.unwrap();
        assert!(luck > 0.3 && luck < 0.7, "{luck}");
    }

    #[test]
    fn a_drawdown_is_the_largest_loss_from_a_peak() {
        let equity: Vec<(Instant, Money)> = [100, 150, 90, 120, 160, 130]
            .map(|units| (Instant::default(), Money::from_cents(units * 100)))
            .to_vec();
        assert!((max_drawdown(&equity) - 0.4).abs() < 1e-12);
        assert_eq!(max_drawdown(&[]), 0.0);
    }

    #[test]
    fn bets_without_a_stake_are_counted_by_reason_and_measured_nowhere() {
        let mut capped = bet(1, 2.0, 1.0);
        (capped.stake, capped.not_placed) = (Money::ZERO, Some(NotPlaced::Capped));
        let summary = summarise(&[&capped], &[]);
        assert_eq!((summary.bets, summary.decided), (1, 0));
        assert_eq!(summary.not_placed[&NotPlaced::Capped], 1);
        assert_eq!(summary.r#yield, None);
    }
}
