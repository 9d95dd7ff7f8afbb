use super::{ScoreLaw, Shape};
use crate::goals::jet::Real;

/// Bivariate Poisson counts (Karlis and Ntzoufras, 2003, eq. 1): both sides share a third count
/// with mean `λ₃ ≥ 0`, their covariance, so that the means are `λ + λ₃` and `μ + λ₃`:
///
/// ```text
/// P(x,y) = e^−(λ+μ+λ₃) λˣ/x! μʸ/y! Σₖ C(x,k) C(y,k) k! (λ₃/λμ)ᵏ
/// ```
pub(in crate::goals) struct BivariatePoisson;

impl ScoreLaw for BivariatePoisson {
    const SHAPES: &'static [Shape] =
        &[Shape { name: "covariance", start: 0.05, low: 0.0, high: 2.0 }];

    fn ln_p<T: Real>(x: u16, y: u16, ln_lambda: T, ln_mu: T, shapes: &[T]) -> Option<T> {
        let shared = shapes[0];
        let ratio = shared * (-(ln_lambda + ln_mu)).exp();
        let mut term = T::constant(1.0);
        let mut sum = term;
        for k in 1..=x.min(y) {
            // C(x,k) C(y,k) k! grows from k − 1 by (x − k + 1)(y − k + 1) / k.
            let growth = f64::from(x - k + 1) * f64::from(y - k + 1) / f64::from(k);
            term = (term * ratio).times(growth);
            sum = sum + term;
        }
        let means = ln_lambda.exp() + ln_mu.exp() + shared;
        Some(ln_lambda.times(f64::from(x)) + ln_mu.times(f64::from(y)) - means + sum.ln())
    }
}
