//! The line on a Redis Cluster, whose nodes each test starts on private ports.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use marabet_schemas::Event;
use marabet_stage::Driver;
use marabet_streams::group::{Reader, ReaderOptions};
use marabet_streams::{
    Log, LogError, LogOptions, Namespace, ShutdownTrigger, Stream, run_account, run_shared,
};
use tokio::task::JoinHandle;

use crate::servers::{Cluster, Process};
use crate::support::{Counting, by_match, facts, first, frames, lines, seen, until, writer};

async fn open(url: &str, partitions: u16) -> Log {
    let namespace = Namespace::new("mb", partitions).unwrap();
    let options = LogOptions { connect_wait: Duration::from_secs(10), ..LogOptions::default() };
    Log::open(url, namespace, options).await.unwrap()
}

/// The counting stage over this process' share, and the account's stage behind it.
fn spawn(log: &Log) -> (ShutdownTrigger, Vec<JoinHandle<Result<(), LogError>>>) {
    let (trigger, shutdown) = ShutdownTrigger::new();
    let options = first(0).options;
    let shared = {
        let (log, options, shutdown) = (log.clone(), options.clone(), shutdown.clone());
        tokio::spawn(async move {
            let (input, output) = (Stream::Feed, Stream::Priced);
            run_shared(&log, input, output, &options, Counting::new, shutdown).await
        })
    };
    let account = {
        let log = log.clone();
        tokio::spawn(async move {
            let stage = Counting::named("portfolio");
            run_account(&log, Stream::Priced, Stream::Grants, &options, stage, shutdown).await
        })
    };
    (trigger, vec![shared, account])
}

/// What the counting stage makes of each partition's feed is what its output holds.
async fn assert_derived_from_the_feed(log: &Log) {
    for partition in 0..log.namespace().partitions() {
        let mut driver = Driver::new(Counting::new(), partition);
        let feed = frames(log, Stream::Feed, partition).await;
        let outputs = driver.apply(&feed, &BTreeMap::new()).unwrap();
        let expected: Vec<String> =
            outputs.iter().flat_map(|output| &output.events).map(Event::to_line).collect();
        assert_eq!(lines(log, Stream::Priced, partition).await, expected, "of {partition}");
    }
}

fn by_match_told(all: &[Event]) -> Vec<String> {
    let mut told: Vec<_> = all.iter().map(|event| (event.key.clone(), event.to_line())).collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told.into_iter().map(|(_, line)| line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_master_is_killed_under_load_loses_and_doubles_nothing() {
    const PARTITIONS: u16 = 6;
    let mut cluster = Cluster::start().await;
    let url = cluster.url();
    let (one, two) = (open(&url, PARTITIONS).await, open(&url, PARTITIONS).await);
    assert!(one.server().cluster && one.replicas() == 1);
    let (_first, first_tasks) = spawn(&one);
    let (_second, second_tasks) = spawn(&two);
    let writer = writer(&one).await;
    let all = facts(30, 200);
    let key = "mb:{01}:feed";
    let victim = cluster.master_of(key).await;

    let appended = async {
        for some in all.chunks(60) {
            writer.append(some).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        writer.flush_durable().await.unwrap();
    };
    let killed = async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        cluster.on(victim).kill();
        until("its replica takes over", || async { cluster.master_of(key).await != victim }).await;
        // Until it is back as a replica, nothing counts as durable in its partitions.
        cluster.on(victim).start_again();
    };
    tokio::join!(appended, killed);

    let third = open(&url, PARTITIONS).await;
    until("everything is derived", || async {
        by_match(&third, Stream::Priced).await.len() == all.len()
    })
    .await;
    assert_eq!(by_match(&third, Stream::Feed).await, by_match_told(&all));
    assert_derived_from_the_feed(&third).await;
    until("the account has taken all", || async {
        lines(&third, Stream::Grants, 0).await.len() >= all.len()
    })
    .await;
    let granted = lines(&third, Stream::Grants, 0).await;
    assert_eq!(granted.len(), all.len(), "the account has taken each once");
    for task in first_tasks.iter().chain(&second_tasks) {
        assert!(!task.is_finished(), "a runner gave up");
    }
    let shares: Vec<u64> =
        [&one, &two].map(|log| log.metrics().stage("counting").frames.get()).into();
    assert!(shares.iter().all(|frames| *frames > 0), "both had a share: {shares:?}");
    let status = third.status().await.unwrap();
    assert_eq!((status.nodes.len(), status.slowest), (3, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_outside_the_partitions_works_on_a_cluster_too() {
    let cluster = Cluster::start().await;
    let log = open(&cluster.url(), 4).await;
    let hash = log.put_artefact(b"a model").await.unwrap();
    let other = open(&cluster.url(), 4).await;
    assert_eq!(&*other.get_artefact(&hash).await.unwrap(), b"a model");
    assert_eq!(log.outbox_begin("console", "bet", "claimed").await.unwrap(), None);
    assert_eq!(other.outbox("console").await.unwrap()["bet"], "claimed");

    let writer = writer(&log).await;
    writer.append(&[seen(1, 1, "a"), seen(2, 1, "refused"), seen(3, 1, "b")]).await.unwrap();
    let told_after = Instant::now();
    writer.flush_durable().await.unwrap();
    assert!(told_after.elapsed() >= Duration::from_secs(2), "what is durable is told later");
    let (trigger, tasks) = spawn(&log);
    until("the letter", || async {
        log.dead_letters("counting", false, 9).await.unwrap().len() == 1
    })
    .await;
    let letter = log.dead_letters("counting", false, 9).await.unwrap().remove(0);
    log.retry_dead("counting", letter.letter.address).await.unwrap();
    log.wait_drained(Duration::from_secs(5)).await.unwrap();

    let options = ReaderOptions { durable_only: true, ..ReaderOptions::default() };
    let mut reader = Reader::new(&other, Stream::Priced, "archive", options);
    let mut read = Vec::new();
    for _ in 0..20 {
        let some = reader.next().await.unwrap();
        reader.acknowledge(&some).await.unwrap();
        read.extend(some.into_iter().flat_map(|delivery| delivery.frame.events));
        if read.len() == 2 {
            break;
        }
    }
    assert_eq!(read.len(), 2);
    let nothing_kept = marabet_streams::TrimOptions {
        retention: Duration::ZERO,
        ..marabet_streams::TrimOptions::default()
    };
    marabet_streams::trim(&log, &nothing_kept).await.unwrap();
    let view = log
        .cached(
            marabet_stage::CacheClass::Odds,
            &crate::support::key(1),
            &format!("seen:{}", crate::support::key(1)),
        )
        .await
        .unwrap();
    assert!(view.is_some());
    trigger.ask();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn several_servers_that_are_no_cluster_are_refused() {
    let (one, other) = (Process::start(&[]), Process::start(&[]));
    one.ready().await;
    let url = format!("redis://127.0.0.1:{},127.0.0.1:{}", one.port, other.port);
    let opened = Log::open(&url, Namespace::new("mb", 1).unwrap(), LogOptions::default()).await;
    let error = opened.unwrap_err().to_string();
    assert!(error.contains("several servers that are no cluster"), "{error}");
}
