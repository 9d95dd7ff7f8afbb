//! Goals forecast from several counts: goals, shots on target, shots and corners, each with a
//! memory of its own.
//!
//! Each [`Signal`] has its own attacks and defences. The log of a side's expected goals is then a
//! weighted sum of the logs of its own and its opponent's expected counts, with weights learnt on
//! earlier seasons by Poisson regression. Since the logs are sums of strengths, so is the result:
//! [`StackWeights::combine`] makes one [`Fit`] of the signals' fits, a Dixon–Coles model like any
//! other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::history::{Count, History, Record};
use super::refit::{Refit, SETTING, walk};
use super::{Forecasts, WalkError};
use crate::concave::{Local, maximise};
use crate::goals::{Fit, Model, Offset, composite};
use crate::matrix::{ScoreMatrix, rho_bounds};

/// A count with a memory of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// What is counted.
    pub count: Count,
    /// How its strengths are refitted.
    pub refit: Refit,
}

/// The signals that served best on the seasons before 2012/13 of five leagues: goals and shots with
/// a short and a long memory, shots on target and corners with a long one.
#[must_use]
pub fn default_signals() -> Vec<Signal> {
    let signal = |count: Count, xi: f64, newcomer: f64| {
        let newcomer = Offset { attack: -newcomer, defence: newcomer };
        // A match that weighs below a hundredth counts nothing.
        let window_days = (4.6 / xi).min(4000.0);
        let refit = Refit { xi, spread: 0.4, newcomer, window_days, ..Refit::default() };
        Signal { count, refit }
    };
    vec![
        signal(Count::Goals, 0.001, 0.1),
        signal(Count::Goals, 0.004, 0.1),
        signal(Count::ShotsOnTarget, 0.002, 0.1),
        signal(Count::Shots, 0.002, 0.05),
        signal(Count::Shots, 0.01, 0.05),
        signal(Count::Corners, 0.002, 0.05),
    ]
}

/// What a signal expected of each match: the logs of the home and the away count, where there was
/// a fit.
pub type SignalRates = Vec<Option<[f64; 2]>>;

/// The expected counts of each match, refitted along the way.
///
/// # Errors
/// [`WalkError`] when an option is out of range.
pub fn signal_rates(history: &History, signal: &Signal) -> Result<SignalRates, WalkError> {
    let (rates, _) =
        walk(history, signal.count, Model::Poisson, &signal.refit, |fitted, record| {
            let rates = fitted.rates_in(&record.home, &record.away, &SETTING).ok()?;
            Some([libm::log(rates.lambda), libm::log(rates.mu)])
        })?;
    Ok(rates)
}

/// How expected goals follow from the signals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackWeights {
    /// The log of goals where all weighted logs are zero.
    pub level: f64,
    /// What the home side has above the away side in the log of goals, beyond what the signals know
    /// of home advantage.
    pub home: f64,
    /// Weight of the log of the side's own expected count, by signal.
    pub own: Vec<f64>,
    /// Weight of the log of its opponent's expected count, by signal.
    pub opponent: Vec<f64>,
    /// The Dixon–Coles dependence at these means.
    pub rho: f64,
    /// Matches that they were learnt on.
    pub matches: usize,
}

/// Matches to learn weights on: logs of expected counts by signal, and goals, home side first.
struct Lessons<'a> {
    logs: Vec<Vec<[f64; 2]>>,
    goals: Vec<&'a Record>,
}

/// As a count of matches, what the prior of no weight is worth.
const RIDGE: f64 = 1.0;

impl StackWeights {
    /// Learns weights by Poisson regression on both sides' goals, and then `rho` by maximum
    /// likelihood. None when there are too few matches.
    fn learn(lessons: &Lessons<'_>) -> Option<Self> {
        let signals = lessons.logs.first()?.len();
        let width = 2 + 2 * signals;
        if lessons.goals.len() < 10 * width {
            return None;
        }
        let sides = || {
            lessons.logs.iter().zip(&lessons.goals).flat_map(|(logs, record)| {
                [(row(logs, 0), record.goals[0]), (row(logs, 1), record.goals[1])]
            })
        };
        let rows: Vec<(Vec<f64>, f64)> =
            sides().map(|(row, goals)| (row, f64::from(goals))).collect();
        let mean = rows.iter().map(|(_, goals)| goals).sum::<f64>() / rows.len() as f64;
        let mut start = vec![0.0; width];
        start[0] = libm::log(mean.max(1e-3));
        let (weights, _) = maximise(start, |weights| regression(&rows, weights))?;
        let by_signal = |first: usize| (0..signals).map(|s| weights[first + 2 * s]).collect();
        let mut learnt = Self {
            level: weights[0],
            home: weights[1],
            own: by_signal(2),
            opponent: by_signal(3),
            rho: 0.0,
            matches: lessons.goals.len(),
        };
        learnt.rho = learnt.dependence(lessons);
        Some(learnt)
    }

    /// The expected goals of both sides.
    #[must_use]
    pub fn means(&self, logs: &[[f64; 2]]) -> [f64; 2] {
        let side = |own: usize| {
            let ground = if own == 0 { 0.5 } else { -0.5 };
            let weighted = logs.iter().zip(self.own.iter().zip(&self.opponent));
            let sum: f64 = weighted.map(|(log, (w, v))| w * log[own] + v * log[1 - own]).sum();
            libm::exp(self.level + self.home * ground + sum)
        };
        [side(0), side(1)]
    }

    /// The probabilities of home win, draw and away win.
    #[must_use]
    pub fn probabilities(&self, logs: &[[f64; 2]]) -> Option<[f64; 3]> {
        let [lambda, mu] = self.means(logs);
        let (low, high) = rho_bounds(lambda, mu);
        let rho = self.rho.clamp(0.99 * low, 0.99 * high);
        Some(ScoreMatrix::dixon_coles(lambda, mu, rho).ok()?.match_odds())
    }

    /// One model of goals from the signals' fits, given in the order of the weights.
    ///
    /// It is addressed, archived and priced like any other fit. Teams that a signal has not seen
    /// are unknown to it.
    #[must_use]
    pub fn combine(&self, fits: &[Fit]) -> Option<Fit> {
        let parts: Vec<(&Fit, f64, f64)> = fits
            .iter()
            .zip(self.own.iter().zip(&self.opponent))
            .map(|(fit, (own, opponent))| (fit, *own, *opponent))
            .collect();
        (fits.len() == self.own.len()).then(|| {
            composite(
                &parts,
                [self.level + 0.5 * self.home, self.level - 0.5 * self.home],
                self.rho,
            )
        })?
    }

    /// The `rho` that makes the low scores of the lessons likeliest, by Newton's method.
    fn dependence(&self, lessons: &Lessons<'_>) -> f64 {
        let low_scores: Vec<(f64, f64, f64)> = lessons
            .logs
            .iter()
            .zip(&lessons.goals)
            .filter_map(|(logs, record)| {
                let [lambda, mu] = self.means(logs);
                let slope = match record.goals {
                    [0, 0] => -lambda * mu,
                    [0, 1] => lambda,
                    [1, 0] => mu,
                    [1, 1] => -1.0,
                    _ => return None,
                };
                let (low, high) = rho_bounds(lambda, mu);
                Some((slope, low, high))
            })
            .collect();
        let low = low_scores.iter().map(|score| score.1).fold(-0.5, f64::max) * 0.99;
        let high = low_scores.iter().map(|score| score.2).fold(0.5, f64::min) * 0.99;
        let mut rho = 0.0;
        for _ in 0..50 {
            let (mut slope, mut bend) = (0.0, 0.0);
            for (per_rho, _, _) in &low_scores {
                let term = per_rho / (1.0 + per_rho * rho);
                slope += term;
                bend += term * term;
            }
            let next = if bend > 0.0 { (rho + slope / bend).clamp(low, high) } else { rho };
            if (next - rho).abs() < 1e-10 {
                break;
            }
            rho = next;
        }
        rho
    }
}

/// The numbers of one side of a match: one, its ground, and by signal its own log and its
/// opponent's.
fn row(logs: &[[f64; 2]], side: usize) -> Vec<f64> {
    let ground = if side == 0 { 0.5 } else { -0.5 };
    let signals = logs.iter().flat_map(|log| [log[side], log[1 - side]]);
    [1.0, ground].into_iter().chain(signals).collect()
}

/// The Poisson log-likelihood of goals, less a ridge on all weights but the level.
fn regression(rows: &[(Vec<f64>, f64)], weights: &[f64]) -> Local {
    let mut found = Local::zero(weights.len());
    for (index, weight) in weights.iter().enumerate().skip(1) {
        found.value -= 0.5 * RIDGE * weight * weight;
        found.gradient[index] -= RIDGE * weight;
        found.bend.add(index, index, RIDGE);
    }
    for (numbers, goals) in rows {
        let log: f64 = numbers.iter().zip(weights).map(|(x, w)| x * w).sum();
        let mean = libm::exp(log);
        found.value += goals * log - mean;
        for (index, number) in numbers.iter().enumerate() {
            found.gradient[index] += (goals - mean) * number;
            for (other, earlier) in numbers[..=index].iter().enumerate() {
                found.bend.add(index, other, mean * number * earlier);
            }
        }
    }
    found
}

/// Forecasts of a stack of signals, and the weights of each season.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The forecasts; the weights of each season stand in words among what was chosen.
    pub forecasts: Forecasts,
    /// The weights of each season, learnt on the seasons before it.
    pub weights: BTreeMap<i32, StackWeights>,
    /// The means by match, home side first.
    pub means: Vec<Option<[f64; 2]>>,
}

/// Forecasts goals from several signals, with each season's weights learnt on all leagues' earlier
/// seasons. `rates` holds what each signal expected, as [`signal_rates`] tells.
///
/// # Errors
/// [`WalkError`] without a signal, or when one is not of this history.
pub fn stack(history: &History, rates: &[SignalRates]) -> Result<Stack, WalkError> {
    if rates.is_empty() {
        return Err(WalkError::Nothing("signals"));
    }
    for of_signal in rates {
        let (got, matches) = (of_signal.len(), history.records().len());
        if got != matches {
            return Err(WalkError::Length { name: "signal".to_owned(), got, matches });
        }
    }
    let logs: Vec<Option<Vec<[f64; 2]>>> = (0..history.records().len())
        .map(|place| rates.iter().map(|of_signal| of_signal[place]).collect())
        .collect();
    let mut weights: BTreeMap<i32, StackWeights> = BTreeMap::new();
    for season in history.seasons() {
        let known = history.records().iter().zip(&logs).filter(|(r, _)| r.season < season);
        let known = known.filter_map(|(record, logs)| Some((logs.clone()?, record)));
        let (logs, goals) = known.unzip();
        if let Some(learnt) = StackWeights::learn(&Lessons { logs, goals }) {
            weights.insert(season, learnt);
        }
    }
    let of = |record: &Record, logs: &Option<Vec<[f64; 2]>>| {
        Some((weights.get(&record.season)?, logs.clone()?))
    };
    let matches = || history.records().iter().zip(&logs);
    let probabilities = matches()
        .map(|(record, logs)| of(record, logs).and_then(|(w, logs)| w.probabilities(&logs)))
        .collect();
    let means =
        matches().map(|(record, logs)| of(record, logs).map(|(w, logs)| w.means(&logs))).collect();
    let in_words = weights.iter().map(|(season, weights)| (*season, told(weights))).collect();
    let forecasts = Forecasts { chosen: in_words, ..Forecasts::new("stack", probabilities) };
    Ok(Stack { forecasts, weights, means })
}

fn told(weights: &StackWeights) -> String {
    let list = |values: &[f64]| {
        let rounded: Vec<String> = values.iter().map(|value| format!("{value:.3}")).collect();
        rounded.join(" ")
    };
    format!(
        "own {}, opponent {}, level {:.3}, home {:.3}, rho {:.3}, on {} matches",
        list(&weights.own),
        list(&weights.opponent),
        weights.level,
        weights.home,
        weights.rho,
        weights.matches
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::{FitOptions, Played, Prior, TrainingSet, fit};
    use crate::walkforward::history::tests::small;

    fn signals() -> Vec<Signal> {
        let refit = Refit { every_days: 30.0, ..Refit::default() };
        [Count::Goals, Count::Shots].map(|count| Signal { count, refit: refit.clone() }).to_vec()
    }

    #[test]
    fn weights_are_learnt_on_earlier_seasons_alone() {
        let history = small(10);
        let rates: Vec<SignalRates> =
            signals().iter().map(|signal| signal_rates(&history, signal).unwrap()).collect();
        let stacked = stack(&history, &rates).unwrap();
        assert!(!stacked.weights.contains_key(&2), "too few matches before it");
        let last = &stacked.weights[&9];
        assert_eq!((last.own.len(), last.opponent.len()), (2, 2));
        assert!(last.matches < 108 && last.matches > 60, "{}", last.matches);
        assert_eq!(stacked.forecasts.chosen.len(), stacked.weights.len());
        for (record, p) in history.records().iter().zip(&stacked.forecasts.probabilities) {
            assert_eq!(p.is_some(), stacked.weights.contains_key(&record.season));
            let sum: f64 = p.iter().flatten().sum();
            assert!(p.is_none() || (sum - 1.0).abs() < 1e-12);
        }
        assert_eq!(stack(&history, &[]), Err(WalkError::Nothing("signals")));
        assert!(matches!(stack(&history, &[Vec::new()]), Err(WalkError::Length { .. })));
    }

    #[test]
    fn the_combined_fit_has_the_means_of_the_stack() {
        let history = small(3);
        let options = FitOptions { prior: Some(Prior::default()), ..FitOptions::default() };
        let fits = [Count::Goals, Count::Shots].map(|count| {
            let mut builder = TrainingSet::builder();
            for record in history.records() {
                let [home, away] = count.of(record).unwrap();
                let played = Played::new(record.day, &record.home, &record.away, home, away);
                builder.push(played).unwrap();
            }
            fit(Model::Poisson, &builder.build().unwrap(), &options).unwrap()
        });
        let weights = StackWeights {
            level: -0.7,
            home: 0.05,
            own: vec![0.6, 0.3],
            opponent: vec![-0.1, 0.05],
            rho: -0.05,
            matches: 100,
        };
        let combined = weights.combine(&fits).unwrap();
        let logs: Vec<[f64; 2]> = fits
            .iter()
            .map(|fit| {
                let means = fit.means("Ash", "Cedar", false).unwrap();
                [libm::log(means.lambda), libm::log(means.mu)]
            })
            .collect();
        let wanted = weights.means(&logs);
        let got = combined.means("Ash", "Cedar", false).unwrap();
        assert!((got.lambda - wanted[0]).abs() < 1e-12 && (got.mu - wanted[1]).abs() < 1e-12);
        let p = combined.matrix("Ash", "Cedar", false).unwrap().match_odds();
        assert_eq!(
            weights.probabilities(&logs).unwrap().map(|p| (p * 1e9).round()),
            p.map(|p| (p * 1e9).round())
        );
        assert_eq!(weights.combine(&fits[..1]), None);
    }

    #[test]
    fn derivatives_of_the_regression_agree_with_finite_differences() {
        let rows: Vec<(Vec<f64>, f64)> = (0..7)
            .map(|i| {
                (vec![1.0, 0.3 * f64::from(i) - 1.0, f64::from(i * i % 5) * 0.2], f64::from(i % 4))
            })
            .collect();
        let at = [0.2, -0.4, 0.5];
        let here = regression(&rows, &at);
        for index in 0..3 {
            let nearby = |distance: f64| {
                let mut at = at;
                at[index] += distance;
                regression(&rows, &at)
            };
            let (above, below) = (nearby(1e-5), nearby(-1e-5));
            let slope = (above.value - below.value) / 2e-5;
            assert!((here.gradient[index] - slope).abs() < 1e-6, "{index}");
            for row in index..3 {
                let bend = (below.gradient[row] - above.gradient[row]) / 2e-5;
                assert!((here.bend.cells[row * 3 + index] - bend).abs() < 1e-6, "{row} {index}");
            }
        }
    }

    #[test]
    fn the_dependence_is_the_likeliest() {
        let history = small(12);
        let logs: Vec<Vec<[f64; 2]>> = history.records().iter().map(|_| vec![[0.3, 0.1]]).collect();
        let lessons = Lessons { logs, goals: history.records().iter().collect() };
        let weights = StackWeights::learn(&lessons).unwrap();
        let likelihood = |rho: f64| -> f64 {
            let matches = lessons.logs.iter().zip(&lessons.goals);
            let ln_p = matches.map(|(logs, record)| {
                let [lambda, mu] = weights.means(logs);
                let matrix = ScoreMatrix::dixon_coles(lambda, mu, rho).unwrap();
                libm::log(matrix.get(record.goals[0] as u8, record.goals[1] as u8))
            });
            ln_p.sum()
        };
        let best = likelihood(weights.rho);
        for other in [weights.rho - 0.01, weights.rho + 0.01] {
            let (low, high) = (-0.3, 0.3);
            assert!(!(low..high).contains(&other) || likelihood(other) < best + 1e-12, "{other}");
        }
    }
}
