use serde::{Deserialize, Serialize};

use crate::goals::cholesky::{Factor, Square};

/// The probabilities of the three results from numbers that say how far the home side is ahead:
/// the proportional odds model (McCullagh, 1980).
///
/// With `η = Σ slope · number`, `P(away) = Λ(lower − η)`, `P(away or draw) = Λ(upper − η)`, and
/// `Λ(x) = 1 / (1 + e^−x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderedLogit {
    /// Below it the away side wins.
    pub lower: f64,
    /// Above it the home side wins.
    pub upper: f64,
    /// What each number weighs.
    pub slopes: Vec<f64>,
}

/// Why a proportional odds model could not be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OrderedError {
    /// Not one row of numbers, result and weight for each match.
    #[error("{rows} rows of {width} numbers need {expected} of each kind, got {got} {what}")]
    Length {
        /// Matches.
        rows: usize,
        /// Numbers a match.
        width: usize,
        /// How many were expected.
        expected: usize,
        /// How many there are.
        got: usize,
        /// Of what.
        what: &'static str,
    },
    /// A number that is none.
    #[error("number {column} of match {row} must be finite, got {value}")]
    Number {
        /// The match.
        row: usize,
        /// Which of its numbers.
        column: usize,
        /// The value as given.
        value: f64,
    },
    /// A result beyond home (0), draw (1) and away (2), or a weight that is none.
    #[error("match {row} must have a result of 0, 1 or 2 and a weight that is not negative")]
    Match {
        /// The match.
        row: usize,
    },
    /// Not all three results occur.
    #[error("all three results must occur among the matches, with a positive weight")]
    OneSided,
    /// A ridge out of range.
    #[error("the ridge must be finite and not negative, got {0}")]
    Ridge(f64),
    /// The numbers leave the slopes open: they depend on each other, or part the results cleanly.
    #[error("the numbers do not determine the slopes: drop one of them or use a ridge")]
    NotDetermined,
}

const ITERATIONS_MAX: u32 = 60;

impl OrderedLogit {
    /// The probabilities of home win, draw and away win.
    #[must_use]
    pub fn probabilities(&self, numbers: &[f64]) -> [f64; 3] {
        let eta: f64 = self.slopes.iter().zip(numbers).map(|(slope, number)| slope * number).sum();
        let (away, home) = (logistic(self.lower - eta), logistic(eta - self.upper));
        [home, (1.0 - home - away).max(0.0), away]
    }

    /// Fits by penalised maximum likelihood: `Σ w ln P − ridge/2 Σ slope²`.
    ///
    /// `numbers` holds `width` numbers of each match one after the other, `results` 0, 1 or 2 for
    /// home win, draw and away win, `weights` how much each match counts. The numbers should be on
    /// scales of about one, so that the ridge treats them alike.
    ///
    /// # Errors
    /// [`OrderedError`] when lengths differ, a number is none, a result does not occur, or the
    /// matches leave the slopes open.
    pub fn fit(
        numbers: &[f64],
        width: usize,
        results: &[u8],
        weights: &[f64],
        ridge: f64,
    ) -> Result<Self, OrderedError> {
        let rows = check(numbers, width, results, weights, ridge)?;
        let share = |result: u8| {
            let of = results.iter().zip(weights).filter(|(r, _)| **r == result);
            of.map(|(_, weight)| weight).sum::<f64>()
        };
        let (home, draw, away) = (share(0), share(1), share(2));
        if !(home > 0.0 && draw > 0.0 && away > 0.0) {
            return Err(OrderedError::OneSided);
        }
        let problem = Problem { numbers, width, results, weights, ridge, rows };
        let mut at = vec![0.0; width + 2];
        at[0] = libm::log(away / (home + draw));
        at[1] = libm::log((away + draw) / home);
        let mut here = problem.evaluate(&at).ok_or(OrderedError::NotDetermined)?;
        for _ in 0..ITERATIONS_MAX {
            let factor = Factor::of(&here.curvature, 0.0).ok_or(OrderedError::NotDetermined)?;
            let mut step = here.gradient.clone();
            factor.solve(&mut step);
            let gain: f64 = step.iter().zip(&here.gradient).map(|(s, g)| s * g).sum();
            let towards = |length: f64| -> Vec<f64> {
                at.iter().zip(&step).map(|(a, s)| a + length * s).collect()
            };
            let better = (0..30).find_map(|halving| {
                let trial = towards(libm::exp2(-f64::from(halving)));
                let there = problem.evaluate(&trial)?;
                (there.value >= here.value - 1e-12 * here.value.abs()).then_some((trial, there))
            });
            let Some((trial, there)) = better else { break };
            (at, here) = (trial, there);
            if gain < 1e-14 * (home + draw + away) {
                break;
            }
        }
        // Numbers that part the results cleanly drive the slopes up for ever, to certainty.
        if here.value > -1e-8 * (home + draw + away) {
            return Err(OrderedError::NotDetermined);
        }
        Ok(Self { lower: at[0], upper: at[1], slopes: at[2..].to_vec() })
    }
}

fn check(
    numbers: &[f64],
    width: usize,
    results: &[u8],
    weights: &[f64],
    ridge: f64,
) -> Result<usize, OrderedError> {
    let rows = results.len();
    for (expected, got, what) in
        [(rows * width, numbers.len(), "numbers"), (rows, weights.len(), "weights")]
    {
        if expected != got {
            return Err(OrderedError::Length { rows, width, expected, got, what });
        }
    }
    if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
        let (row, column) = (at / width, at % width);
        return Err(OrderedError::Number { row, column, value: numbers[at] });
    }
    let wrong =
        |row: &usize| results[*row] > 2 || !(weights[*row].is_finite() && weights[*row] >= 0.0);
    if let Some(row) = (0..rows).find(wrong) {
        return Err(OrderedError::Match { row });
    }
    if !(ridge.is_finite() && ridge >= 0.0) {
        return Err(OrderedError::Ridge(ridge));
    }
    Ok(rows)
}

struct Problem<'a> {
    numbers: &'a [f64],
    width: usize,
    results: &'a [u8],
    weights: &'a [f64],
    ridge: f64,
    rows: usize,
}

struct Evaluated {
    value: f64,
    gradient: Vec<f64>,
    curvature: Square,
}

impl Problem<'_> {
    /// At `lower`, `upper` and the slopes; none where `upper` is not above `lower`.
    fn evaluate(&self, at: &[f64]) -> Option<Evaluated> {
        let (lower, upper) = (at[0], at[1]);
        if lower >= upper || at.iter().any(|a| !a.is_finite()) {
            return None;
        }
        let slopes = &at[2..];
        let squares: f64 = slopes.iter().map(|slope| slope * slope).sum();
        let mut here = Evaluated {
            value: -0.5 * self.ridge * squares,
            gradient: vec![0.0; at.len()],
            curvature: Square::zero(at.len()),
        };
        for (place, slope) in slopes.iter().enumerate() {
            here.gradient[2 + place] = -self.ridge * slope;
            here.curvature.add(2 + place, 2 + place, self.ridge);
        }
        for row in 0..self.rows {
            let numbers = &self.numbers[row * self.width..(row + 1) * self.width];
            let eta: f64 = slopes.iter().zip(numbers).map(|(s, x)| s * x).sum();
            here.add(self.weights[row], self.results[row], lower - eta, upper - eta, numbers);
        }
        here.value.is_finite().then_some(here)
    }
}

impl Evaluated {
    /// Adds a match with its two thresholds `l = lower − η` and `u = upper − η`.
    fn add(&mut self, weight: f64, result: u8, l: f64, u: f64, numbers: &[f64]) {
        let (below, above) = (logistic(l), logistic(u));
        let (bend_l, bend_u) = (below * (1.0 - below), above * (1.0 - above));
        // First and second derivatives of ln P in the two thresholds.
        let (ln_p, by_l, by_u, by_ll, by_uu, by_lu) = match result {
            0 => (ln_logistic(-u), 0.0, -above, 0.0, -bend_u, 0.0),
            2 => (ln_logistic(l), 1.0 - below, 0.0, -bend_l, 0.0, 0.0),
            // P = Λ(u) − Λ(l) = Λ(u) Λ(−l) (1 − e^{l−u}).
            _ => {
                let odds = 1.0 / libm::expm1(u - l);
                let ln_p = ln_logistic(u) + ln_logistic(-l) + libm::log(-libm::expm1(l - u));
                let bend = odds * (1.0 + odds);
                let by_l = -below - odds;
                (ln_p, by_l, 1.0 - above + odds, -bend_l - bend, -bend_u - bend, bend)
            }
        };
        self.value += weight * ln_p;
        self.gradient[0] += weight * by_l;
        self.gradient[1] += weight * by_u;
        self.curvature.add(0, 0, -weight * by_ll);
        self.curvature.add(1, 1, -weight * by_uu);
        self.curvature.add(1, 0, -weight * by_lu);
        // η moves both thresholds down together.
        let (by_eta, by_etas) = (-(by_l + by_u), by_ll + by_uu + 2.0 * by_lu);
        for (place, number) in numbers.iter().enumerate() {
            let index = 2 + place;
            self.gradient[index] += weight * by_eta * number;
            self.curvature.add(index, 0, weight * (by_ll + by_lu) * number);
            self.curvature.add(index, 1, weight * (by_uu + by_lu) * number);
            for (other, earlier) in numbers[..=place].iter().enumerate() {
                self.curvature.add(index, 2 + other, -weight * by_etas * number * earlier);
            }
        }
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

fn ln_logistic(x: f64) -> f64 {
    if x < 0.0 { x - libm::log1p(libm::exp(x)) } else { -libm::log1p(libm::exp(-x)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Matches whose results follow the model exactly, by weight.
    fn exact(model: &OrderedLogit) -> (Vec<f64>, Vec<u8>, Vec<f64>) {
        let (mut numbers, mut results, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for step in -6..=6 {
            let row = [f64::from(step) * 0.3, f64::from(step * step % 5) * 0.2];
            for (result, p) in (0..).zip(model.probabilities(&row)) {
                numbers.extend(row);
                results.push(result);
                weights.push(p);
            }
        }
        (numbers, results, weights)
    }

    #[test]
    fn a_model_is_found_again_from_its_own_probabilities() {
        let model = OrderedLogit { lower: -0.9, upper: 0.4, slopes: vec![0.8, -0.5] };
        let (numbers, results, weights) = exact(&model);
        let fitted = OrderedLogit::fit(&numbers, 2, &results, &weights, 0.0).unwrap();
        assert!((fitted.lower - model.lower).abs() < 1e-7, "{fitted:?}");
        assert!((fitted.upper - model.upper).abs() < 1e-7, "{fitted:?}");
        for (got, wanted) in fitted.slopes.iter().zip(&model.slopes) {
            assert!((got - wanted).abs() < 1e-7, "{fitted:?}");
        }
        let held = OrderedLogit::fit(&numbers, 2, &results, &weights, 100.0).unwrap();
        assert!(held.slopes[0] < 0.2 * model.slopes[0] && held.slopes[0] > 0.0);
    }

    #[test]
    fn derivatives_agree_with_finite_differences() {
        let model = OrderedLogit { lower: -0.9, upper: 0.4, slopes: vec![0.8, -0.5] };
        let (numbers, results, weights) = exact(&model);
        let (numbers, results, weights) = (&numbers[..], &results[..], &weights[..]);
        let problem = Problem { numbers, width: 2, results, weights, ridge: 0.7, rows: 39 };
        let at = [-0.6, 0.5, 0.3, 0.2];
        let here = problem.evaluate(&at).unwrap();
        for index in 0..4 {
            let nearby = |distance: f64| {
                let mut at = at;
                at[index] += distance;
                problem.evaluate(&at).unwrap()
            };
            let (above, below) = (nearby(1e-5), nearby(-1e-5));
            let slope = (above.value - below.value) / 2e-5;
            assert!((here.gradient[index] - slope).abs() < 1e-6, "{index}");
            for row in index..4 {
                let bend = (below.gradient[row] - above.gradient[row]) / 2e-5;
                let got = here.curvature.cells[row * 4 + index];
                assert!((got - bend).abs() < 1e-6, "{row} {index}: {got}, not {bend}");
            }
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let fit = |numbers: &[f64], width, results: &[u8], weights: &[f64], ridge| {
            OrderedLogit::fit(numbers, width, results, weights, ridge).unwrap_err()
        };
        let ones = [1.0; 4];
        assert!(matches!(
            fit(&[0.0; 3], 1, &[0, 1, 2, 0], &ones, 0.0),
            OrderedError::Length { .. }
        ));
        let nan = [0.0, f64::NAN, 0.0, 0.0];
        assert!(matches!(
            fit(&nan, 1, &[0, 1, 2, 0], &ones, 0.0),
            OrderedError::Number { row: 1, .. }
        ));
        assert!(matches!(
            fit(&[0.0; 4], 1, &[0, 1, 3, 0], &ones, 0.0),
            OrderedError::Match { row: 2 }
        ));
        assert_eq!(fit(&[0.0; 4], 1, &[0, 0, 2, 0], &ones, 0.0), OrderedError::OneSided);
        assert_eq!(fit(&[0.0; 4], 1, &[0, 1, 2, 0], &ones, -1.0), OrderedError::Ridge(-1.0));
        assert_eq!(fit(&[0.0; 4], 1, &[0, 1, 2, 0], &ones, 0.0), OrderedError::NotDetermined);
        let clean = [9.0, 0.0, -9.0, 8.0];
        assert_eq!(fit(&clean, 1, &[0, 1, 2, 0], &ones, 0.0), OrderedError::NotDetermined);
    }
}
