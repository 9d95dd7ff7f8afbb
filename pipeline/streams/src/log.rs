//! The log: one namespace on one server.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, FromRedisValue, Value};

use crate::artefact::ArtefactStore;
use crate::backoff::Backoff;
use crate::cache::{CacheStats, CacheTtl};
use crate::check::{self, Server};
use crate::clock;
use crate::connect::{Connection, Connector};
use crate::error::LogError;
use crate::latency::Stamps;
use crate::metrics::Metrics;
use crate::namespace::Namespace;
use crate::script::Script;

/// How to open a log.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// How long to wait for a server that is away at the start.
    pub connect_wait: Duration,
    /// How long cached views are kept.
    pub cache_ttl: CacheTtl,
    /// Who this process is, as the leases name it; none for a name made from the process.
    pub owner: Option<String>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { connect_wait: Duration::from_secs(3), cache_ttl: CacheTtl::default(), owner: None }
    }
}

/// A namespace on a server. Clones share it.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Connector,
    namespace: Namespace,
    server: Server,
    cache_ttl: CacheTtl,
    owner: String,
    /// The connection for commands that answer at once; none once it was lost.
    shared: tokio::sync::Mutex<Option<Connection>>,
    artefacts: ArtefactStore,
    metrics: Metrics,
    stamps: Stamps,
    cache_stats: CacheStats,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("at", &self.at()).field("namespace", self.namespace()).finish()
    }
}

impl Log {
    /// Opens a namespace, and makes it where there is none.
    ///
    /// The URL is `redis://…`, `rediss://…` or `unix:///path`. A password in it is never shown.
    ///
    /// # Errors
    /// [`LogError::Away`] when the server does not answer within
    /// [`LogOptions::connect_wait`]; [`LogError::Settings`] when its settings would lose data;
    /// [`LogError::Partitions`] when the namespace has another number of partitions.
    pub async fn open(
        url: &str,
        namespace: Namespace,
        options: LogOptions,
    ) -> Result<Self, LogError> {
        let connector = Connector::new(url)?;
        let mut connection = connect_at_start(&connector, options.connect_wait).await?;
        let server = check::server(&mut connection, connector.at()).await?;
        if server.cluster {
            return Err(LogError::Url {
                reason: format!(
                    "{} is a node of a Redis Cluster, which this version cannot use",
                    connector.at()
                ),
            });
        }
        settle_partitions(&mut connection, &namespace).await?;
        let owner = options.owner.unwrap_or_else(process_name);
        let inner = Inner {
            connector,
            namespace,
            server,
            cache_ttl: options.cache_ttl,
            owner,
            shared: tokio::sync::Mutex::new(Some(connection)),
            artefacts: ArtefactStore::default(),
            metrics: Metrics::default(),
            stamps: Stamps::default(),
            cache_stats: CacheStats::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.inner.namespace
    }

    /// What the server said about itself when the log was opened.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.inner.server
    }

    /// Where the server is, without its password.
    #[must_use]
    pub fn at(&self) -> &str {
        self.inner.connector.at()
    }

    /// Who this process is, as the leases name it.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.inner.owner
    }

    /// What was counted and measured in this process.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Hits and misses of cached views in this process.
    #[must_use]
    pub fn cache_stats(&self) -> &CacheStats {
        &self.inner.cache_stats
    }

    /// How long cached views are kept.
    #[must_use]
    pub fn cache_ttl(&self) -> &CacheTtl {
        &self.inner.cache_ttl
    }

    /// The artefacts at hand in this process.
    #[must_use]
    pub fn artefacts(&self) -> &ArtefactStore {
        &self.inner.artefacts
    }

    /// When frames were appended by this process.
    pub(crate) fn stamps(&self) -> &Stamps {
        &self.inner.stamps
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.inner.connector
    }

    /// Sends a command that may be sent again: when the connection turns out to be lost, it is
    /// sent once more over a new one.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, LogError> {
        let first = self.query_once(command).await;
        match first {
            Err(LogError::Away { .. }) => self.query_once(command).await,
            answer => answer,
        }
    }

    async fn query_once<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, LogError> {
        let mut connection = self.shared().await?;
        let answer = connection.query(command).await;
        if matches!(answer, Err(LogError::Away { .. })) {
            *self.inner.shared.lock().await = None;
        }
        answer
    }

    /// Runs a script that may be run again, as [`Self::query`].
    pub(crate) async fn run(&self, script: &Script, command: &Cmd) -> Result<Value, LogError> {
        for last in [false, true] {
            let mut connection = self.shared().await?;
            match connection.run(script, command).await {
                Err(LogError::Away { .. }) if !last => {
                    *self.inner.shared.lock().await = None;
                }
                answer => return answer,
            }
        }
        unreachable!("the last round returns")
    }

    /// A connection for commands that answer at once, shared with others.
    pub(crate) async fn shared(&self) -> Result<Connection, LogError> {
        let mut shared = self.inner.shared.lock().await;
        if let Some(connection) = &*shared {
            return Ok(connection.clone());
        }
        let connection = self.inner.connector.open().await?;
        Ok(shared.insert(connection).clone())
    }
}

/// The name of this process among others on the same or other machines.
fn process_name() -> String {
    let host = std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|host| host.trim().to_owned())
        .filter(|host| !host.is_empty())
        .unwrap_or_else(|| "host".to_owned());
    format!("{host}-{}-{}", std::process::id(), &clock::nonce()[..4])
}

async fn connect_at_start(connector: &Connector, wait: Duration) -> Result<Connection, LogError> {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));
    let started = clock::moment();
    loop {
        let tried = async {
            let mut connection = connector.open().await?;
            connection.ask(&redis::cmd("PING")).await?;
            Ok(connection)
        };
        match tried.await {
            Err(LogError::Away { at, reason }) if started.elapsed() >= wait => {
                let reason = format!(
                    "{reason} (tried for {:.1} s); start it, or correct the configured URL, or leave the URL out to have a private server started",
                    wait.as_secs_f64()
                );
                return Err(LogError::Away { at, reason });
            }
            Err(LogError::Away { .. }) => backoff.wait().await,
            done => return done,
        }
    }
}

/// Writes the number of partitions where there is none yet, and compares it where there is.
async fn settle_partitions(
    connection: &mut Connection,
    namespace: &Namespace,
) -> Result<(), LogError> {
    let about = namespace.about();
    let asked = namespace.partitions();
    connection.ask(redis::cmd("HSETNX").arg(&about).arg("partitions").arg(asked)).await?;
    let found: u16 = connection.query(redis::cmd("HGET").arg(&about).arg("partitions")).await?;
    if found != asked {
        let prefix = namespace.prefix().to_owned();
        return Err(LogError::Partitions { prefix, found, asked });
    }
    Ok(())
}
