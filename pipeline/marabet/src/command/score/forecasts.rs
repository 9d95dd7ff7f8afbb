//! Files of forecasts with what came out.
//!
//! CSV: a column for the probability of each result and one called `outcome`, which holds the
//! result's number (from 1; from 0 where a 0 occurs among them), the name of its column, or H, D
//! and A. Columns whose cells are no probabilities (`match`, `date`, …) are passed over when their
//! name starts with none of `p`, `home`, `draw`, `away`. JSON: `{"forecasts": [[…], …], "outcomes":
//! [0, …]}`, or a list of `{"p": […], "outcome": 0}`, outcomes from 0.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::command::results::text;

/// Forecasts of events, and what came out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// Of each event the probabilities of its results.
    pub(crate) probabilities: Vec<Vec<f64>>,
    /// Which result occurred, from 0.
    pub(crate) outcomes: Vec<usize>,
}

impl Told {
    /// Every result of every event as a yes-or-no forecast.
    pub(crate) fn yes_or_no(&self) -> (Vec<f64>, Vec<bool>) {
        let said = self.probabilities.iter().flatten().copied().collect();
        let events = self.probabilities.iter().zip(&self.outcomes);
        let happened = events.flat_map(|(p, &outcome)| (0..p.len()).map(move |at| at == outcome));
        (said, happened.collect())
    }
}

/// Reads a file of forecasts.
pub(crate) fn read(file: &Path) -> anyhow::Result<Told> {
    let told = text(file).and_then(|text| match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => json(&text),
        _ => csv(&text),
    });
    let told = told.with_context(|| file.display().to_string())?;
    ensure!(!told.outcomes.is_empty(), "{}: no forecast in it", file.display());
    Ok(told)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Json {
    Columns { forecasts: Vec<Vec<f64>>, outcomes: Vec<usize> },
    Rows(Vec<JsonRow>),
}

#[derive(Deserialize)]
struct JsonRow {
    #[serde(alias = "probabilities", alias = "forecast")]
    p: Vec<f64>,
    outcome: usize,
}

fn json(text: &str) -> anyhow::Result<Told> {
    let parsed = serde_json::from_str(text)
        .context("expected {\"forecasts\": [[…], …], \"outcomes\": [0, …]}")?;
    let (probabilities, outcomes) = match parsed {
        Json::Columns { forecasts, outcomes } => (forecasts, outcomes),
        Json::Rows(rows) => rows.into_iter().map(|row| (row.p, row.outcome)).unzip(),
    };
    ensure!(
        probabilities.len() == outcomes.len(),
        "{} forecasts need as many outcomes, got {}",
        probabilities.len(),
        outcomes.len()
    );
    Ok(Told { probabilities, outcomes })
}

/// What the columns of a CSV hold.
struct Columns {
    /// Places and names of the probabilities.
    results: Vec<(usize, String)>,
    /// Place of the outcome.
    outcome: usize,
    width: usize,
}

fn columns(header: &str) -> anyhow::Result<Columns> {
    let names: Vec<String> =
        header.split(',').map(|name| name.trim().trim_matches('"').to_lowercase()).collect();
    let is_outcome = |name: &String| matches!(name.as_str(), "outcome" | "result" | "ftr");
    let outcome = names.iter().position(is_outcome);
    let is_result = |name: &str| {
        name.starts_with('p') || matches!(name, "home" | "draw" | "away" | "h" | "d" | "a")
    };
    let results: Vec<(usize, String)> =
        names.iter().cloned().enumerate().filter(|(_, name)| is_result(name)).collect();
    match outcome {
        Some(outcome) if results.len() >= 2 => Ok(Columns { results, outcome, width: names.len() }),
        _ => bail!("line 1: expected columns p1, p2, … and outcome, got `{header}`"),
    }
}

/// An outcome as it is written.
enum Written {
    Number(usize),
    Place(usize),
}

fn csv(text: &str) -> anyhow::Result<Told> {
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let Some((_, header)) = lines.next() else { bail!("it is empty") };
    let columns = columns(header)?;
    let (mut probabilities, mut written) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        let (p, outcome) = row(line, &columns).with_context(|| format!("line {number}"))?;
        probabilities.push(p);
        written.push((number, outcome));
    }
    let from_zero = written.iter().any(|(_, outcome)| matches!(outcome, Written::Number(0)));
    let first = usize::from(!from_zero);
    let results = columns.results.len();
    let outcomes = written.into_iter().map(|(number, outcome)| match outcome {
        Written::Place(place) => Ok(place),
        Written::Number(outcome) if (first..first + results).contains(&outcome) => {
            Ok(outcome - first)
        }
        Written::Number(outcome) => {
            bail!("line {number}: outcome {outcome} is none of {first}..={}", first + results - 1)
        }
    });
    Ok(Told { outcomes: outcomes.collect::<anyhow::Result<_>>()?, probabilities })
}

fn row(line: &str, columns: &Columns) -> anyhow::Result<(Vec<f64>, Written)> {
    let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
    ensure!(cells.len() == columns.width, "{} cells, expected {}", cells.len(), columns.width);
    let number = |(place, name): &(usize, String)| {
        let cell = cells[*place];
        cell.parse().with_context(|| format!("{name}: `{cell}` is no number"))
    };
    let p = columns.results.iter().map(number).collect::<anyhow::Result<_>>()?;
    Ok((p, outcome(cells[columns.outcome], columns)?))
}

fn outcome(cell: &str, columns: &Columns) -> anyhow::Result<Written> {
    if let Ok(number) = cell.parse() {
        return Ok(Written::Number(number));
    }
    let lower = cell.to_lowercase();
    let named = columns
        .results
        .iter()
        .position(|(_, name)| *name == lower || name.strip_prefix("p_") == Some(&lower));
    let results = columns.results.len();
    let lettered = match lower.as_str() {
        "h" | "home" if results == 3 => Some(0),
        "d" | "draw" if results == 3 => Some(1),
        "a" | "away" if results == 3 => Some(2),
        _ => None,
    };
    let place = named.or(lettered);
    place.map(Written::Place).with_context(|| format!("outcome `{cell}` is none of the results"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_numbers_from_one_or_zero_names_or_letters() {
        let wanted = Told { probabilities: vec![vec![0.5, 0.3, 0.2]; 2], outcomes: vec![0, 2] };
        for text in [
            "p1,p2,p3,outcome\n0.5,0.3,0.2,1\n0.5,0.3,0.2,3\n",
            "p1,p2,p3,outcome\n0.5,0.3,0.2,0\n0.5,0.3,0.2,2\n",
            "match,p_home,p_draw,p_away,outcome\nA v B,0.5,0.3,0.2,H\nC v D,0.5,0.3,0.2,away\n",
            "outcome,home,draw,away\nhome,0.5,0.3,0.2\na,0.5,0.3,0.2\n",
        ] {
            assert_eq!(csv(text).unwrap(), wanted, "{text}");
        }
        let rows = r#"[{"p":[0.5,0.3,0.2],"outcome":0},{"p":[0.5,0.3,0.2],"outcome":2}]"#;
        assert_eq!(json(rows).unwrap(), wanted);
        let columns = r#"{"forecasts":[[0.5,0.3,0.2],[0.5,0.3,0.2]],"outcomes":[0,2]}"#;
        assert_eq!(json(columns).unwrap(), wanted);
    }

    #[test]
    fn a_bad_row_is_named() {
        for bad in [
            "p1,p2\n0.5,0.5\n",
            "p1,outcome\n0.4,2\n",
            "p1,p2,outcome\nx,0.5,1\n",
            "p1,p2,outcome\n1\n",
            "p1,p2,outcome\n0.5,0.5,3\n",
            "p1,p2,outcome\n0.5,0.5,win\n",
        ] {
            let error = format!("{:#}", csv(bad).unwrap_err());
            assert!(error.contains("line"), "{error}");
        }
        assert!(json("{\"forecasts\":[[1,0]],\"outcomes\":[]}").is_err());
    }
}
