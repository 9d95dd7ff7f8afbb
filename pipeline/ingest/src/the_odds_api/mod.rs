//! The Odds API, version 4: prices of many books, by sport and region.
//!
//! [`parse`] reads its replies, [`markets`] knows its words for markets and books, [`plan`]
//! decides what to spend when, and [`source`] asks. The rules of cost and quota are those of its
//! documentation, <https://the-odds-api.com/liveapi/guides/v4/>: an odds call costs one credit a
//! market and region (ten named books count as a region), scores one or two, historical odds ten
//! times as much, lists of sports and events nothing; every reply says what is left.

pub mod history;
pub mod markets;
pub mod parse;
pub mod plan;
pub mod source;

/// The name of this source in facts and in the configuration.
pub const SOURCE: &str = "the-odds-api";
