//! The methods' equations: implied probabilities in, fair ones out, in place.

use super::{DevigError, Method, Parameter, jensen_shannon};
use crate::root;

/// Puts the fair probabilities in the place of the implied ones.
///
/// `overround` is their sum.
pub(super) fn take_out(
    method: Method,
    implied: &mut [f64],
    overround: f64,
    target: f64,
) -> Result<Option<Parameter>, DevigError> {
    let selections = implied.len();
    if selections < 2 {
        return Err(DevigError::TooFew(selections));
    }
    if !(target > 0.0 && target < selections as f64) {
        return Err(DevigError::Target { target, selections });
    }
    let market = Market { implied, overround, target };
    let solved = match method {
        Method::Multiplicative => Some(market.multiplicative()),
        Method::Additive | Method::DifferentialMargin => Some(market.additive()),
        Method::Power => market.power(),
        Method::Shin => market.shin(),
        Method::OddsRatio => market.odds_ratio(),
        Method::Logarithmic => market.logarithmic(),
        Method::Goto => Some(market.goto()),
        Method::BalancedBooks => Some(market.balanced_books()),
        Method::JensenShannon => market.jensen_shannon(),
    };
    let parameter = solved.ok_or(DevigError::NoSolution { method, overround, target })?;
    let outside = implied.iter().position(|p| !(*p > 0.0 && *p < 1.0));
    match outside {
        // A certain winner is a probability, though none that a method makes of real odds.
        Some(selection) if implied[selection] != 1.0 => {
            Err(DevigError::NoProbability { method, selection, value: implied[selection] })
        }
        _ => Ok(parameter),
    }
}

struct Market<'a> {
    /// Implied probabilities in, fair ones out.
    implied: &'a mut [f64],
    overround: f64,
    target: f64,
}

/// `None` when the method's equation has no solution.
type Solved = Option<Option<Parameter>>;

const fn parameter(name: &'static str, value: f64) -> Option<Parameter> {
    Some(Parameter { name, value })
}

impl Market<'_> {
    fn multiplicative(self) -> Option<Parameter> {
        let share = self.target / self.overround;
        self.implied.iter_mut().for_each(|p| *p *= share);
        None
    }

    fn additive(self) -> Option<Parameter> {
        let each = (self.overround - self.target) / self.implied.len() as f64;
        self.implied.iter_mut().for_each(|p| *p -= each);
        None
    }

    fn goto(self) -> Option<Parameter> {
        let errors: f64 = self.implied.iter().map(|p| (1.0 - p).sqrt()).sum();
        let step = (self.overround - self.target) / errors;
        self.implied.iter_mut().for_each(|p| *p -= step * (1.0 - *p).sqrt());
        parameter("step", step)
    }

    fn balanced_books(self) -> Option<Parameter> {
        // By what is lacking to one, whose digits are all there where every price is near one.
        let lacking: f64 = self.implied.iter().map(|p| 1.0 - p).sum();
        let kept = lacking / (self.implied.len() as f64 - self.target);
        self.implied.iter_mut().for_each(|p| *p = 1.0 - (1.0 - *p) / kept);
        parameter("z", 1.0 - kept)
    }

    fn jensen_shannon(self) -> Solved {
        let distance = jensen_shannon::moved(self.implied, self.target)?;
        Some(parameter("distance", distance))
    }

    fn power(self) -> Solved {
        let k = power(self.implied, self.target)?;
        Some(parameter("k", k))
    }

    fn odds_ratio(self) -> Solved {
        let c = odds_ratio(self.implied, self.target)?;
        Some(parameter("c", c))
    }

    fn logarithmic(self) -> Solved {
        let c = odds_ratio(self.implied, self.target)?;
        Some(parameter("c", libm::log(c)))
    }

    fn shin(self) -> Solved {
        let (overround, target) = (self.overround, self.target);
        match &mut *self.implied {
            [one, other] if target == 1.0 => {
                // Clarke, Kovalchik and Ingram (2017), section 3: the additive method.
                let apart = *one - *other;
                let excess = overround - 1.0;
                let z = excess * (apart * apart - overround) / (overround * (apart * apart - 1.0));
                let sure = ((1.0 - *other) + *one) / 2.0;
                *other = ((1.0 - *one) + *other) / 2.0;
                *one = sure;
                Some(parameter("z", z))
            }
            implied => {
                let scale = target / overround;
                implied.iter_mut().for_each(|p| *p = *p * *p * scale);
                let z = insiders(implied, (target * overround).sqrt(), target)?;
                implied.iter_mut().for_each(|a| *a = shin_probability(*a, z));
                Some(parameter("z", z))
            }
        }
    }
}

/// Puts `p = π^k` in place, with `k` such that they add up to `target`; gives `k`.
///
/// `ln Σ exp(k ln π)` is convex and falls in `k`: from a point left of the root, and after one
/// step from the right, Newton's steps rise to it.
pub(super) fn power(implied: &mut [f64], target: f64) -> Option<f64> {
    const STEPS_MAX: u32 = 200;
    implied.iter_mut().for_each(|p| *p = libm::log(*p));
    let log_target = libm::log(target);
    let mut k = 1.0;
    for _ in 0..STEPS_MAX {
        let (mut sum, mut weighted) = (0.0, 0.0);
        for log in implied.iter() {
            let p = libm::exp(k * log);
            sum += p;
            weighted += p * log;
        }
        let next = (k - (libm::log(sum) - log_target) * sum / weighted).max(0.0);
        let step = (next - k).abs();
        k = next;
        // Newton squares what is missing: after a step this short nothing is.
        if step <= 1e-9 * k {
            implied.iter_mut().for_each(|log| *log = libm::exp(k * *log));
            return Some(k);
        }
    }
    None
}

/// Puts `p = π / (π + c(1 − π))` in place, with `c` such that they add up to `target`; gives `c`.
pub(super) fn odds_ratio(implied: &mut [f64], target: f64) -> Option<f64> {
    // The odds against: p = 1/(1 + c·against), so the extreme ones bound c.
    let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
    for p in implied.iter_mut() {
        *p = (1.0 - *p) / *p;
        least = least.min(*p);
        most = most.max(*p);
    }
    let all_alike = implied.len() as f64 / target - 1.0;
    let (low, high) = (libm::log(all_alike / most), libm::log(all_alike / least));
    let c = if low < high {
        // In ln c the logarithm of the sum is nearly straight where the probabilities are small.
        // The bracket's ends are rounded: a hair wider keeps a root at an end inside.
        let log_c = root::falling(low - 1e-9, high + 1e-9, 0.0, |log_c| {
            let c = libm::exp(log_c);
            let (mut sum, mut slope) = (0.0, 0.0);
            for against in implied.iter() {
                let p = 1.0 / (1.0 + c * against);
                sum += p;
                slope -= p * (1.0 - p);
            }
            (libm::log(sum / target), slope / sum)
        });
        libm::exp(log_c?)
    } else {
        all_alike / most
    };
    implied.iter_mut().for_each(|against| *against = 1.0 / (1.0 + c * *against));
    Some(c)
}

/// The share of insiders `z` at which the positive roots of `(1 − z)p² + zp = a` add up to
/// `target`; `start_sum` is their sum without insiders, `Σ√a`.
///
/// Each root falls in `z` from `√a` at 0 to `a` at 1, and rises to 1 as `z` goes to −∞.
fn insiders(scaled: &[f64], start_sum: f64, target: f64) -> Option<f64> {
    if scaled.iter().any(|a| *a >= 1.0) {
        return None;
    }
    let selections = scaled.len() as f64;
    // The sum of the roots over one denominator, with its slope.
    let sum = |z: f64| {
        let (mut roots, mut slopes) = (0.0, 0.0);
        for a in scaled {
            let root = (z * z + 4.0 * (1.0 - z) * a).sqrt();
            roots += root;
            slopes += (z - 2.0 * a) / root;
        }
        let halves = 0.5 / (1.0 - z);
        let sum = (roots - selections * z) * halves;
        (sum - target, (slopes - selections + 2.0 * sum) * halves)
    };
    // Newton's step from z = 0, where the slope is known in closed form.
    let first = 2.0 * (start_sum - target) / (selections - start_sum);
    if first == 0.0 {
        return Some(0.0);
    }
    if first > 0.0 {
        root::falling(0.0, 1.0, first, sum)
    } else {
        // In u = 1/(1 − z) the bracket is finite: 0..1.
        let u = root::falling(0.0, 1.0, 1.0 / (1.0 - first), |u| {
            let (value, slope) = sum(1.0 - 1.0 / u);
            (value, slope / (u * u))
        })?;
        Some(1.0 - 1.0 / u)
    }
}

/// The positive root `p` of `(1 − z)p² + zp = a`.
fn shin_probability(a: f64, z: f64) -> f64 {
    let root = (z * z + 4.0 * (1.0 - z) * a).sqrt();
    // Of the two forms of the root, the one that subtracts nothing.
    if z >= 0.0 { 2.0 * a / (root + z) } else { (root - z) / (2.0 * (1.0 - z)) }
}
