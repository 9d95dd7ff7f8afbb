//! Opening the log that the configuration names.

use std::path::PathBuf;

use anyhow::Context;
use marabet_ledger::Ledger;
use marabet_schemas::Instant;
use marabet_streams::embedded::EmbeddedError;
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, Log, LogOptions, Namespace, TlsFiles, clock,
};

use crate::config::Config;

/// A log, and the private server that it lies on where this process started one.
pub(crate) struct Opened {
    /// The log.
    pub(crate) log: Log,
    url: String,
    redis: Option<EmbeddedRedis>,
}

/// Opens the log at the configured URL. Without one, starts the private server of the configured
/// folder, or uses the one that another process of this program has started there.
pub(crate) async fn log(config: &Config) -> anyhow::Result<Opened> {
    let (url, redis) = match &config.log.redis_url {
        Some(url) => (url.clone(), None),
        None => embedded(config).await?,
    };
    let namespace = Namespace::new(config.log.prefix.clone(), config.log.partitions)?;
    let settings = &config.log;
    let tls = TlsFiles {
        authority: settings.tls_authority.clone(),
        client: settings.tls_certificate.clone().zip(settings.tls_key.clone()),
    };
    let options = LogOptions { tls, replicas: settings.replicas, ..LogOptions::default() };
    let log = Log::open(&url, namespace, options).await?;
    Ok(Opened { log, url, redis })
}

async fn embedded(config: &Config) -> anyhow::Result<(String, Option<EmbeddedRedis>)> {
    let folder = config.log.folder.join("redis");
    let server = std::env::var_os("MARABET_REDIS_SERVER").map(Into::into);
    let options = EmbeddedOptions { server, ..EmbeddedOptions::default() };
    match EmbeddedRedis::start(&folder, options).await {
        Ok(redis) => Ok((redis.url(), Some(redis))),
        Err(in_use @ EmbeddedError::InUse { .. }) => {
            let url = EmbeddedRedis::url_in(&folder).ok_or(in_use)?;
            Ok((url, None))
        }
        Err(error) => Err(error).context("starting the private Redis"),
    }
}

impl Opened {
    /// Where the server is, for another namespace on it.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Ends with the log, and stops the private server that this process started.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        drop(self.log);
        if let Some(redis) = self.redis {
            redis.stop().await;
        }
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
