//! What can go wrong with an archive, each with the file and what to do.

use marabet_schemas::EntryId;
use marabet_streams::LogError;
use parquet::errors::ParquetError;

use crate::columns::ColumnError;

/// Why an archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The store does not do what it should.
    #[error("{file}: {reason}")]
    Store {
        /// File or folder.
        file: String,
        /// Why.
        reason: String,
        /// Nothing more can be written there.
        full: bool,
    },
    /// A file that is cut off or broken.
    #[error(
        "{file} is cut off or damaged: {reason}; put it back from a backup, or move it away and archive its range again while the log still has it"
    )]
    Damaged {
        /// The file.
        file: String,
        /// What was found.
        reason: String,
    },
    /// A file that this program did not write.
    #[error("{file} was not written by the archive: {reason}; move it out of the archive's folder")]
    Foreign {
        /// The file.
        file: String,
        /// What was found.
        reason: String,
    },
    /// A file whose content is not what was written.
    #[error("{file} was changed after it was written: {reason}; put it back from a backup")]
    Doctored {
        /// The file.
        file: String,
        /// What was found.
        reason: String,
    },
    /// A file of a newer program.
    #[error("{file} was written by a newer version of this program ({reason}); upgrade to read it")]
    Newer {
        /// The file.
        file: String,
        /// What was found.
        reason: String,
    },
    /// Something is missing between two files.
    #[error(
        "{folder} lacks what comes after {after}: the next file, {file}, goes on after {goes_on}; put the missing files back"
    )]
    Gap {
        /// The partition's folder.
        folder: String,
        /// The last entry before the gap.
        after: EntryId,
        /// The file behind the gap.
        file: String,
        /// The entry that it follows.
        goes_on: EntryId,
    },
    /// The archive holds another number of partitions.
    #[error(
        "{archive} holds {found} partitions, and the log has {asked}; a namespace keeps its number: archive into another folder"
    )]
    Partitions {
        /// The archive.
        archive: String,
        /// What it holds.
        found: u16,
        /// What the log has.
        asked: u16,
    },
    /// There is no archive.
    #[error("{archive} holds no archive: {reason}")]
    None {
        /// Where it was looked for.
        archive: String,
        /// What is missing, and what to do.
        reason: String,
    },
    /// What should be written stands there already.
    #[error("{archive} holds {what} already; nothing was overwritten: {advice}")]
    There {
        /// The archive.
        archive: String,
        /// What stands there.
        what: String,
        /// What to do.
        advice: String,
    },
    /// An event that has no place in the columns.
    #[error("an event cannot be archived: {0}")]
    Event(String),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<ColumnError> for ArchiveError {
    fn from(ColumnError(reason): ColumnError) -> Self {
        Self::Event(reason)
    }
}

impl From<ParquetError> for ArchiveError {
    fn from(error: ParquetError) -> Self {
        Self::Event(error.to_string())
    }
}

impl ArchiveError {
    /// Whether waiting may repair it: the log is away, or the store is full or not reachable.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Log(error) => error.is_transient(),
            Self::Store { .. } => true,
            _ => false,
        }
    }
}
