//! A folder of this machine: whole files or none, and durable when a call returns; a file that is
//! only placed is durable once it was settled.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::Placed;
use crate::error::ArchiveError;

/// Begins the names of files that are being written; what a crash leaves of them is no archive's.
const TEMPORARY: &str = ".tmp-";
/// Ends them, so that whoever reads `**/*.parquet` does not read them either.
const UNFINISHED: &str = ".part";
/// How many files this process has begun to write.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
/// How deep below the archive's folder files lie.
const DEPTH_MAX: usize = 6;

/// So many folders are synced at once.
const SYNCED_AT_ONCE: usize = 16;

/// A folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn name(&self, path: &str) -> String {
        if path.is_empty() {
            self.0.display().to_string()
        } else {
            self.0.join(path).display().to_string()
        }
    }

    fn failed(&self, path: &str, error: &std::io::Error) -> ArchiveError {
        let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let advice = if full { "; free some space: nothing is lost meanwhile" } else { "" };
        ArchiveError::Store { file: self.name(path), reason: format!("{error}{advice}"), full }
    }

    pub(super) fn list(&self, below: &str) -> Result<Vec<String>, ArchiveError> {
        let mut found = Vec::new();
        let start = self.0.join(below);
        if start.exists() {
            walk(&start, &self.0, DEPTH_MAX, &mut found)
                .map_err(|(path, error)| self.failed(&path, &error))?;
        }
        found.sort_unstable();
        Ok(found)
    }

    pub(super) fn read(&self, path: &str) -> Result<Option<Bytes>, ArchiveError> {
        match fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(path, &error)),
        }
    }

    pub(super) fn write_new(&self, path: &str, bytes: &[u8]) -> Result<bool, ArchiveError> {
        if self.0.join(path).exists() {
            return Ok(false);
        }
        self.replace(path, bytes).map(|()| true)
    }

    /// As [`Folder::write_new`] of each, but the disk may forget the files until they were
    /// settled.
    pub(super) fn place_new(&self, files: &[Placed<'_>]) -> Result<Vec<bool>, ArchiveError> {
        let mut new = Vec::with_capacity(files.len());
        for &(path, bytes) in files {
            let is_there = self.0.join(path).exists();
            let unfinished = (!is_there).then(|| Unfinished::write(&self.0, path, bytes));
            new.push(unfinished.transpose().map_err(|error| self.failed(path, &error))?);
        }
        // All are written before the disk is waited for, so that it waits once.
        for file in new.iter().flatten() {
            file.sync().map_err(|error| self.failed(file.path, &error))?;
        }
        let is_new = new.iter().map(Option::is_some).collect();
        for file in new.into_iter().flatten() {
            let path = file.path;
            file.land().map_err(|error| self.failed(path, &error))?;
        }
        Ok(is_new)
    }

    /// Sees that the disk keeps files that were placed: syncs each folder on the way to one.
    pub(super) fn settle<'p>(
        &self,
        paths: impl Iterator<Item = &'p str>,
    ) -> Result<(), ArchiveError> {
        let files: Vec<PathBuf> = paths.map(|path| self.0.join(path)).collect();
        let above = |file| Path::ancestors(file).take_while(|one| one.starts_with(&self.0));
        let entries: BTreeSet<&Path> = files.iter().flat_map(|file| above(file)).collect();
        let folders: BTreeSet<&Path> = entries.into_iter().filter_map(Path::parent).collect();
        let folders: Vec<&Path> = folders.into_iter().collect();
        // A disk waits for all of them hardly longer than for one.
        let synced = std::thread::scope(|scope| {
            let parts = folders.chunks(folders.len().div_ceil(SYNCED_AT_ONCE).max(1));
            let sync = |part: &[&Path]| part.iter().copied().try_for_each(sync_folder);
            let syncing: Vec<_> = parts.map(|part| scope.spawn(move || sync(part))).collect();
            let mut syncing = syncing.into_iter();
            syncing.try_for_each(|part| part.join().expect("to sync does not panic"))
        });
        synced.map_err(|error| self.failed("", &error))
    }

    pub(super) fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        write_durable(&self.0, path, bytes).map_err(|error| self.failed(path, &error))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), ArchiveError> {
        let target = self.0.join(to);
        let moved = make_folder(&self.0, &target).and_then(|()| {
            fs::rename(self.0.join(from), &target)?;
            sync_folder_of(&self.0.join(from))?;
            sync_folder_of(&target)
        });
        moved.map_err(|error| self.failed(from, &error))
    }

    pub(super) fn remove(&self, path: &str) -> Result<(), ArchiveError> {
        let file = self.0.join(path);
        fs::remove_file(&file)
            .and_then(|()| sync_folder_of(&file))
            .map_err(|error| self.failed(path, &error))
    }
}

/// Temporary file, fsync, rename, fsync of the folder: a crash leaves the whole file or none.
fn write_durable(folder: &Path, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    make_folder(folder, &folder.join(path))?;
    let unfinished = Unfinished::write(folder, path, bytes)?;
    unfinished.sync()?;
    unfinished.land()?;
    sync_folder_of(&folder.join(path))
}

/// A file that is written under a name of its own, which it loses when it is not finished.
struct Unfinished<'a> {
    path: &'a str,
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    landed: bool,
}

impl<'a> Unfinished<'a> {
    fn write(folder: &Path, path: &'a str, bytes: &[u8]) -> std::io::Result<Self> {
        let target = folder.join(path);
        fs::create_dir_all(target.parent().unwrap_or(folder))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // Two streams may write one model at the same time: each under a name of its own.
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let unfinished = format!("{TEMPORARY}{}-{number}-{name}{UNFINISHED}", std::process::id());
        let temporary = target.with_file_name(unfinished);
        let file = File::create(&temporary)?;
        let mut unfinished = Self { path, file, temporary, target, landed: false };
        unfinished.file.write_all(bytes)?;
        Ok(unfinished)
    }

    /// Sees that its content is on the disk.
    fn sync(&self) -> std::io::Result<()> {
        self.file.sync_all()
    }

    /// Gives it its name, under which a crash then leaves the whole file or none.
    fn land(mut self) -> std::io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        self.landed = true;
        Ok(())
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.landed {
            // What cannot be removed either is passed over by every reader.
            let _ = fs::remove_file(&self.temporary);
        }
    }
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
    file.parent().map_or(Ok(()), sync_folder)
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    let here = folder == Path::new("");
    File::open(if here { Path::new(".") } else { folder })?.sync_all()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_and_what_is_there_is_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder(home.path().to_owned());
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let said = folder.failed("feed/x.parquet", &full).to_string();
        assert!(said.contains("feed/x.parquet") && said.contains("free some space"), "{said}");

        assert!(folder.write_new("a/b", b"first").unwrap());
        assert!(!folder.write_new("a/b", b"second").unwrap());
        assert_eq!(folder.read("a/b").unwrap().unwrap(), b"first"[..]);
        // A crash leaves what was not finished, under a name that no pattern of readers takes.
        let half = Unfinished::write(home.path(), "a/c.parquet", b"half").unwrap();
        assert_eq!(half.temporary.extension(), Some("part".as_ref()), "{:?}", half.temporary);
        std::mem::forget(half);
        assert_eq!(fs::read_dir(home.path().join("a")).unwrap().count(), 2);
        assert_eq!(folder.list("").unwrap(), ["a/b"], "what a crash left is no file");

        let placed =
            folder.place_new(&[("c/d/e", b"third"), ("a/b", b"third"), ("c/f", b"fourth")]);
        assert_eq!(placed.unwrap(), [true, false, true]);
        assert_eq!(folder.read("a/b").unwrap().unwrap(), b"first"[..]);
        assert_eq!(folder.read("c/f").unwrap().unwrap(), b"fourth"[..]);
        folder.settle(["c/d/e", "a/b"].into_iter()).unwrap();
        let missing = folder.settle(["x/y"].into_iter()).unwrap_err().to_string();
        assert!(missing.contains(&home.path().display().to_string()), "{missing}");
    }
}
