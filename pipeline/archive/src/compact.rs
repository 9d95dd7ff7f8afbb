//! Fewer files: all of a partition's day as one.
//!
//! The larger file is there, durably, before the smaller ones go; between the two a reader passes
//! over what another file contains. The newest day of a partition is left alone: the archiver goes
//! on behind its last file.

use std::collections::BTreeMap;

use marabet_schemas::EntryId;
use serde::Serialize;

use crate::archive::{Archive, follows};
use crate::error::ArchiveError;
use crate::file::FileWriter;
use crate::place::Place;
use crate::schema::Holding;

/// What is written once more is read more often than written.
const LEVEL: i32 = 9;
/// A file of this many rows is large enough.
const ROWS_MAX: u64 = 1 << 20;

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// Files that were put together.
    pub files_before: u64,
    /// Files that they became.
    pub files_after: u64,
    /// Files that others contained, and that were removed.
    pub superseded: u64,
    /// Bytes before and after.
    pub bytes_before: u64,
    /// See [`Compacted::bytes_before`].
    pub bytes_after: u64,
}

impl Archive {
    /// Puts the files of each partition's day together, and removes those that others contain.
    ///
    /// # Errors
    /// What is wrong with a file: then nothing of its day is changed.
    pub fn compact(&self) -> Result<Compacted, ArchiveError> {
        let mut done = Compacted::default();
        for holding in self.holdings()? {
            let (files, superseded) = self.all_files(&holding)?;
            for place in superseded {
                self.store().remove(&place.to_string())?;
                done.superseded += 1;
            }
            let mut days: BTreeMap<(u16, String), Vec<Place>> = BTreeMap::new();
            for place in files {
                days.entry((place.partition, place.day())).or_default().push(place);
            }
            for files in days.into_values().filter(|files| files.len() > 1) {
                self.compact_day(&holding, files, &mut done)?;
            }
        }
        Ok(done)
    }

    fn compact_day(
        &self,
        holding: &Holding,
        files: Vec<Place>,
        done: &mut Compacted,
    ) -> Result<(), ArchiveError> {
        let mut together: Vec<Place> = Vec::new();
        let mut rows = 0;
        for place in files {
            rows += self.open(&place)?.content().rows;
            together.push(place);
            if rows >= ROWS_MAX {
                self.join(holding, &std::mem::take(&mut together), done)?;
                rows = 0;
            }
        }
        self.join(holding, &together, done)
    }

    /// Makes one file of these, which follow each other.
    fn join(
        &self,
        holding: &Holding,
        files: &[Place],
        done: &mut Compacted,
    ) -> Result<(), ArchiveError> {
        let [first, _, ..] = files else { return Ok(()) };
        let after = self.open(first)?.content().after;
        let mut writer = FileWriter::new(holding, first.partition, after, LEVEL);
        let (mut last, mut bytes) = (None::<EntryId>, 0);
        for place in files {
            let file = self.open(place)?;
            let content = file.content().clone();
            follows(place, content.after, last, false)?;
            bytes += content.bytes;
            let causes: BTreeMap<EntryId, String> =
                self.open(place)?.causes()?.into_iter().collect();
            for frame in file.frames()? {
                let frame = frame?;
                if last.is_none_or(|last| last < frame.id) {
                    writer.push(&frame, causes.get(&frame.id).map(String::as_str))?;
                    last = Some(frame.id);
                }
            }
            writer.set_ordinal(content.ordinal);
        }
        let Some(written) = writer.finish()? else { return Ok(()) };
        self.put(&written)?;
        // Read back before what it replaces goes.
        self.open(&written.place)?;
        for place in files.iter().filter(|place| **place != written.place) {
            self.store().remove(&place.to_string())?;
        }
        done.files_before += files.len() as u64;
        done.files_after += 1;
        done.bytes_before += bytes;
        done.bytes_after += written.bytes.len() as u64;
        Ok(())
    }
}
