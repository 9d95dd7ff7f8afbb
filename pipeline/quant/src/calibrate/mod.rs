//! Making probabilities mean what they say: maps from forecast to frequency, learnt from what came
//! out.
//!
//! Three maps: isotonic (any rising one), Platt's (a line in log-odds) and beta (a bent line in
//! log-odds). Each rises, so that it never turns the order of two forecasts.

mod isotonic;
mod logistic;

pub use isotonic::Isotonic;
pub use logistic::{Beta, Platt};

/// Why probabilities cannot be calibrated.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// Nothing to learn from.
    #[error("calibration takes at least {needed} forecasts, got {got}")]
    TooFew {
        /// How many there were.
        got: usize,
        /// How many it takes.
        needed: usize,
    },
    /// Two lists that belong together have different lengths.
    #[error("{forecasts} forecasts need as many outcomes, got {outcomes}")]
    Lengths {
        /// Number of forecasts.
        forecasts: usize,
        /// Number of outcomes.
        outcomes: usize,
    },
    /// A forecast is none that the map takes.
    #[error("a forecast must lie in {range}, got {value}")]
    Forecast {
        /// `0..=1`, or `0..1` without its ends for maps of log-odds.
        range: &'static str,
        /// What it was.
        value: f64,
    },
    /// Everything happened, or nothing did.
    #[error("what is learnt from must hold events that happened and events that did not")]
    OneSided,
    /// The forecasts are all alike, or part what happened from what did not.
    #[error("no map is best: the forecasts are all alike or tell every outcome apart")]
    NotConverged,
    /// Every outcome was mapped to zero.
    #[error("every outcome is mapped to zero")]
    NoMass,
}

/// A map from a forecast probability to a calibrated one.
pub trait Calibrator {
    /// The calibrated probability.
    ///
    /// # Errors
    /// [`CalibrationError::Forecast`] when `forecast` is no probability that the map takes.
    fn apply(&self, forecast: f64) -> Result<f64, CalibrationError>;

    /// The calibrated probabilities of outcomes that exclude each other: each mapped by itself,
    /// then scaled to add up to one (Zadrozny and Elkan 2002).
    ///
    /// # Errors
    /// As [`Calibrator::apply`]; [`CalibrationError::NoMass`] when all are mapped to zero.
    fn apply_all(&self, forecasts: &[f64]) -> Result<Vec<f64>, CalibrationError> {
        let mut mapped: Vec<f64> =
            forecasts.iter().map(|p| self.apply(*p)).collect::<Result<_, _>>()?;
        let sum: f64 = mapped.iter().sum();
        if sum <= 0.0 {
            return Err(CalibrationError::NoMass);
        }
        mapped.iter_mut().for_each(|p| *p /= sum);
        Ok(mapped)
    }
}

fn check_lengths(forecasts: usize, outcomes: usize, needed: usize) -> Result<(), CalibrationError> {
    if forecasts != outcomes {
        return Err(CalibrationError::Lengths { forecasts, outcomes });
    }
    if forecasts < needed {
        return Err(CalibrationError::TooFew { got: forecasts, needed });
    }
    Ok(())
}

/// A probability with finite log-odds.
fn inside(value: f64) -> Result<f64, CalibrationError> {
    let range = "0..1, its ends excluded";
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(CalibrationError::Forecast { range, value })
    }
}
