//! Two programs over one log: shared evenly, handed over when one is asked to end.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Process, hold_server, json, marabet};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn over(folder: &Path) -> std::process::Command {
    let mut command = marabet();
    command.env("MARABET_LOG__FOLDER", folder).env("MARABET_NOTIFY__CONSOLE", "false");
    command
}

fn started(folder: &Path, words: &[&str]) -> Process {
    let mut command = over(folder);
    Process(command.args(words).stdout(Stdio::null()).spawn().unwrap())
}

/// How many partitions of both stages each owner has, fewest first.
pub(crate) fn shares(folder: &Path) -> Vec<usize> {
    let status = json(over(folder).arg("status"));
    let mut shares = std::collections::BTreeMap::<String, usize>::new();
    for stream in status["streams"].as_array().unwrap() {
        for group in stream["groups"].as_array().unwrap() {
            let stage = group["group"].as_str().unwrap();
            let live = group["lease_left_ms"].as_i64().is_some_and(|left| left > 0);
            if let (true, "predict" | "detect", Value::String(owner)) =
                (live, stage, &group["owner"])
            {
                *shares.entry(owner.clone()).or_default() += 1;
            }
        }
    }
    let mut shares: Vec<usize> = shares.into_values().collect();
    shares.sort_unstable();
    shares
}

fn ask_to_end(process: &Process) {
    let interrupt =
        std::process::Command::new("kill").args(["-INT", &process.0.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what} took too long");
        std::thread::sleep(Duration::from_millis(20));
    }
    began.elapsed()
}

#[test]
fn two_programs_share_the_partitions_and_one_that_is_asked_to_end_hands_over() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let mut server = Process(hold_server(over(folder)));
    let stages = ["run", "--stages", "predict,detect"];
    let mut first = started(folder, &stages);
    wait_for("the first to have all", || shares(folder) == [8]);
    let _second = started(folder, &stages);
    wait_for("the two to share", || shares(folder) == [4, 4]);
    let status = json(over(folder).arg("status"));
    assert_eq!(status["processes"].as_array().unwrap().len(), 2);

    ask_to_end(&first);
    // Its leases alone would hold the other off for five seconds.
    let took = wait_for("the second to have all", || shares(folder) == [8]);
    assert!(took < Duration::from_secs(4), "handed over after {took:?}");
    assert!(first.0.wait().unwrap().success(), "it ended as it was asked");
    let status = json(over(folder).arg("status"));
    assert_eq!(status["processes"].as_array().unwrap().len(), 1, "it has said that it goes");

    ask_to_end(&server);
    assert!(server.0.wait().unwrap().success());
    wait_for("the second to go on with the server", || shares(folder) == [8]);
}

#[test]
fn the_log_s_own_commands_say_what_they_did_and_what_they_would_not() {
    let home = tempfile::tempdir().unwrap();
    let level = json(over(home.path()).args(["log", "schema-level"]));
    assert_eq!((&level["schema_level"], &level["program_schema_level"]), (&1.into(), &1.into()));
    for (words, said) in [
        (["log", "schema-level", "9"].as_slice(), "upgrade it first"),
        (&["log", "drop-group", "feed", "nobody"], "feed has no group `nobody`"),
        (&["log", "reset-group", "fed", "nobody"], "there is no stream `fed`"),
    ] {
        let output = over(home.path()).args(words).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(said), "{error}");
    }
}

/// Whether a folder's private server answers.
pub(crate) fn is_served(folder: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(folder.join("redis/redis.sock")).is_ok()
}

#[test]
fn a_held_server_ends_with_the_command_whichever_way_that_is_asked() {
    for signal in ["-TERM", "-INT"] {
        let home = tempfile::tempdir().unwrap();
        let mut held = hold_server(over(home.path()));
        assert!(is_served(home.path()));
        let pid = held.id().to_string();
        std::process::Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(held.wait().unwrap().success());
        assert!(!is_served(home.path()), "the server goes on after {signal}");
    }
}
