//! The logarithmic pool: a model's view and the market's, multiplied.
//!
//! `p ∝ Π source^exponent`. Exponents that add up to one weigh the sources against each other;
//! free ones also recalibrate, an exponent above one sharpening a source that is too timid.

use crate::concave::{self, Local};
use crate::goals::cholesky::Factor;

/// Why forecasts cannot be pooled.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BlendError {
    /// Sources of different markets.
    #[error("the sources have {first} and {other} outcomes; they must have as many, at least two")]
    Outcomes {
        /// How many the first has.
        first: usize,
        /// How many another has.
        other: usize,
    },
    /// A probability is none.
    #[error("a probability must lie in 0..=1, got {0}")]
    Probability(f64),
    /// The weight is none.
    #[error("the model's weight must lie in 0..=1, got {0}")]
    Weight(f64),
    /// An exponent is no number, or there are not as many as sources.
    #[error("there must be one finite exponent a source")]
    Exponents,
    /// No outcome is possible to every source.
    #[error("no outcome is possible to every source")]
    Disjoint,
    /// Nothing to learn from.
    #[error("a weight is learnt from at least {needed} cases, got {cases}")]
    TooFew {
        /// How many there were.
        cases: usize,
        /// How many it takes.
        needed: usize,
    },
    /// What came out is no outcome of the market, or had no probability.
    #[error("case {case} came out as {outcome}, which a source holds impossible or does not have")]
    Outcome {
        /// Place of the case, from 0.
        case: usize,
        /// Place of the outcome, from 0.
        outcome: usize,
    },
    /// The exponents have no best value, as when one source is always right.
    #[error("the exponents have no best value: the sources are alike or one is always right")]
    NotConverged,
}

/// The logarithmic pool of a model and the market: `p ∝ model^weight · market^(1 − weight)`
/// (Genest and Zidek 1986, section 3).
///
/// # Errors
/// [`BlendError`] for lists that differ, values that are none, or no outcome possible to both.
pub fn blend(model: &[f64], market: &[f64], weight: f64) -> Result<Vec<f64>, BlendError> {
    if !(0.0..=1.0).contains(&weight) {
        return Err(BlendError::Weight(weight));
    }
    pool(&[model, market], &[weight, 1.0 - weight])
}

/// The logarithmic pool of any number of sources.
///
/// An exponent of zero leaves its source out, even where that holds an outcome impossible.
///
/// # Errors
/// As [`blend`]; [`BlendError::Exponents`].
pub fn pool(sources: &[&[f64]], exponents: &[f64]) -> Result<Vec<f64>, BlendError> {
    if exponents.len() != sources.len() || exponents.iter().any(|e| !e.is_finite()) {
        return Err(BlendError::Exponents);
    }
    let outcomes = checked(sources)?;
    let log = |outcome: usize| {
        let counted = sources.iter().zip(exponents).filter(|(_, exponent)| **exponent != 0.0);
        counted.map(|(source, exponent)| exponent * libm::log(source[outcome])).sum::<f64>()
    };
    normalised((0..outcomes).map(log).collect())
}

/// A case to learn from: what each source said, and what came out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case<'a> {
    /// The probabilities of each source, the sources in one order in every case.
    pub sources: &'a [&'a [f64]],
    /// Place of the outcome that occurred, from 0.
    pub outcome: usize,
}

/// Exponents of a logarithmic pool, learnt by maximum likelihood.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PoolFit {
    /// One for each source.
    pub exponents: Vec<f64>,
    /// The standard error of each, from the curvature of the likelihood.
    pub standard_errors: Vec<f64>,
    /// Mean log-loss in nats at these exponents.
    pub log_loss: f64,
    /// How many cases they were learnt from.
    pub cases: usize,
}

/// The model's weight in [`blend`], in 0..=1, that makes the outcomes likeliest. Each case has two
/// sources, the model first; the likelihood is concave in the weight.
///
/// At an end of the interval, `standard_errors` is empty: the best weight would lie beyond.
///
/// # Errors
/// [`BlendError`] for cases that are none, [`BlendError::TooFew`] without any.
pub fn fit_weight(cases: &[Case<'_>]) -> Result<PoolFit, BlendError> {
    check_cases(cases, 2)?;
    // One direction, in which the model's exponent rises as the market's falls.
    let prepared = Prepared::new(cases);
    let at = |weight: f64| prepared.likelihood(&[weight, 1.0 - weight]);
    let along = |found: &Local| {
        let slope = found.gradient[0] - found.gradient[1];
        let bend = &found.bend.cells;
        (slope, bend[0] - 2.0 * bend[2] + bend[3])
    };
    let settled = |weight: f64, found: &Local, error: Option<f64>| PoolFit {
        exponents: vec![weight, 1.0 - weight],
        standard_errors: error.map_or(vec![], |error| vec![error, error]),
        log_loss: -found.value / cases.len() as f64,
        cases: cases.len(),
    };
    for (end, outward) in [(0.0, -1.0), (1.0, 1.0)] {
        let found = at(end);
        if along(&found).0 * outward >= 0.0 {
            return Ok(settled(end, &found, None));
        }
    }
    let weight = crate::root::falling(0.0, 1.0, 0.5, |weight| {
        let (slope, bend) = along(&at(weight));
        (slope, -bend)
    });
    let weight = weight.ok_or(BlendError::NotConverged)?;
    let found = at(weight);
    let (_, bend) = along(&found);
    Ok(settled(weight, &found, Some(1.0 / bend.sqrt())))
}

/// The exponents of [`pool`] that make the outcomes likeliest, without bounds: a conditional
/// logit on the sources' logarithms, found by Newton's method. With one source it recalibrates
/// that source.
///
/// # Errors
/// [`BlendError`] for cases that are none; [`BlendError::TooFew`] below one case more than
/// sources; [`BlendError::NotConverged`] when no exponents are best.
pub fn fit_exponents(cases: &[Case<'_>]) -> Result<PoolFit, BlendError> {
    let sources = cases.first().map_or(0, |case| case.sources.len());
    check_cases(cases, sources.max(1))?;
    let needed = sources + 1;
    if cases.len() < needed {
        return Err(BlendError::TooFew { cases: cases.len(), needed });
    }
    let start = vec![1.0 / sources as f64; sources];
    let prepared = Prepared::new(cases);
    let (exponents, found) = concave::maximise(start, |exponents| prepared.likelihood(exponents))
        .ok_or(BlendError::NotConverged)?;
    let factor = Factor::of(&found.bend, 0.0).ok_or(BlendError::NotConverged)?;
    Ok(PoolFit {
        exponents,
        standard_errors: factor.inverse_diagonal().into_iter().map(f64::sqrt).collect(),
        log_loss: -found.value / cases.len() as f64,
        cases: cases.len(),
    })
}

/// The logarithms of what every source holds possible, case after case.
struct Prepared {
    sources: usize,
    /// `logs[outcome * sources + source]`, the outcomes of all cases in one row.
    logs: Vec<f64>,
    /// Of each case, how many outcomes are possible and which of them occurred.
    cases: Vec<(usize, usize)>,
}

impl Prepared {
    /// Of cases that were checked.
    fn new(cases: &[Case<'_>]) -> Self {
        let sources = cases[0].sources.len();
        let mut prepared = Self { sources, logs: Vec::new(), cases: Vec::new() };
        for case in cases {
            let (mut possible, mut occurred) = (0, 0);
            for outcome in 0..case.sources[0].len() {
                // What one source holds impossible stays so in the pool.
                if case.sources.iter().all(|source| source[outcome] > 0.0) {
                    if outcome == case.outcome {
                        occurred = possible;
                    }
                    possible += 1;
                    prepared.logs.extend(case.sources.iter().map(|s| libm::log(s[outcome])));
                }
            }
            prepared.cases.push((possible, occurred));
        }
        prepared
    }

    /// The log-likelihood of exponents.
    fn likelihood(&self, exponents: &[f64]) -> Local {
        let mut found = Local::zero(self.sources);
        let mut means = vec![0.0; self.sources];
        let mut weights = Vec::new();
        let mut rest = &self.logs[..];
        for (possible, occurred) in &self.cases {
            let (logs, after) = rest.split_at(possible * self.sources);
            rest = after;
            let outcomes = || logs.chunks_exact(self.sources);
            weights.clear();
            weights.extend(outcomes().map(|logs| dot(logs, exponents)));
            let highest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum = weights[*occurred];
            weights.iter_mut().for_each(|weight| *weight = libm::exp(*weight - highest));
            let mass: f64 = weights.iter().sum();
            found.value += sum - highest - libm::log(mass);
            means.fill(0.0);
            for (logs, weight) in outcomes().zip(&weights) {
                for (mean, log) in means.iter_mut().zip(logs) {
                    *mean += weight / mass * log;
                }
            }
            for (source, mean) in means.iter().enumerate() {
                found.gradient[source] += logs[occurred * self.sources + source] - mean;
            }
            for (logs, weight) in outcomes().zip(&weights) {
                for row in 0..self.sources {
                    let off = weight / mass * (logs[row] - means[row]);
                    for column in 0..=row {
                        found.bend.add(row, column, off * (logs[column] - means[column]));
                    }
                }
            }
        }
        found
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn check_cases(cases: &[Case<'_>], sources: usize) -> Result<(), BlendError> {
    if cases.is_empty() {
        return Err(BlendError::TooFew { cases: 0, needed: 1 });
    }
    for (place, case) in cases.iter().enumerate() {
        if case.sources.len() != sources {
            return Err(BlendError::Exponents);
        }
        let outcomes = checked(case.sources)?;
        let outcome = case.outcome;
        let possible = outcome < outcomes && case.sources.iter().all(|s| s[outcome] > 0.0);
        if !possible {
            return Err(BlendError::Outcome { case: place, outcome });
        }
    }
    Ok(())
}

/// The number of outcomes, once every source has as many.
fn checked(sources: &[&[f64]]) -> Result<usize, BlendError> {
    let first = sources.first().map_or(0, |source| source.len());
    for source in sources {
        if source.len() != first || first < 2 {
            return Err(BlendError::Outcomes { first, other: source.len() });
        }
        if let Some(p) = source.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return Err(BlendError::Probability(*p));
        }
    }
    if first < 2 { Err(BlendError::Outcomes { first, other: first }) } else { Ok(first) }
}

fn normalised(mut logs: Vec<f64>) -> Result<Vec<f64>, BlendError> {
    let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !highest.is_finite() {
        return Err(BlendError::Disjoint);
    }
    logs.iter_mut().for_each(|log| *log = libm::exp(*log - highest));
    let sum: f64 = logs.iter().sum();
    logs.iter_mut().for_each(|p| *p /= sum);
    Ok(logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: [f64; 3] = [0.5, 0.3, 0.2];
    const MARKET: [f64; 3] = [0.4, 0.3, 0.3];

    #[test]
    fn the_ends_of_the_weight_are_the_sources_and_the_middle_lies_between() {
        for (weight, source) in [(0.0, MARKET), (1.0, MODEL)] {
            for (p, q) in blend(&MODEL, &MARKET, weight).unwrap().iter().zip(source) {
                assert!((p - q).abs() < 1e-15);
            }
        }
        let middle = blend(&MODEL, &MARKET, 0.5).unwrap();
        let roots: Vec<f64> = MODEL.iter().zip(MARKET).map(|(p, q)| (p * q).sqrt()).collect();
        let sum: f64 = roots.iter().sum();
        for (p, root) in middle.iter().zip(&roots) {
            assert!((p - root / sum).abs() < 1e-15);
        }
    }

    /// Pairs of sources, and what came out of which pair.
    #[derive(Default)]
    struct Record {
        pairs: Vec<[[f64; 3]; 2]>,
        outcomes: Vec<(usize, usize)>,
    }

    /// Cases that come out in exact proportion to `truth`.
    fn record(truth: impl Fn(&[f64], &[f64]) -> Vec<f64>) -> Record {
        let Record { mut pairs, mut outcomes } = Record::default();
        for step in 0..40 {
            let s = f64::from(step) / 40.0;
            let t = f64::from((step * 7) % 40) / 40.0;
            let model = [0.2 + 0.5 * s, 0.3 - 0.1 * s, 0.5 - 0.4 * s];
            let market = [0.25 + 0.4 * t, 0.28, 0.47 - 0.4 * t];
            let p = truth(&model, &market);
            for (outcome, p) in p.iter().enumerate() {
                let times = (p * 1000.0).round() as usize;
                outcomes.extend(std::iter::repeat_n((pairs.len(), outcome), times));
            }
            pairs.push([model, market]);
        }
        Record { pairs, outcomes }
    }

    fn fitted<T>(truth: impl Fn(&[f64], &[f64]) -> Vec<f64>, fit: impl Fn(&[Case<'_>]) -> T) -> T {
        let Record { pairs, outcomes } = record(truth);
        let sources: Vec<[&[f64]; 2]> = pairs.iter().map(|[a, b]| [&a[..], &b[..]]).collect();
        let cases: Vec<Case<'_>> = outcomes
            .iter()
            .map(|(pair, outcome)| Case { sources: &sources[*pair], outcome: *outcome })
            .collect();
        fit(&cases)
    }

    #[test]
    fn the_weight_that_made_the_outcomes_is_found_again() {
        for weight in [0.2, 0.5, 0.8] {
            let truth = |a: &[f64], b: &[f64]| blend(a, b, weight).unwrap();
            let fit = fitted(truth, |cases| fit_weight(cases).unwrap());
            assert!((fit.exponents[0] - weight).abs() < 0.01, "{fit:?}, not {weight}");
            assert!(fit.standard_errors[0] > 0.0 && fit.standard_errors[0] < 0.05, "{fit:?}");
        }
    }

    #[test]
    fn a_weight_that_would_lie_beyond_an_end_stays_there() {
        let against = |a: &[f64], b: &[f64]| pool(&[a, b], &[-0.4, 1.2]).unwrap();
        let fit = fitted(against, |cases| fit_weight(cases).unwrap());
        assert_eq!((fit.exponents, fit.standard_errors), (vec![0.0, 1.0], vec![]));
        let beyond = |a: &[f64], b: &[f64]| pool(&[a, b], &[1.5, -0.3]).unwrap();
        assert_eq!(fitted(beyond, |cases| fit_weight(cases).unwrap()).exponents, [1.0, 0.0]);
    }

    #[test]
    fn free_exponents_are_found_again_and_fit_no_worse_than_a_weight() {
        let truth = |a: &[f64], b: &[f64]| pool(&[a, b], &[0.3, 0.9]).unwrap();
        let fit = fitted(truth, |cases| fit_exponents(cases).unwrap());
        assert!((fit.exponents[0] - 0.3).abs() < 0.01, "{fit:?}");
        assert!((fit.exponents[1] - 0.9).abs() < 0.01, "{fit:?}");
        let weight = fitted(truth, |cases| fit_weight(cases).unwrap());
        assert!(fit.log_loss <= weight.log_loss);
    }

    #[test]
    fn sources_and_cases_that_are_none_are_refused() {
        assert_eq!(blend(&MODEL, &MARKET, 1.2), Err(BlendError::Weight(1.2)));
        assert!(matches!(blend(&MODEL, &[0.5, 0.5], 0.5), Err(BlendError::Outcomes { .. })));
        assert_eq!(blend(&[1.0, 0.0], &[0.0, 1.0], 0.5), Err(BlendError::Disjoint));
        assert_eq!(blend(&[1.5, -0.5], &[0.5, 0.5], 0.5), Err(BlendError::Probability(1.5)));
        assert_eq!(pool(&[&MODEL], &[f64::NAN]), Err(BlendError::Exponents));
        assert_eq!(pool(&[], &[]), Err(BlendError::Outcomes { first: 0, other: 0 }));
        assert_eq!(fit_weight(&[]), Err(BlendError::TooFew { cases: 0, needed: 1 }));
        let sources: [&[f64]; 2] = [&[1.0, 0.0], &[0.5, 0.5]];
        let surprise = [Case { sources: &sources, outcome: 1 }];
        assert_eq!(fit_weight(&surprise), Err(BlendError::Outcome { case: 0, outcome: 1 }));
        let alike: [&[f64]; 2] = [&MODEL, &MODEL];
        let cases = vec![Case { sources: &alike, outcome: 0 }; 5];
        assert_eq!(fit_exponents(&cases), Err(BlendError::NotConverged));
    }
}
