//! Whole files on their way to where they belong: the disk's work, or the network's, beside the work
//! on the files that follow.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::archive::Archive;
use crate::error::ArchiveError;
use crate::file::Written;
use crate::import::Imported;

/// So many files go together: a disk syncs them at once.
const TOGETHER: usize = 8;
/// So many groups may be on their way.
const ON_THEIR_WAY_MAX: usize = 4;

/// Where the files of an import land, whichever partition they are of.
pub(crate) struct Landing {
    archive: Archive,
    flights: Mutex<Flights>,
}

#[derive(Default)]
struct Flights {
    /// Those that wait for others to go with.
    waiting: Vec<Written>,
    /// Groups, the first of them first.
    on_their_way: VecDeque<JoinHandle<Result<Vec<Landed>, ArchiveError>>>,
    landed: Vec<Landed>,
}

/// A file that is where it belongs.
struct Landed {
    path: String,
    counted: Imported,
}

impl Landing {
    pub(crate) fn at(archive: &Archive) -> Self {
        Self { archive: archive.clone(), flights: Mutex::default() }
    }

    /// Takes a file that is to go on its way with others. While too many are, this waits, and so
    /// do the other partitions.
    ///
    /// # Errors
    /// What became of one that was on its way: [`ArchiveError::Store`]; [`ArchiveError::There`].
    pub(crate) fn take(&self, written: Written) -> Result<(), ArchiveError> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.waiting.push(written);
        if flights.waiting.len() < TOGETHER { Ok(()) } else { flights.begin(&self.archive) }
    }

    /// Waits for all of them, sees that they stay, and counts them.
    ///
    /// # Errors
    /// As [`Landing::take`].
    pub(crate) fn finish(self) -> Result<Imported, ArchiveError> {
        let mut flights = self.flights.into_inner().unwrap_or_else(PoisonError::into_inner);
        flights.begin(&self.archive)?;
        flights.land(0)?;
        self.archive.store().settle(flights.landed.iter().map(|landed| landed.path.as_str()))?;
        Ok(flights.landed.iter().map(|landed| landed.counted).sum())
    }
}

impl Flights {
    /// Sends those that wait on their way.
    fn begin(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.land(ON_THEIR_WAY_MAX - 1)?;
        let (files, archive) = (std::mem::take(&mut self.waiting), archive.clone());
        self.on_their_way.push_back(std::thread::spawn(move || land(&archive, &files)));
        Ok(())
    }

    /// Waits until no more than so many groups are on their way.
    fn land(&mut self, most: usize) -> Result<(), ArchiveError> {
        while self.on_their_way.len() > most
            && let Some(first) = self.on_their_way.pop_front()
        {
            self.landed.extend(first.join().expect("writing files does not panic")?);
        }
        Ok(())
    }
}

impl Drop for Flights {
    /// After an error, too, nothing is written any more once the import has ended.
    fn drop(&mut self) {
        self.on_their_way.drain(..).for_each(|group| drop(group.join()));
    }
}

/// Puts files where they belong, but for those that an earlier run has.
fn land(archive: &Archive, files: &[Written]) -> Result<Vec<Landed>, ArchiveError> {
    let paths: Vec<String> = files.iter().map(|file| file.place.to_string()).collect();
    let placed = paths.iter().zip(files).map(|(path, file)| (&path[..], &file.bytes[..]));
    let is_new = archive.store().place_new(&placed.collect::<Vec<_>>())?;
    let mut landed = Vec::with_capacity(files.len());
    for ((path, file), is_new) in paths.into_iter().zip(files).zip(is_new) {
        if !is_new && archive.store().read(&path)?.is_none_or(|there| there != file.bytes) {
            return Err(ArchiveError::There {
                archive: archive.name(),
                what: format!("{path}, with other content,"),
                advice: "move that file away, or import into a new folder".to_owned(),
            });
        }
        let counted = Imported {
            // The partitions count these: one that concerns no match stands in the files of all.
            events: 0,
            rows: file.rows,
            files: 1,
            files_there: u64::from(!is_new),
            bytes: file.bytes.len() as u64,
        };
        landed.push(Landed { path, counted });
    }
    Ok(landed)
}
