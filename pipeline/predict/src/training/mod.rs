//! Making models: from facts in order to artefacts and the events that put them in force.
//!
//! The [`Trainer`] trains at boundaries of event time, which its [`Schedule`] fixes once for all:
//! they depend on no fact. When the facts reach an instant at or after a boundary, it trains each
//! competition that has new results, on the results that were known **before** the boundary, and
//! the models go into the feed before the fact that reached it. So a model prices only quotes of
//! event time at or after its boundary, and no fact of that time can have entered it.
//!
//! A model's bytes follow from the matches and the options alone: each fit starts cold, and knows
//! nothing of the fits before it.

mod history;
mod options;
mod schedule;
mod trainer;

pub use options::{OptionsError, TrainingOptions};
pub use schedule::Schedule;
pub use trainer::{Due, NewModel, Reason, Skipped, Trainer};
