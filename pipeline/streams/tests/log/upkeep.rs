//! Trimming and status.

use std::time::Duration;

use marabet_streams::{ShutdownTrigger, Stream, TrimOptions, trim};

use crate::support::{Server, facts, frames, spawn_first, until, until_derived, writer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_every_group_has_acknowledged_is_dropped() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    let all = facts(10, 100);
    for some in all.chunks(2) {
        writer.append(some).await.unwrap();
        writer.flush().await.unwrap();
    }
    let feed = "mb:{00}:feed";
    let before = frames(&log, Stream::Feed, 0).await;
    let nothing_kept = TrimOptions { retention: Duration::ZERO, ..TrimOptions::default() };
    // A group that has read 300 frames and acknowledged the first 250.
    let _: String = server.say(&["XGROUP", "CREATE", feed, "slow", "0"]).await;
    let _: redis::Value = server
        .say(&["XREADGROUP", "GROUP", "slow", "x", "COUNT", "300", "STREAMS", feed, ">"])
        .await;
    for frame in &before[..250] {
        let _: u32 = server.say(&["XACK", feed, "slow", &frame.id.to_string()]).await;
    }
    let dropped = trim(&log, &nothing_kept).await.unwrap();
    assert!((100..=250).contains(&dropped), "{dropped}");
    let left = frames(&log, Stream::Feed, 0).await;
    assert!(left.contains(&before[250]), "a pending frame was dropped");

    let archived = TrimOptions {
        required: vec![(Stream::Feed, "archive".to_owned())],
        ..nothing_kept.clone()
    };
    let _: u32 = server.say(&["XGROUP", "DESTROY", feed, "slow"]).await;
    assert_eq!(trim(&log, &archived).await.unwrap(), 0, "the archive has not read it");
    let kept_long = TrimOptions::default();
    assert_eq!(trim(&log, &kept_long).await.unwrap(), 0, "it is younger than the retention");
    assert!(trim(&log, &nothing_kept).await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_names_who_is_behind_and_counts_a_lag_that_redis_does_not_know() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    for fact in facts(1, 20) {
        writer.append(&[fact]).await.unwrap();
        writer.flush().await.unwrap();
    }
    let feed = "mb:{00}:feed";
    let fifth = frames(&log, Stream::Feed, 0).await[4].id.to_string();
    // Redis knows no lag for a group that begins in the middle, nor after it loaded its file.
    let _: String = server.say(&["XGROUP", "CREATE", feed, "archive", &fifth]).await;
    let status = log.status().await.unwrap();
    let group = &status.streams[0].groups[0];
    assert_eq!((group.lag, group.lag_counted, group.owner.as_deref()), (15, true, None));
    assert_eq!(status.slowest.as_deref(), Some("archive on feed of partition 0: 15 frames"));
    assert_eq!(status.streams[0].length, 20);

    let (_trigger, shutdown) = ShutdownTrigger::new();
    let _tasks = spawn_first(&log, &shutdown);
    until_derived(&log, Stream::Priced, 20).await;
    until("it is owned and done", || async {
        let status = log.status().await.unwrap();
        let groups = &status.streams[0].groups;
        groups.iter().any(|group| {
            group.group == "counting"
                && group.owner.as_deref() == Some(log.owner())
                && group.lag + group.pending == 0
        })
    })
    .await;
}
