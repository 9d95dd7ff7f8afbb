//! Writing one file, in memory, before any of it is on disk.

use arrow_schema::SchemaRef;
use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, EntryId, Event, Kind, Known};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use super::about;
use crate::block::Block;
use crate::chunk::Press;
use crate::error::ArchiveError;
use crate::place::Place;
use crate::schema::{FORM, Holding, envelope};

/// Rows of a page; few in tests, so that these see many.
const PAGE_ROWS: usize = if cfg!(test) { 500 } else { 32 * 1024 };
/// Rows of a row group.
const GROUP_ROWS: usize = if cfg!(test) { 2_000 } else { 1 << 20 };

/// A file in the making.
pub(crate) struct FileWriter {
    schema: SchemaDescriptor,
    properties: WriterPropertiesPtr,
    /// Begun with the first row group that is whole.
    writer: Option<SerializedFileWriter<Vec<u8>>>,
    block: Block,
    press: Press,
    holding: Holding,
    partition: u16,
    after: EntryId,
    ordinal: u64,
    ends: Option<(EntryId, EntryId)>,
    frames: u64,
    rows: u64,
    /// Whether a kind occurs that has columns here, by its place in [`Kind::ALL`].
    kinds: Vec<bool>,
    /// Whether lines are kept: what is no event, or of a kind without columns here.
    lines: bool,
    /// Whether a kind has columns here.
    own_kinds: Vec<bool>,
}

/// A file that is complete, and not yet anywhere.
pub(crate) struct Written {
    /// Where it belongs.
    pub(crate) place: Place,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
    /// How many rows it has.
    pub(crate) rows: u64,
}

impl FileWriter {
    /// A file of a partition that goes on after this entry. Compresses harder (and slower) at a
    /// higher level, up to 22.
    pub(crate) fn new(holding: &Holding, partition: u16, after: EntryId, level: i32) -> Self {
        let own = holding.kinds();
        let columns = holding.schema();
        let schema = ArrowSchemaConverter::new().convert(&columns);
        let schema = schema.expect("every type of these columns has one in Parquet");
        Self {
            properties: properties(&columns),
            writer: None,
            block: Block::of(holding, &columns, &schema),
            press: Press::new(level),
            schema,
            holding: holding.clone(),
            partition,
            after,
            ordinal: 0,
            ends: None,
            frames: 0,
            rows: 0,
            kinds: vec![false; Kind::ALL.len()],
            lines: false,
            own_kinds: Kind::ALL.iter().map(|kind| own.contains(kind)).collect(),
        }
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Says how many entries the stream had been given up to the last one in the file.
    pub(crate) fn set_ordinal(&mut self, ordinal: u64) {
        self.ordinal = ordinal;
    }

    /// The last entry in it.
    pub(crate) fn last(&self) -> Option<EntryId> {
        self.ends.map(|(_, last)| last)
    }

    /// Appends a frame, whose entry comes after the last, and what it follows from.
    pub(crate) fn push(&mut self, frame: &Frame, causes: Option<&str>) -> Result<(), ArchiveError> {
        frame.events.iter().for_each(|event| self.occurs(event.as_ref().ok().map(Event::kind)));
        let before = self.block.rows();
        self.block.push(frame, causes)?;
        self.frames += 1;
        self.appended(frame.id, self.block.rows() - before)
    }

    /// Appends what becomes known at once from this place of its frame on, whose entry comes after
    /// the last; the frame begins with its first event.
    pub(crate) fn push_known(
        &mut self,
        id: EntryId,
        first: u32,
        known: Known<'_>,
    ) -> Result<(), ArchiveError> {
        known.bodies.iter().for_each(|body| self.occurs(Some(body.kind())));
        self.block.known(id, first, known)?;
        self.frames += u64::from(first == 0);
        self.appended(id, known.bodies.len())
    }

    fn occurs(&mut self, kind: Option<Kind>) {
        match kind {
            Some(kind) if self.own_kinds[kind as usize] => self.kinds[kind as usize] = true,
            _ => self.lines = true,
        }
    }

    /// Appends an entry's lines, which are no events.
    pub(crate) fn push_lines<'a>(
        &mut self,
        id: EntryId,
        lines: impl Iterator<Item = &'a str>,
    ) -> Result<(), ArchiveError> {
        self.lines = true;
        let before = self.block.rows();
        for (index, line) in (0..).zip(lines) {
            self.block.line(id, index, line)?;
        }
        self.frames += 1;
        self.appended(id, self.block.rows() - before)
    }

    fn appended(&mut self, id: EntryId, rows: usize) -> Result<(), ArchiveError> {
        self.ends = Some((self.ends.map_or(id, |(first, _)| first), id));
        self.rows += rows as u64;
        if self.block.rows_waiting() >= PAGE_ROWS {
            self.block.end_page(&mut self.press)?;
        }
        if self.block.rows() >= GROUP_ROWS { self.end_group() } else { Ok(()) }
    }

    fn end_group(&mut self) -> Result<(), ArchiveError> {
        let chunks = self.block.finish(&mut self.press)?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let (root, properties) = (self.schema.root_schema_ptr(), self.properties.clone());
                none.insert(SerializedFileWriter::new(Vec::new(), root, properties)?)
            }
        };
        let mut group = writer.next_row_group()?;
        for chunk in chunks {
            group.append_column(&chunk.bytes, chunk.about)?;
        }
        group.close()?;
        Ok(())
    }

    /// The whole file; none when nothing was appended. What is appended next begins the file
    /// that follows it.
    pub(crate) fn finish(&mut self) -> Result<Option<Written>, ArchiveError> {
        let Some((first, last)) = self.ends.take() else { return Ok(None) };
        if self.block.rows() > 0 {
            self.end_group()?;
        }
        let mut writer = self.writer.take().expect("a row group was written");
        writer.flush().map_err(ParquetError::from)?;
        let data = writer.inner();
        let (data_bytes, sha256) = (data.len(), ArtefactHash::of(data));
        let lines = std::mem::take(&mut self.lines);
        let mut kinds: Vec<&str> = self.occurring().map(Kind::name).collect();
        kinds.extend(lines.then_some(envelope::LINE));
        kinds.sort_unstable();
        self.kinds.fill(false);
        let says = [
            (about::FORM, FORM.to_string()),
            (about::HOLDING, self.holding.name()),
            (about::PARTITION, self.partition.to_string()),
            (about::FIRST, first.to_string()),
            (about::LAST, last.to_string()),
            (about::AFTER, std::mem::replace(&mut self.after, last).to_string()),
            (about::ORDINAL, self.ordinal.to_string()),
            (about::FRAMES, std::mem::take(&mut self.frames).to_string()),
            (about::KINDS, kinds.join(",")),
            (about::DATA_BYTES, data_bytes.to_string()),
            (about::DATA_SHA256, sha256.to_string()),
        ];
        for (key, value) in says {
            writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        let bytes = writer.into_inner()?;
        let (holding, partition) = (self.holding.clone(), self.partition);
        let place = Place { holding, partition, first, last };
        Ok(Some(Written { place, bytes, rows: std::mem::take(&mut self.rows) }))
    }

    /// The kinds with columns here that occur in the file.
    fn occurring(&self) -> impl Iterator<Item = Kind> {
        let kinds = Kind::ALL.iter().zip(&self.kinds);
        kinds.filter_map(|(&kind, &occurs)| occurs.then_some(kind))
    }
}

/// What the footer says beside the columns.
fn properties(columns: &SchemaRef) -> WriterPropertiesPtr {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("marabet-archive ", env!("CARGO_PKG_VERSION")).to_owned())
        // A footer with the bounds of 100 columns' pages would outweigh a small file's data.
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build();
    add_encoded_arrow_schema_to_metadata(columns, &mut properties);
    properties.into()
}
