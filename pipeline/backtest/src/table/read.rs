//! Reading a table, with what no strategy of a batch would take left out before the other columns
//! are decoded.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::{Array, BooleanArray, Float64Array, RecordBatch};
use arrow_schema::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::schema::types::SchemaDescriptor;

use super::columns;
use super::{Table, TableError};
use crate::opportunity::Row;

/// Rows decoded at once.
const BATCH_ROWS: usize = 16_384;

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
    let file = File::open(part).map_err(TableError::file(part))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| TableError::damaged(part, error))?;
    let filter = filter(builder.parquet_schema(), ev_min, aggregates);
    let reader = builder
        .with_batch_size(BATCH_ROWS)
        .with_row_filter(filter)
        .build()
        .map_err(|error| TableError::damaged(part, error))?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| TableError::damaged(part, error))?;
        columns::rows(&batch, &mut rows).map_err(|error| TableError::damaged(part, error))?;
    }
    Ok(rows)
}

fn filter(schema: &SchemaDescriptor, ev_min: f64, aggregates: bool) -> RowFilter {
    let of_column = |name: &str| ProjectionMask::columns(schema, [name]);
    let mut predicates: Vec<Box<dyn ArrowPredicate>> =
        vec![Box::new(ArrowPredicateFn::new(of_column("ev"), move |batch| {
            let values = only::<Float64Array>(&batch, "ev")?;
            Ok(values.iter().map(|value| value.map(|value| value >= ev_min)).collect())
        }))];
    if !aggregates {
        predicates.push(Box::new(ArrowPredicateFn::new(of_column("aggregate"), |batch| {
            let values = only::<BooleanArray>(&batch, "aggregate")?;
            Ok(values.iter().map(|value| value.map(|value| !value)).collect())
        })));
    }
    RowFilter::new(predicates)
}

fn only<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a A, ArrowError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref());
    column.ok_or_else(|| ArrowError::SchemaError(format!("it has no column `{name}` of its type")))
}
