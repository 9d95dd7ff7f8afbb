//! What can be typed about bets that were placed, the ledger, and jobs.

use clap::{Args, Subcommand};
use marabet_schemas::BetId;

/// `marabet bet …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum BetCommand {
    /// The bet was placed, at this price and stake
    Placed {
        /// The bet, as alerts and `bets today` name it
        bet: BetId,
        /// At what decimal odds; as alerted where left out
        #[arg(long)]
        odds: Option<f64>,
        /// With what stake; as granted where left out
        #[arg(long)]
        stake: Option<f64>,
        /// At which book; as alerted where left out
        #[arg(long)]
        book: Option<String>,
    },
    /// The bet was let go
    Skipped {
        /// The bet
        bet: BetId,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// The book made the bet void
    Void {
        /// The bet
        bet: BetId,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
}

/// `marabet deposit`
#[derive(Debug, Clone, Args)]
pub(crate) struct DepositArgs {
    /// How much, in the account's currency
    #[arg(allow_negative_numbers = true)]
    pub(crate) amount: f64,
    /// Whose bankroll
    #[arg(long, default_value = "sharp")]
    pub(crate) strategy: String,
    /// What for
    #[arg(long)]
    pub(crate) note: Option<String>,
}

/// `marabet ledger …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum LedgerCommand {
    /// How far it is, and what it holds
    Status,
    /// Drop what follows from the log, and write it again
    Rebuild,
    /// Bring the schema up to date
    Migrate {
        /// Show what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// `marabet jobs …`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, and how many stand where
    List {
        /// Only those in this state; those that have not ended, and dead ones, where left out
        #[arg(long)]
        state: Option<marabet_jobs::JobState>,
        /// Only those of this queue
        #[arg(long)]
        queue: Option<String>,
        /// Those that ended well too
        #[arg(long)]
        all: bool,
    },
    /// Show the kinds of jobs that there are
    Kinds,
    /// Show a job whole, with its log
    Show {
        /// Its identity
        job: String,
    },
    /// Put a job into its queue
    Run {
        /// The kind, as `jobs kinds` names it
        kind: String,
        /// Its arguments, a JSON object
        #[arg(long, default_value = "{}")]
        args: String,
        /// Wait for its end, and run it here where no other process does
        #[arg(long)]
        wait: bool,
    },
    /// Put a job that ended into its queue again
    Retry {
        /// Its identity
        job: String,
    },
    /// Cancel a job
    Cancel {
        /// Its identity
        job: String,
    },
    /// Forget jobs: cancel those queued or waiting, delete dead ones
    Purge {
        /// `queued`, `waiting` or `dead`
        #[arg(long, default_value = "dead")]
        state: marabet_jobs::JobState,
        /// Only those of this queue
        #[arg(long)]
        queue: Option<String>,
    },
}
