use std::ops::Add;

use super::frank::frank;
use super::{Law, Local, LogRates, Matches, Shape};
use crate::goals::jet::{Jet, Real};

/// Weibull counts joined by Frank's copula (Boshnakov, Kharrat and McHale, 2017).
///
/// The times between goals are Weibull with a common shape `c`; at `c = 1` the counts are Poisson,
/// above it they vary less, below it more. The count of one side with rate `λ` over the match is
/// (McShane, Adrian, Bradlow and Fader, 2008, eq. 11)
///
/// ```text
/// P(X = x) = Σ_{j≥x} (−1)^{x+j} λʲ α(x,j) / Γ(cj + 1)
/// α(0,j) = Γ(cj + 1) / Γ(j + 1)
/// α(x+1,j) = Σ_{m=x}^{j−1} α(x,m) Γ(cj − cm + 1) / Γ(j − m + 1)
/// ```
///
/// and a score has the probability of its rectangle under the copula of both distribution
/// functions, with dependence `κ`.
pub(in crate::goals) struct WeibullCopula;

/// The most terms of the series.
const TERMS_MAX: f64 = 90.0;
/// The greatest argument for which the gamma function stays finite, with room to spare.
const GAMMA_MAX: f64 = 150.0;
/// The series alternates: a term this large costs so many digits that the rest is not worth
/// having.
const TERM_MAX: f64 = 1e6;

/// A quantity and its first two derivatives in the shape `c`.
type InShape = Jet<1>;

/// Coefficients of the distribution functions, for each count the signed sums of `α` over all
/// counts up to it, divided by `Γ(cj + 1)`.
pub(in crate::goals) struct Series {
    rows: Vec<Vec<InShape>>,
}

impl Series {
    /// The coefficients for the distribution functions of counts up to `count_max`.
    pub(in crate::goals) fn new(shape: f64, count_max: u16) -> Self {
        // Where terms are cut for the sake of the gamma function, they have long vanished.
        let terms = (GAMMA_MAX / shape).min(TERMS_MAX) as usize;
        let shape = InShape::variable(shape, 0);
        let orders: Vec<InShape> = (0..terms).map(|j| shape.times(j as f64)).collect();
        let mut factorial = 1.0;
        let ratios: Vec<InShape> = orders
            .iter()
            .enumerate()
            .map(|(j, &order)| {
                factorial *= j.max(1) as f64;
                gamma_1p(order).times(1.0 / factorial)
            })
            .collect();
        let reciprocals: Vec<InShape> = orders.iter().map(|&o| reciprocal_gamma_1p(o)).collect();
        let mut alpha = ratios.clone();
        let mut sums = vec![InShape::constant(0.0); terms];
        let mut rows = Vec::with_capacity(usize::from(count_max) + 1);
        for count in 0..=usize::from(count_max).min(terms - 2) {
            for j in count..terms {
                let sign = if (count + j) % 2 == 0 { 1.0 } else { -1.0 };
                sums[j] = sums[j] + (alpha[j] * reciprocals[j]).times(sign);
            }
            rows.push(sums.clone());
            let next = |j: usize| {
                let terms = (count..j).map(|m| alpha[m] * ratios[j - m]);
                terms.fold(InShape::constant(0.0), Add::add)
            };
            alpha = (0..terms)
                .map(|j| if j > count { next(j) } else { InShape::constant(0.0) })
                .collect();
        }
        Self { rows }
    }
}

/// `Γ(1 + z)`.
fn gamma_1p(z: InShape) -> InShape {
    let value = libm::tgamma(1.0 + z.value());
    let (digamma, trigamma) = polygammas(1.0 + z.value());
    z.chain(value, value * digamma, value * (digamma * digamma + trigamma))
}

/// `1 / Γ(1 + z)`; not by way of `Γ`, whose powers overflow.
fn reciprocal_gamma_1p(z: InShape) -> InShape {
    let value = 1.0 / libm::tgamma(1.0 + z.value());
    let (digamma, trigamma) = polygammas(1.0 + z.value());
    z.chain(value, -value * digamma, value * (digamma * digamma - trigamma))
}

/// The first two derivatives of `ln Γ` at `z > 0`: recurrence up to ten, then the asymptotic
/// series (Abramowitz and Stegun, 1964, 6.3.18 and 6.4.12).
fn polygammas(mut z: f64) -> (f64, f64) {
    let (mut digamma, mut trigamma) = (0.0, 0.0);
    while z < 10.0 {
        digamma -= 1.0 / z;
        trigamma += 1.0 / (z * z);
        z += 1.0;
    }
    let square = 1.0 / (z * z);
    digamma += libm::log(z)
        - 0.5 / z
        - square
            * (1.0 / 12.0
                - square * (1.0 / 120.0 - square * (1.0 / 252.0 - square * (1.0 / 240.0))));
    trigamma += 1.0 / z
        + 0.5 * square
        + square / z
            * (1.0 / 6.0 - square * (1.0 / 30.0 - square * (1.0 / 42.0 - square * (1.0 / 30.0))));
    (digamma, trigamma)
}

/// The distribution function at `count`, as a function of `ln λ` (variable `rate`), and of the
/// shape (variable 2); zero below zero. `None` where the series has lost its digits.
pub(in crate::goals) fn marginal(
    series: &Series,
    count: i32,
    lambda: f64,
    rate: usize,
) -> Option<Jet<4>> {
    const SHAPE: usize = 2;
    let mut sum = Jet::constant(0.0);
    let Ok(count) = usize::try_from(count) else { return Some(sum) };
    let mut power = 1.0;
    for (j, coefficient) in series.rows.get(count)?.iter().enumerate() {
        let term = coefficient.value * power;
        if term.is_nan() || term.abs() > TERM_MAX {
            return None;
        }
        let order = j as f64;
        sum.value += term;
        sum.first[rate] += order * term;
        sum.second[rate][rate] += order * order * term;
        sum.first[SHAPE] += coefficient.first[0] * power;
        sum.second[SHAPE][SHAPE] += coefficient.second[0][0] * power;
        sum.second[SHAPE][rate] += order * coefficient.first[0] * power;
        power *= lambda;
    }
    Some(sum)
}

/// The probability of the rectangle between two steps of both distribution functions.
fn rectangle<T: Real>(home: [T; 2], away: [T; 2], kappa: T) -> T {
    let [below_home, home] = home;
    let [below_away, away] = away;
    let c = |u: T, v: T| frank(u, v, kappa);
    c(home, away) - c(below_home, away) - c(home, below_away) + c(below_home, below_away)
}

impl WeibullCopula {
    /// The probability of a score at the given rates.
    pub(in crate::goals) fn probability(home: [f64; 2], away: [f64; 2], kappa: f64) -> f64 {
        rectangle(home, away, kappa)
    }
}

impl Law for WeibullCopula {
    const SHAPES: &'static [Shape] = &[
        Shape { name: "shape", start: 1.0, low: 0.6, high: 3.0 },
        Shape { name: "kappa", start: 0.0, low: -30.0, high: 30.0 },
    ];
    const CONCAVE: bool = false;
    type Prepared = Series;

    fn prepare(&self, shapes: &[f64], goals_max: u16) -> Series {
        Series::new(shapes[0], goals_max)
    }

    fn log_likelihood(
        &self,
        series: &Series,
        matches: Matches<'_>,
        rates: &LogRates,
        shapes: &[f64],
        local: &mut Local,
    ) -> Option<f64> {
        let kappa = Jet::<4>::variable(shapes[1], 3);
        let mut sum = Jet::<4>::constant(0.0);
        for score in matches.scores {
            let steps = |count: u16, rate: f64, variable: usize| {
                let count = i32::from(count);
                let below = marginal(series, count - 1, rate, variable)?;
                Some([below, marginal(series, count, rate, variable)?])
            };
            let home = steps(score.home, rates.lambda, 0)?;
            let away = steps(score.away, rates.mu, 1)?;
            let p = rectangle(home, away, kappa);
            if p.value.is_nan() || p.value <= 0.0 {
                return None;
            }
            let ln_factorials = libm::lgamma(f64::from(score.home) + 1.0)
                + libm::lgamma(f64::from(score.away) + 1.0);
            sum = sum + p.ln().plus(ln_factorials).times(score.weight);
        }
        local.first = sum.first;
        local.second = sum.second;
        Some(sum.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_shape_one_the_count_is_poisson() {
        let series = Series::new(1.0, 12);
        for rate in [0.2, 1.4, 3.7] {
            let (mut term, mut sum) = (libm::exp(-rate), 0.0);
            for count in 0..=12 {
                sum += term;
                term *= rate / f64::from(count + 1);
                let got = marginal(&series, count, rate, 0).unwrap();
                assert!((got.value - sum).abs() < 1e-12, "{count} at {rate}: {got:?}, not {sum}");
            }
        }
    }
}
