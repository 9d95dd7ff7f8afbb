//! `marabet replay`: the stages over an archive, and what they derive beside what they derived
//! live.

mod cause;
pub(crate) mod choice;
pub(crate) mod difference;
mod drive;
#[cfg(test)]
mod lookahead;
mod overrides;
mod report;
mod shadow;

use anyhow::bail;
use marabet_archive::Archive;
use marabet_streams::clock;

use crate::cli::ReplayArgs;
use crate::config::Config;
use crate::output::say;
use choice::Choice;
use drive::{Plan, replay};
use overrides::Overrides;
use report::Report;

pub(crate) fn execute(arguments: &ReplayArgs, config: &Config, json: bool) -> anyhow::Result<()> {
    let archive = Archive::at(&config.archive_location())?;
    let choice = chosen(arguments)?;
    let overrides = Overrides::read(&arguments.set)?;
    let plan = Plan {
        archive: &archive,
        choice: &choice,
        overrides: &overrides,
        rules: &config.rules(),
        speed: arguments.speed.times(),
        verify: arguments.verify,
    };
    let began = clock::moment();
    let replayed = match &arguments.into {
        Some(namespace) => shadow::replay(&plan, namespace, config)?,
        None => replay(&plan)?,
    };
    let seconds = began.elapsed().as_secs_f64();
    say(&Report::of(&replayed, &plan, seconds), json)
}

fn chosen(arguments: &ReplayArgs) -> anyhow::Result<Choice> {
    let instant = |text: &Option<String>, ends| {
        text.as_ref().map(|text| choice::instant(text, ends)).transpose()
    };
    let (from, to) = (instant(&arguments.from, false)?, instant(&arguments.to, true)?);
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        bail!("the range is empty: --to {to} lies before --from {from}");
    }
    let leagues = arguments.leagues.iter().map(marabet_schemas::Competition::new).collect();
    Ok(Choice { from, to, matches: arguments.matches.clone(), leagues })
}
