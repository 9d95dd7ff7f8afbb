//! Rows of a file: frames into a block of columns.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, StringBuilder, TimestampMicrosecondBuilder, UInt32Builder,
    UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use marabet_schemas::frame::Frame;
use marabet_schemas::{EntryId, Event, Kind};

use crate::columns::{Column, ColumnError};
use crate::error::ArchiveError;
use crate::schema::{ENVELOPE, Holding};

/// Gathers frames of one partition as columns.
pub(crate) struct Block {
    schema: SchemaRef,
    ms: UInt64Builder,
    seq: UInt64Builder,
    index: UInt32Builder,
    kind: StringBuilder,
    version: UInt32Builder,
    key: StringBuilder,
    at: TimestampMicrosecondBuilder,
    assumed: BooleanBuilder,
    line: StringBuilder,
    causes: StringBuilder,
    bodies: Vec<Column>,
    /// The column of each kind, by the kind's place in [`Kind::ALL`].
    column_of: Vec<Option<usize>>,
    rows: usize,
}

impl Block {
    /// An empty block of what these files hold.
    pub(crate) fn of(holding: &Holding) -> Self {
        let schema = holding.schema();
        let kinds = holding.kinds();
        let column_of = Kind::ALL.iter().map(|kind| kinds.iter().position(|one| one == kind));
        Self {
            ms: UInt64Builder::new(),
            seq: UInt64Builder::new(),
            index: UInt32Builder::new(),
            kind: StringBuilder::new(),
            version: UInt32Builder::new(),
            key: StringBuilder::new(),
            at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            assumed: BooleanBuilder::new(),
            line: StringBuilder::new(),
            causes: StringBuilder::new(),
            bodies: schema.fields()[ENVELOPE..].iter().map(|field| Column::of(field)).collect(),
            column_of: column_of.collect(),
            rows: 0,
            schema,
        }
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends a frame's events, and what it follows from; a frame without events, which only
    /// says that, takes a row too.
    pub(crate) fn push(&mut self, frame: &Frame, causes: Option<&str>) -> Result<(), ArchiveError> {
        self.causes.append_option(causes);
        if frame.events.is_empty() {
            self.address(frame.id, 0);
            self.nothing();
            self.line.append_null();
        }
        for (index, event) in (0..).zip(&frame.events) {
            match event {
                Ok(event) => self.event(frame.id, index, event)?,
                Err(bad) => self.line(frame.id, index, &bad.line),
            }
        }
        Ok(())
    }

    fn event(&mut self, id: EntryId, index: u32, event: &Event) -> Result<(), ArchiveError> {
        let kind = event.kind();
        let Some(column) = self.column_of[kind as usize] else {
            self.line(id, index, &event.to_line());
            return Ok(());
        };
        self.address(id, index);
        self.kind.append_value(kind.name());
        self.version.append_value(u32::from(kind.version()));
        self.key.append_option(event.key.as_ref().map(marabet_schemas::MatchKey::as_str));
        self.at.append_value(event.at.micros());
        self.assumed.append_value(event.assumed);
        self.line.append_null();
        self.bodies[column].push(self.rows, &event.body).map_err(|ColumnError(reason)| {
            ArchiveError::Event(format!("{} at {id}/{index}: {reason}", kind.name()))
        })?;
        self.rows += 1;
        Ok(())
    }

    /// Appends a line that is no event of the columns.
    pub(crate) fn line(&mut self, id: EntryId, index: u32, line: &str) {
        self.address(id, index);
        self.nothing();
        self.line.append_value(line);
    }

    /// A row without an event.
    fn nothing(&mut self) {
        self.kind.append_null();
        self.version.append_null();
        self.key.append_null();
        self.at.append_null();
        self.assumed.append_null();
        self.rows += 1;
    }

    fn address(&mut self, id: EntryId, index: u32) {
        // What a frame follows from stands in its first row.
        if self.causes.len() == self.rows {
            self.causes.append_null();
        }
        self.ms.append_value(id.ms);
        self.seq.append_value(id.seq);
        self.index.append_value(index);
    }

    /// The rows; the block is empty again.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArchiveError> {
        let rows = std::mem::take(&mut self.rows);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.ms.finish()),
            Arc::new(self.seq.finish()),
            Arc::new(self.index.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.version.finish()),
            Arc::new(self.key.finish()),
            Arc::new(self.at.finish()),
            Arc::new(self.assumed.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.causes.finish()),
        ];
        for body in &mut self.bodies {
            let column = body.finish(rows);
            columns.push(column.map_err(|ColumnError(reason)| ArchiveError::Event(reason))?);
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| ArchiveError::Event(error.to_string()))
    }
}
