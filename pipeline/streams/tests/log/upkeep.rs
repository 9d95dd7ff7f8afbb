//! Trimming and status.

use std::time::Duration;

use marabet_streams::{SCHEMA_LEVEL, ShutdownTrigger, Stream, TrimOptions, trim};

use crate::support::{Server, facts, frames, kill, spawn_first, until, until_derived, writer};

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

#[tokio::test]
async fn the_schema_level_rises_only_when_every_process_can_read_it() {
    let server = Server::start().await;
    let log = server.log(1).await;
    assert_eq!(log.schema_level().await.unwrap(), 1);
    let newer = log.raise_schema_level(SCHEMA_LEVEL + 1).await.unwrap_err().to_string();
    assert!(newer.contains("upgrade it first"), "{newer}");

    let (trigger, shutdown) = ShutdownTrigger::new();
    let present = {
        let log = log.clone();
        tokio::spawn(async move { log.be_present(&["predict", "detect"], shutdown).await })
    };
    until("it is seen", || async { log.processes().await.unwrap().len() == 1 }).await;
    let processes = log.status().await.unwrap().processes;
    assert_eq!((&*processes[0].name, processes[0].runs.len()), (log.owner(), 2));
    log.raise_schema_level(SCHEMA_LEVEL).await.unwrap();

    let members = "mb:{members}:processes";
    let _: u32 = server.say(&["HSET", members, "0 portfolio old-1", "9999999999999"]).await;
    let old = log.raise_schema_level(SCHEMA_LEVEL).await.unwrap_err().to_string();
    assert!(old.contains("old-1 (portfolio) reads schema level 0"), "{old}");
    trigger.ask();
    present.await.unwrap().unwrap();
    assert_eq!(log.processes().await.unwrap().len(), 1, "it has said that it goes");
}

#[tokio::test]
async fn a_lag_that_redis_does_not_know_after_it_loaded_its_file_is_not_taken_for_none() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    for fact in facts(1, 20) {
        writer.append(&[fact]).await.unwrap();
        writer.flush().await.unwrap();
    }
    let feed = "mb:{00}:feed";
    let _: String = server.say(&["XGROUP", "CREATE", feed, "predict", "0"]).await;
    let _: redis::Value = server
        .say(&["XREADGROUP", "GROUP", "predict", "x", "COUNT", "5", "STREAMS", feed, ">"])
        .await;
    // Trimming is what makes Redis lose count.
    let ids: Vec<String> =
        frames(&log, Stream::Feed, 0).await.iter().map(|frame| frame.id.to_string()).collect();
    let _: u32 = server.say(&["XDEL", feed, &ids[10]]).await;
    kill(server.redis.pid().unwrap());
    until("the server is back", || async { server.redis.restarts() == 1 }).await;
    let raw: Vec<Vec<redis::Value>> = server.say(&["XINFO", "GROUPS", feed]).await;
    assert!(raw[0].contains(&redis::Value::Nil), "Redis knows the lag: {raw:?}");

    let behind = log.behind().await.unwrap();
    assert_eq!(behind.as_deref(), Some("predict on mb:{00}:feed"));
    let status = log.status().await.unwrap();
    let group = &status.streams[0].groups[0];
    assert_eq!((group.lag, group.lag_counted, group.pending), (14, true, 5));
}

#[tokio::test]
async fn a_group_that_nobody_reads_for_can_be_taken_away() {
    let server = Server::start().await;
    let log = server.log(2).await;
    for partition in ["00", "01"] {
        let feed = format!("mb:{{{partition}}}:feed");
        let _: String = server.say(&["XGROUP", "CREATE", &feed, "old", "0", "MKSTREAM"]).await;
    }
    assert_eq!(log.drop_group(Stream::Feed, "old").await.unwrap(), 2);
    let error = log.drop_group(Stream::Feed, "old").await.unwrap_err().to_string();
    assert!(error.contains("feed has no group `old`"), "{error}");
    assert_eq!(log.behind().await.unwrap(), None);
}

/// An entry's ID, and its fields.
type Entry = (String, Vec<(String, Vec<u8>)>);

/// Gives the entries of a stream one second each, up to now, as if they had come evenly.
async fn spread(server: &Server, key: &str) {
    let entries: Vec<Entry> = server.say(&["XRANGE", key, "-", "+"]).await;
    let (seconds, _): (u64, u64) = server.say(&["TIME"]).await;
    let _: u32 = server.say(&["DEL", key]).await;
    let mut connection = server.raw().await;
    for (number, (_, fields)) in entries.iter().enumerate() {
        let second = seconds - (entries.len() - number) as u64;
        let mut command = redis::cmd("XADD");
        command.arg(key).arg(format!("{}-0", second * 1000));
        for (name, value) in fields {
            command.arg(name).arg(value);
        }
        let _: String = command.query_async(&mut connection).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_memory_is_short_the_oldest_goes_first_and_the_status_says_who_holds_it() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    for some in facts(20, 100).chunks(20) {
        writer.append(some).await.unwrap();
        writer.flush().await.unwrap();
    }
    spread(&server, "mb:{00}:feed").await;
    let used: String = server.say(&["INFO", "memory"]).await;
    let used: u64 =
        used.lines().find_map(|line| line.strip_prefix("used_memory:")?.parse().ok()).unwrap();
    let options =
        TrimOptions { retention_under_pressure: Duration::ZERO, ..TrimOptions::default() };
    assert_eq!(trim(&log, &options).await.unwrap(), 0, "memory is not short");
    let _: String =
        server.say(&["CONFIG", "SET", "maxmemory", &(used * 100 / 55).to_string()]).await;
    let before = frames(&log, Stream::Feed, 0).await;
    let dropped = trim(&log, &options).await.unwrap() as usize;
    // A third of the way from pressure to emergency a third of the time goes, and somewhat more for
    // what the server took meanwhile.
    assert!((1..before.len() * 2 / 3).contains(&dropped), "{dropped} of {}", before.len());
    assert_eq!(frames(&log, Stream::Feed, 0).await, before[dropped..], "the oldest went");

    let _: String = server.say(&["XGROUP", "CREATE", "mb:{00}:feed", "slow", "0"]).await;
    let _: String =
        server.say(&["CONFIG", "SET", "maxmemory", &(used * 100 / 80).to_string()]).await;
    let held_up = log.status().await.unwrap().held_up.unwrap();
    assert!(held_up.contains("the memory of") && held_up.contains("slow on feed"), "{held_up}");
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
