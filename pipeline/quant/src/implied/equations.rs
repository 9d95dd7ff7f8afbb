//! Prices of leads and totals as functions of expected goals and ρ, and their inverse.

use super::{Implied, ImpliedError};
use crate::goals::Means;
use crate::matrix::{self, Goals, ScoreMatrix};
use crate::outcome::Outcome;

/// What a bet counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Home goals minus away goals.
    Lead,
    /// Home goals plus away goals.
    Total,
}

/// A bet that a count plus `quarters` quarter goals is above zero, and the win probability that
/// its fair price is to see.
#[derive(Debug, Clone, Copy)]
pub(super) struct Equation {
    pub(super) count: Count,
    pub(super) quarters: i32,
    pub(super) wanted: f64,
}

/// What is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Free {
    /// λ and μ, by two equations.
    Means,
    /// λ, μ and ρ, by three.
    MeansAndRho,
}

const UNKNOWNS_MAX: usize = 3;

/// How near each price comes.
const DISTANCE_MAX: f64 = 1e-13;
/// How near it must come where rounding stops the search.
const DISTANCE_ENOUGH: f64 = 1e-10;

/// Newton's method on ln λ, ln μ (and ρ), each step halved until the prices come nearer.
pub(super) fn solve(
    equations: &[Equation],
    free: Free,
    start: Implied,
) -> Result<Implied, ImpliedError> {
    const STEPS_MAX: u32 = 100;
    const HALVINGS_MAX: u32 = 50;
    let unknowns = if free == Free::Means { 2 } else { UNKNOWNS_MAX };
    debug_assert_eq!(equations.len(), unknowns);
    let mut at = start;
    // A rho that the first guess cannot have is no reason to refuse: fewer goals can.
    let mut here = loop {
        if let Some(here) = Prices::at(equations, at) {
            break here;
        }
        if at.means.lambda.max(at.means.mu) < 1e-3 {
            return Err(ImpliedError::NoSolution { distance: 1.0 });
        }
        at.means = Means { lambda: at.means.lambda / 2.0, mu: at.means.mu / 2.0 };
    };
    for _ in 0..STEPS_MAX {
        if here.distance() <= DISTANCE_MAX {
            return Ok(at);
        }
        let Some(step) = here.newton(unknowns) else { break };
        let mut length = 1.0_f64;
        // A step changes a mean by a factor of e at most.
        let longest = step[0].abs().max(step[1].abs());
        if longest > 1.0 {
            length /= longest;
        }
        let mut moved = None;
        for _ in 0..HALVINGS_MAX {
            let next = stepped(at, step, length);
            if let Some(there) = Prices::at(equations, next).filter(|p| p.norm() < here.norm()) {
                moved = Some((next, there));
                break;
            }
            length /= 2.0;
        }
        let Some((next, there)) = moved else { break };
        (at, here) = (next, there);
    }
    let distance = here.distance();
    if distance <= DISTANCE_ENOUGH { Ok(at) } else { Err(ImpliedError::NoSolution { distance }) }
}

fn stepped(at: Implied, step: [f64; UNKNOWNS_MAX], length: f64) -> Implied {
    let means = Means {
        lambda: at.means.lambda * libm::exp(length * step[0]),
        mu: at.means.mu * libm::exp(length * step[1]),
    };
    Implied { means, rho: at.rho + length * step[2] }
}

/// How far the prices are off, and how they move.
struct Prices {
    off: Vec<f64>,
    /// Derivatives by ln λ, ln μ and ρ, a row for each price.
    slopes: Vec<[f64; UNKNOWNS_MAX]>,
}

impl Prices {
    /// `None` where the law has no such parameters.
    fn at(equations: &[Equation], at: Implied) -> Option<Self> {
        let Means { lambda, mu } = at.means;
        let inside = |mean: f64| mean > 1e-6 && mean <= ScoreMatrix::MEAN_MAX;
        let (low, high) = matrix::rho_bounds(lambda, mu);
        if !(inside(lambda) && inside(mu) && low < at.rho && at.rho < high) {
            return None;
        }
        let law = Law::new(lambda, mu, at.rho);
        let priced = equations.iter().map(|equation| law.price(*equation));
        let (values, slopes): (Vec<f64>, Vec<_>) = priced.unzip();
        let off: Vec<f64> =
            values.iter().zip(equations).map(|(value, equation)| value - equation.wanted).collect();
        off.iter().all(|off| off.is_finite()).then_some(Self { off, slopes })
    }

    fn distance(&self) -> f64 {
        self.off.iter().map(|off| off.abs()).fold(0.0, f64::max)
    }

    fn norm(&self) -> f64 {
        self.off.iter().map(|off| off * off).sum()
    }

    /// Solves `slopes · step = −off` by elimination with row exchanges.
    fn newton(&self, unknowns: usize) -> Option<[f64; UNKNOWNS_MAX]> {
        let mut rows: Vec<([f64; UNKNOWNS_MAX], f64)> =
            self.slopes.iter().copied().zip(self.off.iter().map(|off| -off)).collect();
        for column in 0..unknowns {
            let size = |row: usize| rows[row].0[column].abs();
            let pivot = (column..unknowns).max_by(|a, b| size(*a).total_cmp(&size(*b)))?;
            rows.swap(column, pivot);
            let (pivot_row, pivot_off) = rows[column];
            if pivot_row[column] == 0.0 {
                return None;
            }
            for (slopes, off) in &mut rows[column + 1..] {
                let share = slopes[column] / pivot_row[column];
                for (slope, above) in slopes.iter_mut().zip(pivot_row) {
                    *slope -= share * above;
                }
                *off -= share * pivot_off;
            }
        }
        let mut step = [0.0; UNKNOWNS_MAX];
        for row in (0..unknowns).rev() {
            let known: f64 = (row + 1..unknowns).map(|at| rows[row].0[at] * step[at]).sum();
            step[row] = (rows[row].1 - known) / rows[row].0[row];
        }
        step.iter().all(|step| step.is_finite()).then_some(step)
    }
}

/// The laws of lead and total at certain means, before the correction of low scores.
struct Law {
    lambda: f64,
    mu: f64,
    rho: f64,
    /// From `1 − side` up.
    lead: Vec<f64>,
    /// From 0 up.
    total: Vec<f64>,
}

impl Law {
    fn new(lambda: f64, mu: f64, rho: f64) -> Self {
        let (home, away) = Goals::pair(lambda, mu);
        let counts = 2 * home.len() - 1;
        let (mut lead, mut total) = (vec![0.0; counts], vec![0.0; counts]);
        matrix::convolve(&home, &away, 1.0, &mut lead, &mut total);
        Self { lambda, mu, rho, lead, total }
    }

    /// The win probability that a bet's fair price sees, with its derivatives by ln λ, ln μ, ρ.
    fn price(&self, equation: Equation) -> (f64, [f64; UNKNOWNS_MAX]) {
        let (counts, first, moves) = match equation.count {
            Count::Lead => {
                let first = 1 - i32::try_from(self.lead.len().div_ceil(2)).expect("a short grid");
                (&self.lead, first, [1, -1])
            }
            Count::Total => (&self.total, 0, [1, 1]),
        };
        let quarters = equation.quarters;
        let shares = |count: i32| Shares::of(Outcome::from_margin(4 * count + quarters));
        let mut value = Shares::default();
        let mut by_mean = [Shares::default(); 2];
        for (count, p) in (first..).zip(counts) {
            let here = shares(count);
            value.add(*p, here);
            // One goal more of a side: the derivative of a Poisson law by its mean.
            for (slope, goal) in by_mean.iter_mut().zip(moves) {
                slope.add(*p, shares(count + goal));
                slope.add(-*p, here);
            }
        }
        // ρλμe^{−λ−μ} goes from 0–0 and from 1–1, once each, to 1–0 and to 0–1.
        let mut correction = Shares::default();
        let corrected = match equation.count {
            Count::Lead => [(1, 1.0), (-1, 1.0), (0, -2.0)],
            Count::Total => [(1, 2.0), (0, -1.0), (2, -1.0)],
        };
        for (count, times) in corrected {
            correction.add(times, shares(count));
        }
        let per_rho = self.lambda * self.mu * libm::exp(-self.lambda - self.mu);
        let size = self.rho * per_rho;
        value.add(size, correction);
        let [mut by_lambda, mut by_mu] = by_mean;
        by_lambda.add(size * (1.0 / self.lambda - 1.0), correction);
        by_mu.add(size * (1.0 / self.mu - 1.0), correction);
        let slopes = [
            self.lambda * value.ratio_slope(by_lambda),
            self.mu * value.ratio_slope(by_mu),
            per_rho * value.ratio_slope(correction),
        ];
        (value.won / (value.won + value.lost), slopes)
    }
}

/// The shares of a stake that are won and lost.
#[derive(Debug, Clone, Copy, Default)]
struct Shares {
    won: f64,
    lost: f64,
}

impl Shares {
    const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Win => Self { won: 1.0, lost: 0.0 },
            Outcome::HalfWin => Self { won: 0.5, lost: 0.0 },
            Outcome::Push => Self { won: 0.0, lost: 0.0 },
            Outcome::HalfLoss => Self { won: 0.0, lost: 0.5 },
            Outcome::Loss => Self { won: 0.0, lost: 1.0 },
        }
    }

    fn add(&mut self, times: f64, other: Self) {
        self.won += times * other.won;
        self.lost += times * other.lost;
    }

    /// The derivative of `won / (won + lost)` when both move by `slope`.
    fn ratio_slope(self, slope: Self) -> f64 {
        let decided = self.won + self.lost;
        (slope.won * self.lost - self.won * slope.lost) / (decided * decided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slopes_of_the_prices_are_their_finite_differences() {
        let at = Implied { means: Means { lambda: 1.7, mu: 0.9 }, rho: -0.1 };
        for count in [Count::Lead, Count::Total] {
            for quarters in -11..=3 {
                let equation = Equation { count, quarters, wanted: 0.0 };
                let price = |at: Implied| {
                    let Means { lambda, mu } = at.means;
                    Law::new(lambda, mu, at.rho).price(equation)
                };
                let (_, slopes) = price(at);
                for (unknown, slope) in slopes.iter().enumerate() {
                    let mut step = [0.0; UNKNOWNS_MAX];
                    step[unknown] = 1e-5;
                    let (up, down) = (stepped(at, step, 1.0), stepped(at, step, -1.0));
                    let difference = (price(up).0 - price(down).0) / 2e-5;
                    let off = (slope - difference).abs();
                    assert!(off < 1e-8, "{count:?} {quarters} {unknown}: {slope}, {difference}");
                }
            }
        }
    }
}
