//! The command line: what can be typed.

mod model;
mod odds;
mod score;
mod speed;
mod work;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use marabet_schemas::BetId;

pub(crate) use work::{BetCommand, DepositArgs, JobsCommand, LedgerCommand};

pub(crate) use model::{
    CalibrateArgs, EvaluateArgs, FitArgs, ImpliedArgs, InPlayArgs, Map, ModelCommand, PriceArgs,
    RateArgs, System,
};
pub(crate) use odds::{ClvArgs, ConsensusRule, KellyArgs, OddsCommand, SlateArgs, StakeCommand};
pub(crate) use score::ScoreArgs;
pub(crate) use speed::Speed;

/// Event-sourced pipeline for sports value betting: odds in, value bets out.
///
/// Exit codes: 0 done; 1 failed; 2 wrong usage; 3 wrong configuration; 4 Redis is away or unfit;
/// 5 what was asked for is not there; 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "marabet", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Configuration file (TOML); without one the defaults hold.
    #[arg(long, global = true, env = "MARABET_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What is logged to standard error: `warn`, `info`, `debug`, or as `RUST_LOG` writes it.
    #[arg(long, global = true, env = "MARABET_LOG_LEVEL", default_value = "warn")]
    pub(crate) log_level: String,
    /// How it is logged: for people, or one JSON object a line.
    #[arg(long, global = true, env = "MARABET_LOG_FORMAT", default_value = "human")]
    pub(crate) log_format: LogFormat,
}

/// How lines of the program's own log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stream a season through the whole line and show the bets, settled against the results
    Demo(DemoArgs),
    /// Run the stages over the log, and a source into it
    Run(RunArgs),
    /// Look at the archive, check it, and make one file of many small ones
    #[command(subcommand)]
    Archive(ArchiveCommand),
    /// Bring history straight into an archive
    #[command(subcommand)]
    Import(ImportCommand),
    /// Take an archive through the stages again, and compare with what they derived live
    Replay(ReplayArgs),
    /// Backtest strategies: runs `marabet-backtest` with what follows
    #[command(disable_help_flag = true)]
    Backtest {
        /// Its arguments; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Show streams, groups, lag and owners
    Status,
    /// Look after the log: its schema level, and groups that hold it up
    #[command(subcommand)]
    Log(LogCommand),
    /// Look into what could not be processed, and retry or drop it
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at the sources: what is set up, what a key allows, what a look brings
    #[command(subcommand)]
    Sources(SourcesCommand),
    /// Answer what is asked about the names of sides, and take answers back
    #[command(subcommand)]
    Names(NamesCommand),
    /// Look into the log
    #[command(subcommand)]
    Events(EventsCommand),
    /// The bets of the log
    #[command(subcommand)]
    Bets(BetsCommand),
    /// Run this version's predict and detect in memory over the live feed, and compare with what the
    /// running version decides; fails at the first difference
    Shadow {
        /// End once everything that the running version has decided is compared
        #[arg(long)]
        until_done: bool,
    },
    /// Keys for the API
    #[command(subcommand)]
    Key(KeyCommand),
    /// What the user did with a bet: placed it, let it go, or had it made void
    #[command(subcommand)]
    Bet(BetCommand),
    /// Put money into a strategy's bankroll, or (negative) take it out
    Deposit(DepositArgs),
    /// The ledger: bets and money in SQL
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Jobs in the background
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Show what is due when
    Schedule,
    /// List the backups
    Backups,
    /// Put a backup back: the private log and the ledger; what stood there is kept beside it
    Restore {
        /// The backup's folder, as `marabet backups` lists it
        backup: PathBuf,
    },
    /// Hold the private Redis open and say how to reach it, until interrupted
    Redis,
    /// Explain a bet: from it back to the quote, the prediction, the model and its training
    Why {
        /// The bet, as alerts and `bets today` name it
        bet: BetId,
    },
    /// Calculators for prices: margin, value, stakes
    #[command(subcommand)]
    Odds(OddsCommand),
    /// Calculators for goal models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Score forecasts: RPS, Brier, log-loss, calibration; compare two forecasters
    Score(ScoreArgs),
    /// Simulate a league with known true probabilities, as events or as CSV files
    Simulate(SimulateArgs),
}

/// `marabet demo`
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Folder of football-data.co.uk files; else they are fetched, else simulated
    #[arg(long, env = "MARABET_DATA", value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Competition to stream, by its code
    #[arg(long, default_value = "E0")]
    pub(crate) league: String,
    /// Season to stream, such as 2023-24; the newest with sharp prices where left out
    #[arg(long)]
    pub(crate) season: Option<String>,
    /// Simulate even where there is data
    #[arg(long)]
    pub(crate) simulate: bool,
    /// Seed of the simulation
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Show every alert instead of the first and last few
    #[arg(long)]
    pub(crate) all: bool,
    /// Folder of the log that the demo leaves behind; made anew each time
    #[arg(long, default_value = ".marabet/demo", value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// Show the dashboard from the beginning, and leave it open until interrupted
    #[arg(long)]
    pub(crate) serve: bool,
    /// Stream nothing: write the season and those before it into this file, as `run --events` reads
    #[arg(long, value_name = "FILE", conflicts_with_all = ["serve", "all"])]
    pub(crate) write: Option<PathBuf>,
}

/// `marabet run`
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Stages to run here; all where left out
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…")]
    pub(crate) stages: Vec<StageName>,
    /// Partitions to run here; all where left out
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    pub(crate) partitions: Vec<u16>,
    /// Read our own events, one JSON object a line, from standard input
    #[arg(long, conflicts_with = "events")]
    pub(crate) stdin: bool,
    /// Read our own events from a file; after a restart the log's own events are passed over
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// Poll the coming matches of football-data.co.uk, and results as they come
    #[arg(long, conflicts_with_all = ["stdin", "events"])]
    pub(crate) upcoming: bool,
    /// Competitions that are polled, by their codes; all where left out
    #[arg(long, value_delimiter = ',', value_name = "CODE,…", requires = "upcoming")]
    pub(crate) leagues: Vec<String>,
    /// Sources of the configuration that run; all that are live where left out
    #[arg(long = "source", value_delimiter = ',', value_name = "TABLE,…",
          conflicts_with_all = ["stdin", "events", "upcoming"])]
    pub(crate) sources: Vec<String>,
    /// Keep what providers answer in this folder, keys taken out
    #[arg(long, value_name = "FOLDER")]
    pub(crate) record: Option<PathBuf>,
    /// Play back what was kept in this folder, and ask nobody
    #[arg(long, value_name = "FOLDER", conflicts_with = "record")]
    pub(crate) replay: Option<PathBuf>,
    /// End when the input has ended and every stage has caught up
    #[arg(long)]
    pub(crate) until_done: bool,
    /// Take each alert to come at its event's own time, not the wall's: for facts of the past
    #[arg(long)]
    pub(crate) event_time: bool,
    /// Event time against time, of files that are read from their beginning: `1x` is as it was,
    /// `60x` a minute a second, `max` as fast as it goes
    #[arg(long, default_value = "max")]
    pub(crate) speed: Speed,
}

/// A stage that `run` can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum StageName {
    /// Sources into facts
    Ingest,
    /// Facts into priced quotes
    Predict,
    /// Priced quotes into bets
    Detect,
    /// Bets into granted stakes
    Portfolio,
    /// Granted stakes into alerts
    Notify,
    /// Every stream into Parquet files
    Archive,
    /// The API, the dashboard and the metrics
    Web,
    /// Bets, stakes and settlements into the ledger
    Ledger,
    /// Jobs in the background, and their schedule
    Jobs,
}

/// `marabet archive …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ArchiveCommand {
    /// List what it holds: streams, days, rows, bytes
    Ls,
    /// Read every file, and see that nothing is missing, changed or doubled
    Verify,
    /// Make one file of each day's small ones
    Compact,
}

/// `marabet import …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ImportCommand {
    /// Files of football-data.co.uk, by the mapping of the live source
    FootballData {
        /// Files (CSV, `.gz` too) and folders
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Competitions to import, by their codes; all where left out
        #[arg(long, value_delimiter = ',', value_name = "CODE,…")]
        leagues: Vec<String>,
    },
}

/// `marabet replay`
#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayArgs {
    /// Compare and sum up what happened from this day or instant on; the state begins earlier
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// Replay nothing after this day or instant
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// Only matches whose key holds one of these texts
    #[arg(long, value_delimiter = ',', value_name = "TEXT,…")]
    pub(crate) matches: Vec<String>,
    /// Only these competitions, by their codes
    #[arg(long, value_delimiter = ',', value_name = "CODE,…")]
    pub(crate) leagues: Vec<String>,
    /// Event time against time: `60x`, or `max`
    #[arg(long, default_value = "max")]
    pub(crate) speed: Speed,
    /// Compare every prediction, bet, settlement and grant with the one archived live
    #[arg(long)]
    pub(crate) verify: bool,
    /// Go back through Redis, into a new namespace of this name
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) into: Option<String>,
    /// Set a key of the rules, such as `strategies.sharp.ev_min=0.03`
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// `marabet log …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum LogCommand {
    /// Show the schema level, or raise it once every process that is alive can read it
    SchemaLevel {
        /// The level to raise it to
        level: Option<u16>,
    },
    /// Take away a group that nobody reads for any more, so that it holds nothing up
    DropGroup {
        /// `feed`, `priced`, `bets` or `grants`
        stream: String,
        /// The group, as `status` names it
        group: String,
    },
    /// Let a group go on after a rollback: at the end of what the server still has
    ResetGroup {
        /// `feed`, `priced`, `bets` or `grants`
        stream: String,
        /// The group, as `status` names it
        group: String,
    },
}

/// `marabet key …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key, shown once, and the lines that let it in
    New {
        /// Whose it is: letters, digits, `-` and `_`
        #[arg(value_parser = key_name)]
        name: String,
        /// What it allows
        #[arg(long, value_delimiter = ',', default_value = "read")]
        scopes: Vec<ScopeName>,
    },
}

fn key_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err("a key's name is letters, digits, `-` and `_`".to_owned())
}

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ScopeName {
    /// To look at everything
    Read,
    /// To append events, and to retry or drop dead letters
    Operate,
}

/// `marabet dead …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum DeadCommand {
    /// List the dead letters
    List,
    /// Show one whole
    Show {
        /// Its number in the list, or its address
        letter: String,
    },
    /// Append it to the feed again, as a new fact
    Retry {
        /// Its number in the list, or its address
        letter: String,
    },
    /// Take it away
    Drop {
        /// Its number in the list, or its address
        letter: String,
    },
}

/// `marabet config …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the file and the environment, and show what is in force
    Check,
}

/// `marabet sources …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SourcesCommand {
    /// Every source: whether it is set up, how it does, its last fault
    List {
        /// The competitions that are known, and which providers have them
        #[arg(long)]
        competitions: bool,
    },
    /// Check settings and keys, with calls that cost nothing
    Check {
        /// One source alone, by its table in the configuration
        source: Option<String>,
    },
    /// Make one look, and say what it brings; nothing is appended to the log
    Probe {
        /// The source, by its table in the configuration
        source: String,
    },
}

/// `marabet names …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum NamesCommand {
    /// What is asked, with the sides that a name could mean
    Review,
    /// The name means a side that is known: the likeliest, or the one that is given
    Merge {
        /// Its number in the review, or the name as its source writes it
        name: String,
        /// The side, as keys of matches write it
        side: Option<String>,
        /// The source that writes it so
        #[arg(long = "of", value_name = "SOURCE")]
        source: Option<String>,
    },
    /// The name means a side of its own: answers a question, or takes a joining back
    Split {
        /// Its number in the review, or the name as its source writes it
        name: String,
        /// How the side is called; as its source writes it where left out
        into: Option<String>,
        /// The source that writes it so
        #[arg(long = "of", value_name = "SOURCE")]
        source: Option<String>,
    },
}

/// `marabet events …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum EventsCommand {
    /// Show the last events of a stream, and what comes
    Tail {
        /// `feed`, `priced`, `bets` or `grants`
        #[arg(default_value = "bets")]
        stream: String,
        /// How many of the last events
        #[arg(short = 'n', long, default_value_t = 20)]
        count: usize,
        /// Go on showing what comes
        #[arg(short, long)]
        follow: bool,
    },
}

/// `marabet bets …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum BetsCommand {
    /// What can be placed now: where, how much, until when; or why there is nothing
    Today {
        /// The instant that counts as now, such as 2024-08-16T15:00:00Z
        #[arg(long)]
        at: Option<marabet_schemas::Instant>,
    },
    /// All bets, with how they ended
    List {
        /// Only those of this strategy
        #[arg(long)]
        strategy: Option<String>,
    },
    /// What each strategy claimed, beside what came of it
    Summary,
    /// What each book had to offer, and how the bets at it ended
    Books {
        /// Only bets of this strategy
        #[arg(long)]
        strategy: Option<String>,
    },
}

/// `marabet simulate`
#[derive(Debug, Clone, Args)]
pub(crate) struct SimulateArgs {
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many seasons
    #[arg(long, default_value_t = 4)]
    pub(crate) seasons: u8,
    /// How many teams, an even number
    #[arg(long, default_value_t = 20)]
    pub(crate) teams: u8,
    /// Write football-data.co.uk CSV files, one a season, into this folder instead of events
    #[arg(long, value_name = "FOLDER")]
    pub(crate) csv: Option<PathBuf>,
}
