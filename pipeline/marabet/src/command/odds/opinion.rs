//! `marabet odds consensus` and `marabet odds blend`: one opinion out of several.

use std::io::{self, Write};

use anyhow::{Context, ensure};
use marabet_quant::blend;
use marabet_quant::consensus::{self, Rule};
use marabet_quant::devig::{Method, devig};
use serde::Serialize;

use super::{list, typed};
use crate::cli::ConsensusRule;
use crate::output::Answer;

/// One opinion.
#[derive(Serialize)]
pub(super) struct Opinion {
    probabilities: Vec<f64>,
    fair_odds: Vec<f64>,
}

impl Opinion {
    fn of(probabilities: Vec<f64>) -> Self {
        Self { fair_odds: probabilities.iter().map(|p| 1.0 / p).collect(), probabilities }
    }
}

pub(super) fn consensus(
    books: &[String],
    method: Method,
    rule: ConsensusRule,
    trim: f64,
    weights: &[f64],
) -> anyhow::Result<Opinion> {
    let fair = |(number, text): (usize, &String)| {
        let odds = list(text).and_then(|odds| typed(&odds));
        let fair = odds.and_then(|odds| Ok(devig(method, &odds)?.probabilities));
        fair.with_context(|| format!("book number {number}"))
    };
    let fair: Vec<Vec<f64>> = (1..).zip(books).map(fair).collect::<anyhow::Result<_>>()?;
    let weighted = rule == ConsensusRule::Weighted;
    ensure!(weighted != weights.is_empty(), "`--weights` and `--rule weighted` belong together");
    let rule = match rule {
        ConsensusRule::Weighted => return Ok(Opinion::of(consensus::weighted(&fair, weights)?)),
        ConsensusRule::Mean => Rule::Mean,
        ConsensusRule::Median => Rule::Median,
        ConsensusRule::Trimmed => Rule::TrimmedMean(trim),
        ConsensusRule::Geometric => Rule::GeometricMean,
    };
    Ok(Opinion::of(consensus::consensus(rule, &fair)?))
}

pub(super) fn blend(model: &[f64], market: &[f64], weight: f64) -> anyhow::Result<Opinion> {
    Ok(Opinion::of(blend::blend(model, market, weight)?))
}

impl Answer for Opinion {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:>11}  {:>9}", "probability", "fair odds")?;
        for (p, fair) in self.probabilities.iter().zip(&self.fair_odds) {
            writeln!(out, "{p:>11.6}  {fair:>9.4}")?;
        }
        Ok(())
    }
}
