use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The law of a score given the rates of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Two independent Poisson counts (Maher, 1982).
    Poisson,
    /// Poisson with the four lowest scores re-weighted by `rho` (Dixon and Coles, 1997).
    DixonColes,
    /// Poisson counts that share a third, `covariance` (Karlis and Ntzoufras, 2003).
    BivariatePoisson,
    /// Counts with variance `λ + dispersion · λ²` (Cameron and Trivedi, 2013, NB2).
    NegativeBinomial,
    /// Poisson, but with probability `zero_inflation` no goal whatever the rate (Lambert, 1992).
    ZeroInflatedPoisson,
    /// Poisson above a hurdle that the first goal passes at `hurdle` times the rate (Mullahy,
    /// 1986).
    HurdlePoisson,
    /// Conway–Maxwell–Poisson counts, more spread than the Poisson below a common `nu` of one, less
    /// above (Shmueli et al., 2005).
    ConwayMaxwellPoisson,
    /// Weibull counts of a common `shape` joined by Frank's copula with dependence `kappa`
    /// (Boshnakov, Kharrat and McHale, 2017).
    WeibullCopula,
}

impl Model {
    /// Every model that can be fitted.
    pub const ALL: [Self; 8] = [
        Self::Poisson,
        Self::DixonColes,
        Self::BivariatePoisson,
        Self::NegativeBinomial,
        Self::ZeroInflatedPoisson,
        Self::HurdlePoisson,
        Self::ConwayMaxwellPoisson,
        Self::WeibullCopula,
    ];

    /// The name as it is written in artefacts and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::DixonColes => "dixon_coles",
            Self::BivariatePoisson => "bivariate_poisson",
            Self::NegativeBinomial => "negative_binomial",
            Self::ZeroInflatedPoisson => "zero_inflated_poisson",
            Self::HurdlePoisson => "hurdle_poisson",
            Self::ConwayMaxwellPoisson => "conway_maxwell_poisson",
            Self::WeibullCopula => "weibull_copula",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is no model's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown goal model `{0}`; known: {known}", known = Model::ALL.map(Model::as_str).join(", "))]
pub struct UnknownModel(pub String);

impl FromStr for Model {
    type Err = UnknownModel;

    /// Reads the name; hyphens count as underscores.
    fn from_str(text: &str) -> Result<Self, UnknownModel> {
        let name = text.replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|model| model.as_str() == name)
            .ok_or_else(|| UnknownModel(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_read_with_hyphens_or_underscores() {
        for model in Model::ALL {
            assert_eq!(model.as_str().parse(), Ok(model));
            assert_eq!(model.as_str().replace('_', "-").parse(), Ok(model));
            let json = serde_json::to_string(&model).unwrap();
            assert_eq!(json, format!("\"{model}\""));
        }
        assert!("elo".parse::<Model>().is_err());
    }
}
