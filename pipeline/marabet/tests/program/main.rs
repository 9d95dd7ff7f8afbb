//! The whole program, driven from its command line.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test stops where it fails")]

mod archive;
mod background;
mod bad_input;
mod calculators;
mod captures;
mod crash;
mod demo;
#[path = "../../../ingest/tests/providers/exchange.rs"]
mod exchange;
mod faces;
mod in_play;
mod kills;
#[path = "../../../notify/tests/support/mail_server.rs"]
mod mail_server;
mod roll;
#[expect(dead_code, reason = "ingest's own tests ask it what it was asked")]
#[path = "../../../ingest/tests/providers/server.rs"]
mod server;
mod share;
mod snapshot;
mod sources;
mod support;
mod telemetry;
mod users;
