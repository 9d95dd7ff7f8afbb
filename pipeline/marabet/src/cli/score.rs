//! `marabet score`: what can be typed after it.

use std::path::PathBuf;

use clap::Args;

/// `marabet score`
#[derive(Debug, Clone, Args)]
pub(crate) struct ScoreArgs {
    /// CSV with a column for each result's probability and one called outcome (its number from 1,
    /// its column's name, or H, D, A), or JSON of `forecasts` and `outcomes` (from 0)
    #[arg(long, value_name = "FILE")]
    pub(crate) forecasts: PathBuf,
    /// Another forecaster's forecasts of the same events: the paired difference is tested
    /// (Diebold and Mariano)
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
    /// Bins of the calibration curve
    #[arg(long, default_value_t = 10)]
    pub(crate) bins: usize,
    /// Confidence of the intervals
    #[arg(long, default_value_t = 0.95, allow_negative_numbers = true)]
    pub(crate) level: f64,
}
