//! What Newton's method asks of the law of a score.

use super::tally::Pairing;

/// The most variables of one pairing's likelihood: `ln λ`, `ln μ` and the law's own shapes.
pub(super) const LOCAL_MAX: usize = 5;

/// First and second derivatives of one pairing's log-likelihood in its local variables: `ln λ`,
/// `ln μ`, then the shapes. Of the symmetric second derivatives the lower triangle is filled.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Local {
    pub(super) first: [f64; LOCAL_MAX],
    pub(super) second: [[f64; LOCAL_MAX]; LOCAL_MAX],
}

/// The logs of a pairing's two means, and the means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    pub(super) ln_lambda: f64,
    pub(super) ln_mu: f64,
    pub(super) lambda: f64,
    pub(super) mu: f64,
}

/// The law of a score given the two means and its own shape parameters.
pub(super) trait Law {
    /// The shapes' names in artefacts.
    const SHAPES: &'static [&'static str];

    /// Whether the log-likelihood is concave everywhere, so that a singular curvature means that
    /// the data do not determine the parameters.
    const CONCAVE: bool;

    /// Where the shapes start; there the law is (close to) the independent Poisson.
    fn start(&self) -> Vec<f64>;

    /// The log-likelihood of a pairing, less its constant, and its derivatives into `local`,
    /// which comes zeroed. `None` where the law is no law: a probability would be negative.
    fn log_likelihood(
        &self,
        pairing: &Pairing,
        rates: &Rates,
        shapes: &[f64],
        local: &mut Local,
    ) -> Option<f64>;
}
