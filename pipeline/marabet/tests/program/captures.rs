//! Captures of the exchange through the whole line, as fast as it goes and in their own time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{file, json as said, marabet, real_data, run, text};

/// The facts that the line took in of these files at a speed, match by match in their order, and
/// how long it took.
fn taken(files: &[&Path], speed: &str) -> (BTreeMap<String, Vec<Value>>, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let command = || {
        let mut command = marabet();
        command
            .env("MARABET_LOG__FOLDER", folder.path())
            .env("MARABET_SOURCES__BETFAIR_FILES__FILES", format!("{files:?}"));
        command
    };
    let began = Instant::now();
    run(command()
        .args(["run", "--source", "betfair_files", "--stages", "ingest,predict,detect"])
        .args(["--until-done", "--event-time", "--speed", speed]));
    let elapsed = began.elapsed();
    let tail = said(command().args(["events", "tail", "priced", "-n", "10000000"]));
    let mut of_matches: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for placed in tail["events"].as_array().unwrap() {
        let event = &placed["event"];
        if let Some(key) = event["k"].as_str() {
            of_matches.entry(key.to_owned()).or_default().push(event.clone());
        }
    }
    (of_matches, elapsed)
}

/// What an event says, in short: `42 quote pre [3.3, 3.5, 2.1]`, by its minute.
fn short(event: &Value, first_us: i64) -> String {
    let kind = event["t"].as_str().unwrap().split('/').next().unwrap();
    let minute = (event["at"].as_i64().unwrap() - first_us) / 60_000_000;
    let detail = match &event["quote"] {
        Value::Null => event["status"].as_str().unwrap_or_default().to_owned(),
        quote => format!("{} {}", quote["phase"].as_str().unwrap_or("pre"), quote["odds"]),
    };
    format!("{minute} {kind} {detail}").trim_end().to_owned()
}

#[test]
fn two_hundred_markets_in_their_own_time_bring_what_they_bring_at_full_speed() {
    let Some(data) = real_data() else { return };
    let capture = "betfair_stream/soccer/SELF-2025-05-07-200-football-markets-1.242971311.bz2";
    let path = data.join(capture);
    let (at_once, _) = taken(&[&path], "max");
    // 140 matches, 13 h 38 min of them.
    let (in_time, elapsed) = taken(&[&path], "10000x");
    assert!(elapsed >= Duration::from_millis(4_907), "{elapsed:?}");
    assert_eq!(at_once.len(), 140);
    let events: usize = at_once.values().map(Vec::len).sum();
    assert!(events > 1_000, "{events}");
    assert!(at_once == in_time, "the same capture brought other facts in its own time");
}

#[test]
fn suspensions_and_kick_offs_of_a_capture_hold_in_its_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "1.1", &capture());
    let (at_once, _) = taken(&[&path], "max");
    // Two hours in two seconds.
    let (in_time, elapsed) = taken(&[&path], "3600x");
    assert!(elapsed >= Duration::from_millis(1_900), "{elapsed:?}");
    assert!(at_once == in_time, "the same capture brought other facts in its own time");
    let events = at_once.values().next().unwrap();
    let first_us = FIRST_MS * 1_000;
    let told: Vec<String> = events.iter().map(|event| short(event, first_us)).collect();
    let expected = [
        "0 named",
        "0 fixture scheduled",
        "0 priced pre [3.4,3.5,2.1]",
        // Suspended: nothing can be bet until it opens again.
        "3 withdrawn",
        "5 priced pre [3.35,3.5,2.1]",
        // Kick-off: what stood last is the closing price, and no price stands on from before.
        "60 fixture live",
        "60 priced closing [3.35,3.5,2.1]",
        "60 withdrawn",
        "60 priced in_play [3.35,3.5,2.1]",
        "115 withdrawn",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_capture_whose_names_nobody_knows_says_that_they_wait_for_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let unknown = capture().replace("Wolves", "home34258228").replace("Brighton", "away34258228");
    let path = file(folder.path(), "1.1", &unknown);
    let log = folder.path().join("log");
    let ran = run(marabet()
        .args(["run", "--source", "betfair_files", "--stages", "ingest", "--until-done"])
        .args(["--event-time"])
        .env("MARABET_LOG__FOLDER", &log)
        .env("MARABET_SOURCES__BETFAIR_FILES__COMPETITION", "E0")
        .env("MARABET_SOURCES__BETFAIR_FILES__FILES", format!("{:?}", [path])));
    assert!(text(&ran).contains("2 names of sides wait for an answer"), "{}", text(&ran));
    let asked = said(marabet().args(["names", "review"]).env("MARABET_LOG__FOLDER", &log));
    assert!(asked.to_string().contains("home34258228"), "{asked}");
}

/// When the capture below begins.
const FIRST_MS: i64 = 1_776_517_200_000;

/// A market of the exchange that is suspended once before the match, and closes after it.
fn capture() -> String {
    let runner = |id: u64, priority: u32, name: &str| json!({"id": id, "sortPriority": priority, "name": name, "status": "ACTIVE"});
    let runners = [runner(1, 1, "Wolves"), runner(2, 2, "Brighton"), runner(58_805, 3, "The Draw")];
    let message = |minute: i64, state: Option<(&str, bool)>, rc: Value| {
        let mut change = json!({"id": "1.1", "rc": rc});
        if let Some((status, in_play)) = state {
            change["marketDefinition"] = json!({"eventId": "77", "eventTypeId": "1",
                "marketType": "MATCH_ODDS", "status": status, "inPlay": in_play,
                "marketTime": "2026-04-18T14:00:00.000Z", "name": "Match Odds",
                "eventName": "Wolves v Brighton", "runners": runners});
        }
        let published = FIRST_MS + minute * 60_000;
        json!({"op": "mcm", "clk": "x", "pt": published, "mc": [change]}).to_string()
    };
    let prices = json!([{"id": 1, "atb": [[3.4, 20]]}, {"id": 2, "atb": [[2.1, 10]]},
                        {"id": 58_805, "atb": [[3.5, 5]]}]);
    [
        message(0, Some(("OPEN", false)), prices),
        message(3, Some(("SUSPENDED", false)), json!([])),
        // A price that moves while it is suspended is no offer.
        message(4, None, json!([{"id": 1, "atb": [[3.4, 0], [3.35, 60]]}])),
        message(5, Some(("OPEN", false)), json!([])),
        message(60, Some(("OPEN", true)), json!([])),
        message(115, Some(("SUSPENDED", true)), json!([])),
        message(120, Some(("CLOSED", true)), json!([])),
    ]
    .join("\n")
}
