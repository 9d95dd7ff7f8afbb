//! Goal models: how many goals each side of a match is expected to score, fitted to results.
//!
//! Every model shares one linear predictor (Maher, 1982): for the home side `i` against `j`
//!
//! ```text
//! ln λ = home_advantage + attack_i + defence_j        (goals of the home side)
//! ln μ =                  attack_j + defence_i        (goals of the away side)
//! ```
//!
//! identified by a mean attack of one, so that a lower defence is a better one and an average
//! side away scores `exp(1 + mean defence)`. On neutral ground the home advantage is left out.
//! plus the effects of covariates and the log of the playing time where there are any. The models
//! differ in the law of the score given (λ, μ): see [`Model`].
//!
//! A fit maximises the weighted log-likelihood, each match counting `weight · exp(−xi · age)`
//! with its age in days (Dixon and Coles, 1997, eq. 4.4), less the penalty of the hierarchical
//! prior where one is asked for. It is found by Newton's method on the exact derivatives, and
//! says whether it converged. Matches are put in a canonical order first: the order in which they
//! were given changes no digit.
//!
//! This module knows no odds, no clock and no file.

pub(crate) mod cholesky;
mod composite;
mod error;
mod fit;
mod fitting;
mod grid;
mod identify;
mod jet;
mod laws;
mod model;
mod newton;
mod objective;
mod options;
mod tally;
mod training;

pub use composite::composite;
pub use error::{DataError, FitError, ForecastError, UnknownTeam};
pub use fit::{CovariateEffect, Estimate, Fit, Means, Rates, Setting, TeamStrength};
pub use fitting::{fit, fit_from};
pub use model::{Model, UnknownModel};
pub use options::{FitOptions, Offset, Prior};
pub use training::{MatchResult, Played, TeamId, TrainingSet, TrainingSetBuilder};
