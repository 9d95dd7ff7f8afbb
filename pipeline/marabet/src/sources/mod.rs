//! The sources of the configuration, opened: each with its client, its desk and the names that
//! all of them share.

mod check;
mod open;

pub(crate) use check::{Checked, check, cost};
pub(crate) use open::{Opening, Setup, names, open, precedence, set_up};

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use marabet_ingest::{RejectWriter, football_data};
use marabet_ingest::{api_football, betfair, openfootball, pinnacle, the_odds_api};

use crate::config::SourcesConfig;

/// A source that can be set up: its name, its table, and what it brings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// The name in facts.
    pub(crate) name: &'static str,
    /// The table in the configuration, behind `sources.`.
    pub(crate) table: &'static str,
    /// What it brings.
    pub(crate) brings: &'static str,
    /// It is read from its beginning to its end, and runs by itself.
    pub(crate) recorded: bool,
    /// What a look at it now and then brings; nothing where it is a file, or a stream that must be
    /// followed.
    pub(crate) looks: &'static [&'static str],
}

/// What looks at sources can bring.
pub(crate) const LOOKS: [&str; 4] = ["odds", "stats", "live", "teams"];

/// Every source that can be set up, files of prices apart.
pub(crate) const KNOWN: [Known; 8] = [
    Known {
        name: the_odds_api::SOURCE,
        table: "the_odds_api",
        brings: "prices of many books, scores",
        recorded: false,
        looks: &["odds", "live"],
    },
    Known {
        name: api_football::SOURCE,
        table: "api_football",
        brings: "fixtures, odds, live scores, line-ups, absences, statistics, results, tables",
        recorded: false,
        looks: &["odds", "stats", "live", "teams"],
    },
    Known {
        name: betfair::SOURCE,
        table: "betfair",
        brings: "the exchange, live",
        recorded: false,
        looks: &[],
    },
    Known {
        name: betfair::SOURCE,
        table: "betfair_files",
        brings: "the exchange's historical files",
        recorded: true,
        looks: &[],
    },
    Known {
        name: pinnacle::SOURCE,
        table: "pinnacle",
        brings: "Pinnacle's prices, or a feed of its form",
        recorded: false,
        looks: &["odds", "teams"],
    },
    Known {
        name: football_data::SOURCE,
        table: "football_data",
        brings: "coming matches, results, closing prices",
        recorded: false,
        looks: &["odds", "stats", "teams"],
    },
    Known {
        name: football_data::SOURCE,
        table: "football_data_files",
        brings: "results and closing prices of past seasons, from files",
        recorded: true,
        looks: &[],
    },
    Known {
        name: openfootball::SOURCE,
        table: "openfootball",
        brings: "fixtures and results from files",
        recorded: true,
        looks: &[],
    },
];

/// The tables that are set up.
pub(crate) fn set_up_tables(config: &SourcesConfig) -> Vec<String> {
    let is_set = |table: &str| match table {
        "the_odds_api" => config.the_odds_api.is_some(),
        "api_football" => config.api_football.is_some(),
        "betfair" => config.betfair.is_some(),
        "betfair_files" => config.betfair_files.is_some(),
        "pinnacle" => config.pinnacle.is_some(),
        "football_data" => config.football_data.is_some(),
        "football_data_files" => config.football_data_files.is_some(),
        "openfootball" => config.openfootball.is_some(),
        _ => false,
    };
    let known = KNOWN.iter().map(|known| known.table).filter(|table| is_set(table));
    let prices = config.prices.keys().map(|name| format!("prices.{name}"));
    known.map(str::to_owned).chain(prices).collect()
}

/// Whether a source is read from its beginning to its end.
pub(crate) fn is_recorded(table: &str, config: &SourcesConfig) -> bool {
    let past = table == "the_odds_api"
        && config.the_odds_api.as_ref().is_some_and(|one| one.from.is_some());
    let known = KNOWN.iter().find(|known| known.table == table);
    past || known.map_or(table.starts_with("prices."), |known| known.recorded)
}

/// Those of these tables that a look now and then is for, and that bring any of what is wanted;
/// whatever they bring where nothing is named.
pub(crate) fn looked_at(tables: Vec<String>, wanted: &[String]) -> Vec<String> {
    let brings = |table: &String| {
        let looks =
            KNOWN.iter().find(|known| known.table == table).map_or(&[][..], |one| one.looks);
        looks.iter().any(|one| wanted.is_empty() || wanted.iter().any(|wanted| wanted == one))
    };
    tables.into_iter().filter(brings).collect()
}

/// The file beside the log that keeps what could not be used, opened to write on.
pub(crate) fn rejects(folder: &Path) -> anyhow::Result<(PathBuf, RejectWriter<BufWriter<File>>)> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let path = folder.join("rejects.ndjson");
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.with_context(|| path.display().to_string())?;
    Ok((path, RejectWriter::new(BufWriter::new(file))))
}

/// What the sources keep beside the log.
pub(crate) fn kept(folder: &Path) -> PathBuf {
    folder.join("sources")
}

/// How the sources of a running process do.
pub(crate) fn standings_file(folder: &Path) -> PathBuf {
    kept(folder).join("standings.json")
}
