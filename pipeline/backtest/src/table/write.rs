//! Making a table: a walk through the facts, competitions side by side, each writing its own files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{CATALOGUE, MANIFEST, Manifest, Part, Table, TableError, columns};
use crate::clock;
use crate::history::{History, Strand, Unread};
use crate::opportunity::{Entering, Row};
use crate::setup::Setup;
use crate::survey::{Surveyed, survey};
use crate::walk::Walked;
use marabet_schemas::StrategyName;
use marabet_schemas::strategy::Rules;

/// Rows of a part, at least, before a new one is begun: some forty megabytes as they lie in
/// memory. A match is never divided.
const PART_ROWS: usize = 200_000;

/// Makes the table of these views in a folder, or opens it where it was made of the same.
///
/// # Errors
/// [`TableError`]; a table of other facts is not overwritten.
pub fn build(
    history: &History,
    setup: &Setup,
    views: &Rules,
    folder: &Path,
    threads: usize,
) -> Result<Table, TableError> {
    let identity = identity(history, setup, views);
    if let Some(table) = Table::open(folder)? {
        let is_same = table.manifest.identity == identity;
        return if is_same {
            Ok(table)
        } else {
            Err(TableError::Other { path: folder.to_owned() })
        };
    }
    let began = clock::moment();
    // What an interrupted run left is made anew; the manifest comes last.
    for view in views.strategies.keys() {
        let of_view = folder.join(view.as_str());
        if of_view.exists() {
            std::fs::remove_dir_all(&of_view).map_err(TableError::file(&of_view))?;
        }
        std::fs::create_dir_all(&of_view).map_err(TableError::file(&of_view))?;
    }
    let entering = Entering::default();
    let written =
        history.each(threads, |strand| competition(strand, setup, views, &entering, folder))?;
    let (mut walked, mut unread) = (Walked::default(), Unread::default());
    let none = |view: &StrategyName| (view.to_string(), Vec::new());
    let mut parts: BTreeMap<String, Vec<Part>> = views.strategies.keys().map(none).collect();
    for (surveyed, of_views) in written {
        walked += surveyed.walked;
        unread.add(surveyed.unread);
        for (view, written) in of_views {
            parts.entry(view).or_default().extend(written);
        }
    }
    // A table of nothing would stand in the way of the next one.
    history.see_some(walked)?;
    let rows = parts.values().flatten().map(|part| part.rows).sum();
    let catalogue = entering.finish();
    let (unread, seconds) = (unread.total(), began.elapsed().as_secs_f64());
    let manifest = Manifest { identity, rows, walked, parts, unread, seconds };
    write_json(&folder.join(CATALOGUE), &catalogue)?;
    write_json(&folder.join(MANIFEST), &manifest)?;
    Ok(Table { folder: folder.to_owned(), manifest, catalogue })
}

fn identity(history: &History, setup: &Setup, views: &Rules) -> String {
    let facts: Vec<String> = history.strands.iter().map(Strand::fingerprint).collect();
    let whole = (facts, views, &setup.training);
    let json = serde_json::to_vec(&whole).expect("a set-up holds only what JSON can say");
    crate::digest::of_bytes(&json)
}

fn competition(
    strand: &Strand,
    setup: &Setup,
    views: &Rules,
    entering: &Entering,
    folder: &Path,
) -> Result<(Surveyed, BTreeMap<String, Vec<Part>>), TableError> {
    let mut writings: BTreeMap<String, Writing> = BTreeMap::new();
    let mut failed = None;
    let surveyed = survey(strand, setup, views, entering, |view, rows| {
        let writing = writings.entry(view.to_owned()).or_insert_with(|| Writing {
            folder: folder.join(view),
            stem: strand.competition.to_string(),
            rows: Vec::new(),
            written: Vec::new(),
        });
        writing.rows.extend_from_slice(rows);
        if writing.rows.len() >= PART_ROWS && failed.is_none() {
            failed = writing.write().err();
        }
    })?;
    for writing in writings.values_mut() {
        if failed.is_none() {
            failed = writing.write().err();
        }
    }
    match failed {
        Some(error) => Err(error),
        None => {
            let written = writings.into_iter().map(|(view, writing)| (view, writing.written));
            Ok((surveyed, written.collect()))
        }
    }
}

/// Rows of one view and competition that wait to be written, and what was.
struct Writing {
    folder: PathBuf,
    stem: String,
    rows: Vec<Row>,
    written: Vec<Part>,
}

impl Writing {
    fn write(&mut self) -> Result<(), TableError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let file = format!("{}-{:03}.parquet", self.stem, self.written.len());
        let (path, partial) =
            (self.folder.join(&file), self.folder.join(format!("{file}.partial")));
        let frame = columns::frame(&self.rows);
        let mut frame = frame.map_err(|error| TableError::damaged(&partial, error))?;
        super::write_frame(&mut frame, &partial)?;
        let content = std::fs::read(&partial).map_err(TableError::file(&partial))?;
        std::fs::rename(&partial, &path).map_err(TableError::file(&path))?;
        let (rows, bytes) = (self.rows.len() as u64, content.len() as u64);
        self.written.push(Part { file, rows, bytes, sha256: crate::digest::of_bytes(&content) });
        self.rows.clear();
        Ok(())
    }
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), TableError> {
    let partial = path.with_extension("partial");
    let json = serde_json::to_vec(value).expect("a table's names are plain data");
    std::fs::write(&partial, json).map_err(TableError::file(&partial))?;
    std::fs::rename(&partial, path).map_err(TableError::file(path))
}
