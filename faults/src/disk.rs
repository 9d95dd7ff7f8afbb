//! A disk that can be filled: a small file system in memory, where the system lets us mount one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// Bytes of the file system: room for the log of a round several times over.
const SIZE_MB: u32 = 768;
const BLOCK: usize = 1 << 20;

/// A mounted file system of a bounded size.
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one at the folder.
    ///
    /// # Errors
    /// Why it cannot be: mounting is for root alone on most systems.
    pub(crate) fn mount(folder: &Path) -> anyhow::Result<Self> {
        let size = format!("size={SIZE_MB}m,mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder)
            .output()
            .context("`mount` cannot be run")?;
        let said = String::from_utf8_lossy(&mounted.stderr);
        anyhow::ensure!(mounted.status.success(), "{}", said.trim());
        Ok(Self { folder: folder.to_owned() })
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Writes until nothing more fits.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        let mut file = std::fs::File::create(self.ballast())?;
        let block = vec![0; BLOCK];
        // The last block fits in part; smaller ones take up the rest.
        for size in [BLOCK, 4096, 1] {
            while file.write_all(&block[..size]).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    pub(crate) fn free(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is just ending may still have a file open.
        let unmounted = Command::new("umount").arg("-l").arg(&self.folder).status();
        debug_assert!(unmounted.is_ok_and(|status| status.success()));
    }
}
