//! What a strategy claimed, and what came of it.

use std::collections::BTreeMap;

use marabet_quant::bootstrap::{Observation, ratio_interval};
use marabet_schemas::bets::{BetOutcome, RefusalReason, Settlement};
use marabet_schemas::{BetId, Body, Event, StrategyName};
use serde::Serialize;

/// Resamples of the match-days for an interval.
const RESAMPLES: u32 = 2_000;
/// The interval's digits are the same each time.
const SEED: u64 = 20_170_807;

/// A strategy's bets: what was claimed beside what was realised, weighted by stake.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct StrategySummary {
    /// Alerts.
    pub(crate) bets: u64,
    /// Bets that were settled (void ones and those in review apart).
    pub(crate) settled: u64,
    /// Bets made void.
    pub(crate) void: u64,
    /// Sum of stakes, in bankrolls.
    pub(crate) staked: f64,
    /// Sum of profits, in bankrolls.
    pub(crate) profit: f64,
    /// What the alerts said one unit would earn.
    pub(crate) claimed_ev: Option<f64>,
    /// What one unit earned.
    pub(crate) r#yield: Option<f64>,
    /// 95 % interval of the yield: bootstrap over match-days.
    pub(crate) yield_ci95: Option<[f64; 2]>,
    /// Mean closing-line value of the bets that have one.
    pub(crate) clv_mean: Option<f64>,
    /// Share of the settled bets that have a closing-line value.
    pub(crate) clv_coverage: Option<f64>,
    /// Alerts by market family.
    pub(crate) bets_by_market: BTreeMap<String, u64>,
    /// Refusals by reason.
    pub(crate) refusals: BTreeMap<RefusalReason, u64>,
}

/// Sums up each strategy from its bets and settlements in canonical order.
pub(crate) fn summarise(ordered: &[&Event]) -> BTreeMap<StrategyName, StrategySummary> {
    let mut strategies: BTreeMap<StrategyName, StrategySummary> = BTreeMap::new();
    // The last revision counts; the day is that of the first settlement, the match's own.
    let mut settlements: BTreeMap<BetId, (i64, &Settlement)> = BTreeMap::new();
    for event in ordered {
        match &event.body {
            Body::ValueBet(bet) if bet.revision == 0 => {
                let summary = strategies.entry(bet.strategy.clone()).or_default();
                summary.bets += 1;
                *summary.bets_by_market.entry(bet.market.family().to_owned()).or_default() += 1;
            }
            Body::Refused(refused) => {
                let summary = strategies.entry(refused.strategy.clone()).or_default();
                *summary.refusals.entry(refused.reason).or_default() += 1;
            }
            Body::Settlement(settlement) => {
                settlements
                    .entry(settlement.bet)
                    .and_modify(|(_, known)| *known = settlement)
                    .or_insert_with(|| (event.at.days().floor() as i64, settlement));
            }
            _ => {}
        }
    }
    for (name, summary) in &mut strategies {
        let own: Vec<_> = settlements.values().filter(|(_, s)| s.strategy == *name).collect();
        settle(summary, &own);
    }
    strategies
}

/// What the bets of all strategies amount to together, and the largest fall of their bankrolls,
/// each starting at one, below the peak, as a share of the peak.
pub(crate) fn together(ordered: &[&Event]) -> (StrategySummary, Option<f64>) {
    let mut settlements: BTreeMap<BetId, (i64, &Settlement)> = BTreeMap::new();
    let mut strategies = std::collections::BTreeSet::new();
    let mut equity_steps = Vec::new();
    for event in ordered {
        match &event.body {
            Body::ValueBet(bet) => drop(strategies.insert(&bet.strategy)),
            Body::Settlement(settlement) => {
                let brought = |of: &Settlement| of.stake.get() * of.profit;
                let known = settlements.get(&settlement.bet).map(|(_, known)| brought(known));
                equity_steps.push(brought(settlement) - known.unwrap_or_default());
                settlements
                    .entry(settlement.bet)
                    .and_modify(|(_, known)| *known = settlement)
                    .or_insert_with(|| (event.at.days().floor() as i64, settlement));
            }
            _ => {}
        }
    }
    let mut summary = StrategySummary::default();
    settle(&mut summary, &settlements.values().collect::<Vec<_>>());
    let mut equity = strategies.len() as f64;
    let (mut peak, mut fall) = (equity, 0.0_f64);
    for step in &equity_steps {
        equity += step;
        peak = peak.max(equity);
        fall = fall.max((peak - equity) / peak);
    }
    (summary, (!equity_steps.is_empty()).then_some(fall))
}

fn settle(summary: &mut StrategySummary, settlements: &[&(i64, &Settlement)]) {
    let mut observations = Vec::with_capacity(settlements.len());
    let (mut claimed, mut clv, mut with_clv) = (0.0, 0.0, 0_u64);
    for (day, settlement) in settlements {
        match settlement.outcome {
            BetOutcome::Void => summary.void += 1,
            BetOutcome::Review => {}
            _ => {
                let stake = settlement.stake.get();
                summary.settled += 1;
                summary.staked += stake;
                summary.profit += stake * settlement.profit;
                claimed += stake * settlement.claimed_ev;
                observations.push(Observation {
                    cluster: *day,
                    numerator: stake * settlement.profit,
                    denominator: stake,
                });
                if let Some(value) = &settlement.clv {
                    clv += value.value;
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
