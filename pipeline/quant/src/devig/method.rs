use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the margin is taken out of a book's odds: from implied probabilities `π = 1/odds` to fair
/// ones `p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The same share of each: `p = π / Σπ`.
    Multiplicative,
    /// The same amount from each: `p = π − (Σπ − 1)/n`. Refuses where that is more than a
    /// longshot has.
    Additive,
    /// A common power: `p = π^k` (Vovk and Zhdanov 2009; Clarke, Kovalchik and Ingram 2017).
    /// Parameter `k`.
    Power,
    /// A market of which a share `z` are insiders: `p = (√(z² + 4(1 − z)π²/Σπ) − z) / (2(1 − z))`
    /// (Shin 1993; Jullien and Salanié 1994). Parameter `z`, negative below an overround of one.
    /// Two selections have the additive method's probabilities.
    Shin,
    /// A common odds ratio between fair and offered: `p/(1 − p) = π/(1 − π) / c` (Cheung 2015).
    /// Parameter `c`.
    OddsRatio,
    /// A common shift of the log-odds: `logit p = logit π − c`. The odds ratio's probabilities,
    /// with its logarithm as the parameter `c`. What Buchdahl calls the logarithmic method is
    /// `power`.
    Logarithmic,
    /// The margin in proportion to the odds: fair odds `n·o / (n − (Σπ − 1)·o)` (Buchdahl 2015),
    /// which are the additive method's.
    DifferentialMargin,
    /// The same number of standard errors from each: `p = π − s·√(1 − π)` (Goto 2023). Parameter
    /// `step`, the `s`.
    Goto,
    /// Shin's market of insiders with a book that minimises its risk instead of maximising its
    /// profit: `p = (π − z)/(1 − z)` with `z = (Σπ − 1)/(n − 1)` (Fingleton and Waldron 1999).
    /// Parameter `z`. Refuses as `additive` does, only sooner.
    BalancedBooks,
    /// The same Jensen–Shannon distance between each fair probability and the implied one (C. D.
    /// Long; the R package `implied`). Parameter `distance`. Refuses where it is more than a
    /// longshot has.
    JensenShannon,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 10] = [
        Self::Multiplicative,
        Self::Additive,
        Self::Power,
        Self::Shin,
        Self::OddsRatio,
        Self::Logarithmic,
        Self::DifferentialMargin,
        Self::Goto,
        Self::BalancedBooks,
        Self::JensenShannon,
    ];

    /// The method as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Multiplicative => "multiplicative",
            Self::Additive => "additive",
            Self::Power => "power",
            Self::Shin => "shin",
            Self::OddsRatio => "odds_ratio",
            Self::Logarithmic => "logarithmic",
            Self::DifferentialMargin => "differential_margin",
            Self::Goto => "goto",
            Self::BalancedBooks => "balanced_books",
            Self::JensenShannon => "jensen_shannon",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown de-vig method `{0}`; known are multiplicative, additive, power, shin, odds_ratio, \
     logarithmic, differential_margin, goto, balanced_books and jensen_shannon"
)]
pub struct UnknownMethod(pub String);

impl FromStr for Method {
    type Err = UnknownMethod;
    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == text.replace('-', "_"))
            .ok_or_else(|| UnknownMethod(text.to_owned()))
    }
}
