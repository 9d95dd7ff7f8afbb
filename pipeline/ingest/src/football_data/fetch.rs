//! Fetching the files of seasons from the site, into a folder where they stay.
//!
//! Polite: one request at a time with a pause between two, a user agent that says who asks, and
//! no request for a file that is there and cannot change any more. All together takes no longer
//! than a bound, 10 s unless told otherwise; then it gives up and says why.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Moment};

use marabet_schemas::Competition;

use super::file::{FileError, FileReader};
use crate::clock;
use crate::http::{Client, HttpError, Reply, Validators};
use crate::seasons::{self, Choice, SeasonsError, Wish};

/// Where the files are, and how they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// The site, without a slash at its end.
    pub base_url: String,
    /// The folder in which files stay, as `2425/E0.csv`.
    pub cache: PathBuf,
    /// How long all requests together may take.
    pub time_max: Duration,
    /// Between two requests.
    pub pause: Duration,
}

/// The site.
pub const BASE_URL: &str = "https://www.football-data.co.uk";
/// The largest file that is taken; those of the site have less than a megabyte.
pub(super) const BYTES_MAX: u64 = 20 << 20;
/// How many seasons back a complete one is looked for.
const YEARS_BACK: i16 = 8;

impl FetchSettings {
    /// From the site itself, into this folder, within ten seconds.
    #[must_use]
    pub fn into_cache(cache: PathBuf) -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            cache,
            time_max: Duration::from_secs(10),
            pause: Duration::from_millis(200),
        }
    }
}

/// Why seasons could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The site did not answer as it should.
    #[error("cannot fetch seasons: {0}; give the files with --data, or check the network")]
    Http(#[from] HttpError),
    /// The time was used up.
    #[error(
        "cannot fetch seasons: {files} files came within {seconds:.0} s, the longest that this \
         may take; give the files with --data"
    )]
    Time {
        /// How many files came.
        files: usize,
        /// The bound.
        seconds: f64,
    },
    /// The site sent something else than the file.
    #[error("{url} is no file of results: {error}")]
    NoCsv {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        error: FileError,
    },
    /// The folder cannot be written.
    #[error("cannot write {path}: {error}")]
    Cache {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What was fetched does not serve.
    #[error(transparent)]
    Seasons(#[from] SeasonsError),
}

/// Fetches seasons.
#[derive(Debug)]
pub struct Fetcher {
    settings: FetchSettings,
    client: Client,
}

/// The requests that are still allowed.
struct Budget {
    ends: Moment,
    files: usize,
}

impl Fetcher {
    /// Fetches by these settings.
    #[must_use]
    pub fn new(settings: FetchSettings) -> Self {
        Self { settings, client: Client::new(BYTES_MAX) }
    }

    /// Fetches what the wish needs, from the season that begins in `newest_year` back, and
    /// chooses as [`seasons::choose`] does. Blocks, for at most as long as the settings say.
    ///
    /// Without the network it serves from what was fetched before.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn choose(&self, wish: &Wish, newest_year: i16) -> Result<Choice, FetchError> {
        let mut budget = Budget { ends: clock::moment() + self.settings.time_max, files: 0 };
        let place = [self.settings.cache.clone()];
        let mut failed = None;
        for year in (newest_year - YEARS_BACK..=newest_year).rev() {
            if let Err(error) = self.season(&wish.competition, year, newest_year, &mut budget) {
                failed = Some(error);
                break;
            }
            // What lies there from before serves only once the site was asked for newer seasons.
            match seasons::choose(&place, wish) {
                Ok(choice)
                    if choice.before.len() >= wish.before
                        && choice.streamed.begins() >= i32::from(year) =>
                {
                    return Ok(choice);
                }
                _ => {}
            }
        }
        match (seasons::choose(&place, wish), failed) {
            (Ok(choice), _) => Ok(choice),
            (Err(_), Some(error)) => Err(error),
            (Err(error), None) => Err(error.into()),
        }
    }

    /// Fetches one season, unless it is there. A season that the site does not have is none.
    fn season(
        &self,
        competition: &Competition,
        year: i16,
        newest_year: i16,
        budget: &mut Budget,
    ) -> Result<(), FetchError> {
        let folder = season_code(year);
        let path = self.settings.cache.join(&folder).join(format!("{competition}.csv"));
        // Seasons before the last one are over, and their files as they will be.
        if path.exists() && year < newest_year - 1 {
            return Ok(());
        }
        if budget.files > 0 {
            std::thread::sleep(self.settings.pause);
        }
        let left = budget.ends.saturating_duration_since(clock::moment());
        if left.is_zero() {
            let seconds = self.settings.time_max.as_secs_f64();
            return Err(FetchError::Time { files: budget.files, seconds });
        }
        let url = format!("{}/mmz4281/{folder}/{competition}.csv", self.settings.base_url);
        let known = if path.exists() { read_validators(&path) } else { Validators::default() };
        match self.client.get(&url, &known, left) {
            Ok(Reply::NotModified) => {}
            Ok(Reply::Body { bytes, validators }) => {
                check(&url, &bytes)?;
                write(&path, &bytes)?;
                let json = serde_json::to_vec(&validators).unwrap_or_default();
                write(&validators_path(&path), &json)?;
            }
            // A season that has not begun, or a league that was not there yet.
            Err(HttpError::Status { status: 404, .. }) => {}
            Err(error) => return Err(error.into()),
        }
        budget.files += 1;
        Ok(())
    }
}

/// The season that begins in a year, as the site names its folder: `2425`.
pub(super) fn season_code(year: i16) -> String {
    format!("{:02}{:02}", year.rem_euclid(100), (year + 1).rem_euclid(100))
}

/// Whether these bytes begin as a file of the site does. Sites answer with pages, too.
pub(super) fn check(url: &str, bytes: &[u8]) -> Result<(), FetchError> {
    let first = FileReader::over(url, bytes).and_then(|mut file| file.next_record(&mut Vec::new()));
    first.map(|_| ()).map_err(|error| FetchError::NoCsv { url: url.to_owned(), error })
}

fn validators_path(path: &Path) -> PathBuf {
    path.with_extension("validators.json")
}

fn read_validators(path: &Path) -> Validators {
    // Without them the whole file comes again, which is as good.
    let json = std::fs::read(validators_path(path)).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}

/// Writes a file so that it is whole or not there, whatever happens meanwhile.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let partial = path.with_extension("partial");
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&partial, bytes))
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(|error| FetchError::Cache { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_season_is_named_by_its_years() {
        assert_eq!([1993, 1999, 2024].map(season_code), ["9394", "9900", "2425"]);
    }
}
