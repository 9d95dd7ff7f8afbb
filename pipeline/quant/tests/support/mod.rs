//! Where the tests find real matches.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "support of tests, each of which uses its part"
)]

pub(crate) mod football_data;

use std::path::{Path, PathBuf};

use marabet_quant::goals::{Played, TrainingSet};

/// The folder of real data, or none: then the test says so, and fails where data are demanded.
pub(crate) fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("MARABET_DATA").map(PathBuf::from);
    if folder.is_none() {
        assert!(
            std::env::var_os("MARABET_DATA_DEMANDED").is_none(),
            "MARABET_DATA must be set in continuous integration"
        );
        eprintln!("skipped: MARABET_DATA is not set, so there are no real matches to fit");
    }
    folder
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
///
/// Counts years from March, so that the leap day is the last of its year.
pub(crate) fn day_number(year: i64, month: i64, day: i64) -> f64 {
    let march_year = if month <= 2 { year - 1 } else { year };
    let months = (month + 9) % 12;
    let leap_days =
        march_year.div_euclid(4) - march_year.div_euclid(100) + march_year.div_euclid(400);
    let days = 365 * march_year + leap_days + (153 * months + 2) / 5 + day - 1;
    (days - 719_468) as f64
}

/// The published numbers that the crate must reproduce.
pub(crate) fn published(data: &Path) -> serde_json::Value {
    read_json(&data.join("../conformance/published.json"))
}

fn read_json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The Premier League of 2011/12 as openfootball holds it: 380 matches.
pub(crate) fn premier_league_2011(data: &Path) -> TrainingSet {
    let season = read_json(&data.join("../conformance/data/openfootball_2011-12_en.1.json"));
    let mut builder = TrainingSet::builder();
    for played in season["matches"].as_array().unwrap() {
        let date: Vec<i64> =
            played["date"].as_str().unwrap().split('-').map(|part| part.parse().unwrap()).collect();
        let goals =
            |side: usize| u32::try_from(played["score"]["ft"][side].as_u64().unwrap()).unwrap();
        let (home, away) = (played["team1"].as_str().unwrap(), played["team2"].as_str().unwrap());
        let day = day_number(date[0], date[1], date[2]);
        builder.push(Played::new(day, home, away, goals(0), goals(1))).unwrap();
    }
    builder.build().unwrap()
}
