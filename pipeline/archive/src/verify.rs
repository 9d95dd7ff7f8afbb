//! Whether an archive is whole: every file read, every row looked at.

use std::collections::{BTreeMap, BTreeSet};

use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, Body, EntryId};
use serde::Serialize;

use crate::archive::{Archive, follows};
use crate::error::ArchiveError;
use crate::place::Place;
use crate::schema::Holding;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Files that were read.
    pub files: u64,
    /// Files that others contain.
    pub superseded: u64,
    /// Frames, each once.
    pub frames: u64,
    /// Events in them.
    pub events: u64,
    /// What is wrong, each with the file and what to do.
    pub faults: Vec<String>,
}

/// What a stream's files amount to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldingStatus {
    /// The stream's folder.
    pub name: String,
    /// The first day of the log.
    pub from: String,
    /// The last.
    pub to: String,
    /// Partitions with files.
    pub partitions: u64,
    /// Files that count.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Archive {
    /// What each stream's files amount to.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub fn status(&self) -> Result<Vec<HoldingStatus>, ArchiveError> {
        let mut all = Vec::new();
        for holding in self.holdings()? {
            let (files, _) = self.all_files(&holding)?;
            let days: BTreeSet<String> = files.iter().map(Place::day).collect();
            let partitions: BTreeSet<u16> = files.iter().map(|place| place.partition).collect();
            let (mut rows, mut bytes) = (0, 0);
            for place in &files {
                let file = self.open(place)?;
                rows += file.content().rows;
                bytes += file.content().bytes;
            }
            all.push(HoldingStatus {
                name: holding.name(),
                from: days.first().cloned().unwrap_or_default(),
                to: days.last().cloned().unwrap_or_default(),
                partitions: partitions.len() as u64,
                files: files.len() as u64,
                rows,
                bytes,
            });
        }
        Ok(all)
    }

    /// Reads everything, and sees that no entry is missing, doubled, out of order, in a wrong
    /// partition or changed, and that every model that is named is there. Goes on after a fault.
    ///
    /// # Errors
    /// [`ArchiveError::Store`] when the store cannot be read at all.
    pub fn verify(&self) -> Result<Verified, ArchiveError> {
        let partitions = self.existing()?.partitions;
        let mut verified = Verified::default();
        let mut models = BTreeSet::new();
        for holding in self.holdings()? {
            let (files, superseded) = match self.all_files(&holding) {
                Ok(files) => files,
                Err(error @ ArchiveError::Store { .. }) => return Err(error),
                Err(error) => {
                    verified.faults.push(error.to_string());
                    continue;
                }
            };
            verified.superseded += superseded.len() as u64;
            let mut last: BTreeMap<u16, EntryId> = BTreeMap::new();
            for place in &files {
                let before = last.get(&place.partition).copied();
                match self.verify_file(&holding, place, before, partitions, &mut verified) {
                    Ok(found) => models.extend(found),
                    Err(error) => verified.faults.push(error.to_string()),
                }
                let reached = last.entry(place.partition).or_default();
                *reached = place.last.max(*reached);
            }
        }
        for hash in models {
            if let Err(error) = self.artefact(&hash) {
                verified.faults.push(error.to_string());
            }
        }
        Ok(verified)
    }

    /// Returns the models that a file names.
    fn verify_file(
        &self,
        holding: &Holding,
        place: &Place,
        before: Option<EntryId>,
        partitions: u16,
        verified: &mut Verified,
    ) -> Result<BTreeSet<ArtefactHash>, ArchiveError> {
        let file = self.open(place)?;
        let content = file.content().clone();
        follows(place, content.after, before, true)?;
        verified.files += 1;
        let name = self.store().name(&place.to_string());
        let doctored = |reason: String| ArchiveError::Doctored { file: name.clone(), reason };
        let (mut frames, mut last, mut models) = (0, None::<EntryId>, BTreeSet::new());
        for frame in file.frames()? {
            let frame = frame?;
            if last.is_some_and(|last| frame.id <= last) {
                return Err(doctored(format!("entry {} comes after a later one", frame.id)));
            }
            if frame.id < place.first || place.last < frame.id {
                return Err(doctored(format!("entry {} is not in its range", frame.id)));
            }
            last = Some(frame.id);
            frames += 1;
            if before.is_some_and(|before| frame.id <= before) {
                continue;
            }
            verified.frames += 1;
            verified.events += frame.events.len() as u64;
            if let Holding::Stream(stream) = holding
                && !stream.is_of_account()
                && let Some(stray) = stray(&frame, place.partition, partitions)
            {
                return Err(doctored(format!("entry {} holds {stray}", frame.id)));
            }
            models.extend(frame.events.iter().flatten().filter_map(|event| match &event.body {
                Body::ModelPublished(model) => Some(model.hash),
                _ => None,
            }));
        }
        if frames != content.frames {
            return Err(doctored(format!("it has {frames} frames and says {}", content.frames)));
        }
        Ok(models)
    }
}

/// What in a frame belongs to another partition.
fn stray(frame: &Frame, partition: u16, partitions: u16) -> Option<String> {
    let mut keys = frame.events.iter().flatten().filter_map(|event| event.key.as_ref());
    let key = keys.find(|key| key.partition(partitions) != partition)?;
    Some(format!("{key}, which belongs to partition {:02}", key.partition(partitions)))
}
