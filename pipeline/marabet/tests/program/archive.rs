//! Archive, replay and import, as a user runs them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use marabet_archive::{Archive, Days, Holding};
use marabet_streams::Stream;
use serde_json::Value;

use crate::support::{Process, json, marabet, run, text};

fn over(folder: &Path) -> Command {
    let mut command = marabet();
    command.env("MARABET_LOG__FOLDER", folder);
    command
}

#[test]
fn a_demo_is_replayed_without_a_difference_and_a_changed_threshold_is_named() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("demo");
    let demo = json(marabet().args(["demo", "--simulate", "--folder"]).arg(&folder));

    let verified = json(over(&folder).args(["archive", "verify"]));
    assert_eq!(verified["faults"], serde_json::json!([]), "{verified}");
    let replay = json(over(&folder).args(["replay", "--verify"]));
    assert_eq!(replay["differences"], 0, "{replay}");
    assert!(replay["compared"].as_u64() > demo["facts"].as_u64(), "{replay}");
    assert_eq!(replay["bets_digest"], demo["bets_digest"]);
    assert_eq!(replay["quotes"], demo["quotes"]);
    assert_eq!(replay["grants"], demo["grants"]);
    assert_eq!(replay["strategies"], demo["strategies"]);
    assert!(replay["max_drawdown"].as_f64() > Some(0.0), "{replay}");

    let set = ["replay", "--verify", "--set", "strategies.sharp.ev_min=0.5"];
    let changed = json(over(&folder).args(set));
    assert!(changed["differences"].as_u64() > Some(0));
    let first = &changed["first_difference"];
    assert_eq!((&first["stream"], &first["live"]["t"]), (&"bets".into(), &"value_bet/1".into()));
    assert_eq!(first["live"]["strategy"], "sharp");
    let cause = first["cause"].as_str().unwrap();
    assert!(cause.contains("strategies.sharp.ev_min = 0.5"), "{cause}");

    run(over(&folder).args(["archive", "compact"]));
    let shadow = json(over(&folder).args(["replay", "--verify", "--into", "shadow"]));
    assert_eq!((&shadow["differences"], &shadow["bets_digest"]), (&0.into(), &demo["bets_digest"]));
    let again = over(&folder).args(["replay", "--into", "shadow"]).output().unwrap();
    assert!(text(&again).contains("holds a log already"), "{}", text(&again));
}

#[test]
fn a_range_without_facts_an_unknown_league_and_a_missing_archive_are_said_to_be_that() {
    let home = tempfile::tempdir().unwrap();
    let csv = home.path().join("csv");
    run(marabet().args(["simulate", "--seasons", "2", "--teams", "8", "--csv"]).arg(&csv));
    let missing = over(home.path()).args(["replay"]).output().unwrap();
    assert!(text(&missing).contains("marabet import"), "{}", text(&missing));

    let import = json(over(home.path()).args(["import", "football-data"]).arg(&csv));
    assert_eq!(import["matches"], 2 * 8 * 7, "{import}");
    assert!(import["bytes"].as_u64() > Some(0) && import["rejects"] == 0, "{import}");
    let replay = json(over(home.path()).args(["replay"]));
    assert_eq!(replay["rules_of_configuration"], true);
    assert!(replay["quotes"].as_u64() > Some(1_000), "{replay}");
    assert_eq!(replay["differences"], Value::Null);

    for (arguments, expected) in [
        (["--from", "2099-01-01"], "nothing to replay in this range"),
        (["--leagues", "ZZ"], "no league ZZ; it has"),
        (["--matches", "Nobody"], "no match of the archive is named `Nobody`"),
    ] {
        let output = over(home.path()).arg("replay").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{}", text(&output));
        assert!(text(&output).contains(expected), "{}", text(&output));
    }
    for (arguments, expected) in [
        (["--speed", "fast"], "60x"),
        (["--from", "yesterday"], "2024-08-16"),
        (["--set", "strategies.sharp.evmin=1"], "evmin"),
    ] {
        let output = over(home.path()).arg("replay").args(arguments).output().unwrap();
        assert!(!output.status.success() && text(&output).contains(expected), "{}", text(&output));
    }
}

/// The events of a stream as the log has them: address and JSON.
fn in_log(folder: &Path, stream: &str) -> BTreeMap<String, Value> {
    let tail = json(over(folder).args(["events", "tail", stream, "-n", "10000000"]));
    let events = tail["events"].as_array().unwrap().iter();
    let placed =
        |event: &Value| (event["address"].as_str().unwrap().to_owned(), event["event"].clone());
    events.map(placed).collect()
}

/// The same as the archive has them.
fn in_archive(archive: &Archive, stream: Stream) -> BTreeMap<String, Value> {
    let mut events = BTreeMap::new();
    let partitions = if stream == Stream::Grants { 1 } else { 4 };
    for partition in 0..partitions {
        let frames = archive.frames(&Holding::Stream(stream), partition, &Days::ALL).unwrap();
        for frame in frames.map(Result::unwrap) {
            for (index, event) in frame.events.iter().enumerate() {
                let address = format!("{partition}/{}/{index}", frame.id);
                let line = event.as_ref().unwrap().to_line();
                let before = events.insert(address.clone(), serde_json::from_str(&line).unwrap());
                assert!(before.is_none(), "{address} stands twice");
            }
        }
    }
    events
}

#[test]
fn an_archiver_killed_at_any_moment_leaves_an_archive_that_equals_the_log() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let _server = Process(over(folder).arg("redis").stdout(Stdio::null()).spawn().unwrap());
    while !over(folder).arg("status").output().unwrap().status.success() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let season = ["simulate", "--seed", "5", "--seasons", "1", "--teams", "8"];
    let season = run(marabet().args(season)).stdout;
    let events = folder.join("season.ndjson");
    std::fs::write(&events, season).unwrap();
    let archiver = || {
        let mut command = over(folder);
        command.env("MARABET_ARCHIVE__FILE_AGE_S", "0").args(["run", "--stages", "archive"]);
        Process(command.stderr(Stdio::null()).spawn().unwrap())
    };
    let line = ["run", "--event-time", "--until-done", "--stages"];
    let mut feeding = over(folder);
    feeding.args(line).args(["ingest,predict,detect,portfolio", "--events"]).arg(&events);
    let mut feeding = Process(feeding.stdout(Stdio::null()).spawn().unwrap());
    for round in 0..5_u64 {
        let victim = archiver();
        // Behind the durable horizon the first files come after two seconds.
        std::thread::sleep(Duration::from_millis(2_100 + 97 * round));
        drop(victim);
    }
    assert!(feeding.0.wait().unwrap().success());
    run(over(folder).args(["run", "--stages", "archive", "--until-done"]));

    let archive = Archive::at(folder.join("archive").to_str().unwrap()).unwrap();
    for stream in Stream::ALL {
        let (log, archived) = (in_log(folder, stream.name()), in_archive(&archive, stream));
        assert!(!log.is_empty() || stream == Stream::Grants, "{stream}");
        assert_eq!(archived.len(), log.len(), "{stream}");
        assert_eq!(archived, log, "{stream}");
    }
    let replay = json(over(folder).args(["replay", "--verify"]));
    assert_eq!(replay["differences"], 0, "{replay}");
}
