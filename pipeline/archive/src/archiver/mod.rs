//! The archiver: streams into files, behind the log's durable horizon.
//!
//! The files are the truth. When the archiver begins, each partition goes on after the last entry
//! in its files, whatever the group in Redis says; what is in a file is acknowledged afterwards,
//! and only then may the log be trimmed. So a kill anywhere costs no more than reading some frames
//! again. A file that the log no longer agrees with, because the server lost its last second, is
//! set aside at its tail, loudly.

mod letters;
mod resume;
mod stream;

use std::time::Duration;

use marabet_streams::{Log, Shutdown, Stream};

use crate::archive::Archive;
use crate::error::ArchiveError;

/// The consumer group of the archive, on each stream.
pub const GROUP: &str = marabet_streams::group::ARCHIVE;

/// How the archiver writes.
#[derive(Debug, Clone)]
pub struct ArchiverOptions {
    /// A file is ended at this many rows.
    pub rows_max: u64,
    /// A file is ended when its first row has waited for this long.
    pub age_max: Duration,
    /// How hard zstd compresses, 1 to 22.
    pub level: i32,
    /// The stages whose dead letters and marks are kept too.
    pub stages: Vec<String>,
}

impl Default for ArchiverOptions {
    fn default() -> Self {
        Self {
            rows_max: 200_000,
            age_max: Duration::from_secs(30),
            level: 3,
            stages: ["predict", "detect", "portfolio"].map(str::to_owned).into(),
        }
    }
}

/// Archives every stream, the dead letters and the marks, until it is asked to end; then writes
/// what it holds. The server or the disk being away or full passes.
///
/// # Errors
/// What no waiting repairs: an archive of another number of partitions, a file that cannot be
/// read, a log that was rolled back below what its group has read.
pub async fn run_archive(
    log: &Log,
    archive: &Archive,
    options: &ArchiverOptions,
    shutdown: Shutdown,
) -> Result<(), ArchiveError> {
    let partitions = log.namespace().partitions();
    let (own, namespace) = (archive.clone(), log.namespace().prefix().to_owned());
    blocking(move || own.found(partitions, Some(&namespace))).await?;
    let [feed, priced, bets, grants] = Stream::ALL.map(|stream| {
        stream::run(log.clone(), archive.clone(), stream, options.clone(), shutdown.clone())
    });
    let letters = letters::run(log.clone(), archive.clone(), options.clone(), shutdown.clone());
    tokio::try_join!(feed, priced, bets, grants, letters)?;
    Ok(())
}

/// Does what blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(gone) => Err(ArchiveError::Event(format!("a writing thread ended: {gone}"))),
    }
}
