//! Claims beside what came of them: calibration, claimed value, closing-line value.

use marabet_quant::score::{Bins, calibration_curve};
use marabet_schemas::bets::BetOutcome;
use serde::Serialize;

use super::interval;
use crate::played::PlayedBet;

/// Bets of about one claim, and what came of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    /// Mean claim.
    pub claimed: f64,
    /// What came of it.
    pub realised: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How many bets.
    pub bets: usize,
}

/// Claimed probabilities of winning beside how often the bets won, of those that won or lost
/// whole, in at most so many groups of equal size.
#[must_use]
pub fn calibration(bets: &[&PlayedBet], groups: usize) -> Vec<Bin> {
    let whole = |bet: &&&PlayedBet| {
        bet.is_decided() && matches!(bet.outcome, Some(BetOutcome::Win | BetOutcome::Loss))
    };
    let (claims, won): (Vec<f64>, Vec<bool>) = bets
        .iter()
        .filter(whole)
        .map(|bet| (bet.probability, bet.outcome == Some(BetOutcome::Win)))
        .unzip();
    let curve = calibration_curve(&claims, &won, Bins::Size(groups), 0.95);
    let bins = curve.map(|curve| curve.bins).unwrap_or_default();
    bins.into_iter()
        .map(|bin| Bin {
            claimed: bin.forecast,
            realised: bin.frequency,
            low: bin.low,
            high: bin.high,
            bets: bin.count,
        })
        .collect()
}

/// Claimed expected value beside the yield of equal stakes, in so many groups of equal size.
#[must_use]
pub fn claimed_beside_realised(bets: &[&PlayedBet], groups: usize) -> Vec<Bin> {
    let mut decided: Vec<&PlayedBet> =
        bets.iter().copied().filter(|bet| bet.is_decided()).collect();
    decided.sort_by(|one, other| one.ev.total_cmp(&other.ev));
    let size = decided.len().div_ceil(groups.max(1)).max(1);
    let bin = |chunk: &[&PlayedBet]| {
        let n = chunk.len() as f64;
        let realised = chunk.iter().map(|bet| bet.unit_profit).sum::<f64>() / n;
        let [low, high] = interval(chunk, |bet| (bet.unit_profit, 1.0)).unwrap_or([realised; 2]);
        let claimed = chunk.iter().map(|bet| bet.ev).sum::<f64>() / n;
        Bin { claimed, realised, low, high, bets: chunk.len() }
    };
    decided.chunks(size).map(bin).collect()
}

/// How many bets lie in each of equal intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Where the first interval begins.
    pub from: f64,
    /// How wide each is.
    pub width: f64,
    /// Bets in each; the first and last hold what lies beyond.
    pub counts: Vec<u64>,
}

/// The distribution of closing-line value, in steps of one percent from −15 % to 15 %.
#[must_use]
pub fn clv_histogram(bets: &[&PlayedBet]) -> Histogram {
    const STEPS: usize = 30;
    let (from, width) = (-0.15, 0.01);
    let mut counts = vec![0; STEPS];
    for clv in bets.iter().filter(|bet| bet.is_decided()).filter_map(|bet| bet.clv) {
        let place = ((clv - from) / width).floor().clamp(0.0, (STEPS - 1) as f64);
        counts[place as usize] += 1;
    }
    Histogram { from, width, counts }
}

#[cfg(test)]
mod tests {
    use super::super::tests::bet;
    use super::*;

    #[test]
    fn claims_that_hold_lie_on_the_diagonal() {
        // Two classes: at odds 2 half of the bets win, at odds 4 a quarter.
        let bets: Vec<PlayedBet> = (0..400)
            .map(|n| {
                let (odds, of) = if n < 200 { (2.0, 2) } else { (4.0, 4) };
                PlayedBet {
                    probability: 1.0 / odds,
                    ..bet(n, odds, if n % of == 0 { odds - 1.0 } else { -1.0 })
                }
            })
            .collect();
        let bets: Vec<&PlayedBet> = bets.iter().collect();
        let bins = calibration(&bets, 2);
        assert_eq!(bins.len(), 2);
        for bin in bins {
            assert!((bin.claimed - bin.realised).abs() < 1e-9 && bin.bets == 200);
        }
    }

    #[test]
    fn every_bet_with_a_closing_price_is_in_the_histogram() {
        let bets: Vec<PlayedBet> = [-0.9, -0.005, 0.005, 0.5]
            .iter()
            .map(|clv| PlayedBet { clv: Some(*clv), ..bet(1, 2.0, 1.0) })
            .collect();
        let bets: Vec<&PlayedBet> = bets.iter().collect();
        let histogram = clv_histogram(&bets);
        let at = |place: usize| histogram.counts[place];
        assert_eq!((at(0), at(14), at(15), at(29)), (1, 1, 1, 1));
    }

    #[test]
    fn a_claim_stands_beside_its_yield() {
        let bets: Vec<PlayedBet> = (0..100)
            .map(|n| {
                let ev = if n < 50 { 0.02 } else { 0.10 };
                PlayedBet { ev, ..bet(n, 2.0, if n % 2 == 0 { 1.0 } else { -1.0 }) }
            })
            .collect();
        let bets: Vec<&PlayedBet> = bets.iter().collect();
        let bins = claimed_beside_realised(&bets, 2);
        let claimed: Vec<f64> = bins.iter().map(|bin| (bin.claimed * 1e6).round() / 1e6).collect();
        assert_eq!(claimed, [0.02, 0.1]);
        assert!(bins.iter().all(|bin| bin.realised.abs() < 1e-12 && bin.low < 0.0));
    }
}
