//! Results from files of three forms: football-data.co.uk CSV, openfootball JSON, and plain CSV of
//! date, home, away, `home_goals`, `away_goals`; each compressed (`.gz`) too.
//!
//! A plain file may also hold the columns neutral, weight, exposure, and `home_NAME` and
//! `away_NAME` for each covariate that is asked for.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use marabet_ingest::football_data::{FileReader, Standing};
use marabet_ingest::{Reject, Scope};
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
    /// Whether it was on neutral ground.
    pub(crate) neutral: bool,
    /// How much it counts.
    pub(crate) weight: f64,
    /// The playing time in matches of ninety minutes.
    pub(crate) exposure: f64,
    /// Covariates of the home and of the away side, in the order asked for.
    pub(crate) covariates: [Vec<f64>; 2],
}

impl Row {
    fn plain(day: f64, home: String, away: String, goals: [u8; 2]) -> Self {
        let covariates = [Vec::new(), Vec::new()];
        Self { day, home, away, goals, neutral: false, weight: 1.0, exposure: 1.0, covariates }
    }
}

/// Reads the matches of a file that have a score, with these covariates.
pub(crate) fn read(file: &Path, covariates: &[String]) -> anyhow::Result<Vec<Row>> {
    let rows = match form(file) {
        Ok(Form::Plain(text)) => plain(&text, covariates),
        Ok(_) if !covariates.is_empty() => {
            Err(anyhow::anyhow!("covariates stand in plain CSV files alone, and this is none"))
        }
        Ok(Form::OpenFootball(text)) => openfootball(&text),
        Ok(Form::FootballData) => football_data(file),
        Err(error) => Err(error),
    };
    let rows = rows.with_context(|| file.display().to_string())?;
    ensure!(!rows.is_empty(), "{}: no match with a score in it", file.display());
    Ok(rows)
}

/// A day that is written as 2024-08-16 or 16/08/2024, in days since 1970-01-01.
pub(crate) fn day(date: &str) -> anyhow::Result<f64> {
    let by_slash: Vec<&str> = date.split('/').collect();
    let iso = match by_slash[..] {
        [day, month, year] if year.len() == 4 => format!("{year}-{month:0>2}-{day:0>2}"),
        _ => date.to_owned(),
    };
    let instant: marabet_schemas::Instant = format!("{iso}T00:00:00Z")
        .parse()
        .map_err(|_| anyhow::anyhow!("`{date}` is no date; write it as 2024-08-16"))?;
    Ok(instant.days())
}

/// The text of a file, unpacked where it is compressed.
pub(crate) fn text(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file)?;
    let mut unpacked = Vec::new();
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked)?;
        unpacked
    } else {
        bytes
    };
    let text = String::from_utf8(bytes).context("it is no UTF-8 text")?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

enum Form {
    OpenFootball(String),
    Plain(String),
    FootballData,
}

fn form(file: &Path) -> anyhow::Result<Form> {
    // Files of football-data.co.uk are not all UTF-8; their own reader knows what to make of that.
    let Ok(text) = text(file) else {
        std::fs::metadata(file)?;
        return Ok(Form::FootballData);
    };
    if text.trim_start().starts_with(['{', '[']) {
        return Ok(Form::OpenFootball(text));
    }
    let header = columns(text.lines().next().unwrap_or_default());
    let is_plain = PLAIN.iter().all(|wanted| header.iter().any(|name| name == wanted));
    Ok(if is_plain { Form::Plain(text) } else { Form::FootballData })
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

fn openfootball(text: &str) -> anyhow::Result<Vec<Row>> {
    let parsed: OpenFootball = serde_json::from_str(text).context("it is no openfootball JSON")?;
    let rounds = parsed.rounds.into_iter().flat_map(|round| round.matches);
    let mut rows = Vec::new();
    for one in parsed.matches.into_iter().chain(rounds) {
        let goals = match one.score {
            Some(OpenFootballScore::Periods { ft: Some(goals) })
            | Some(OpenFootballScore::FullTime(goals)) => goals,
            _ => continue,
        };
        let day = day(&one.date).with_context(|| format!("{} – {}", one.team1, one.team2))?;
        rows.push(Row::plain(day, one.team1, one.team2, goals));
    }
    Ok(rows)
}

const PLAIN: [&str; 5] = ["date", "home", "away", "home_goals", "away_goals"];

fn columns(header: &str) -> Vec<String> {
    header.split(',').map(|name| name.trim().trim_matches('"').to_lowercase()).collect()
}

fn plain(text: &str, covariates: &[String]) -> anyhow::Result<Vec<Row>> {
    let header = columns(text.lines().next().unwrap_or_default());
    let place = |name: &str| header.iter().position(|column| column == name);
    for name in covariates {
        for column in [format!("home_{name}"), format!("away_{name}")] {
            ensure!(place(&column).is_some(), "there is no column `{column}` for `{name}`");
        }
    }
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(str::is_empty) {
            continue;
        }
        ensure!(
            record.len() == header.len(),
            "line {line}: {} cells, expected {}",
            record.len(),
            header.len()
        );
        let cells = Cells { record: &record, place: &place };
        rows.push(cells.row(covariates).with_context(|| format!("line {line}"))?);
    }
    Ok(rows)
}

/// The cells of a plain row by their columns.
struct Cells<'a> {
    record: &'a csv::StringRecord,
    place: &'a dyn Fn(&str) -> Option<usize>,
}

impl Cells<'_> {
    /// What stands in a column; none where it is empty or there is no such column.
    fn get(&self, column: &str) -> Option<&str> {
        self.record.get((self.place)(column)?).filter(|cell| !cell.is_empty())
    }

    fn needed(&self, column: &str) -> anyhow::Result<&str> {
        self.get(column).with_context(|| format!("{column} is empty"))
    }

    fn number(&self, column: &str, missing: f64) -> anyhow::Result<f64> {
        self.get(column).map_or(Ok(missing), |cell| {
            cell.parse().with_context(|| format!("{column}: `{cell}` is no number"))
        })
    }

    fn goals(&self, column: &str) -> anyhow::Result<u8> {
        let cell = self.needed(column)?;
        cell.parse().with_context(|| format!("{column}: `{cell}` is no count"))
    }

    fn row(&self, covariates: &[String]) -> anyhow::Result<Row> {
        let neutral = match self.get("neutral").map(str::to_lowercase).as_deref() {
            None | Some("0" | "false" | "no" | "f" | "n") => false,
            Some("1" | "true" | "yes" | "t" | "y") => true,
            Some(other) => bail!("neutral: `{other}` is neither true nor false"),
        };
        let of_side = |side: &str| -> anyhow::Result<Vec<f64>> {
            let number = |name: &String| {
                let column = format!("{side}_{name}");
                self.needed(&column)?;
                self.number(&column, f64::NAN)
            };
            covariates.iter().map(number).collect()
        };
        Ok(Row {
            day: day(self.needed("date")?)?,
            home: self.needed("home")?.to_owned(),
            away: self.needed("away")?.to_owned(),
            goals: [self.goals("home_goals")?, self.goals("away_goals")?],
            neutral,
            weight: self.number("weight", 1.0)?,
            exposure: self.number("exposure", 1.0)?,
            covariates: [of_side("home")?, of_side("away")?],
        })
    }
}

fn football_data(file: &Path) -> anyhow::Result<Vec<Row>> {
    let mut reader = FileReader::open(file)?;
    let mut rows = Vec::new();
    let mut rejects: Vec<Reject> = Vec::new();
    while let Some(record) = reader.next_record(&mut rejects)? {
        if let Standing::Over { score, .. } = record.standing {
            let day = day(&record.date.to_string())?;
            rows.push(Row::plain(day, record.home.into(), record.away.into(), score));
        }
    }
    // What could not be used is told; the demo and `run` keep such rows.
    rejects.retain(|reject| reject.scope == Scope::Row);
    if let Some(first) = rejects.first() {
        tracing::warn!("{} rows could not be used, the first: {first}", rejects.len());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(suffix: &str, bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn read_text(suffix: &str, text: &str) -> anyhow::Result<Vec<Row>> {
        read(file(suffix, text.as_bytes()).path(), &[])
    }

    #[test]
    fn an_openfootball_file_gives_its_scored_matches() {
        let text = r#"{"name":"x","matches":[
            {"round":"1","date":"2011-08-13","team1":"A","team2":"B","score":{"ft":[2,1]}},
            {"round":"1","date":"2011-08-14","team1":"C","team2":"D"}]}"#;
        let rows = read_text(".json", text).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].day, rows[0].goals), (15199.0, [2, 1]));
    }

    #[test]
    fn a_plain_csv_gives_its_matches_and_names_a_bad_line() {
        let good = "date,home,away,home_goals,away_goals\n2011-08-13,A,B,0,3\n";
        assert_eq!(read_text(".csv", good).unwrap()[0].goals, [0, 3]);
        for (row, what) in [
            ("2011-08-14,A,B,x,3", "home_goals: `x` is no count"),
            ("2011-08-14,A,B,1,-3", "away_goals"),
            ("2011-08-14,A,B,1", "4 cells"),
            ("14.8.2011,A,B,1,3", "`14.8.2011` is no date"),
            ("2011-08-14,,B,1,3", "home is empty"),
        ] {
            let error = format!("{:#}", read_text(".csv", &format!("{good}{row}\n")).unwrap_err());
            assert!(error.contains("line 3") && error.contains(what), "{error}");
        }
    }

    #[test]
    fn columns_of_a_plain_csv_stand_in_any_order_and_may_say_more() {
        let text = "\u{feff}Away,Home,date,away_goals,home_goals,neutral,weight,home_rest,away_rest\n\
                    B,\"A, the first\",13/08/2011,3,0,yes,0.5,4,7\n\n";
        let plain = file(".csv", text.as_bytes());
        let rows = read(plain.path(), &["rest".to_owned()]).unwrap();
        assert_eq!((rows[0].home.as_str(), rows[0].day), ("A, the first", 15199.0));
        assert!(rows[0].neutral && rows[0].weight == 0.5 && rows[0].exposure == 1.0);
        assert_eq!(rows[0].covariates, [vec![4.0], vec![7.0]]);
        let missing = read(plain.path(), &["form".to_owned()]).unwrap_err();
        assert!(format!("{missing:#}").contains("home_form"), "{missing:#}");
    }

    #[test]
    fn a_compressed_plain_csv_is_read_too() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"date,home,away,home_goals,away_goals\n2011-08-13,A,B,0,3\n").unwrap();
        let rows = read(file(".csv.gz", &packed.finish().unwrap()).path(), &[]).unwrap();
        assert_eq!(rows[0].goals, [0, 3]);
    }
}
