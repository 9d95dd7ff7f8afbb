use super::{Law, Local, LogRates, Matches, Poisson, Shape};

/// Poisson counts with the four lowest scores re-weighted (Dixon and Coles, 1997, eq. 4.2):
///
/// ```text
/// τ(0,0) = 1 − λμρ    τ(0,1) = 1 + λρ    τ(1,0) = 1 + μρ    τ(1,1) = 1 − ρ
/// ```
///
/// A `rho` that makes any of them zero or negative for any pairing is refused.
pub(in crate::goals) struct DixonColes;

/// Where a derivative goes: `ln λ`, `ln μ`, `rho`.
const LAMBDA: usize = 0;
const MU: usize = 1;
const RHO: usize = 2;

impl Law for DixonColes {
    const SHAPES: &'static [Shape] = &[Shape { name: "rho", start: 0.0, low: -1.0, high: 1.0 }];
    const CONCAVE: bool = false;
    type Prepared = ();

    fn prepare(&self, _shapes: &[f64], _goals_max: u16) {}

    #[inline]
    fn log_likelihood(
        &self,
        (): &(),
        matches: Matches<'_>,
        rates: &LogRates,
        shapes: &[f64],
        local: &mut Local,
    ) -> Option<f64> {
        let rho = shapes[0];
        let (lambda, mu) = (rates.lambda, rates.mu);
        // Each τ is 1 + c ρ, with c a product of the means that the low score lets through.
        let slopes = [-lambda * mu, lambda, mu, -1.0];
        let tau = slopes.map(|slope| 1.0 + slope * rho);
        if !tau.iter().all(|&t| t > 0.0) {
            return None;
        }
        let mut value = Poisson.log_likelihood(&(), matches, rates, &[], local)?;
        for (score, &weight) in matches.sums.low.iter().enumerate() {
            if weight == 0.0 {
                continue;
            }
            value += weight * libm::log(tau[score]);
            let slope = slopes[score] / tau[score];
            local.first[RHO] += weight * slope;
            local.second[RHO][RHO] -= weight * slope * slope;
            // With s = cρ/τ and τ' = cρ for each log-mean in c: (ln τ)' = s, (ln τ)'' = s/τ, and
            // the derivative of (ln τ)' in ρ is c/τ².
            let first = weight * slope * rho;
            let second = first / tau[score];
            let mixed = weight * slope / tau[score];
            let (through_lambda, through_mu) = (score == 0 || score == 1, score == 0 || score == 2);
            if through_lambda {
                local.first[LAMBDA] += first;
                local.second[LAMBDA][LAMBDA] += second;
                local.second[RHO][LAMBDA] += mixed;
            }
            if through_mu {
                local.first[MU] += first;
                local.second[MU][MU] += second;
                local.second[RHO][MU] += mixed;
            }
            if through_lambda && through_mu {
                local.second[MU][LAMBDA] += second;
            }
        }
        Some(value)
    }
}
