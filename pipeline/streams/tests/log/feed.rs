//! The feed's writer: each batch once, in order, at the readers' pace.

use std::time::Duration;

use marabet_schemas::Event;
use marabet_streams::{Ahead, FeedOptions, FeedWriter, LogError, ShutdownTrigger, Stream};

use crate::support::{
    Server, by_match, facts, frames, kill, lines, spawn_first, until, until_derived, writer,
};

#[tokio::test]
async fn a_source_that_is_read_again_appends_each_event_once() {
    let server = Server::start().await;
    let log = server.log(3).await;
    let all = facts(10, 30);
    let first = writer(&log).await;
    assert_eq!(first.resume_from(), 0);
    first.append_from(0, &all[..123]).await.unwrap();
    first.flush().await.unwrap();
    drop(first);

    let second = writer(&log).await;
    let resume = second.resume_from() as usize;
    assert!((100..=123).contains(&resume), "{resume}");
    second.append_from(0, &all).await.unwrap();
    second.close().await.unwrap();
    let mut once: Vec<_> = all.iter().map(|event| (event.key.clone(), event.to_line())).collect();
    once.sort_by(|a, b| a.0.cmp(&b.0));
    let once: Vec<String> = once.into_iter().map(|(_, line)| line).collect();
    assert_eq!(by_match(&log, Stream::Feed).await, once);
}

#[tokio::test]
async fn a_source_has_one_writer() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let stale = writer(&log).await;
    let owner = writer(&log).await;
    stale.append(&facts(1, 1)).await.unwrap();
    let refused = stale.flush().await.unwrap_err();
    assert!(matches!(refused, LogError::Fenced { .. }), "{refused}");
    owner.append(&facts(1, 2)).await.unwrap();
    owner.flush().await.unwrap();
    assert_eq!(lines(&log, Stream::Feed, 0).await.len(), 2);
}

#[tokio::test]
async fn a_writer_whose_ownership_the_server_lost_takes_it_again_unless_someone_else_did() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let first = writer(&log).await;
    first.append(&facts(1, 1)).await.unwrap();
    first.flush().await.unwrap();
    let source = "mb:{00}:source:test";
    let before: Vec<String> = server.say(&["HGETALL", source]).await;
    let writer_of_now = writer(&log).await;
    // As a server that lost its last second has it: the source is the first writer's again.
    let restored: Vec<&str> =
        ["HSET", source].into_iter().chain(before.iter().map(String::as_str)).collect();
    let _: i64 = server.say(&restored).await;
    writer_of_now.append(&facts(1, 2)).await.unwrap();
    writer_of_now.flush().await.unwrap();
    assert_eq!(lines(&log, Stream::Feed, 0).await.len(), 3);

    let _: i64 = server.say(&restored).await;
    let other = writer(&log).await;
    writer_of_now.append(&facts(1, 1)).await.unwrap();
    let refused = writer_of_now.flush().await.unwrap_err();
    assert!(matches!(refused, LogError::Fenced { .. }), "{refused}");
    other.append(&facts(1, 1)).await.unwrap();
    other.flush().await.unwrap();
}

#[tokio::test]
async fn where_two_sources_report_one_book_the_one_that_ranks_higher_speaks() {
    let server = Server::start().await;
    let log = server.log(2).await;
    let source_priority = vec!["first".to_owned(), "second".to_owned()];
    let options = FeedOptions { source_priority, ..FeedOptions::default() };
    let open =
        async |source: &str| FeedWriter::open(&log, &source.into(), options.clone()).await.unwrap();
    let (first, second, unnamed) =
        (open("first").await, open("second").await, open("unnamed").await);
    let say = async |writer: &FeedWriter, at: i64, book: &str| {
        writer.append(&[crate::support::seen(1, at, book)]).await.unwrap();
        writer.flush().await.unwrap();
    };
    say(&unnamed, 1, "shared").await;
    say(&second, 2, "shared").await;
    say(&unnamed, 3, "only-here").await;
    say(&first, 4, "shared").await;
    // Another process of the second source, which has not been told that it speaks.
    let other = open("second").await;
    say(&other, 5, "shared").await;
    say(&other, 6, "only-here-too").await;
    say(&first, 7, "shared").await;
    let at: Vec<String> = by_match(&log, Stream::Feed)
        .await
        .iter()
        .map(|line| line.split("\"at\":").nth(1).unwrap()[..1].to_owned())
        .collect();
    assert_eq!(at, ["1", "2", "3", "4", "6", "7"]);
    assert_eq!(log.metrics().feed.outranked.get(), 1);
}

#[tokio::test]
async fn what_is_told_to_be_durable_is_told_once_it_is_on_the_disk() {
    let server = Server::start().await;
    let log = server.log(2).await;
    let writer = writer(&log).await;
    writer.append(&facts(10, 10)).await.unwrap();
    writer.flush().await.unwrap();
    let began = std::time::Instant::now();
    writer.flush_durable().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(1500), "{:?}", began.elapsed());
    // Nothing is new, so that there is nothing to wait for.
    writer.flush_durable().await.unwrap();
}

#[tokio::test]
async fn an_event_of_the_whole_system_goes_to_every_partition() {
    let server = Server::start().await;
    let log = server.log(4).await;
    let writer = writer(&log).await;
    let mut event = facts(1, 1).remove(0);
    event.key = None;
    writer.append(&[event]).await.unwrap();
    writer.flush().await.unwrap();
    for partition in 0..4 {
        assert_eq!(lines(&log, Stream::Feed, partition).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_waits_for_the_slowest_group() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let _: String =
        server.say(&["XGROUP", "CREATE", "mb:{00}:feed", "counting", "0", "MKSTREAM"]).await;
    let ahead = Ahead { frames_max: 8, ..Ahead::default() };
    let options = FeedOptions { ahead, ..FeedOptions::default() };
    let writer = FeedWriter::open(&log, &"test".into(), options).await.unwrap();
    // 64 frames for a group that nobody reads for.
    let all = facts(64, 256);
    let appending = async {
        for some in all.chunks(256) {
            writer.append(some).await.unwrap();
        }
        writer.flush().await.unwrap();
    };
    let relief = async {
        until("it is held up", || async {
            log.metrics().feed.waits_for().is_some_and(|by| by.contains("group counting"))
        })
        .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let held_at = frames(&log, Stream::Feed, 0).await.len();
        assert!(held_at <= 8 + 16 + 2, "{held_at} frames are there");
        let (trigger, shutdown) = ShutdownTrigger::new();
        (spawn_first(&log, &shutdown), trigger)
    };
    let (_, (_tasks, _trigger)) = tokio::join!(appending, relief);
    until_derived(&log, Stream::Priced, all.len()).await;
    assert_eq!(log.metrics().feed.waits_for(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_archive_holds_the_feed_up_by_age_and_not_by_frames() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let _: String =
        server.say(&["XGROUP", "CREATE", "mb:{00}:feed", "archive", "0", "MKSTREAM"]).await;
    let durable_age_max = Duration::from_secs(2);
    let ahead = Ahead { frames_max: 4, durable_age_max, ..Ahead::default() };
    let options = FeedOptions { ahead, ..FeedOptions::default() };
    let writer = FeedWriter::open(&log, &"test".into(), options).await.unwrap();
    let all = facts(64, 256);
    let append = async |events: &[Event]| {
        for some in events.chunks(256) {
            writer.append(some).await.unwrap();
            writer.flush().await.unwrap();
        }
    };
    let (first, second) = all.split_at(all.len() / 2);
    append(first).await;
    assert_eq!(log.metrics().feed.waits_for(), None, "32 frames are young");
    tokio::time::sleep(durable_age_max).await;
    let appending = append(second);
    let relief = async {
        until("it is held up", || async {
            log.metrics().feed.waits_for().is_some_and(|by| by.contains("group archive"))
        })
        .await;
        let _: String = server.say(&["XGROUP", "SETID", "mb:{00}:feed", "archive", "$"]).await;
    };
    tokio::join!(appending, relief);
    assert_eq!(lines(&log, Stream::Feed, 0).await.len(), all.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_the_server_lost_are_sent_again() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    let all = facts(5, 40);
    for some in all.chunks(20) {
        writer.append(some).await.unwrap();
        writer.flush().await.unwrap();
    }
    // The server dies and its file loses its end, as a crash of the machine would have it.
    let pid = server.redis.pid().unwrap();
    let aof = server.folder.path().join("appendonlydir/appendonly.aof.1.incr.aof");
    let stopped = std::process::Command::new("kill").args(["-STOP", &pid.to_string()]).status();
    assert!(stopped.unwrap().success());
    let size = aof.metadata().unwrap().len();
    std::fs::File::options().write(true).open(&aof).unwrap().set_len(size / 2).unwrap();
    kill(pid);
    until("the server is back", || async { server.redis.restarts() == 1 }).await;
    until("the writer has seen to it", || async { lines_or_none(&log).await.len() == all.len() })
        .await;
    let appended: Vec<String> = all.iter().map(marabet_schemas::Event::to_line).collect();
    assert_eq!(lines(&log, Stream::Feed, 0).await, appended);
    assert_eq!(server.redis.repairs().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_memory_limit_facts_wait_while_the_stages_drain_and_the_line_resumes() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let stuffed = "x".repeat(1 << 20);
    let _: String = server.say(&["SET", "stuffing", &stuffed]).await;
    let writer = writer(&log).await;
    let all = facts(20, 20);
    writer.append(&all[..200]).await.unwrap();
    writer.flush().await.unwrap();
    // Less than what is used already: what is not allowed to pass the limit is refused.
    let _: String = server.say(&["CONFIG", "SET", "maxmemory", "1mb"]).await;
    writer.append(&all[200..]).await.unwrap();
    until("the feed waits", || async {
        log.metrics().feed.waits_for().is_some_and(|by| by.contains("memory limit"))
    })
    .await;
    let (_trigger, shutdown) = ShutdownTrigger::new();
    let _tasks = spawn_first(&log, &shutdown);
    until_derived(&log, Stream::Priced, 200).await;
    assert_eq!(lines(&log, Stream::Feed, 0).await.len(), 200);

    let evicted: String = server.say(&["INFO", "stats"]).await;
    assert!(evicted.contains("evicted_keys:0"), "something was evicted");
    let _: String = server.say(&["CONFIG", "SET", "maxmemory", "512mb"]).await;
    writer.flush().await.unwrap();
    until_derived(&log, Stream::Priced, 400).await;
}

async fn lines_or_none(log: &marabet_streams::Log) -> Vec<String> {
    match log.range(Stream::Feed, 0, None, None, 1000).await {
        Ok(frames) => frames
            .iter()
            .flat_map(|frame| &frame.events)
            .map(|event| event.as_ref().unwrap().to_line())
            .collect(),
        Err(_) => Vec::new(),
    }
}
