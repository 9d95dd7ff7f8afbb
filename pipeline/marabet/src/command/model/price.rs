//! `marabet model price`

use std::collections::BTreeMap;
use std::io::{self, Write};

use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::outcome::Outcomes;
use marabet_quant::prices::{self, CorrectScore, OtherScores, WinningMargin};
use marabet_quant::{Market, Selection};
use serde::Serialize;

use crate::output::{Answer, or_dash};

/// Every market of a match.
#[derive(Serialize)]
pub(super) struct Priced {
    lambda: f64,
    mu: f64,
    rho: f64,
    /// By market and selection.
    markets: BTreeMap<Market, BTreeMap<Selection, Price>>,
    correct_scores: Vec<CorrectScore>,
    other_scores: OtherScores,
    winning_margins: Vec<WinningMargin>,
}

/// How a bet on a selection may end, and what it is worth.
#[derive(Serialize)]
struct Price {
    #[serde(flatten)]
    outcomes: Outcomes,
    fair_odds: Option<f64>,
}

pub(super) fn priced(lambda: f64, mu: f64, rho: f64) -> anyhow::Result<Priced> {
    let list = prices::all(&ScoreMatrix::dixon_coles(lambda, mu, rho)?);
    let markets = list.markets.into_iter().map(|market| {
        let selections = market
            .selections
            .into_iter()
            .map(|one| (one.selection, Price { outcomes: one.outcomes, fair_odds: one.fair_odds }));
        (market.market, selections.collect())
    });
    Ok(Priced {
        lambda,
        mu,
        rho,
        markets: markets.collect(),
        correct_scores: list.correct_scores,
        other_scores: list.other_scores,
        winning_margins: list.winning_margins,
    })
}

impl Answer for Priced {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<12} {:<13} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "market", "selection", "win", "half-win", "push", "half-loss", "loss", "fair odds"
        )?;
        for (market, selections) in &self.markets {
            for (selection, price) in selections {
                let Outcomes { win, half_win, push, half_loss, loss } = price.outcomes;
                writeln!(
                    out,
                    "{:<12} {selection:<13} {win:>9.5} {half_win:>9.5} {push:>9.5} {half_loss:>9.5} {loss:>9.5} {:>9}",
                    market.to_string(),
                    or_dash(price.fair_odds.map(|odds| format!("{odds:.3}")))
                )?;
            }
        }
        writeln!(out, "\ncorrect score")?;
        for CorrectScore { home, away, probability } in &self.correct_scores {
            writeln!(out, "  {home}–{away}  {probability:.5}")?;
        }
        Ok(())
    }
}
