//! `marabet import`: history straight into an archive.

use std::io::{self, BufWriter, Write};

use anyhow::Context;
use marabet_archive::{Archive, ArchiveError, Imported, Importer};
use marabet_ingest::RejectWriter;
use marabet_ingest::football_data::{Loader, Timing};
use marabet_ingest::seasons;
use marabet_schemas::{ArtefactHash, Competition};
use marabet_streams::clock;
use rayon::prelude::*;
use serde::Serialize;

use crate::cli::ImportCommand;
use crate::config::Config;
use crate::failure::NotThere;
use crate::output::{Answer, grouped, say};

/// What was imported.
#[derive(Serialize)]
struct Report {
    archive: String,
    files_read: u64,
    /// Rows of the files, those that could not be used among them.
    rows: u64,
    matches: u64,
    /// Rows and cells that could not be used.
    rejects: u64,
    seconds: f64,
    rows_per_s: f64,
    #[serde(flatten)]
    imported: Imported,
}

impl Answer for Report {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} files, {} rows, {} matches in {:.1} s: {} rows/s",
            grouped(self.files_read),
            grouped(self.rows),
            grouped(self.matches),
            self.seconds,
            grouped(self.rows_per_s as u64)
        )?;
        let written = &self.imported;
        writeln!(
            out,
            "{} facts in {} files, {:.1} MB, {:.1} bytes a fact; {} rejects",
            grouped(written.events),
            grouped(written.files),
            written.bytes as f64 / 1e6,
            written.bytes as f64 / written.rows.max(1) as f64,
            grouped(self.rejects)
        )?;
        if written.files_there > 0 {
            writeln!(out, "{} of the files were there already", grouped(written.files_there))?;
        }
        writeln!(out, "in {}", self.archive)
    }
}

pub(super) fn execute(command: &ImportCommand, config: &Config, json: bool) -> anyhow::Result<()> {
    let ImportCommand::FootballData { paths, leagues } = command;
    let began = clock::moment();
    let files = seasons::find(paths)?;
    if files.is_empty() {
        return Err(NotThere("there is no CSV file below these paths".to_owned()).into());
    }
    let archive = Archive::at(&config.archive_location())?;
    let folder = &config.log.folder;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let kept = folder.join("rejects.ndjson");
    let kept = std::fs::File::create(&kept).with_context(|| kept.display().to_string())?;
    let mut rejects = RejectWriter::new(BufWriter::new(kept));
    let mut loader = Loader::new(Timing::default());
    loader.files(&files, &mut rejects)?;
    let fingerprint = loader.fingerprint();
    let mut timeline = loader.finish(&mut rejects);
    let leagues: Vec<Competition> = leagues.iter().map(Competition::new).collect();
    if !leagues.is_empty() {
        let there = timeline.competitions();
        if let Some(unknown) = leagues.iter().find(|league| !there.contains_key(league)) {
            let known: Vec<&str> = there.keys().map(Competition::as_str).collect();
            let known = known.join(", ");
            return Err(
                NotThere(format!("the files have no league {unknown}; they have {known}")).into()
            );
        }
        timeline.retain(|a_match| leagues.contains(&a_match.record.competition));
    }
    let counts = timeline.counts();
    let matches = timeline.matches().len() as u64;
    let chosen: Vec<&str> = leagues.iter().map(Competition::as_str).collect();
    let description = format!("{matches} matches out of {} files", files.len());
    // The same files and leagues are the same import.
    let print = format!("{fingerprint}\n{}", chosen.join(","));
    let print = ArtefactHash::of(print.as_bytes());
    let partitions = config.log.partitions;
    let importer = Importer::begin(&archive, partitions, &print, &description)?;
    let timelines = timeline.split(partitions, |key| key.partition(partitions));
    let parts = importer.into_partitions().into_par_iter().zip(timelines);
    let imported = parts.map(|(mut partition, timeline)| {
        timeline.try_for_each(|known| partition.push(known))?;
        // The program ends soon, and all of its memory with it at once.
        std::mem::forget(timeline);
        partition.finish()
    });
    let imported = imported.sum::<Result<Imported, ArchiveError>>()?;
    let rejects = rejects.finish()?;
    let seconds = began.elapsed().as_secs_f64();
    let rows = counts.rows;
    let report = Report {
        archive: archive.name(),
        files_read: files.len() as u64,
        rows,
        matches,
        rejects: rejects.rows_total() + rejects.cells_total(),
        seconds,
        rows_per_s: rows as f64 / seconds,
        imported,
    };
    say(&report, json)
}
