//! Each stage killed in the middle of a season: the same bets as without.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Process, hold_server, json, marabet, run};

/// How long the line may take to catch up.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program over a log on a private server that outlives what is killed.
pub(crate) fn over(folder: &Path, prefix: &str) -> Command {
    let mut command = marabet();
    command
        .env("MARABET_LOG__FOLDER", folder)
        .env("MARABET_LOG__PREFIX", prefix)
        .env("MARABET_TRAINING__MATCHES_MIN", "60")
        .env("MARABET_NOTIFY__CONSOLE", "false")
        .env("MARABET_NOTIFY__FOLDER", folder.join(format!("alerts-{prefix}")))
        .env("MARABET_STRATEGIES__SHARP__EV_MIN", "0.02")
        .env("MARABET_STRATEGIES__SHARP__MAX_AGE_S", "86400")
        .env("MARABET_STRATEGIES__MODEL__FAIR", "model")
        .env("MARABET_STRATEGIES__MODEL__EV_MIN", "0.05")
        .env("MARABET_STRATEGIES__MODEL__MAX_AGE_S", "86400");
    command
}

fn stage(folder: &Path, prefix: &str, stage: &str) -> Process {
    let mut command = over(folder, prefix);
    command.args(["run", "--event-time", "--stages", stage]);
    Process(command.stderr(Stdio::null()).spawn().unwrap())
}

/// The private server, held open by a process of its own.
pub(crate) fn server(folder: &Path) -> Process {
    Process(hold_server(over(folder, "mb")))
}

pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what} took too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A simulated season and the half of one before it, one event a line.
pub(crate) fn season() -> Vec<u8> {
    let arguments = ["simulate", "--seed", "11", "--seasons", "2", "--teams", "8"];
    run(marabet().args(arguments)).stdout
}

pub(crate) fn status(folder: &Path, prefix: &str) -> Value {
    json(over(folder, prefix).arg("status"))
}

fn frames(status: &Value, stream: &str) -> u64 {
    let streams = status["streams"].as_array().unwrap().iter();
    streams.filter(|one| one["stream"] == stream).filter_map(|one| one["length"].as_u64()).sum()
}

/// Whether every stage has a group on its stream that has acknowledged everything.
pub(crate) fn caught_up(status: &Value) -> bool {
    let idle = |stream: &str, group: &str| {
        let streams = status["streams"].as_array().unwrap().iter();
        let groups = streams
            .filter(|one| one["stream"] == stream)
            .flat_map(|one| one["groups"].as_array().unwrap())
            .filter(|one| one["group"] == group);
        let found: Vec<bool> = groups.map(|one| one["lag"] == 0 && one["pending"] == 0).collect();
        !found.is_empty() && found.iter().all(|idle| *idle)
    };
    idle("feed", "predict")
        && idle("priced", "detect")
        && idle("bets", "portfolio")
        && idle("grants", "notify.file")
}

/// The alerts that were told, by bet.
pub(crate) fn told(folder: &Path, prefix: &str) -> Vec<String> {
    let path = folder.join(format!("alerts-{prefix}")).join("alerts.ndjson");
    let text = std::fs::read_to_string(path).unwrap();
    let mut bets: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let message: Value = serde_json::from_str(line).unwrap();
            // A report is of no one bet.
            Some(message["bet"].as_str()?.to_owned())
        })
        .collect();
    bets.sort();
    bets
}

#[test]
fn a_kill_of_each_stage_in_the_middle_of_a_season_changes_no_bet() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let _server = server(folder);
    let season = season();
    let events = folder.join("season.ndjson");
    std::fs::write(&events, &season).unwrap();

    let undisturbed = ["run", "--event-time", "--until-done", "--events"];
    run(over(folder, "calm").args(undisturbed).arg(&events));
    let expected = json(over(folder, "calm").args(["bets", "summary"]));
    assert!(expected["strategies"]["sharp"]["bets"].as_u64() > Some(20), "{expected}");
    assert!(expected["strategies"]["model"]["bets"].as_u64() > Some(20), "{expected}");

    let names = ["predict", "detect", "portfolio", "notify"];
    let mut stages: Vec<Process> = names.map(|name| stage(folder, "mb", name)).into();
    let mut feeding = over(folder, "mb")
        .args(["run", "--event-time", "--until-done", "--stages", "ingest", "--stdin"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = feeding.stdin.take().unwrap();
    let lines: Vec<&[u8]> = season.split_inclusive(|&byte| byte == b'\n').collect();
    let parts = lines.chunks(lines.len().div_ceil(2 * names.len() + 1));
    for (number, part) in parts.enumerate() {
        let before = frames(&status(folder, "mb"), "feed");
        input.write_all(&part.concat()).unwrap();
        input.flush().unwrap();
        // Every second part, the next stage dies while it works on what has just come.
        if let (1, Some(name)) = (number % 2, names.get(number / 2)) {
            wait_for("new facts", || frames(&status(folder, "mb"), "feed") > before);
            let place = number / 2;
            stages.remove(place).kill();
            stages.insert(place, stage(folder, "mb", name));
        }
    }
    drop(input);
    assert!(feeding.wait().unwrap().success());
    wait_for("catching up", || caught_up(&status(folder, "mb")));

    let found = json(over(folder, "mb").args(["bets", "summary"]));
    assert_eq!(found["bets_digest"], expected["bets_digest"]);
    assert_eq!(found["strategies"], expected["strategies"]);
    assert_eq!(found["facts"], expected["facts"]);
    let mut told = told(folder, "mb");
    told.dedup();
    assert_eq!(told, self::told(folder, "calm"), "each alert is told");
}

#[test]
fn a_source_that_is_killed_and_read_again_appends_each_fact_once() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let _server = server(folder);
    let events = folder.join("season.ndjson");
    std::fs::write(&events, season()).unwrap();
    let ingest = |prefix: &str| {
        let mut command = over(folder, prefix);
        command.args(["run", "--until-done", "--stages", "ingest", "--events"]).arg(&events);
        command
    };
    run(&mut ingest("calm"));
    let feed = |prefix: &str| {
        let tail = ["events", "tail", "feed", "-n", "1000000"];
        let tail = json(over(folder, prefix).args(tail));
        let mut events: Vec<String> = tail["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|placed| placed["event"]["t"] != "config.published/1")
            .map(|placed| {
                let partition = placed["address"].as_str().unwrap().split('/').next().unwrap();
                format!("{partition} {}", placed["event"])
            })
            .collect();
        // Stable: within a partition the order of the log stands.
        events.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
        events
    };
    let whole = feed("calm");
    let mut killed_midway = 0;
    // Each lives a little longer than the one before it, and goes on where that one was.
    for round in 1..=60 {
        let mut victim = Process(ingest("mb").stderr(Stdio::null()).spawn().unwrap());
        std::thread::sleep(Duration::from_millis(10 * round));
        let ended = victim.0.try_wait().unwrap().is_some();
        victim.kill();
        if ended {
            break;
        }
        killed_midway += u32::from((1..whole.len()).contains(&feed("mb").len()));
    }
    assert!(killed_midway > 0, "the source ended before it could be killed");
    run(&mut ingest("mb"));
    assert_eq!(feed("mb"), whole);
}
