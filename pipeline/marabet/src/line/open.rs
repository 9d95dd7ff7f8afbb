//! Opening the log that the configuration names.

use std::path::PathBuf;

use anyhow::Context;
use marabet_ledger::Ledger;
use marabet_schemas::Instant;
use marabet_streams::embedded::EmbeddedError;
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, Heir, Log, LogOptions, Namespace, TlsFiles, clock,
};

use crate::config::Config;

/// A log, and what this process has to do with the server that it lies on.
pub(crate) struct Opened {
    /// The log.
    pub(crate) log: Log,
    server: Server,
}

/// The server of a log.
enum Server {
    /// It has a URL in the configuration, and runs by itself.
    Configured(String),
    /// It is private, and this process started it.
    Own(EmbeddedRedis),
    /// It is private, and another process started it.
    Shared(Heir),
}

impl Server {
    fn url(&self) -> String {
        match self {
            Self::Configured(url) => url.clone(),
            Self::Own(redis) => redis.url(),
            Self::Shared(heir) => heir.url(),
        }
    }

    async fn leave(self) {
        match self {
            Self::Configured(_) => {}
            Self::Own(redis) => redis.stop().await,
            Self::Shared(heir) => heir.stop().await,
        }
    }
}

/// Opens the log at the configured URL. Without one, starts the private server of the configured
/// folder, or uses the one that another process of this program has started there.
pub(crate) async fn log(config: &Config) -> anyhow::Result<Opened> {
    let server = match &config.log.redis_url {
        Some(url) => Server::Configured(url.clone()),
        None => embedded(config).await?,
    };
    let namespace = Namespace::new(config.log.prefix.clone(), config.log.partitions)?;
    let settings = &config.log;
    let tls = TlsFiles {
        authority: settings.tls_authority.clone(),
        client: settings.tls_certificate.clone().zip(settings.tls_key.clone()),
    };
    let options = LogOptions { tls, replicas: settings.replicas, ..LogOptions::default() };
    let log = Log::open(&server.url(), namespace, options).await?;
    Ok(Opened { log, server })
}

async fn embedded(config: &Config) -> anyhow::Result<Server> {
    let folder = config.log.folder.join("redis");
    let server = std::env::var_os("MARABET_REDIS_SERVER").map(Into::into);
    let options = EmbeddedOptions { server, ..EmbeddedOptions::default() };
    match EmbeddedRedis::start(&folder, options.clone()).await {
        Ok(redis) => Ok(Server::Own(redis)),
        Err(EmbeddedError::InUse { .. }) => Ok(Server::Shared(Heir::wait(&folder, options)?)),
        Err(error) => Err(error).context("starting the private Redis"),
    }
}

impl Opened {
    /// Where the server is, for another namespace on it.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Ends with the log, and stops the private server that this process started or inherited.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        drop(self.log);
        self.server.leave().await;
        Ok(())
    }
}

/// Opens the configuration's ledger, and brings its schema up to date.
pub(crate) async fn ledger(config: &Config) -> anyhow::Result<Ledger> {
    Ok(Ledger::open(&ledger_url(config)).await?)
}

/// The URL of the configuration's ledger.
pub(crate) fn ledger_url(config: &Config) -> String {
    // Logs of several prefixes may lie in one folder, and a ledger is of one log.
    let file = config.log.folder.join(format!("ledger.{}.db", config.log.prefix));
    config.ledger.url.clone().unwrap_or_else(|| format!("sqlite:{}", file.display()))
}

/// The file of the configuration's ledger; none for one on a server.
pub(crate) fn ledger_file(config: &Config) -> Option<PathBuf> {
    let url = ledger_url(config);
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(PathBuf::from(path.split('?').next().unwrap_or(path)))
}

/// Now, by this machine's clock.
pub(crate) fn now() -> Instant {
    Instant::from_micros(i64::try_from(clock::wall_us()).unwrap_or(i64::MAX))
}
