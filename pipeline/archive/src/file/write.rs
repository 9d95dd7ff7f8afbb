//! Writing one file, in memory, before any of it is on disk.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, EntryId, Event, Kind};
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::about;
use crate::block::Block;
use crate::error::ArchiveError;
use crate::place::Place;
use crate::schema::{FORM, Holding, column_name, envelope};

/// Rows that are turned into columns at once.
const BLOCK_ROWS: usize = 32 * 1024;
/// The dictionary of a column may grow to this: the keys of all matches of a year.
const DICTIONARY_BYTES_MAX: usize = 4 << 20;

/// A file in the making.
pub(crate) struct FileWriter {
    /// Begun with the first block, which tells what occurs.
    writer: Option<ArrowWriter<Vec<u8>>>,
    block: Block,
    holding: Holding,
    level: i32,
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
    pub(crate) fn new(holding: &Holding, partition: u16, after: EntryId, level: i32) -> Self {
        let own = holding.kinds();
        Self {
            writer: None,
            block: Block::of(holding),
            holding: holding.clone(),
            level,
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
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let properties = properties(self.level, &block)?;
                let writer = ArrowWriter::try_new(Vec::new(), block.schema(), Some(properties));
                none.insert(writer.map_err(unwritable)?)
            }
        };
        writer.write(&block).map_err(unwritable)
    }

    /// The whole file; none when nothing was appended. What is appended next begins the file
    /// that follows it.
    pub(crate) fn finish(&mut self) -> Result<Option<Written>, ArchiveError> {
        let Some((first, last)) = self.ends.take() else { return Ok(None) };
        self.write_block()?;
        let mut writer = self.writer.take().expect("a block was written");
        writer.flush().map_err(unwritable)?;
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
        let bytes = writer.into_inner().map_err(unwritable)?;
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

#[allow(clippy::needless_pass_by_value, reason = "as map_err calls it")]
fn unwritable(error: parquet::errors::ParquetError) -> ArchiveError {
    ArchiveError::Event(error.to_string())
}

/// Whether a kind comes once a match or so: its columns are small beside those of the prices.
fn is_seldom(kind: Kind) -> bool {
    matches!(kind, Kind::Fixture | Kind::Stats | Kind::Result | Kind::MatchClosed)
}

/// Whether a column says one of a few things, mostly the same as in the row before: that a
/// dictionary and the lengths of runs make small already.
fn is_monotonous(name: &str) -> bool {
    matches!(name, envelope::VERSION | envelope::ASSUMED | "src" | "phase" | "statistic")
}

/// Which leaves of a column have a value, in the order in which a file has them.
fn leaves(array: &dyn Array, occur: &mut Vec<bool>) {
    if let Some(record) = array.as_struct_opt() {
        record.columns().iter().for_each(|part| leaves(part, occur));
    } else if let Some(list) = array.as_list_opt::<i32>() {
        leaves(list.values(), occur);
    } else {
        occur.push(array.null_count() < array.len());
    }
}

/// How a file is written whose first block this is.
///
/// A compressor for each column, and a decompressor for whoever reads, cost more than all that is
/// compressed. So what holds nothing is written plainly (most often it stays so to the end), and so
/// is what is small as it is: a dozen compressors instead of forty, for three tenths more bytes.
fn properties(level: i32, block: &RecordBatch) -> Result<WriterProperties, ArchiveError> {
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
    let seldom: Vec<String> =
        Kind::ALL.iter().filter(|&&kind| is_seldom(kind)).map(|&kind| column_name(kind)).collect();
    let columns = ArrowSchemaConverter::new().convert(&block.schema()).map_err(unwritable)?;
    let mut occur = Vec::new();
    block.columns().iter().for_each(|array| leaves(array, &mut occur));
    for (column, occurs) in columns.columns().iter().zip(occur) {
        let (path, parts) = (column.path(), column.path().parts());
        let is_small = is_monotonous(&parts[parts.len() - 1]) || seldom.contains(&parts[0]);
        if !occurs {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        if !occurs || is_small {
            properties = properties.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
    }
    Ok(properties.build())
}
