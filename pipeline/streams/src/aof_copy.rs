//! What a copy of a server's append-only files needs: where they are, and that none is replaced
//! while they are copied.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::connect::Connection;
use crate::error::LogError;

/// How long a rewriting that goes on is waited for.
const REWRITING_MAX: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The growth, in per cent, after which the server rewrites its files; 0 for never.
const GROWTH: &str = "auto-aof-rewrite-percentage";

/// The folder of the server's append-only files, on the server's machine.
///
/// # Errors
/// [`LogError::Away`]; a server that does not tell its settings.
pub async fn aof_folder(connection: &mut Connection) -> Result<PathBuf, LogError> {
    let folder = setting(connection, "dir").await?;
    let name = setting(connection, "appenddirname").await?;
    Ok(PathBuf::from(folder).join(name))
}

/// Keeps the server from rewriting its append-only files, once a rewriting that goes on has
/// ended. Returns the setting that [`let_rewrite`] puts back.
///
/// # Errors
/// [`LogError::Away`]; [`LogError::Asked`] when a rewriting does not end.
pub async fn hold_rewriting(connection: &mut Connection) -> Result<String, LogError> {
    let before = setting(connection, GROWTH).await?;
    let_rewrite(connection, "0").await?;
    match wait_for_rewriting(connection).await {
        Ok(()) => Ok(before),
        Err(error) => {
            let_rewrite(connection, &before).await?;
            Err(error)
        }
    }
}

/// Lets the server rewrite its append-only files at this growth.
///
/// # Errors
/// [`LogError::Away`].
pub async fn let_rewrite(connection: &mut Connection, growth: &str) -> Result<(), LogError> {
    let mut command = redis::cmd("CONFIG");
    command.arg("SET").arg(GROWTH).arg(growth);
    connection.query::<redis::Value>(&command).await.map(|_| ())
}

async fn wait_for_rewriting(connection: &mut Connection) -> Result<(), LogError> {
    let mut waited = Duration::ZERO;
    while waited < REWRITING_MAX {
        let info: String = connection.query(redis::cmd("INFO").arg("persistence")).await?;
        let busy = ["aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1"];
        if !busy.iter().any(|busy| info.contains(busy)) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
        waited += LOOK_EVERY;
    }
    Err(LogError::Asked("the server keeps rewriting its files; try again later".to_owned()))
}

async fn setting(connection: &mut Connection, name: &str) -> Result<String, LogError> {
    let mut settings: BTreeMap<String, String> =
        connection.query(redis::cmd("CONFIG").arg("GET").arg(name)).await?;
    settings
        .remove(name)
        .ok_or_else(|| LogError::Asked(format!("the server does not tell its setting `{name}`")))
}
