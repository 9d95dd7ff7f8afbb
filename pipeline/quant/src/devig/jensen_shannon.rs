//! The method of one Jensen–Shannon distance.
//!
//! Between a selection that wins with probability `p` and one with `π` lies the distance
//! `D = √J`, `J` being the mean of the divergences of the two from their midpoint `m`:
//! `2J = p·ln(p/m) + (1−p)·ln((1−p)/(1−m)) + π·ln(π/m) + (1−π)·ln((1−π)/(1−m))`.
//! The book is taken to move each selection by the same distance (C. D. Long; the R package
//! `implied`).

use crate::root;

/// Moves every probability by one signed distance, such that they add up to `target`; gives it,
/// positive where they fall.
pub(super) fn moved(probabilities: &mut [f64], target: f64) -> Option<f64> {
    let sum: f64 = probabilities.iter().sum();
    if sum == target {
        return Some(0.0);
    }
    // As far as the first of them can go.
    let end = if sum > target { 0.0 } else { 1.0 };
    let far =
        probabilities.iter().map(|p| divergence(end, *p).sqrt()).fold(f64::INFINITY, f64::min);
    let (low, high) = if sum > target { (0.0, far) } else { (-far, 0.0) };
    let spread: f64 = probabilities.iter().map(|p| near(*p)).sum();
    let mut solvable = true;
    let distance = root::falling(low, high, (sum - target) / spread, |distance| {
        let (mut sum, mut slope) = (0.0, 0.0);
        for p in probabilities.iter() {
            let Some(other) = at_distance(*p, distance) else {
                solvable = false;
                return (f64::NAN, 0.0);
            };
            sum += other;
            slope -= 1.0 / steepness(other, *p);
        }
        (sum - target, slope)
    })?;
    if !solvable || distance.abs() >= far {
        return None;
    }
    for p in probabilities.iter_mut() {
        *p = at_distance(*p, distance)?;
    }
    // What the search left of rounding is shared out.
    let rounded = target / probabilities.iter().sum::<f64>();
    probabilities.iter_mut().for_each(|p| *p *= rounded);
    Some(distance)
}

/// The probability at this distance below `from`, or above it for a negative one.
fn at_distance(from: f64, distance: f64) -> Option<f64> {
    if distance == 0.0 {
        return Some(from);
    }
    let start = from - distance * near(from);
    if distance > 0.0 {
        let apart = |p: f64| (divergence(p, from).sqrt() - distance, -steepness(p, from));
        root::falling(0.0, from, start, apart)
    } else {
        let apart = |p: f64| (-distance - divergence(p, from).sqrt(), -steepness(p, from));
        root::falling(from, 1.0, start, apart)
    }
}

/// `J` of two probabilities. The parts that cancel are left out before they are rounded.
fn divergence(p: f64, other: f64) -> f64 {
    let half = (p - other) / 2.0;
    // w·(x − ln(1 + x)) at x = by/w, which for w = 0 is its limit.
    let part = |weight: f64, by: f64| {
        if weight <= 0.0 { by } else { by - weight * libm::log1p(by / weight) }
    };
    let parts = part(p, -half) + part(other, half) + part(1.0 - p, half) + part(1.0 - other, -half);
    (parts / 2.0).max(0.0)
}

/// `|dD/dp|`.
fn steepness(p: f64, other: f64) -> f64 {
    let middle = (p + other) / 2.0;
    let apart = divergence(p, other).sqrt();
    if apart == 0.0 {
        return 1.0 / near(other);
    }
    let slope = libm::log(p * (1.0 - middle) / ((1.0 - p) * middle)) / 2.0;
    (slope / (2.0 * apart)).abs()
}

/// By how much a probability near `p` differs for each unit of distance: `√(8p(1−p))`.
fn near(p: f64) -> f64 {
    (8.0 * p * (1.0 - p)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_divergence_is_that_of_its_definition() {
        for (p, q) in [(0.2_f64, 0.25_f64), (0.5, 0.9), (0.01, 0.02), (0.7, 0.3)] {
            let m = (p + q) / 2.0;
            let from = |a: f64| a * libm::log(a / m) + (1.0 - a) * libm::log((1.0 - a) / (1.0 - m));
            assert!((divergence(p, q) - (from(p) + from(q)) / 2.0).abs() < 1e-15);
        }
    }

    #[test]
    fn the_slope_is_that_of_finite_differences() {
        for (p, q) in [(0.2, 0.25), (0.9, 0.5), (0.01, 0.02)] {
            let at = |p: f64| divergence(p, q).sqrt();
            let difference = ((at(p + 1e-7) - at(p - 1e-7)) / 2e-7).abs();
            assert!((steepness(p, q) / difference - 1.0).abs() < 1e-6);
        }
        assert!((steepness(0.3 + 1e-9, 0.3) / steepness(0.3, 0.3) - 1.0).abs() < 1e-3);
    }
}
