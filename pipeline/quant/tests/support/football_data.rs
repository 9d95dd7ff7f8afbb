//! Reads a season of football-data.co.uk, as the real data hold it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use marabet_quant::walkforward::{History, Record, Stats};

use super::day_number;

/// One match of a season: the columns that the tests use.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) day: f64,
    pub(crate) home: String,
    pub(crate) away: String,
    pub(crate) goals: [u32; 2],
    columns: BTreeMap<&'static str, f64>,
}

/// The columns kept: half-time goals, shots, shots on target, corners, red cards, and Pinnacle's
/// odds before the match and at its close.
const COLUMNS: [&str; 16] = [
    "HTHG", "HTAG", "HS", "AS", "HST", "AST", "HC", "AC", "HR", "AR", "PSH", "PSD", "PSA", "PSCH",
    "PSCD", "PSCA",
];

impl Row {
    /// The number in a column, where there is one.
    pub(crate) fn get(&self, column: &str) -> Option<f64> {
        self.columns.get(column).copied()
    }

    /// The numbers in two columns, home then away.
    pub(crate) fn pair(&self, home: &str, away: &str) -> Option<[f64; 2]> {
        Some([self.get(home)?, self.get(away)?])
    }

    /// Three decimal odds, all above one.
    pub(crate) fn odds(&self, columns: [&str; 3]) -> Option<[f64; 3]> {
        let odds = [self.get(columns[0])?, self.get(columns[1])?, self.get(columns[2])?];
        odds.iter().all(|&price| price > 1.0).then_some(odds)
    }
}

/// The matches of a season, `1920` for 2019/20; none where the data hold no such file.
pub(crate) fn season(data: &Path, division: &str, season: &str) -> Vec<Row> {
    let folder = data.join("football_data_uk");
    let file = ["raw", "derived"]
        .map(|kind| folder.join(kind).join(division).join(format!("{season}.csv.gz")))
        .into_iter()
        .find(|path| path.exists());
    let Some(path) = file else { return Vec::new() };
    let mut text = Vec::new();
    let zipped = std::fs::File::open(&path).unwrap();
    flate2::read::GzDecoder::new(zipped).read_to_end(&mut text).unwrap();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_slice());
    let header: Vec<String> = reader
        .byte_headers()
        .unwrap()
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let mut rows: Vec<Row> =
        reader.byte_records().filter_map(|record| row(&header, &record.unwrap())).collect();
    rows.sort_by(|a, b| a.day.total_cmp(&b.day).then_with(|| a.home.cmp(&b.home)));
    rows
}

/// A match with its result; none for a line without one.
fn row(header: &[String], record: &csv::ByteRecord) -> Option<Row> {
    let text = |name: &str| {
        let place = header.iter().position(|column| column == name)?;
        let cell = String::from_utf8_lossy(record.get(place)?).trim().to_owned();
        (!cell.is_empty()).then_some(cell)
    };
    let goals = |name: &str| text(name)?.parse::<f64>().ok().map(|goals| goals as u32);
    let numbers = COLUMNS.iter().filter_map(|&name| Some((name, text(name)?.parse().ok()?)));
    let date: Vec<i64> = text("Date")?.split('/').filter_map(|part| part.parse().ok()).collect();
    let [day, month, year] = date[..] else { return None };
    let year = match year {
        0..70 => 2000 + year,
        70..100 => 1900 + year,
        _ => year,
    };
    Some(Row {
        day: day_number(year, month, day),
        home: text("HomeTeam")?,
        away: text("AwayTeam")?,
        goals: [goals("FTHG")?, goals("FTAG")?],
        columns: numbers.collect(),
    })
}

/// The matches of these divisions' seasons as a history, with Pinnacle's odds; `first` and `last`
/// are the years in which the seasons began.
pub(crate) fn history(data: &Path, divisions: &[&str], first: i32, last: i32) -> History {
    let mut records = Vec::new();
    for division in divisions {
        for year in first..=last {
            let name = format!("{:02}{:02}", year % 100, (year + 1) % 100);
            let rows = season(data, division, &name);
            records.extend(rows.into_iter().map(|row| record(division, year, row)));
        }
    }
    History::new(records).unwrap()
}

fn record(division: &str, season: i32, row: Row) -> Record {
    let pair = |home, away| row.pair(home, away).map(|counts| counts.map(|count| count as u32));
    let stats = Stats {
        half_time: pair("HTHG", "HTAG"),
        shots: pair("HS", "AS"),
        shots_on_target: pair("HST", "AST"),
        corners: pair("HC", "AC"),
        reds: pair("HR", "AR"),
    };
    let (pre_match, closing) =
        (row.odds(["PSH", "PSD", "PSA"]), row.odds(["PSCH", "PSCD", "PSCA"]));
    Record {
        league: division.to_owned(),
        season,
        day: row.day,
        home: row.home,
        away: row.away,
        goals: row.goals,
        stats,
        pre_match,
        closing,
    }
}
