//! Backtests: what strategies would have brought, and how much of that is luck.
//!
//! Two ways lead to the same bets. The [`replay`] takes every fact through the stages that run
//! live, with models trained on schedule in event time. The [`sweep`] asks a [`table`]
//! of everything that was value, made by the stage's own functions, what each of many strategies
//! would have bet at. Both end in [`account`]: the portfolio's own fold, in canonical order. A
//! test holds them to the same bets, bet by bet.
//!
//! What comes of bets is measured in [`measure`] and told in [`report`]. This crate knows the
//! pure stages, sources of facts and archives; of Redis it knows no more than the streams' names,
//! which archives have too, and no other stage of the line.

pub mod account;
pub mod built_in;
pub mod clock;
pub mod digest;
pub mod frictions;
pub mod history;
pub mod measure;
pub mod opportunity;
pub mod paper;
pub mod played;
pub mod replay;
pub mod report;
pub mod setup;
pub mod survey;
pub mod sweep;
pub mod table;
pub mod walk;
