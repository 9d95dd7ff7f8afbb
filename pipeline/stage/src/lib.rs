//! What a stage is.
//!
//! A [`Stage`] is a pure function of the log: it applies one event to its state and says what
//! follows. It does no I/O, reads no clock, draws no randomness and spawns nothing. Its state
//! lies in [`Table`]s, which remember what a frame changed, so that the changes can be written in
//! one commit or taken back. A [`Driver`] takes a stage through frames: live over Redis, and in
//! replay over the archive, with the same code.
//!
//! This crate knows the events and no particular stage.

mod derived;
mod driver;
mod key;
mod stage;
mod table;

pub use derived::{CacheClass, CacheEntry, Derived, Json, ViewName};
pub use driver::{Driver, FrameError, FrameOutput};
pub use key::{Only, RowKey, Within};
pub use stage::{Artefacts, Fault, Stage};
pub use table::{Change, ROW_BYTES_MAX, Rows, StateError, Table};
