//! One file a command.

mod archive;
mod asked;
mod backtest;
mod backups;
mod bet;
mod bets;
mod config;
mod dead;
mod events;
mod import;
mod jobs;
mod key;
mod ledger;
mod log;
mod model;
mod names;
mod odds;
mod redis;
mod results;
mod run;
mod schedule;
mod score;
mod shadow;
mod simulate;
mod sources;
mod status;
mod why;

pub(crate) use asked::{Asked, asked_to_end};
pub(crate) use backtest::program as backtest_program;
pub(crate) use bet::say as say_of_bet;
pub(crate) use simulate::simulation;

use std::path::Path;

use crate::cli::{Cli, Command, Global};
use crate::config::{Config, load};
use crate::{demo, replay};

/// Does what was asked for.
pub(crate) fn execute(cli: &Cli) -> anyhow::Result<()> {
    let json = cli.global.json;
    match &cli.command {
        Command::Odds(command) => odds::execute(command, json),
        Command::Model(command) => model::execute(command, json),
        Command::Score(arguments) => score::execute(arguments, json),
        Command::Simulate(arguments) => simulate::execute(arguments, json),
        Command::Config(command) => config::execute(command, &cli.global),
        Command::Demo(arguments) => block_on(demo::execute(arguments, &cli.global)),
        Command::Run(arguments) => block_on(run::execute(arguments, &configuration(&cli.global)?)),
        Command::Archive(command) => archive::execute(command, &configuration(&cli.global)?, json),
        Command::Import(command) => import::execute(command, &configuration(&cli.global)?, json),
        Command::Replay(arguments) => {
            replay::execute(arguments, &configuration(&cli.global)?, json)
        }
        Command::Shadow { until_done } => {
            block_on(shadow::execute(*until_done, &configuration(&cli.global)?, json))
        }
        Command::Key(command) => key::execute(command, json),
        Command::Backtest { arguments } => backtest::execute(arguments, &cli.global),
        Command::Redis => block_on(redis::execute(&configuration(&cli.global)?, json)),
        Command::Sources(command) => {
            block_on(sources::execute(command, &configuration(&cli.global)?, json))
        }
        Command::Names(command) => names::execute(command, &configuration(&cli.global)?, json),
        Command::Status => block_on(status::execute(&configuration(&cli.global)?, json)),
        Command::Log(command) => {
            block_on(log::execute(command, &configuration(&cli.global)?, json))
        }
        Command::Dead(command) => {
            block_on(dead::execute(command, &configuration(&cli.global)?, json))
        }
        Command::Events(command) => {
            block_on(events::execute(command, &configuration(&cli.global)?, json))
        }
        Command::Bets(command) => {
            block_on(bets::execute(command, &configuration(&cli.global)?, json))
        }
        Command::Bet(command) => {
            block_on(bet::execute(command, &configuration(&cli.global)?, json))
        }
        Command::Deposit(arguments) => {
            block_on(bet::deposit(arguments, &configuration(&cli.global)?, json))
        }
        Command::Ledger(command) => {
            block_on(ledger::execute(command, &configuration(&cli.global)?, json))
        }
        Command::Jobs(command) => {
            block_on(jobs::execute(command, &configuration(&cli.global)?, json))
        }
        Command::Schedule => block_on(schedule::execute(&configuration(&cli.global)?, json)),
        Command::Backups => backups::list(&configuration(&cli.global)?, json),
        Command::Restore { backup } => {
            block_on(backups::restore(backup, &configuration(&cli.global)?, json))
        }
        Command::Why { bet } => block_on(why::execute(*bet, &configuration(&cli.global)?, json)),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// The configuration in force.
pub(crate) fn configuration(global: &Global) -> anyhow::Result<Config> {
    Ok(load(file(global), std::env::vars())?.config)
}

/// The configuration's file: the one named, else `marabet.toml` of the current folder.
fn file(global: &Global) -> Option<&Path> {
    let named = global.config.as_deref();
    let here = Path::new("marabet.toml");
    named.or_else(|| here.exists().then_some(here))
}
