//! A stage that takes the next along: one commit writes what follows from both.

use std::collections::BTreeMap;
use std::time::Duration;

use marabet_schemas::frame::Frame;
use marabet_schemas::{EntryId, Event};
use marabet_stage::{Change, Driver};
use marabet_streams::commit::{Batch, Committed, Line, Lives, Part, Written};
use marabet_streams::lease::{Fence, Lease};
use marabet_streams::{Log, Shutdown, ShutdownTrigger, Slot, StageRun, Stream, run_stage};
use tokio::task::JoinHandle;

use crate::support::{Counting, Server, facts, first, frames, lines, until_derived, writer};

const FIRST: Line<'static> =
    Line { stage: "counting", partition: 0, input: Stream::Feed, output: Stream::Priced };
const NEXT: Line<'static> =
    Line { stage: "further", partition: 0, input: Stream::Priced, output: Stream::Bets };

/// The frames of a feed that the first stage was handed, and both stages with their leases.
struct Both {
    log: Log,
    feed: Vec<Frame>,
    first: Owner,
    next: Owner,
}

/// Who owns a stage.
struct Owner {
    line: Line<'static>,
    fence: Fence,
    driver: Driver<Counting>,
    /// Up to where it has taken its input.
    after: EntryId,
}

/// What one stage writes of frames, and the frames that follow.
struct Applied {
    written: Vec<Written>,
    changes: Vec<Change>,
    derived: Vec<Frame>,
}

impl Owner {
    async fn take(log: &Log, line: Line<'static>) -> Self {
        let lease = log.take_lease(Slot::Partition(0), line.stage).await.unwrap();
        let Lease::Taken(fence) = lease else { panic!("someone has it") };
        let driver = Driver::new(Counting::named(line.stage), 0);
        Self { line, fence, driver, after: EntryId::default() }
    }

    fn apply(&mut self, frames: &[Frame]) -> Applied {
        let outputs = self.driver.apply(frames, &BTreeMap::new()).unwrap();
        let changes = self.driver.changes().unwrap();
        self.driver.keep();
        let (written, derived) = Written::of_all(outputs);
        Applied { written, changes, derived }
    }

    fn part<'p>(&'p self, applied: &'p Applied, lives: &'p mut Lives) -> Part<'p> {
        let Applied { written, changes, .. } = applied;
        let batch = Batch { written, changes, quarantined: &[] };
        Part { line: self.line, fence: &self.fence, batch, lives, after: self.after }
    }
}

impl Both {
    async fn start(server: &Server) -> Self {
        let log = server.log(1).await;
        let writer = writer(&log).await;
        for fact in facts(1, 5) {
            writer.append(&[fact]).await.unwrap();
            writer.flush().await.unwrap();
        }
        writer.close().await.unwrap();
        for line in [FIRST, NEXT] {
            let stream = log.namespace().stream(line.input, 0);
            let group = ["XGROUP", "CREATE", &stream, line.stage, "0", "MKSTREAM"];
            let _: String = server.say(&group).await;
        }
        read(server, FIRST).await;
        let (first, next) = (Owner::take(&log, FIRST).await, Owner::take(&log, NEXT).await);
        let feed = frames(&log, Stream::Feed, 0).await;
        Self { log, feed, first, next }
    }

    /// Commits frames of the feed, with the next stage along.
    async fn commit(&mut self, from: usize, to: usize) -> Committed {
        let applied = self.first.apply(&self.feed[from..to]);
        let further = self.next.apply(&applied.derived);
        let (mut lives, mut next_lives) = (Lives::default(), Lives::default());
        let part = self.first.part(&applied, &mut lives);
        let next = self.next.part(&further, &mut next_lives);
        let committed = self.log.commit_parts(part, Some(next)).await.unwrap();
        if committed == Committed::Done {
            self.next.after = self.feed[to - 1].id;
        }
        committed
    }

    /// Commits a frame of the feed without the next stage.
    async fn commit_alone(&mut self, at: usize) {
        let applied = self.first.apply(&self.feed[at..=at]);
        let mut lives = Lives::default();
        let part = self.first.part(&applied, &mut lives);
        assert_eq!(self.log.commit_parts(part, None).await.unwrap(), Committed::Done);
    }

    /// How many frames both stages have written, and how many fields the next one's state has.
    async fn written(&self, server: &Server) -> (usize, usize, usize) {
        let state = self.log.namespace().state(Slot::Partition(0), NEXT.stage);
        let priced = frames(&self.log, Stream::Priced, 0).await.len();
        (
            priced,
            frames(&self.log, Stream::Bets, 0).await.len(),
            server.say(&["HLEN", &state]).await,
        )
    }
}

/// Lets a group hand out everything; returns how many frames that are.
async fn read(server: &Server, line: Line<'_>) -> usize {
    let stream = format!("mb:{{00}}:{}", line.input);
    let words = ["XREADGROUP", "GROUP", line.stage, "owner", "STREAMS", &stream, ">"];
    let read: Option<redis::streams::StreamReadReply> = server.say(&words).await;
    read.map_or(0, |read| read.keys.iter().map(|key| key.ids.len()).sum())
}

/// Acknowledges what the next stage was handed, as its owner would; returns how many frames.
async fn acknowledge_all(server: &Server, both: &Both) -> usize {
    let ids: Vec<String> = both.feed.iter().map(|frame| frame.id.to_string()).collect();
    let mut words = vec!["XACK", "mb:{00}:priced", NEXT.stage];
    words.extend(ids.iter().map(String::as_str));
    server.say(&words).await
}

#[tokio::test]
async fn a_next_stage_that_has_taken_everything_is_written_along_and_never_handed_the_frames() {
    let server = Server::start().await;
    let mut both = Both::start(&server).await;
    // A read that waits for what the next stage is taken past.
    let mut raw = server.raw().await;
    let waiting = tokio::spawn(async move {
        let group = ["GROUP", NEXT.stage, "owner", "BLOCK", "300"];
        let mut command = redis::cmd("XREADGROUP");
        command.arg(&group).arg("STREAMS").arg("mb:{00}:priced").arg(">");
        command.query_async::<redis::Value>(&mut raw).await.unwrap()
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(both.commit(0, 2).await, Committed::Done);
    assert_eq!(both.commit(2, 3).await, Committed::Done);
    assert_eq!(both.written(&server).await, (3, 3, 1));
    assert_eq!(waiting.await.unwrap(), redis::Value::Nil);

    let groups: redis::streams::StreamInfoGroupsReply =
        server.say(&["XINFO", "GROUPS", "mb:{00}:priced"]).await;
    let group = &groups.groups[0];
    assert_eq!(group.last_delivered_id, both.feed[2].id.to_string());
    assert_eq!((group.pending, group.lag), (0, Some(0)));
    both.commit_alone(3).await;
    assert_eq!(read(&server, NEXT).await, 1, "what it was not taken along with it is handed");
}

#[tokio::test]
async fn a_next_stage_that_is_behind_or_another_s_is_left_apart_and_nothing_of_it_is_written() {
    let server = Server::start().await;
    let mut both = Both::start(&server).await;
    both.commit_alone(0).await;
    assert_eq!(both.commit(1, 2).await, Committed::Apart, "a frame was not handed out");
    assert_eq!(read(&server, NEXT).await, 2);
    assert_eq!(both.commit(2, 3).await, Committed::Apart, "frames are pending");
    assert_eq!(read(&server, NEXT).await, 1);
    assert_eq!(acknowledge_all(&server, &both).await, 3);
    assert_eq!(both.commit(3, 4).await, Committed::Apart, "it has not heard of what it has done");
    assert_eq!(read(&server, NEXT).await, 1);
    assert_eq!(acknowledge_all(&server, &both).await, 1);
    both.next.after = both.feed[3].id;
    let stale = std::mem::replace(&mut both.next, Owner::take(&both.log, NEXT).await);
    let newer = std::mem::replace(&mut both.next, stale);
    assert_eq!(both.commit(4, 5).await, Committed::Apart, "another owns the next stage");
    assert_eq!(both.written(&server).await, (5, 0, 0));
    drop(newer);
}

#[tokio::test]
async fn a_next_stage_whose_stream_is_ahead_is_left_apart_to_raise_the_alarm_itself() {
    let server = Server::start().await;
    let mut both = Both::start(&server).await;
    let ahead = format!("{}-0", both.feed[3].id.ms + 1000);
    let _: String = server.say(&["XADD", "mb:{00}:bets", &ahead, "n", "0", "d", ""]).await;
    assert_eq!(both.commit(0, 1).await, Committed::Apart);
    assert_eq!(both.written(&server).await, (1, 1, 0));
    assert_eq!(read(&server, NEXT).await, 1);
}

/// Runs both stages until asked to end.
fn spawn(log: &Log, line: Line<'static>, shutdown: &Shutdown) -> JoinHandle<()> {
    let (log, shutdown) = (log.clone(), shutdown.clone());
    let run = StageRun { input: line.input, output: line.output, ..first(0) };
    tokio::spawn(async move {
        run_stage(&log, &run, Counting::named(line.stage), shutdown).await.unwrap();
    })
}

/// What the stages make of the feed, without Redis.
async fn pure(log: &Log) -> (Vec<String>, Vec<String>) {
    let feed = frames(log, Stream::Feed, 0).await;
    let mut stages = [FIRST, NEXT].map(|line| Driver::new(Counting::named(line.stage), 0));
    let priced = stages[0].apply(&feed, &BTreeMap::new()).unwrap();
    let (_, derived) = Written::of_all(priced);
    let bets = stages[1].apply(&derived, &BTreeMap::new()).unwrap();
    let bets = bets.iter().flat_map(|output| &output.events).map(Event::to_line).collect();
    let priced = derived.iter().flat_map(|frame| &frame.events);
    (priced.map(|event| event.as_ref().unwrap().to_line()).collect(), bets)
}

async fn check(log: &Log, events: usize) {
    until_derived(log, Stream::Bets, events).await;
    let found = (lines(log, Stream::Priced, 0).await, lines(log, Stream::Bets, 0).await);
    assert_eq!(found, pure(log).await);
    assert_eq!(found.1.len(), events);
    log.wait_drained(Duration::from_secs(5)).await.unwrap();
}

fn along(log: &Log) -> u64 {
    log.metrics().stage(NEXT.stage).commits_along.get()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stages_of_one_process_go_along_from_the_first_frame_and_again_after_one_was_away() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let (trigger, shutdown) = ShutdownTrigger::new();
    let first_stage = spawn(&log, FIRST, &shutdown);
    let writer = writer(&log).await;
    let all = facts(5, 200);
    let mut facts = all.iter().cloned();
    let mut told = 0;
    // Frames that wait for the next stage, and then some that it can go along with.
    for _ in 0..4 {
        for fact in facts.by_ref().take(20) {
            writer.append(&[fact]).await.unwrap();
            writer.flush().await.unwrap();
            told += 1;
        }
        let (going, asked) = ShutdownTrigger::new();
        let next = spawn(&log, NEXT, &asked);
        let before = along(&log);
        while along(&log) < before + 20 {
            writer.append(&[facts.next().expect("it goes along long before")]).await.unwrap();
            writer.flush().await.unwrap();
            told += 1;
        }
        going.ask();
        next.await.unwrap();
    }
    let next = spawn(&log, NEXT, &shutdown);
    check(&log, told).await;
    trigger.ask();
    first_stage.await.unwrap();
    next.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_that_dies_with_the_next_along_leaves_it_in_doubt_and_nothing_is_lost() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let never = Shutdown::never();
    let next = spawn(&log, NEXT, &never);
    let writer = writer(&log).await;
    let all = facts(20, 100);
    let appended = async {
        for some in all.chunks(20) {
            writer.append(some).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        writer.flush().await.unwrap();
    };
    let killed = async {
        for round in 0..20 {
            let task = spawn(&log, FIRST, &never);
            tokio::time::sleep(Duration::from_millis(5 + 3 * round)).await;
            task.abort();
        }
    };
    tokio::join!(appended, killed);
    let task = spawn(&log, FIRST, &never);
    check(&log, 2000).await;
    assert!(along(&log) > 0);
    task.abort();
    next.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_under_stages_that_go_along_loses_and_doubles_nothing() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let never = Shutdown::never();
    let stages = [spawn(&log, FIRST, &never), spawn(&log, NEXT, &never)];
    let writer = writer(&log).await;
    for (round, some) in facts(20, 100).chunks(50).enumerate() {
        writer.append(some).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        if round % 10 == 5 {
            server.kill_redis().await;
        }
    }
    writer.close().await.unwrap();
    check(&log, 2000).await;
    assert_eq!(server.redis.restarts(), 4);
    assert!(along(&log) > 0);
    stages.iter().for_each(JoinHandle::abort);
}
