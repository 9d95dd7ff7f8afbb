//! Each provider's source against a server on loopback that speaks its documented protocol, and
//! misbehaves when told to; and against real replies, where there are some.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test stops where it fails, and says what it read"
)]

mod api_football;
mod betfair_files;
mod betfair_live;
#[allow(dead_code, reason = "the tests of the whole program let it go and come back")]
mod exchange;
mod hand;
mod joining;
mod pinnacle;
mod politeness;
mod real;
mod server;
mod snapshot;
mod the_odds_api;
