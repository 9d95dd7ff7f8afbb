//! Opening connections to where a key lies, whatever holds the log: one server, the master that
//! sentinels name, or the nodes of a cluster.

mod cluster;
mod connection;
mod connections;
mod place;
mod sentinel;

use std::io;
#[cfg(unix)]
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisConnectionInfo};

use crate::error::LogError;
use cluster::Cluster;
use place::Place;

pub use connection::Connection;
pub(crate) use connections::Connections;
pub(crate) use place::Node;
pub use place::TlsFiles;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer may take that does not block on purpose. Above what a server needs that
/// rewrites its AOF on a busy disk; below what a person takes for a hang.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a sentinel or a node may take to say where things are: there are others to ask.
const DIRECTIONS_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes that a socket of this machine takes before it is read: more than a commit has.
#[cfg(unix)]
const SEND_BUFFER: usize = 4 << 20;

/// Opens connections. Clones share what they know of a cluster.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    /// Set once a server has said that it is a node of a cluster.
    cluster: OnceLock<Cluster>,
}

impl Connector {
    /// A connector to what this URL names. Opens nothing yet.
    pub(crate) fn new(url: &str, tls: &TlsFiles) -> Result<Self, LogError> {
        let place = Place::parse(url, tls)?;
        Ok(Self { inner: Arc::new(Inner { place, cluster: OnceLock::new() }) })
    }

    /// Where the servers are, without their password.
    pub(crate) fn at(&self) -> &Arc<str> {
        &self.inner.place.shown
    }

    /// Whether the URL names a user of the server.
    pub(crate) fn has_user(&self) -> bool {
        self.inner.place.has_user()
    }

    /// The hosts that the URL names.
    fn seeds(&self) -> &[Node] {
        &self.inner.place.hosts
    }

    /// Opens a connection before it is known what the servers are: to the first that answers.
    pub(crate) async fn open_any(&self) -> Result<Connection, LogError> {
        if self.inner.place.master.is_some() || self.seeds().is_empty() {
            return self.open(b"").await;
        }
        let mut last = Ok(());
        for node in self.seeds() {
            match self.open_node(Some(node), ANSWER_TIMEOUT).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Err(error),
            }
        }
        Err(last.expect_err("a URL names at least one host, and none answered"))
    }

    /// Takes the servers for nodes of a cluster from here on.
    pub(crate) fn is_a_cluster(&self) -> Result<(), LogError> {
        if self.inner.place.db() != 0 {
            let reason = "a Redis Cluster has database 0 alone".to_owned();
            return Err(LogError::Url { reason });
        }
        if self.inner.place.master.is_some() || self.seeds().is_empty() {
            let reason = "a node of a Redis Cluster is reached by its host and port".to_owned();
            return Err(LogError::Url { reason });
        }
        self.inner.cluster.get_or_init(Cluster::new);
        Ok(())
    }

    /// Takes the servers for no cluster. There must be one then.
    pub(crate) fn is_no_cluster(&self) -> Result<(), LogError> {
        if self.seeds().len() > 1 && self.inner.place.master.is_none() {
            let reason = "the URL names several servers that are no cluster; name one, or the sentinels that watch them".to_owned();
            return Err(LogError::Url { reason });
        }
        Ok(())
    }

    /// Whether keys lie on several servers.
    pub(crate) fn has_many_nodes(&self) -> bool {
        self.inner.cluster.get().is_some()
    }

    /// Whether another server may take over from the one that has a key.
    pub(crate) fn fails_over(&self) -> bool {
        self.has_many_nodes() || self.inner.place.master.is_some()
    }

    /// What was known about where keys lie is in doubt.
    pub(crate) fn doubt(&self) {
        if let Some(cluster) = self.inner.cluster.get() {
            cluster.doubt();
        }
    }

    /// The node of a cluster that has a key; none where one server has them all.
    async fn node_of(&self, key: &[u8]) -> Result<Option<Node>, LogError> {
        match self.inner.cluster.get() {
            Some(cluster) => cluster.master(self, key).await.map(Some),
            None => Ok(None),
        }
    }

    /// The masters of a cluster; none for the one server that there is.
    pub(crate) async fn masters(&self) -> Result<Vec<Option<Node>>, LogError> {
        match self.inner.cluster.get() {
            Some(cluster) => Ok(cluster.masters(self).await?.into_iter().map(Some).collect()),
            None => Ok(vec![None]),
        }
    }

    /// All servers that have keys or may come to have them: of a cluster also the replicas.
    pub(crate) async fn servers(&self) -> Result<Vec<Option<Node>>, LogError> {
        match self.inner.cluster.get() {
            Some(cluster) => Ok(cluster.nodes(self).await?.into_iter().map(Some).collect()),
            None => Ok(vec![None]),
        }
    }

    /// Opens a connection, for commands that answer at once, to the server that has this key.
    pub(crate) async fn open(&self, key: impl AsRef<[u8]>) -> Result<Connection, LogError> {
        self.open_with(key.as_ref(), ANSWER_TIMEOUT).await
    }

    /// Opens a connection for commands that block up to `block`, with a response timeout above it.
    pub(crate) async fn open_blocking(
        &self,
        key: impl AsRef<[u8]>,
        block: Duration,
    ) -> Result<Connection, LogError> {
        self.open_with(key.as_ref(), block + ANSWER_TIMEOUT).await
    }

    /// Opens a connection to one of [`Self::servers`].
    pub(crate) async fn open_server(&self, node: Option<&Node>) -> Result<Connection, LogError> {
        match node {
            Some(node) => self.open_node(Some(node), ANSWER_TIMEOUT).await,
            None => self.open(b"").await,
        }
    }

    async fn open_with(&self, key: &[u8], answer: Duration) -> Result<Connection, LogError> {
        if let Some(master) = &self.inner.place.master {
            let node = sentinel::master(self, master).await?;
            let mut connection = self.open_node(Some(&node), answer).await?;
            return match role(&mut connection).await?.as_str() {
                "master" => Ok(connection),
                role => {
                    let reason = format!("it is a {role}, although the sentinels name it");
                    Err(LogError::Away { at: node.to_string(), reason })
                }
            };
        }
        let node = self.node_of(key).await?.or_else(|| self.seeds().first().cloned());
        self.open_node(node.as_ref(), answer).await
    }

    /// Opens a connection to a node that is to say where slots lie.
    async fn open_to_ask(&self, node: &Node) -> Result<Connection, LogError> {
        let info = self.inner.place.info(Some(node));
        self.connect(info, Some(node), (DIRECTIONS_TIMEOUT, DIRECTIONS_TIMEOUT)).await
    }

    /// Opens a connection to a sentinel: without a password, or, where that is refused, with the
    /// servers' own.
    async fn open_sentinel(&self, node: &Node) -> Result<Connection, LogError> {
        let timeouts = (DIRECTIONS_TIMEOUT, DIRECTIONS_TIMEOUT);
        let info = self.inner.place.info_without_credentials(node);
        let mut open = self.connect(info, Some(node), timeouts).await?;
        match open.ask(&redis::cmd("PING")).await {
            Err(LogError::Reply { reason, .. }) if reason.contains("NOAUTH") => {
                let with = self.inner.place.info(Some(node));
                let settings = with.redis_settings().clone().set_db(0);
                self.connect(with.set_redis_settings(settings), Some(node), timeouts).await
            }
            Err(error) => Err(error),
            Ok(_) => Ok(open),
        }
    }

    async fn open_node(
        &self,
        node: Option<&Node>,
        answer: Duration,
    ) -> Result<Connection, LogError> {
        let info = self.inner.place.info(node);
        self.connect(info, node, (CONNECT_TIMEOUT, answer)).await
    }

    async fn connect(
        &self,
        info: ConnectionInfo,
        node: Option<&Node>,
        (connect, answer): (Duration, Duration),
    ) -> Result<Connection, LogError> {
        let at: Arc<str> = match node {
            Some(node) if self.fails_over() || self.seeds().len() > 1 => node.to_string().into(),
            _ => Arc::clone(self.at()),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect))
            .set_response_timeout(Some(answer));
        let opened = match info.addr() {
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => {
                let opening = open_socket(path, info.redis_settings(), config);
                tokio::time::timeout(connect, opening)
                    .await
                    .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
            }
            _ => match Client::open(info) {
                Ok(client) => client.get_multiplexed_async_connection_with_config(&config).await,
                Err(error) => Err(error),
            },
        };
        match opened {
            Ok(inner) => Ok(Connection::new(inner, at, self.clone())),
            Err(error) => {
                self.doubt();
                Err(LogError::from_redis(&at, &error))
            }
        }
    }
}

/// Opens a connection over a socket of this machine that takes a whole commit at once: one that
/// does not would have the server wait, in the middle of a command, for a task of ours to get a
/// thread again.
#[cfg(unix)]
async fn open_socket(
    path: &Path,
    settings: &RedisConnectionInfo,
    config: AsyncConnectionConfig,
) -> redis::RedisResult<MultiplexedConnection> {
    let stream = tokio::net::UnixStream::connect(path).await?;
    // What the system does not allow it makes smaller.
    socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER)?;
    let (connection, driving) =
        MultiplexedConnection::new_with_config(settings, stream, config).await?;
    tokio::spawn(driving);
    Ok(connection)
}

/// What a server takes itself for: `master`, `slave` or `sentinel`.
async fn role(connection: &mut Connection) -> Result<String, LogError> {
    let answer = connection.ask(&redis::cmd("ROLE")).await?;
    let parts = crate::wire::array(answer).unwrap_or_default();
    let role = parts.first().and_then(crate::wire::text).map(str::to_owned);
    role.ok_or_else(|| LogError::unexpected("ROLE", &redis::Value::Nil))
}
