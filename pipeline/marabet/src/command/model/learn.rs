//! `marabet model calibrate` and `marabet model pool`: what is learnt from forecasts and what came
//! out.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use marabet_quant::blend::{Case, PoolFit, fit_exponents, fit_weight};
use marabet_quant::calibrate::{Beta, Calibrator, Isotonic, Platt};
use serde::Serialize;

use crate::cli::{CalibrateArgs, Map};
use crate::command::score::forecasts;
use crate::output::Answer;

/// A map learnt, and what it makes of probabilities.
#[derive(Serialize)]
pub(super) struct Calibrated {
    #[serde(flatten)]
    map: Learnt,
    /// Yes-or-no forecasts that it was learnt from: every result of every event.
    forecasts: usize,
    /// The probabilities given, corrected and scaled to add up to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<Vec<f64>>,
}

#[derive(Serialize)]
#[serde(tag = "map", rename_all = "snake_case")]
enum Learnt {
    Isotonic(Isotonic),
    Platt(Platt),
    Beta(Beta),
}

pub(super) fn calibrated(arguments: &CalibrateArgs) -> anyhow::Result<Calibrated> {
    let told = forecasts::read(&arguments.forecasts)?;
    let (said, happened) = told.yes_or_no();
    let map = match arguments.map {
        Map::Isotonic => Learnt::Isotonic(Isotonic::fit(&said, &happened)?),
        Map::Platt => Learnt::Platt(Platt::fit(&said, &happened)?),
        Map::Beta => Learnt::Beta(Beta::fit(&said, &happened)?),
    };
    let calibrator: &dyn Calibrator = match &map {
        Learnt::Isotonic(map) => map,
        Learnt::Platt(map) => map,
        Learnt::Beta(map) => map,
    };
    let probabilities = match &arguments.p[..] {
        [] => None,
        // One probability has nothing to be scaled with.
        [p] => Some(vec![calibrator.apply(*p)?]),
        p => Some(calibrator.apply_all(p)?),
    };
    Ok(Calibrated { forecasts: said.len(), probabilities, map })
}

impl Answer for Calibrated {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.map {
            Learnt::Platt(Platt { slope, shift }) => {
                writeln!(out, "logit q = {slope:.6} · logit p + {shift:.6}")?;
            }
            Learnt::Beta(Beta { a, b, c }) => {
                writeln!(out, "logit q = {a:.6} · ln p − {b:.6} · ln(1 − p) + {c:.6}")?;
            }
            Learnt::Isotonic(map) => {
                for (forecast, frequency) in map.corners() {
                    writeln!(out, "{forecast:.6}  {frequency:.6}")?;
                }
            }
        }
        writeln!(out, "learnt from {} forecasts", self.forecasts)?;
        for p in self.probabilities.iter().flatten() {
            writeln!(out, "{p:.6}")?;
        }
        Ok(())
    }
}

/// Exponents of a logarithmic pool.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Pooled(PoolFit);

pub(super) fn pooled(one: &Path, other: &Path, weights: bool) -> anyhow::Result<Pooled> {
    let (first, second) = (forecasts::read(one)?, forecasts::read(other)?);
    ensure!(
        first.outcomes == second.outcomes,
        "{} and {} tell of different events: their outcomes differ",
        one.display(),
        other.display()
    );
    let pairs = first.probabilities.iter().zip(&second.probabilities);
    let sources: Vec<[&[f64]; 2]> = pairs.map(|(a, b)| [&a[..], &b[..]]).collect();
    let cases: Vec<Case<'_>> = sources
        .iter()
        .zip(&first.outcomes)
        .map(|(sources, &outcome)| Case { sources, outcome })
        .collect();
    let fitted = if weights { fit_weight(&cases) } else { fit_exponents(&cases) };
    Ok(Pooled(fitted.context("the exponents cannot be learnt")?))
}

impl Answer for Pooled {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let fit = &self.0;
        for (place, exponent) in fit.exponents.iter().enumerate() {
            write!(out, "exponent {exponent:.6}")?;
            match fit.standard_errors.get(place) {
                Some(error) => writeln!(out, "  se {error:.6}")?,
                None => writeln!(out)?,
            }
        }
        writeln!(out, "log-loss {:.6} nats over {} events", fit.log_loss, fit.cases)
    }
}
