//! The whole program, driven from its command line.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test stops where it fails")]

mod archive;
mod background;
mod bad_input;
mod calculators;
mod crash;
mod demo;
mod faces;
mod kills;
#[path = "../../../ingest/tests/providers/server.rs"]
mod server;
mod share;
mod sources;
mod support;
