use super::{ScoreLaw, Shape};
use crate::goals::jet::Real;

/// Independent Conway–Maxwell–Poisson counts with a common `ν > 0`: Poisson at `ν = 1`, more spread
/// below it, less above (Shmueli et al., 2005). At a rate `r`:
///
/// ```text
/// ln P(x) = x ln θ − ν ln x! − ln Σⱼ θʲ / (j!)^ν,    θ = (r + (ν − 1) / 2ν)^ν
/// ```
///
/// The rate is the mean but for the error of Shmueli et al.'s approximation, as in the R package
/// `goalmodel`; there is no law where `θ` has no positive base.
pub(in crate::goals) struct ConwayMaxwellPoisson;

/// Terms of the sum after which it is given up.
const TERMS_MAX: u16 = 400;

impl ScoreLaw for ConwayMaxwellPoisson {
    const SHAPES: &'static [Shape] = &[Shape { name: "nu", start: 1.0, low: 0.4, high: 4.0 }];

    fn ln_p<T: Real>(x: u16, y: u16, ln_lambda: T, ln_mu: T, shapes: &[T]) -> Option<T> {
        Some(one_side(x, ln_lambda, shapes[0])? + one_side(y, ln_mu, shapes[0])?)
    }
}

fn one_side<T: Real>(count: u16, ln_rate: T, nu: T) -> Option<T> {
    let ln_theta = ln_theta(ln_rate, nu)?;
    let ln_factorial: f64 = (2..=count).map(|k| libm::log(f64::from(k))).sum();
    let less = (nu - T::constant(1.0)).times(ln_factorial);
    Some(ln_theta.times(f64::from(count)) - less - ln_sum(ln_theta, nu)?)
}

fn ln_theta<T: Real>(ln_rate: T, nu: T) -> Option<T> {
    let at = nu.value();
    let reciprocal = nu.chain(1.0 / at, -1.0 / (at * at), 2.0 / (at * at * at));
    let base = ln_rate.exp() + (T::constant(1.0) - reciprocal).times(0.5);
    (base.value() > 0.0).then(|| nu * base.ln())
}

/// `ln Σⱼ θʲ / (j!)^ν`.
fn ln_sum<T: Real>(ln_theta: T, nu: T) -> Option<T> {
    let mut term = T::constant(1.0);
    let mut sum = term;
    for j in 1..TERMS_MAX {
        let ratio = (ln_theta - nu.times(libm::log(f64::from(j)))).exp();
        term = term * ratio;
        sum = sum + term;
        // From there on each is less than half of the one before.
        if ratio.value() < 0.5 && term.value() < 1e-20 * sum.value() {
            return Some(sum.ln());
        }
    }
    None
}

/// The expected goals at a rate; zero where there is no law.
pub(in crate::goals) fn mean(rate: f64, nu: f64) -> f64 {
    let Some(ln_theta) = ln_theta(libm::log(rate), nu) else { return 0.0 };
    let (mut term, mut sum, mut weighted) = (1.0, 1.0, 0.0);
    for j in 1..TERMS_MAX {
        let j = f64::from(j);
        let ratio = libm::exp(ln_theta - nu * libm::log(j));
        term *= ratio;
        sum += term;
        weighted += j * term;
        if ratio < 0.5 && j * term < 1e-20 * sum {
            break;
        }
    }
    weighted / sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_one_it_is_the_poisson() {
        for (count, rate) in [(0, 0.4_f64), (3, 1.7), (9, 4.0)] {
            let found = one_side(count, libm::log(rate), 1.0).unwrap();
            assert!((found - (f64::from(count) * libm::log(rate) - rate)).abs() < 1e-12);
            assert!((mean(rate, 1.0) - rate).abs() < 1e-12);
        }
    }

    #[test]
    fn its_probabilities_add_up_and_its_mean_is_near_the_rate() {
        for nu in [0.6, 1.4, 3.0] {
            let p = |x: u16| {
                let ln_factorial = libm::lgamma(f64::from(x) + 1.0);
                libm::exp(one_side(x, libm::log(1.6), nu).unwrap() - ln_factorial)
            };
            let total: f64 = (0..120).map(p).sum();
            let expected: f64 = (0..120).map(|x| f64::from(x) * p(x)).sum();
            assert!((total - 1.0).abs() < 1e-12, "{nu}: {total}");
            assert!((mean(1.6, nu) - expected).abs() < 1e-12, "{nu}: {expected}");
            assert!((expected - 1.6).abs() < 0.1, "{nu}: {expected}");
        }
    }

    #[test]
    fn a_rate_too_small_for_the_spread_has_no_law() {
        assert_eq!(one_side(0, libm::log(0.2), 0.5), None);
        assert_eq!(mean(0.2, 0.5), 0.0);
    }
}
