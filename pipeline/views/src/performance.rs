//! How the bets did: equity, calibration, closing-line value, and where.
//!
//! Profits are in units of a strategy's bankroll: the stake of the alert, as a share, times the
//! profit of one unit. What was really granted and placed is the ledger's.

use std::collections::BTreeMap;

use marabet_schemas::bets::BetOutcome;
use marabet_schemas::{Instant, StrategyName};
use schemars::JsonSchema;
use serde::Serialize;

use crate::board::{Bet, Board};
use crate::summary::{ModelAndClosing, StrategySummary};

/// Most points of an equity curve.
const POINTS_MAX: usize = 300;
/// Width of a bin of closing-line values.
const CLV_STEP: f64 = 0.02;
/// Closing-line values beyond this many bins count in the outermost.
const CLV_BINS: i32 = 10;
/// Bins of the calibration.
const CALIBRATION_BINS: usize = 10;

/// How the bets did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Performance {
    /// Each strategy's sums.
    pub strategies: BTreeMap<StrategyName, StrategySummary>,
    /// Cumulative profit of each strategy.
    pub equity: BTreeMap<StrategyName, Vec<EquityPoint>>,
    /// Closing-line values of the settled bets of each strategy.
    pub clv: BTreeMap<StrategyName, Vec<ClvBin>>,
    /// What was said to win beside what won, of each strategy.
    pub calibration: BTreeMap<StrategyName, Vec<CalibrationBin>>,
    /// By strategy and competition.
    pub competitions: Vec<Part>,
    /// By strategy and market family.
    pub markets: Vec<Part>,
    /// By strategy and book.
    pub books: Vec<Part>,
    /// Ranked probability score of the 1X2 forecasts, lower is better.
    pub rps: ModelAndClosing,
    /// Log-loss in nats of the 1X2 forecasts, lower is better.
    pub log_loss: ModelAndClosing,
    /// Matches that both scores are over.
    pub scored_matches: u64,
}

/// The profit so far at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct EquityPoint {
    /// When the last of these bets was settled.
    pub at: Instant,
    /// Sum of profits, in bankrolls.
    pub profit: f64,
    /// What the alerts said it would be, in bankrolls.
    pub claimed: f64,
    /// How many bets it is over.
    pub bets: u64,
}

/// Bets whose closing-line value lies in `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ClvBin {
    /// From this value on; the first bin holds everything below its end.
    pub from: f64,
    /// Below this value; the last bin holds everything above its start.
    pub to: f64,
    /// How many bets.
    pub bets: u64,
}

/// Bets that were said to win with a probability in `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CalibrationBin {
    /// From this probability on.
    pub from: f64,
    /// Below this probability.
    pub to: f64,
    /// How many bets were decided: won or lost, in full or in half.
    pub bets: u64,
    /// Mean of what was said.
    pub said: f64,
    /// Share that won, in full or in half.
    pub won: f64,
}

/// The sums of a part of the bets.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Part {
    /// By which strategy.
    pub strategy: StrategyName,
    /// Which part: a competition, a market family, a book.
    pub name: String,
    /// Settled bets.
    pub bets: u64,
    /// Sum of stakes, in bankrolls.
    pub staked: f64,
    /// Sum of profits, in bankrolls.
    pub profit: f64,
    /// What one unit earned.
    pub r#yield: Option<f64>,
    /// Mean closing-line value of the bets that have one.
    pub clv_mean: Option<f64>,
}

/// A settled bet that decided something: neither void nor in review.
struct Decided<'a> {
    bet: &'a Bet,
    at: Instant,
    outcome: BetOutcome,
    profit: f64,
    clv: Option<f64>,
}

impl<'a> Decided<'a> {
    fn of(bet: &'a Bet) -> Option<Self> {
        let (at, end) = bet.settlement.as_ref()?;
        let decided = !matches!(end.outcome, BetOutcome::Void | BetOutcome::Review);
        decided.then(|| Self {
            bet,
            at: *at,
            outcome: end.outcome,
            profit: end.profit,
            clv: end.clv.as_ref().map(|clv| clv.value),
        })
    }

    fn stake(&self) -> f64 {
        self.bet.alert.stake.get()
    }
}

/// How the bets of a board did.
#[must_use]
pub fn performance(board: &Board) -> Performance {
    let mut decided: Vec<Decided<'_>> = board.oldest_bets().filter_map(Decided::of).collect();
    decided.sort_by_key(|a| (a.at, a.bet.alert.bet));
    let mut by_strategy: BTreeMap<StrategyName, Vec<&Decided<'_>>> = BTreeMap::new();
    for one in &decided {
        by_strategy.entry(one.bet.alert.strategy.clone()).or_default().push(one);
    }
    let each = |name: &StrategyName, bets: &[&Decided<'_>]| {
        (name.clone(), (equity(bets), clv(bets), calibration(bets)))
    };
    let (mut equities, mut clvs, mut calibrations) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (name, bets) in &by_strategy {
        let (name, (equity, clv, calibration)) = each(name, bets);
        equities.insert(name.clone(), equity);
        clvs.insert(name.clone(), clv);
        calibrations.insert(name, calibration);
    }
    let scores = board.scores();
    Performance {
        strategies: board.strategies().summarise(),
        equity: equities,
        clv: clvs,
        calibration: calibrations,
        competitions: parts(&decided, |bet| bet.key.competition().to_string()),
        markets: parts(&decided, |bet| bet.alert.market.family().to_owned()),
        books: parts(&decided, |bet| bet.alert.book.to_string()),
        rps: scores.rps,
        log_loss: scores.log_loss,
        scored_matches: scores.matches,
    }
}

fn equity(bets: &[&Decided<'_>]) -> Vec<EquityPoint> {
    let (mut profit, mut claimed) = (0.0, 0.0);
    let mut points = Vec::with_capacity(bets.len());
    for (count, one) in (1..).zip(bets) {
        profit += one.stake() * one.profit;
        claimed += one.stake() * one.bet.alert.ev;
        points.push(EquityPoint { at: one.at, profit, claimed, bets: count });
    }
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len().saturating_sub(1);
    let mut index = 0;
    points.retain(|_| {
        index += 1;
        (index - 1) % every == 0 || index - 1 == last
    });
    points
}

fn clv(bets: &[&Decided<'_>]) -> Vec<ClvBin> {
    let mut bins: Vec<ClvBin> = (-CLV_BINS..CLV_BINS)
        .map(|bin| ClvBin {
            from: f64::from(bin) * CLV_STEP,
            to: f64::from(bin + 1) * CLV_STEP,
            bets: 0,
        })
        .collect();
    for value in bets.iter().filter_map(|one| one.clv) {
        // Values beyond the outermost bins count in them.
        let bin = (value / CLV_STEP).floor() + f64::from(CLV_BINS);
        let bin = bin.clamp(0.0, f64::from(2 * CLV_BINS - 1)) as usize;
        bins[bin].bets += 1;
    }
    bins
}

fn calibration(bets: &[&Decided<'_>]) -> Vec<CalibrationBin> {
    let width = 1.0 / CALIBRATION_BINS as f64;
    // Weight decided, sum said, sum won.
    let mut sums = [(0_u64, 0.0, 0.0); CALIBRATION_BINS];
    for one in bets {
        let won = match one.outcome {
            BetOutcome::Win | BetOutcome::HalfWin => 1.0,
            BetOutcome::Loss | BetOutcome::HalfLoss => 0.0,
            BetOutcome::Push | BetOutcome::Void | BetOutcome::Review => continue,
        };
        let said = one.bet.alert.fair.probability;
        let bin = ((said / width) as usize).min(CALIBRATION_BINS - 1);
        let sum = &mut sums[bin];
        *sum = (sum.0 + 1, sum.1 + said, sum.2 + won);
    }
    let filled = sums.iter().enumerate().filter(|(_, (bets, ..))| *bets > 0);
    filled
        .map(|(bin, &(bets, said, won))| CalibrationBin {
            from: bin as f64 * width,
            to: (bin + 1) as f64 * width,
            bets,
            said: said / bets as f64,
            won: won / bets as f64,
        })
        .collect()
}

fn parts(decided: &[Decided<'_>], name: impl Fn(&Bet) -> String) -> Vec<Part> {
    let mut parts: BTreeMap<(StrategyName, String), (Part, u64)> = BTreeMap::new();
    for one in decided {
        let place = (one.bet.alert.strategy.clone(), name(one.bet));
        let (part, with_clv) = parts.entry(place.clone()).or_insert_with(|| {
            let (strategy, name) = place;
            let part = Part {
                strategy,
                name,
                bets: 0,
                staked: 0.0,
                profit: 0.0,
                r#yield: None,
                clv_mean: None,
            };
            (part, 0)
        });
        part.bets += 1;
        part.staked += one.stake();
        part.profit += one.stake() * one.profit;
        if let Some(clv) = one.clv {
            *with_clv += 1;
            part.clv_mean = Some(part.clv_mean.unwrap_or(0.0) + clv);
        }
    }
    let finish = |(mut part, with_clv): (Part, u64)| {
        part.r#yield = (part.staked > 0.0).then(|| part.profit / part.staked);
        part.clv_mean = part.clv_mean.map(|sum| sum / with_clv as f64);
        part
    };
    parts.into_values().map(finish).collect()
}
