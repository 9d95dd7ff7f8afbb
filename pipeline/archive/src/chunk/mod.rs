//! The pages of one column: Parquet's encodings, written from values whose dictionary grows as
//! they come.
//!
//! The `parquet` library writes page headers, row groups and the footer. What it does for each
//! value - a dictionary's lookup in bytes, two levels for each row of each of a hundred columns -
//! is done here once for a stretch of rows, or for all columns that share it: seasons are written
//! twice as fast.

mod dictionary;
mod encode;
mod levels;
mod values;

use std::io::Write as _;

use bytes::Bytes;
pub(crate) use dictionary::Dictionary;
pub(crate) use levels::{Levels, Presence};
use parquet::basic::{CompressionCodec, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
pub(crate) use values::Values;

/// What a compressor must save of a column's first page and dictionary: whoever reads makes a
/// decompressor for each column that is compressed, and of a hundred columns most are small. Tests
/// compress nearly all.
const SAVED_BYTES_MIN: usize = if cfg!(test) { 64 } else { 4 << 10 };

/// The compressor, one for all columns.
pub(crate) struct Press {
    zstd: zstd::bulk::Compressor<'static>,
    /// A page in the making.
    page: Vec<u8>,
}

impl Press {
    /// Compresses harder, and slower, at a higher level, up to 22; below 1 hardly any more.
    pub(crate) fn new(level: i32) -> Self {
        let zstd = zstd::bulk::Compressor::new(level);
        Self { zstd: zstd.expect("a compressor takes any level"), page: Vec::new() }
    }

    /// Page and dictionary compressed, where a column gains enough by it whose first page this is,
    /// and whose dictionary so far this is.
    fn gains(&mut self, page: &[u8], distinct: &[u8]) -> std::io::Result<Option<[Bytes; 2]>> {
        let bytes = page.len() + distinct.len();
        if bytes < SAVED_BYTES_MIN {
            return Ok(None);
        }
        let pressed = [self.zstd.compress(page)?, self.zstd.compress(distinct)?];
        let gain = pressed.iter().map(Vec::len).sum::<usize>() + SAVED_BYTES_MIN <= bytes;
        Ok(gain.then(|| pressed.map(Bytes::from)))
    }
}

/// One column of a row group in the making.
pub(crate) struct Chunk {
    column: ColumnDescPtr,
    /// The values of the page in the making.
    pub(crate) values: Values,
    /// Data pages.
    pages: Vec<u8>,
    entries: usize,
    nulls: usize,
    /// Entries that are in no page yet and of which nothing is there; they are written when a
    /// value comes, or at the end.
    void: usize,
    plain_bytes: usize,
    encodings: Vec<Encoding>,
    /// Whether pages are compressed, which the first one with values decides.
    pressed: Option<bool>,
    /// The dictionary of so many bytes as it was compressed for that.
    pressed_distinct: Option<(usize, Bytes)>,
    /// Whether the chunk says which values are its least and its greatest.
    pub(crate) bounded: bool,
}

/// A column of a row group.
pub(crate) struct Written {
    /// Its pages, the dictionary first.
    pub(crate) bytes: Bytes,
    /// What the footer says of it.
    pub(crate) about: ColumnCloseResult,
}

impl Chunk {
    /// An empty column.
    pub(crate) fn new(column: ColumnDescPtr, values: Values) -> Self {
        Self {
            column,
            values,
            pages: Vec::new(),
            entries: 0,
            nulls: 0,
            void: 0,
            plain_bytes: 0,
            encodings: Vec::new(),
            pressed: None,
            pressed_distinct: None,
            bounded: false,
        }
    }

    /// Ends a page of what has come, with these levels.
    pub(crate) fn end_page(
        &mut self,
        levels: &Levels,
        press: &mut Press,
    ) -> Result<(), ParquetError> {
        debug_assert_eq!(levels.deepest(), self.deepest(), "{}", self.column.path());
        if levels.is_void() {
            self.void += levels.entries();
            return Ok(());
        }
        let mut page = std::mem::take(&mut press.page);
        page.clear();
        levels.write(&mut page);
        let values = self.values.waiting();
        let encoding = self.values.write(&mut page);
        let mut gained = None;
        if self.pressed.is_none() {
            let distinct = self.values.distinct().map_or(&[][..], |(bytes, _)| bytes);
            if let Some([page, pressed]) = press.gains(&page, distinct)? {
                self.pressed_distinct = Some((distinct.len(), pressed));
                gained = Some(page);
            }
            self.pressed = Some(gained.is_some());
        }
        self.end_void(press)?;
        self.nulls += levels.entries() - values;
        let kept = gained.map_or_else(|| self.kept(&page, press), Ok)?;
        self.write_data(kept, page.len(), levels.entries(), encoding)?;
        press.page = page;
        Ok(())
    }

    /// The greatest levels that it can have: of repetition and of definition.
    fn deepest(&self) -> [u32; 2] {
        [self.column.max_rep_level(), self.column.max_def_level()]
            .map(|level| u32::from(level.unsigned_abs()))
    }

    /// Writes a page of nothing, where something is to come behind it, or the end.
    fn end_void(&mut self, press: &mut Press) -> Result<(), ParquetError> {
        let entries = std::mem::take(&mut self.void);
        if entries == 0 {
            return Ok(());
        }
        let mut page = Vec::new();
        Levels::write_void(entries, self.deepest(), &mut page);
        self.nulls += entries;
        self.write_data(self.kept(&page, press)?, page.len(), entries, Encoding::PLAIN)
    }

    fn write_data(
        &mut self,
        kept: Bytes,
        bytes: usize,
        entries: usize,
        encoding: Encoding,
    ) -> Result<(), ParquetError> {
        let data = Page::DataPage {
            buf: kept,
            num_values: entries as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.entries += entries;
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
        self.plain_bytes += write(data, bytes, &mut self.pages)?;
        Ok(())
    }

    /// The page as this column keeps it.
    fn kept(&self, page: &[u8], press: &mut Press) -> Result<Bytes, ParquetError> {
        if self.pressed == Some(true) {
            Ok(press.zstd.compress(page)?.into())
        } else {
            Ok(Bytes::copy_from_slice(page))
        }
    }

    /// All pages, of so many rows; what comes next begins another chunk.
    pub(crate) fn finish(&mut self, rows: u64, press: &mut Press) -> Result<Written, ParquetError> {
        self.end_void(press)?;
        let (mut chunk, pressed) = (Vec::new(), self.pressed_distinct.take());
        if let Some((distinct, count)) = self.values.distinct() {
            let buf = match pressed {
                // It did not grow since.
                Some((bytes, pressed)) if bytes == distinct.len() => pressed,
                _ => self.kept(distinct, press)?,
            };
            let dictionary = Page::DictionaryPage {
                buf,
                num_values: count as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            self.plain_bytes += write(dictionary, distinct.len(), &mut chunk)?;
        }
        let dictionary_bytes = chunk.len() as i64;
        chunk.append(&mut self.pages);
        let bytes = Bytes::from(chunk);
        let codec = match self.pressed.take() {
            Some(true) => CompressionCodec::ZSTD,
            _ => CompressionCodec::UNCOMPRESSED,
        };
        let mut encodings = std::mem::take(&mut self.encodings);
        encodings.push(Encoding::RLE);
        let mut metadata = ColumnChunkMetaData::builder(ColumnDescPtr::clone(&self.column))
            .set_compression_codec(codec)
            .set_encodings(encodings)
            .set_num_values(self.entries as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.plain_bytes as i64)
            .set_dictionary_page_offset((dictionary_bytes > 0).then_some(0))
            .set_data_page_offset(dictionary_bytes);
        if self.bounded
            && let Some(bounds) = self.values.bounds(self.nulls as u64)
        {
            metadata = metadata.set_statistics(bounds);
        }
        let about = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        self.values.clear();
        (self.entries, self.nulls, self.plain_bytes) = (0, 0, 0);
        Ok(Written { bytes, about })
    }
}

/// Writes a page with its header and returns how many bytes it has uncompressed.
fn write(page: Page, bytes: usize, out: &mut Vec<u8>) -> Result<usize, ParquetError> {
    let mut out = TrackedWrite::new(out);
    let wrote = SerializedPageWriter::new(&mut out).write_page(CompressedPage::new(page, bytes))?;
    out.flush()?;
    Ok(wrote.uncompressed_size)
}
