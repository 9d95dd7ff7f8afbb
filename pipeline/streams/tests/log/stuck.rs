//! Stages that end their process, or never return: after some attempts the frame is quarantined
//! and the line goes on.
//!
//! Each test runs the stage as a process of its own: this program, told to be the victim.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use marabet_schemas::Event;
use marabet_stage::Driver;
use marabet_streams::watchdog::STUCK_EXIT;
use marabet_streams::{
    Log, LogOptions, Namespace, RunOptions, Shutdown, Stream, run_account, run_stage,
};

use crate::support::{Counting, Server, first, frames, lines, seen, until_derived, writer};

/// Holds the URL of the server for a process that is to be the victim.
const VICTIM: &str = "MARABET_TEST_VICTIM";

/// Runs the stage for as long as it lives, where this process is the victim.
async fn be_the_victim(of_account: bool) -> bool {
    let Ok(url) = std::env::var(VICTIM) else { return false };
    // The same name each time: a successor need not wait for the lease of the one before.
    let options = LogOptions { owner: Some("victim".to_owned()), ..LogOptions::default() };
    let log = Log::open(&url, Namespace::new("mb", 1).unwrap(), options).await.unwrap();
    let mut run = first(0);
    run.options = RunOptions { apply_max: Duration::from_millis(300), ..run.options };
    let never = Shutdown::never();
    if of_account {
        let (stage, options) = (Counting::named("portfolio"), &run.options);
        run_account(&log, Stream::Feed, Stream::Grants, options, stage, never).await.unwrap();
    } else {
        run_stage(&log, &run, Counting::new(), never).await.unwrap();
    }
    true
}

/// Starts victims one after the other until so many events are derived. Returns how they ended.
async fn until_the_line_goes_on(
    test: &str,
    log: &Log,
    url: &str,
    output: Stream,
) -> Vec<ExitStatus> {
    let mut ends = Vec::new();
    for _ in 0..10 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(VICTIM, url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        loop {
            if lines(log, output, 0).await.len() == 2 {
                victim.kill().unwrap();
                victim.wait().unwrap();
                return ends;
            }
            if let Some(end) = victim.try_wait().unwrap() {
                ends.push(end);
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    panic!("the line does not go on: {ends:?}");
}

/// A feed whose second frame is trouble, run until the third is through.
async fn check(test: &str, book: &str, of_account: bool) -> Vec<ExitStatus> {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    for (at, book) in (0..).zip(["a", book, "b"]) {
        writer.append(&[seen(1, at, book)]).await.unwrap();
        writer.flush().await.unwrap();
    }
    writer.close().await.unwrap();
    let (stage, output) =
        if of_account { ("portfolio", Stream::Grants) } else { ("counting", Stream::Priced) };
    let ends = until_the_line_goes_on(test, &log, &server.redis.url(), output).await;

    let dead = log.dead_letters(stage, false, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].letter.reason.contains("3 attempts"), "{}", dead[0].letter.reason);
    let quarantined = log.quarantined(stage).await.unwrap().remove(&0).unwrap();
    let feed = frames(&log, Stream::Feed, 0).await;
    assert_eq!(quarantined.keys().copied().collect::<Vec<_>>(), [feed[1].id]);

    // A replay that knows the quarantine derives what was derived live.
    let mut driver = Driver::new(Counting::named(stage), 0).passing_over(quarantined);
    let outputs = driver.apply(&feed, &BTreeMap::new()).unwrap();
    let replayed: Vec<String> =
        outputs.iter().flat_map(|output| &output.events).map(Event::to_line).collect();
    assert_eq!(lines(&log, output, 0).await, replayed);
    until_derived(&log, Stream::Feed, 3).await;
    ends
}

#[tokio::test]
async fn a_stage_that_aborts_has_its_frame_quarantined_and_the_line_goes_on() {
    if be_the_victim(false).await {
        return;
    }
    let test = "stuck::a_stage_that_aborts_has_its_frame_quarantined_and_the_line_goes_on";
    let ends = check(test, "abort", false).await;
    assert!((3..=4).contains(&ends.len()), "{ends:?}");
    assert!(ends.iter().all(|end| end.signal().is_some()), "{ends:?}");
}

#[tokio::test]
async fn a_stage_that_never_returns_ends_its_process_and_the_line_goes_on() {
    if be_the_victim(false).await {
        return;
    }
    let test = "stuck::a_stage_that_never_returns_ends_its_process_and_the_line_goes_on";
    let ends = check(test, "endless", false).await;
    assert!((3..=4).contains(&ends.len()), "{ends:?}");
    assert!(ends.iter().all(|end| end.code() == Some(STUCK_EXIT)), "{ends:?}");
}

#[tokio::test]
async fn a_stage_of_the_account_that_aborts_has_its_frame_quarantined_too() {
    if be_the_victim(true).await {
        return;
    }
    let test = "stuck::a_stage_of_the_account_that_aborts_has_its_frame_quarantined_too";
    let ends = check(test, "abort", true).await;
    assert!((3..=4).contains(&ends.len()), "{ends:?}");
    assert!(ends.iter().all(|end| end.signal().is_some()), "{ends:?}");
}
