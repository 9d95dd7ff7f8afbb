//! `marabet model fit`

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use marabet_quant::goals::{self, Fit, FitOptions, Model, Played, TrainingSet};
use serde::Serialize;

use crate::command::results;
use crate::output::Answer;

/// A fitted model.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Fitted(Fit);

pub(super) fn fitted(model: &str, xi: f64, files: &[PathBuf]) -> anyhow::Result<Fitted> {
    let model: Model = model.replace('-', "_").parse()?;
    let mut set = TrainingSet::builder();
    for file in files {
        for row in results::read(file)? {
            let [home, away] = row.goals.map(u32::from);
            set.push(Played::new(row.day, &row.home, &row.away, home, away))
                .with_context(|| format!("{}: {} – {}", file.display(), row.home, row.away))?;
        }
    }
    let options = FitOptions { xi, ..FitOptions::default() };
    Ok(Fitted(goals::fit(model, &set.build()?, &options)?))
}

impl Answer for Fitted {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let fit = &self.0;
        let state = if fit.converged { "converged" } else { "did NOT converge" };
        writeln!(
            out,
            "{} on {} matches: {state} in {} iterations ({})",
            fit.model, fit.matches, fit.iterations, fit.why
        )?;
        writeln!(out, "log-likelihood  {:>12.4}", fit.log_likelihood)?;
        writeln!(out, "home advantage  {:>12.6}", fit.home_advantage)?;
        writeln!(out, "rho             {:>12.6}", fit.rho)?;
        writeln!(out, "\n{:<24} {:>9} {:>7} {:>9} {:>7}", "team", "attack", "se", "defence", "se")?;
        for (team, strength) in &fit.teams {
            let se = |se: Option<f64>| se.map_or_else(|| "–".to_owned(), |se| format!("{se:.4}"));
            writeln!(
                out,
                "{team:<24} {:>9.4} {:>7} {:>9.4} {:>7}",
                strength.attack,
                se(strength.attack_se),
                strength.defence,
                se(strength.defence_se)
            )?;
        }
        Ok(())
    }
}
