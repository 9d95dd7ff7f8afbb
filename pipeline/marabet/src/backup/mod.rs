//! Backups: copies of the log's server, the ledger, and the archive's manifest, with a hash of
//! each file; and putting one back.
//!
//! The log is copied as its server's append-only files while no rewriting goes on, as the
//! server's own documentation advises; a last command that was cut in half is cut off when the
//! server starts on it. A ledger in a file is copied by the database itself; one on a server is
//! dumped by PostgreSQL's `pg_dump`.

mod files;
mod manifest;
mod restore;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use marabet_ledger::Ledger;
use marabet_streams::Log;

use crate::config::Config;
use crate::line::open;
use files::copy_folder;
use manifest::Manifest;

pub(crate) use manifest::check;
pub(crate) use restore::restore;

/// The parts of a backup.
const REDIS: &str = "redis";
const LEDGER_FILE: &str = "ledger.db";
const LEDGER_DUMP: &str = "ledger.dump";
const ARCHIVE: &str = "archive.json";

/// A backup that was made.
pub(crate) struct Made {
    pub(crate) folder: PathBuf,
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

/// Where backups go.
pub(crate) fn folder(config: &Config) -> PathBuf {
    config.jobs.backups.clone().unwrap_or_else(|| config.log.folder.join("backups"))
}

/// Makes a backup. It has its name only once it is whole.
pub(crate) async fn make(log: &Log, ledger: &Ledger, config: &Config) -> anyhow::Result<Made> {
    let all = folder(config);
    // Colons are no part of a file's name everywhere.
    let name = open::now().to_string().replace(':', "").replace('.', "-");
    let (unfinished, whole) = (all.join(format!(".{name}")), all.join(name));
    std::fs::create_dir_all(&unfinished).with_context(|| unfinished.display().to_string())?;
    copy_redis(log, &unfinished.join(REDIS)).await.context("the log's server")?;
    copy_ledger(ledger, config, &unfinished).await.context("the ledger")?;
    let archive = config.log.folder.join("archive");
    let listed = Manifest::of(&archive).context("the archive")?;
    std::fs::write(unfinished.join(ARCHIVE), serde_json::to_vec_pretty(&listed)?)?;
    let manifest = Manifest::of(&unfinished)?;
    manifest.write(&unfinished)?;
    std::fs::rename(&unfinished, &whole).with_context(|| whole.display().to_string())?;
    let (files, bytes) = (manifest.files.len(), manifest.bytes());
    Ok(Made { folder: whole, files, bytes })
}

/// Deletes all backups but the last ones. Returns how many.
pub(crate) fn keep_last(config: &Config) -> anyhow::Result<usize> {
    let mut all = list(config)?;
    let gone = all.len().saturating_sub(config.jobs.backups_kept.max(1));
    for old in all.drain(..gone) {
        std::fs::remove_dir_all(&old).with_context(|| old.display().to_string())?;
    }
    Ok(gone)
}

/// The backups that there are, the oldest first.
pub(crate) fn list(config: &Config) -> anyhow::Result<Vec<PathBuf>> {
    let folder = folder(config);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut all: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| manifest::is_in(path)).collect();
    all.sort();
    Ok(all)
}

async fn copy_redis(log: &Log, to: &Path) -> anyhow::Result<()> {
    let mut connection = log.open_connection(&log.namespace().about(), Duration::ZERO).await?;
    let from = marabet_streams::aof_folder(&mut connection).await?;
    if !from.exists() {
        bail!("{} is not on this machine; back the server up where it runs", from.display());
    }
    // While the files are copied, none may be replaced by a rewriting.
    let growth = marabet_streams::hold_rewriting(&mut connection).await?;
    let name = from.file_name().context("the server's folder has no name")?.to_owned();
    let copied = tokio::task::spawn_blocking({
        let to = to.join(name);
        move || copy_folder(&from, &to)
    });
    let copied = copied.await;
    marabet_streams::let_rewrite(&mut connection, &growth).await?;
    copied??;
    Ok(())
}

async fn copy_ledger(ledger: &Ledger, config: &Config, to: &Path) -> anyhow::Result<()> {
    match ledger.file() {
        Some(_) => Ok(ledger.copy_to(&to.join(LEDGER_FILE)).await?),
        None => {
            let url = config.ledger.url.as_deref().unwrap_or_default();
            restore::pg("pg_dump", url)?
                .args(["--format=custom", "--no-owner", "--file"])
                .arg(to.join(LEDGER_DUMP))
                .status()
                .await
                .context("pg_dump, which backs up a ledger on PostgreSQL, cannot be started")?
                .success()
                .then_some(())
                .context("pg_dump failed")
        }
    }
}
