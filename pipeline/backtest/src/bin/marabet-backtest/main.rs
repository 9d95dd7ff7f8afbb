//! `marabet-backtest`: backtests on the command line. `marabet backtest …` runs this program.

mod cli;
mod facts;
mod run;
mod sweep;
mod text;
mod verify;

use std::process::ExitCode;

use clap::Parser;
use marabet_backtest::report::about;
use marabet_backtest::setup::{Setup, SetupError};

use crate::cli::{Cli, Command, FactsArgs};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error, cli.json),
    }
}

fn execute(cli: &Cli) -> anyhow::Result<()> {
    let setup = cli.config.as_deref().map(Setup::read).transpose()?.unwrap_or_default();
    match &cli.command {
        Command::Run(arguments) => run::execute(arguments, setup, cli.json),
        Command::Sweep(arguments) => sweep::execute(arguments, &setup, cli.json),
        Command::Strategies => list(&setup, cli.json),
    }
}

fn list(setup: &Setup, json: bool) -> anyhow::Result<()> {
    if json {
        return text::say_json(&setup.strategies);
    }
    let mut out = std::io::stdout().lock();
    for name in setup.strategies.keys() {
        use std::io::Write as _;
        writeln!(out, "{:<13} {}", name.as_str(), about(name, setup))?;
    }
    Ok(())
}

/// How many competitions are walked at once.
fn threads(arguments: &FactsArgs) -> usize {
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    arguments.threads.unwrap_or_else(all).max(1)
}

#[allow(clippy::print_stderr, reason = "this is where errors are told")]
fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    if json {
        eprintln!("{}", serde_json::json!({ "error": format!("{error:#}") }));
    } else {
        eprintln!("error: {error:#}");
    }
    ExitCode::from(if error.is::<SetupError>() { 3 } else { 1 })
}
