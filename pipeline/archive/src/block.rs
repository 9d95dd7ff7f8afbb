//! Rows of a file: frames into columns.

use arrow_schema::Schema;
use marabet_schemas::frame::Frame;
use marabet_schemas::{Body, EntryId, Event, Kind, Known};
use parquet::schema::types::SchemaDescriptor;

use crate::chunk::{Levels, Press, Written};
use crate::columns::{Column, ColumnError, Prices};
use crate::error::ArchiveError;
use crate::schema::Holding;

/// The rows of one row group, as columns.
pub(crate) struct Block {
    ms: Column,
    seq: Column,
    index: Column,
    kind: Column,
    version: Column,
    key: Column,
    at: Column,
    assumed: Column,
    line: Column,
    causes: Column,
    bodies: Vec<Column>,
    /// How those are filled that hold prices.
    prices: Vec<Option<Prices>>,
    /// The column of each kind, by the kind's place in [`Kind::ALL`].
    column_of: Vec<Option<usize>>,
    /// Rows since the last page.
    rows: usize,
    /// Rows in pages.
    paged: usize,
}

impl Block {
    /// An empty block of what these files hold, whose columns these are.
    pub(crate) fn of(holding: &Holding, schema: &Schema, leaves: &SchemaDescriptor) -> Self {
        let kinds = holding.kinds();
        let column_of = Kind::ALL.iter().map(|kind| kinds.iter().position(|one| one == kind));
        let mut columns = Column::of_all(schema.fields(), &mut leaves.columns().iter()).into_iter();
        let mut next = || columns.next().expect("the envelope stands before the bodies");
        let mut block = Self {
            ms: next().rising(),
            seq: next().rising(),
            index: next().rising(),
            kind: next().bounded(),
            version: next(),
            key: next().bounded(),
            at: next().rising().bounded(),
            assumed: next(),
            line: next(),
            causes: next(),
            bodies: columns.collect(),
            prices: Vec::new(),
            column_of: column_of.collect(),
            rows: 0,
            paged: 0,
        };
        let bodies = kinds.iter().zip(&block.bodies);
        block.prices = bodies.map(|(&kind, column)| Prices::of(kind, column)).collect();
        block
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.paged + self.rows
    }

    /// How many of them are in no page.
    pub(crate) fn rows_waiting(&self) -> usize {
        self.rows
    }

    /// Appends a frame's events, and what it follows from; a frame without events, which only
    /// says that, takes a row too.
    pub(crate) fn push(&mut self, frame: &Frame, causes: Option<&str>) -> Result<(), ArchiveError> {
        // What a frame follows from stands in its first row.
        if let Some(causes) = causes {
            self.causes.fill_to(self.rows)?;
            self.causes.put_text(causes, 1);
        }
        if frame.events.is_empty() {
            self.nothing(frame.id, 0);
        }
        for (index, event) in (0..).zip(&frame.events) {
            match event {
                Ok(event) => self.known(frame.id, index, event.known())?,
                Err(bad) => self.line(frame.id, index, &bad.line)?,
            }
        }
        Ok(())
    }

    /// Appends what becomes known at once, from this place of its frame on.
    pub(crate) fn known(
        &mut self,
        id: EntryId,
        first: u32,
        known: Known<'_>,
    ) -> Result<(), ArchiveError> {
        let (mut index, mut rest) = (first, known.bodies);
        while let Some(next) = rest.first() {
            let has_columns = self.column_of(next).is_some();
            let alike = |body: &&Body| self.column_of(body).is_some() == has_columns;
            let bodies;
            (bodies, rest) = rest.split_at(rest.iter().take_while(alike).count());
            let known = Known { bodies, ..known };
            if has_columns {
                self.typed(id, index, known)?;
            } else {
                self.lines(id, index, known)?;
            }
            index += bodies.len() as u32;
        }
        Ok(())
    }

    fn column_of(&self, body: &Body) -> Option<usize> {
        self.column_of[body.kind() as usize]
    }

    /// Appends events whose kinds have columns here.
    fn typed(&mut self, id: EntryId, first: u32, known: Known<'_>) -> Result<(), ArchiveError> {
        self.envelope(id, first, known)?;
        let mut index = first;
        for bodies in known.bodies.chunk_by(|a, b| a.kind() == b.kind()) {
            let (kind, rows, row) = (bodies[0].kind(), bodies.len(), self.rows);
            let column = self.column_of(&bodies[0]).expect("these kinds have columns");
            self.kind.put_text(kind.name(), rows);
            self.version.put_bits(kind.version().into(), rows);
            let body = &mut self.bodies[column];
            let pushed = match &mut self.prices[column] {
                Some(prices) => prices.push(body, row, bodies),
                None => (row..).zip(bodies).try_for_each(|(row, one)| body.push(row, one)),
            };
            pushed.map_err(|ColumnError(reason)| {
                let behind = if rows > 1 { " or right behind it" } else { "" };
                ArchiveError::Event(format!("{} at {id}/{index}{behind}: {reason}", kind.name()))
            })?;
            self.rows += rows;
            // A frame has far fewer events than 2^32.
            index += rows as u32;
        }
        Ok(())
    }

    /// Fills those columns of the envelope that are the same for all of these events.
    fn envelope(&mut self, id: EntryId, first: u32, known: Known<'_>) -> Result<(), ArchiveError> {
        let rows = known.bodies.len();
        for column in [&mut self.kind, &mut self.version, &mut self.at, &mut self.assumed] {
            column.fill_to(self.rows)?;
        }
        self.ms.put_bits(id.ms, rows);
        self.seq.put_bits(id.seq, rows);
        self.index.put_next(first.into(), rows);
        self.at.put_bits(known.at.micros().cast_unsigned(), rows);
        self.assumed.put_flag(known.assumed, rows);
        if let Some(key) = known.key {
            self.key.fill_to(self.rows)?;
            self.key.put_text(key.as_str(), rows);
        }
        Ok(())
    }

    /// Appends events whose kinds have no columns here, as their lines.
    fn lines(&mut self, id: EntryId, first: u32, known: Known<'_>) -> Result<(), ArchiveError> {
        (first..).zip(known.bodies).try_for_each(|(index, body)| {
            let (key, at, assumed) = (known.key.cloned(), known.at, known.assumed);
            let event = Event { key, at, assumed, body: body.clone() };
            self.line(id, index, &event.to_line())
        })
    }

    /// Appends a line that is no event of the columns.
    pub(crate) fn line(&mut self, id: EntryId, index: u32, line: &str) -> Result<(), ArchiveError> {
        self.line.fill_to(self.rows)?;
        self.line.put_text(line, 1);
        self.nothing(id, index);
        Ok(())
    }

    /// Appends a row that is no event.
    fn nothing(&mut self, id: EntryId, index: u32) {
        self.ms.put_bits(id.ms, 1);
        self.seq.put_bits(id.seq, 1);
        self.index.put_next(index.into(), 1);
        self.rows += 1;
    }

    fn columns(&mut self) -> impl Iterator<Item = &mut Column> {
        let envelope = [
            &mut self.ms,
            &mut self.seq,
            &mut self.index,
            &mut self.kind,
            &mut self.version,
            &mut self.key,
            &mut self.at,
            &mut self.assumed,
            &mut self.line,
            &mut self.causes,
        ];
        envelope.into_iter().chain(&mut self.bodies)
    }

    /// Ends a page of each column.
    pub(crate) fn end_page(&mut self, press: &mut Press) -> Result<(), ArchiveError> {
        let rows = std::mem::take(&mut self.rows);
        self.paged += rows;
        let (levels, mut beside) = (Levels::of_rows(rows), Vec::new());
        let mut columns = self.columns();
        Ok(columns.try_for_each(|column| column.end_page(rows, &levels, &mut beside, press))?)
    }

    /// Ends the row group: the chunk of each leaf, in their order. The block is empty again.
    pub(crate) fn finish(&mut self, press: &mut Press) -> Result<Vec<Written>, ArchiveError> {
        if self.rows > 0 {
            self.end_page(press)?;
        }
        let rows = std::mem::take(&mut self.paged) as u64;
        let mut chunks = Vec::new();
        self.columns().try_for_each(|column| column.finish(rows, press, &mut chunks))?;
        Ok(chunks)
    }
}
