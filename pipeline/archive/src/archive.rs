//! An archive: which files it has, and what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, Competition, EntryId};
use marabet_streams::Stream;
use serde::{Deserialize, Serialize};

use crate::error::ArchiveError;
use crate::file::{FileWriter, Frames, OpenFile, Written};
use crate::place::Place;
use crate::schema::{FORM, Holding};
use crate::store::Store;

/// The file that says what the archive is.
const ABOUT: &str = "archive.json";
/// What was imported, so that it is not imported twice.
pub(crate) const IMPORTED: &str = "import.json";
/// The frames that stages pass over.
const MARKS: &str = "quarantine.json";

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The layout's number.
    pub form: u32,
    /// How many partitions the matches are spread over.
    pub partitions: u16,
    /// The namespace of the log that is archived here; none while there is only imported history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Frames that a stage passes over, because applying them ends the process: by stage, partition
/// and entry, with the reason.
pub type Marks = BTreeMap<String, BTreeMap<u16, BTreeMap<EntryId, String>>>;

/// An archive in a folder.
#[derive(Debug, Clone)]
pub struct Archive {
    store: Store,
}

/// Which days of the log, both included; none for all there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days {
    /// The first, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// The last.
    pub to: Option<String>,
}

impl Days {
    /// All there are.
    pub const ALL: Self = Self { from: None, to: None };

    fn hold(&self, place: &Place) -> bool {
        let day = place.day();
        self.from.as_ref().is_none_or(|from| *from <= day)
            && self.to.as_ref().is_none_or(|to| day <= *to)
    }
}

impl Archive {
    /// The archive at this location, whether there is anything yet or not.
    ///
    /// # Errors
    /// [`ArchiveError::Store`] when the location can be none.
    pub fn at(location: &str) -> Result<Self, ArchiveError> {
        Ok(Self { store: Store::at(location)? })
    }

    /// Where it is, for people.
    #[must_use]
    pub fn name(&self) -> String {
        self.store.name("")
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// What it says of itself; none where there is no archive.
    ///
    /// # Errors
    /// [`ArchiveError::Newer`], or [`ArchiveError::Damaged`] when it cannot be read.
    pub fn about(&self) -> Result<Option<About>, ArchiveError> {
        let Some(bytes) = self.store.read(ABOUT)? else { return Ok(None) };
        let file = self.store.name(ABOUT);
        let about: About = serde_json::from_slice(&bytes).map_err(|error| {
            ArchiveError::Damaged { file: file.clone(), reason: error.to_string() }
        })?;
        if about.form > FORM {
            let reason = format!("it has form {}, this program reads {FORM}", about.form);
            return Err(ArchiveError::Newer { file, reason });
        }
        Ok(Some(about))
    }

    /// What it says of itself, where something must be there.
    ///
    /// # Errors
    /// [`ArchiveError::None`], and as [`Archive::about`].
    pub fn existing(&self) -> Result<About, ArchiveError> {
        self.about()?.ok_or_else(|| ArchiveError::None {
            archive: self.name(),
            reason: format!(
                "there is no {ABOUT}; run the stage `archive`, or `marabet import`, or name another folder"
            ),
        })
    }

    /// Sees that it is one of this many partitions, and of this namespace where a log is to be
    /// archived; says so where nothing is there yet.
    ///
    /// # Errors
    /// [`ArchiveError::Partitions`]; [`ArchiveError::There`] for another namespace's archive; and
    /// as [`Archive::about`].
    pub fn found(&self, partitions: u16, namespace: Option<&str>) -> Result<About, ArchiveError> {
        let there = self.about()?;
        let mut about = match &there {
            Some(about) if about.partitions != partitions => {
                let (archive, found) = (self.name(), about.partitions);
                return Err(ArchiveError::Partitions { archive, found, asked: partitions });
            }
            Some(about) => about.clone(),
            None => About { form: FORM, partitions, namespace: None },
        };
        match (&about.namespace, namespace) {
            (Some(of), Some(asked)) if of != asked => {
                return Err(ArchiveError::There {
                    archive: self.name(),
                    what: format!("the log of namespace `{of}`"),
                    advice: format!("set archive.location to another folder for `{asked}`"),
                });
            }
            (None, Some(asked)) => about.namespace = Some(asked.to_owned()),
            _ => {}
        }
        if there.as_ref() != Some(&about) {
            self.store.replace(ABOUT, &json(&about))?;
        }
        Ok(about)
    }

    /// What there is: streams, and stages with dead letters.
    ///
    /// # Errors
    /// [`ArchiveError::Store`].
    pub fn holdings(&self) -> Result<BTreeSet<Holding>, ArchiveError> {
        let files = self.store.list("")?;
        Ok(files.iter().filter_map(|path| Some(Place::from_path(path)?.holding)).collect())
    }

    /// The files of a stream over these days, by partition and first entry, without those that
    /// another contains.
    ///
    /// # Errors
    /// [`ArchiveError::Store`]; [`ArchiveError::Foreign`] for a file that does not belong there.
    pub fn files(&self, holding: &Holding, days: &Days) -> Result<Vec<Place>, ArchiveError> {
        let (mut files, _) = self.all_files(holding)?;
        files.retain(|place| days.hold(place));
        Ok(files)
    }

    /// All files of a stream: those that count, and those that another contains.
    pub(crate) fn all_files(
        &self,
        holding: &Holding,
    ) -> Result<(Vec<Place>, Vec<Place>), ArchiveError> {
        let mut places = Vec::new();
        for path in self.store.list(&holding.name())? {
            match Place::from_path(&path) {
                Some(place) => places.push(place),
                None if path.ends_with(".parquet") => {
                    return Err(ArchiveError::Foreign {
                        file: self.store.name(&path),
                        reason: "its name is none of an archive's files".to_owned(),
                    });
                }
                None => {}
            }
        }
        // The larger of two with one beginning comes first.
        places.sort_by(|a, b| (a.partition, a.first, b.last).cmp(&(b.partition, b.first, a.last)));
        let (mut counting, mut superseded): (Vec<Place>, Vec<Place>) = (Vec::new(), Vec::new());
        // Each starts no earlier than those before it, so the one that reaches furthest contains
        // it if any does.
        let mut furthest: Option<Place> = None;
        for place in places {
            if furthest.as_ref().is_some_and(|one| one.contains(&place)) {
                superseded.push(place);
                continue;
            }
            let reaches = |one: &Place| one.partition != place.partition || one.last < place.last;
            if furthest.as_ref().is_none_or(reaches) {
                furthest = Some(place.clone());
            }
            counting.push(place);
        }
        Ok((counting, superseded))
    }

    /// Opens a file.
    ///
    /// # Errors
    /// What is wrong with it: see [`OpenFile::open`].
    pub fn open(&self, place: &Place) -> Result<OpenFile, ArchiveError> {
        let path = place.to_string();
        let file = self.store.name(&path);
        let bytes = self.store.read(&path)?;
        let gone = || ArchiveError::Store {
            file: file.clone(),
            reason: "it went away while it was read; try again".to_owned(),
            full: false,
        };
        OpenFile::open(&file, place, bytes.ok_or_else(gone)?)
    }

    /// The frames of a stream's partition over these days, in the log's order, each once.
    ///
    /// # Errors
    /// As [`Archive::files`]; the iterator's own are those of files, and [`ArchiveError::Gap`].
    pub fn frames(
        &self,
        holding: &Holding,
        partition: u16,
        days: &Days,
    ) -> Result<PartitionFrames, ArchiveError> {
        self.frames_of(holding, partition, days, None)
    }

    /// As [`Archive::frames`], with the events of one competition's matches alone where one is
    /// named.
    ///
    /// # Errors
    /// As [`Archive::frames`].
    pub fn frames_of(
        &self,
        holding: &Holding,
        partition: u16,
        days: &Days,
        of: Option<&Competition>,
    ) -> Result<PartitionFrames, ArchiveError> {
        let mut files = self.files(holding, days)?;
        files.retain(|place| place.partition == partition);
        Ok(PartitionFrames {
            archive: self.clone(),
            of: of.cloned(),
            files: files.into_iter(),
            current: None,
            last: None,
            // Who asks for later days knows that earlier ones are missing.
            from_start: days.from.is_none(),
        })
    }

    /// The order in which the account took frames of the partitions' bets: partition and entry.
    ///
    /// # Errors
    /// As [`Archive::files`] and [`Archive::open`].
    pub fn order_of_arrival(&self) -> Result<Vec<(u16, EntryId)>, ArchiveError> {
        let grants = Holding::Stream(Stream::Grants);
        let (mut order, mut last) = (Vec::new(), None);
        for place in self.files(&grants, &Days::ALL)? {
            for (id, causes) in self.open(&place)?.causes()? {
                if last.is_some_and(|last| id <= last) {
                    continue;
                }
                last = Some(id);
                let cause = |text: &str| {
                    let (partition, entry) = text.split_once('/')?;
                    Some((partition.parse().ok()?, entry.parse().ok()?))
                };
                order.extend(causes.split(' ').filter_map(cause));
            }
        }
        Ok(order)
    }

    /// Up to which entry a partition's feed is history that was imported, and that no live stage
    /// has seen.
    ///
    /// # Errors
    /// As [`Archive::files`] and [`Archive::open`].
    pub fn imported_until(&self, partition: u16) -> Result<EntryId, ArchiveError> {
        let mut until = EntryId::default();
        if self.store.read(IMPORTED)?.is_none() {
            return Ok(until);
        }
        let feed = self.files(&Holding::Stream(Stream::Feed), &Days::ALL)?;
        for place in feed.iter().filter(|place| place.partition == partition) {
            // The log counts its entries; history has no count.
            if self.open(place)?.content().ordinal == 0 {
                until = until.max(place.last);
            }
        }
        Ok(until)
    }

    /// Puts a file in its place, durably. One that is there already holds the same entries.
    pub(crate) fn put(&self, written: &Written) -> Result<(), ArchiveError> {
        self.store.write_new(&written.place.to_string(), &written.bytes).map(|_| ())
    }

    /// Sets a file aside at whose tail there is what the log no longer has, and keeps the rest.
    pub(crate) fn cut_tail(
        &self,
        place: &Place,
        keeps: impl Fn(EntryId) -> bool,
    ) -> Result<Option<Place>, ArchiveError> {
        let file = self.open(place)?;
        let (after, ordinal) = (file.content().after, file.content().ordinal);
        let frames: Vec<Frame> = file.frames()?.collect::<Result<_, _>>()?;
        let causes: BTreeMap<EntryId, String> = self.open(place)?.causes()?.into_iter().collect();
        let mut kept = FileWriter::new(&place.holding, place.partition, after, 3);
        let mut lost = 0;
        for frame in &frames {
            if keeps(frame.id) {
                kept.push(frame, causes.get(&frame.id).map(String::as_str))?;
            } else {
                lost += 1;
            }
        }
        kept.set_ordinal(u64::saturating_sub(ordinal, lost));
        // The shorter file is there before the longer one goes.
        let kept = kept.finish()?;
        if let Some(written) = &kept {
            self.put(written)?;
        }
        let path = place.to_string();
        self.store.rename(&path, &format!("{SET_ASIDE}/{path}"))?;
        Ok(kept.map(|written| written.place))
    }

    /// An artefact, such as a model, by the hash of its content.
    ///
    /// # Errors
    /// [`ArchiveError::None`] where it is not there; [`ArchiveError::Doctored`] where it is
    /// another than its name says.
    pub fn artefact(&self, hash: &ArtefactHash) -> Result<Arc<[u8]>, ArchiveError> {
        let path = artefact_path(hash);
        let bytes = self.store.read(&path)?.ok_or_else(|| ArchiveError::None {
            archive: self.name(),
            reason: format!("the artefact {path} is missing; put it back from a backup"),
        })?;
        if ArtefactHash::of(&bytes) != *hash {
            let reason = "its content has another hash than its name".to_owned();
            return Err(ArchiveError::Doctored { file: self.store.name(&path), reason });
        }
        Ok(bytes.as_ref().into())
    }

    /// The hashes of the artefacts that are there.
    ///
    /// # Errors
    /// [`ArchiveError::Store`].
    pub fn artefacts(&self) -> Result<BTreeSet<ArtefactHash>, ArchiveError> {
        let paths = self.store.list(ARTEFACTS)?;
        let hash = |path: &String| path.rsplit('/').next()?.parse().ok();
        Ok(paths.iter().filter_map(hash).collect())
    }

    pub(crate) fn put_artefact(
        &self,
        hash: &ArtefactHash,
        bytes: &[u8],
    ) -> Result<(), ArchiveError> {
        self.store.write_new(&artefact_path(hash), bytes).map(|_| ())
    }

    /// The frames that stages passed over.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] when the list cannot be read.
    pub fn marks(&self) -> Result<Marks, ArchiveError> {
        let Some(bytes) = self.store.read(MARKS)? else { return Ok(Marks::new()) };
        serde_json::from_slice(&bytes).map_err(|error| ArchiveError::Damaged {
            file: self.store.name(MARKS),
            reason: error.to_string(),
        })
    }

    pub(crate) fn put_marks(&self, marks: &Marks) -> Result<(), ArchiveError> {
        self.store.replace(MARKS, &json(marks))
    }
}

const ARTEFACTS: &str = "artefacts";
const SET_ASIDE: &str = "set-aside";

fn artefact_path(hash: &ArtefactHash) -> String {
    format!("{ARTEFACTS}/{hash}")
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("plain data is JSON");
    text.push(b'\n');
    text
}

/// The frames of a stream's partition, file after file.
pub struct PartitionFrames {
    archive: Archive,
    of: Option<Competition>,
    files: std::vec::IntoIter<Place>,
    current: Option<Frames>,
    last: Option<EntryId>,
    from_start: bool,
}

impl PartitionFrames {
    fn next_file(&mut self) -> Option<Result<(), ArchiveError>> {
        let place = self.files.next()?;
        Some(self.archive.open(&place).and_then(|file| {
            follows(&place, file.content().after, self.last, self.from_start)?;
            self.current = Some(file.frames_of(self.of.as_ref())?);
            Ok(())
        }))
    }
}

/// Sees that a file goes on where the one before it ends.
pub(crate) fn follows(
    place: &Place,
    after: EntryId,
    last: Option<EntryId>,
    from_start: bool,
) -> Result<(), ArchiveError> {
    let begins = after == EntryId::default();
    let goes_on = match last {
        // A log's first file may stand behind imported history.
        Some(last) => after <= last || begins,
        None => begins || !from_start,
    };
    if goes_on {
        return Ok(());
    }
    Err(ArchiveError::Gap {
        folder: format!("{}, partition {:02},", place.holding.name(), place.partition),
        after: last.unwrap_or_default(),
        file: place.to_string(),
        goes_on: after,
    })
}

impl Iterator for PartitionFrames {
    type Item = Result<Frame, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(frame) = self.current.as_mut().and_then(Iterator::next) {
                match frame {
                    // Two files may overlap, after an owner that was paused went on.
                    Ok(frame) if self.last.is_some_and(|last| frame.id <= last) => {}
                    Ok(frame) => {
                        self.last = Some(frame.id);
                        return Some(Ok(frame));
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
            self.current = None;
            if let Err(error) = self.next_file()? {
                // Nothing more can be told in order.
                self.files = Vec::new().into_iter();
                return Some(Err(error));
            }
        }
    }
}
