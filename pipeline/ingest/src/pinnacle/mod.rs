//! Pinnacle, and feeds of its form (PS3838): fixtures and odds, whole or what changed `since`.
//!
//! [`parse`] reads replies, [`board`] keeps what stands from one to the next, [`source`] asks.

pub mod board;
pub mod parse;
pub mod source;

/// The name of this source in facts and in the configuration.
pub const SOURCE: &str = "pinnacle";
