//! The ledger on real databases: SQLite in a file, PostgreSQL on a socket of its own.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod away;
mod following;
mod money;
mod records;
mod schema;
mod story;
mod support;
