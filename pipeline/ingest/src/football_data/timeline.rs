//! Many files as one line of events, in the order in which things became known.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::civil::{Date, Time};
use marabet_schemas::facts::{Fixture, FixtureStatus, MatchClosed, Phase};
use marabet_schemas::{
    ArtefactHash, ArtefactHasher, Body, Competition, Event, Instant, Known, MatchKey,
};
use rayon::prelude::*;

use super::SRC;
use super::file::{Counts, FileError, FileReader};
use super::instants::{Instants, Timing};
use super::record::{Record, Standing};
use crate::reject::{Reject, RejectKind, Rejects, Scope};

/// Collects the matches of files, finds duplicates, counts legs.
#[derive(Debug, Default)]
pub struct Loader {
    timing: Timing,
    /// The matches of each file in the order of their keys, each as if it were the sides' only one
    /// at this ground.
    lists: Vec<Vec<Match>>,
    /// The instants of the last row: many matches begin together.
    instants: Option<((Date, Option<Time>), Instants)>,
    counts: Counts,
    unknown_books: BTreeMap<String, String>,
    /// The hash of each file.
    hashes: BTreeMap<PathBuf, ArtefactHash>,
}

impl Loader {
    /// A loader whose instants follow this timing.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self { timing, ..Self::default() }
    }

    /// Reads a file, compressed with gzip or not, and returns what came of its rows. What cannot
    /// be used goes to `rejects`.
    ///
    /// # Errors
    /// [`FileError`] when the file is none of the site's; then nothing of it was taken.
    pub fn file(&mut self, path: &Path, rejects: &mut dyn Rejects) -> Result<Counts, FileError> {
        let name = path.display().to_string();
        let unreadable = |error| FileError::Unreadable { file: name.clone(), error };
        let mut bytes = Hashed::new(File::open(path).map_err(unreadable)?);
        let counts = self.read(FileReader::over(&name, &mut bytes)?, rejects)?;
        self.hashes.insert(path.to_owned(), bytes.finish());
        Ok(counts)
    }

    /// Reads files on all processors, with what [`Loader::file`] makes of one after another.
    ///
    /// # Errors
    /// The first [`FileError`], in the order of the files; nothing was taken of that file and of
    /// those behind it.
    pub fn files(
        &mut self,
        paths: &[impl AsRef<Path> + Sync],
        rejects: &mut dyn Rejects,
    ) -> Result<(), FileError> {
        let timing = self.timing;
        let read = paths.par_iter().map(|path| {
            let (mut part, mut found) = (Self::new(timing), Vec::new());
            let read = part.file(path.as_ref(), &mut found);
            (read, part, found)
        });
        for (read, part, found) in read.collect::<Vec<_>>() {
            found.into_iter().for_each(|reject| rejects.reject(reject));
            read?;
            self.counts += part.counts;
            self.lists.extend(part.lists);
            self.hashes.extend(part.hashes);
            for (code, file) in part.unknown_books {
                self.unknown_books.entry(code).or_insert(file);
            }
        }
        Ok(())
    }

    /// Reads bytes as a file of this name.
    ///
    /// # Errors
    /// As [`Loader::file`].
    pub fn bytes(
        &mut self,
        name: &str,
        bytes: &[u8],
        rejects: &mut dyn Rejects,
    ) -> Result<Counts, FileError> {
        self.read(FileReader::over(name, bytes)?, rejects)
    }

    fn read<R: std::io::BufRead>(
        &mut self,
        mut reader: FileReader<R>,
        rejects: &mut dyn Rejects,
    ) -> Result<Counts, FileError> {
        let mut matches = Vec::new();
        while let Some(record) = reader.next_record(rejects)? {
            matches.push(self.match_of(record));
        }
        let header = reader.header();
        for code in header.into_iter().flat_map(super::header::Header::unknown_books) {
            self.unknown_books.entry(code.clone()).or_insert_with(|| reader.file().to_owned());
        }
        let counts = reader.counts();
        self.counts += counts;
        // While they are at hand.
        sort(&mut matches);
        self.lists.push(matches);
        Ok(counts)
    }

    fn match_of(&mut self, record: Box<Record>) -> Match {
        let begins = (record.date, record.time);
        let instants = match self.instants {
            Some((of, instants)) if of == begins => instants,
            _ => Instants::of(record.date, record.time, self.timing),
        };
        self.instants = Some((begins, instants));
        let (key, steps) = (record.key.clone(), Steps::of(&record));
        Match { key, instants, steps, list: 0, record }
    }

    /// The hash of the files as one, by their content in the order of their names.
    #[must_use]
    pub fn fingerprint(&self) -> ArtefactHash {
        let hashes: String = self.hashes.values().map(|hash| format!("{hash}\n")).collect();
        ArtefactHash::of(hashes.as_bytes())
    }

    /// Codes of books that are not in the table, each with a file that has it.
    #[must_use]
    pub fn unknown_books(&self) -> &BTreeMap<String, String> {
        &self.unknown_books
    }

    /// The matches in the order of their keys, each once; a row that repeats another goes to
    /// `rejects`.
    pub fn finish(mut self, rejects: &mut dyn Rejects) -> Timeline {
        let mut matches = one_list(std::mem::take(&mut self.lists));
        matches.dedup_by(|a_match, last| {
            if last.key != a_match.key || last.record.date != a_match.record.date {
                return false;
            }
            // A match out of the list of coming ones stands in the season's file later.
            if last.record.standing == Standing::ToCome {
                std::mem::swap(last, a_match);
            }
            self.counts.take_back(&a_match.record);
            rejects.reject(duplicate(&a_match.record, &last.record));
            true
        });
        Timeline::new(matches, self.counts)
    }
}

/// Bytes whose hash is made as they are read.
struct Hashed<R> {
    bytes: R,
    hasher: ArtefactHasher,
}

impl<R: Read> Hashed<R> {
    fn new(bytes: R) -> Self {
        Self { bytes, hasher: ArtefactHasher::default() }
    }

    /// The hash of all bytes, also of those that nobody read.
    fn finish(mut self) -> ArtefactHash {
        // Of what cannot be read what could be.
        let _ = io::copy(&mut self, &mut io::sink());
        self.hasher.finish()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.hasher.update(&into[..read]);
        Ok(read)
    }
}

/// Sorted lists, in the order of the files, as one. Most files hold a season of a league, so that
/// their lists need only be laid end to end in the order of their first matches.
fn one_list(mut lists: Vec<Vec<Match>>) -> Vec<Match> {
    for (list, matches) in (0..).zip(&mut lists) {
        matches.iter_mut().for_each(|a_match| a_match.list = list);
    }
    lists.sort_by(|a, b| a.first().map(|first| &first.key).cmp(&b.first().map(|first| &first.key)));
    let mut matches = Vec::with_capacity(lists.iter().map(Vec::len).sum());
    lists.into_iter().for_each(|list| matches.extend(list));
    sort(&mut matches);
    matches
}

/// By sides, day, and the order of the files. The sort is stable, and does little where most are
/// in their order.
fn sort(matches: &mut [Match]) {
    matches
        .sort_by(|a, b| a.key.cmp(&b.key).then_with(|| (when(a), a.list).cmp(&(when(b), b.list))));
}

fn when(a_match: &Match) -> (Date, Option<Time>) {
    (a_match.record.date, a_match.record.time)
}

/// The key of a row's match, the sides' meeting of this number at this ground in the season.
fn key(record: &Record, leg: u8) -> MatchKey {
    let key = MatchKey::new(&record.competition, &record.season, &record.home, &record.away, leg);
    key.expect("the names of a record make a key: checked when it was read")
}

fn duplicate(record: &Record, first: &Record) -> Reject {
    Reject {
        file: record.file.clone(),
        line: record.line,
        column: None,
        value: None,
        kind: RejectKind::Duplicate,
        scope: Scope::Row,
        reason: format!("the match stands already in {} line {}", first.file, first.line),
        row: format!("{},{},{},{}", record.competition, record.date, record.home, record.away),
    }
}

/// A match of a timeline.
#[derive(Debug, Clone)]
pub struct Match {
    /// Its key, with the leg counted over all files.
    pub key: MatchKey,
    /// When things were known.
    pub instants: Instants,
    steps: Steps,
    /// Of which file it is, in their order.
    list: u32,
    /// The row.
    pub record: Box<Record>,
}

impl Match {
    /// When a step of its life takes place.
    fn at(&self, step: Step) -> Instant {
        let instants = &self.instants;
        match step {
            Step::Announced => instants.announced,
            Step::Closing => instants.closing,
            Step::KickOff => instants.kickoff,
            Step::Result => instants.result,
            // What never kicked off is given up.
            Step::Closed if self.steps.has(Step::KickOff) => instants.closed,
            Step::Closed => instants.given_up,
        }
    }

    /// Reads a little of all that is wanted to say what becomes known of it at a step.
    fn touch(&self, step: Step) -> usize {
        let of_record = match step {
            Step::Announced | Step::Closing => self.record.touch_prices(),
            Step::Result => self.record.touch_end(),
            Step::KickOff | Step::Closed => 0,
        };
        of_record + usize::from(self.key.as_str().as_bytes()[0])
    }

    /// What becomes known of it at a step.
    fn bodies_of(&self, step: Step, mut push: impl FnMut(Body)) {
        let (record, instants) = (&self.record, self.instants);
        let fixture = |status| Fixture {
            src: SRC,
            status,
            kickoff: instants.kickoff,
            neutral: false,
            minute: None,
            score: None,
        };
        match step {
            Step::Announced => {
                push(fixture(FixtureStatus::Scheduled).into());
                record.prices_at(Phase::Pre).for_each(push);
            }
            Step::Closing => record.prices_at(Phase::Closing).for_each(push),
            Step::KickOff => push(fixture(FixtureStatus::Live).into()),
            Step::Result => {
                record.result().into_iter().for_each(|result| push(result.into()));
                record.stats().into_iter().for_each(|stats| push(stats.into()));
            }
            Step::Closed => push(MatchClosed { src: SRC }.into()),
        }
    }
}

/// What becomes known of a match at one instant, in the order of a match's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The fixture and the pre-match prices.
    Announced,
    /// The closing prices.
    Closing,
    /// Kick-off.
    KickOff,
    /// The result and the statistics.
    Result,
    /// The end of its life.
    Closed,
}

impl Step {
    const ALL: [Self; 5] =
        [Self::Announced, Self::Closing, Self::KickOff, Self::Result, Self::Closed];
}

/// Which steps a match's life has, a bit each.
#[derive(Debug, Clone, Copy)]
struct Steps(u8);

impl Steps {
    fn of(record: &Record) -> Self {
        let is_over = matches!(record.standing, Standing::Over { .. });
        let has = |step| match step {
            Step::Announced => true,
            Step::Closing => record.has_prices_at(Phase::Closing),
            Step::KickOff => is_over,
            Step::Result => is_over || (record.may_end() && record.stats().is_some()),
            Step::Closed => record.may_end(),
        };
        let bits = Step::ALL.into_iter().filter(|&step| has(step)).map(|step| 1 << step as u8);
        Self(bits.sum())
    }

    fn has(self, step: Step) -> bool {
        self.0 & (1 << step as u8) != 0
    }
}

/// A step of a match in the order of all: its second, the match's index and the step, from the
/// highest bits on, so that one number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u64);

impl Place {
    const STEP_BITS: u32 = 3;
    /// More matches than were ever played.
    const INDEX_BITS: u32 = 27;
    /// Of a second, from the year 1697 to 2242.
    const SECOND_BITS: u32 = u64::BITS - Self::INDEX_BITS - Self::STEP_BITS;

    fn of(at: Instant, index: usize, step: Step) -> Self {
        assert!(index < 1 << Self::INDEX_BITS, "{index} matches at once");
        // The instants of the files are whole seconds.
        let second = at.micros() / 1_000_000 + (1 << (Self::SECOND_BITS - 1));
        assert!((0..1 << Self::SECOND_BITS).contains(&second), "{at} lies beyond all matches");
        let match_and_step = (index as u64) << Self::STEP_BITS | step as u64;
        Self(second.cast_unsigned() << (Self::INDEX_BITS + Self::STEP_BITS) | match_and_step)
    }

    /// Of the match.
    fn index(self) -> usize {
        (self.0 >> Self::STEP_BITS) as usize & ((1 << Self::INDEX_BITS) - 1)
    }

    fn step(self) -> Step {
        Step::ALL[self.0 as usize & ((1 << Self::STEP_BITS) - 1)]
    }
}

/// The matches of many files and the order in which things became known of them: by instant,
/// then by match, then by the order of a match's life.
///
/// The events are made as they are read: a season of prices lies here in a tenth of the memory
/// that its events take.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    matches: Vec<Match>,
    /// In their order, once someone asks for it.
    steps: OnceLock<Vec<Place>>,
    counts: Counts,
}

/// The matches of so many steps are looked at before it is said what becomes known of them. They
/// lie all over the memory, and it fetches many at once as quickly as one.
const AHEAD: usize = 32;

impl Timeline {
    /// From matches in the order of their sides and dates, whose legs are not yet counted.
    fn new(mut matches: Vec<Match>, counts: Counts) -> Self {
        let (mut first, mut leg) = (0, 1_u8);
        for index in 1..matches.len() {
            if matches[index].key == matches[first].key {
                leg = leg.saturating_add(1);
                matches[index].key = key(&matches[index].record, leg);
            } else {
                (first, leg) = (index, 1);
            }
        }
        // A tenth leg comes before the second.
        matches.sort_by(|a, b| a.key.cmp(&b.key));
        Self { matches, steps: OnceLock::new(), counts }
    }

    /// The steps of all matches, in their order.
    fn steps(&self) -> &[Place] {
        self.steps.get_or_init(|| self.order())
    }

    /// Orders the steps of all matches. The matches lie in the order of their keys.
    fn order(&self) -> Vec<Place> {
        let mut places = Vec::with_capacity(Step::ALL.len() * self.matches.len());
        for (index, a_match) in self.matches.iter().enumerate() {
            let has = |step: &Step| a_match.steps.has(*step);
            let place = |step| Place::of(a_match.at(step), index, step);
            places.extend(Step::ALL.into_iter().filter(has).map(place));
        }
        places.sort_unstable();
        places
    }

    /// Keeps only the matches for which this holds.
    pub fn retain(&mut self, keep: impl FnMut(&Match) -> bool) {
        self.matches.retain(keep);
        self.steps = OnceLock::new();
    }

    /// A timeline for each part, in which there are the matches that belong to it.
    #[must_use]
    pub fn split(self, parts: u16, part_of: impl Fn(&MatchKey) -> u16) -> Vec<Self> {
        let mut split = vec![Self { counts: self.counts, ..Self::default() }; usize::from(parts)];
        for a_match in self.matches {
            split[usize::from(part_of(&a_match.key))].matches.push(a_match);
        }
        split
    }

    /// The matches, in the order of their keys.
    #[must_use]
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// What came of the rows of the files, whatever was kept of them later.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Every event, in canonical order: by instant, by match, by ordinal within the match.
    #[must_use]
    pub fn events(&self) -> Events<&Self> {
        Events { timeline: self, next: 0, ready: VecDeque::new() }
    }

    /// As [`Timeline::events`], owning the timeline.
    #[must_use]
    pub fn into_events(self) -> Events<Self> {
        Events { timeline: self, next: 0, ready: VecDeque::new() }
    }

    /// Hands on every event, in canonical order, as they become known together.
    ///
    /// # Errors
    /// The first that comes back, after which nothing more is handed on.
    pub fn try_for_each<E>(
        &self,
        mut take: impl FnMut(Known<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut bodies = Vec::new();
        for steps in self.steps().chunks(AHEAD) {
            let ahead = steps.iter().map(|place| self.matches[place.index()].touch(place.step()));
            std::hint::black_box(ahead.sum::<usize>());
            for place in steps {
                let (a_match, step) = (&self.matches[place.index()], place.step());
                bodies.clear();
                a_match.bodies_of(step, |body| bodies.push(body));
                let (key, at) = (Some(&a_match.key), a_match.at(step));
                take(Known { key, at, assumed: true, bodies: &bodies })?;
            }
        }
        Ok(())
    }

    /// The competitions, with how many matches each has.
    #[must_use]
    pub fn competitions(&self) -> BTreeMap<Competition, usize> {
        let mut competitions = BTreeMap::new();
        for a_match in &self.matches {
            *competitions.entry(a_match.record.competition.clone()).or_default() += 1;
        }
        competitions
    }
}

impl AsRef<Timeline> for Timeline {
    fn as_ref(&self) -> &Timeline {
        self
    }
}

/// The events of a timeline.
#[derive(Debug, Clone)]
pub struct Events<T> {
    timeline: T,
    next: usize,
    ready: VecDeque<Event>,
}

impl<T: AsRef<Timeline>> Iterator for Events<T> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let timeline = self.timeline.as_ref();
        while self.ready.is_empty() {
            let place = timeline.steps().get(self.next)?;
            self.next += 1;
            let (a_match, step) = (&timeline.matches[place.index()], place.step());
            let (key, at) = (&a_match.key, a_match.at(step));
            a_match.bodies_of(step, |body| {
                self.ready.push_back(Event::of(key.clone(), at, body).assumed());
            });
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts() -> impl Strategy<Value = (i64, usize, Step)> {
        let seconds = -3_800_000_000_i64..7_300_000_000;
        (seconds, 0_usize..1 << Place::INDEX_BITS, prop::sample::select(&Step::ALL[..]))
    }

    proptest! {
        #[test]
        fn places_follow_each_other_as_their_parts_do(a in parts(), b in parts(), same in 0..3) {
            let b = match same {
                0 => b,
                1 => (a.0, b.1, b.2),
                _ => (a.0, a.1, b.2),
            };
            let place = |(second, index, step): (i64, usize, Step)| {
                Place::of(Instant::from_micros(1_000_000 * second), index, step)
            };
            prop_assert_eq!(place(a).cmp(&place(b)), a.cmp(&b));
            prop_assert_eq!((place(a).index(), place(a).step()), (a.1, a.2));
        }
    }
}
