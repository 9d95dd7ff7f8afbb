//! The log: what the system knows, as events in Redis Streams.
//!
//! A [`Log`] is a namespace on a server. A [`FeedWriter`] appends facts; [`run_shared`] takes a
//! stage over this process' share of a stream's partitions, and [`run_account`] over all of
//! them; a
//! [`group::Reader`] is for those who do something outside with what they read. Everything that
//! must happen at once happens in one Lua script: see `lua/commit.lua`.
//!
//! The crate knows events and stages, and no particular stage.

mod account;
mod aof_copy;
pub mod artefact;
pub mod backoff;
mod batch;
pub mod cache;
mod chain;
pub mod check;
pub mod clock;
pub mod commit;
mod connect;
pub mod dead;
mod drain;
#[cfg(unix)]
pub mod embedded;
pub mod error;
pub mod feed;
pub mod group;
mod groups;
mod handed;
pub mod histogram;
mod horizon;
mod latency;
pub mod lease;
pub mod log;
pub mod metrics;
pub mod namespace;
mod outbox;
pub mod presence;
pub mod read;
pub mod runner;
mod script;
pub mod share;
pub mod shutdown;
pub mod status;
pub mod trace;
pub mod trim;
mod upkeep;
pub mod watchdog;
mod wire;

pub use account::run_account;
pub use aof_copy::{aof_folder, hold_rewriting, let_rewrite};
pub use artefact::ArtefactStore;
pub use cache::CacheTtl;
pub use connect::{Connection, TlsFiles};
#[cfg(unix)]
pub use embedded::{EmbeddedOptions, EmbeddedRedis, Heir};
pub use error::LogError;
pub use feed::{Ahead, FeedOptions, FeedWriter};
pub use log::{Log, LogOptions};
pub use metrics::{Condition, FeedMetrics, Metrics, StageMetrics};
pub use namespace::{Namespace, Slot, Stream};
pub use presence::{Process, SCHEMA_LEVEL};
pub use runner::{RunOptions, StageRun, run_stage};
pub use script::Script;
pub use share::run_shared;
pub use shutdown::{Shutdown, ShutdownTrigger};
pub use status::Status;
pub use trim::{TrimOptions, run_trim, trim};
