//! Real seasons: the sharp strategy's bets are worth something by the closing line.
//!
//! Reads the files of football-data.co.uk under `MARABET_DATA`, and says so where they are not
//! there.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::Path;

use marabet_quant::devig::Method;
use marabet_schemas::bets::{RefusalReason, Settlement};
use marabet_schemas::facts::{Phase, ResultStatus};
use marabet_schemas::strategy::Strategy;
use marabet_schemas::{Event, Instant};
use support::{DAY, HOUR, Story, bets, priced, refusals, rules, settlements};

const BOOKS: [(&str, &str); 7] = [
    ("B365", "bet365"),
    ("BW", "bwin"),
    ("IW", "interwetten"),
    ("PS", "pinnacle"),
    ("WH", "william_hill"),
    ("VC", "betvictor"),
    ("BFE", "betfair_exchange"),
];

/// The quotes of a row, before the match and at its close.
fn quotes(row: &HashMap<&str, &str>) -> Vec<(&'static str, String, Vec<f64>, Phase)> {
    let numbers = |columns: &[String]| -> Option<Vec<f64>> {
        let odds = columns.iter().map(|column| row.get(&**column)?.parse().ok());
        odds.collect::<Option<Vec<f64>>>().filter(|odds| odds.iter().all(|odds| *odds > 1.0))
    };
    let mut quotes = Vec::new();
    for (phase, c) in [(Phase::Pre, ""), (Phase::Closing, "C")] {
        let line = row.get(&*format!("AH{c}h")).and_then(|line| line.parse::<f64>().ok());
        for (code, book) in BOOKS {
            let short = if code == "PS" { "P" } else { code };
            let results = ["H", "D", "A"].map(|side| format!("{code}{c}{side}"));
            let totals = [">", "<"].map(|side| format!("{short}{c}{side}2.5"));
            let handicap = ["AHH", "AHA"].map(|side| format!("{short}{c}{side}"));
            let mut add = |market: String, columns: &[String]| {
                let odds = numbers(columns);
                quotes.extend(odds.map(|odds| (book, market, odds, phase)));
            };
            add("1x2".to_owned(), &results);
            add("ou@2.5".to_owned(), &totals);
            if let Some(line) = line {
                add(format!("ah@{line}"), &handicap);
            }
        }
    }
    quotes
}

/// Plays a season's file, row by row, and returns what was derived.
fn season(path: &Path, years: &str, story: &mut Story) -> Vec<Event> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut derived = Vec::new();
    for line in lines {
        let row: HashMap<&str, &str> = header.iter().copied().zip(line.split(',')).collect();
        let cell = |name: &str| row.get(name).copied().unwrap_or_default();
        let (Ok(home), Ok(away)) = (cell("FTHG").parse(), cell("FTAG").parse()) else { continue };
        let date: Vec<&str> = cell("Date").split('/').collect();
        let [day, month, year] = date[..] else { continue };
        let noon: Instant = format!("{year}-{month}-{day}T12:00:00Z").parse().unwrap();
        let kickoff = noon.seconds_since(support::at(0)) as i64;
        let key = format!("{}|{years}|{}|{}|1", cell("Div"), cell("HomeTeam"), cell("AwayTeam"));
        story.of(&key).at(kickoff - DAY);
        story.fixture(marabet_schemas::facts::FixtureStatus::Scheduled, kickoff);
        for (book, market, odds, phase) in quotes(&row) {
            story.at(if phase == Phase::Pre { kickoff - DAY } else { kickoff - 60 });
            derived.extend(story.tell(priced(book, &market, &odds, phase)));
        }
        story.at(kickoff + 2 * HOUR);
        derived.extend(story.result(ResultStatus::Played, Some([home, away])));
        derived.extend(story.at(kickoff + 2 * DAY).closed());
    }
    derived
}

#[test]
fn the_sharp_strategys_bets_beat_the_closing_line_of_real_seasons() {
    let Some(data) = std::env::var_os("MARABET_DATA") else {
        assert!(
            std::env::var_os("MARABET_DATA_DEMANDED").is_none(),
            "set MARABET_DATA to the real data's folder"
        );
        println!("skipped: MARABET_DATA is not set");
        return;
    };
    let folder = Path::new(&data).join("football_data_uk/raw");
    let strategy = Strategy { devig: Method::Power, ..Strategy::default() };
    let mut story = Story::without_fixture(rules("sharp", strategy));
    let mut derived = Vec::new();
    for division in ["E0", "D1", "I1", "SP1"] {
        for years in ["2122", "2223", "2324"] {
            let path = folder.join(division).join(format!("{years}.csv.gz"));
            if path.exists() {
                derived.extend(season(&path, years, &mut story));
            }
        }
    }
    let mut refused: BTreeMap<RefusalReason, usize> = BTreeMap::new();
    for refusal in refusals(&derived) {
        *refused.entry(refusal.reason).or_default() += 1;
    }
    let settled = settlements(&derived);
    let mean = |of: &dyn Fn(&Settlement) -> f64| {
        settled.iter().map(|settled| of(settled)).sum::<f64>() / settled.len() as f64
    };
    let clv: Vec<f64> =
        settled.iter().filter_map(|settled| settled.clv.as_ref()).map(|clv| clv.value).collect();
    let mean_clv = clv.iter().sum::<f64>() / clv.len() as f64;
    let coverage = clv.len() as f64 / settled.len() as f64;
    let repriced = settled.iter().filter(|s| s.clv.as_ref().is_some_and(|c| c.repriced)).count();
    println!(
        "{} bets, {} settled, claimed {:.4}, yield {:.4}, clv {mean_clv:.4}, coverage {coverage:.3}, \
         {repriced} repriced, refused {refused:?}",
        bets(&derived).len(),
        settled.len(),
        mean(&|settled| settled.claimed_ev),
        mean(&|settled| settled.profit),
    );
    assert!(settled.len() > 100, "{} bets", settled.len());
    assert!(mean_clv > 0.0 && coverage > 0.9, "clv {mean_clv}, coverage {coverage}");
}
