//! The events of the log.
//!
//! One [`Event`] is one line of JSON. This crate holds their types, their wire form (frames of
//! lines), their versions with the upcasters between them, the JSON Schemas that are published in
//! `schemas/json`, and the Arrow schemas of the archive. It knows no Redis, no stage and no file;
//! of `quant` it uses the value types alone.

pub mod address;
pub mod arrow;
pub mod bets;
pub mod control;
pub mod dead;
pub mod event;
pub mod facts;
mod forecast;
pub mod frame;
pub mod hash;
pub mod instant;
pub mod json_schema;
pub mod key;
pub mod money;
pub mod name;
pub mod news;
mod one_pass;
pub mod strategy;
pub mod upcast;

pub use address::{Address, EntryId};
pub use event::{Body, Event, Kind, Known};
pub use forecast::Forecast;
pub use hash::{ArtefactHash, ArtefactHasher, BetId};
pub use instant::Instant;
pub use key::MatchKey;
pub use money::{Money, StakeFraction};
pub use name::{Book, Competition, Source, StrategyName};
