//! The same face with the real scripts behind it, in a real Redis.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use marabet_schemas::facts::Seen;
use marabet_schemas::{Body, EntryId, Event, Instant};
use marabet_stage::{Change, FrameOutput};
use marabet_streams::commit::{
    Batch, Committed as LogCommitted, Line, Lives, Part as LogPart, Written,
};
use marabet_streams::lease::{Fence as LogFence, Lease};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, Log, LogError, LogOptions, Namespace, Slot, Stream,
};
use redis::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::server::{
    Appended, Commit, Committed, Fact, Fence, Frame, Id, MOMENTS_MAX, Part, Place, STAGES, Server,
    State,
};

/// What stage `n` reads it finds at `n`, and it writes what comes next.
const STREAMS: [Stream; STAGES + 1] = [Stream::Feed, Stream::Priced, Stream::Bets];
const NAMES: [&str; STAGES] = ["counting", "counting-again"];
const SLOT: Slot = Slot::Partition(0);
const APPEND: &str = include_str!("../../src/lua/append.lua");
const SOURCE: &str = include_str!("../../src/lua/source.lua");

/// A server, for one schedule after the other.
pub(crate) struct RedisServer {
    runtime: Runtime,
    redis: EmbeddedRedis,
    _folder: TempDir,
    logs: Cell<u32>,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let started = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default());
        let redis = runtime.block_on(started).unwrap();
        Self { runtime, redis, _folder: folder, logs: Cell::new(0) }
    }

    /// A log of its own with nothing in it.
    pub(crate) fn fresh(&self) -> RedisLog<'_> {
        self.logs.set(self.logs.get() + 1);
        let prefix = format!("m{}", self.logs.get());
        let open = |owner: usize| {
            let namespace = Namespace::new(prefix.clone(), 1).unwrap();
            let options =
                LogOptions { owner: Some(format!("owner-{owner}")), ..LogOptions::default() };
            self.runtime.block_on(Log::open(&self.redis.url(), namespace, options)).unwrap()
        };
        let logs = [open(0), open(1)];
        let connection = self.runtime.block_on(async {
            let client = redis::Client::open(self.redis.url()).unwrap();
            client.get_multiplexed_async_connection().await.unwrap()
        });
        let before = VecDeque::new();
        let mut log = RedisLog { runtime: &self.runtime, logs, connection, prefix, before };
        for (stage, name) in NAMES.iter().enumerate() {
            let mut command = redis::cmd("XGROUP");
            command.arg("CREATE").arg(log.stream(stage)).arg(name).arg("0").arg("MKSTREAM");
            let _: String = log.ask(&command);
        }
        log
    }
}

/// One log of a real server.
pub(crate) struct RedisLog<'a> {
    runtime: &'a Runtime,
    /// One for each owner.
    logs: [Log; 2],
    connection: redis::aio::MultiplexedConnection,
    prefix: String,
    before: VecDeque<BTreeMap<String, Vec<u8>>>,
}

impl RedisLog<'_> {
    /// What a stage reads.
    fn stream(&self, stage: usize) -> String {
        self.logs[0].namespace().stream(STREAMS[stage], 0)
    }

    fn ask<T: redis::FromRedisValue>(&mut self, command: &redis::Cmd) -> T {
        self.runtime.block_on(command.query_async(&mut self.connection)).unwrap()
    }

    fn fence_key(&self, stage: usize) -> String {
        self.logs[0].namespace().fence(SLOT, NAMES[stage])
    }

    fn set_deadline(&mut self, stage: usize, ms: u64) {
        let key = self.fence_key(stage);
        let _: u32 = self.ask(redis::cmd("HSET").arg(key).arg("deadline").arg(ms));
    }

    fn source(&self) -> String {
        self.logs[0].namespace().source(SLOT, "test")
    }

    fn read(&mut self, stage: usize, count: usize, from: &str) -> Vec<Frame> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(NAMES[stage]).arg("owner").arg("COUNT").arg(count);
        command.arg("STREAMS").arg(self.stream(stage)).arg(from);
        let answer: Option<redis::streams::StreamReadReply> = self.ask(&command);
        let streams = answer.map(|answer| answer.keys).unwrap_or_default();
        streams.iter().flat_map(|stream| &stream.ids).map(frame).collect()
    }

    /// Everything in a stream.
    fn range(&mut self, stage: usize) -> Vec<Frame> {
        let mut command = redis::cmd("XRANGE");
        command.arg(self.stream(stage)).arg("-").arg("+");
        let range: redis::streams::StreamRangeReply = self.ask(&command);
        range.ids.iter().map(frame).collect()
    }

    /// Up to where a stage's group was handed frames.
    fn delivered(&mut self, stage: usize) -> Id {
        let mut command = redis::cmd("XINFO");
        command.arg("GROUPS").arg(self.stream(stage));
        let groups: Vec<BTreeMap<String, Value>> = self.ask(&command);
        let delivered = groups.iter().find_map(|group| match group.get("last-delivered-id") {
            Some(Value::BulkString(text)) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        });
        delivered.map_or(0, id)
    }

    fn keys(&mut self) -> Vec<String> {
        let pattern = format!("{}:*", self.prefix);
        self.ask(redis::cmd("KEYS").arg(pattern))
    }
}

/// Entry IDs as numbers that keep their order.
fn id(entry: EntryId) -> Id {
    entry.ms * 1_000 + entry.seq
}

fn entry(id: Id) -> EntryId {
    EntryId { ms: id / 1_000, seq: id % 1_000 }
}

fn event(fact: &Fact) -> Event {
    let Fact { game, number, seen } = fact;
    let key = format!("E0|2024-25|H{game}|A{game}|1").parse().unwrap();
    let seen = Seen { src: "test".into(), book: format!("{number}-{seen}").as_str().into() };
    Event::of(key, Instant::from_micros(1), seen)
}

fn fact(line: &str) -> Fact {
    let event = Event::from_line(line).unwrap();
    let home = event.key.as_ref().unwrap().home().to_owned();
    let Body::Seen(Seen { book, .. }) = &event.body else { panic!("{event:?}") };
    let (number, seen) = book.as_str().split_once('-').unwrap();
    let (number, seen) = (number.parse().unwrap(), seen.parse().unwrap());
    Fact { game: home[1..].parse().unwrap(), number, seen }
}

fn frame(entry: &redis::streams::StreamId) -> Frame {
    let lines: String = entry.get("d").unwrap();
    Frame { id: id(entry.id.parse().unwrap()), facts: lines.lines().map(fact).collect() }
}

fn fence_text(fence: &Fence) -> String {
    format!("{}-{}", fence.counter, fence.nonce)
}

impl Server for RedisLog<'_> {
    fn own_source(&mut self, nonce: &str) -> (Fence, u64, u32) {
        let source = self.source();
        let mut command = redis::cmd("EVAL");
        command.arg(SOURCE).arg(1).arg(source).arg(nonce);
        let (fence, batch, position, _before): (String, u64, String, String) = self.ask(&command);
        let (counter, nonce) = fence.split_once('-').unwrap();
        let fence = Fence { counter: counter.parse().unwrap(), nonce: nonce.to_owned() };
        (fence, batch, position.parse().unwrap_or(0))
    }

    fn append(&mut self, fence: &Fence, first: u64, frames: &[Vec<Fact>]) -> Appended {
        let (feed, source) = (self.stream(0), self.source());
        let mut command = redis::cmd("EVAL");
        command.arg(APPEND).arg(2).arg(feed).arg(source).arg(fence_text(fence)).arg(first);
        for facts in frames {
            let lines: Vec<String> = facts.iter().map(|fact| event(fact).to_line()).collect();
            let position = facts.last().unwrap().number + 1;
            command.arg(lines.len()).arg(lines.join("\n")).arg(position);
        }
        let answer: Vec<Value> = self.ask(&command);
        let last = match answer.get(1) {
            Some(Value::Int(last)) => *last as u64,
            _ => 0,
        };
        match &answer[0] {
            Value::BulkString(word) if word == b"ok" => Appended::Done { last },
            Value::BulkString(word) if word == b"gap" => Appended::Gap { last },
            Value::BulkString(word) if word == b"fenced" => Appended::Fenced,
            other => panic!("{other:?}"),
        }
    }

    fn take(&mut self, owner: usize, stage: usize) -> Option<Fence> {
        let taken = self.logs[owner].take_lease(SLOT, NAMES[stage]);
        let Lease::Taken(LogFence { counter, nonce }) = self.runtime.block_on(taken).unwrap()
        else {
            return None;
        };
        // The schedule says when the deadline passes, however slow the machine is.
        self.set_deadline(stage, u64::MAX >> 12);
        Some(Fence { counter, nonce })
    }

    fn lease(&mut self, stage: usize) -> Fence {
        let key = self.fence_key(stage);
        let (counter, nonce): (Option<u64>, Option<String>) =
            self.ask(redis::cmd("HMGET").arg(key).arg("counter").arg("nonce"));
        Fence { counter: counter.unwrap_or(0), nonce: nonce.unwrap_or_default() }
    }

    fn expire(&mut self, stage: usize) {
        self.set_deadline(stage, 0);
    }

    fn read_new(&mut self, stage: usize, count: usize) -> Vec<Frame> {
        self.read(stage, count, ">")
    }

    fn read_pending(&mut self, stage: usize) -> Vec<Frame> {
        self.read(stage, 1_000, "0")
    }

    fn load(&mut self, stage: usize) -> State {
        let key = self.logs[0].namespace().state(SLOT, NAMES[stage]);
        let rows: BTreeMap<String, u32> = self.ask(redis::cmd("HGETALL").arg(key));
        rows.into_iter().map(|(game, count)| (game.parse().unwrap(), count)).collect()
    }

    fn commit(&mut self, owner: usize, commit: &Commit) -> Committed {
        let first = Prepared::of(&commit.first);
        let second = commit.second.as_ref().map(Prepared::of);
        let (mut lives, mut second_lives) = (Lives::default(), Lives::default());
        let second = second.as_ref().map(|second| second.part(&mut second_lives));
        let answer = self.logs[owner].commit_parts(first.part(&mut lives), second);
        match self.runtime.block_on(answer) {
            Ok(LogCommitted::Done) => Committed::Done,
            Ok(LogCommitted::Apart) => Committed::Apart,
            Ok(LogCommitted::Fenced) => Committed::Fenced,
            Ok(LogCommitted::NotHead { .. }) => Committed::NotHead,
            Err(LogError::Alarm { .. }) => Committed::Refused,
            Err(error) => panic!("{error}"),
        }
    }

    fn remember(&mut self) {
        let mut moment = BTreeMap::new();
        for key in self.keys() {
            let dumped: Value = self.ask(redis::cmd("DUMP").arg(&key));
            if let Value::BulkString(bytes) = dumped {
                moment.insert(key, bytes);
            }
        }
        if self.before.len() == MOMENTS_MAX {
            self.before.pop_front();
        }
        self.before.push_back(moment);
    }

    fn roll_back(&mut self, moments: usize) {
        for _ in 0..moments {
            self.before.pop_back();
        }
        let Some(moment) = self.before.back().cloned() else { return };
        for key in self.keys() {
            let _: u32 = self.ask(redis::cmd("DEL").arg(key));
        }
        for (key, bytes) in moment {
            let _: String = self.ask(redis::cmd("RESTORE").arg(key).arg(0).arg(bytes));
        }
    }

    fn place(&mut self, stage: usize) -> Place {
        let pending: BTreeSet<Id> = self.read_pending(stage).iter().map(|frame| frame.id).collect();
        Place {
            input: self.range(stage),
            output: self.range(stage + 1),
            state: self.load(stage),
            delivered: self.delivered(stage),
            pending,
        }
    }
}

/// A part of a commit in the log's own terms.
struct Prepared {
    line: Line<'static>,
    fence: LogFence,
    after: EntryId,
    written: Vec<Written>,
    changes: Vec<Change>,
}

impl Prepared {
    fn of(part: &Part) -> Self {
        let Part { stage, fence, after, outputs, changes } = part;
        let (input, output) = (STREAMS[*stage], STREAMS[stage + 1]);
        let output_of = |frame: &Frame| FrameOutput {
            id: entry(frame.id),
            events: frame.facts.iter().map(event).collect(),
            ..FrameOutput::default()
        };
        let change = |(game, count): (&u8, &u32)| Change {
            field: game.to_string(),
            value: Some(count.to_string().into_bytes()),
        };
        Self {
            line: Line { stage: NAMES[*stage], partition: 0, input, output },
            fence: LogFence { counter: fence.counter, nonce: fence.nonce.clone() },
            after: entry(*after),
            written: Written::of_all(outputs.iter().map(output_of).collect()).0,
            changes: changes.iter().map(change).collect(),
        }
    }

    fn part<'a>(&'a self, lives: &'a mut Lives) -> LogPart<'a> {
        let Self { line, fence, after, written, changes } = self;
        LogPart {
            line: *line,
            fence,
            batch: Batch { written, changes, quarantined: &[] },
            lives,
            after: *after,
        }
    }
}
