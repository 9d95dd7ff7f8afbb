//! Folders, file by file.

use std::io;
use std::path::{Path, PathBuf};

/// All files below a folder, by path; none where there is no folder.
pub(super) fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// Copies a folder with all that is in it, and sees that it is on the disk.
pub(super) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    for file in files_below(from)? {
        let rest = file.strip_prefix(from).map_err(io::Error::other)?;
        let target = to.join(rest);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(&file, &target)?;
        std::fs::File::open(&target)?.sync_all()?;
    }
    Ok(())
}
