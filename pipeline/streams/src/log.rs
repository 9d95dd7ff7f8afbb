//! The log: one namespace on one server.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, FromRedisValue, Value};

use crate::artefact::ArtefactStore;
use crate::backoff::Backoff;
use crate::cache::{CacheStats, CacheTtl};
use crate::chain::Chain;
use crate::check::{self, Server};
use crate::clock;
use crate::connect::{Connection, Connections, Connector, TlsFiles};
use crate::error::LogError;
use crate::handed::Handed;
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
    /// Certificates, for a server that is reached over TLS.
    pub tls: TlsFiles,
    /// How many replicas must have an entry before it counts as durable; none for one where a
    /// replica may take over (a cluster, sentinels) and for zero elsewhere.
    pub replicas: Option<u32>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            connect_wait: Duration::from_secs(3),
            cache_ttl: CacheTtl::default(),
            owner: None,
            tls: TlsFiles::default(),
            replicas: None,
        }
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
    replicas: u32,
    /// The connections for commands that answer at once.
    shared: tokio::sync::Mutex<Connections>,
    artefacts: ArtefactStore,
    metrics: Metrics,
    stamps: Stamps,
    handed: Arc<Handed>,
    chain: Arc<Chain>,
    suspects: Arc<tokio::sync::Mutex<()>>,
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
    /// The URL is `redis://…` (several hosts of a cluster apart by commas), `rediss://…` for TLS,
    /// `redis+sentinel://host:port,host:port/master`, or `unix:///path`. A password in it is
    /// never shown.
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
        let connector = Connector::new(url, &options.tls)?;
        let server = reach(&connector, options.connect_wait).await?;
        let mut shared = Connections::new(&connector);
        settle_partitions(shared.of(&namespace.about()).await?, &namespace).await?;
        let owner = options.owner.unwrap_or_else(process_name);
        let replicas = options.replicas.unwrap_or(u32::from(connector.fails_over()));
        let inner = Inner {
            connector,
            namespace,
            server,
            cache_ttl: options.cache_ttl,
            owner,
            replicas,
            shared: tokio::sync::Mutex::new(shared),
            artefacts: ArtefactStore::default(),
            metrics: Metrics::default(),
            stamps: Stamps::default(),
            handed: Arc::default(),
            chain: Arc::default(),
            suspects: Arc::default(),
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

    /// Frames that this process derived and reads itself.
    pub(crate) fn handed(&self) -> &Arc<Handed> {
        &self.inner.handed
    }

    /// Stages of this process that may be taken along by those before them.
    pub(crate) fn chain(&self) -> &Arc<Chain> {
        &self.inner.chain
    }

    /// Held by whoever takes a frame that may have ended a process: one at a time, so that no other
    /// is blamed when it does so again.
    pub(crate) fn suspects(&self) -> &Arc<tokio::sync::Mutex<()>> {
        &self.inner.suspects
    }

    /// When frames were appended by this process.
    pub(crate) fn stamps(&self) -> &Stamps {
        &self.inner.stamps
    }

    /// How many replicas must have an entry before it counts as durable.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        self.inner.replicas
    }

    /// Opens a connection of one's own to the server that has this key, for what is kept beside
    /// the streams. Its commands may
    /// block up to `block`.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn open_connection(
        &self,
        key: &str,
        block: Duration,
    ) -> Result<Connection, LogError> {
        self.inner.connector.open_blocking(key, block).await
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.inner.connector
    }

    /// Sends a command that may be sent again, to where its first key lies: when the connection
    /// turns out to be lost, or the key to lie elsewhere, it is sent once more over a new one.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, LogError> {
        for last in [false, true] {
            let mut connection = self.inner.shared.lock().await.for_command(command).await?.clone();
            match connection.query(command).await {
                Err(LogError::Away { .. }) if !last => {}
                answer => return answer,
            }
        }
        unreachable!("the last round returns")
    }

    /// Runs a script that may be run again, as [`Self::query`].
    pub(crate) async fn run(&self, script: &Script, command: &Cmd) -> Result<Value, LogError> {
        for last in [false, true] {
            let mut connection = self.inner.shared.lock().await.for_command(command).await?.clone();
            match connection.run(script, command).await {
                Err(LogError::Away { .. }) if !last => {}
                answer => return answer,
            }
        }
        unreachable!("the last round returns")
    }

    /// A connection for commands that answer at once, shared with others, to where a key lies.
    pub(crate) async fn shared(&self, key: &str) -> Result<Connection, LogError> {
        Ok(self.inner.shared.lock().await.of(key).await?.clone())
    }

    /// Connections of one's own, to wherever keys lie.
    pub(crate) fn connections(&self) -> Connections {
        Connections::new(self.connector())
    }

    /// The partitions that one blocking read can cover together: all where one server has them,
    /// each by itself on a cluster, where no command takes keys of several slots.
    pub(crate) fn read_together(&self, partitions: std::ops::Range<u16>) -> Vec<Vec<u16>> {
        if self.connector().has_many_nodes() {
            partitions.map(|partition| vec![partition]).collect()
        } else {
            vec![partitions.collect()]
        }
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

/// Waits until the servers answer, learns what they are, and checks their settings.
async fn reach(connector: &Connector, wait: Duration) -> Result<Server, LogError> {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));
    let started = clock::moment();
    loop {
        match check::servers(connector).await {
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
