//! Results from files of three forms: football-data.co.uk CSV (`.gz` too), openfootball JSON, and
//! plain CSV of date, home, away, `home_goals`, `away_goals`.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use marabet_ingest::Reject;
use marabet_ingest::football_data::{FileReader, Standing};
use serde::Deserialize;

/// One match played.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Day of the match, in days since 1970-01-01.
    pub(crate) day: f64,
    /// The home side.
    pub(crate) home: String,
    /// The away side.
    pub(crate) away: String,
    /// Goals, home then away.
    pub(crate) goals: [u8; 2],
}

/// Reads the matches of a file that have a score.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<Row>> {
    let name = file.to_string_lossy().to_lowercase();
    let rows = if name.ends_with(".json") {
        openfootball(file)
    } else if is_plain(file)? {
        plain(file)
    } else {
        football_data(file)
    };
    let rows = rows.with_context(|| file.display().to_string())?;
    ensure!(!rows.is_empty(), "{}: no match with a score in it", file.display());
    Ok(rows)
}

fn day(date: &str) -> anyhow::Result<f64> {
    let midnight = format!("{date}T00:00:00Z");
    let instant: marabet_schemas::Instant = midnight
        .parse()
        .map_err(|_| anyhow::anyhow!("`{date}` is no date; write it as 2024-08-16"))?;
    Ok(instant.days())
}

#[derive(Deserialize)]
struct OpenFootball {
    #[serde(default)]
    matches: Vec<OpenFootballMatch>,
    #[serde(default)]
    rounds: Vec<OpenFootballRound>,
}

#[derive(Deserialize)]
struct OpenFootballRound {
    matches: Vec<OpenFootballMatch>,
}

#[derive(Deserialize)]
struct OpenFootballMatch {
    date: String,
    team1: String,
    team2: String,
    score: Option<OpenFootballScore>,
}

/// The score of a match: an object with the full-time goals, or the goals alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum OpenFootballScore {
    Periods { ft: Option<[u8; 2]> },
    FullTime([u8; 2]),
}

fn openfootball(file: &Path) -> anyhow::Result<Vec<Row>> {
    let parsed: OpenFootball = serde_json::from_slice(&std::fs::read(file)?)?;
    let rounds = parsed.rounds.into_iter().flat_map(|round| round.matches);
    let mut rows = Vec::new();
    for one in parsed.matches.into_iter().chain(rounds) {
        let goals = match one.score {
            Some(OpenFootballScore::Periods { ft: Some(goals) })
            | Some(OpenFootballScore::FullTime(goals)) => goals,
            _ => continue,
        };
        rows.push(Row { day: day(&one.date)?, home: one.team1, away: one.team2, goals });
    }
    Ok(rows)
}

const PLAIN_HEADER: [&str; 5] = ["date", "home", "away", "home_goals", "away_goals"];

fn is_plain(file: &Path) -> anyhow::Result<bool> {
    use std::io::Read;
    let mut head = [0; 64];
    let read = std::fs::File::open(file)
        .and_then(|mut file| file.read(&mut head))
        .with_context(|| file.display().to_string())?;
    Ok(head[..read].starts_with(PLAIN_HEADER.join(",").as_bytes()))
}

fn plain(file: &Path) -> anyhow::Result<Vec<Row>> {
    let text = std::fs::read_to_string(file)?;
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()).skip(1).filter(|(_, line)| !line.is_empty()) {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let [date, home, away, home_goals, away_goals] = cells[..] else {
            bail!("line {number}: {} cells, expected {}", cells.len(), PLAIN_HEADER.len());
        };
        let goals = |column: &str, text: &str| {
            text.parse().with_context(|| format!("line {number}, {column}: `{text}` is no count"))
        };
        rows.push(Row {
            day: day(date).with_context(|| format!("line {number}"))?,
            home: home.to_owned(),
            away: away.to_owned(),
            goals: [goals("home_goals", home_goals)?, goals("away_goals", away_goals)?],
        });
    }
    Ok(rows)
}

fn football_data(file: &Path) -> anyhow::Result<Vec<Row>> {
    let mut reader = FileReader::open(file)?;
    let mut rows = Vec::new();
    // A row without a usable score is passed over here; the demo and `run` keep such rows.
    let mut rejects: Vec<Reject> = Vec::new();
    while let Some(record) = reader.next_record(&mut rejects)? {
        if let Standing::Over { score, .. } = record.standing {
            let day = day(&record.date.to_string())?;
            rows.push(Row {
                day,
                home: record.home.into(),
                away: record.away.into(),
                goals: score,
            });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(suffix: &str, text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn an_openfootball_file_gives_its_scored_matches() {
        let text = r#"{"name":"x","matches":[
            {"round":"1","date":"2011-08-13","team1":"A","team2":"B","score":{"ft":[2,1]}},
            {"round":"1","date":"2011-08-14","team1":"C","team2":"D"}]}"#;
        let rows = read(file(".json", text).path()).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].day, rows[0].goals), (15199.0, [2, 1]));
    }

    #[test]
    fn a_plain_csv_gives_its_matches_and_names_a_bad_line() {
        let good = "date,home,away,home_goals,away_goals\n2011-08-13,A,B,0,3\n";
        assert_eq!(read(file(".csv", good).path()).unwrap()[0].goals, [0, 3]);
        let bad = format!("{good}2011-08-14,A,B,x,3\n");
        let error = format!("{:#}", read(file(".csv", &bad).path()).unwrap_err());
        assert!(error.contains("line 3, home_goals"), "{error}");
    }
}
