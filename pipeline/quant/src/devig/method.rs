use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the margin is taken out of a book's odds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// In proportion to the inverse odds.
    Multiplicative,
    /// The same amount from each inverse odds.
    Additive,
    /// Inverse odds raised to a common power (Vovk and Zhdanov 2009; Clarke 2016).
    Power,
    /// Shin's model of a market with insiders (Shin 1993).
    Shin,
    /// A common odds ratio between fair and offered (Cheung 2015).
    OddsRatio,
    /// A common ratio of the logarithms.
    Logarithmic,
    /// The margin in proportion to the odds (Buchdahl 2015).
    DifferentialMargin,
    /// In proportion to the standard error of each probability (goto_conversion).
    Goto,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 8] = [
        Self::Multiplicative,
        Self::Additive,
        Self::Power,
        Self::Shin,
        Self::OddsRatio,
        Self::Logarithmic,
        Self::DifferentialMargin,
        Self::Goto,
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
     logarithmic, differential_margin and goto"
)]
pub struct UnknownMethod(String);

impl FromStr for Method {
    type Err = UnknownMethod;
    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == text.replace('-', "_"))
            .ok_or_else(|| UnknownMethod(text.to_owned()))
    }
}
