use super::{ScoreLaw, Shape};
use crate::goals::jet::Real;

/// Independent negative binomial counts with a common dispersion `α ≥ 0`: mean `λ`, variance
/// `λ + α λ²` (Cameron and Trivedi, 2013, NB2, eq. 3.26), Poisson at `α = 0`:
///
/// ```text
/// ln P(x) = Σ_{k<x} ln(1 + α k) − ln x! + x ln λ − (x + 1/α) ln(1 + α λ)
/// ```
pub(in crate::goals) struct NegativeBinomial;

impl ScoreLaw for NegativeBinomial {
    const SHAPES: &'static [Shape] =
        &[Shape { name: "dispersion", start: 0.01, low: 0.0, high: 5.0 }];

    fn ln_p<T: Real>(x: u16, y: u16, ln_lambda: T, ln_mu: T, shapes: &[T]) -> Option<T> {
        Some(one_side(x, ln_lambda, shapes[0]) + one_side(y, ln_mu, shapes[0]))
    }
}

fn one_side<T: Real>(count: u16, ln_mean: T, dispersion: T) -> T {
    let mean = ln_mean.exp();
    let spread = dispersion * mean;
    let logs =
        (1..count).fold(T::constant(0.0), |sum, k| sum + dispersion.times(f64::from(k)).ln_1p());
    let count = f64::from(count);
    logs + ln_mean.times(count) - spread.ln_1p().times(count) - mean * ln_1p_over(spread)
}

/// `ln(1 + z) / z`, which is one at zero.
fn ln_1p_over<T: Real>(z: T) -> T {
    let at = z.value();
    if at.abs() < 0.02 {
        // Σ (−z)ᵏ / (k + 1): twelve terms leave less than 0.02¹² behind.
        let (mut value, mut first, mut second) = (0.0, 0.0, 0.0);
        for k in (0..12).rev() {
            second = second * at + 2.0 * first;
            first = first * at + value;
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            value = value * at + sign / f64::from(k + 1);
        }
        return z.chain(value, first, second);
    }
    let reciprocal = 1.0 / (1.0 + at);
    let value = libm::log1p(at) / at;
    let first = (reciprocal - value) / at;
    let second = (-reciprocal * reciprocal - 2.0 * first) / at;
    z.chain(value, first, second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::jet::Jet;

    #[test]
    fn the_series_near_zero_meets_the_closed_form() {
        let near = ln_1p_over(Jet::<1>::variable(0.019_999_9, 0));
        let beyond = ln_1p_over(Jet::<1>::variable(0.020_000_1, 0));
        assert!((near.value - beyond.value).abs() < 1e-6);
        assert!((near.first[0] - beyond.first[0]).abs() < 1e-6);
        assert!((near.second[0][0] - beyond.second[0][0]).abs() < 1e-6);
        let zero = ln_1p_over(Jet::<1>::variable(0.0, 0));
        assert_eq!((zero.value, zero.first[0], zero.second[0][0]), (1.0, -0.5, 2.0 / 3.0));
    }
}
