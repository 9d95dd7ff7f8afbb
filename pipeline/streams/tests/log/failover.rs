//! Sentinels: the master dies under load, and the line goes on with its replica.

use std::collections::BTreeMap;
use std::time::Duration;

use marabet_schemas::Event;
use marabet_stage::Driver;
use marabet_streams::{Log, LogOptions, Namespace, ShutdownTrigger, Stream};

use crate::servers::Process;
use crate::support::{Counting, facts, frames, lines, spawn_first, until, writer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_sentinels_the_line_goes_on_with_the_replica_when_the_master_dies() {
    let master = Process::start(&[&["repl-ping-replica-period", "1"]]);
    master.ready().await;
    let port = master.port.to_string();
    let replica = Process::start(&[&["replicaof", "127.0.0.1", &port]]);
    replica.ready().await;
    until("the replica follows", || async {
        let info: String = master.say(&["INFO", "replication"]).await;
        info.contains("state=online")
    })
    .await;
    let sentinel = Process::start_sentinel(master.port);
    sentinel.ready().await;
    until("the sentinel knows the replica", || async {
        let known: Vec<redis::Value> = sentinel.say(&["SENTINEL", "REPLICAS", "prices"]).await;
        known.len() == 1
    })
    .await;

    let url = format!("redis+sentinel://127.0.0.1:{}/prices", sentinel.port);
    let log = Log::open(&url, Namespace::new("mb", 2).unwrap(), LogOptions::default()).await;
    let log = log.unwrap();
    assert_eq!(log.replicas(), 1);
    let (_trigger, shutdown) = ShutdownTrigger::new();
    let _tasks = spawn_first(&log, &shutdown);
    let writer = writer(&log).await;
    let all = facts(10, 100);
    for (round, some) in all.chunks(20).enumerate() {
        writer.append(some).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
        if round == 20 {
            master.kill();
        }
    }
    writer.flush().await.unwrap();
    let expected = |feed: Vec<marabet_schemas::frame::Frame>, partition| {
        let mut driver = Driver::new(Counting::new(), partition);
        let outputs = driver.apply(&feed, &BTreeMap::new()).unwrap();
        outputs.iter().flat_map(|output| &output.events).map(Event::to_line).collect::<Vec<_>>()
    };
    until("everything is derived", || async {
        let mut derived = 0;
        for partition in 0..2 {
            derived += lines(&log, Stream::Priced, partition).await.len();
        }
        derived == all.len()
    })
    .await;
    for partition in 0..2 {
        let feed = frames(&log, Stream::Feed, partition).await;
        assert_eq!(lines(&log, Stream::Priced, partition).await, expected(feed, partition));
    }
    let role: Vec<redis::Value> = replica.say(&["ROLE"]).await;
    assert_eq!(role[0], redis::Value::BulkString(b"master".into()));
}
