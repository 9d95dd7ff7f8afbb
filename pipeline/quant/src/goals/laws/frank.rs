//! Frank's copula.

use crate::goals::jet::Real;

/// Below this the closed form loses its derivatives to rounding, and the series does not.
const SERIES_BELOW: f64 = 1e-3;

/// Frank's copula (Nelsen, 2006, 4.2.5): the joint probability of two events with probabilities
/// `u` and `v`, with `κ` positive where they come together and negative where they avoid each
/// other:
///
/// ```text
/// C(u,v) = −ln(1 + (e^−κu − 1)(e^−κv − 1) / (e^−κ − 1)) / κ
/// ```
pub(super) fn frank<T: Real>(u: T, v: T, kappa: T) -> T {
    if kappa.value().abs() < SERIES_BELOW {
        // uv (1 + κ/2 (1−u)(1−v) (1 + κ/6 (1−2u)(1−2v))) + O(κ³).
        let half = |p: T| p.times(2.0).complement();
        let inner = (kappa.times(1.0 / 6.0) * half(u) * half(v)).plus(1.0);
        let outer = kappa.times(0.5) * u.complement() * v.complement() * inner;
        return u * v * outer.plus(1.0);
    }
    let part = |p: T| (-(kappa * p)).exp_m1();
    let whole = (-kappa).exp_m1();
    -((part(u) * part(v) * whole.reciprocal()).ln_1p() * kappa.reciprocal())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::jet::Jet;

    #[test]
    fn the_series_near_independence_meets_the_closed_form() {
        let at = |kappa: f64| {
            let jet = |value, index| Jet::<3>::variable(value, index);
            frank(jet(0.3, 0), jet(0.8, 1), jet(kappa, 2))
        };
        for sign in [-1.0, 1.0] {
            let (near, beyond) = (at(sign * 0.999_999e-3), at(sign * 1.000_001e-3));
            assert!((near.value - beyond.value).abs() < 1e-9);
            for i in 0..3 {
                assert!((near.first[i] - beyond.first[i]).abs() < 1e-7, "{i}");
                for j in 0..=i {
                    let apart = (near.second[i][j] - beyond.second[i][j]).abs();
                    assert!(apart < 1e-4, "{i} {j}: {apart}");
                }
            }
        }
        assert!((frank(0.3, 0.8, 0.0) - 0.24).abs() < 1e-15);
    }

    #[test]
    fn the_margins_are_uniform_and_strong_dependence_reaches_its_bounds() {
        for kappa in [-20.0, -1.0, 0.0, 0.5, 20.0] {
            assert!((frank(0.37, 1.0, kappa) - 0.37).abs() < 1e-12);
            assert!(frank(0.37, 0.0, kappa).abs() < 1e-15);
        }
        assert!((frank(0.3, 0.8, 30.0) - 0.3).abs() < 1e-3);
        assert!((frank(0.3, 0.8, -30.0) - 0.1).abs() < 1e-2);
    }
}
