//! The commit: all of it or nothing, once, by the owner, with no gap.

use std::collections::BTreeMap;

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use marabet_stage::{Change, Driver};
use marabet_streams::commit::{Batch, Committed, Line, Lives, Part, Written};
use marabet_streams::lease::{Fence, Lease};
use marabet_streams::{Log, LogError, Slot, Stream};

use crate::support::{Counting, Server, facts, frames, lines, writer};

const LINE: Line<'static> =
    Line { stage: "counting", partition: 0, input: Stream::Feed, output: Stream::Priced };

/// A feed of `count` frames that were handed out, and the lease of the stage.
async fn handed_out(server: &Server, count: usize) -> (Log, Fence, Vec<Frame>) {
    let log = server.log(1).await;
    let writer = writer(&log).await;
    for fact in facts(1, count as i64) {
        writer.append(&[fact]).await.unwrap();
        writer.flush().await.unwrap();
    }
    writer.close().await.unwrap();
    hand_out(server).await;
    let fence = lease(&log).await;
    let frames = frames(&log, Stream::Feed, 0).await;
    assert_eq!(frames.len(), count);
    (log, fence, frames)
}

async fn hand_out(server: &Server) {
    let feed = "mb:{00}:feed";
    let mut raw = server.raw().await;
    let _: redis::RedisResult<()> =
        redis::cmd("XGROUP").arg(&["CREATE", feed, "counting", "0"]).query_async(&mut raw).await;
    let _: redis::Value = server
        .say(&["XREADGROUP", "GROUP", "counting", "dead", "COUNT", "99", "STREAMS", feed, ">"])
        .await;
}

async fn lease(log: &Log) -> Fence {
    match log.take_lease(Slot::Partition(0), "counting").await.unwrap() {
        Lease::Taken(fence) => fence,
        Lease::Held { owner, .. } => panic!("{owner} has it"),
    }
}

/// What is written of frames, the changes, and the frames that follow.
fn applied(frames: &[Frame]) -> (Vec<Written>, Vec<Change>, Vec<Frame>) {
    let mut driver = Driver::new(Counting::new(), 0);
    let outputs = driver.apply(frames, &BTreeMap::new()).unwrap();
    let changes = driver.changes().unwrap();
    let (written, derived) = Written::of_all(outputs);
    (written, changes, derived)
}

/// Commits what follows from the frames.
async fn commit(log: &Log, fence: &Fence, frames: &[Frame]) -> Result<Committed, LogError> {
    let (written, changes, _) = applied(frames);
    let batch = Batch { written: &written, changes: &changes, quarantined: &[] };
    log.commit(LINE, fence, batch).await
}

/// Everything that a commit writes: derived events, state, dead letters, views, what is pending.
async fn written(server: &Server, log: &Log) -> (Vec<String>, Vec<String>, usize, usize, u64) {
    let priced = lines(log, Stream::Priced, 0).await;
    let state: BTreeMap<String, Vec<u8>> = server.say(&["HGETALL", "mb:{00}:state:counting"]).await;
    let state = state.into_iter().map(|(field, value)| format!("{field} {value:?}")).collect();
    let dead: usize = server.say(&["XLEN", "mb:{00}:dead:counting"]).await;
    let views: Vec<String> = server.say(&["KEYS", "mb:{00}:cache:*"]).await;
    let pending: Vec<redis::Value> =
        server.say(&["XPENDING", "mb:{00}:feed", "counting", "-", "+", "99"]).await;
    (priced, state, dead, views.len(), pending.len() as u64)
}

#[tokio::test]
async fn one_commit_writes_outputs_state_views_and_acknowledgement_and_a_repeated_one_nothing() {
    let server = Server::start().await;
    let (log, fence, frames) = handed_out(&server, 3).await;
    assert_eq!(commit(&log, &fence, &frames[..2]).await.unwrap(), Committed::Done);
    let after = written(&server, &log).await;
    assert_eq!((after.0.len(), after.1.len(), after.3, after.4), (2, 1, 1, 1));
    let ttl: u64 = server.say(&["TTL", "mb:{00}:cache:seen:E0|2024-25|H0|A0|1"]).await;
    assert!((298..=300).contains(&ttl), "{ttl}");

    let again = commit(&log, &fence, &frames[..2]).await.unwrap();
    assert!(matches!(again, Committed::NotHead { .. }), "{again:?}");
    assert_eq!(written(&server, &log).await, after);
}

#[tokio::test]
async fn a_view_s_life_begins_anew_now_and_then_and_whenever_the_view_was_gone() {
    let server = Server::start().await;
    let (log, fence, frames) = handed_out(&server, 4).await;
    // The server knows the script from here on.
    assert_eq!(commit(&log, &fence, &frames[..1]).await.unwrap(), Committed::Done);
    let view = "mb:{00}:cache:seen:E0|2024-25|H0|A0|1";
    let mut raw = server.raw().await;
    let mut lives = Lives::default();
    let mut left = Vec::new();
    for (frame, before) in frames[1..].iter().zip([["EXPIRE", "9"], ["EXPIRE", "9"], ["DEL", ""]]) {
        let mut change = redis::cmd(before[0]);
        change.arg(view);
        if before[0] == "EXPIRE" {
            change.arg(before[1]);
        }
        let _: u64 = change.query_async(&mut raw).await.unwrap();
        let (written, changes, _) = applied(std::slice::from_ref(frame));
        let batch = Batch { written: &written, changes: &changes, quarantined: &[] };
        let part =
            Part { line: LINE, fence: &fence, batch, lives: &mut lives, after: EntryId::default() };
        let command = log.commit_command(part, None);
        let answer: Vec<String> = command.query_async(&mut raw).await.unwrap();
        assert_eq!(answer, ["ok"]);
        left.push(server.say::<i64>(&["TTL", view]).await);
    }
    // Written for the first time, a moment later, and where the view had gone meanwhile.
    assert!(left[0] > 290 && (1..=9).contains(&left[1]) && left[2] > 290, "{left:?}");
}

#[tokio::test]
async fn a_stale_fence_changes_nothing_also_when_its_counter_was_given_out_again() {
    let server = Server::start().await;
    let (log, stale, frames) = handed_out(&server, 2).await;
    let fence = lease(&log).await;
    let before = written(&server, &log).await;
    assert_eq!(commit(&log, &stale, &frames).await.unwrap(), Committed::Fenced);
    // After a rollback the counter counts through the same numbers; the nonce does not repeat.
    let reused = Fence { counter: fence.counter, nonce: stale.nonce };
    assert_eq!(commit(&log, &reused, &frames).await.unwrap(), Committed::Fenced);
    assert_eq!(written(&server, &log).await, before);
    assert_eq!(commit(&log, &fence, &frames).await.unwrap(), Committed::Done);
}

#[tokio::test]
async fn a_commit_that_skips_a_pending_frame_is_refused() {
    let server = Server::start().await;
    let (log, fence, frames) = handed_out(&server, 3).await;
    let before = written(&server, &log).await;
    for skipping in [&frames[1..], &frames[2..]] {
        let refused = commit(&log, &fence, skipping).await.unwrap();
        assert!(matches!(refused, Committed::NotHead { .. }), "{refused:?}");
    }
    assert_eq!(written(&server, &log).await, before);
}

#[tokio::test]
async fn an_output_stream_that_is_ahead_is_an_alarm_and_nothing_is_written() {
    let server = Server::start().await;
    let (log, fence, frames) = handed_out(&server, 2).await;
    let ahead = format!("{}-0", frames[1].id.ms + 1000);
    let _: String = server.say(&["XADD", "mb:{00}:priced", &ahead, "n", "0", "d", ""]).await;
    let before = written(&server, &log).await;
    let alarm = commit(&log, &fence, &frames).await.unwrap_err();
    assert!(matches!(alarm, LogError::Alarm { .. }), "{alarm}");
    assert_eq!(written(&server, &log).await, before);
}

#[tokio::test]
async fn a_large_commit_is_written_whole() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let writer = writer(&log).await;
    writer.append(&facts(3000, 1)).await.unwrap();
    writer.close().await.unwrap();
    hand_out(&server).await;
    let fence = lease(&log).await;
    let frames = frames(&log, Stream::Feed, 0).await;
    assert_eq!(commit(&log, &fence, &frames).await.unwrap(), Committed::Done);
    let (priced, state, _, views, pending) = written(&server, &log).await;
    assert_eq!((priced.len(), state.len(), views, pending), (3000, 3000, 3000, 0));
}
