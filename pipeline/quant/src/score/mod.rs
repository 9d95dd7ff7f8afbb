//! How good forecasts were, and how good bets.
//!
//! Proper scores of single forecasts, calibration and its decomposition over many, the test of
//! one forecaster against another, and the closing-line value of a bet. Lower scores are better.

mod calibration;
mod closing;
mod compare;
mod proper;

pub use calibration::{
    Bins, Calibration, CalibrationBin, Murphy, calibration_curve, murphy, sharpness,
};
pub use closing::{closing_line_value, closing_line_value_repriced, reprice};
pub use compare::{Comparison, compare, compare_clustered};
pub use proper::{Scores, brier, ignorance, log_loss, mean_scores, rps};

/// Why forecasts have no score.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// A forecast is no distribution.
    #[error(
        "a forecast has at least two probabilities in 0..=1 that add up to 1, got {outcomes} with \
         a sum of {sum}"
    )]
    Forecast {
        /// How many probabilities it has.
        outcomes: usize,
        /// What they add up to.
        sum: f64,
    },
    /// A probability is none.
    #[error("a probability must lie in 0..=1, got {0}")]
    Probability(f64),
    /// What came out is none of the outcomes.
    #[error("outcome {outcome} is none of the {outcomes} that were forecast")]
    Outcome {
        /// Place of the outcome, from 0.
        outcome: usize,
        /// How many were forecast.
        outcomes: usize,
    },
    /// The logarithmic score is infinite.
    #[error(
        "outcome {outcome} occurred and was forecast to be impossible: its log score is infinite"
    )]
    Impossible {
        /// Place of the outcome, from 0.
        outcome: usize,
    },
    /// Two lists that belong together have different lengths.
    #[error("{forecasts} forecasts need as many outcomes, got {outcomes}")]
    Lengths {
        /// Number of forecasts.
        forecasts: usize,
        /// Number of outcomes.
        outcomes: usize,
    },
    /// Too little to say anything.
    #[error("this takes at least {needed} forecasts or clusters, got {got}")]
    TooFew {
        /// How many there were.
        got: usize,
        /// How many it takes.
        needed: usize,
    },
    /// No bins, or more than there is use for.
    #[error("forecasts are put in 1 to 1000 bins, got {0}")]
    Bins(usize),
    /// The level of an interval is none.
    #[error("the level of an interval must lie inside 0..1, got {0}")]
    Level(f64),
    /// A loss is no number, or so large that its square is none.
    #[error("a loss must be finite and its square too, got {0}")]
    Loss(f64),
}

fn checked_level(level: f64) -> Result<f64, ScoreError> {
    if level > 0.0 && level < 1.0 { Ok(level) } else { Err(ScoreError::Level(level)) }
}

fn check_lengths(forecasts: usize, outcomes: usize) -> Result<(), ScoreError> {
    if forecasts == outcomes { Ok(()) } else { Err(ScoreError::Lengths { forecasts, outcomes }) }
}
