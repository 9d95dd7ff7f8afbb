//! `marabet demo --write`: the demo's facts as a file, to be run in another way.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::season;
use crate::cli::DemoArgs;
use crate::output::{Answer, grouped};

/// What was written.
#[derive(Serialize)]
pub(super) struct Written {
    season: String,
    origin: &'static str,
    facts: usize,
    rejects: u64,
    file: PathBuf,
}

impl Answer for Written {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let facts = grouped(self.facts as u64);
        writeln!(
            out,
            "{} ({}) and the seasons before it: {facts} facts in {}",
            self.season,
            self.origin,
            self.file.display()
        )
    }
}

/// Writes the season's facts behind those before it, one JSON object a line.
pub(super) async fn write(
    file: &Path,
    arguments: &DemoArgs,
    quiet: bool,
) -> anyhow::Result<Written> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    // What cannot be read is kept beside the file.
    let arguments = DemoArgs { folder, ..arguments.clone() };
    let season = season::find(&arguments, quiet).await?;
    let mut out = BufWriter::new(File::create(file).with_context(|| file.display().to_string())?);
    let mut line = Vec::new();
    for event in season.before.iter().chain(&season.facts) {
        line.clear();
        event.write(&mut line);
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()?;
    Ok(Written {
        season: season.name,
        origin: season.origin,
        facts: season.before.len() + season.facts.len(),
        rejects: season.rejects,
        file: file.to_owned(),
    })
}
