//! How a bet ends: the five outcomes, their probabilities, and what they are worth.
//!
//! Knows no market; what outcome a score brings is for [`crate::settle`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::value::text_serde;

/// How one bet ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The whole stake wins.
    Win,
    /// Half the stake wins, the other half comes back.
    HalfWin,
    /// The stake comes back.
    Push,
    /// Half the stake is lost, the other half comes back.
    HalfLoss,
    /// The whole stake is lost.
    Loss,
}

impl Outcome {
    /// All outcomes, best first: each in the place that its discriminant names.
    pub const ALL: [Self; 5] = [Self::Win, Self::HalfWin, Self::Push, Self::HalfLoss, Self::Loss];

    /// The outcome by how far the score lies above the line, in quarter goals: two or more win,
    /// one wins half, none is a push, and so down.
    ///
    /// A quarter line needs no case of its own: it lies one quarter from each whole or half goal
    /// line over which its stake is split.
    #[must_use]
    pub const fn from_margin(quarters: i32) -> Self {
        match quarters {
            2.. => Self::Win,
            1 => Self::HalfWin,
            0 => Self::Push,
            -1 => Self::HalfLoss,
            _ => Self::Loss,
        }
    }

    /// A bet without push: won or lost.
    #[must_use]
    pub const fn won(yes: bool) -> Self {
        if yes { Self::Win } else { Self::Loss }
    }

    /// What the other side of a two-way market gets.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Win => Self::Loss,
            Self::HalfWin => Self::HalfLoss,
            Self::Push => Self::Push,
            Self::HalfLoss => Self::HalfWin,
            Self::Loss => Self::Win,
        }
    }

    /// Profit per unit staked at decimal odds net of commission, the stake not included: −1 for
    /// a loss, `net_odds − 1` for a win.
    #[must_use]
    pub fn profit(self, net_odds: f64) -> f64 {
        match self {
            Self::Win => net_odds - 1.0,
            Self::HalfWin => (net_odds - 1.0) / 2.0,
            Self::Push => 0.0,
            Self::HalfLoss => -0.5,
            Self::Loss => -1.0,
        }
    }

    /// The outcome as it is written in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Win => "win",
            Self::HalfWin => "half_win",
            Self::Push => "push",
            Self::HalfLoss => "half_loss",
            Self::Loss => "loss",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown outcome `{0}`; known: win, half_win, push, half_loss, loss")]
pub struct UnknownOutcome(pub String);

impl FromStr for Outcome {
    type Err = UnknownOutcome;
    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

text_serde!(Outcome, "^(win|half_win|push|half_loss|loss)$", "how a bet ended");

/// The five numbers are no probabilities that add up to one.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum OutcomesError {
    /// One of them is not in the unit interval.
    #[error("the probability of a {outcome} must lie in 0..=1, got {value}")]
    Probability {
        /// Which of the five.
        outcome: Outcome,
        /// What it was.
        value: f64,
    },
    /// Together they are not one.
    #[error("the probabilities of the five outcomes must add up to 1, got {0}")]
    Sum(f64),
}

/// The probabilities of the five outcomes of one bet. They add up to one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Plain")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcomes {
    /// Probability that the whole stake wins.
    pub win: f64,
    /// Probability that half the stake wins and half comes back.
    pub half_win: f64,
    /// Probability that the stake comes back.
    pub push: f64,
    /// Probability that half the stake is lost and half comes back.
    pub half_loss: f64,
    /// Probability that the whole stake is lost.
    pub loss: f64,
}

/// [`Outcomes`] before they are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Outcomes"))]
struct Plain {
    win: f64,
    #[serde(default)]
    half_win: f64,
    #[serde(default)]
    push: f64,
    #[serde(default)]
    half_loss: f64,
    loss: f64,
}

impl TryFrom<Plain> for Outcomes {
    type Error = OutcomesError;
    fn try_from(p: Plain) -> Result<Self, OutcomesError> {
        Self::new([p.win, p.half_win, p.push, p.half_loss, p.loss])
    }
}

impl Outcomes {
    /// How far from one the sum may be, for rounding.
    pub const SUM_TOLERANCE: f64 = 1e-9;

    /// The probabilities in the order win, half-win, push, half-loss, loss.
    ///
    /// # Errors
    /// [`OutcomesError`] when one is outside 0..=1 or they do not add up to one.
    pub fn new(probabilities: [f64; 5]) -> Result<Self, OutcomesError> {
        let [win, half_win, push, half_loss, loss] = probabilities;
        let outcomes = Self { win, half_win, push, half_loss, loss };
        outcomes.check()?;
        Ok(outcomes)
    }

    /// A bet that is won with probability `win` and lost otherwise.
    ///
    /// # Errors
    /// [`OutcomesError::Probability`] when `win` is outside 0..=1.
    pub fn two_way(win: f64) -> Result<Self, OutcomesError> {
        Self::new([win, 0.0, 0.0, 0.0, 1.0 - win])
    }

    /// Won with a probability that is known to be one up to rounding.
    pub(crate) fn won(win: f64) -> Self {
        let win = win.clamp(0.0, 1.0);
        Self { win, loss: 1.0 - win, ..Self::default() }
    }

    /// Whether the numbers, which anyone may set, are probabilities that add up to one.
    ///
    /// # Errors
    /// [`OutcomesError`] as for [`Outcomes::new`].
    pub fn check(&self) -> Result<(), OutcomesError> {
        for (outcome, value) in self.iter() {
            if !(0.0..=1.0).contains(&value) {
                return Err(OutcomesError::Probability { outcome, value });
            }
        }
        let sum = self.sum();
        if (sum - 1.0).abs() > Self::SUM_TOLERANCE {
            return Err(OutcomesError::Sum(sum));
        }
        Ok(())
    }

    /// Each outcome with its probability, best first.
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, f64)> {
        Outcome::ALL.into_iter().zip([
            self.win,
            self.half_win,
            self.push,
            self.half_loss,
            self.loss,
        ])
    }

    /// The probability of one outcome.
    #[must_use]
    pub fn probability(&self, outcome: Outcome) -> f64 {
        match outcome {
            Outcome::Win => self.win,
            Outcome::HalfWin => self.half_win,
            Outcome::Push => self.push,
            Outcome::HalfLoss => self.half_loss,
            Outcome::Loss => self.loss,
        }
    }

    /// Adds `probability` to that of `outcome`.
    pub(crate) fn add(&mut self, outcome: Outcome, probability: f64) {
        let slot = match outcome {
            Outcome::Win => &mut self.win,
            Outcome::HalfWin => &mut self.half_win,
            Outcome::Push => &mut self.push,
            Outcome::HalfLoss => &mut self.half_loss,
            Outcome::Loss => &mut self.loss,
        };
        *slot += probability;
    }

    /// The sum of the five, one up to rounding.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.win + self.half_win + self.push + self.half_loss + self.loss
    }

    /// The same bet seen from the other side of a two-way market.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        Self {
            win: self.loss,
            half_win: self.half_loss,
            push: self.push,
            half_loss: self.half_win,
            loss: self.win,
        }
    }

    /// The expected share of the stake that wins: `win + half_win / 2`.
    #[must_use]
    pub fn winning_share(&self) -> f64 {
        self.win + self.half_win / 2.0
    }

    /// The expected share of the stake that is lost: `loss + half_loss / 2`.
    #[must_use]
    pub fn losing_share(&self) -> f64 {
        self.loss + self.half_loss / 2.0
    }

    /// Expected profit per unit staked at decimal odds net of commission:
    /// `(win + half_win/2)(net_odds − 1) − (loss + half_loss/2)`.
    #[must_use]
    pub fn expected_return(&self, net_odds: f64) -> f64 {
        self.winning_share() * (net_odds - 1.0) - self.losing_share()
    }

    /// The odds at which the bet is worth nothing to either side,
    /// `1 + losing share / winning share`; `None` for a bet that cannot win.
    #[must_use]
    pub fn fair_odds(&self) -> Option<f64> {
        let winning = self.winning_share();
        (winning > 0.0).then(|| 1.0 + self.losing_share() / winning)
    }

    /// The win probability as a two-way price with push sees it: `1 / fair odds`, which is the
    /// share that wins of what is decided; `None` for a bet that always comes back.
    #[must_use]
    pub fn conditional_win(&self) -> Option<f64> {
        let winning = self.winning_share();
        let decided = winning + self.losing_share();
        (decided > 0.0).then(|| winning / decided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_return_is_zero_at_the_fair_odds() {
        let outcomes = Outcomes::new([0.35, 0.1, 0.15, 0.05, 0.35]).unwrap();
        let fair = outcomes.fair_odds().unwrap();
        assert!(outcomes.expected_return(fair).abs() < 1e-15);
        assert!((1.0 / fair - outcomes.conditional_win().unwrap()).abs() < 1e-15);
    }

    #[test]
    fn expected_return_is_the_mean_profit_over_the_five() {
        let outcomes = Outcomes::new([0.3, 0.1, 0.2, 0.15, 0.25]).unwrap();
        let mean: f64 = outcomes.iter().map(|(outcome, p)| p * outcome.profit(1.93)).sum();
        assert!((outcomes.expected_return(1.93) - mean).abs() < 1e-15);
    }

    #[test]
    fn a_bet_that_cannot_win_has_no_fair_odds() {
        let lost = Outcomes::two_way(0.0).unwrap();
        assert_eq!((lost.fair_odds(), lost.conditional_win()), (None, Some(0.0)));
        let back = Outcomes::new([0.0, 0.0, 1.0, 0.0, 0.0]).unwrap();
        assert_eq!((back.fair_odds(), back.conditional_win()), (None, None));
    }

    #[test]
    fn numbers_that_are_no_distribution_are_refused_by_name() {
        let negative = Outcomes::new([1.2, 0.0, 0.0, 0.0, -0.2]).unwrap_err();
        assert_eq!(negative.to_string(), "the probability of a win must lie in 0..=1, got 1.2");
        assert_eq!(Outcomes::new([0.5, 0.0, 0.0, 0.0, 0.4]), Err(OutcomesError::Sum(0.9)));
        assert!(Outcomes::two_way(f64::NAN).is_err());
    }

    #[test]
    fn outcomes_read_back_from_json_and_are_checked() {
        let read: Outcomes = serde_json::from_str(r#"{"win":0.5,"push":0.2,"loss":0.3}"#).unwrap();
        assert_eq!(read, Outcomes::new([0.5, 0.0, 0.2, 0.0, 0.3]).unwrap());
        assert!(serde_json::from_str::<Outcomes>(r#"{"win":0.5,"loss":0.3}"#).is_err());
        assert_eq!(serde_json::to_string(&Outcome::HalfLoss).unwrap(), "\"half_loss\"");
    }
}
