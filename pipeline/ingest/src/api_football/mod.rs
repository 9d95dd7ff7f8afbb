//! API-Football, version 3: fixtures of every status, odds, statistics, what happened, line-ups,
//! absences, tables and the names of teams.
//!
//! [`envelope`] reads what every reply is wrapped in — faults come with status 200 — and
//! [`fixtures`], [`odds`], [`details`] read what is in it; `agenda` says what is due, and
//! [`source`] asks, within the limits of day and minute; [`cost`] says what that comes to. Documentation: <https://www.api-football.com/documentation-v3>.

mod agenda;
pub mod cost;
pub mod details;
pub mod envelope;
pub mod fixtures;
pub mod odds;
pub mod source;

/// The name of this source in facts and in the configuration.
pub const SOURCE: &str = "api-football";
