//! Where the facts of a backtest come from: a folder of files, an archive, or the simulator.
//!
//! Facts come a competition at a time: models and matches of one have nothing to do with those of
//! another, so competitions are walked side by side, and of a folder of twenty seasons no more
//! lies in memory than the competitions that are walked just now.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use marabet_archive::{Archive, ArchiveError, Days, EventsInTime, Holding};
use marabet_ingest::football_data::{FileError, Loader, Timing};
use marabet_ingest::seasons::{self, SeasonsError};
use marabet_ingest::simulator::{Settings, SettingsError, Simulation};
use marabet_ingest::{Reject, RejectCounts, Rejects};
use marabet_schemas::{ArtefactHash, Competition, Event, Kind};
use marabet_streams::Stream;

use crate::walk::Walked;

/// Where facts are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Files in a folder.
    Files,
    /// An archive.
    Archive,
    /// Files that were fetched.
    Fetched,
    /// The simulator.
    Simulated,
}

/// The facts of several competitions.
#[derive(Debug, Clone)]
pub struct History {
    /// Where they are from.
    pub origin: Origin,
    /// One a competition, the largest first.
    pub strands: Vec<Strand>,
    /// The folder, the archive, or what else holds them, for people.
    place: String,
    years: Years,
}

/// The facts of one competition, before they are read.
#[derive(Debug, Clone)]
pub struct Strand {
    /// Which.
    pub competition: Competition,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Files { paths: Vec<PathBuf>, years: Years },
    Archive { archive: Archive, hash: ArtefactHash, events: u64, years: Years },
    Simulated(Box<Settings>),
}

/// The seasons that are read, by the years in which they begin; all where open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Years {
    /// The first.
    pub from: Option<i32>,
    /// The last.
    pub to: Option<i32>,
}

impl std::fmt::Display for Years {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.from, self.to) {
            (None, None) => Ok(()),
            (Some(from), None) => write!(f, " in the seasons from {from} on"),
            (None, Some(to)) => write!(f, " in the seasons up to {to}"),
            (Some(from), Some(to)) => write!(f, " in the seasons from {from} to {to}"),
        }
    }
}

impl Years {
    fn take(self, season: &str) -> bool {
        let year: i32 = season.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default();
        self.from.is_none_or(|from| year >= from) && self.to.is_none_or(|to| year <= to)
    }
}

/// Why there are no facts.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A folder or file could not be read.
    #[error(transparent)]
    Seasons(#[from] SeasonsError),
    /// A file is none of the site's.
    #[error(transparent)]
    File(#[from] FileError),
    /// An archive could not be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The simulator's settings describe no league.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Nothing is left.
    #[error(
        "nothing of {wanted} in {place}; there is something of {found}: name others with \
         --leagues, or another place with --data or --archive"
    )]
    Empty {
        /// What was asked for.
        wanted: String,
        /// Where it was looked for.
        place: String,
        /// What is there.
        found: String,
    },
    /// Nothing is left of what is there.
    #[error(
        "there is no match of {leagues} in {place}{years}: widen --from and --to, or name other \
         leagues with --leagues"
    )]
    NoMatch {
        /// The competitions that are there, as far as they were asked for.
        leagues: String,
        /// Where they are.
        place: String,
        /// The seasons that were asked for.
        years: Years,
    },
}

/// What could not be read.
#[derive(Debug, Default)]
pub struct Unread {
    counts: RejectCounts,
    /// The first of them, for people.
    pub first: Vec<String>,
}

/// How many rejects are told one by one.
const TOLD_MAX: usize = 5;

impl Rejects for Unread {
    fn reject(&mut self, reject: Reject) {
        if self.first.len() < TOLD_MAX {
            self.first.push(reject.to_string());
        }
        self.counts.reject(reject);
    }
}

impl Unread {
    /// Rows and cells lost.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.rows_total() + self.counts.cells_total()
    }

    /// Adds what another counted.
    pub fn add(&mut self, other: Self) {
        let room = TOLD_MAX.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
        for (kind, count) in other.counts.rows {
            *self.counts.rows.entry(kind).or_default() += count;
        }
        for (kind, count) in other.counts.cells {
            *self.counts.cells.entry(kind).or_default() += count;
        }
    }
}

impl History {
    /// The files of these competitions (all where none is named) in a folder.
    ///
    /// # Errors
    /// [`HistoryError`] when the folder cannot be read or has no such file.
    pub fn in_folder(
        place: &Path,
        leagues: &[Competition],
        years: Years,
    ) -> Result<Self, HistoryError> {
        let files = seasons::find(std::slice::from_ref(&place.to_owned()))?;
        let by_competition = seasons::by_competition(&files);
        see_named(leagues, by_competition.keys(), || place.display().to_string())?;
        let mut strands: Vec<Strand> = by_competition
            .into_iter()
            .filter(|(competition, _)| leagues.is_empty() || leagues.contains(competition))
            .map(|(competition, paths)| Strand::files(competition, paths, years))
            .collect();
        strands.sort_by_key(|strand| std::cmp::Reverse(strand.size()));
        Ok(Self { origin: Origin::Files, strands, place: place.display().to_string(), years })
    }

    /// The facts of these competitions (all where none is named) in an archive.
    ///
    /// What users and the live line said is left out: models are trained anew, and rules are those
    /// of the set-up.
    ///
    /// # Errors
    /// [`HistoryError`] when the archive cannot be read or has nothing of them.
    pub fn in_archive(
        location: &str,
        leagues: &[Competition],
        years: Years,
    ) -> Result<Self, HistoryError> {
        let archive = Archive::at(location)?;
        archive.existing()?;
        let there = archive.leagues()?;
        see_named(leagues, there.events.keys(), || archive.name())?;
        let strand = |(competition, events)| {
            let source =
                Source::Archive { archive: archive.clone(), hash: there.hash, events, years };
            Strand { competition, source }
        };
        let mut strands: Vec<Strand> = there
            .events
            .into_iter()
            .filter(|(competition, _)| leagues.is_empty() || leagues.contains(competition))
            .map(strand)
            .collect();
        strands.sort_by_key(|strand| std::cmp::Reverse(strand.size()));
        Ok(Self { origin: Origin::Archive, strands, place: archive.name(), years })
    }

    /// These files of one competition, which were fetched.
    #[must_use]
    pub fn fetched(competition: Competition, paths: Vec<PathBuf>) -> Self {
        let years = Years::default();
        let strands = vec![Strand::files(competition, paths, years)];
        Self { origin: Origin::Fetched, strands, place: "the files fetched".into(), years }
    }

    /// A simulated league.
    #[must_use]
    pub fn simulated(settings: Settings) -> Self {
        let source = Source::Simulated(Box::new(settings));
        let strands = vec![Strand { competition: "SIM".into(), source }];
        let years = Years::default();
        Self { origin: Origin::Simulated, strands, place: "the simulation".into(), years }
    }

    /// Sees that there was something to walk through.
    ///
    /// # Errors
    /// [`HistoryError::NoMatch`] where no fact was.
    pub fn see_some(&self, walked: Walked) -> Result<(), HistoryError> {
        if walked.facts > 0 {
            return Ok(());
        }
        let leagues: Vec<&str> = self.strands.iter().map(|one| one.competition.as_str()).collect();
        let (place, years) = (self.place.clone(), self.years);
        Err(HistoryError::NoMatch { leagues: leagues.join(", "), place, years })
    }

    /// Does this work for every competition, several at once, and returns what came of it in the
    /// order of the competitions' codes.
    ///
    /// # Errors
    /// The first error, in that order.
    pub fn each<T: Send, E: Send>(
        &self,
        threads: usize,
        work: impl Fn(&Strand) -> Result<T, E> + Sync,
    ) -> Result<Vec<T>, E> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(self.strands.len()));
        std::thread::scope(|scope| {
            for _ in 0..threads.clamp(1, self.strands.len().max(1)) {
                scope.spawn(|| {
                    while let Some(strand) = self.strands.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let result = (strand.competition.clone(), work(strand));
                        done.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by(|(one, _), (other, _)| one.cmp(other));
        done.into_iter().map(|(_, result)| result).collect()
    }
}

/// Sees that there is something, and of every competition that is named.
fn see_named<'a>(
    leagues: &[Competition],
    there: impl Iterator<Item = &'a Competition>,
    place: impl FnOnce() -> String,
) -> Result<(), HistoryError> {
    let found: Vec<&str> = there.map(Competition::as_str).collect();
    let missing: Vec<&str> =
        leagues.iter().map(Competition::as_str).filter(|code| !found.contains(code)).collect();
    if !found.is_empty() && missing.is_empty() {
        return Ok(());
    }
    let wanted = if missing.is_empty() { "any competition".into() } else { missing.join(", ") };
    let found = if found.is_empty() { "none".into() } else { found.join(", ") };
    Err(HistoryError::Empty { wanted, place: place(), found })
}

impl Strand {
    fn files(competition: Competition, paths: Vec<PathBuf>, years: Years) -> Self {
        Self { competition, source: Source::Files { paths, years } }
    }

    /// What tells these facts from others: the files with their sizes, or the settings.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match &self.source {
            Source::Files { paths, years } => {
                let size = |path: &PathBuf| path.metadata().map_or(0, |found| found.len());
                let files: Vec<String> =
                    paths.iter().map(|path| format!("{} {}", path.display(), size(path))).collect();
                format!("{} {years:?} {}", self.competition, files.join(","))
            }
            Source::Archive { hash, years, .. } => format!("{} {years:?} {hash}", self.competition),
            Source::Simulated(settings) => format!("{settings:?}"),
        }
    }

    /// What tells the longer of two from the shorter, of one kind of source.
    fn size(&self) -> u64 {
        match &self.source {
            Source::Files { paths, .. } => {
                let sizes = paths.iter().filter_map(|path| path.metadata().ok());
                sizes.map(|metadata| metadata.len()).sum()
            }
            Source::Archive { events, .. } => *events,
            Source::Simulated(_) => 0,
        }
    }

    /// Reads the facts, in order.
    ///
    /// # Errors
    /// [`HistoryError`] for a file that is none of the site's, an archive that cannot be read, or
    /// settings that are none; what comes to light later is told by [`Facts::finish`].
    pub fn facts(&self, unread: &mut Unread) -> Result<Facts, HistoryError> {
        let events: Box<dyn Iterator<Item = Result<Event, HistoryError>>> = match &self.source {
            Source::Simulated(settings) => {
                let events: Vec<Event> = Simulation::new((**settings).clone())?.events().collect();
                Box::new(events.into_iter().map(Ok))
            }
            Source::Files { paths, years } => {
                let mut loader = Loader::new(Timing::default());
                loader.files(paths, unread)?;
                let mut timeline = loader.finish(unread);
                timeline.retain(|a_match| {
                    a_match.record.competition == self.competition
                        && years.take(a_match.key.season())
                });
                Box::new(timeline.into_events().map(Ok))
            }
            Source::Archive { archive, years, .. } => {
                let feed = Holding::Stream(Stream::Feed);
                let events = archive.events_of(&feed, &Days::ALL, Some(&self.competition))?;
                Box::new(archived(events, *years))
            }
        };
        Ok(Facts { events, failed: None })
    }
}

/// The facts of an archive's events, over some years.
fn archived(
    events: EventsInTime,
    years: Years,
) -> impl Iterator<Item = Result<Event, HistoryError>> {
    let is_wanted = move |event: &Event| {
        let of_season = event.key.as_ref().is_some_and(|key| years.take(key.season()));
        of_season && is_fact(event.kind())
    };
    events
        .map(|event| event.map_err(HistoryError::from))
        .filter(move |event| event.as_ref().map_or(true, is_wanted))
}

/// Whether it is what a source says of a match, and not what a user or a stage does.
fn is_fact(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Fixture
            | Kind::Named
            | Kind::Quote
            | Kind::Aggregate
            | Kind::Withdrawn
            | Kind::Seen
            | Kind::Stats
            | Kind::Incidents
            | Kind::LineUps
            | Kind::Absences
            | Kind::Standing
            | Kind::Result
            | Kind::MatchClosed
    )
}

/// Facts that are being read. They end where reading fails; whoever has taken them all asks
/// [`Facts::finish`] whether it did.
pub struct Facts {
    events: Box<dyn Iterator<Item = Result<Event, HistoryError>>>,
    failed: Option<HistoryError>,
}

impl Iterator for Facts {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.failed.is_some() {
            return None;
        }
        match self.events.next()? {
            Ok(event) => Some(event),
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }
}

impl Facts {
    /// Whether all of them could be read.
    ///
    /// # Errors
    /// Why not.
    pub fn finish(self) -> Result<(), HistoryError> {
        self.failed.map_or(Ok(()), Err)
    }
}
