//! Reading a table: a lazy query over the files of a view, which Polars runs as a stream, so that
//! what no strategy asks for is passed over in the files and a view may be larger than memory.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use polars::io::HiveOptions;
use polars::prelude::{
    DataFrame, Engine, IntoLazy, LazyFrame, PlRefPath, PlanCallback, PolarsResult, ScanArgsParquet,
    ScanSources,
};

use super::{Part, Table, TableError, columns};
use crate::opportunity::{Catalogue, Row};

/// Rows of a batch, at most, its last match apart: some fifteen megabytes as they lie in memory.
const BATCH_ROWS: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");

impl Table {
    /// What the table holds of a view; none where it does not hold it.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<View<'_>> {
        let parts = self.manifest.parts.get(name)?;
        Some(View { folder: self.folder.join(name), parts, catalogue: &self.catalogue })
    }
}

/// The files of a view.
#[derive(Debug)]
pub struct View<'t> {
    folder: PathBuf,
    parts: &'t [Part],
    catalogue: &'t Catalogue,
}

impl View<'_> {
    /// Everything that was value to it, as a query to build upon. The files are seen to be those
    /// that were written.
    ///
    /// # Errors
    /// [`TableError`] for a file that is not.
    pub fn scan(&self) -> Result<LazyFrame, TableError> {
        if self.parts.is_empty() {
            return columns::frame(&[]).map(DataFrame::lazy).map_err(|error| self.damaged(error));
        }
        let mut paths = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            let path = self.folder.join(&part.file);
            verify(&path, part)?;
            let named = PlRefPath::try_from_path(&path);
            paths.push(named.map_err(|error| TableError::damaged(&path, error))?);
        }
        // A name is a name: no pattern, and no column.
        let as_named = ScanArgsParquet {
            glob: false,
            hive_options: HiveOptions::new_disabled(),
            ..ScanArgsParquet::default()
        };
        let sources = ScanSources::Paths(paths.into_iter().collect());
        LazyFrame::scan_parquet_sources(sources, as_named).map_err(|error| self.damaged(error))
    }

    /// What a query that keeps the rows' order, and their column `match`, answers.
    ///
    /// # Errors
    /// [`TableError::Damaged`] for a query that ends in no stream.
    pub fn batches(&self, query: LazyFrame) -> Result<Batches, TableError> {
        Batches::of(query, &self.folder, BATCH_ROWS).map_err(|error| self.damaged(error))
    }

    /// The rows of a batch, each of which the catalogue [knows](Catalogue::knows).
    ///
    /// # Errors
    /// [`TableError::Damaged`] for a batch that lacks columns, and for a row that is not known.
    pub fn rows(&self, batch: &DataFrame) -> Result<Vec<Row>, TableError> {
        let rows = columns::rows(batch).map_err(|error| self.damaged(error))?;
        match rows.iter().find(|row| !self.catalogue.knows(row)) {
            None => Ok(rows),
            Some(Row { match_id, look, row, .. }) => Err(self.damaged(format!(
                "row {row} of look {look} of match {match_id} names what no catalogue knows"
            ))),
        }
    }

    /// That something of it is not what it should be.
    #[must_use]
    pub fn damaged(&self, error: impl std::fmt::Display) -> TableError {
        TableError::damaged(&self.folder, error)
    }
}

fn verify(path: &Path, part: &Part) -> Result<(), TableError> {
    let file = File::open(path).map_err(TableError::file(path))?;
    if crate::digest::of_file(file).map_err(TableError::file(path))? == part.sha256 {
        Ok(())
    } else {
        Err(TableError::damaged(path, "its bytes are not those that were written"))
    }
}

/// What a query over a table's rows answers, in batches of whole matches, in the order in which
/// they were written. The query runs beside its reader, a batch ahead, and ends with it.
#[derive(Debug)]
pub struct Batches {
    batches: Receiver<DataFrame>,
    query: Option<JoinHandle<PolarsResult<()>>>,
    /// The match that the last batch may have cut.
    rest: DataFrame,
    folder: PathBuf,
}

impl Batches {
    fn of(query: LazyFrame, folder: &Path, rows: NonZeroUsize) -> PolarsResult<Self> {
        let (send, batches) = sync_channel(1);
        let give = PlanCallback::new(move |batch| {
            let is_read_no_more = send.send(batch).is_err();
            Ok(is_read_no_more)
        });
        let query = query.sink_batches(give, true, Some(rows))?;
        let run = move || query.collect_with_engine(Engine::Streaming).map(drop);
        let (query, folder) = (Some(thread::spawn(run)), folder.to_owned());
        Ok(Self { batches, query, rest: DataFrame::empty(), folder })
    }

    /// The next batch as the stream cuts it; none after the last.
    fn cut(&mut self) -> PolarsResult<Option<DataFrame>> {
        if let Ok(batch) = self.batches.recv() {
            return Ok(Some(batch));
        }
        match self.query.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended.map(|()| None),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(None),
        }
    }

    fn whole(&mut self) -> PolarsResult<Option<DataFrame>> {
        while let Some(batch) = self.cut()? {
            self.rest.vstack_mut_owned(batch)?;
            let complete = complete(&self.rest)?;
            if complete > 0 {
                let (whole, rest) = self.rest.split_at(complete as i64);
                self.rest = rest;
                return Ok(Some(whole));
            }
        }
        let last = std::mem::take(&mut self.rest);
        Ok((last.height() > 0).then_some(last))
    }
}

impl Iterator for Batches {
    type Item = Result<DataFrame, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let whole = self.whole().map(|batch| {
            batch.map(|mut batch| {
                batch.rechunk_mut();
                batch
            })
        });
        whole.map_err(|error| TableError::damaged(&self.folder, error)).transpose()
    }
}

/// How many of the rows belong to matches of which none can follow: all but the last one's.
fn complete(rows: &DataFrame) -> PolarsResult<usize> {
    let matches = rows.column("match")?.u32()?;
    let last = matches.last();
    Ok(rows.height() - matches.iter().rev().take_while(|one| *one == last).count())
}

#[cfg(test)]
mod tests {
    use polars::prelude::{col, lit};

    use super::*;

    /// Rows of matches that have so many each, numbered.
    fn frame(matches: &[u32]) -> LazyFrame {
        let ids = (0..).zip(matches).flat_map(|(id, count)| (0..*count).map(move |_| id));
        let rows: Vec<Row> =
            (0..).zip(ids).map(|(row, match_id)| Row { match_id, row, ..Row::EMPTY }).collect();
        columns::frame(&rows).unwrap().lazy()
    }

    fn batches(query: LazyFrame, rows: usize) -> Batches {
        Batches::of(query, Path::new("view"), NonZeroUsize::new(rows).unwrap()).unwrap()
    }

    #[test]
    fn batches_hold_whole_matches_and_every_row_once_in_order() {
        let matches = [1, 7, 2, 2, 1, 20, 3];
        for rows in [1, 2, 3, 5, 8, 100] {
            let (mut seen, mut last) = (Vec::new(), None);
            for batch in batches(frame(&matches), rows) {
                let batch = columns::rows(&batch.unwrap()).unwrap();
                assert_ne!(last, Some(batch[0].match_id), "a match was cut, {rows} rows a batch");
                last = batch.last().map(|row| row.match_id);
                seen.extend(batch.iter().map(|row| row.row));
            }
            assert_eq!(seen, (0..36).collect::<Vec<_>>());
        }
        assert_eq!(batches(frame(&[]), 3).count(), 0);
    }

    #[test]
    fn a_query_that_fails_says_so_after_what_it_answered() {
        let failing = frame(&[3, 3]).filter(col("no_such_column").gt(lit(0)));
        let answers: Vec<_> = batches(failing, 2).collect();
        let error = answers.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.contains("view") && error.contains("no_such_column"), "{error}");
    }

    #[test]
    fn a_reader_that_stops_ends_the_query() {
        let mut batches = batches(frame(&[1; 1_000]), 1);
        assert!(batches.next().is_some());
        let query = batches.query.take().unwrap();
        drop(batches);
        query.join().unwrap().unwrap();
    }
}
