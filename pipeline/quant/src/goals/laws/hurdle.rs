use super::{ScoreLaw, Shape};
use crate::goals::jet::Real;

/// Independent Poisson hurdle counts (Mullahy, 1986, section 2): a side passes the hurdle of its
/// first goal at `ω` times its rate, and what it scores then is a Poisson count above zero. At
/// `ω = 1` it is the Poisson:
///
/// ```text
/// P(0) = e^−ωλ        P(x) = (1 − e^−ωλ) e^−λ λˣ/x! / (1 − e^−λ)
/// ```
pub(in crate::goals) struct Hurdle;

impl ScoreLaw for Hurdle {
    const SHAPES: &'static [Shape] = &[Shape { name: "hurdle", start: 1.0, low: 0.05, high: 20.0 }];

    fn ln_p<T: Real>(x: u16, y: u16, ln_lambda: T, ln_mu: T, shapes: &[T]) -> Option<T> {
        Some(one_side(x, ln_lambda, shapes[0]) + one_side(y, ln_mu, shapes[0]))
    }
}

fn one_side<T: Real>(count: u16, ln_rate: T, hurdle: T) -> T {
    let rate = ln_rate.exp();
    let first = hurdle * rate;
    if count == 0 {
        return -first;
    }
    ln_of_some(first) + ln_rate.times(f64::from(count)) - rate - ln_of_some(rate)
}

/// `ln(1 − e^−z)`, the log of the probability of any event at rate `z`.
fn ln_of_some<T: Real>(rate: T) -> T {
    let z = rate.value();
    let first = 1.0 / libm::expm1(z);
    rate.chain(libm::log(-libm::expm1(-z)), first, -first * (1.0 + first))
}
