//! Which facts the command line asks for: an archive's, a folder's, fetched ones, else a simulated
//! league's.

use std::path::PathBuf;

use marabet_backtest::clock;
use marabet_backtest::history::{History, Years};
use marabet_ingest::football_data::fetch::{FetchError, FetchSettings, Fetcher};
use marabet_ingest::seasons::{Choice, Wish};
use marabet_ingest::simulator::Settings;
use marabet_schemas::Competition;

use crate::cli::FactsArgs;

/// Seasons of the simulated league.
const SIMULATED: u8 = 6;

/// The facts that the arguments ask for.
pub(crate) fn find(arguments: &FactsArgs) -> anyhow::Result<History> {
    let years = Years { from: arguments.from, to: arguments.to };
    if let (Some(from), Some(to)) = (years.from, years.to) {
        anyhow::ensure!(
            from <= to,
            "--from {from} lies after --to {to}, so that there is no season between them: change \
             one of them"
        );
    }
    if arguments.simulate {
        return Ok(simulated(arguments));
    }
    if let Some(location) = &arguments.archive {
        return Ok(History::in_archive(location, &arguments.leagues, years)?);
    }
    if let Some(place) = &arguments.data {
        return Ok(History::in_folder(place, &arguments.leagues, years)?);
    }
    let competition =
        arguments.leagues.first().cloned().unwrap_or_else(|| Wish::default().competition);
    match fetched(&competition) {
        Ok(choice) => {
            let seasons = choice.before.iter().chain([&choice.streamed]);
            let paths = seasons.map(|season| season.path.clone()).collect();
            Ok(History::fetched(competition, paths))
        }
        Err(reason) => {
            tell_simulated(&reason);
            Ok(simulated(arguments))
        }
    }
}

fn simulated(arguments: &FactsArgs) -> History {
    History::simulated(Settings { seed: arguments.seed, seasons: SIMULATED, ..Settings::default() })
}

#[allow(clippy::print_stderr, reason = "a person should know why these are no real seasons")]
fn tell_simulated(reason: &FetchError) {
    eprintln!(
        "no real seasons: {reason}\n\
         a SIMULATED league follows; for real ones name a folder of football-data.co.uk files \
         with --data or MARABET_DATA"
    );
}

fn fetched(competition: &Competition) -> Result<Choice, FetchError> {
    let wish = Wish { competition: competition.clone(), ..Wish::default() };
    Fetcher::new(FetchSettings::into_cache(cache())).choose(&wish, clock::newest_season())
}

/// Where fetched files stay: in the user's cache folder, as for the demo.
fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    base.or_else(home).unwrap_or_else(std::env::temp_dir).join("marabet/football-data")
}
