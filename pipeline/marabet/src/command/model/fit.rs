//! `marabet model fit`

use std::io::{self, Write};

use anyhow::Context;
use marabet_quant::goals::{self, Fit, FitOptions, Played, Prior, TrainingSetBuilder};
use serde::Serialize;

use crate::cli::FitArgs;
use crate::command::results;
use crate::output::Answer;

/// A fitted model.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Fitted(Fit);

pub(super) fn fitted(arguments: &FitArgs) -> anyhow::Result<Fitted> {
    let mut set = TrainingSetBuilder::with_covariates(&arguments.covariate);
    for file in &arguments.files {
        for row in results::read(file, &arguments.covariate)? {
            let [home, away] = row.goals.map(u32::from);
            let played = Played::new(row.day, &row.home, &row.away, home, away)
                .weighted(row.weight)
                .on_neutral_ground(row.neutral)
                .lasting(row.exposure)
                .with_covariates(&row.covariates[0], &row.covariates[1]);
            set.push(played)
                .with_context(|| format!("{}: {} – {}", file.display(), row.home, row.away))?;
        }
    }
    Ok(Fitted(goals::fit(arguments.model, &set.build()?, &options(arguments)?)?))
}

fn options(arguments: &FitArgs) -> anyhow::Result<FitOptions> {
    let day = |name: &str, date: &Option<String>| {
        let day = date.as_deref().map(|date| results::day(date).with_context(|| name.to_owned()));
        day.transpose()
    };
    let prior = arguments.prior.then(|| Prior {
        attack_sd: arguments.spread,
        defence_sd: arguments.spread,
        ..Prior::default()
    });
    Ok(FitOptions {
        xi: arguments.xi,
        as_of: day("--as-of", &arguments.as_of)?,
        since: day("--since", &arguments.since)?,
        before: day("--before", &arguments.before)?,
        prior,
        iterations_max: arguments.iterations,
        rue_salvesen: arguments.rue_salvesen,
        ..FitOptions::default()
    })
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
        let se = |se: Option<f64>| se.map_or_else(|| "–".to_owned(), |se| format!("{se:.4}"));
        writeln!(out, "log-likelihood  {:>12.4}", fit.log_likelihood)?;
        let (home, home_se) = (fit.home_advantage, se(fit.home_advantage_se));
        writeln!(out, "home advantage  {home:>12.6}  se {home_se}")?;
        for (name, shape) in &fit.shapes {
            writeln!(out, "{name:<15} {:>12.6}  se {}", shape.value, se(shape.se))?;
        }
        for effect in &fit.covariates {
            writeln!(out, "{:<15} {:>12.6}  se {}", effect.name, effect.value, se(effect.se))?;
        }
        writeln!(out, "\n{:<24} {:>9} {:>7} {:>9} {:>7}", "team", "attack", "se", "defence", "se")?;
        for (team, strength) in &fit.teams {
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
