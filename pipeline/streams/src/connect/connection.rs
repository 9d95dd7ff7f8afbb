//! A connection to one server, whose errors are the log's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, Value};

use super::Connector;
use crate::error::LogError;
use crate::script::Script;

/// A connection that reports its errors as the log's.
///
/// Clones share the socket. Once it is lost it stays lost: whoever holds one opens another.
#[derive(Clone)]
pub struct Connection {
    inner: MultiplexedConnection,
    at: Arc<str>,
    connector: Connector,
    lost: Arc<AtomicBool>,
}

impl Connection {
    pub(super) fn new(inner: MultiplexedConnection, at: Arc<str>, connector: Connector) -> Self {
        Self { inner, at, connector, lost: Arc::default() }
    }

    /// Which server it leads to, without its password.
    pub(crate) fn at(&self) -> &Arc<str> {
        &self.at
    }

    /// Whether it, or a clone of it, turned out to be lost.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    fn error(&self, error: &RedisError) -> LogError {
        let error = LogError::from_redis(&self.at, error);
        if matches!(error, LogError::Away { .. }) {
            self.lost.store(true, Ordering::Relaxed);
            self.connector.doubt();
        }
        error
    }

    /// Sends a command and reads the answer as `T`.
    ///
    /// # Errors
    /// [`LogError::Away`] when the server is; what it answered where that is an error.
    pub async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, LogError> {
        command.query_async(&mut self.inner).await.map_err(|error| self.error(&error))
    }

    /// Sends a command and returns the answer as it is.
    pub(crate) async fn ask(&mut self, command: &Cmd) -> Result<Value, LogError> {
        self.query(command).await
    }

    /// Runs a script, and loads it first where the server does not know it (yet, or any more).
    /// The command must have been begun by [`Script::command`].
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn run(&mut self, script: &Script, command: &Cmd) -> Result<Value, LogError> {
        let answer: Result<Value, _> = command.query_async(&mut self.inner).await;
        match answer {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {}
            answer => return answer.map_err(|error| self.error(&error)),
        }
        self.query::<String>(redis::cmd("SCRIPT").arg("LOAD").arg(script.text())).await?;
        self.query(command).await
    }
}
