//! Reading a table: lazily, with what no strategy of a batch would take pushed down to the scan.

use std::path::{Path, PathBuf};

use polars::prelude::{Engine, LazyFrame, PlRefPath, QueryResult, ScanArgsParquet, col, lit};

use super::columns;
use super::{Table, TableError};
use crate::opportunity::Row;

/// The parts of a view, in the order of their names; none where the table does not hold the view.
///
/// # Errors
/// [`TableError::File`].
pub fn parts(table: &Table, view: &str) -> Result<Vec<PathBuf>, TableError> {
    let folder = table.folder.join(view);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(TableError::file(&folder))? {
        let path = entry.map_err(TableError::file(&folder))?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            parts.push(path);
        }
    }
    parts.sort();
    Ok(parts)
}

/// The rows of a part with at least this value and, unless asked for, without maxima over books,
/// in the order in which they were written.
///
/// # Errors
/// [`TableError::Damaged`] for a file that is none of a table's.
pub fn rows(part: &Path, ev_min: f64, aggregates: bool) -> Result<Vec<Row>, TableError> {
    let read = || {
        let path = PlRefPath::from(&*part.to_string_lossy());
        let mut scan = LazyFrame::scan_parquet(path, ScanArgsParquet::default())?
            .filter(col("ev").gt_eq(lit(ev_min)));
        if !aggregates {
            scan = scan.filter(col("aggregate").eq(lit(false)));
        }
        let names: Vec<_> = columns::NAMES.iter().map(|name| col(*name)).collect();
        match scan.select(names).collect_with_engine(Engine::Streaming)? {
            QueryResult::Single(frame) => columns::rows(&frame),
            QueryResult::Multiple(frames) => {
                let rows: Result<Vec<Vec<Row>>, _> = frames.iter().map(columns::rows).collect();
                Ok(rows?.concat())
            }
        }
    };
    let found: polars::prelude::PolarsResult<Vec<Row>> = read();
    let mut rows = found.map_err(|error| TableError::damaged(part, error))?;
    // The streaming engine promises no order.
    rows.sort_by_key(|row| (row.match_id, row.look, row.row));
    Ok(rows)
}
