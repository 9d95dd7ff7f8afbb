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
    Log, LogOptions, Namespace, RunOptions, Shutdown, StageRun, Stream, run_account, run_stage,
};

use crate::support::{Counting, Server, first, frames, lines, seen, until_derived, writer};

/// Holds the URL of the server for a process that is to be the victim.
const VICTIM: &str = "MARABET_TEST_VICTIM";

/// Which stage is trouble.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// One of a partition.
    First,
    /// The one after it, which it takes along.
    Next,
    /// One of the account.
    OfAccount,
}

impl Trouble {
    /// The stage's name, and what it reads and writes.
    fn line(self) -> (&'static str, Stream, Stream) {
        match self {
            Self::First => ("counting", Stream::Feed, Stream::Priced),
            Self::Next => ("further", Stream::Priced, Stream::Bets),
            Self::OfAccount => ("portfolio", Stream::Feed, Stream::Grants),
        }
    }
}

/// Runs the stages for as long as they live, where this process is the victim.
async fn be_the_victim(trouble: Trouble) -> bool {
    let Ok(url) = std::env::var(VICTIM) else { return false };
    // The same name each time: a successor need not wait for the lease of the one before.
    let options = LogOptions { owner: Some("victim".to_owned()), ..LogOptions::default() };
    let log = Log::open(&url, Namespace::new("mb", 1).unwrap(), options).await.unwrap();
    let options = RunOptions { apply_max: Duration::from_millis(300), ..first(0).options };
    let run = |trouble: Trouble| {
        let (stage, input, output) = trouble.line();
        let run = StageRun { partition: 0, input, output, options: options.clone() };
        let log = log.clone();
        async move { run_stage(&log, &run, Counting::named(stage), Shutdown::never()).await }
    };
    match trouble {
        Trouble::First => run(Trouble::First).await.unwrap(),
        Trouble::Next => {
            tokio::try_join!(run(Trouble::First), run(Trouble::Next)).unwrap();
        }
        Trouble::OfAccount => {
            let (name, input, output) = trouble.line();
            let stage = Counting::named(name);
            let never = Shutdown::never();
            run_account(&log, input, output, &options, stage, never).await.unwrap();
        }
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
async fn check(test: &str, book: &str, trouble: Trouble) -> Vec<ExitStatus> {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    for (at, book) in (0..).zip(["a", book, "b"]) {
        writer.append(&[seen(1, at, book)]).await.unwrap();
        writer.flush().await.unwrap();
    }
    writer.close().await.unwrap();
    let (stage, input, output) = trouble.line();
    let ends = until_the_line_goes_on(test, &log, &server.redis.url(), output).await;

    let dead = log.dead_letters(stage, false, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].letter.reason.contains("3 attempts"), "{}", dead[0].letter.reason);
    let quarantined = log.quarantined(stage).await.unwrap().remove(&0).unwrap();
    let feed = frames(&log, input, 0).await;
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
    if be_the_victim(Trouble::First).await {
        return;
    }
    let test = "stuck::a_stage_that_aborts_has_its_frame_quarantined_and_the_line_goes_on";
    let ends = check(test, "abort", Trouble::First).await;
    assert!((3..=4).contains(&ends.len()), "{ends:?}");
    assert!(ends.iter().all(|end| end.signal().is_some()), "{ends:?}");
}

#[tokio::test]
async fn a_stage_that_never_returns_ends_its_process_and_the_line_goes_on() {
    if be_the_victim(Trouble::First).await {
        return;
    }
    let test = "stuck::a_stage_that_never_returns_ends_its_process_and_the_line_goes_on";
    let ends = check(test, "endless", Trouble::First).await;
    assert!((3..=4).contains(&ends.len()), "{ends:?}");
    assert!(ends.iter().all(|end| end.code() == Some(STUCK_EXIT)), "{ends:?}");
}

#[tokio::test]
async fn a_stage_that_aborts_when_it_is_taken_along_is_the_one_that_passes_over_the_frame() {
    if be_the_victim(Trouble::Next).await {
        return;
    }
    let test =
        "stuck::a_stage_that_aborts_when_it_is_taken_along_is_the_one_that_passes_over_the_frame";
    let ends = check(test, "later:abort", Trouble::Next).await;
    // It may be taken along once, and read the frame by itself from then on.
    assert!((3..=5).contains(&ends.len()), "{ends:?}");
    assert!(ends.iter().all(|end| end.signal().is_some()), "{ends:?}");
}

#[tokio::test]
async fn a_stage_of_the_account_that_aborts_has_its_frame_quarantined_too() {
    if be_the_victim(Trouble::OfAccount).await {
        return;
    }
    let test = "stuck::a_stage_of_the_account_that_aborts_has_its_frame_quarantined_too";
    let ends = check(test, "abort", Trouble::OfAccount).await;
    assert!((3..=4).contains(&ends.len()), "{ends:?}");
    assert!(ends.iter().all(|end| end.signal().is_some()), "{ends:?}");
}
