//! Money and shares of it.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// An amount in the account's currency, exact to a hundredth. On the wire a number of whole
/// units: 12.34.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "f64", into = "f64")]
#[derive(schemars::JsonSchema)]
#[schemars(with = "f64")]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount in hundredths of the currency's unit.
    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    /// The amount in hundredths.
    #[must_use]
    pub const fn cents(self) -> i64 {
        self.0
    }

    /// The amount in whole units.
    #[must_use]
    pub fn units(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// This many times the amount, rounded to the nearest hundredth, halves away from zero.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).round() as i64)
    }

    /// The amount rounded down to a multiple of `step` (unchanged for a step of nothing).
    #[must_use]
    pub fn rounded_down_to(self, step: Self) -> Self {
        if step.0 <= 0 { self } else { Self(self.0 - self.0.rem_euclid(step.0)) }
    }
}

/// The number is no amount of money.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0} is no amount of money")]
pub struct NoMoney(f64);

impl TryFrom<f64> for Money {
    type Error = NoMoney;
    fn try_from(units: f64) -> Result<Self, NoMoney> {
        let cents = (units * 100.0).round();
        // Below 2^53 every hundredth is exact in the wire's number.
        if cents.abs() < 9e15 { Ok(Self(cents as i64)) } else { Err(NoMoney(units)) }
    }
}

impl From<Money> for f64 {
    fn from(money: Money) -> Self {
        money.units()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}{}.{:02}", self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// A share of the bankroll, in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
#[derive(schemars::JsonSchema)]
#[schemars(with = "f64", extend("minimum" = 0, "maximum" = 1))]
pub struct StakeFraction(f64);

/// The number is no share of a bankroll.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a stake must be a share of the bankroll in 0..=1, got {0}")]
pub struct NoStakeFraction(f64);

impl StakeFraction {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);

    /// A share from a number.
    ///
    /// # Errors
    /// [`NoStakeFraction`] outside 0..=1.
    pub fn new(share: f64) -> Result<Self, NoStakeFraction> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(NoStakeFraction(share)) }
    }

    /// The share as a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for StakeFraction {
    type Error = NoStakeFraction;
    fn try_from(share: f64) -> Result<Self, NoStakeFraction> {
        Self::new(share)
    }
}

impl From<StakeFraction> for f64 {
    fn from(share: StakeFraction) -> Self {
        share.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_to_a_hundredth() {
        let ten_cents = Money::try_from(0.1).unwrap();
        let sum: Money = std::iter::repeat_n(ten_cents, 3).sum();
        assert_eq!(sum, Money::from_cents(30));
        assert_eq!(Money::from_cents(-1234).to_string(), "-12.34");
        assert_eq!(Money::from_cents(1299).rounded_down_to(Money::from_cents(500)).cents(), 1000);
        assert!(Money::try_from(f64::NAN).is_err());
    }
}
