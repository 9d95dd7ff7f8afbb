//! `marabet odds devig` and `marabet odds price`, its inverse.

use std::io::{self, Write};

use marabet_quant::Odds;
use marabet_quant::devig::{Method, devig_to, price_with_margin};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::output::{Answer, percent};

/// A market without its margin.
#[derive(Serialize)]
pub(super) struct Devigged {
    method: Method,
    odds: Vec<Odds>,
    probabilities: Vec<f64>,
    fair_odds: Vec<f64>,
    margin: f64,
    overround: f64,
    /// The method's own parameter under its name: `z`, `k`, `c`, `step`.
    #[serde(flatten)]
    parameter: Map<String, Value>,
}

pub(super) fn devigged(method: Method, odds: &[Odds], target: f64) -> anyhow::Result<Devigged> {
    let fair = devig_to(method, odds, target)?;
    let parameter = fair.parameter.iter().map(|one| (one.name.to_owned(), one.value.into()));
    Ok(Devigged {
        method,
        odds: odds.to_vec(),
        fair_odds: fair.probabilities.iter().map(|p| 1.0 / p).collect(),
        margin: fair.margin,
        overround: fair.overround,
        parameter: parameter.collect(),
        probabilities: fair.probabilities,
    })
}

impl Answer for Devigged {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:>8}  {:>11}  {:>9}", "odds", "probability", "fair odds")?;
        for ((odds, p), fair) in self.odds.iter().zip(&self.probabilities).zip(&self.fair_odds) {
            writeln!(out, "{odds:>8.3}  {p:>11.6}  {fair:>9.4}")?;
        }
        write!(out, "margin {} by {}", percent(self.margin), self.method)?;
        for (name, value) in &self.parameter {
            write!(out, ", {name} = {value}")?;
        }
        writeln!(out)
    }
}

/// A market with a margin put on it.
#[derive(Serialize)]
pub(super) struct WithMargin {
    method: Method,
    margin: f64,
    probabilities: Vec<f64>,
    odds: Vec<Odds>,
    overround: f64,
}

pub(super) fn priced(method: Method, p: &[f64], margin: f64) -> anyhow::Result<WithMargin> {
    let odds = price_with_margin(method, p, margin)?;
    let overround = odds.iter().map(|odds| 1.0 / odds.decimal()).sum();
    Ok(WithMargin { method, margin, probabilities: p.to_vec(), odds, overround })
}

impl Answer for WithMargin {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:>11}  {:>8}", "probability", "odds")?;
        for (p, odds) in self.probabilities.iter().zip(&self.odds) {
            writeln!(out, "{p:>11.6}  {odds:>8.4}")?;
        }
        writeln!(out, "margin {} by {}", percent(self.margin), self.method)
    }
}
