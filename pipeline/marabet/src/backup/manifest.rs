//! What a backup holds: each file with its size and its hash, so that a corrupt one is found out
//! before it replaces anything.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::files_below;

const NAME: &str = "manifest.json";

/// The files of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// By path within the folder.
    pub(super) files: BTreeMap<String, File>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// The files below a folder, the manifest itself apart.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        for path in files_below(folder)? {
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            if name == NAME {
                continue;
            }
            let mut file =
                std::fs::File::open(&path).with_context(|| path.display().to_string())?;
            let mut hasher = Sha256::new();
            let (mut bytes, mut part) = (0, vec![0; 1 << 16]);
            loop {
                let read = file.read(&mut part)?;
                if read == 0 {
                    break;
                }
                hasher.update(&part[..read]);
                bytes += read as u64;
            }
            let digest = hasher.finalize();
            let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            files.insert(name, File { bytes, sha256 });
        }
        Ok(Self { files })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(NAME);
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(std::fs::File::open(path)?.sync_all()?)
    }
}

/// Whether a folder holds a backup.
pub(super) fn is_in(folder: &Path) -> bool {
    let hidden = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && folder.join(NAME).exists()
}

/// Sees that a backup is whole. Names the file that is not.
pub(crate) fn check(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(NAME);
    let text = std::fs::read(&path).with_context(|| {
        format!(
            "{} is no backup: it has no {NAME}; `marabet backups` lists those there are",
            folder.display()
        )
    })?;
    let said: Manifest = serde_json::from_slice(&text)
        .with_context(|| format!("the backup is corrupt: {}", path.display()))?;
    let found = Manifest::of(folder)?;
    for (name, file) in &said.files {
        match found.files.get(name) {
            Some(same) if same == file => {}
            Some(_) => bail!(
                "the backup is corrupt: {} is not what it was when it was made; take an older one",
                folder.join(name).display()
            ),
            None => bail!(
                "the backup is corrupt: {} is missing; take an older one",
                folder.join(name).display()
            ),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_that_is_not_what_it_was_is_refused_by_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "one").unwrap();
        let error = check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is no backup"), "{error}");
        Manifest::of(folder.path()).unwrap().write(folder.path()).unwrap();
        check(folder.path()).unwrap();
        std::fs::write(&file, "two").unwrap();
        let error = check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("corrupt") && error.contains("/a is not"), "{error}");
        std::fs::remove_file(&file).unwrap();
        let error = check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("/a is missing"), "{error}");
    }
}
