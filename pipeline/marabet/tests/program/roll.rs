//! A roll: one version's process gives way to the next one's while facts come in.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::faces::{address_of, get, terminate};
use crate::kills::{caught_up, over, season, server, status, told, wait_for};
use crate::share::shares;
use crate::support::Process;
use crate::support::json;

/// Versions after the first.
const ROLLS: u32 = 3;
/// Facts a second, about.
const RATE: usize = 1_000;
/// How long a process may take to give back what it has.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// A lease that nobody gives back ends after five seconds. Where a roll takes as long, it was not
/// handed over.
const PAUSE_MAX_MS: f64 = 4_000.0;

/// A process that runs every stage, and says how it is doing.
struct Version {
    process: Process,
    address: String,
}

impl Version {
    fn start(folder: &Path) -> Self {
        let mut command = over(folder, "mb");
        command
            .args(["run", "--event-time", "--stages", "predict,detect,portfolio,notify,web"])
            .env("MARABET_WEB__ADDRESS", "127.0.0.1:0")
            .stderr(Stdio::piped());
        let mut process = Process(command.spawn().unwrap());
        let address = address_of(&mut process.0);
        Self { process, address }
    }

    /// What the stages of this process did.
    fn stages(&self) -> Value {
        let answer = get(&self.address, "/api/v1/stages");
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// The longest that any fact had to wait for what follows from it, in milliseconds.
    fn longest_ms(&self) -> f64 {
        let stages = self.stages();
        let latency = |stage| stages["stages"][stage]["latency"]["max_ms"].as_f64();
        ["predict", "detect"].into_iter().filter_map(latency).fold(0.0, f64::max)
    }
}

/// The events of a stream.
fn events(folder: &Path, stream: &str) -> Vec<Value> {
    let tail = json(over(folder, "mb").args(["events", "tail", stream, "-n", "1000000"]));
    tail["events"].as_array().unwrap().iter().map(|placed| placed["event"].clone()).collect()
}

#[test]
fn a_roll_under_load_loses_nothing_doubles_nothing_and_hands_over_at_once() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let _server = server(folder);
    let mut running = Version::start(folder);
    wait_for("the first version to have all", || shares(folder) == [8]);

    let mut feeding = over(folder, "mb")
        .args(["run", "--event-time", "--until-done", "--stages", "ingest", "--stdin"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = feeding.stdin.take().unwrap();
    let season = season();
    let facts = season.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count();
    let source = std::thread::spawn(move || {
        let began = Instant::now();
        let lines = season.split_inclusive(|&byte| byte == b'\n');
        for (number, line) in lines.enumerate() {
            let due = Duration::from_secs_f64(number as f64 / RATE as f64);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            input.write_all(line).unwrap();
        }
    });

    let (mut longest_ms, mut drained) = (0.0_f64, Duration::ZERO);
    for roll in 1..=ROLLS {
        let next = Version::start(folder);
        wait_for("both versions to work side by side", || shares(folder) == [4, 4]);
        assert!(!source.is_finished(), "roll {roll} had no load");
        longest_ms = longest_ms.max(running.longest_ms());
        drained = drained.max(terminate(&mut running.process.0));
        running = next;
        wait_for("the next version to have all", || shares(folder) == [8]);
    }
    source.join().unwrap();
    assert!(feeding.wait().unwrap().success());
    wait_for("catching up", || caught_up(&status(folder, "mb")));
    longest_ms = longest_ms.max(running.longest_ms());
    drained = drained.max(terminate(&mut running.process.0));
    eprintln!(
        "{ROLLS} rolls at {RATE} facts/s: longest pause {longest_ms:.0} ms, drained within {:.0} ms",
        drained.as_secs_f64() * 1e3
    );
    assert!(drained < DRAIN_MAX, "it took {drained:?} to give everything back");
    assert!(longest_ms < PAUSE_MAX_MS, "a fact waited {longest_ms} ms");

    // The feed holds what the source said, and what is derived is what follows from it: no event
    // is missing, and none is there twice.
    let published = |event: &&Value| event["t"].as_str().unwrap().contains(".published/");
    let fed = events(folder, "feed");
    assert_eq!(fed.iter().filter(|event| !published(event)).count(), facts);
    let shadow = json(over(folder, "mb").args(["shadow", "--until-done"]));
    assert_eq!(shadow["differences"], 0, "{shadow}");
    assert!(shadow["compared"].as_u64() > Some(facts as u64), "{shadow}");
    let name = |event: &Value| event["bet"].as_str().unwrap().to_owned();
    let bets = events(folder, "bets");
    let first = |event: &&Value| event["t"] == "value_bet/1" && event["revision"] == 0;
    let found: BTreeSet<String> = bets.iter().filter(first).map(name).collect();
    let grants = events(folder, "grants");
    // Later revisions change what is shown of a bet alone, and follow its grant.
    let granted: Vec<String> = grants
        .iter()
        .filter(|event| event["t"] == "grant/1" && event["value_bet"]["revision"] == 0)
        .map(|event| name(&event["value_bet"]))
        .collect();
    assert!(found.len() > 20, "{} bets", found.len());
    assert_eq!(granted.len(), found.len(), "each bet is granted once");
    assert_eq!(granted.into_iter().collect::<BTreeSet<_>>(), found);
    // An alert is told once, and changed at most as often as a later revision says something new.
    let told = told(folder, "mb");
    let mut open: Vec<String> = grants
        .iter()
        .filter(|event| event["t"] == "grant/1")
        .map(|event| name(&event["value_bet"]))
        .collect();
    for bet in &told {
        let place = open.iter().position(|one| one == bet);
        open.swap_remove(place.unwrap_or_else(|| panic!("{bet} was told once too often")));
    }
    let told: BTreeSet<String> = told.into_iter().collect();
    let staked = |event: &&Value| {
        event["t"] == "grant/1"
            && event["value_bet"]["revision"] == 0
            && event["stake"].as_f64() > Some(0.0)
    };
    for grant in grants.iter().filter(staked) {
        let bet = name(&grant["value_bet"]);
        assert!(told.contains(&bet), "{bet} was not told");
    }
}
