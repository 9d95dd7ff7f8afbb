//! Priced quotes in; value bets, refusals and settlements out.
//!
//! [`Detect`] is a pure stage: it decides what is fair, then what is value, and how bets ended.
//! It knows no model but by what a priced quote carries, no bankroll (stakes are shares of it)
//! and nobody who is told.

mod bet;
mod board;
mod closing;
mod desk;
mod fair;
mod refusal;
mod rules;
mod scores;
mod settle;
mod stage;
mod stake;
mod state;
mod value;
pub mod view;

pub use stage::Detect;
