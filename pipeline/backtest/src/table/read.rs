//! Reading a table, with what no strategy of a batch would take left out before the other columns
//! are decoded.

use std::path::Path;

use arrow_array::{Array, BooleanArray, Float64Array, RecordBatch, UInt32Array};
use arrow_schema::ArrowError;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::schema::types::SchemaDescriptor;

use super::columns;
use super::{Part, Table, TableError};
use crate::opportunity::Row;
use crate::sweep::filter::Union;

/// Rows decoded at once.
const BATCH_ROWS: usize = 16_384;

/// The rows of a view that belong to a union of filters, whole matches together, in the order in
/// which they were written; none where the table does not hold the view.
///
/// # Errors
/// With a batch, [`TableError`] for a file that is not what was written.
pub fn batches<'t>(
    table: &'t Table,
    view: &str,
    union: Union,
) -> Option<impl Iterator<Item = Result<Vec<Row>, TableError>> + use<'t>> {
    let parts = table.manifest.parts.get(view)?;
    let folder = table.folder.join(view);
    let batch = move |part: &Part| {
        let path = folder.join(&part.file);
        let rows = rows(&path, verified(&path, part)?, &union)?;
        match rows.iter().find(|row| !table.catalogue.knows(row)) {
            None => Ok(rows),
            Some(row) => Err(TableError::damaged(&path, unknown(row))),
        }
    };
    Some(parts.iter().map(batch))
}

/// The bytes of a part, which are seen to be those that were written.
fn verified(path: &Path, part: &Part) -> Result<Bytes, TableError> {
    let bytes = std::fs::read(path).map_err(TableError::file(path))?;
    if crate::digest::of_bytes(&bytes) == part.sha256 {
        Ok(bytes.into())
    } else {
        Err(TableError::damaged(path, "its bytes are not those that were written"))
    }
}

fn unknown(row: &Row) -> String {
    let Row { match_id, look, row, .. } = row;
    format!("row {row} of look {look} of match {match_id} names what no catalogue knows")
}

fn rows(part: &Path, bytes: Bytes, union: &Union) -> Result<Vec<Row>, TableError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .map_err(|error| TableError::damaged(part, error))?;
    let filter = filter(builder.parquet_schema(), union);
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
    rows.retain(|row| union.holds(row));
    Ok(rows)
}

fn filter(schema: &SchemaDescriptor, union: &Union) -> RowFilter {
    let of_column = |name: &str| ProjectionMask::columns(schema, [name]);
    let ev_min = union.ev_min;
    let mut predicates: Vec<Box<dyn ArrowPredicate>> =
        vec![Box::new(ArrowPredicateFn::new(of_column("ev"), move |batch| {
            let values = only::<Float64Array>(&batch, "ev")?;
            Ok(values.iter().map(|value| value.map(|value| value >= ev_min)).collect())
        }))];
    if !union.aggregates {
        predicates.push(Box::new(ArrowPredicateFn::new(of_column("aggregate"), |batch| {
            let values = only::<BooleanArray>(&batch, "aggregate")?;
            Ok(values.iter().map(|value| value.map(|value| !value)).collect())
        })));
    }
    if let Some(competitions) = union.competitions.clone() {
        predicates.push(Box::new(ArrowPredicateFn::new(of_column("competition"), move |batch| {
            let values = only::<UInt32Array>(&batch, "competition")?;
            let among = |value| competitions.contains(&value);
            Ok(values.iter().map(|value| value.map(among)).collect())
        })));
    }
    RowFilter::new(predicates)
}

fn only<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a A, ArrowError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref());
    column.ok_or_else(|| ArrowError::SchemaError(format!("it has no column `{name}` of its type")))
}
