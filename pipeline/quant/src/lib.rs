//! The mathematics of sports betting.
//!
//! Pure: no I/O, no clock, no randomness, nothing spawned. Transcendental functions come from
//! `libm` and sums run in a stated order, so that the same input gives the same digits on every
//! machine. This crate knows no event, no stream and no configuration.

pub mod blend;
pub mod bootstrap;
pub mod calibrate;
mod concave;
pub mod consensus;
pub mod devig;
pub mod goals;
pub mod implied;
pub mod inplay;
pub mod matrix;
pub mod outcome;
pub mod payoff;
pub mod prices;
pub mod ratings;
mod root;
pub mod score;
pub mod settle;
mod special;
pub mod staking;
pub mod trials;
pub mod value;
pub mod walkforward;

pub use value::{Line, Market, MarketKind, Odds, Period, Probability, Selection, ValueError};
