//! `marabet model price`: every market of a match, as `in-play` tells it too.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use marabet_quant::goals::Fit;
use marabet_quant::matrix::{Halves, ScoreMatrix};
use marabet_quant::outcome::Outcomes;
use marabet_quant::prices::{self, PriceList};
use serde::Serialize;

use crate::cli::PriceArgs;
use crate::output::{Answer, or_dash};

/// Every market of a match.
#[derive(Serialize)]
pub(super) struct Priced {
    lambda: f64,
    mu: f64,
    rho: f64,
    #[serde(flatten)]
    list: Markets,
}

/// Prices by market and selection, the markets in their usual order.
#[derive(Serialize)]
pub(super) struct Markets {
    markets: serde_json::Map<String, serde_json::Value>,
    #[serde(skip)]
    rows: Vec<(String, String, Price)>,
}

/// How a bet on a selection may end, and what it is worth.
#[derive(Clone, Copy, Serialize)]
struct Price {
    #[serde(flatten)]
    outcomes: Outcomes,
    fair_odds: Option<f64>,
}

pub(super) fn priced(arguments: &PriceArgs) -> anyhow::Result<Priced> {
    let (matrix, rho) = match (&arguments.fit, arguments.lambda, arguments.mu) {
        (Some(file), ..) => of_fit(file, arguments)?,
        (None, Some(lambda), Some(mu)) => {
            (ScoreMatrix::dixon_coles(lambda, mu, arguments.rho)?, arguments.rho)
        }
        _ => anyhow::bail!("name the expected goals of both sides, or a fitted model"),
    };
    let (lambda, mu) = match (arguments.lambda, arguments.mu) {
        (Some(lambda), Some(mu)) => (lambda, mu),
        _ => matrix.means(),
    };
    let halves = Halves::split(&matrix, arguments.first_half_share)?;
    Ok(Priced { lambda, mu, rho, list: Markets::of(&prices::all_with_halves(&halves))? })
}

/// The score matrix of a match by a fitted model, and the model's rho.
fn of_fit(file: &Path, arguments: &PriceArgs) -> anyhow::Result<(ScoreMatrix, f64)> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let fit: Fit = serde_json::from_str(&text)
        .with_context(|| format!("{}: it is no model that `model fit` printed", file.display()))?;
    let side = |name: &Option<String>| name.clone().unwrap_or_default();
    let (home, away) = (side(&arguments.home), side(&arguments.away));
    Ok((fit.matrix(&home, &away, arguments.neutral)?, fit.rho))
}

impl Markets {
    pub(super) fn of(list: &PriceList) -> anyhow::Result<Self> {
        let mut rows = Vec::new();
        for market in &list.markets {
            for one in &market.selections {
                let price = Price { outcomes: one.outcomes, fair_odds: one.fair_odds };
                rows.push((market.market.to_string(), one.selection.to_string(), price));
            }
        }
        let mut add = |market: &str, selection: String, p: f64| -> anyhow::Result<()> {
            // Sums of many scores may pass one by a rounding.
            let outcomes = Outcomes::two_way(p.clamp(0.0, 1.0))?;
            let price = Price { outcomes, fair_odds: outcomes.fair_odds() };
            rows.push((market.to_owned(), selection, price));
            Ok(())
        };
        for score in &list.correct_scores {
            add("correct_score", format!("{}-{}", score.home, score.away), score.probability)?;
        }
        let other = list.other_scores;
        for (side, p) in [("home", other.home), ("draw", other.draw), ("away", other.away)] {
            add("correct_score", format!("any_other_{side}"), p)?;
        }
        for margin in &list.winning_margins {
            let side = match margin.lead {
                1.. => "home_by_",
                0 => "draw",
                _ => "away_by_",
            };
            let goals =
                if margin.lead == 0 { String::new() } else { margin.lead.abs().to_string() };
            let more = if margin.or_more { "_or_more" } else { "" };
            add("winning_margin", format!("{side}{goals}{more}"), margin.probability)?;
        }
        const RESULTS: [&str; 3] = ["home", "draw", "away"];
        for (at_half, row) in RESULTS.iter().zip(list.half_time_full_time.unwrap_or_default()) {
            for (at_end, p) in RESULTS.iter().zip(row) {
                add("half_time_full_time", format!("{at_half}/{at_end}"), p)?;
            }
        }
        let mut by_market: BTreeMap<&str, serde_json::Map<_, _>> = BTreeMap::new();
        for (market, selection, price) in &rows {
            let price = serde_json::to_value(price)?;
            by_market.entry(market).or_default().insert(selection.clone(), price);
        }
        let markets = by_market.into_iter().map(|(market, of)| (market.to_owned(), of.into()));
        Ok(Self { markets: markets.collect(), rows })
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<20} {:<18} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "market", "selection", "win", "half-win", "push", "half-loss", "loss", "fair odds"
        )?;
        for (market, selection, price) in &self.rows {
            let Outcomes { win, half_win, push, half_loss, loss } = price.outcomes;
            writeln!(
                out,
                "{market:<20} {selection:<18} {win:>9.5} {half_win:>9.5} {push:>9.5} {half_loss:>9.5} {loss:>9.5} {:>9}",
                or_dash(price.fair_odds.map(|odds| format!("{odds:.3}")))
            )?;
        }
        Ok(())
    }
}

impl Answer for Priced {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "expected goals {:.4} – {:.4}, rho {}\n", self.lambda, self.mu, self.rho)?;
        self.list.write_text(out)
    }
}
