//! History straight into an archive, as if the log had had it.
//!
//! An imported frame stands under the first instant of the year of its events, and a number that
//! rises: the same history gives the same files, byte for byte, and comes before all that a live
//! log writes. So the folder `date=2015-01-01` holds the events of 2015; within a file the column
//! `at` says when.

use std::collections::BTreeMap;

use marabet_schemas::frame::{BadLine, FEED_EVENTS_MAX, Frame};
use marabet_schemas::{ArtefactHash, EntryId, Event, Instant, MatchKey};
use marabet_streams::Stream;
use serde::{Deserialize, Serialize};

use crate::archive::{Archive, IMPORTED};
use crate::error::ArchiveError;
use crate::file::FileWriter;
use crate::schema::Holding;

/// A file is ended at this many rows.
const FILE_ROWS_MAX: u64 = 1 << 20;
/// Harder takes a multiple of the time: level 6 saves 3 % of the bytes.
const LEVEL: i32 = 1;

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

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    fingerprint: String,
    description: String,
}

/// Writes history into an archive.
pub struct Importer {
    archive: Archive,
    lanes: Vec<Lane>,
    /// The last match and its partition.
    lane_of: Option<(MatchKey, usize)>,
    year: Year,
    imported: Imported,
}

/// One partition.
struct Lane {
    gathered: Vec<Result<Event, BadLine>>,
    seq: u64,
    last: EntryId,
    file: FileWriter,
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
        let lane = |partition| Lane {
            gathered: Vec::with_capacity(FEED_EVENTS_MAX),
            seq: 0,
            last: EntryId::default(),
            file: FileWriter::new(&holding, partition, EntryId::default(), LEVEL),
        };
        Ok(Self {
            archive: archive.clone(),
            lanes: (0..partitions).map(lane).collect(),
            lane_of: None,
            year: Year::default(),
            imported: Imported::default(),
        })
    }

    /// Takes a fact; facts come in the order in which they became known.
    ///
    /// # Errors
    /// [`ArchiveError::Store`]; [`ArchiveError::There`] for a file that is another than what was
    /// to be written.
    pub fn push(&mut self, event: Event) -> Result<(), ArchiveError> {
        let at = event.at;
        // A fact that comes late stays in the year that has begun.
        if at.micros() >= self.year.to_us {
            self.end_files()?;
            self.year = Year::of(at);
        }
        self.imported.events += 1;
        match &event.key {
            Some(key) => {
                let lane = self.lane(key);
                self.gather(lane, event)
            }
            None => {
                for lane in 1..self.lanes.len() {
                    self.gather(lane, event.clone())?;
                }
                self.gather(0, event)
            }
        }
    }

    /// The partition of a match, which is hashed once for all that becomes known of it together.
    fn lane(&mut self, key: &MatchKey) -> usize {
        if let Some((last, lane)) = &self.lane_of
            && last == key
        {
            return *lane;
        }
        let lane = usize::from(key.partition(self.lanes.len() as u16));
        self.lane_of = Some((key.clone(), lane));
        lane
    }

    fn gather(&mut self, lane: usize, event: Event) -> Result<(), ArchiveError> {
        let lane = &mut self.lanes[lane];
        lane.gathered.push(Ok(event));
        if lane.gathered.len() < FEED_EVENTS_MAX {
            return Ok(());
        }
        lane.frame(self.year)?;
        if lane.file.rows() < FILE_ROWS_MAX {
            return Ok(());
        }
        lane.end_file(&self.archive, &mut self.imported)
    }

    fn end_files(&mut self) -> Result<(), ArchiveError> {
        for lane in &mut self.lanes {
            lane.frame(self.year)?;
            lane.end_file(&self.archive, &mut self.imported)?;
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// As [`Importer::push`].
    pub fn finish(mut self) -> Result<Imported, ArchiveError> {
        self.end_files()?;
        Ok(self.imported)
    }
}

impl Lane {
    /// Makes a frame of what is gathered.
    fn frame(&mut self, year: Year) -> Result<(), ArchiveError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let ms = u64::try_from(year.from_us / 1000).unwrap_or_default();
        self.seq = if ms == self.last.ms { self.seq + 1 } else { 1 };
        let id = EntryId { ms, seq: self.seq };
        let frame = Frame { id, events: std::mem::take(&mut self.gathered), lines: None };
        self.file.push(&frame, None)?;
        self.gathered = frame.events;
        self.gathered.clear();
        self.last = id;
        Ok(())
    }

    fn end_file(&mut self, archive: &Archive, imported: &mut Imported) -> Result<(), ArchiveError> {
        let Some(written) = self.file.finish()? else { return Ok(()) };
        let path = written.place.to_string();
        if !archive.store().write_new(&path, &written.bytes)? {
            let there = archive.store().read(&path)?;
            if there.is_none_or(|there| there != written.bytes) {
                return Err(ArchiveError::There {
                    archive: archive.name(),
                    what: format!("{path}, with other content,"),
                    advice: "move that file away, or import into a new folder".to_owned(),
                });
            }
            imported.files_there += 1;
        }
        imported.files += 1;
        imported.rows += written.rows;
        imported.bytes += written.bytes.len() as u64;
        Ok(())
    }
}

/// The hash of files as one: by name and content, in the order of their names.
///
/// # Errors
/// [`ArchiveError::Store`] for a file that cannot be read.
pub fn fingerprint(files: &[std::path::PathBuf]) -> Result<ArtefactHash, ArchiveError> {
    let mut hashes = BTreeMap::new();
    for file in files {
        let bytes = std::fs::read(file).map_err(|error| ArchiveError::Store {
            file: file.display().to_string(),
            reason: error.to_string(),
            full: false,
        })?;
        hashes.insert(file, ArtefactHash::of(&bytes).to_string());
    }
    let text: String = hashes.values().map(|hash| format!("{hash}\n")).collect();
    Ok(ArtefactHash::of(text.as_bytes()))
}
