//! The table of everything that was value, as Parquet.
//!
//! `<folder>/<view>/<competition>-<part>.parquet`, whole matches in the order of their looks, so
//! many a part as were noted in memory; `catalogue.json` with the names behind the numbers and
//! `table.json` with what it was made of, and each part's hash. Any Parquet reader opens the files.

pub mod bets;
mod columns;
mod read;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use polars::prelude::{DataFrame, ParquetCompression, ParquetWriter};
use serde::{Deserialize, Serialize};

pub use columns::{frame, rows};
pub use read::{Batches, View};
pub use write::build;

use crate::history::HistoryError;
use crate::opportunity::Catalogue;
use crate::survey::SurveyError;
use crate::walk::Walked;

/// What a table was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Hash of the facts, the views and the training: equal ones give equal tables.
    pub identity: String,
    /// Rows.
    pub rows: u64,
    /// What was gone through.
    pub walked: Walked,
    /// The parts of each view, in the order of their names.
    pub parts: BTreeMap<String, Vec<Part>>,
    /// Rows and cells of the facts that could not be read.
    pub unread: u64,
    /// How long it took to make, models included.
    pub seconds: f64,
}

/// A file of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name within the view's folder.
    pub file: String,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Why a table could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} is no part of a table: {error}; remove the table's folder to make it anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What its reader says.
        error: String,
    },
    /// The folder holds a table of other facts.
    #[error(
        "{path} holds a table of other facts, views or training; name another folder with --table, \
         or remove it"
    )]
    Other {
        /// The folder.
        path: PathBuf,
    },
    /// The rows could not be made.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The facts could not be read.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl TableError {
    fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }

    fn damaged(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), error: error.to_string() }
    }
}

/// A table that was made.
#[derive(Debug, Clone)]
pub struct Table {
    /// Where.
    pub folder: PathBuf,
    /// Of what.
    pub manifest: Manifest,
    /// The names behind the numbers.
    pub catalogue: Catalogue,
}

const MANIFEST: &str = "table.json";
const CATALOGUE: &str = "catalogue.json";

/// Rows of a row group: what a reader passes over by its least and greatest values, or decodes.
const GROUP_ROWS: usize = 65_536;

impl Table {
    /// Opens a table; none where there is none.
    ///
    /// # Errors
    /// [`TableError`] for one that is damaged.
    pub fn open(folder: &Path) -> Result<Option<Self>, TableError> {
        let path = folder.join(MANIFEST);
        if !path.exists() {
            return Ok(None);
        }
        let manifest = json(&path)?;
        let catalogue = json(&folder.join(CATALOGUE))?;
        Ok(Some(Self { folder: folder.to_owned(), manifest, catalogue }))
    }

    /// How many bytes a view takes on the disk; none where it is not there.
    #[must_use]
    pub fn bytes_of(&self, view: &str) -> u64 {
        self.manifest.parts.get(view).into_iter().flatten().map(|part| part.bytes).sum()
    }
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, TableError> {
    let bytes = std::fs::read(path).map_err(TableError::file(path))?;
    serde_json::from_slice(&bytes).map_err(|error| TableError::damaged(path, error))
}

/// Writes a frame as a Parquet file, compressed with Zstandard, and sees it onto the disk.
fn write_frame(frame: &mut DataFrame, path: &Path) -> Result<(), TableError> {
    let file = File::create(path).map_err(TableError::file(path))?;
    ParquetWriter::new(&file)
        .with_compression(ParquetCompression::Zstd(None))
        .with_row_group_size(Some(GROUP_ROWS))
        .finish(frame)
        .map_err(|error| TableError::damaged(path, error))?;
    file.sync_all().map_err(TableError::file(path))
}
