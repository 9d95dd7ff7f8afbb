use super::law::{Law, Local, Rates};
use super::tally::Pairing;

/// Independent Poisson counts (Maher, 1982): `ln L = Σ w (x ln λ − λ + y ln μ − μ)`.
pub(super) struct Poisson;

impl Law for Poisson {
    const SHAPES: &'static [&'static str] = &[];
    const CONCAVE: bool = true;

    fn start(&self) -> Vec<f64> {
        Vec::new()
    }

    #[inline]
    fn log_likelihood(
        &self,
        pairing: &Pairing,
        rates: &Rates,
        _shapes: &[f64],
        local: &mut Local,
    ) -> Option<f64> {
        let expected = [pairing.weight * rates.lambda, pairing.weight * rates.mu];
        local.first[0] = pairing.home_goals - expected[0];
        local.first[1] = pairing.away_goals - expected[1];
        local.second[0][0] = -expected[0];
        local.second[1][1] = -expected[1];
        Some(
            pairing.home_goals * rates.ln_lambda - expected[0] + pairing.away_goals * rates.ln_mu
                - expected[1],
        )
    }
}
