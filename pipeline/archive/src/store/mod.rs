//! Where the files lie: a folder, or a bucket of an object store.
//!
//! Calls block; whoever runs in an asynchronous task calls from a thread that may.

mod bucket;
mod folder;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use bytes::Bytes;

use crate::error::ArchiveError;
use bucket::Bucket;
use folder::Folder;

/// A file to be: its path, and its content.
pub(crate) type Placed<'a> = (&'a str, &'a [u8]);

/// Where the files of an archive lie.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// A folder of this machine.
    Folder(Folder),
    /// A bucket that speaks the protocol of S3.
    Bucket(Arc<Bucket>),
}

/// Does the same in either.
macro_rules! either {
    ($store:expr, $it:ident => $work:expr) => {
        match $store {
            Store::Folder($it) => $work,
            Store::Bucket($it) => $work,
        }
    };
}

impl Store {
    /// The store at a path, or at `s3://bucket/prefix`.
    pub(crate) fn at(location: &str) -> Result<Self, ArchiveError> {
        if location.contains("://") {
            return Ok(Self::Bucket(Arc::new(Bucket::at(location)?)));
        }
        Ok(Self::Folder(Folder(PathBuf::from(location))))
    }

    /// How errors name a file of it.
    pub(crate) fn name(&self, path: &str) -> String {
        either!(self, it => it.name(path))
    }

    /// The paths of all files below a folder of the archive, sorted.
    pub(crate) fn list(&self, below: &str) -> Result<Vec<String>, ArchiveError> {
        either!(self, it => it.list(below))
    }

    /// A file's content; none where there is no such file.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Bytes>, ArchiveError> {
        either!(self, it => it.read(path))
    }

    /// Writes a file that is not there yet, whole or not at all, and durable when this returns.
    /// False where a file of this name is there: it is left as it is.
    pub(crate) fn write_new(&self, path: &str, bytes: &[u8]) -> Result<bool, ArchiveError> {
        either!(self, it => it.write_new(path, bytes))
    }

    /// As [`Store::write_new`] of each, but where they are written to a disk a crash may forget
    /// them until [`Store::settle`] was told of them: many files are settled at the price of one.
    pub(crate) fn place_new(&self, files: &[Placed<'_>]) -> Result<Vec<bool>, ArchiveError> {
        match self {
            Self::Folder(folder) => folder.place_new(files),
            Self::Bucket(bucket) => std::thread::scope(|scope| {
                let write = |&(path, bytes)| scope.spawn(move || bucket.write_new(path, bytes));
                let writing: Vec<_> = files.iter().map(write).collect();
                let written = |one: ScopedJoinHandle<'_, _>| one.join().expect("a write ends");
                writing.into_iter().map(written).collect()
            }),
        }
    }

    /// Sees that files that were placed stay.
    pub(crate) fn settle<'p>(
        &self,
        paths: impl Iterator<Item = &'p str>,
    ) -> Result<(), ArchiveError> {
        match self {
            Self::Folder(folder) => folder.settle(paths),
            Self::Bucket(_) => Ok(()),
        }
    }

    /// Writes a file, whole or not at all, in the place of one that is there.
    pub(crate) fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        either!(self, it => it.replace(path, bytes))
    }

    /// Moves a file within the archive.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), ArchiveError> {
        either!(self, it => it.rename(from, to))
    }

    /// Takes a file away.
    pub(crate) fn remove(&self, path: &str) -> Result<(), ArchiveError> {
        either!(self, it => it.remove(path))
    }
}
