//! Sources of facts: each maps what a provider says to the events of the feed.
//!
//! A source lives behind the trait [`source::Source`]. What it cannot use becomes a
//! [`reject::Reject`] with its place and the reason, and never stops what is good. This crate
//! knows the events and no stage; it knows no log.

pub mod api_football;
pub mod betfair;
pub mod changes;
pub mod clock;
pub mod desk;
pub mod football_data;
pub mod http;
mod json;
pub mod lines;
pub mod look;
pub mod merged;
pub mod names;
pub mod ndjson;
pub mod openfootball;
pub mod paced;
pub mod pinnacle;
pub mod polite;
mod polled;
pub mod precedence;
pub mod prices;
pub mod prices_file;
pub mod recorded;
pub mod reject;
pub mod seasons;
pub mod simulator;
pub mod source;
pub mod the_odds_api;

pub use recorded::Recorded;
pub use reject::{Reject, RejectCounts, RejectKind, RejectWriter, Rejects, Scope};
pub use source::{Batch, Source, SourceError};
