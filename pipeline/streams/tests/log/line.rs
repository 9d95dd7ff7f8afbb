//! The line: facts go in, what follows comes out, in order, once.

use std::collections::BTreeMap;

use marabet_stage::CacheClass;
use marabet_streams::{ShutdownTrigger, Slot, Stream};

use crate::support::{
    self, Counting, Server, by_match, facts, first, frames, spawn_first, until_derived, writer,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stage_derives_stands_under_its_input_s_id_and_the_group_has_no_lag() {
    let server = Server::start().await;
    let log = server.log(4).await;
    let (trigger, shutdown) = ShutdownTrigger::new();
    let tasks = spawn_first(&log, &shutdown);
    let writer = writer(&log).await;
    writer.append(&facts(40, 50)).await.unwrap();
    writer.close().await.unwrap();
    until_derived(&log, Stream::Priced, 2000).await;
    log.wait_drained(std::time::Duration::from_secs(5)).await.unwrap();

    let mut events = 0;
    for partition in 0..4 {
        let feed = frames(&log, Stream::Feed, partition).await;
        let priced = frames(&log, Stream::Priced, partition).await;
        let ids = |frames: &[marabet_schemas::frame::Frame]| {
            frames.iter().map(|frame| (frame.id, frame.events.len())).collect::<Vec<_>>()
        };
        assert_eq!(ids(&feed), ids(&priced));
        events += feed.iter().map(|frame| frame.events.len()).sum::<usize>();
    }
    assert_eq!(events, 2000);
    let key = support::key(3);
    let view = log.cached(CacheClass::Odds, &key, &format!("seen:{key}")).await.unwrap();
    assert_eq!(view.unwrap()["last"], "50");
    assert_eq!(
        (log.cache_stats().hits(CacheClass::Odds), log.cache_stats().misses(CacheClass::Odds)),
        (1, 0)
    );

    trigger.ask();
    for task in tasks {
        task.await.unwrap();
    }
    let metrics = log.metrics().stage("counting");
    assert_eq!((metrics.events.get(), metrics.derived.get()), (2000, 2000));
    assert_eq!(metrics.latency.count(), metrics.frames.get());
    let owner: String = server
        .say(&["HGET", &log.namespace().fence(Slot::Partition(0), "counting"), "owner"])
        .await;
    assert_eq!(owner, "", "the lease was given back");
}

#[tokio::test]
async fn a_view_that_holds_nothing_is_there_once_it_was_put_back() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let (class, key) = (CacheClass::Predictions, support::key(3));
    let view = async || log.cached(class, &key, "predictions").await.unwrap();
    assert_eq!(view().await, None);
    let put = async |fields| {
        log.put_view(class, Slot::Partition(0), "predictions", &fields).await.unwrap();
    };
    put(BTreeMap::new()).await;
    assert_eq!(view().await, Some(BTreeMap::new()));
    let fields = BTreeMap::from([("1x2".to_owned(), "{}".to_owned())]);
    put(fields.clone()).await;
    assert_eq!(view().await, Some(fields));
    assert_eq!((log.cache_stats().hits(class), log.cache_stats().misses(class)), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_facts_in_other_frames_and_partitions_derive_the_same_events() {
    let server = Server::start().await;
    let all = facts(30, 20);
    let mut derived = Vec::new();
    for (prefix, partitions, at_once) in [("a", 1, 600), ("b", 4, 1), ("c", 4, 97), ("d", 1, 31)] {
        let log = server.named(prefix, partitions).await;
        let (_trigger, shutdown) = ShutdownTrigger::new();
        let _tasks = spawn_first(&log, &shutdown);
        let writer = writer(&log).await;
        for some in all.chunks(at_once) {
            writer.append(some).await.unwrap();
            if at_once == 31 {
                writer.flush().await.unwrap();
            }
        }
        writer.close().await.unwrap();
        until_derived(&log, Stream::Priced, 600).await;
        derived.push(by_match(&log, Stream::Priced).await);
    }
    assert_eq!(derived[0].len(), 600);
    assert!(derived.iter().all(|other| *other == derived[0]));
}

#[tokio::test]
async fn a_namespace_keeps_its_number_of_partitions() {
    let server = Server::start().await;
    server.log(4).await;
    let namespace = marabet_streams::Namespace::new("mb", 8).unwrap();
    let url = server.redis.url();
    let opened = marabet_streams::Log::open(&url, namespace, Default::default());
    let error = opened.await.unwrap_err().to_string();
    assert!(error.contains("was made with 4 partitions"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_one_clear_line() {
    let namespace = marabet_streams::Namespace::new("mb", 4).unwrap();
    let options = marabet_streams::LogOptions {
        connect_wait: std::time::Duration::from_millis(100),
        ..Default::default()
    };
    let opened = marabet_streams::Log::open("redis://u:s3cret@127.0.0.1:1/", namespace, options);
    let error = opened.await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1 is away") && error.contains("start it"), "{error}");
    assert!(!error.contains("s3cret") && !error.contains('\n'), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_reads_its_group_s_stream_from_the_beginning() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    writer.append(&facts(3, 3)).await.unwrap();
    writer.close().await.unwrap();
    let (_trigger, shutdown) = ShutdownTrigger::new();
    let task = {
        let (log, shutdown) = (log.clone(), shutdown.clone());
        tokio::spawn(async move {
            marabet_streams::run_stage(&log, &first(0), Counting::new(), shutdown).await
        })
    };
    until_derived(&log, Stream::Priced, 9).await;
    task.abort();
}

#[tokio::test]
async fn waiting_for_a_line_that_stands_still_names_who_is_behind() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    writer.append(&facts(3, 3)).await.unwrap();
    writer.close().await.unwrap();
    let _: String = server.say(&["XGROUP", "CREATE", "mb:{00}:feed", "predict", "0"]).await;
    let waited = log.wait_drained(std::time::Duration::from_millis(50)).await;
    let error = waited.unwrap_err().to_string();
    assert!(error.contains("predict on mb:{00}:feed is behind"), "{error}");
}
