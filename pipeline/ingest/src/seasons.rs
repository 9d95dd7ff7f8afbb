//! Finding seasons of football-data.co.uk in folders, and choosing those to stream.
//!
//! Nothing is hard-coded about where a season lies or what it has: the files are looked into.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use marabet_schemas::facts::Phase;
use marabet_schemas::{Book, Competition};

use crate::football_data::{self, FileError, FileReader, Loader, Standing, Timeline, Timing};
use crate::reject::Rejects;

/// How deep below a folder files are looked for.
const DEPTH_MAX: usize = 4;
/// How many files are looked at.
const FILES_MAX: usize = 20_000;
/// The share of matches of a season that must have what is asked of it.
const COVERAGE_MIN: f64 = 0.9;

/// One season of one competition in one file.
#[derive(Debug, Clone, PartialEq)]
pub struct SeasonFile {
    /// The file.
    pub path: PathBuf,
    /// The competition.
    pub competition: Competition,
    /// The season, `2024-25` or `2024`.
    pub season: String,
    /// Its matches.
    pub matches: usize,
    /// Those with a result.
    pub results: usize,
    /// The sides that play in it.
    pub sides: usize,
    /// Matches with pre-match prices of the reference book.
    pub reference_pre: usize,
    /// Matches with closing prices of the reference book.
    pub reference_closing: usize,
}

impl SeasonFile {
    /// Whether each side has played each other at home and away, and all matches but very few
    /// have a result.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let round_robin = self.sides * self.sides.saturating_sub(1);
        self.sides > 1 && self.results >= round_robin && self.results + 2 >= self.matches
    }

    /// Whether nearly all matches have pre-match and closing prices of the reference book.
    #[must_use]
    pub fn has_reference(&self) -> bool {
        let needed = COVERAGE_MIN * self.matches as f64;
        self.reference_pre as f64 >= needed && self.reference_closing as f64 >= needed
    }

    /// The year in which the season begins.
    #[must_use]
    pub fn begins(&self) -> i32 {
        self.season.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default()
    }
}

/// Which seasons are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The competition.
    pub competition: Competition,
    /// This season; the newest that serves where none is named.
    pub season: Option<String>,
    /// How many seasons before it, for training.
    pub before: usize,
    /// The book whose pre-match and closing prices the season must have.
    pub reference: Book,
}

impl Default for Wish {
    /// The English Premier League, three seasons before, Pinnacle.
    fn default() -> Self {
        Self { competition: "E0".into(), season: None, before: 3, reference: "pinnacle".into() }
    }
}

/// The seasons chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The season to stream.
    pub streamed: SeasonFile,
    /// The seasons before it, oldest first.
    pub before: Vec<SeasonFile>,
}

/// Why no seasons could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum SeasonsError {
    /// A folder cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// No file of the competition is there.
    #[error(
        "no file of {competition} among {files} CSV files in {places}; put the files of \
         football-data.co.uk there, such as {competition}/2425.csv"
    )]
    NoFile {
        /// What was looked for.
        competition: Competition,
        /// How many CSV files were found.
        files: usize,
        /// Where.
        places: String,
    },
    /// None of the seasons serves.
    #[error("no season of {competition} serves: {reasons}")]
    NoSeason {
        /// What was looked for.
        competition: Competition,
        /// Each season that was found and what it lacks.
        reasons: String,
    },
    /// A file that was chosen cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The CSV files in these places, compressed or not, each once, in the order of their paths.
///
/// A place is a file, a folder of files, or the root of a collection: of a folder that holds
/// `football_data_uk`, or `raw` and `derived`, only those are looked into.
///
/// # Errors
/// [`SeasonsError::Unreadable`].
pub fn find(places: &[PathBuf]) -> Result<Vec<PathBuf>, SeasonsError> {
    let mut files = BTreeSet::new();
    for place in places {
        let collection = place.join("football_data_uk");
        let root = if collection.is_dir() { collection } else { place.clone() };
        let parts: Vec<PathBuf> =
            ["raw", "derived"].iter().map(|part| root.join(part)).filter(|p| p.is_dir()).collect();
        for part in if parts.is_empty() { vec![root] } else { parts } {
            walk(&part, DEPTH_MAX, &mut files)
                .map_err(|error| SeasonsError::Unreadable { path: part.clone(), error })?;
        }
    }
    Ok(files.into_iter().collect())
}

fn walk(path: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    if files.len() >= FILES_MAX {
        return Ok(());
    }
    if path.is_dir() {
        if depth > 0 {
            for entry in path.read_dir()? {
                walk(&entry?.path(), depth - 1, files)?;
            }
        }
        return Ok(());
    }
    // A place that was named but does not exist is an error; within a folder it cannot occur.
    path.metadata()?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if name.ends_with(".csv") || name.ends_with(".csv.gz") {
        files.insert(path.to_owned());
    }
    Ok(())
}

/// The files of each competition. A file is of the competition that its name says, such as
/// `SP1/2425.csv`, else of that of its first row; files that are none of the site's are left out.
#[must_use]
pub fn by_competition(files: &[PathBuf]) -> BTreeMap<Competition, Vec<PathBuf>> {
    let mut found: BTreeMap<Competition, Vec<PathBuf>> = BTreeMap::new();
    for path in files {
        let named = football_data::competition_of_path(&path.to_string_lossy());
        let competition = named.or_else(|| {
            let first = football_data::first_record(path).ok().flatten();
            first.map(|record| record.competition)
        });
        if let Some(competition) = competition {
            found.entry(competition).or_default().push(path.clone());
        }
    }
    found
}

/// The seasons of a competition that these files hold; files of others are passed over, and so
/// are files that are none of the site's.
#[must_use]
pub fn survey(files: &[PathBuf], competition: &Competition, reference: &Book) -> Vec<SeasonFile> {
    let mut seasons = Vec::new();
    for path in files {
        // A name such as `SP1/2425.csv` spares opening the file of another competition.
        let named = football_data::competition_of_path(&path.to_string_lossy());
        if named.is_some_and(|named| named != *competition) {
            continue;
        }
        let first = football_data::first_record(path);
        if matches!(first, Ok(Some(record)) if record.competition == *competition) {
            seasons.extend(seasons_of(path, competition, reference));
        }
    }
    seasons
}

fn seasons_of(path: &Path, competition: &Competition, reference: &Book) -> Vec<SeasonFile> {
    let mut seasons: BTreeMap<String, (SeasonFile, BTreeSet<String>)> = BTreeMap::new();
    let Ok(mut reader) = FileReader::open(path) else { return Vec::new() };
    while let Ok(Some(record)) = reader.next_record(&mut Vec::new()) {
        if record.competition != *competition {
            continue;
        }
        let (season, sides) = seasons.entry(record.season.to_string()).or_insert_with(|| {
            let season = SeasonFile {
                path: path.to_owned(),
                competition: competition.clone(),
                season: record.season.to_string(),
                matches: 0,
                results: 0,
                sides: 0,
                reference_pre: 0,
                reference_closing: 0,
            };
            (season, BTreeSet::new())
        });
        season.matches += 1;
        season.results += usize::from(matches!(record.standing, Standing::Over { .. }));
        season.reference_pre += usize::from(record.match_odds_of(reference, Phase::Pre).is_some());
        season.reference_closing +=
            usize::from(record.match_odds_of(reference, Phase::Closing).is_some());
        sides.insert(record.home.to_string());
        sides.insert(record.away.to_string());
    }
    seasons
        .into_values()
        .map(|(season, sides)| SeasonFile { sides: sides.len(), ..season })
        .collect()
}

/// Chooses the season to stream and those before it: the newest that is complete and has the
/// reference's prices, with as many of the wanted seasons before it as there are, at least one.
///
/// # Errors
/// [`SeasonsError`], which says of each season that was found what it lacks.
pub fn choose(places: &[PathBuf], wish: &Wish) -> Result<Choice, SeasonsError> {
    let files = find(places)?;
    let mut by_year: BTreeMap<i32, SeasonFile> = BTreeMap::new();
    for season in survey(&files, &wish.competition, &wish.reference) {
        match by_year.get(&season.begins()) {
            // Of two files of a season the one with more results serves, of equals the first.
            Some(known) if known.results >= season.results => {}
            _ => drop(by_year.insert(season.begins(), season)),
        }
    }
    if by_year.is_empty() {
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        return Err(SeasonsError::NoFile {
            competition: wish.competition.clone(),
            files: files.len(),
            places: places.join(", "),
        });
    }
    let mut reasons = Vec::new();
    let mut best: Option<Choice> = None;
    for season in by_year.values().rev() {
        match serves(season, &by_year, wish) {
            Ok(choice)
                if best.as_ref().is_none_or(|best| best.before.len() < choice.before.len()) =>
            {
                best = Some(choice);
            }
            Ok(_) => {}
            Err(reason) => reasons.push(format!("{} {reason}", season.season)),
        }
    }
    best.ok_or_else(|| SeasonsError::NoSeason {
        competition: wish.competition.clone(),
        reasons: reasons.join("; "),
    })
}

fn serves(
    season: &SeasonFile,
    by_year: &BTreeMap<i32, SeasonFile>,
    wish: &Wish,
) -> Result<Choice, String> {
    if wish.season.as_ref().is_some_and(|wanted| *wanted != season.season) {
        return Err("is not the one asked for".to_owned());
    }
    if !season.is_complete() {
        let (results, sides) = (season.results, season.sides);
        return Err(format!("is not complete ({results} results of {sides} sides)"));
    }
    if !season.has_reference() {
        return Err(format!(
            "has prices of {} for only {} (pre-match) and {} (closing) of {} matches",
            wish.reference, season.reference_pre, season.reference_closing, season.matches
        ));
    }
    let years_before = (1..).map(|years| season.begins() - years).take(wish.before);
    let mut before: Vec<SeasonFile> = years_before
        .map_while(|year| by_year.get(&year).filter(|before| before.is_complete()).cloned())
        .collect();
    before.reverse();
    if before.is_empty() && wish.before > 0 {
        return Err("has no complete season before it to train on".to_owned());
    }
    Ok(Choice { streamed: season.clone(), before })
}

impl Choice {
    /// Reads the chosen seasons, and nothing else that stands in their files.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn load(&self, timing: Timing, rejects: &mut dyn Rejects) -> Result<Timeline, FileError> {
        let chosen: Vec<&SeasonFile> = self.before.iter().chain([&self.streamed]).collect();
        let paths: BTreeSet<&Path> = chosen.iter().map(|season| &*season.path).collect();
        let paths: Vec<&Path> = paths.into_iter().collect();
        let seasons: BTreeSet<&str> = chosen.iter().map(|season| &*season.season).collect();
        let mut loader = Loader::new(timing);
        loader.files(&paths, rejects)?;
        let mut timeline = loader.finish(rejects);
        timeline.retain(|a_match| {
            a_match.record.competition == self.streamed.competition
                && seasons.contains(a_match.key.season())
        });
        Ok(timeline)
    }
}
