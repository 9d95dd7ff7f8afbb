//! Rows of a file: frames into columns.

use arrow_schema::Schema;
use marabet_schemas::frame::Frame;
use marabet_schemas::{EntryId, Event, Instant, Kind, MatchKey};
use parquet::schema::types::SchemaDescriptor;

use crate::chunk::{Levels, Press, Written};
use crate::columns::{Column, ColumnError, Prices};
use crate::error::ArchiveError;
use crate::schema::Holding;

/// Rows that have one envelope but for their index: what becomes known of a match at once.
struct Alike {
    id: EntryId,
    kind: Kind,
    key: Option<MatchKey>,
    at: Instant,
    assumed: bool,
    rows: usize,
}

impl Alike {
    fn has(&self, id: EntryId, event: &Event) -> bool {
        (self.id, self.kind, self.at, self.assumed) == (id, event.kind(), event.at, event.assumed)
            && self.key == event.key
    }
}

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
    /// The last rows, which are not yet in the envelope's columns.
    alike: Option<Alike>,
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
            alike: None,
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
            self.nothing(frame.id, 0)?;
        }
        for (index, event) in (0..).zip(&frame.events) {
            match event {
                Ok(event) => self.event(frame.id, index, event)?,
                Err(bad) => self.line(frame.id, index, &bad.line)?,
            }
        }
        Ok(())
    }

    /// Appends an event at this place of its frame.
    pub(crate) fn event(
        &mut self,
        id: EntryId,
        index: u32,
        event: &Event,
    ) -> Result<(), ArchiveError> {
        let kind = event.kind();
        let Some(column) = self.column_of[kind as usize] else {
            return self.line(id, index, &event.to_line());
        };
        match &mut self.alike {
            Some(alike) if alike.has(id, event) => alike.rows += 1,
            _ => {
                self.end_alike()?;
                let (key, at, assumed) = (event.key.clone(), event.at, event.assumed);
                self.alike = Some(Alike { id, kind, key, at, assumed, rows: 1 });
            }
        }
        self.index.put_bits(index.into(), 1);
        let body = &mut self.bodies[column];
        let pushed = match &mut self.prices[column] {
            Some(prices) => prices.push(body, self.rows, &event.body),
            None => body.push(self.rows, &event.body),
        };
        pushed.map_err(|ColumnError(reason)| {
            ArchiveError::Event(format!("{} at {id}/{index}: {reason}", kind.name()))
        })?;
        self.rows += 1;
        Ok(())
    }

    /// Appends a line that is no event of the columns.
    pub(crate) fn line(&mut self, id: EntryId, index: u32, line: &str) -> Result<(), ArchiveError> {
        self.line.fill_to(self.rows)?;
        self.line.put_text(line, 1);
        self.nothing(id, index)
    }

    /// Appends a row that is no event.
    fn nothing(&mut self, id: EntryId, index: u32) -> Result<(), ArchiveError> {
        self.end_alike()?;
        self.ms.put_bits(id.ms, 1);
        self.seq.put_bits(id.seq, 1);
        self.index.put_bits(index.into(), 1);
        self.rows += 1;
        Ok(())
    }

    /// Puts the last rows into the envelope's columns.
    fn end_alike(&mut self) -> Result<(), ArchiveError> {
        let Some(Alike { id, kind, key, at, assumed, rows }) = self.alike.take() else {
            return Ok(());
        };
        let first = self.rows - rows;
        for column in [&mut self.kind, &mut self.version, &mut self.at, &mut self.assumed] {
            column.fill_to(first)?;
        }
        self.ms.put_bits(id.ms, rows);
        self.seq.put_bits(id.seq, rows);
        self.kind.put_text(kind.name(), rows);
        self.version.put_bits(kind.version().into(), rows);
        self.at.put_bits(at.micros().cast_unsigned(), rows);
        self.assumed.put_flag(assumed, rows);
        if let Some(key) = key {
            self.key.fill_to(first)?;
            self.key.put_text(key.as_str(), rows);
        }
        Ok(())
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
        self.end_alike()?;
        for (prices, body) in self.prices.iter_mut().zip(&mut self.bodies) {
            prices.as_mut().map_or(Ok(()), |prices| prices.end_page(body))?;
        }
        let rows = std::mem::take(&mut self.rows);
        self.paged += rows;
        let levels = Levels::of_rows(rows);
        Ok(self.columns().try_for_each(|column| column.end_page(rows, &levels, press))?)
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
