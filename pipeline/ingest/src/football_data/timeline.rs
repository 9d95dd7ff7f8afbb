//! Many files as one line of events, in the order in which things became known.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use marabet_schemas::facts::{Fixture, FixtureStatus, MatchClosed, Phase};
use marabet_schemas::{Body, Competition, Event, Instant, MatchKey, Source};

use super::SOURCE;
use super::file::{Counts, FileError, FileReader};
use super::instants::{Instants, Timing};
use super::record::{Record, Standing};
use crate::reject::{Reject, RejectKind, Rejects, Scope};

/// Collects the matches of files, finds duplicates, counts legs.
#[derive(Debug, Default)]
pub struct Loader {
    timing: Timing,
    records: Vec<Record>,
    counts: Counts,
    unknown_books: BTreeMap<String, String>,
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
        self.read(FileReader::open(path)?, rejects)
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
        self.read(super::file::reader_of(name, bytes), rejects)
    }

    fn read<R: std::io::BufRead>(
        &mut self,
        mut reader: FileReader<R>,
        rejects: &mut dyn Rejects,
    ) -> Result<Counts, FileError> {
        let before = self.records.len();
        loop {
            match reader.next_record(rejects) {
                Ok(Some(record)) => self.records.push(record),
                Ok(None) => break,
                Err(error) => {
                    self.records.truncate(before);
                    return Err(error);
                }
            }
        }
        let header = reader.header();
        for code in header.into_iter().flat_map(super::header::Header::unknown_books) {
            self.unknown_books.entry(code.clone()).or_insert_with(|| reader.file().to_owned());
        }
        let counts = reader.counts();
        self.counts += counts;
        Ok(counts)
    }

    /// Codes of books that are not in the table, each with a file that has it.
    #[must_use]
    pub fn unknown_books(&self) -> &BTreeMap<String, String> {
        &self.unknown_books
    }

    /// The matches in the order of their keys, each once; a row that repeats another goes to
    /// `rejects`.
    pub fn finish(mut self, rejects: &mut dyn Rejects) -> Timeline {
        // The sort is stable: rows of one match and day stay in the order of the files.
        self.records.sort_by(|a, b| sides(a).cmp(&sides(b)).then_with(|| when(a).cmp(&when(b))));
        let records = std::mem::take(&mut self.records);
        let mut kept: Vec<Record> = Vec::with_capacity(records.len());
        for record in records {
            match kept.last_mut() {
                Some(last) if sides(last) == sides(&record) && last.date == record.date => {
                    // A match out of the list of coming ones stands in the season's file later.
                    let arrived = last.standing == Standing::ToCome;
                    let repeats = if arrived { std::mem::replace(last, record) } else { record };
                    self.counts.take_back(&repeats);
                    rejects.reject(duplicate(&repeats, last));
                }
                _ => kept.push(record),
            }
        }
        Timeline::new(kept, self.timing, self.counts)
    }
}

/// The two sides of a season, who may meet at this ground more than once.
fn sides(record: &Record) -> (&str, &str, &str, &str) {
    (record.competition.as_str(), &record.season, &record.home, &record.away)
}

fn when(record: &Record) -> (jiff::civil::Date, Option<jiff::civil::Time>) {
    (record.date, record.time)
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
    /// The row.
    pub record: Record,
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

/// The matches of many files and the order in which things became known of them: by instant,
/// then by match, then by the order of a match's life.
///
/// The events are made as they are read: a season of prices lies here in a tenth of the memory
/// that its events take.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    matches: Vec<Match>,
    steps: Vec<(Instant, u32, Step)>,
    counts: Counts,
}

impl Timeline {
    /// From records in the order of their sides and dates.
    fn new(records: Vec<Record>, timing: Timing, counts: Counts) -> Self {
        let mut matches: Vec<Match> = Vec::with_capacity(records.len());
        let mut leg = 0_u8;
        for record in records {
            let again = matches.last().is_some_and(|last| sides(&last.record) == sides(&record));
            leg = if again { leg.saturating_add(1) } else { 1 };
            let key =
                MatchKey::new(&record.competition, &record.season, &record.home, &record.away, leg);
            let key = key.expect("the names of a record make a key: checked when it was read");
            let instants = Instants::of(record.date, record.time, timing);
            matches.push(Match { key, instants, record });
        }
        matches.sort_by(|a, b| a.key.cmp(&b.key));
        let mut timeline = Self { matches, steps: Vec::new(), counts };
        timeline.order();
        timeline
    }

    /// Orders the steps of all matches. The matches lie in the order of their keys.
    fn order(&mut self) {
        self.steps.clear();
        // As many matches as rows fit into memory are far fewer than 2^32.
        for (index, a_match) in (0_u32..).zip(&self.matches) {
            let (instants, record) = (a_match.instants, &a_match.record);
            let mut step = |at, step| self.steps.push((at, index, step));
            step(instants.announced, Step::Announced);
            if record.has_prices_at(Phase::Closing) {
                step(instants.closing, Step::Closing);
            }
            match record.standing {
                Standing::ToCome => {}
                Standing::WithoutResult => {
                    if record.stats().is_some() {
                        step(instants.result, Step::Result);
                    }
                    step(instants.given_up, Step::Closed);
                }
                Standing::Over { .. } => {
                    step(instants.kickoff, Step::KickOff);
                    step(instants.result, Step::Result);
                    step(instants.closed, Step::Closed);
                }
            }
        }
        self.steps.sort_unstable();
    }

    /// Keeps only the matches for which this holds.
    pub fn retain(&mut self, keep: impl FnMut(&Match) -> bool) {
        self.matches.retain(keep);
        self.order();
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

    fn events_of(&self, (at, index, step): (Instant, u32, Step), out: &mut VecDeque<Event>) {
        let a_match = &self.matches[index as usize];
        let (record, instants) = (&a_match.record, a_match.instants);
        let mut push =
            |body: Body| out.push_back(Event::of(a_match.key.clone(), at, body).assumed());
        let src = Source::new(SOURCE);
        let fixture = |status| Fixture {
            src: Source::new(SOURCE),
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
            Step::Closed => push(MatchClosed { src }.into()),
        }
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
            let step = *timeline.steps.get(self.next)?;
            self.next += 1;
            timeline.events_of(step, &mut self.ready);
        }
        self.ready.pop_front()
    }
}
