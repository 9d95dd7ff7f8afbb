//! A match in play through the whole line, and again from the archive.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{file, json as said, marabet, real_data, run};

const KICKOFF_S: i64 = 1_776_520_800;
const RULES: &str = r#"
[books.pinnacle]
bettable = false
reference = true

[strategies.sharp]
fair = "sharp"
references = ["pinnacle"]
max_age_s = 7200

[strategies.running]
fair = "sharp"
references = ["pinnacle"]
in_play = true
max_age_s = 60
"#;

/// A match with a value price before it, another in play, a goal, and a third that is older than
/// the goal.
fn story() -> String {
    let event = |second: i64, kind: &str, mut body: Value| {
        body["t"] = json!(format!("{kind}/1"));
        body["k"] = json!("E0|2025-26|Wolves|Brighton|1");
        body["at"] = json!((KICKOFF_S + second) * 1_000_000);
        body["src"] = json!("own");
        body.to_string()
    };
    let kickoff = KICKOFF_S * 1_000_000;
    let fixture = |second, status: &str, minute: Value, score: Value| {
        let body = json!({"status": status, "kickoff": kickoff, "minute": minute, "score": score});
        event(second, "fixture", body)
    };
    let quote = |second, phase: &str, book: &str, odds: [f64; 2]| {
        let body = json!({"book": book, "market": "ou@2.5", "odds": odds, "phase": phase});
        event(second, "quote", body)
    };
    [
        fixture(-7200, "scheduled", Value::Null, Value::Null),
        quote(-3600, "pre", "pinnacle", [1.9, 1.95]),
        quote(-3590, "pre", "bet365", [2.1, 1.75]),
        fixture(600, "live", json!(10), json!([0, 0])),
        quote(610, "in_play", "pinnacle", [2.1, 1.75]),
        quote(620, "in_play", "bet365", [2.35, 1.6]),
        fixture(1200, "live", json!(20), json!([1, 0])),
        quote(1190, "in_play", "bwin", [2.5, 1.55]),
        quote(1205, "in_play", "unibet", [1.6, 2.3]),
        fixture(6600, "finished", Value::Null, Value::Null),
        event(6600, "result", json!({"status": "played", "score": [2, 1]})),
    ]
    .join("\n")
}

fn command(folder: &Path) -> std::process::Command {
    let mut command = marabet();
    let rules = file(folder, "rules.toml", RULES);
    command.env("MARABET_CONFIG", rules).env("MARABET_LOG__FOLDER", folder.join("log"));
    command
}

#[test]
fn a_match_in_play_is_bet_on_by_the_strategy_that_asks_for_it_and_replayed_without_a_difference() {
    let home = tempfile::tempdir().unwrap();
    let events = file(home.path(), "events.ndjson", &story());
    let line = ["run", "--event-time", "--until-done", "--stages"];
    run(command(home.path())
        .args(line)
        .args(["ingest,predict,detect,portfolio,archive", "--events"])
        .arg(&events));
    let tail = said(command(home.path()).args(["events", "tail", "bets", "-n", "1000"]));
    let all: Vec<&Value> =
        tail["events"].as_array().unwrap().iter().map(|placed| &placed["event"]).collect();
    let of = |kind: &str| -> Vec<&Value> {
        let tag = format!("{kind}/1");
        all.iter().copied().filter(|event| event["t"] == tag.as_str()).collect()
    };
    let bets: Vec<(&Value, &Value, &Value)> = of("value_bet")
        .into_iter()
        .map(|bet| (&bet["strategy"], &bet["odds"], &bet["in_play"]))
        .collect();
    let (before, running) = (json!("sharp"), json!("running"));
    let expected =
        [(&before, &json!(2.1), &Value::Null), (&running, &json!(2.35), &Value::Bool(true))];
    assert_eq!(bets, expected);
    let late = of("refused").into_iter().filter(|one| one["reason"] == "after_kickoff");
    assert!(late.count() > 0, "{all:?}");
    let settled = of("settlement");
    let of_strategy = |name: &str| {
        let one = settled.iter().find(|one| one["strategy"] == name).unwrap();
        (one["outcome"].clone(), one["clv"].is_null())
    };
    // The bet before the match is measured by Pinnacle's last price, that in play by none.
    assert_eq!((settled.len(), of_strategy("sharp")), (2, (json!("win"), false)));
    assert_eq!(of_strategy("running"), (json!("win"), true));

    let replay = said(command(home.path()).args(["replay", "--verify"]));
    assert_eq!(replay["differences"], 0, "{replay}");
    assert!(replay["compared"].as_u64() > Some(10), "{replay}");
}

#[test]
fn prices_in_play_of_a_real_capture_are_kept_and_nobody_bets_at_them_unasked() {
    let Some(data) = real_data() else { return };
    let capture = "betfair_stream/soccer/BASIC-1.159963367-MATCH_ODDS-Linfield-W-v-Crusaders-W.bz2";
    let home = tempfile::tempdir().unwrap();
    let files = format!("[\"{}\"]", data.join(capture).display());
    run(command(home.path())
        .env("MARABET_SOURCES__BETFAIR_FILES__FILES", files)
        .args(["run", "--source", "betfair_files", "--stages", "ingest,predict,detect"])
        .args(["--until-done", "--event-time", "--speed", "max"]));
    let tail = said(command(home.path()).args(["events", "tail", "priced", "-n", "100000"]));
    let in_play = |placed: &&Value| placed["event"]["quote"]["phase"] == "in_play";
    let count = tail["events"].as_array().unwrap().iter().filter(in_play).count();
    assert!(count > 0, "{count} prices in play");
    let bets = said(command(home.path()).args(["events", "tail", "bets", "-n", "1000"]));
    let is_bet = |placed: &&Value| placed["event"]["t"] == "value_bet/1";
    assert_eq!(bets["events"].as_array().unwrap().iter().filter(is_bet).count(), 0);
}
