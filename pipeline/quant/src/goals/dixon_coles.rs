use super::law::{Law, Local, Rates};
use super::poisson::Poisson;
use super::tally::Pairing;

/// Poisson counts with the four lowest scores re-weighted (Dixon and Coles, 1997, eq. 4.2):
///
/// ```text
/// τ(0,0) = 1 − λμρ    τ(0,1) = 1 + λρ    τ(1,0) = 1 + μρ    τ(1,1) = 1 − ρ
/// ```
///
/// A `rho` that makes any of them zero or negative for any pairing is refused.
pub(super) struct DixonColes;

/// Where a derivative goes: `ln λ`, `ln μ`, `rho`.
const LAMBDA: usize = 0;
const MU: usize = 1;
const RHO: usize = 2;

impl Law for DixonColes {
    const SHAPES: &'static [&'static str] = &["rho"];
    const CONCAVE: bool = false;

    fn start(&self) -> Vec<f64> {
        vec![0.0]
    }

    #[inline]
    fn log_likelihood(
        &self,
        pairing: &Pairing,
        rates: &Rates,
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
        let mut value = Poisson.log_likelihood(pairing, rates, &[], local)?;
        for (score, &weight) in pairing.low.iter().enumerate() {
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
