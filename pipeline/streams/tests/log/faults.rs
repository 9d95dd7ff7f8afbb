//! Whatever dies, the derived stream is what the stage makes of the feed.

use std::collections::BTreeMap;
use std::time::Duration;

use marabet_schemas::Event;
use marabet_stage::Driver;
use marabet_streams::{Condition, Log, ShutdownTrigger, Slot, Stream, run_shared, run_stage};
use tokio::task::JoinHandle;

use crate::support::{
    Counting, MODEL, Server, by_match, facts, first, frames, lines, seen, spawn_first, until,
    until_derived, writer,
};

/// Runs the stage until it is aborted or ends.
fn spawn(log: &Log) -> JoinHandle<()> {
    let log = log.clone();
    tokio::spawn(async move {
        let never = marabet_streams::Shutdown::never();
        run_stage(&log, &first(0), Counting::new(), never).await.unwrap();
    })
}

/// What the stage makes of the feed of partition 0, without Redis.
async fn replayed(log: &Log) -> Vec<String> {
    let mut driver = Driver::new(Counting::new(), 0);
    let frames = frames(log, Stream::Feed, 0).await;
    let outputs = driver.apply(&frames, &BTreeMap::new()).unwrap();
    outputs.iter().flat_map(|output| &output.events).map(Event::to_line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_killed_in_the_middle_again_and_again_derives_the_same_stream() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    let all = facts(20, 100);
    let appended = async {
        for some in all.chunks(50) {
            writer.append(some).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        writer.flush().await.unwrap();
    };
    let killed = async {
        for round in 0..10 {
            let task = spawn(&log);
            tokio::time::sleep(Duration::from_millis(5 + 7 * round)).await;
            task.abort();
        }
    };
    tokio::join!(appended, killed);
    let task = spawn(&log);
    until_derived(&log, Stream::Priced, 2000).await;
    task.abort();
    assert_eq!(lines(&log, Stream::Priced, 0).await, replayed(&log).await);
    assert_eq!(by_match(&log, Stream::Feed).await.len(), 2000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_and_started_again_loses_and_doubles_nothing() {
    let server = Server::start().await;
    let log = server.log(2).await;
    let (_trigger, shutdown) = ShutdownTrigger::new();
    let _tasks = spawn_first(&log, &shutdown);
    let writer = writer(&log).await;
    let all = facts(20, 100);
    for (round, some) in all.chunks(100).enumerate() {
        writer.append(some).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        if round % 7 == 3 {
            server.kill_redis().await;
        }
    }
    writer.close().await.unwrap();
    until_derived(&log, Stream::Priced, 2000).await;
    assert_eq!(server.redis.restarts(), 3);

    let told: Vec<String> = {
        let mut told: Vec<_> =
            all.iter().map(|event| (event.key.clone(), event.to_line())).collect();
        told.sort_by(|a, b| a.0.cmp(&b.0));
        told.into_iter().map(|(_, line)| line).collect()
    };
    assert_eq!(by_match(&log, Stream::Feed).await, told);
    for partition in 0..2 {
        let mut driver = Driver::new(Counting::new(), partition);
        let feed = frames(&log, Stream::Feed, partition).await;
        let outputs = driver.apply(&feed, &BTreeMap::new()).unwrap();
        let expected: Vec<String> =
            outputs.iter().flat_map(|output| &output.events).map(Event::to_line).collect();
        assert_eq!(lines(&log, Stream::Priced, partition).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_a_dead_owner_s_read_was_handed_cost_nothing() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let task = spawn(&log);
    let writer = writer(&log).await;
    for (number, fact) in facts(2, 30).into_iter().enumerate() {
        if number % 10 == 9 {
            // Someone else of the group reads, gets a frame, and does nothing with it: an owner
            // that hangs, or a person.
            let feed = "mb:{00}:feed";
            let consumer = ["owner", "person"][number / 10 % 2];
            let mut raw = server.raw().await;
            tokio::spawn(async move {
                let words = ["GROUP", "counting", consumer, "BLOCK", "50", "STREAMS", feed, ">"];
                let _: redis::RedisResult<redis::Value> =
                    redis::cmd("XREADGROUP").arg(&words).query_async(&mut raw).await;
            });
        }
        writer.append(&[fact]).await.unwrap();
        writer.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    until_derived(&log, Stream::Priced, 60).await;
    task.abort();
    assert_eq!(lines(&log, Stream::Priced, 0).await, replayed(&log).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_and_a_refusal_lead_to_dead_letters_and_the_line_goes_on() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let task = spawn(&log);
    let writer = writer(&log).await;
    let books = ["a", "panic", "b", "refused", "c"];
    let events: Vec<_> = (0..).zip(books).map(|(at, book)| seen(1, at, book)).collect();
    writer.append(&events).await.unwrap();
    writer.append_line(0, "{\"t\":\"quote/1\",\"at\":nonsense}").await.unwrap();
    writer.append(&[seen(1, 9, "d")]).await.unwrap();
    writer.close().await.unwrap();
    until_derived(&log, Stream::Priced, 4).await;
    task.abort();
    let derived = lines(&log, Stream::Priced, 0).await.join("\n");
    assert!(derived.contains("c-3") && derived.contains("d-4"), "{derived}");
    let dead = log.dead_letters("counting", false, 100).await.unwrap();
    let reasons: Vec<_> = dead.iter().map(|entry| entry.letter.reason.as_str()).collect();
    assert_eq!(reasons[..2], ["the stage panicked: as asked", "as asked"]);
    assert_eq!(reasons.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_event_waits_and_nothing_of_it_is_a_dead_letter() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let task = spawn(&log);
    let writer = writer(&log).await;
    writer.append(&[seen(1, 1, "a")]).await.unwrap();
    writer.append_line(0, r#"{"t":"seen/9","k":"E0|2024-25|H1|A1|1","at":2}"#).await.unwrap();
    writer.append(&[seen(1, 3, "b")]).await.unwrap();
    writer.close().await.unwrap();
    let metrics = log.metrics().stage("counting");
    until("it says what it waits for", || async {
        matches!(metrics.conditions().get(&0), Some(Condition::Newer { reason }) if reason.contains("seen/9"))
    })
    .await;
    let owner: String = server.say(&["HGET", "mb:{00}:fence:counting", "owner"]).await;
    assert_eq!(owner, "", "the partition was given up for a newer program to take");
    assert_eq!(log.dead_letters("counting", true, 10).await.unwrap(), []);
    assert!(lines(&log, Stream::Priced, 0).await.len() <= 1);
    task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_artefact_is_waited_for() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let task = spawn(&log);
    let writer = writer(&log).await;
    let books = ["a", "model", "b"];
    let events: Vec<_> = (0..).zip(books).map(|(at, book)| seen(1, at, book)).collect();
    writer.append(&events).await.unwrap();
    writer.close().await.unwrap();
    let metrics = log.metrics().stage("counting");
    until("it says what it misses", || async {
        matches!(metrics.conditions().get(&0), Some(Condition::Missing { .. }))
    })
    .await;
    // As another process would put it there.
    let other = server.log(1).await;
    let hash = other.put_artefact(MODEL).await.unwrap();
    until_derived(&log, Stream::Priced, 3).await;
    assert_eq!(log.dead_letters("counting", true, 10).await.unwrap(), []);
    assert_eq!(&*log.get_artefact(&hash).await.unwrap(), MODEL);
    task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_ended_the_process_too_often_is_quarantined() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    for (at, book) in (0..).zip(["a", "abort", "b"]) {
        writer.append(&[seen(1, at, book)]).await.unwrap();
        writer.flush().await.unwrap();
    }
    writer.close().await.unwrap();
    // What three processes left behind that died while they applied the second frame.
    let feed = "mb:{00}:feed";
    let _: String = server.say(&["XGROUP", "CREATE", feed, "counting", "0"]).await;
    let _: redis::Value = server
        .say(&["XREADGROUP", "GROUP", "counting", "owner", "COUNT", "9", "STREAMS", feed, ">"])
        .await;
    let second = frames(&log, Stream::Feed, 0).await[1].id.to_string();
    let _: u32 = server.say(&["HSET", "mb:{00}:attempts:counting", &second, "3"]).await;

    let task = spawn(&log);
    until_derived(&log, Stream::Priced, 2).await;
    task.abort();
    let dead = log.dead_letters("counting", false, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].letter.reason.contains("3 attempts"), "{}", dead[0].letter.reason);
    let quarantine: BTreeMap<String, String> =
        server.say(&["HGETALL", "mb:{00}:quarantine:counting"]).await;
    assert_eq!(quarantine.keys().collect::<Vec<_>>(), [&second]);
    let attempts: usize = server.say(&["HLEN", "mb:{00}:attempts:counting"]).await;
    assert_eq!(attempts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_do_not_run_one_partition_and_one_takes_over_when_the_other_ends() {
    let server = Server::start().await;
    let (one, other) = (server.log(1).await, server.log(1).await);
    let (trigger, shutdown) = ShutdownTrigger::new();
    let tasks = spawn_first(&one, &shutdown);
    let stage = |log: &Log| log.metrics().stage("counting");
    until("the first runs", || async {
        stage(&one).conditions().get(&0) == Some(&Condition::Running)
    })
    .await;
    let second = spawn(&other);
    until("the second stands by", || async {
        matches!(stage(&other).conditions().get(&0), Some(Condition::Elsewhere { owner }) if owner == one.owner())
    })
    .await;
    trigger.ask();
    for task in tasks {
        task.await.unwrap();
    }
    let asked = std::time::Instant::now();
    until("the second runs", || async {
        stage(&other).conditions().get(&0) == Some(&Condition::Running)
    })
    .await;
    assert!(asked.elapsed() < Duration::from_secs(2));
    let owner: String = server
        .say(&["HGET", &one.namespace().fence(Slot::Partition(0), "counting"), "owner"])
        .await;
    assert_eq!(owner, other.owner());
    second.abort();
}

/// The counting stage over this process' share, under a log of its own.
fn spawn_shared(log: &Log) -> (ShutdownTrigger, JoinHandle<()>) {
    let (log, (trigger, shutdown)) = (log.clone(), ShutdownTrigger::new());
    let options = first(0).options;
    let task = tokio::spawn(async move {
        let (input, output) = (Stream::Feed, Stream::Priced);
        run_shared(&log, input, output, &options, Counting::new, shutdown).await.unwrap();
    });
    (trigger, task)
}

/// How many partitions each owner has.
async fn held(server: &Server, logs: &[&Log]) -> Vec<usize> {
    let mut owners = Vec::new();
    for slot in logs[0].namespace().slots() {
        let key = logs[0].namespace().fence(slot, "counting");
        owners.push(server.say::<Option<String>>(&["HGET", &key, "owner"]).await);
    }
    let of =
        |log: &&Log| owners.iter().filter(|owner| owner.as_deref() == Some(log.owner())).count();
    logs.iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_the_partitions_evenly_and_take_over_from_one_that_dies() {
    let server = Server::start().await;
    let (one, two, three) = (server.log(7).await, server.log(7).await, server.log(7).await);
    let writer = writer(&one).await;
    let all = facts(40, 100);
    let appended = async {
        for some in all.chunks(40) {
            writer.append(some).await.unwrap();
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        writer.flush().await.unwrap();
    };
    let managed = async {
        let (_first, first_task) = spawn_shared(&one);
        until("one has all", || async { held(&server, &[&one]).await == [7] }).await;
        let (second, second_task) = spawn_shared(&two);
        until("two share", || async {
            let mut shares = held(&server, &[&one, &two]).await;
            shares.sort_unstable();
            shares == [3, 4]
        })
        .await;
        let (third, third_task) = spawn_shared(&three);
        until("three share", || async {
            let mut shares = held(&server, &[&one, &two, &three]).await;
            shares.sort_unstable();
            shares == [2, 2, 3]
        })
        .await;
        // One is killed and gives nothing back; another leaves as it should.
        first_task.abort();
        second.ask();
        second_task.await.unwrap();
        until("the third has all", || async { held(&server, &[&three]).await == [7] }).await;
        (third, third_task)
    };
    let (_, (_third, _task)) = tokio::join!(appended, managed);
    until_derived(&one, Stream::Priced, all.len()).await;
    for partition in 0..7 {
        let mut driver = Driver::new(Counting::new(), partition);
        let feed = frames(&one, Stream::Feed, partition).await;
        let outputs = driver.apply(&feed, &BTreeMap::new()).unwrap();
        let expected: Vec<String> =
            outputs.iter().flat_map(|output| &output.events).map(Event::to_line).collect();
        assert_eq!(lines(&one, Stream::Priced, partition).await, expected);
    }
}
