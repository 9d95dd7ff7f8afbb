//! Putting a backup back.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use marabet_streams::EmbeddedRedis;
use tokio::process::Command;

use super::files::copy_folder;
use super::{LEDGER_DUMP, LEDGER_FILE, REDIS, check};
use crate::config::Config;
use crate::line::open;

/// Puts a backup back: the log of the private server, and the ledger. What stood there is kept
/// beside it. Returns where.
pub(crate) async fn restore(backup: &Path, config: &Config) -> anyhow::Result<Vec<PathBuf>> {
    check(backup)?;
    if config.log.redis_url.is_some() {
        bail!(
            "the log lies on a server of its own: stop it, copy {} into its folder, start it, and \
             then restore the ledger with `marabet ledger rebuild`",
            backup.join(REDIS).display()
        );
    }
    let folder = config.log.folder.join("redis");
    if EmbeddedRedis::is_running_in(&folder) {
        bail!("a program uses {}; end it first", config.log.folder.display());
    }
    let mut kept = Vec::new();
    kept.extend(put_aside(&folder)?);
    copy_folder(&backup.join(REDIS), &folder)?;
    let file = open::ledger_file(config);
    if let (Some(file), true) = (&file, backup.join(LEDGER_FILE).exists()) {
        kept.extend(put_aside(file)?);
        for beside in ["-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(beside);
            // They belong to the file that was put aside, and would spoil the other.
            let _ = std::fs::remove_file(name);
        }
        std::fs::copy(backup.join(LEDGER_FILE), file)
            .with_context(|| file.display().to_string())?;
    } else if backup.join(LEDGER_DUMP).exists() {
        let url = config.ledger.url.as_deref().unwrap_or_default();
        pg("pg_restore", url)?
            .args(["--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname"])
            .arg(without_password(url).0)
            .arg(backup.join(LEDGER_DUMP))
            .status()
            .await
            .context("pg_restore, which restores a ledger on PostgreSQL, cannot be started")?
            .success()
            .then_some(())
            .context("pg_restore failed")?;
    }
    Ok(kept)
}

/// Renames what stands at a path, where something does.
fn put_aside(path: &Path) -> anyhow::Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-restore-{}", open::now().micros() / 1_000_000));
    let aside = PathBuf::from(name);
    std::fs::rename(path, &aside).with_context(|| path.display().to_string())?;
    Ok(Some(aside))
}

/// A program of PostgreSQL's for the database of a URL. The password goes by the environment,
/// which no list of processes shows.
pub(super) fn pg(program: &str, url: &str) -> anyhow::Result<Command> {
    let (shown, password) = without_password(url);
    let mut command = Command::new(program);
    if program == "pg_dump" {
        command.arg("--dbname").arg(shown);
    }
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    Ok(command)
}

/// A URL without its password, and the password.
fn without_password(url: &str) -> (String, Option<String>) {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (login, place) = rest.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        Some((format!("{scheme}://{user}@{place}"), Some(password.to_owned())))
    });
    parts.unwrap_or_else(|| (url.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_taken_out_of_a_url() {
        let (url, password) = without_password("postgres://bettor:s3cret@db/bets?sslmode=require");
        assert_eq!(url, "postgres://bettor@db/bets?sslmode=require");
        assert_eq!(password.as_deref(), Some("s3cret"));
        assert_eq!(without_password("postgres://db/bets").1, None);
    }
}
