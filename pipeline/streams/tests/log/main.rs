//! The log against a real server that each test starts for itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod account;
mod along;
mod cluster;
mod commit;
mod dead;
mod embedded;
mod failover;
mod faults;
mod feed;
mod group;
mod line;
mod servers;
mod stuck;
mod support;
mod tls;
mod upkeep;
mod users;
