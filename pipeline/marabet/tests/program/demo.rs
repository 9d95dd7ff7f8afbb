//! The demo, as a user runs it.

use std::path::Path;

use crate::kills::wait_for;
use crate::share::is_served;
use crate::support::{json, marabet, real_data, run, text};
use serde_json::Value;

fn demo(folder: &Path, arguments: &[&str]) -> Value {
    json(marabet().arg("demo").args(arguments).arg("--folder").arg(folder))
}

/// The program over the log that a demo left behind.
fn over(folder: &Path) -> std::process::Command {
    let mut command = marabet();
    command.env("MARABET_LOG__FOLDER", folder);
    command
}

#[test]
fn a_simulated_season_flows_through_the_line_and_gives_the_same_bets_twice() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("demo");
    let first = demo(&log, &["--simulate", "--seed", "3"]);
    assert_eq!(first["origin"], "simulated");
    assert!(first["matches"].as_u64() >= Some(380), "{first}");
    assert!(first["quotes"].as_u64() >= Some(15_000), "{first}");
    assert_eq!(first["dead"], 0);
    assert_eq!(first["replay_differences"], 0);
    for strategy in ["sharp", "model"] {
        let strategy = &first["strategies"][strategy];
        assert!(strategy["bets"].as_u64() > Some(0), "{first}");
        let ended = strategy["settled"].as_u64().unwrap() + strategy["void"].as_u64().unwrap();
        assert_eq!(strategy["bets"].as_u64(), Some(ended), "every bet of a season ends");
        assert!(strategy["yield_ci95"][0].as_f64() < strategy["yield_ci95"][1].as_f64());
        assert!(strategy["clv_coverage"].as_f64() > Some(0.9), "{first}");
    }

    let again = demo(&log, &["--simulate", "--seed", "3"]);
    for same in ["facts", "quotes", "predictions", "bets_digest", "strategies", "rps", "log_loss"] {
        assert_eq!(first[same], again[same], "{same}");
    }
    let other = demo(&log, &["--simulate", "--seed", "4"]);
    assert_ne!(first["bets_digest"], other["bets_digest"]);
}

#[test]
fn the_log_of_a_demo_can_be_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("demo");
    let report = demo(&log, &["--simulate"]);

    let status = json(over(&log).arg("status"));
    let streams = status["streams"].as_array().unwrap();
    let groups: Vec<&Value> =
        streams.iter().flat_map(|stream| stream["groups"].as_array().unwrap()).collect();
    for stage in ["predict", "detect", "portfolio", "notify.console"] {
        let own: Vec<_> = groups.iter().filter(|group| group["group"] == stage).collect();
        assert!(!own.is_empty(), "{stage} has a group: {status}");
        assert!(own.iter().all(|group| group["lag"] == 0 && group["pending"] == 0), "{status}");
    }

    let summary = json(over(&log).args(["bets", "summary"]));
    assert_eq!(summary["bets_digest"], report["bets_digest"]);

    let list = json(over(&log).args(["bets", "list"]));
    for bet in list["bets"].as_array().unwrap().iter().step_by(40) {
        let why = json(over(&log).arg("why").arg(bet["bet"].as_str().unwrap()));
        multiplies_out(&why);
    }

    let today = json(over(&log).args(["bets", "today"]));
    assert_eq!(today["bets"].as_array().unwrap().len(), 0, "the season is over");
    let unknown = over(&log).args(["why", "0123456789abcdef"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(5), "{}", text(&unknown));
}

/// The numbers of a bet, redone from what its chain shows.
fn multiplies_out(why: &Value) {
    let bet = &why["bet"]["event"];
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let same = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}: {why}");
    };
    let [win, half_win, push, half_loss, loss] =
        [0, 1, 2, 3, 4].map(|place| number(&bet["fair"]["outcomes"][place]));
    let net = number(&bet["net_odds"]);
    same(win + half_win + push + half_loss + loss, 1.0);
    let ev = (net - 1.0) * (win + half_win / 2.0) - half_loss / 2.0 - loss;
    same(number(&bet["ev"]), ev);
    same(number(&why["arithmetic"]["ev"]), ev);

    assert_eq!(why["quote"]["event"]["book"], bet["book"], "{why}");
    let settlement = &why["settlements"][0];
    if let Some(clv) = settlement["clv"]["value"].as_f64() {
        same(clv, net * number(&settlement["clv"]["probability"]) - 1.0);
    }
    assert!(!why["config"].is_null(), "{why}");
    // A side that the model has never seen has no prediction, and then no model decided.
    assert_eq!(why["model"].is_null(), why["prediction"].is_null(), "{why}");
    let decided_by_model = bet["strategy"] == "model";
    assert!(!decided_by_model || why["model"]["event"]["training"]["matches"].is_u64(), "{why}");
}

#[test]
fn a_real_season_flows_through_the_line() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = data.display().to_string();
    let report = demo(&folder.path().join("demo"), &["--data", &data]);
    assert_eq!(report["origin"], "files");
    assert!(report["matches"].as_u64() >= Some(380), "{report}");
    assert!(report["quotes"].as_u64() >= Some(15_000), "{report}");
    assert!(report["aggregates"].as_u64() > Some(0));
    assert_eq!(report["replay_differences"], 0);
    assert!(report["strategies"]["sharp"]["bets"].as_u64() > Some(0), "{report}");
    // The closing odds know more than a plain model, in every season that was ever measured.
    assert!(report["rps"]["closing"].as_f64() < report["rps"]["model"].as_f64());
}

#[test]
fn the_seasons_of_a_demo_can_be_written_as_events() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made/season.ndjson");
    let written = json(marabet().args(["demo", "--simulate", "--write"]).arg(&file));
    let events = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written["facts"].as_u64(), Some(events.lines().count() as u64));
    assert!(events.lines().all(|line| line.starts_with("{\"t\":")), "one event a line");
}

#[test]
fn a_folder_that_no_demo_made_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::file(folder.path(), "precious.txt", "keep me");
    let output =
        marabet().args(["demo", "--simulate", "--folder"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(folder.path().join("precious.txt").exists());
}

#[test]
fn every_command_explains_itself() {
    for command in [
        &["demo"][..],
        &["run"],
        &["status"],
        &["dead"],
        &["config", "check"],
        &["events", "tail"],
        &["bets", "today"],
        &["why"],
        &["odds", "devig"],
        &["model", "fit"],
        &["simulate"],
    ] {
        let output = run(marabet().args(command).arg("--help"));
        assert!(text(&output).contains("Usage:"), "{command:?}");
    }
}

#[test]
fn a_demo_that_is_interrupted_takes_its_server_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("demo");
    let mut demo = marabet();
    demo.args(["demo", "--simulate", "--folder"]).arg(&log).stdout(std::process::Stdio::null());
    let demo = demo.stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_for("its server", || is_served(&log));
    let pid = demo.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let output = demo.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output));
    assert!(text(&output).contains("interrupted"), "{}", text(&output));
    assert!(!is_served(&log));
}
