use super::{Law, Local, LogRates, Matches, Shape};

/// Independent Poisson counts (Maher, 1982): `ln L = Σ w (x ln λ − λ + y ln μ − μ)`.
pub(in crate::goals) struct Poisson;

impl Law for Poisson {
    const SHAPES: &'static [Shape] = &[];
    const CONCAVE: bool = true;
    type Prepared = ();

    fn prepare(&self, _shapes: &[f64], _goals_max: u16) {}

    #[inline]
    fn log_likelihood(
        &self,
        (): &(),
        matches: Matches<'_>,
        rates: &LogRates,
        _shapes: &[f64],
        local: &mut Local,
    ) -> Option<f64> {
        let sums = matches.sums;
        let expected = [sums.weight * rates.lambda, sums.weight * rates.mu];
        local.first[0] = sums.home_goals - expected[0];
        local.first[1] = sums.away_goals - expected[1];
        local.second[0][0] = -expected[0];
        local.second[1][1] = -expected[1];
        let home = sums.home_goals * rates.ln_lambda - expected[0];
        Some(home + sums.away_goals * rates.ln_mu - expected[1])
    }
}
