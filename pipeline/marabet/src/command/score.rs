//! `marabet score`

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use marabet_quant::score;
use serde::Serialize;

use crate::output::{Answer, say};

/// Mean scores of forecasts; lower is better.
#[derive(Serialize)]
#[serde(transparent)]
struct MeanScores(score::Scores);

/// One forecast and what happened, from 0.
type Forecast = (Vec<f64>, usize);

pub(super) fn execute(file: &Path, json: bool) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let forecasts = parse(&text).with_context(|| file.display().to_string())?;
    ensure!(!forecasts.is_empty(), "{}: no forecast in it", file.display());
    let (forecasts, outcomes): (Vec<Vec<f64>>, Vec<usize>) = forecasts.into_iter().unzip();
    let scores = score::mean_scores(&forecasts, &outcomes)?;
    say(&MeanScores(scores), json)
}

/// Rows of `p1,p2,…,outcome` behind a header.
fn parse(text: &str) -> anyhow::Result<Vec<Forecast>> {
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let Some((_, header)) = lines.next() else { bail!("it is empty") };
    let columns: Vec<&str> = header.split(',').map(str::trim).collect();
    let Some(("outcome", probabilities)) =
        columns.split_last().map(|(last, others)| (*last, others.len()))
    else {
        bail!("line 1: expected columns p1, p2, … and outcome, got `{header}`");
    };
    lines
        .map(|(number, line)| row(line, probabilities).with_context(|| format!("line {number}")))
        .collect()
}

fn row(line: &str, probabilities: usize) -> anyhow::Result<Forecast> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    ensure!(
        cells.len() == probabilities + 1,
        "{} cells, expected {}",
        cells.len(),
        probabilities + 1
    );
    let (outcome, cells) = cells.split_last().context("no cells")?;
    let number = |cell: &&str| cell.parse().with_context(|| format!("`{cell}` is no number"));
    let p: Vec<f64> = cells.iter().map(number).collect::<anyhow::Result<_>>()?;
    let outcome: usize = outcome.parse().with_context(|| format!("outcome `{outcome}`"))?;
    ensure!(
        (1..=probabilities).contains(&outcome),
        "outcome {outcome} is none of 1..={probabilities}"
    );
    Ok((p, outcome - 1))
}

impl Answer for MeanScores {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let scores = &self.0;
        writeln!(out, "{} forecasts", scores.forecasts)?;
        writeln!(out, "RPS        {:.6}", scores.rps)?;
        writeln!(out, "Brier      {:.6}", scores.brier)?;
        writeln!(out, "log-loss   {:.6} nats", scores.log_loss)?;
        writeln!(out, "ignorance  {:.6} bits", scores.ignorance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forecasts_are_read_and_a_bad_row_is_named() {
        assert_eq!(parse("p1,p2,outcome\n0.4,0.6,2\n").unwrap(), [(vec![0.4, 0.6], 1)]);
        for bad in ["p1,p2\n", "p1,outcome\n0.4,2\n", "p1,outcome\nx,1\n", "p1,outcome\n1\n"] {
            let error = format!("{:#}", parse(bad).unwrap_err());
            assert!(error.contains("line"), "{error}");
        }
    }
}
