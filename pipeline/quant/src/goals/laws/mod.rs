//! The laws of a score given the rates of both sides, as Newton's method asks for them.

mod bivariate_poisson;
mod by_score;
mod conway_maxwell_poisson;
mod dixon_coles;
mod frank;
mod hurdle;
mod negative_binomial;
mod poisson;
mod weibull;
mod zero_inflated;

pub(super) use bivariate_poisson::BivariatePoisson;
pub(super) use by_score::{ByScore, ScoreLaw};
pub(super) use conway_maxwell_poisson::{
    ConwayMaxwellPoisson, mean as conway_maxwell_poisson_mean,
};
pub(super) use dixon_coles::DixonColes;
pub(super) use hurdle::Hurdle;
pub(super) use negative_binomial::NegativeBinomial;
pub(super) use poisson::Poisson;
pub(super) use weibull::{Series, WeibullCopula, marginal};
pub(super) use zero_inflated::ZeroInflated;

use super::tally::{Pairing, Score};

/// The most variables of one pairing's likelihood: `ln λ`, `ln μ` and the law's own shapes.
pub(super) const LOCAL_MAX: usize = 4;

/// First and second derivatives of one pairing's log-likelihood in its local variables: `ln λ`,
/// `ln μ`, then the shapes. Of the symmetric second derivatives the lower triangle is filled.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Local {
    pub(super) first: [f64; LOCAL_MAX],
    pub(super) second: [[f64; LOCAL_MAX]; LOCAL_MAX],
}

/// The logs of a pairing's two rates, and the rates.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogRates {
    pub(super) ln_lambda: f64,
    pub(super) ln_mu: f64,
    pub(super) lambda: f64,
    pub(super) mu: f64,
}

/// A parameter of the law itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Its name in artefacts.
    pub(super) name: &'static str,
    /// Where it starts; there the law is, or is close to, the independent Poisson.
    pub(super) start: f64,
    /// The range in which it is sought, ends included.
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The law of a score given the two rates and its own shape parameters.
pub(super) trait Law {
    /// The law's own parameters.
    const SHAPES: &'static [Shape];

    /// Whether the log-likelihood is concave everywhere, so that a singular curvature means that
    /// the data do not determine the parameters.
    const CONCAVE: bool;

    /// What depends on the shapes alone, and is computed once for all pairings.
    type Prepared;

    /// Prepares for these shapes; `goals_max` is the highest count among the scores.
    fn prepare(&self, shapes: &[f64], goals_max: u16) -> Self::Prepared;

    /// The log-likelihood of a pairing, less `Σ w (−ln x! − ln y!)`, and its derivatives into
    /// `local`, which comes zeroed. `None` where the law is no law (a probability would be
    /// negative) or cannot be computed.
    fn log_likelihood(
        &self,
        prepared: &Self::Prepared,
        matches: Matches<'_>,
        rates: &LogRates,
        shapes: &[f64],
        local: &mut Local,
    ) -> Option<f64>;
}

/// The matches of a pairing: their sums, and their scores one by one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matches<'a> {
    pub(super) sums: &'a Pairing,
    pub(super) scores: &'a [Score],
}
