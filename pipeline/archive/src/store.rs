//! Where the files lie: a folder, or an object store.
//!
//! Calls block; whoever runs in an asynchronous task calls from a thread that may.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::error::ArchiveError;

/// Begins the names of files that are being written; what a crash leaves of them is no archive's.
const TEMPORARY: &str = ".tmp-";
/// How deep below the archive's folder files lie.
const DEPTH_MAX: usize = 6;

/// Where the files of an archive lie.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// A folder of this machine.
    Folder(PathBuf),
}

impl Store {
    /// The store at a path.
    pub(crate) fn at(location: &str) -> Result<Self, ArchiveError> {
        Ok(Self::Folder(PathBuf::from(location)))
    }

    /// How errors name a file of it.
    pub(crate) fn name(&self, path: &str) -> String {
        match self {
            Self::Folder(folder) if path.is_empty() => folder.display().to_string(),
            Self::Folder(folder) => folder.join(path).display().to_string(),
        }
    }

    fn failed(&self, path: &str, error: &std::io::Error) -> ArchiveError {
        let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let advice = if full { "; free some space: nothing is lost meanwhile" } else { "" };
        ArchiveError::Store { file: self.name(path), reason: format!("{error}{advice}"), full }
    }

    /// The paths of all files below a folder of the archive, sorted.
    pub(crate) fn list(&self, below: &str) -> Result<Vec<String>, ArchiveError> {
        match self {
            Self::Folder(folder) => {
                let mut found = Vec::new();
                let start = folder.join(below);
                if start.exists() {
                    walk(&start, folder, DEPTH_MAX, &mut found)
                        .map_err(|(path, error)| self.failed(&path, &error))?;
                }
                found.sort_unstable();
                Ok(found)
            }
        }
    }

    /// A file's content; none where there is no such file.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Bytes>, ArchiveError> {
        match self {
            Self::Folder(folder) => match fs::read(folder.join(path)) {
                Ok(bytes) => Ok(Some(bytes.into())),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(self.failed(path, &error)),
            },
        }
    }

    /// Writes a file that is not there yet, whole or not at all, and durable when this returns.
    /// False where a file of this name is there: it is left as it is.
    pub(crate) fn write_new(&self, path: &str, bytes: &[u8]) -> Result<bool, ArchiveError> {
        match self {
            Self::Folder(folder) => {
                if folder.join(path).exists() {
                    return Ok(false);
                }
                write_durable(folder, path, bytes).map_err(|error| self.failed(path, &error))?;
                Ok(true)
            }
        }
    }

    /// Writes a file, whole or not at all, in the place of one that is there.
    pub(crate) fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        match self {
            Self::Folder(folder) => {
                write_durable(folder, path, bytes).map_err(|error| self.failed(path, &error))
            }
        }
    }

    /// Moves a file within the archive.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), ArchiveError> {
        match self {
            Self::Folder(folder) => {
                let target = folder.join(to);
                let moved = make_folder(folder, &target).and_then(|()| {
                    fs::rename(folder.join(from), &target)?;
                    sync_folder_of(&folder.join(from))?;
                    sync_folder_of(&target)
                });
                moved.map_err(|error| self.failed(from, &error))
            }
        }
    }

    /// Takes a file away.
    pub(crate) fn remove(&self, path: &str) -> Result<(), ArchiveError> {
        match self {
            Self::Folder(folder) => {
                let file = folder.join(path);
                fs::remove_file(&file)
                    .and_then(|()| sync_folder_of(&file))
                    .map_err(|error| self.failed(path, &error))
            }
        }
    }
}

/// Temporary file, fsync, rename, fsync of the folder: a crash leaves the whole file or none.
fn write_durable(folder: &Path, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let target = folder.join(path);
    make_folder(folder, &target)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = target.with_file_name(format!("{TEMPORARY}{}-{name}", std::process::id()));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&temporary, &target));
    if let Err(error) = renamed {
        // What cannot be removed either is passed over by every reader.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_folder_of(&target)
}

/// Makes the folder of a file, and sees that it is on the disk.
fn make_folder(root: &Path, file: &Path) -> std::io::Result<()> {
    let Some(folder) = file.parent() else { return Ok(()) };
    if folder.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    // Each new folder is an entry of the one above it.
    for made in folder.ancestors().take_while(|made| made.starts_with(root)) {
        sync_folder_of(made)?;
    }
    Ok(())
}

fn sync_folder_of(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(folder) if folder != Path::new("") => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

type Failed = (String, std::io::Error);

fn walk(folder: &Path, root: &Path, depth: usize, found: &mut Vec<String>) -> Result<(), Failed> {
    let failed = |error| (relative(folder, root), error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_dir() {
            if depth > 0 {
                walk(&path, root, depth - 1, found)?;
            }
        } else if !entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            found.push(relative(&path, root));
        }
    }
    Ok(())
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}
