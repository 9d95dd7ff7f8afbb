//! The whole program, driven from its command line.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test stops where it fails")]

mod archive;
mod bad_input;
mod calculators;
mod crash;
mod demo;
mod faces;
mod kills;
mod share;
#[path = "../../../ingest/tests/providers/server.rs"]
mod server;
mod sources;
mod support;
