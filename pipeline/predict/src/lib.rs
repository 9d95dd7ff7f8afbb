//! The stage that prices quotes: `feed` → `priced`.
//!
//! [`Predict`] forwards every fact and turns each quote into a priced one, which carries what the
//! model in force makes of it. A quote that no model can price goes on without a price and says
//! why. [`training::Trainer`] makes the models: it observes the same facts in the same order and
//! trains at fixed boundaries of event time, from nothing but what was known before them.
//!
//! Pure: no I/O, no clock, no randomness. This crate knows no stream, no file and no strategy.
//!
//! Prices taken while a match is played are priced from the model of the match to come, the score,
//! the minute and the players sent off ([`marabet_quant::inplay`]); where these were not told
//! lately they are forwarded unpriced
//! ([`Unpriced::InPlay`](marabet_schemas::bets::Unpriced::InPlay)).

mod artefact;
mod check;
mod pricing;
mod running;
mod stage;
mod state;
pub mod training;
pub mod view;

pub use artefact::{Artefact, ArtefactError};
pub use stage::Predict;
