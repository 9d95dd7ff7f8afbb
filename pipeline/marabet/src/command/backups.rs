//! `marabet backups` and `marabet restore`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::backup;
use crate::config::Config;
use crate::output::{Answer, say};

pub(super) fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    say(&Backups { folder: backup::folder(config), backups: backup::list(config)? }, json)
}

pub(super) async fn restore(backup: &Path, config: &Config, json: bool) -> anyhow::Result<()> {
    let kept = backup::restore(backup, config).await?;
    say(&Restored { backup: backup.to_owned(), kept }, json)
}

#[derive(Serialize)]
struct Backups {
    folder: PathBuf,
    backups: Vec<PathBuf>,
}

impl Answer for Backups {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.backups.is_empty() {
            let folder = self.folder.display();
            return writeln!(
                out,
                "no backup in {folder}; `marabet jobs run backup --wait` makes one"
            );
        }
        self.backups.iter().try_for_each(|backup| writeln!(out, "{}", backup.display()))
    }
}

#[derive(Serialize)]
struct Restored {
    backup: PathBuf,
    kept: Vec<PathBuf>,
}

impl Answer for Restored {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "restored {}", self.backup.display())?;
        self.kept.iter().try_for_each(|kept| writeln!(out, "what stood there: {}", kept.display()))
    }
}
