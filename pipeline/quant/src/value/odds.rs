use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Probability, ValueError};

/// Decimal odds: what one unit staked returns when the selection wins, the stake included.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 1)))]
pub struct Odds(f64);

impl Odds {
    /// Decimal odds from a number.
    ///
    /// # Errors
    /// [`ValueError::Odds`] unless `decimal` is finite and above one.
    pub fn new(decimal: f64) -> Result<Self, ValueError> {
        if decimal.is_finite() && decimal > 1.0 {
            Ok(Self(decimal))
        } else {
            Err(ValueError::Odds(decimal))
        }
    }

    /// The odds as a plain number, above one.
    #[must_use]
    pub fn decimal(self) -> f64 {
        self.0
    }

    /// `1 / odds`: the probability at which the price is fair, margin included.
    #[must_use]
    pub fn implied(self) -> Probability {
        Probability::clamped(1.0 / self.0)
    }

    /// The odds after a commission on winnings: `1 + (odds − 1)(1 − commission)`.
    ///
    /// `commission` is a fraction of the net winnings, 0.02 for 2 %.
    #[must_use]
    pub fn net_of_commission(self, commission: f64) -> f64 {
        1.0 + (self.0 - 1.0) * (1.0 - commission)
    }
}

impl TryFrom<f64> for Odds {
    type Error = ValueError;
    fn try_from(decimal: f64) -> Result<Self, ValueError> {
        Self::new(decimal)
    }
}

impl From<Odds> for f64 {
    fn from(odds: Odds) -> Self {
        odds.0
    }
}

impl fmt::Display for Odds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_of_one_or_less_or_not_finite_are_refused() {
        for wrong in [1.0, 0.0, -2.0, f64::NAN, f64::INFINITY] {
            assert!(Odds::new(wrong).is_err(), "{wrong} was taken for odds");
        }
    }

    #[test]
    fn commission_is_taken_from_the_winnings_alone() {
        let odds = Odds::new(3.0).unwrap();
        assert!((odds.net_of_commission(0.05) - 2.9).abs() < 1e-12);
    }
}
