//! API-Football, version 3: fixtures of every status, odds, statistics, and more.
//!
//! [`envelope`] reads what every reply is wrapped in — faults come with status 200 — and
//! [`fixtures`], [`odds`], [`details`] read what is in it; [`source`] asks, within the limits of
//! day and minute. Documentation: <https://www.api-football.com/documentation-v3>.

pub mod details;
pub mod envelope;
pub mod fixtures;
pub mod odds;
pub mod source;

/// The name of this source in facts and in the configuration.
pub const SOURCE: &str = "api-football";
