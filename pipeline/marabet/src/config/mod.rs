//! The configuration: one TOML file, every key overridable by the environment.
//!
//! `MARABET_ACCOUNT__BANKROLL=5000` overrides `bankroll` in `[account]`: levels are separated by
//! two underscores, and case does not matter. What decides on bets (account, books, strategies,
//! closing, settlement) is published into the log; a stage never reads this file.

mod check;
mod environment;
mod file;
mod notify;
mod schedule;
mod sources;
mod telemetry;

use std::collections::BTreeMap;
use std::path::PathBuf;

use marabet_schemas::strategy::{
    Account, BookRules, ClosingRules, Rules, SettlementRules, Strategy,
};
use marabet_schemas::{Book, StrategyName};
use marabet_web::WebConfig;
use serde::{Deserialize, Serialize};

pub(crate) use file::{ConfigError, load};
pub(crate) use notify::NotifyConfig;
pub(crate) use schedule::{JobsConfig, LedgerConfig};
pub(crate) use sources::{
    ApiFootballConfig, BetfairConfig, ClientConfig, FootballDataConfig, FootballDataFilesConfig,
    OddsApiConfig, PinnacleConfig, PricesConfig, SourcesConfig,
};
pub(crate) use telemetry::TelemetryConfig;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where the log lives.
    pub(crate) log: LogConfig,
    /// Where the log is archived.
    pub(crate) archive: ArchiveConfig,
    /// How models are trained.
    pub(crate) training: TrainingConfig,
    /// Where alerts go.
    pub(crate) notify: NotifyConfig,
    /// How the API and the dashboard are served.
    pub(crate) web: WebConfig,
    /// Who is told what this process does.
    pub(crate) telemetry: TelemetryConfig,
    /// Where live facts come from.
    pub(crate) sources: SourcesConfig,
    /// Where the ledger is.
    pub(crate) ledger: LedgerConfig,
    /// What runs in the background, and when.
    pub(crate) jobs: JobsConfig,
    /// Whose money.
    pub(crate) account: Account,
    /// What is known of each book, beside what is known by default.
    pub(crate) books: BTreeMap<Book, BookRules>,
    /// The strategies.
    pub(crate) strategies: BTreeMap<StrategyName, Strategy>,
    /// How bets are measured against the closing line.
    pub(crate) closing: ClosingRules,
    /// When bets are void or in doubt.
    pub(crate) settlement: SettlementRules,
}

impl Default for Config {
    fn default() -> Self {
        let Rules { account, books, strategies, closing, settlement } = Rules::default();
        Self {
            log: LogConfig::default(),
            archive: ArchiveConfig::default(),
            training: TrainingConfig::default(),
            notify: NotifyConfig::default(),
            web: WebConfig::default(),
            telemetry: TelemetryConfig::default(),
            sources: SourcesConfig::default(),
            ledger: LedgerConfig::default(),
            jobs: JobsConfig::default(),
            account,
            books,
            strategies,
            closing,
            settlement,
        }
    }
}

impl Config {
    /// The same, to be shown: passwords in URLs are left out.
    pub(crate) fn without_secrets(mut self) -> Self {
        for url in [&mut self.log.redis_url, &mut self.ledger.url].into_iter().flatten() {
            if let (Some(scheme), Some(at)) = (url.find("://"), url.rfind('@')) {
                url.replace_range(scheme + 3..at, "…");
            }
            if let Some(password) = url.find("password=") {
                let end = url[password..].find('&').map_or(url.len(), |end| password + end);
                url.replace_range(password + "password=".len()..end, "…");
            }
        }
        self.sources.hide();
        self
    }

    /// Where the archive is: the folder or URL that is set, else beside the log.
    pub(crate) fn archive_location(&self) -> String {
        let beside = || self.log.folder.join("archive").display().to_string();
        self.archive.location.clone().unwrap_or_else(beside)
    }

    /// What is published into the log.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            account: self.account.clone(),
            books: self.books.clone(),
            strategies: self.strategies.clone(),
            closing: self.closing.clone(),
            settlement: self.settlement.clone(),
        }
    }
}

/// Where the log lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogConfig {
    /// Redis by URL: `redis://host:6379`, with several nodes of a cluster apart by commas,
    /// `rediss://` for TLS, `redis+sentinel://host:26379,host:26379/master`,
    /// `unix:///path/to/socket`. Without one the program starts and supervises a private server.
    pub(crate) redis_url: Option<String>,
    /// The authority that signed the server's certificate (PEM), where the system does not know it.
    pub(crate) tls_authority: Option<PathBuf>,
    /// This program's own certificate (PEM), where the server asks for one.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The key of that certificate (PEM).
    pub(crate) tls_key: Option<PathBuf>,
    /// How many replicas must have what counts as durable. Left out: one on a cluster and behind
    /// sentinels, else none.
    pub(crate) replicas: Option<u32>,
    /// Folder of the private server and of what the program keeps beside it.
    pub(crate) folder: PathBuf,
    /// First part of every key.
    pub(crate) prefix: String,
    /// Partitions; fixed when the log is created.
    pub(crate) partitions: u16,
    /// Which source is believed where several report one book: their names, the first before the
    /// others. A source that is not named ranks behind them. Left out: every source is taken.
    pub(crate) source_priority: Vec<String>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            redis_url: None,
            tls_authority: None,
            tls_certificate: None,
            tls_key: None,
            replicas: None,
            folder: PathBuf::from(".marabet"),
            prefix: "mb".to_owned(),
            partitions: 4,
            source_priority: Vec::new(),
        }
    }
}

/// Where the log is archived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ArchiveConfig {
    /// A folder, or `s3://bucket/prefix`; the folder `archive` beside the log where left out.
    pub(crate) location: Option<String>,
    /// A file is ended when its first event has waited for so long, in seconds.
    pub(crate) file_age_s: u32,
    /// How long the log itself keeps what is archived, in hours; less when memory is short.
    pub(crate) log_keeps_h: u32,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        Self { location: None, file_age_s: 30, log_keeps_h: 30 * 24 }
    }
}

/// How models are trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TrainingConfig {
    /// Decay of a match's weight with its age, per day.
    pub(crate) xi_per_day: f64,
    /// Event-time days between trainings.
    pub(crate) every_days: u16,
    /// Fewest matches to train on.
    pub(crate) matches_min: u32,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self { xi_per_day: 0.0018, every_days: 7, matches_min: 100 }
    }
}
