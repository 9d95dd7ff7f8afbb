//! Writing one file, in memory, before any of it is on disk.

use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, EntryId, Event, Kind};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::about;
use crate::block::Block;
use crate::error::ArchiveError;
use crate::place::Place;
use crate::schema::{FORM, Holding, envelope};

/// Rows that are turned into columns at once.
const BLOCK_ROWS: usize = 32 * 1024;
/// The dictionary of a column may grow to this: the keys of all matches of a year.
const DICTIONARY_BYTES_MAX: usize = 4 << 20;

/// A file in the making.
pub(crate) struct FileWriter {
    writer: ArrowWriter<Vec<u8>>,
    block: Block,
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
    /// higher level, from 1 to 22.
    pub(crate) fn new(
        holding: &Holding,
        partition: u16,
        after: EntryId,
        level: i32,
    ) -> Result<Self, ArchiveError> {
        let own = holding.kinds();
        let writer = ArrowWriter::try_new(Vec::new(), holding.schema(), Some(properties(level)));
        Ok(Self {
            writer: writer.map_err(unwritable)?,
            block: Block::of(holding),
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
        })
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
        for event in &frame.events {
            match event.as_ref().map(Event::kind) {
                Ok(kind) if self.own_kinds[kind as usize] => self.kinds[kind as usize] = true,
                _ => self.lines = true,
            }
        }
        let before = self.block.rows();
        self.block.push(frame, causes)?;
        self.appended(frame.id, (self.block.rows() - before) as u64)
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
            self.block.line(id, index, line);
        }
        self.appended(id, (self.block.rows() - before) as u64)
    }

    fn appended(&mut self, id: EntryId, rows: u64) -> Result<(), ArchiveError> {
        self.ends = Some((self.ends.map_or(id, |(first, _)| first), id));
        self.frames += 1;
        self.rows += rows;
        if self.block.rows() >= BLOCK_ROWS { self.write_block() } else { Ok(()) }
    }

    fn write_block(&mut self) -> Result<(), ArchiveError> {
        let block = self.block.finish()?;
        self.writer.write(&block).map_err(unwritable)
    }

    /// The whole file; none when nothing was appended.
    pub(crate) fn finish(mut self) -> Result<Option<Written>, ArchiveError> {
        let Some((first, last)) = self.ends else { return Ok(None) };
        self.write_block()?;
        self.writer.flush().map_err(unwritable)?;
        let data = self.writer.inner();
        let (data_bytes, sha256) = (data.len(), ArtefactHash::of(data));
        let occurring = Kind::ALL.iter().zip(&self.kinds).filter(|(_, occurs)| **occurs);
        let mut kinds: Vec<&str> = occurring.map(|(kind, _)| kind.name()).collect();
        kinds.extend(self.lines.then_some(envelope::LINE));
        kinds.sort_unstable();
        let says = [
            (about::FORM, FORM.to_string()),
            (about::HOLDING, self.holding.name()),
            (about::PARTITION, self.partition.to_string()),
            (about::FIRST, first.to_string()),
            (about::LAST, last.to_string()),
            (about::AFTER, self.after.to_string()),
            (about::ORDINAL, self.ordinal.to_string()),
            (about::FRAMES, self.frames.to_string()),
            (about::KINDS, kinds.join(",")),
            (about::DATA_BYTES, data_bytes.to_string()),
            (about::DATA_SHA256, sha256.to_string()),
        ];
        for (key, value) in says {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        let bytes = self.writer.into_inner().map_err(unwritable)?;
        let place = Place { holding: self.holding, partition: self.partition, first, last };
        Ok(Some(Written { place, bytes, rows: self.rows }))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "as map_err calls it")]
fn unwritable(error: parquet::errors::ParquetError) -> ArchiveError {
    ArchiveError::Event(error.to_string())
}

fn properties(level: i32) -> WriterProperties {
    let level = ZstdLevel::try_new(level).unwrap_or_default();
    // Numbers that rise from row to row are kept as their steps.
    let rising = [envelope::MS, envelope::SEQ, envelope::INDEX, envelope::AT];
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by(concat!("marabet-archive ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(Some(1 << 20))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        // A footer with the bounds of 100 columns' pages would outweigh a small file's data.
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    for name in rising {
        let column = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    for name in [envelope::AT, envelope::KEY, envelope::KIND] {
        properties = properties
            .set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Chunk);
    }
    properties.build()
}
