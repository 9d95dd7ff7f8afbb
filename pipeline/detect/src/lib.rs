//! Priced quotes in; value bets, refusals and settlements out.
//!
//! [`Detect`] is a pure stage: it decides what is fair, then what is value, and how bets ended.
//! It knows no model but by what a priced quote carries, no bankroll (stakes are shares of it)
//! and nobody who is told.
//!
//! # When a price is looked at
//!
//! Nothing is decided but by an event, at the match's own time: the largest `at` seen for the
//! match. A quote makes its own price worth a look, and all prices of the market where it can
//! change what is fair: a reference book's, any book's for a consensus, the first with a new model.
//! So do a reference's withdrawal, a book seen again, a kick-off or status that changed. A price
//! that stood becomes a bet when the reference moves away from it.
//!
//! # The rules, and where they live
//!
//! | rule | module |
//! |---|---|
//! | fair price: `sharp`, `consensus`, `model`, `blend`, the offering book left out | `fair` |
//! | the five outcomes of a bet with a push: a matrix tilted to the conditional price | `scores` |
//! | value net of commission; what an event makes worth a look; a better price by a step of 1 % | `value` |
//! | one selection a payoff; the best net price first, others beside it | `offer` |
//! | refusals, each recorded once for a strategy, match, market, book and reason | `refusal` |
//! | joint Kelly or a flat stake beside what stands, the match's cap, top-ups | `stake` |
//! | price of record, what is told | `bet` |
//! | results, corrections, voids, new occurrences, review | `settle` |
//! | closing-line value: exact, fallback, re-priced | `closing` |
//! | a match's life: kick-off moved, result, closed | `stage::matches` |
//! | rules in force: the highest number; books and strategies | `rules` |
//! | everything that any strategy might bet at, for a sweep over many | `survey` |
//!
//! # What it passes on
//!
//! Rules that come into force, what the user says of bets, deposits, and that a match is closed:
//! the portfolio reads this stage's stream alone. Of quotes without interest nothing is told.
//!
//! # Bounds
//!
//! A match holds 256 markets, a market 128 books, a strategy 48 bets a match; a partition knows
//! 1,024 books by name. What is beyond is rejected with the reason (a bet: refused for want of a
//! stake). Of a closed match one row of some seventy bytes stays, so that late events are known to
//! be late.

mod bet;
mod board;
mod closing;
mod desk;
mod fair;
mod offer;
mod refusal;
mod rules;
mod scores;
mod settle;
mod stage;
pub mod stake;
mod state;
pub mod survey;
mod value;
pub mod view;

pub use stage::Detect;
