//! What the program shows to people and watchers: the dashboard, keys, the shadow of a version.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{json, marabet, text};

/// What a server answers to a GET.
pub(crate) fn get(address: &str, path: &str) -> String {
    ask(address, &format!("GET {path} HTTP/1.1\r\n"), "")
}

/// What it answers to a POST of something of this type.
pub(crate) fn post(address: &str, path: &str, media_type: &str, body: &str) -> String {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n"
    );
    ask(address, &head, body)
}

/// What it answers to a request that begins so.
pub(crate) fn ask(address: &str, head: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(socket, "{head}Host: {address}\r\nConnection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// The address that a starting program tells on standard error.
pub(crate) fn address_of(program: &mut Child) -> String {
    let lines = BufReader::new(program.stderr.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let line = lines.find(|line| line.contains("dashboard is at")).expect("it tells where");
    // What it says later has to go somewhere.
    std::thread::spawn(move || lines.for_each(drop));
    line.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned()
}

/// Asks a program to end, and says how long it took. It ends well.
pub(crate) fn terminate(program: &mut Child) -> Duration {
    let began = Instant::now();
    let pid = program.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let status = program.wait().unwrap();
    assert!(status.success(), "{status}");
    began.elapsed()
}

#[test]
fn a_demo_leaves_the_dashboard_open_and_ends_when_asked_and_no_version_differs_from_itself() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("demo");
    let mut demo = marabet()
        .args(["demo", "--simulate", "--serve", "--json", "--folder"])
        .arg(&log)
        .env("MARABET_WEB__ADDRESS", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let address = address_of(&mut demo);
    assert!(get(&address, "/").contains("<title>MaraBet</title>"));
    // The report is one line; it comes when the season has streamed.
    let mut report = String::new();
    BufReader::new(demo.stdout.take().unwrap()).read_line(&mut report).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !get(&address, "/readyz").starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < until, "it never became ready");
        std::thread::sleep(Duration::from_millis(100));
    }
    let sharp = report["strategies"]["sharp"]["bets"].as_u64().unwrap();
    let metric = format!("marabet_bets{{strategy=\"sharp\"}} {sharp}\n");
    while !get(&address, "/metrics").contains(&metric) {
        assert!(Instant::now() < until, "the metrics never said `{metric}`");
        std::thread::sleep(Duration::from_millis(100));
    }
    let took = terminate(&mut demo);
    assert!(took < Duration::from_secs(8), "it took {took:?} to end");

    let shadow = json(marabet().env("MARABET_LOG__FOLDER", &log).args(["shadow", "--until-done"]));
    assert_eq!(shadow["differences"], 0, "{shadow}");
    assert!(shadow["compared"].as_u64() > Some(15_000), "{shadow}");
}

#[test]
fn an_address_that_others_reach_needs_a_key_and_a_key_is_made_by_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let run = |key: Option<&str>| {
        let mut command = marabet();
        command.args(["config", "check"]).env("MARABET_LOG__FOLDER", folder.path());
        command.env("MARABET_WEB__ADDRESS", "0.0.0.0:8000");
        if let Some(hash) = key {
            command.env("MARABET_WEB__KEYS__OPS__HASH", hash);
            command.env("MARABET_WEB__KEYS__OPS__SCOPES", "[\"read\"]");
        }
        command.output().unwrap()
    };
    let refused = run(None);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(text(&refused).contains("MARABET_WEB__ADDRESS"), "{}", text(&refused));
    assert!(text(&refused).contains("marabet key new"), "{}", text(&refused));
    let made = json(marabet().args(["key", "new", "ops"]));
    assert!(made["key"].as_str().unwrap().starts_with("mbk_"));
    let taken = run(made["hash"].as_str());
    assert!(taken.status.success(), "{}", text(&taken));
}
