//! Readers that do something outside: at least once, one at a time.

use std::time::Duration;

use marabet_streams::group::{Delivery, Reader, ReaderOptions};
use marabet_streams::{Log, Stream};

use crate::support::{Server, facts, frames, kill, until, writer};

fn reader(log: &Log) -> Reader {
    let options = ReaderOptions { block: Duration::from_millis(50), ..ReaderOptions::default() };
    Reader::new(log, Stream::Feed, "notify", options)
}

async fn read(reader: &mut Reader, frames: usize) -> Vec<Delivery> {
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(reader.next().await.unwrap());
        if all.len() >= frames {
            break;
        }
    }
    all
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_also_after_the_server_died() {
    let server = Server::start().await;
    let log = server.log(2).await;
    let writer = writer(&log).await;
    for fact in facts(6, 1) {
        writer.append(&[fact]).await.unwrap();
        writer.flush().await.unwrap();
    }
    let mut first = reader(&log);
    let all = read(&mut first, 6).await;
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|delivery| !delivery.again));
    first.acknowledge(&all[..2]).await.unwrap();
    first.close().await;

    let mut second = reader(&log);
    let again = read(&mut second, 4).await;
    assert_eq!(again.len(), 4);
    assert!(again.iter().all(|delivery| delivery.again));

    let pid = server.redis.pid().unwrap();
    kill(pid);
    until("the server is back", || async { server.redis.restarts() == 1 }).await;
    let once_more = read(&mut second, 4).await;
    assert_eq!(once_more.len(), 4);
    second.acknowledge(&once_more).await.unwrap();
    assert_eq!(read(&mut second, 1).await.len(), 0);
}

#[tokio::test]
async fn while_one_reads_another_stands_by_and_giving_up_a_reading_loses_nothing() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let mut first = reader(&log);
    assert_eq!(first.next().await.unwrap(), []);
    let other = server.log(1).await;
    let mut second = reader(&other);
    let waited = tokio::time::timeout(Duration::from_millis(200), second.next()).await;
    assert!(waited.is_err(), "the second read although the first reads");

    let given_up = tokio::time::timeout(Duration::from_millis(5), first.next()).await;
    assert!(given_up.is_err());
    let writer = writer(&log).await;
    writer.append(&facts(1, 1)).await.unwrap();
    writer.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(read(&mut first, 1).await.len(), 1);
}

#[tokio::test]
async fn a_reader_behind_the_durable_horizon_gets_frames_two_seconds_later() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    writer.append(&facts(1, 1)).await.unwrap();
    writer.flush().await.unwrap();
    let options = ReaderOptions { durable_only: true, ..ReaderOptions::default() };
    let mut reader = Reader::new(&log, Stream::Feed, "archive", options);
    let delivered = read(&mut reader, 1).await;
    let seconds: (u64, u64) = server.say(&["TIME"]).await;
    let now_ms = seconds.0 * 1000 + seconds.1 / 1000;
    assert!(now_ms - delivered[0].frame.id.ms >= 2000);
}

#[tokio::test]
async fn a_frame_that_a_dead_reader_s_read_was_handed_comes_in_its_place() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    let mut reader = reader(&log);
    assert_eq!(reader.next().await.unwrap(), []);
    for (number, fact) in facts(1, 6).into_iter().enumerate() {
        if number % 2 == 1 {
            // Someone else of the group takes it before the reader can, and does nothing with it.
            writer.append(&[fact]).await.unwrap();
            writer.flush().await.unwrap();
            let words = ["GROUP", "notify", "dead", "COUNT", "1", "STREAMS", "mb:{00}:feed", ">"];
            let mut raw = server.raw().await;
            let _: redis::Value =
                redis::cmd("XREADGROUP").arg(&words).query_async(&mut raw).await.unwrap();
        } else {
            writer.append(&[fact]).await.unwrap();
            writer.flush().await.unwrap();
        }
    }
    let all = frames(&log, Stream::Feed, 0).await;
    let mut read = Vec::new();
    for _ in 0..40 {
        let some = reader.next().await.unwrap();
        reader.acknowledge(&some).await.unwrap();
        read.extend(some.into_iter().map(|delivery| delivery.frame.id));
        if read.len() >= all.len() {
            break;
        }
    }
    read.sort();
    assert_eq!(read, all.iter().map(|frame| frame.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_group_that_stands_above_the_stream_s_end_reports_a_rollback() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let _: String =
        server.say(&["XGROUP", "CREATE", "mb:{00}:feed", "notify", "99-0", "MKSTREAM"]).await;
    let error = reader(&log).next().await.unwrap_err().to_string();
    assert!(error.contains("was rolled back") && error.contains("99-0"), "{error}");
    // Whoever has looked into it lets the group go on knowingly, once its reader has gone.
    let owned = log.reset_group(Stream::Feed, "notify").await.unwrap_err().to_string();
    assert!(owned.contains("stop it first"), "{owned}");
    let _: u32 = server.say(&["DEL", "mb:{account}:fence:feed:notify"]).await;
    assert_eq!(log.reset_group(Stream::Feed, "notify").await.unwrap(), [0]);
    assert_eq!(reader(&log).next().await.unwrap(), []);
}

#[tokio::test]
async fn the_first_text_of_an_outbox_stands() {
    let server = Server::start().await;
    let log = server.log(1).await;
    assert_eq!(log.outbox_begin("console", "bet", "claimed").await.unwrap(), None);
    let found = log.outbox_begin("console", "bet", "claimed again").await.unwrap();
    assert_eq!(found.as_deref(), Some("claimed"));
    log.outbox_update("console", "bet", "sent").await.unwrap();
    assert_eq!(log.outbox("console").await.unwrap()["bet"], "sent");
    assert_eq!(log.outbox("file").await.unwrap().len(), 0);
    log.outbox_forget("console", &["bet"]).await.unwrap();
    assert_eq!(log.outbox_begin("console", "bet", "claimed").await.unwrap(), None);
}
