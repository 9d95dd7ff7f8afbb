//! The faces of the pipeline: the API, the dashboard, the metrics.
//!
//! A [`Server`] follows the log, keeps a board of what it shows, and answers over HTTP. It reads
//! views from the cache first. What it writes are own events and what the user says of bets, behind
//! the durable horizon, and what an operator does about dead letters. Every process can serve its metrics alone ([`exporter`]).
//!
//! The crate knows no configuration file and no command line.

mod api;
mod app;
mod assets;
mod cached;
pub mod clock;
pub mod config;
mod etag;
pub mod exporter;
mod extract;
mod follow;
mod guard;
mod headers;
mod idempotency;
pub mod keys;
mod listen;
mod live;
pub mod metrics;
mod office;
mod openapi;
mod page;
mod problem;
mod room;
mod server;
pub mod word;

pub use config::{ConfigFault, WebConfig};
pub use office::Office;
pub use openapi::document as openapi_document;
pub use server::{ServeError, Server, ServerOptions};
