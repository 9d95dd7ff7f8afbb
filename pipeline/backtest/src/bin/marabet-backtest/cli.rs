//! The command line: what can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use marabet_schemas::{Competition, StrategyName};

/// Backtests: what strategies would have brought, and how much of that is luck.
///
/// Exit codes: 0 done; 1 failed; 2 wrong usage; 3 wrong configuration.
#[derive(Debug, Parser)]
#[command(name = "marabet-backtest", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// Configuration file (TOML); without one the built-in strategies are tested.
    #[arg(long, global = true, env = "MARABET_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Replay the facts through the stages that run live, and report what the strategies brought
    Run(RunArgs),
    /// Try many strategies over everything that was value, and rank them against luck
    Sweep(SweepArgs),
    /// List the strategies that a run would test
    Strategies,
}

/// Which facts.
#[derive(Debug, Clone, Args)]
pub(crate) struct FactsArgs {
    /// Folder of football-data.co.uk files; else they are fetched, else a league is simulated
    #[arg(long, env = "MARABET_DATA", value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Archive to read instead: what `marabet import` or the stage `archive` wrote there
    #[arg(long, value_name = "LOCATION", conflicts_with_all = ["simulate", "seed"])]
    pub(crate) archive: Option<String>,
    /// Competitions, by their codes; all where left out
    #[arg(long, value_delimiter = ',', value_name = "CODE,…")]
    pub(crate) leagues: Vec<Competition>,
    /// First season, by the year in which it begins
    #[arg(long, value_name = "YEAR")]
    pub(crate) from: Option<i32>,
    /// Last season, by the year in which it begins
    #[arg(long, value_name = "YEAR")]
    pub(crate) to: Option<i32>,
    /// Simulate even where there is data
    #[arg(long)]
    pub(crate) simulate: bool,
    /// Seed of the simulation
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Competitions that are walked at once; as many as there are processors where left out
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

/// `marabet-backtest run`
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Which facts.
    #[command(flatten)]
    pub(crate) facts: FactsArgs,
    /// Strategies to test; all of the configuration where left out
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub(crate) strategies: Vec<StrategyName>,
    /// Seconds from the alert until the bet reaches the book
    #[arg(long, value_name = "SECONDS")]
    pub(crate) delay: Option<u32>,
    /// Share of bets that books refuse, 0.2 for a fifth
    #[arg(long, value_name = "SHARE")]
    pub(crate) rejected: Option<f64>,
    /// Leave the paper's strategy out
    #[arg(long)]
    pub(crate) no_paper: bool,
    /// Find the same bets by the sweep's way too, and count the differences
    #[arg(long)]
    pub(crate) verify: bool,
    /// Folder of the report
    #[arg(long, default_value = ".marabet/backtest", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

/// `marabet-backtest sweep`
#[derive(Debug, Clone, Args)]
pub(crate) struct SweepArgs {
    /// Which facts.
    #[command(flatten)]
    pub(crate) facts: FactsArgs,
    /// How many strategies to draw from the grid; all of it where left out
    #[arg(long, value_name = "N")]
    pub(crate) trials: Option<usize>,
    /// Which are drawn
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    pub(crate) draw: u64,
    /// Rank on matches before this day, and report on those from it on; two thirds of the span
    /// where left out
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) split: Option<String>,
    /// Bet at maxima over books too, which nobody offers: the report says so in red
    #[arg(long)]
    pub(crate) aggregates: bool,
    /// Leave the models out, and with them the time that it takes to train them
    #[arg(long)]
    pub(crate) no_models: bool,
    /// Make the bets of the best strategies by a replay too, and count the differences
    #[arg(long)]
    pub(crate) verify: bool,
    /// Folder of the table of everything that was value; made where it is not there, and used as
    /// it is where it was made of the same facts and views
    #[arg(long, value_name = "FOLDER")]
    pub(crate) table: Option<PathBuf>,
    /// Folder of the report
    #[arg(long, default_value = ".marabet/sweep", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}
