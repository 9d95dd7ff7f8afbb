//! What the log shows.
//!
//! Folds over the events of the streams: the board of matches and bets that a dashboard looks at,
//! the explanation of a bet, the summary of a run. All of it can be made again from the log.
//! This crate writes nothing into the log, reads no clock, and knows neither HTTP nor the command
//! line.

pub mod board;
pub mod dead;
pub mod performance;
pub mod readback;
pub mod summary;
pub mod why;
