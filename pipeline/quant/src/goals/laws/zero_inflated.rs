use super::{ScoreLaw, Shape};
use crate::goals::jet::Real;

/// Independent zero-inflated Poisson counts (Lambert, 1992): with probability `p` a side does not
/// score whatever its rate, so that the mean is `(1 − p) λ`:
///
/// ```text
/// P(0) = p + (1 − p) e^−λ        P(x) = (1 − p) e^−λ λˣ/x!
/// ```
pub(in crate::goals) struct ZeroInflated;

impl ScoreLaw for ZeroInflated {
    const SHAPES: &'static [Shape] =
        &[Shape { name: "zero_inflation", start: 0.01, low: 0.0, high: 0.9 }];

    fn ln_p<T: Real>(x: u16, y: u16, ln_lambda: T, ln_mu: T, shapes: &[T]) -> Option<T> {
        Some(one_side(x, ln_lambda, shapes[0]) + one_side(y, ln_mu, shapes[0]))
    }
}

fn one_side<T: Real>(count: u16, ln_rate: T, inflation: T) -> T {
    let rate = ln_rate.exp();
    if count == 0 {
        return (inflation + inflation.complement() * (-rate).exp()).ln();
    }
    (-inflation).ln_1p() + ln_rate.times(f64::from(count)) - rate
}
