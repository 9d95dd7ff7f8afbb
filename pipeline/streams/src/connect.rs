//! Opening connections, and saying where to without telling the password.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, ServerErrorKind, Value};

use crate::error::LogError;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer may take that does not block on purpose. Above what a server needs that
/// rewrites its AOF on a busy disk; below what a person takes for a hang.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens connections to one server.
#[derive(Clone)]
pub(crate) struct Connector {
    client: redis::Client,
    at: Arc<str>,
}

impl Connector {
    /// A connector to the server of this URL. Opens nothing yet.
    pub(crate) fn new(url: &str) -> Result<Self, LogError> {
        // The client's messages may repeat the URL, password and all: they are not shown.
        let wrong = |reason: &str| LogError::Url { reason: reason.to_owned() };
        let client = redis::Client::open(url)
            .map_err(|_| wrong("the configured URL of Redis cannot be understood"))?;
        if url.starts_with("rediss://") {
            // An error says that the program has chosen another before, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let info = client.get_connection_info();
        let db = info.redis_settings().db();
        let at = if db == 0 { info.addr().to_string() } else { format!("{}/{db}", info.addr()) };
        Ok(Self { client, at: at.into() })
    }

    /// Where the server is, without its password.
    pub(crate) fn at(&self) -> &Arc<str> {
        &self.at
    }

    /// Opens a connection for commands that answer at once.
    pub(crate) async fn open(&self) -> Result<Connection, LogError> {
        self.open_with(ANSWER_TIMEOUT).await
    }

    /// Opens a connection for commands that block up to `block`, with a response timeout above it.
    pub(crate) async fn open_blocking(&self, block: Duration) -> Result<Connection, LogError> {
        self.open_with(block + ANSWER_TIMEOUT).await
    }

    async fn open_with(&self, answer_timeout: Duration) -> Result<Connection, LogError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(answer_timeout));
        let inner = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| LogError::from_redis(&self.at, &error))?;
        Ok(Connection { inner, at: Arc::clone(&self.at) })
    }
}

/// A connection that reports its errors as the log's.
///
/// Clones share the socket. Once it is lost it stays lost: whoever holds one opens another.
#[derive(Clone)]
pub(crate) struct Connection {
    inner: MultiplexedConnection,
    at: Arc<str>,
}

impl Connection {
    /// Sends a command and reads the answer as `T`.
    pub(crate) async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, LogError> {
        command
            .query_async(&mut self.inner)
            .await
            .map_err(|error| LogError::from_redis(&self.at, &error))
    }

    /// Sends a command and returns the answer as it is.
    pub(crate) async fn ask(&mut self, command: &Cmd) -> Result<Value, LogError> {
        self.query(command).await
    }

    /// Runs a script, and loads it first where the server does not know it (yet, or any more).
    /// The command must have been begun by [`Script::command`](crate::script::Script::command).
    pub(crate) async fn run(
        &mut self,
        script: &crate::script::Script,
        command: &Cmd,
    ) -> Result<Value, LogError> {
        let answer: Result<Value, _> = command.query_async(&mut self.inner).await;
        match answer {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {}
            answer => return answer.map_err(|error| LogError::from_redis(&self.at, &error)),
        }
        self.query::<String>(redis::cmd("SCRIPT").arg("LOAD").arg(script.text())).await?;
        self.query(command).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_url_is_never_shown() {
        let connector = Connector::new("redis://bettor:s3cret@db.example:6380/2").unwrap();
        assert_eq!(&**connector.at(), "db.example:6380/2");
        for wrong in ["redis://bettor:s3cret@:x", "http://s3cret@host", "s3cret"] {
            let shown = Connector::new(wrong).map(|_| ()).unwrap_err().to_string();
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
