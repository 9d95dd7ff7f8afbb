//! A stage of the account takes every frame of every partition once.

use std::collections::BTreeMap;
use std::time::Duration;

use marabet_stage::Driver;
use marabet_streams::{Log, RunOptions, Shutdown, Stream, run_account};
use tokio::task::JoinHandle;

use crate::support::{Counting, Server, facts, frames, lines, seen, until, until_derived, writer};

fn spawn(log: &Log) -> JoinHandle<()> {
    let log = log.clone();
    let options = RunOptions { block: Duration::from_millis(50), ..RunOptions::default() };
    tokio::spawn(async move {
        // The feed stands for the stream of bets: what flows is no matter of the account's.
        let stage = Counting::named("portfolio");
        run_account(&log, Stream::Feed, Stream::Grants, &options, stage, Shutdown::never())
            .await
            .unwrap();
    })
}

/// What the stage makes of the frames in the order that it wrote down.
async fn replayed(server: &Server, log: &Log) -> Vec<String> {
    let mut feed = BTreeMap::new();
    for partition in 0..log.namespace().partitions() {
        for frame in frames(log, Stream::Feed, partition).await {
            feed.insert(format!("{partition}/{}", frame.id), frame);
        }
    }
    let entries: Vec<(String, BTreeMap<String, String>)> =
        server.say(&["XRANGE", "mb:{account}:grants", "-", "+"]).await;
    let mut driver = Driver::new(Counting::named("portfolio"), 0);
    let mut derived = Vec::new();
    for (_, fields) in entries {
        for address in fields["c"].split(' ') {
            let frame = feed.remove(address).unwrap_or_else(|| panic!("{address} was taken twice"));
            let outputs = driver.apply(&[frame], &BTreeMap::new()).unwrap();
            driver.keep();
            derived.extend(outputs[0].events.iter().map(marabet_schemas::Event::to_line));
        }
    }
    assert!(feed.is_empty(), "{} frames were passed over", feed.len());
    derived
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_takes_every_frame_once_in_the_order_that_it_writes_down() {
    let server = Server::start().await;
    let log = server.log(3).await;
    let writer = writer(&log).await;
    let all = facts(20, 50);
    let appended = async {
        for some in all.chunks(20) {
            writer.append(some).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        writer.flush().await.unwrap();
    };
    let killed = async {
        for round in 0..8 {
            let task = spawn(&log);
            tokio::time::sleep(Duration::from_millis(5 + 9 * round)).await;
            task.abort();
        }
    };
    tokio::join!(appended, killed);
    let task = spawn(&log);
    until_derived_once(&log, 1000).await;
    until("its groups follow", || async {
        let status = log.status().await.unwrap();
        let groups = status.streams.iter().filter(|stream| stream.stream == "feed");
        groups.flat_map(|stream| &stream.groups).all(|group| group.lag + group.pending == 0)
    })
    .await;
    task.abort();
    assert_eq!(lines(&log, Stream::Grants, 0).await, replayed(&server, &log).await);
}

/// Grants lie in one partition, whatever the namespace has.
async fn until_derived_once(log: &Log, events: usize) {
    until("all grants", || async { lines(log, Stream::Grants, 0).await.len() == events }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_dead_letters_name_the_partition_of_the_event() {
    let server = Server::start().await;
    let log = server.log(3).await;
    let task = spawn(&log);
    let writer = writer(&log).await;
    let mut events: Vec<_> = (0..8).map(|number| seen(number, 1, "refused")).collect();
    events.push(seen(9, 1, "large"));
    writer.append(&events).await.unwrap();
    writer.append(&[seen(1, 2, "fine")]).await.unwrap();
    writer.close().await.unwrap();
    until_derived(&log, Stream::Grants, 1).await;
    until("all letters", || async {
        log.dead_letters("portfolio", false, 99).await.unwrap().len() == 9
    })
    .await;
    task.abort();
    for entry in log.dead_letters("portfolio", false, 99).await.unwrap() {
        let address = entry.letter.address;
        let frame =
            log.frame(Stream::Feed, address.partition, address.entry).await.unwrap().unwrap();
        let event = frame.events[address.index as usize].as_ref().unwrap();
        assert_eq!(event.to_line(), entry.letter.line);
        log.drop_dead("portfolio", address).await.unwrap();
    }
    assert_eq!(log.dead_letters("portfolio", false, 99).await.unwrap(), []);
}
