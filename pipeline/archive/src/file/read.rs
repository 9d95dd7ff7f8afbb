//! Reading one file, after seeing that it is what its name says.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::ArrowError;
use bytes::Bytes;
use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, Competition, EntryId};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::schema::types::SchemaDescriptor;

use super::about;
use super::rows;
use crate::error::ArchiveError;
use crate::place::Place;
use crate::schema::{ENVELOPE, FORM, envelope, with_dictionaries};

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 16 * 1024;
/// Where Parquet files begin and end.
const MAGIC: &[u8; 4] = b"PAR1";

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The last entry of the file before it; 0-0 for a partition's first file.
    pub after: EntryId,
    /// How many entries the log's stream had been given up to the last one; 0 where it is not
    /// known.
    pub ordinal: u64,
    /// How many frames.
    pub frames: u64,
    /// How many rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// The kinds that occur, by name; `line` among them where lines are kept as they were.
    pub kinds: Vec<String>,
    /// SHA-256 of its data, in hexadecimal.
    pub data: String,
}

/// A file that is what its name says.
pub struct OpenFile {
    place: Place,
    bytes: Bytes,
    metadata: ArrowReaderMetadata,
    content: Content,
}

impl OpenFile {
    /// Opens the bytes of the file that lies at this place; `file` names it in errors.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`], [`ArchiveError::Foreign`], [`ArchiveError::Doctored`] or
    /// [`ArchiveError::Newer`].
    pub fn open(file: &str, place: &Place, bytes: Bytes) -> Result<Self, ArchiveError> {
        let damaged = |reason: String| ArchiveError::Damaged { file: file.to_owned(), reason };
        let foreign = |reason: String| ArchiveError::Foreign { file: file.to_owned(), reason };
        if !bytes.starts_with(MAGIC) {
            return Err(foreign("it is no Parquet file".to_owned()));
        }
        if bytes.len() < 12 || !bytes.ends_with(MAGIC) {
            return Err(damaged(format!("its {} bytes have no footer", bytes.len())));
        }
        let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())
            .map_err(|error| damaged(error.to_string()))?;
        let says: BTreeMap<&str, &str> = metadata
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .into_iter()
            .flatten()
            .filter_map(|pair| Some((pair.key.as_str(), pair.value.as_deref()?)))
            .collect();
        let say = |key: &str| {
            says.get(key).copied().ok_or_else(|| foreign(format!("its footer has no `{key}`")))
        };
        let form: u32 = say(about::FORM)?.parse().map_err(|_| foreign("no form".to_owned()))?;
        if form > FORM {
            let reason = format!("it has form {form}, this program reads {FORM}");
            return Err(ArchiveError::Newer { file: file.to_owned(), reason });
        }
        let doctored = |reason: String| ArchiveError::Doctored { file: file.to_owned(), reason };
        let stands = [
            (about::HOLDING, place.holding.name()),
            (about::PARTITION, place.partition.to_string()),
            (about::FIRST, place.first.to_string()),
            (about::LAST, place.last.to_string()),
        ];
        for (key, expected) in stands {
            let found = say(key)?;
            if found != expected {
                return Err(doctored(format!("{key} is {found}, its name says {expected}")));
            }
        }
        let number = |key: &str| -> Result<u64, ArchiveError> {
            say(key)?.parse().map_err(|_| doctored(format!("{key} is no number")))
        };
        let data_bytes = usize::try_from(number(about::DATA_BYTES)?).unwrap_or(usize::MAX);
        let data =
            bytes.get(..data_bytes).ok_or_else(|| damaged("its data end early".to_owned()))?;
        if ArtefactHash::of(data).to_string() != say(about::DATA_SHA256)? {
            return Err(doctored("the hash of its data is another".to_owned()));
        }
        let rows = u64::try_from(metadata.metadata().file_metadata().num_rows());
        let content = Content {
            after: say(about::AFTER)?.parse().map_err(|_| doctored("its `after`".to_owned()))?,
            ordinal: number(about::ORDINAL)?,
            frames: number(about::FRAMES)?,
            rows: rows.map_err(|_| doctored("it has a negative number of rows".to_owned()))?,
            bytes: bytes.len() as u64,
            kinds: say(about::KINDS)?.split(',').map(str::to_owned).collect(),
            data: say(about::DATA_SHA256)?.to_owned(),
        };
        Ok(Self { place: place.clone(), bytes, metadata, content })
    }

    /// What it says of itself.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Its frames, in order.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`].
    pub fn frames(self) -> Result<Frames, ArchiveError> {
        self.frames_of(None)
    }

    /// Its frames, with the events of the matches of one competition alone where one is named;
    /// what is left out is not decoded.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`].
    pub fn frames_of(self, competition: Option<&Competition>) -> Result<Frames, ArchiveError> {
        let file = self.place.to_string();
        // What does not occur is not even read.
        let kinds: Vec<String> =
            self.content.kinds.iter().map(|kind| kind.replace('.', "_")).collect();
        let occurs = |place: usize, name: &str| {
            let in_every_row = place < ENVELOPE && name != envelope::CAUSES;
            in_every_row || kinds.iter().any(|kind| kind == name)
        };
        let reader = self.reader(occurs, competition)?;
        Ok(Frames { file, reader, ready: Vec::new().into_iter(), held: None, ended: false })
    }

    /// Each entry with what it follows from, where that is written down.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`].
    pub fn causes(self) -> Result<Vec<(EntryId, String)>, ArchiveError> {
        let file = self.place.to_string();
        let damaged = |reason: String| ArchiveError::Damaged { file: file.clone(), reason };
        let wanted = [envelope::MS, envelope::SEQ, envelope::CAUSES];
        let mut found = Vec::new();
        for batch in self.reader(|_, name| wanted.contains(&name), None)? {
            let batch = batch.map_err(|error| damaged(error.to_string()))?;
            rows::causes(&batch, &mut found).map_err(|error| damaged(error.to_string()))?;
        }
        Ok(found)
    }

    /// Counts the events of each competition.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`].
    pub fn count_leagues(
        self,
        counts: &mut BTreeMap<Competition, u64>,
    ) -> Result<(), ArchiveError> {
        let file = self.place.to_string();
        let damaged = |reason: String| ArchiveError::Damaged { file: file.clone(), reason };
        for batch in self.reader(|_, name| name == envelope::KEY, None)? {
            let batch = batch.map_err(|error| damaged(error.to_string()))?;
            rows::count_leagues(&batch, counts).map_err(|error| damaged(error.to_string()))?;
        }
        Ok(())
    }

    /// A reader of the columns for whose place and name this holds, of one competition's rows
    /// where one is named.
    fn reader(
        self,
        wanted: impl Fn(usize, &str) -> bool,
        of: Option<&Competition>,
    ) -> Result<ParquetRecordBatchReader, ArchiveError> {
        let file = self.place.to_string();
        let damaged = |error: parquet::errors::ParquetError| ArchiveError::Damaged {
            file: file.clone(),
            reason: error.to_string(),
        };
        let schema = with_dictionaries(self.metadata.schema());
        let fields = schema.fields().iter().enumerate();
        let chosen: Vec<usize> = fields
            .filter(|(place, field)| wanted(*place, field.name()))
            .map(|(place, _)| place)
            .collect();
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(self.metadata.metadata()), options)
            .map_err(damaged)?;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), chosen);
        let filter = of.map(|of| of_competition(metadata.parquet_schema(), of));
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.bytes, metadata)
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS);
        let builder = match filter {
            Some(filter) => builder.with_row_filter(filter),
            None => builder,
        };
        builder.build().map_err(damaged)
    }
}

/// Keeps the rows of a competition's matches.
fn of_competition(schema: &SchemaDescriptor, competition: &Competition) -> RowFilter {
    let competition = competition.clone();
    let key = ProjectionMask::columns(schema, [envelope::KEY]);
    let predicate = ArrowPredicateFn::new(key, move |batch| {
        rows::are_of(&batch, &competition)
            .map_err(|error| ArrowError::SchemaError(error.to_string()))
    });
    RowFilter::new(vec![Box::new(predicate)])
}

/// The frames of a file, in order.
pub struct Frames {
    file: String,
    reader: ParquetRecordBatchReader,
    ready: std::vec::IntoIter<Frame>,
    /// The last frame so far, which may go on in the next block.
    held: Option<Frame>,
    ended: bool,
}

impl Frames {
    /// Reads the next block; false at the end.
    fn read(&mut self) -> Result<bool, ArchiveError> {
        let damaged = |reason: String| ArchiveError::Damaged { file: self.file.clone(), reason };
        let Some(batch) = self.reader.next() else {
            self.ended = true;
            self.ready = self.held.take().into_iter().collect::<Vec<_>>().into_iter();
            return Ok(false);
        };
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        let mut frames = Vec::new();
        rows::frames(&batch, self.held.take(), &mut frames)
            .map_err(|error| damaged(error.to_string()))?;
        self.held = frames.pop();
        self.ready = frames.into_iter();
        Ok(true)
    }
}

impl Iterator for Frames {
    type Item = Result<Frame, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(frame) = self.ready.next() {
                return Some(Ok(frame));
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.read() {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }
}
