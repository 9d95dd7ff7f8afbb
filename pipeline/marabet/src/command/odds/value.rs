//! `marabet odds value`

use std::io::{self, Write};

use anyhow::{Context, ensure};
use marabet_quant::Odds;
use marabet_quant::devig::{Method, devig};
use marabet_quant::outcome::Outcomes;
use marabet_quant::staking;
use serde::Serialize;

use super::typed;
use crate::output::{Answer, percent};

/// Prices against what is fair.
#[derive(Serialize)]
pub(super) struct Values {
    selections: Vec<SelectionValue>,
}

#[derive(Serialize)]
struct SelectionValue {
    odds: Odds,
    net_odds: f64,
    probability: f64,
    fair_odds: f64,
    /// Expected value of one unit, net of commission.
    ev: f64,
    /// Full Kelly stake, a share of the bankroll.
    kelly: f64,
}

pub(super) fn value(
    odds: &[Odds],
    net: &[f64],
    p: &[f64],
    reference: &[f64],
    method: Method,
) -> anyhow::Result<Values> {
    let probabilities = if reference.is_empty() {
        p.to_vec()
    } else {
        devig(method, &typed(reference)?).context("the reference's odds")?.probabilities
    };
    ensure!(
        probabilities.len() == odds.len(),
        "{} odds offered, and {} probabilities to hold against them",
        odds.len(),
        probabilities.len()
    );
    let selections = odds.iter().zip(net).zip(probabilities).map(|((&odds, &net_odds), p)| {
        let outcomes = Outcomes::two_way(p)?;
        Ok(SelectionValue {
            odds,
            net_odds,
            probability: p,
            fair_odds: 1.0 / p,
            ev: outcomes.expected_return(net_odds),
            kelly: staking::kelly(net_odds, p, 1.0)?.stake,
        })
    });
    Ok(Values { selections: selections.collect::<anyhow::Result<_>>()? })
}

impl Answer for Values {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:>8}  {:>9}  {:>9}  {:>7}", "net odds", "fair odds", "EV", "Kelly")?;
        for one in &self.selections {
            let (net, fair) = (one.net_odds, one.fair_odds);
            writeln!(out, "{net:>8.3}  {fair:>9.4}  {:>9}  {:>7.4}", percent(one.ev), one.kelly)?;
        }
        Ok(())
    }
}
