//! The program as a user runs it.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;
use std::process::{Command, Output};

use marabet_ingest::simulator::{Settings, Simulation};

/// What an answer says, whatever was asked.
const KEYS: [&str; 10] = [
    "quotes",
    "seconds",
    "quotes_per_s",
    "bets",
    "bets_digest",
    "yield",
    "yield_ci95",
    "clv_mean",
    "max_drawdown",
    "differences",
];

fn run(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_marabet-backtest"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("MARABET_DATA")
        .env_remove("MARABET_CONFIG")
        .output()
        .unwrap()
}

fn error(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let output = run(arguments, folder);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Seasons of a small league in the site's form.
fn write_seasons(folder: &Path, seasons: u8) {
    let settings = Settings { competition: "E9".into(), seasons, sides: 8, ..Settings::default() };
    Simulation::new(settings).unwrap().write_csv(folder).unwrap();
}

#[test]
fn a_run_answers_with_one_object_and_leaves_a_report_that_asks_nothing_of_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "run",
        "--simulate",
        "--strategies",
        "sharp,consensus",
        "--verify",
        "--json",
        "--out",
        "r",
    ];
    let output = run(&arguments, folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in KEYS {
        assert!(!answer[key].is_null(), "no `{key}` in {answer}");
    }
    assert_eq!(answer["differences"], 0);
    assert!(answer["bets"].as_u64().unwrap() > 0);
    let page = std::fs::read_to_string(folder.path().join("r/report.html")).unwrap();
    for asks in ["<script", "<link", "http://", "https://", "url(", "@import", "<img", "<iframe"] {
        assert!(!page.contains(asks), "the page holds `{asks}`");
    }
    assert!(page.contains("SIMULATED") && page.contains("<svg"));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("r/report.json")).unwrap())
            .unwrap();
    assert_eq!(report["bets_digest"], answer["bets_digest"]);

    // The same again gives the same bets.
    let again = run(&arguments, folder.path());
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["bets_digest"], answer["bets_digest"]);
}

#[test]
fn a_sweep_answers_with_the_same_keys_about_its_best_which_a_replay_confirms() {
    let folder = tempfile::tempdir().unwrap();
    write_seasons(&folder.path().join("data"), 3);
    let mut arguments = vec!["sweep", "--data", "data", "--no-models", "--trials", "200"];
    arguments.extend(["--verify", "--json"]);
    let output = run(&arguments, folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in KEYS {
        assert!(!answer[key].is_null(), "no `{key}` in {answer}");
    }
    assert_eq!((&answer["differences"], &answer["tried"]), (&0.into(), &200.into()));
    let page = std::fs::read_to_string(folder.path().join(".marabet/sweep/report.html")).unwrap();
    assert!(page.contains("What there was to choose from") && page.contains("By league"));
}

#[test]
fn bad_input_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_seasons(&at.join("data"), 1);
    std::fs::create_dir(at.join("empty")).unwrap();
    std::fs::create_dir(at.join("garbage")).unwrap();
    std::fs::write(at.join("garbage/E0.csv"), "this,is\nno,season\n").unwrap();
    std::fs::write(at.join("bad.toml"), "[strategies.a]\nev_mn = 1\n").unwrap();
    std::fs::write(at.join("file"), "").unwrap();
    for (arguments, code, says) in [
        (&["run", "--data", "nowhere"][..], 1, "nowhere"),
        (&["run", "--data", "empty"], 1, "--data"),
        (&["run", "--data", "garbage", "--leagues", "XX"], 1, "XX"),
        (&["run", "--data", "data", "--from", "2090"], 1, "in data in the seasons from 2090 on"),
        (&["sweep", "--data", "data", "--to", "1950"], 1, "seasons up to 1950: widen"),
        (&["run", "--data", "data", "--from", "2020", "--to", "2019"], 1, "after --to 2019"),
        (
            &["sweep", "--data", "data", "--no-models", "--trials", "99", "--split", "2001-07-01"],
            1,
            "no strategy bets before 2001-07-01",
        ),
        (&["run", "--simulate", "--config", "bad.toml"], 3, "line 2"),
        (&["run", "--simulate", "--config", "missing.toml"], 3, "missing.toml"),
        (&["run", "--simulate", "--strategies", "sharpe"], 3, "`sharpe`"),
        (&["run", "--simulate", "--rejected", "7"], 3, "frictions.rejected"),
        (&["run", "--simulate", "--strategies", "sharp", "--out", "file/x"], 1, "file/x"),
    ] {
        let (found, text) = error(arguments, at);
        assert_eq!(found, Some(code), "{arguments:?}: {text}");
        assert!(text.contains(says), "{arguments:?} says: {text}");
    }
    // What was named stands in nobody's way.
    let (found, text) = error(&["sweep", "--data", "data", "--no-models", "--trials", "3"], at);
    assert_eq!(found, Some(0), "{text}");
}
