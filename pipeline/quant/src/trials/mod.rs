//! How much of a result is luck, where it is the best of many that were tried.
//!
//! The best of a thousand worthless strategies looks good. [`deflated_sharpe`] asks how good the
//! best of so many would look by chance; [`reality_check`] resamples the days of all of them
//! together, so that strategies that bet alike count as the few that they are.
//!
//! This module knows returns a day, and no bet.

mod reality;
mod sharpe;

pub use reality::{RealityCheck, Trial, reality_check};
pub use sharpe::{DeflatedSharpe, Moments, deflated_sharpe, expected_best_sharpe};

/// Why nothing can be said.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TrialsError {
    /// Nothing was tried.
    #[error("there must be at least one trial")]
    NoTrial,
    /// A spread takes two.
    #[error("there must be at least two days, got {0}")]
    TooFewDays(usize),
    /// Returns that never differ have no Sharpe ratio.
    #[error("the returns do not vary")]
    NoSpread,
    /// A number is none.
    #[error("returns must be finite, got {0}")]
    Value(f64),
    /// A return of a day that is none of the days.
    #[error("day {day} is none of the {days} days")]
    Day {
        /// The day.
        day: u32,
        /// How many there are.
        days: usize,
    },
    /// Too few draws for a probability, or more than is sensible.
    #[error("there must be 100 to 100000 resamples, got {0}")]
    Resamples(u32),
    /// Blocks are at least one day long.
    #[error("blocks are at least one day long on average, got {0}")]
    Block(f64),
}
