//! The stage that grants stakes: the bets of all partitions → `grants`.
//!
//! [`Portfolio`] is one fold over everything that detection derives, in the order in which it
//! arrives: it keeps each strategy's bankroll, asks of every new bet how much its caps leave of
//! the stake wanted, and answers with a grant, a stake of nothing included.
//!
//! Pure: no I/O, no clock, no randomness. This crate knows no price and no stream; which
//! partition an event came through does not matter to it:
//!
//! - What concerns one match (bets, settlements, what the user says of a bet) names the match and
//!   so comes once, through the match's partition.
//! - What concerns the whole system may come once a partition. Of a configuration the first copy
//!   counts, its number telling the rest apart; of a deposit the first copy counts, its content
//!   telling the rest apart: two deposits at one instant, to one strategy, of one amount, with one
//!   note are one deposit.

pub mod account;
pub mod caps;
mod stage;
mod state;
pub mod view;

pub use stage::Portfolio;
