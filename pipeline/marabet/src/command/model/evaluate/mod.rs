//! `marabet model evaluate`: what each model would have forecast in real seasons, beside the
//! closing odds of the sharpest book.
//!
//! ```text
//! files ──► history ──► forecasters ──► evaluation ──► table, JSON, figure
//! ```

mod figure;
mod forecasters;
mod history;
mod table;

use std::collections::BTreeMap;

use anyhow::Context;
use marabet_quant::walkforward::{Evaluation, evaluate};
use serde::Serialize;

use crate::cli::EvaluateArgs;
use crate::output::say;
use forecasters::{Forecasters, RefitsOf};

/// The forecaster that the others are held against.
const CLOSING: &str = "market_closing";

/// What the walk through the seasons came to.
#[derive(Serialize)]
struct Report {
    leagues: Vec<String>,
    /// First and last season scored, by the year in which they began.
    seasons: [i32; 2],
    book: String,
    /// Matches read, those that teach included.
    matches_read: usize,
    #[serde(flatten)]
    evaluation: Evaluation,
    /// The blend of the best model and the pre-match odds, held against those odds with the same
    /// freedom to recalibrate.
    #[serde(skip_serializing_if = "Option::is_none")]
    blend: Option<Evaluation>,
    /// How the refits of each goal model went.
    refits: BTreeMap<String, RefitsOf>,
}

pub(super) fn execute(arguments: &EvaluateArgs, json: bool) -> anyhow::Result<()> {
    let history = history::read(arguments)?;
    let last = history.seasons().last().copied().unwrap_or(arguments.first).min(arguments.last);
    let made = Forecasters::walk(&history, arguments)?;
    let counts = |season: i32| (arguments.first..=last).contains(&season);
    let evaluation = evaluate(&history, &made.scored, CLOSING, |record| counts(record.season))
        .context(
            "no match of these leagues and seasons was forecast by all; are there closing odds?",
        )?;
    let blend = made.blended.as_ref().map(|both| {
        // The first season teaches what the pools know.
        let learnt = |season: i32| season > arguments.first && season <= last;
        evaluate(&history, both, "recalibrated", |record| learnt(record.season))
    });
    let report = Report {
        leagues: arguments.leagues.clone(),
        seasons: [arguments.first, last],
        book: arguments.book.clone(),
        matches_read: history.records().len(),
        evaluation,
        // Too few seasons leave the pools without anything to learn from.
        blend: blend.and_then(Result::ok),
        refits: made.refits,
    };
    if let Some(path) = &arguments.figure {
        std::fs::write(path, figure::draw(&report)).with_context(|| path.display().to_string())?;
    }
    say(&report, json)
}
