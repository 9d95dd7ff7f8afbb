//! Walking forward through past seasons: what each model would have forecast on the eve of each
//! match, and how good that was.
//!
//! Nothing is known before it happened. A model is refitted to the matches before a day and
//! forecasts those of that day and of the days until the next refit; whatever is chosen for a
//! season (a decay, weights of signals, a calibration, exponents of a pool) is chosen on the
//! seasons before it and is told with the forecasts, in [`Forecasts::chosen`].
//!
//! ```text
//! History ──► goal_model, stack, ratings, base_rates, market ──► Forecasts
//!             choose, pool: of several Forecasts, one           ──► Forecasts
//!             evaluate: scores and paired differences           ──► Evaluation
//! ```
//!
//! Pure: the matches are given, from whatever file or archive they come.

mod choose;
mod evaluation;
mod features;
mod forecasts;
mod history;
#[cfg(feature = "learned")]
mod learned;
mod rated;
mod refit;
mod stack;

pub use choose::{choose, pool};
pub use evaluation::{Difference, Evaluation, Scored, evaluate};
pub use features::{Features, features};
pub use forecasts::{Forecasts, Prices, base_rates, market};
pub use history::{Count, History, HistoryError, Record, Stats};
#[cfg(feature = "learned")]
pub use learned::{Learner, learned_rates};
pub use rated::ratings;
pub use refit::{Refit, Refits, goal_model};
pub use stack::{Signal, SignalRates, Stack, StackWeights, default_signals, signal_rates, stack};

use crate::blend::BlendError;
use crate::goals::FitError;
use crate::ratings::{OrderedError, RatingError};
use crate::score::ScoreError;

/// Why a walk through the seasons failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WalkError {
    /// A constant of the walk is out of range.
    #[error("`{name}` must be {expected}, got {value}")]
    Constant {
        /// The constant's name.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
        /// The value as given.
        value: f64,
    },
    /// Nothing to choose from, pool or evaluate.
    #[error("no {0} given, at least one is needed")]
    Nothing(&'static str),
    /// Forecasts of other matches than the history's.
    #[error("`{name}` has {got} forecasts for {matches} matches")]
    Length {
        /// The forecasts' name.
        name: String,
        /// How many they are.
        got: usize,
        /// How many matches there are.
        matches: usize,
    },
    /// No forecast bears this name.
    #[error("no forecasts are called `{0}`")]
    Unnamed(String),
    /// A learner could not learn.
    #[error("the learner gave up: {0}")]
    Learner(String),
    /// The options of a refit are out of range.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A rating system refused its constants or a result.
    #[error(transparent)]
    Rating(#[from] RatingError),
    /// Probabilities could not be made of ratings.
    #[error(transparent)]
    Ordered(#[from] OrderedError),
    /// Forecasts could not be pooled.
    #[error(transparent)]
    Pool(#[from] BlendError),
    /// Forecasts could not be scored.
    #[error(transparent)]
    Score(#[from] ScoreError),
}

fn check_length(
    name: &str,
    forecasts: &[Option<[f64; 3]>],
    history: &History,
) -> Result<(), WalkError> {
    let (got, matches) = (forecasts.len(), history.records().len());
    if got == matches {
        return Ok(());
    }
    Err(WalkError::Length { name: name.to_owned(), got, matches })
}
