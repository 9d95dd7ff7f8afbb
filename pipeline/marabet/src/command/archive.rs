//! `marabet archive`: what it holds, whether it is whole, and fewer files.

use std::io::{self, Write};

use marabet_archive::{Archive, Compacted, HoldingStatus, Verified};
use serde::Serialize;

use crate::cli::ArchiveCommand;
use crate::config::Config;
use crate::output::{Answer, grouped, say};

pub(super) fn execute(command: &ArchiveCommand, config: &Config, json: bool) -> anyhow::Result<()> {
    let archive = Archive::at(&config.archive_location())?;
    archive.existing()?;
    let name = archive.name();
    match command {
        ArchiveCommand::Ls => say(&Listing { archive: name, holdings: archive.status()? }, json),
        ArchiveCommand::Verify => {
            let verified = archive.verify()?;
            let faults = verified.faults.len();
            say(&Check { archive: name, verified }, json)?;
            anyhow::ensure!(faults == 0, "{faults} faults in the archive; each is named above");
            Ok(())
        }
        ArchiveCommand::Compact => {
            say(&Fewer { archive: name, compacted: archive.compact()? }, json)
        }
    }
}

#[derive(Serialize)]
struct Listing {
    archive: String,
    holdings: Vec<HoldingStatus>,
}

impl Answer for Listing {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.archive)?;
        writeln!(
            out,
            "{:<16} {:>10} {:>10} {:>6} {:>9} {:>12} {:>12}",
            "stream", "from", "to", "parts", "files", "rows", "bytes"
        )?;
        for one in &self.holdings {
            writeln!(
                out,
                "{:<16} {:>10} {:>10} {:>6} {:>9} {:>12} {:>12}",
                one.name,
                one.from,
                one.to,
                one.partitions,
                grouped(one.files),
                grouped(one.rows),
                grouped(one.bytes)
            )?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Check {
    archive: String,
    #[serde(flatten)]
    verified: Verified,
}

impl Answer for Check {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let done = &self.verified;
        writeln!(
            out,
            "{}: {} files, {} frames, {} events read",
            self.archive,
            grouped(done.files),
            grouped(done.frames),
            grouped(done.events)
        )?;
        if done.superseded > 0 {
            writeln!(out, "{} files are contained in others", grouped(done.superseded))?;
        }
        for fault in &done.faults {
            writeln!(out, "fault: {fault}")?;
        }
        if done.faults.is_empty() { writeln!(out, "no fault") } else { Ok(()) }
    }
}

#[derive(Serialize)]
struct Fewer {
    archive: String,
    #[serde(flatten)]
    compacted: Compacted,
}

impl Answer for Fewer {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let done = &self.compacted;
        writeln!(
            out,
            "{}: {} files became {}, {} bytes became {}",
            self.archive,
            grouped(done.files_before),
            grouped(done.files_after),
            grouped(done.bytes_before),
            grouped(done.bytes_after)
        )
    }
}
