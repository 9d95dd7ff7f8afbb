//! What a user gets wrong, and what the world does: a clear word, a code, and nothing lost.

use std::io::Write;
use std::process::Stdio;

use crate::support::{file, json, marabet, run, text};

const FIXTURE: &str = r#"{"t":"fixture/1","k":"E0|2024-25|A|B|1","at":1,"src":"t","status":"scheduled","kickoff":9000000}"#;
const QUOTE: &str = r#"{"t":"quote/1","k":"E0|2024-25|A|B|1","at":2,"src":"t","book":"bet365","market":"1x2","odds":[2.0,3.0,4.0],"phase":"pre"}"#;

#[test]
fn bad_lines_are_kept_with_their_reason_and_the_good_ones_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut huge = FIXTURE.replace("\"t\",", "\"").into_bytes();
    huge.resize(10 << 20, b'x');
    let mut input = Vec::new();
    for line in [
        FIXTURE.as_bytes(),
        b"nonsense",
        QUOTE.replace("2.0,", "0.9,").as_bytes(),
        QUOTE.replace("quote/1", "quote/9").as_bytes(),
        b"\xff\xfe{}",
        &huge,
        QUOTE.as_bytes(),
    ] {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    let mut command = marabet();
    command.env("MARABET_LOG__FOLDER", folder.path()).env("MARABET_NOTIFY__CONSOLE", "false");
    command.args(["run", "--stdin", "--until-done", "--event-time"]);
    let mut running = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(&input).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));

    let rejects = std::fs::read_to_string(folder.path().join("rejects.ndjson")).unwrap();
    let rejects: Vec<serde_json::Value> =
        rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<u64> = rejects.iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6]);
    assert!(rejects.iter().all(|one| !one["reason"].as_str().unwrap().is_empty()));

    let mut over = marabet();
    let summary = json(over.env("MARABET_LOG__FOLDER", folder.path()).args(["bets", "summary"]));
    assert_eq!(summary["quotes"], 3, "the good quote's three prices are there: {summary}");
}

#[test]
fn an_impossible_event_is_dead_lettered_and_can_be_looked_at_retried_and_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let over = || {
        let mut command = marabet();
        command.env("MARABET_LOG__FOLDER", folder.path()).env("MARABET_NOTIFY__CONSOLE", "false");
        command
    };
    // After a match is closed nothing is known of it any more, and a price has no place.
    let closed = r#"{"t":"match.closed/1","k":"E0|2024-25|A|B|1","at":3,"src":"t"}"#;
    let late = QUOTE.replace("\"at\":2", "\"at\":4");
    let events = format!("{FIXTURE}\n{QUOTE}\n{closed}\n{late}\n");
    let events = file(folder.path(), "events.ndjson", &events);
    run(over().args(["run", "--until-done", "--event-time", "--events"]).arg(&events));

    let list = json(over().args(["dead", "list"]));
    let letters = list["letters"].as_array().unwrap();
    assert_eq!(letters.len(), 1, "{list}");
    let whole = text(&run(over().args(["dead", "show", "1"])));
    assert!(whole.contains("reason") && whole.contains("\"at\":4"), "{whole}");

    let retried = json(over().args(["dead", "retry", "1"]));
    assert!(retried["appended_at"].is_string(), "{retried}");
    run(over().args(["run", "--until-done", "--event-time", "--stages", "predict,detect"]));
    let list = json(over().args(["dead", "list"]));
    assert_eq!(list["letters"].as_array().unwrap().len(), 1, "it is as broken as before: {list}");
    run(over().args(["dead", "drop", "1"]));
    assert_eq!(json(over().args(["dead", "list"]))["letters"].as_array().unwrap().len(), 0);
    let missing = over().args(["dead", "show", "7"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(5), "{}", text(&missing));
}

#[test]
fn redis_away_at_the_start_is_said_in_one_line_with_what_was_tried() {
    let away = "unix:///nonexistent/marabet.sock";
    let output = marabet().args(["status"]).env("MARABET_LOG__REDIS_URL", away).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    let said = text(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("/nonexistent/marabet.sock") && said.contains("away"), "{said}");
}

#[test]
fn a_wrong_configuration_is_named_with_file_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    for (wrong, named) in [
        ("[account]\nbankrol = 5\n", "bankrol"),
        ("[strategies.s]\nev_min = 20\n", ":2: strategies.s.ev_min"),
        ("[strategies.s]\ndevig = \"magic\"\n", "magic"),
        ("[account\n", "line 1"),
    ] {
        let path = file(folder.path(), "marabet.toml", wrong);
        let output = marabet().args(["config", "check", "--config"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        let said = text(&output);
        assert!(said.contains(named) && said.contains("marabet.toml"), "{said}");
    }
}

#[test]
fn a_password_in_the_configuration_is_not_shown() {
    let url = "redis://user:hunter2@localhost:1/";
    let checked = run(marabet().args(["config", "check"]).env("MARABET_LOG__REDIS_URL", url));
    assert!(!text(&checked).contains("hunter2"), "{}", text(&checked));
    let away = marabet().args(["status"]).env("MARABET_LOG__REDIS_URL", url).output().unwrap();
    assert!(!text(&away).contains("hunter2"), "{}", text(&away));
}

/// What `marabet status` says of a server of the user's own with these settings.
fn status_of_server(settings: &[&str]) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock");
    let server = std::process::Command::new("redis-server")
        .args(["--port", "0", "--appendonly", "yes", "--save", ""])
        .args(settings)
        .arg("--unixsocket")
        .arg(&socket)
        .arg("--dir")
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn();
    let Ok(mut server) = server else {
        panic!("redis-server is not installed; run ops/setup.sh");
    };
    for _ in 0..250 {
        if socket.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let url = format!("unix://{}", socket.display());
    let output = marabet().args(["status"]).env("MARABET_LOG__REDIS_URL", url).output().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    output
}

#[test]
fn a_server_that_may_evict_the_log_is_refused_with_the_reason() {
    let output = status_of_server(&["--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(text(&output).contains("allkeys-lru"), "{}", text(&output));
}

#[test]
fn a_server_that_may_double_a_frame_after_a_power_cut_is_warned_of() {
    let output = status_of_server(&["--aof-load-truncated", "yes"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("CONFIG SET aof-load-truncated no"), "{}", text(&output));
    let output = status_of_server(&["--aof-load-truncated", "no"]);
    assert!(!text(&output).contains("aof-load-truncated"), "{}", text(&output));
}
