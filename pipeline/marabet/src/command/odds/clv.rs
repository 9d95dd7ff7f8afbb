//! `marabet odds clv`: what a bet was worth at the closing line.

use std::io::{self, Write};

use anyhow::{Context, ensure};
use marabet_quant::devig::devig_to;
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::outcome::Outcomes;
use marabet_quant::score::{closing_line_value, reprice};
use marabet_quant::{Market, MarketKind, Selection};
use serde::Serialize;

use super::{bet, net, typed};
use crate::cli::ClvArgs;
use crate::output::{Answer, percent};

/// A bet's closing-line value.
#[derive(Serialize)]
pub(super) struct ClosingLineValue {
    market: Market,
    selection: Selection,
    net_odds: f64,
    /// Expected profit of one unit at the closing probabilities.
    clv: f64,
    /// What the closing prices say of the bet where it is decided.
    closing_probability: f64,
    /// Whether the closing prices are of another line than the bet's.
    repriced: bool,
}

pub(super) fn clv(arguments: &ClvArgs) -> anyhow::Result<ClosingLineValue> {
    let (market, selection) = bet(&arguments.bet)?;
    let closing_market = arguments.market.unwrap_or(market);
    let selections = closing_market.selections();
    let closing = typed(&arguments.closing)?;
    ensure!(
        closing.len() == selections.len(),
        "`{closing_market}` has {} selections, got {} closing odds",
        selections.len(),
        closing.len()
    );
    let winners = if closing_market.kind == MarketKind::DoubleChance { 2.0 } else { 1.0 };
    let fair = devig_to(arguments.method, &closing, winners)?.probabilities;
    let net_odds = net(&[arguments.odds], arguments.commission)?[0];
    let repriced = closing_market != market;
    let place = selections.iter().position(|one| *one == selection);
    let outcomes = match place.filter(|_| !repriced) {
        Some(place) => Outcomes::two_way(fair[place])?,
        None => {
            let [lambda, mu] = arguments.means[..] else {
                anyhow::bail!("a bet on another line is re-priced from `--means`: give both");
            };
            let prior = ScoreMatrix::dixon_coles(lambda, mu, arguments.rho)?;
            let targets: Vec<_> = selections
                .iter()
                .zip(&fair)
                // The last selection's price follows from the others'.
                .take(selections.len() - 1)
                .map(|(selection, p)| (closing_market, *selection, *p))
                .collect();
            reprice(&prior, &targets, &market, selection).context("the closing prices")?
        }
    };
    Ok(ClosingLineValue {
        market,
        selection,
        net_odds,
        clv: closing_line_value(net_odds, &outcomes),
        closing_probability: outcomes.conditional_win().unwrap_or(outcomes.win),
        repriced,
    })
}

impl Answer for ClosingLineValue {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let how = if self.repriced { ", re-priced to the bet's line" } else { "" };
        writeln!(
            out,
            "{}:{} closed at a probability of {:.5}{how}: closing-line value {}",
            self.market,
            self.selection,
            self.closing_probability,
            percent(self.clv)
        )
    }
}
