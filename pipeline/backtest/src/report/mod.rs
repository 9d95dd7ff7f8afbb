//! Reports that people look at: one HTML file without anything from outside, JSON and Parquet
//! beside it.

pub mod data;
pub mod numbers;
mod page;
mod plots;
mod strategy;
pub mod svg;
pub(crate) mod tables;

use std::io;
use std::path::{Path, PathBuf};

pub use data::{Period, Ranked, Report, StrategyReport, SweepReport, WorthReport, about};
pub use page::html;

/// The files of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub html: PathBuf,
    /// Its numbers.
    pub json: PathBuf,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {error}")]
pub struct WriteError {
    path: PathBuf,
    error: io::Error,
}

/// Writes a report into a folder, each file whole or not at all.
///
/// # Errors
/// [`WriteError`] with the file.
pub fn write(report: &Report, folder: &Path) -> Result<Written, WriteError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| WriteError { path, error }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let json = serde_json::to_vec_pretty(report).expect("a report holds only what JSON can say");
    let written = Written { html: folder.join("report.html"), json: folder.join("report.json") };
    for (path, bytes) in [(&written.html, html(report).into_bytes()), (&written.json, json)] {
        let beside = path.with_extension("partial");
        std::fs::write(&beside, bytes).map_err(failed(&beside))?;
        std::fs::rename(&beside, path).map_err(failed(path))?;
    }
    Ok(written)
}
