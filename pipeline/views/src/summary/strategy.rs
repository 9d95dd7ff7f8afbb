//! What a strategy claimed, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use marabet_quant::bootstrap::{Observation, ratio_interval};
use marabet_schemas::bets::{BetOutcome, RefusalReason, Settlement};
use marabet_schemas::{BetId, Body, Event, StrategyName};
use schemars::JsonSchema;
use serde::Serialize;

/// Resamples of the match-days for an interval.
const RESAMPLES: u32 = 2_000;
/// The interval's digits are the same each time.
const SEED: u64 = 20_170_807;

/// A strategy's bets: what was claimed beside what was realised, weighted by stake.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct StrategySummary {
    /// Alerts.
    pub bets: u64,
    /// Bets that were settled (void ones and those in review apart).
    pub settled: u64,
    /// Bets made void.
    pub void: u64,
    /// Sum of stakes, in bankrolls.
    pub staked: f64,
    /// Sum of profits, in bankrolls.
    pub profit: f64,
    /// What the alerts said one unit would earn.
    pub claimed_ev: Option<f64>,
    /// What one unit earned.
    pub r#yield: Option<f64>,
    /// 95 % interval of the yield: bootstrap over match-days.
    pub yield_ci95: Option<[f64; 2]>,
    /// Mean closing-line value of the bets that have one.
    pub clv_mean: Option<f64>,
    /// Share of the settled bets that have a closing-line value.
    pub clv_coverage: Option<f64>,
    /// Alerts by market family.
    pub bets_by_market: BTreeMap<String, u64>,
    /// Refusals by reason.
    pub refusals: BTreeMap<RefusalReason, u64>,
}

/// What strategies did so far, folded from their bets and settlements in canonical order.
#[derive(Debug, Clone, Default)]
pub struct Strategies {
    begun: BTreeMap<StrategyName, StrategySummary>,
    /// The last revision counts; the day is that of the first settlement, the match's own.
    ended: BTreeMap<BetId, Ended>,
}

/// What the sums need of a settlement.
#[derive(Debug, Clone)]
struct Ended {
    day: i64,
    strategy: StrategyName,
    outcome: BetOutcome,
    stake: f64,
    profit: f64,
    claimed_ev: f64,
    clv: Option<f64>,
}

impl Ended {
    fn of(day: i64, settlement: &Settlement) -> Self {
        Self {
            day,
            strategy: settlement.strategy.clone(),
            outcome: settlement.outcome,
            stake: settlement.stake.get(),
            profit: settlement.profit,
            claimed_ev: settlement.claimed_ev,
            clv: settlement.clv.as_ref().map(|clv| clv.value),
        }
    }
}

impl Strategies {
    /// Takes in one event of the stream of bets.
    pub fn observe(&mut self, event: &Event) {
        match &event.body {
            Body::ValueBet(bet) if bet.revision == 0 => {
                let summary = self.begun.entry(bet.strategy.clone()).or_default();
                summary.bets += 1;
                *summary.bets_by_market.entry(bet.market.family().to_owned()).or_default() += 1;
            }
            Body::Refused(refused) => {
                let summary = self.begun.entry(refused.strategy.clone()).or_default();
                *summary.refusals.entry(refused.reason).or_default() += 1;
            }
            Body::Settlement(settlement) => {
                let known = self.ended.get(&settlement.bet);
                let day = known.map_or_else(|| event.at.days().floor() as i64, |known| known.day);
                self.ended.insert(settlement.bet, Ended::of(day, settlement));
            }
            _ => {}
        }
    }

    /// The sums over all strategies.
    #[must_use]
    pub fn together(&self) -> StrategySummary {
        let mut summary = StrategySummary::default();
        settle(&mut summary, &self.ended.values().collect::<Vec<_>>());
        summary
    }

    /// The sums of each strategy.
    #[must_use]
    pub fn summarise(&self) -> BTreeMap<StrategyName, StrategySummary> {
        let mut strategies = self.begun.clone();
        for (name, summary) in &mut strategies {
            let own: Vec<_> = self.ended.values().filter(|end| end.strategy == *name).collect();
            settle(summary, &own);
        }
        strategies
    }
}

/// The largest fall of the strategies' bankrolls together, each starting at one, below the peak, as
/// a share of the peak; none while nothing was settled. The events are in canonical order.
pub(super) fn max_drawdown(ordered: &[&Event]) -> Option<f64> {
    let mut brought: BTreeMap<BetId, f64> = BTreeMap::new();
    let mut strategies = BTreeSet::new();
    let mut equity_steps = Vec::new();
    for event in ordered {
        match &event.body {
            Body::ValueBet(bet) => drop(strategies.insert(&bet.strategy)),
            Body::Settlement(settlement) => {
                let now = settlement.stake.get() * settlement.profit;
                let before = brought.insert(settlement.bet, now).unwrap_or_default();
                equity_steps.push(now - before);
            }
            _ => {}
        }
    }
    let mut equity = strategies.len() as f64;
    let (mut peak, mut fall) = (equity, 0.0_f64);
    for step in &equity_steps {
        equity += step;
        peak = peak.max(equity);
        fall = fall.max((peak - equity) / peak);
    }
    (!equity_steps.is_empty()).then_some(fall)
}

fn settle(summary: &mut StrategySummary, ends: &[&Ended]) {
    let mut observations = Vec::with_capacity(ends.len());
    let (mut claimed, mut clv, mut with_clv) = (0.0, 0.0, 0_u64);
    for end in ends {
        match end.outcome {
            BetOutcome::Void => summary.void += 1,
            BetOutcome::Review => {}
            _ => {
                let stake = end.stake;
                summary.settled += 1;
                summary.staked += stake;
                summary.profit += stake * end.profit;
                claimed += stake * end.claimed_ev;
                observations.push(Observation {
                    cluster: end.day,
                    numerator: stake * end.profit,
                    denominator: stake,
                });
                if let Some(value) = end.clv {
                    clv += value;
                    with_clv += 1;
                }
            }
        }
    }
    if summary.settled == 0 || summary.staked <= 0.0 {
        return;
    }
    summary.claimed_ev = Some(claimed / summary.staked);
    summary.r#yield = Some(summary.profit / summary.staked);
    summary.yield_ci95 = ratio_interval(&observations, 0.95, RESAMPLES, SEED)
        .ok()
        .map(|interval| [interval.low, interval.high]);
    summary.clv_mean = (with_clv > 0).then(|| clv / with_clv as f64);
    summary.clv_coverage = Some(with_clv as f64 / summary.settled as f64);
}
