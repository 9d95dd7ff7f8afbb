//! History straight into an archive, as if the log had had it.
//!
//! An imported frame stands under the first instant of the year of its events, and a number that
//! rises: the same history gives the same files, byte for byte, and comes before all that a live
//! log writes. So the folder `date=2015-01-01` holds the events of 2015; within a file the column
//! `at` says when.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use marabet_schemas::frame::FEED_EVENTS_MAX;
use marabet_schemas::{ArtefactHash, EntryId, Event, Instant, Known, MatchKey};
use marabet_streams::Stream;
use serde::{Deserialize, Serialize};

use crate::archive::{Archive, IMPORTED};
use crate::error::ArchiveError;
use crate::file::{FileWriter, Written};
use crate::schema::Holding;

/// A file is ended at this many rows.
const FILE_ROWS_MAX: u64 = 1 << 20;
/// As quick as it gets: level 1 saves 7 % of the bytes and takes 5 % more of an import's time.
const LEVEL: i32 = -1;

/// So many files of a partition may be on their way to the disk at once, which syncs them together.
const ON_THEIR_WAY_MAX: usize = 16;

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

impl std::iter::Sum for Imported {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            events: sum.events + part.events,
            rows: sum.rows + part.rows,
            files: sum.files + part.files,
            files_there: sum.files_there + part.files_there,
            bytes: sum.bytes + part.bytes,
        })
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
    /// The last match and its partition.
    last: Option<(MatchKey, usize)>,
}

/// Writes the history of one partition's matches. Partitions know nothing of each other, so they
/// may be written at once, or one after another, which the processor's cache is glad of.
pub struct PartitionImporter {
    import: Arc<Import>,
    partition: u16,
    year: Year,
    /// The frame in the making.
    frame: EntryId,
    /// How many events it has.
    events: usize,
    file: FileWriter,
    /// Whole files on their way, the first of them first: the disk's work, or the network's,
    /// beside this one's.
    on_their_way: VecDeque<JoinHandle<Result<Landed, ArchiveError>>>,
    imported: Imported,
}

/// What the partitions' importers share.
struct Import {
    archive: Archive,
    /// The files that are where they belong.
    landed: Mutex<Vec<String>>,
}

/// A file that is where it belongs.
struct Landed {
    path: String,
    rows: u64,
    bytes: u64,
    /// An earlier run had written it.
    was_there: bool,
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
        let import = Arc::new(Import { archive: archive.clone(), landed: Mutex::default() });
        let importer = |partition| PartitionImporter {
            import: Arc::clone(&import),
            partition,
            year: Year::default(),
            frame: EntryId::default(),
            events: 0,
            file: FileWriter::new(&holding, partition, EntryId::default(), LEVEL),
            on_their_way: VecDeque::new(),
            imported: Imported::default(),
        };
        Ok(Self { partitions: (0..partitions).map(importer).collect(), last: None })
    }

    /// Takes a fact; facts come in the order in which they became known.
    ///
    /// # Errors
    /// As [`PartitionImporter::push`].
    pub fn push(&mut self, event: &Event) -> Result<(), ArchiveError> {
        match &event.key {
            Some(key) => {
                let partition = self.partition(key);
                self.partitions[partition].push(event.known())
            }
            None => self.partitions.iter_mut().try_for_each(|one| one.push(event.known())),
        }
    }

    /// The partition of a match, which is hashed once for all that becomes known of it together.
    fn partition(&mut self, key: &MatchKey) -> usize {
        if let Some((last, partition)) = &self.last
            && last == key
        {
            return *partition;
        }
        let partition = usize::from(key.partition(self.partitions.len() as u16));
        self.last = Some((key.clone(), partition));
        partition
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
    /// [`ArchiveError::Store`]; [`ArchiveError::There`] for a file that is another than what was
    /// to be written.
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
            self.imported.events += known.bodies.len() as u64;
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// As [`PartitionImporter::push`].
    pub fn finish(mut self) -> Result<Imported, ArchiveError> {
        self.end_file()?;
        self.land(0)?;
        // Whoever is the last sees that all of them stay.
        if let Some(Import { archive, landed }) = Arc::into_inner(self.import) {
            let landed = landed.into_inner().unwrap_or_else(PoisonError::into_inner);
            archive.store().settle(&landed)?;
        }
        Ok(self.imported)
    }

    fn end_file(&mut self) -> Result<(), ArchiveError> {
        self.events = 0;
        let Some(written) = self.file.finish()? else { return Ok(()) };
        self.land(ON_THEIR_WAY_MAX - 1)?;
        let archive = self.import.archive.clone();
        self.on_their_way.push_back(std::thread::spawn(move || land(&archive, &written)));
        Ok(())
    }

    /// Waits until no more than so many files are on their way, and counts those that landed.
    fn land(&mut self, most: usize) -> Result<(), ArchiveError> {
        while self.on_their_way.len() > most
            && let Some(first) = self.on_their_way.pop_front()
        {
            let landed = first.join().expect("writing a file does not panic")?;
            self.imported.files += 1;
            self.imported.files_there += u64::from(landed.was_there);
            self.imported.rows += landed.rows;
            self.imported.bytes += landed.bytes;
            let mut all = self.import.landed.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(landed.path);
        }
        Ok(())
    }
}

/// Puts a file where it belongs, unless an earlier run has.
fn land(archive: &Archive, written: &Written) -> Result<Landed, ArchiveError> {
    let (path, store) = (written.place.to_string(), archive.store());
    let is_new = store.place_new(&path, &written.bytes)?;
    if !is_new && store.read(&path)?.is_none_or(|there| there != written.bytes) {
        return Err(ArchiveError::There {
            archive: archive.name(),
            what: format!("{path}, with other content,"),
            advice: "move that file away, or import into a new folder".to_owned(),
        });
    }
    let (rows, bytes) = (written.rows, written.bytes.len() as u64);
    Ok(Landed { path, rows, bytes, was_there: !is_new })
}
