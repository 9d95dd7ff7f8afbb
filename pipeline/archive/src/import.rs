//! History straight into an archive, as if the log had had it.
//!
//! An imported frame stands under the first instant of the year of its events, and a number that
//! rises: the same history gives the same files, byte for byte, and comes before all that a live
//! log writes. So the folder `date=2015-01-01` holds the events of 2015; within a file the column
//! `at` says when.

use std::sync::Arc;

use marabet_schemas::frame::FEED_EVENTS_MAX;
use marabet_schemas::{ArtefactHash, EntryId, Event, Instant, Known};
use marabet_streams::Stream;
use serde::{Deserialize, Serialize};

use crate::archive::{Archive, IMPORTED};
use crate::error::ArchiveError;
use crate::file::FileWriter;
use crate::landing::Landing;
use crate::schema::Holding;

/// A file is ended at this many rows.
const FILE_ROWS_MAX: u64 = 1 << 20;
/// As quick as it gets: level 1 saves 7 % of the bytes and takes 5 % more of an import's time.
const LEVEL: i32 = -1;

/// What an import has written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Events, each once.
    pub events: u64,
    /// Rows: an event without a match stands in every partition.
    pub rows: u64,
    /// Files, also those that an earlier run has left.
    pub files: u64,
    /// Of which an earlier, interrupted run wrote.
    pub files_there: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

impl std::ops::Add for Imported {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            rows: self.rows + other.rows,
            files: self.files + other.files,
            files_there: self.files_there + other.files_there,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl std::iter::Sum for Imported {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), std::ops::Add::add)
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    fingerprint: String,
    description: String,
}

/// Writes history into an archive.
pub struct Importer {
    partitions: Vec<PartitionImporter>,
}

/// Writes the history of one partition's matches. Partitions have nothing to do with each other but
/// for the files, which land together, so they may be written at once, or one after another, which
/// the processor's cache is glad of. All are to be finished; an error of one is the whole import's.
pub struct PartitionImporter {
    landing: Arc<Landing>,
    partition: u16,
    year: Year,
    /// The frame in the making.
    frame: EntryId,
    /// How many events it has.
    events: usize,
    file: FileWriter,
    /// Events so far.
    imported: u64,
}

/// A year of event time.
#[derive(Debug, Clone, Copy, Default)]
struct Year {
    from_us: i64,
    to_us: i64,
}

impl Year {
    fn of(at: Instant) -> Self {
        let year: i16 = at.day().get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970);
        let start = |year: i16| {
            let day = jiff::civil::Date::new(year, 1, 1).ok();
            let midnight = day.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
            midnight.map_or(0, |midnight| midnight.timestamp().as_microsecond())
        };
        Self { from_us: start(year), to_us: start(year.saturating_add(1)) }
    }
}

impl Importer {
    /// Begins an import of what `description` says; `fingerprint` is the hash of the whole of it,
    /// by which an import that was interrupted is known again.
    ///
    /// # Errors
    /// [`ArchiveError::There`] when something else was imported there;
    /// [`ArchiveError::Partitions`].
    pub fn begin(
        archive: &Archive,
        partitions: u16,
        fingerprint: &ArtefactHash,
        description: &str,
    ) -> Result<Self, ArchiveError> {
        archive.found(partitions, None)?;
        let (fingerprint, description) = (fingerprint.to_string(), description.to_owned());
        let source = Source { fingerprint, description };
        if let Some(bytes) = archive.store().read(IMPORTED)? {
            let file = archive.store().name(IMPORTED);
            let there: Source = serde_json::from_slice(&bytes)
                .map_err(|error| ArchiveError::Damaged { file, reason: error.to_string() })?;
            if there != source {
                return Err(ArchiveError::There {
                    archive: archive.name(),
                    what: format!("another import, {},", there.description),
                    advice: "import all that belongs together at once, into a new folder"
                        .to_owned(),
                });
            }
        } else {
            let json = serde_json::to_vec(&source).expect("plain data is JSON");
            archive.store().replace(IMPORTED, &json)?;
        }
        let holding = Holding::Stream(Stream::Feed);
        let landing = Arc::new(Landing::at(archive));
        let importer = |partition| PartitionImporter {
            landing: Arc::clone(&landing),
            partition,
            year: Year::default(),
            frame: EntryId::default(),
            events: 0,
            file: FileWriter::new(&holding, partition, EntryId::default(), LEVEL),
            imported: 0,
        };
        Ok(Self { partitions: (0..partitions).map(importer).collect() })
    }

    /// Takes a fact; facts come in the order in which they became known.
    ///
    /// # Errors
    /// As [`PartitionImporter::push`].
    pub fn push(&mut self, event: &Event) -> Result<(), ArchiveError> {
        let Some(key) = &event.key else {
            return self.partitions.iter_mut().try_for_each(|one| one.push(event.known()));
        };
        let partition = key.partition(self.partitions.len() as u16);
        self.partitions[usize::from(partition)].push(event.known())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// As [`PartitionImporter::push`].
    pub fn finish(self) -> Result<Imported, ArchiveError> {
        self.partitions.into_iter().map(PartitionImporter::finish).sum()
    }

    /// One for each partition, for a history that is there by partitions.
    #[must_use]
    pub fn into_partitions(self) -> Vec<PartitionImporter> {
        self.partitions
    }
}

impl PartitionImporter {
    /// Takes what becomes known at once of one of the partition's matches, or of none; it comes in
    /// the order in which it became known.
    ///
    /// # Errors
    /// [`ArchiveError::Store`]; [`ArchiveError::There`] for a file, of any partition, that is another
    /// than what was to be written.
    pub fn push(&mut self, known: Known<'_>) -> Result<(), ArchiveError> {
        // What comes late stays in the year that has begun.
        if known.at.micros() >= self.year.to_us {
            self.end_file()?;
            self.year = Year::of(known.at);
        }
        let mut rest = known.bodies;
        while !rest.is_empty() {
            if self.events == FEED_EVENTS_MAX {
                self.events = 0;
                if self.file.rows() >= FILE_ROWS_MAX {
                    self.end_file()?;
                }
            }
            if self.events == 0 {
                let ms = u64::try_from(self.year.from_us / 1000).unwrap_or_default();
                let seq = if ms == self.frame.ms { self.frame.seq + 1 } else { 1 };
                self.frame = EntryId { ms, seq };
            }
            let bodies;
            (bodies, rest) = rest.split_at(rest.len().min(FEED_EVENTS_MAX - self.events));
            // A frame has far fewer events than 2^32.
            let first = self.events as u32;
            self.file.push_known(self.frame, first, Known { bodies, ..known })?;
            self.events += bodies.len();
        }
        // What concerns no match stands in every partition.
        if known.key.is_some() || self.partition == 0 {
            self.imported += known.bodies.len() as u64;
        }
        Ok(())
    }

    /// Writes what is left. The last of the partitions counts the files of all, and where none had
    /// an error they are where they belong when it returns, to stay.
    ///
    /// # Errors
    /// As [`PartitionImporter::push`].
    pub fn finish(mut self) -> Result<Imported, ArchiveError> {
        self.end_file()?;
        let events = Imported { events: self.imported, ..Imported::default() };
        match Arc::into_inner(self.landing) {
            Some(landing) => Ok(events + landing.finish()?),
            None => Ok(events),
        }
    }

    fn end_file(&mut self) -> Result<(), ArchiveError> {
        self.events = 0;
        self.file.finish()?.map_or(Ok(()), |written| self.landing.take(written))
    }
}
