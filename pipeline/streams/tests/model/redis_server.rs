//! The same face with the real scripts behind it, in a real Redis.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

use marabet_schemas::facts::Seen;
use marabet_schemas::{Body, EntryId, Event, Instant};
use marabet_stage::{Change, FrameOutput};
use marabet_streams::commit::{Batch, Committed as LogCommitted, Line};
use marabet_streams::lease::{Fence as LogFence, Lease};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, Log, LogError, LogOptions, Namespace, Slot, Stream,
};
use redis::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::server::{
    Appended, Commit, Committed, Contents, Fact, Fence, Frame, Id, MOMENTS_MAX, Server, State,
};

const STAGE: &str = "counting";
const LINE: Line<'static> =
    Line { stage: STAGE, partition: 0, input: Stream::Feed, output: Stream::Priced };
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
        let feed = log.stream(Stream::Feed);
        let mut command = redis::cmd("XGROUP");
        command.arg("CREATE").arg(feed).arg(STAGE).arg("0").arg("MKSTREAM");
        let _: String = log.ask(&command);
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
    fn stream(&self, stream: Stream) -> String {
        self.logs[0].namespace().stream(stream, 0)
    }

    fn ask<T: redis::FromRedisValue>(&mut self, command: &redis::Cmd) -> T {
        self.runtime.block_on(command.query_async(&mut self.connection)).unwrap()
    }

    fn fence_key(&self) -> String {
        self.logs[0].namespace().fence(Slot::Partition(0), STAGE)
    }

    fn set_deadline(&mut self, ms: u64) {
        let key = self.fence_key();
        let _: u32 = self.ask(redis::cmd("HSET").arg(key).arg("deadline").arg(ms));
    }

    fn source(&self) -> String {
        self.logs[0].namespace().source(Slot::Partition(0), "test")
    }

    fn read(&mut self, count: usize, from: &str) -> Vec<Frame> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(STAGE).arg("owner").arg("COUNT").arg(count);
        command.arg("STREAMS").arg(self.stream(Stream::Feed)).arg(from);
        let answer: Option<redis::streams::StreamReadReply> = self.ask(&command);
        let streams = answer.map(|answer| answer.keys).unwrap_or_default();
        streams.iter().flat_map(|stream| &stream.ids).map(frame).collect()
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

fn seen(game: u8, book: &str) -> Event {
    let key = format!("E0|2024-25|H{game}|A{game}|1").parse().unwrap();
    Event::of(key, Instant::from_micros(1), Seen { src: "test".into(), book: book.into() })
}

fn book(event: &Event) -> &str {
    let Body::Seen(seen) = &event.body else { panic!("{event:?}") };
    seen.book.as_str()
}

fn fact(line: &str) -> Fact {
    let event = Event::from_line(line).unwrap();
    let home = event.key.as_ref().unwrap().home().to_owned();
    Fact { game: home[1..].parse().unwrap(), number: book(&event).parse().unwrap() }
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
        let (feed, source) = (self.stream(Stream::Feed), self.source());
        let mut command = redis::cmd("EVAL");
        command.arg(APPEND).arg(2).arg(feed).arg(source).arg(fence_text(fence)).arg(first);
        for facts in frames {
            let lines =
                facts.iter().map(|fact| seen(fact.game, &fact.number.to_string()).to_line());
            let lines: Vec<String> = lines.collect();
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

    fn take(&mut self, owner: usize) -> Option<Fence> {
        let taken = self.logs[owner].take_lease(Slot::Partition(0), STAGE);
        let Lease::Taken(LogFence { counter, nonce }) = self.runtime.block_on(taken).unwrap()
        else {
            return None;
        };
        // The schedule says when the deadline passes, however slow the machine is.
        self.set_deadline(u64::MAX >> 12);
        Some(Fence { counter, nonce })
    }

    fn lease(&mut self) -> Fence {
        let key = self.fence_key();
        let (counter, nonce): (Option<u64>, Option<String>) =
            self.ask(redis::cmd("HMGET").arg(key).arg("counter").arg("nonce"));
        Fence { counter: counter.unwrap_or(0), nonce: nonce.unwrap_or_default() }
    }

    fn expire(&mut self) {
        self.set_deadline(0);
    }

    fn read_new(&mut self, count: usize) -> Vec<Frame> {
        self.read(count, ">")
    }

    fn read_pending(&mut self) -> Vec<Frame> {
        self.read(1_000, "0")
    }

    fn load(&mut self) -> State {
        let key = self.logs[0].namespace().state(Slot::Partition(0), STAGE);
        let rows: BTreeMap<String, u32> = self.ask(redis::cmd("HGETALL").arg(key));
        rows.into_iter().map(|(game, count)| (game.parse().unwrap(), count)).collect()
    }

    fn commit(&mut self, owner: usize, commit: &Commit) -> Committed {
        let output = |(id, events): &(Id, Vec<String>)| FrameOutput {
            id: entry(*id),
            events: events.iter().map(|event| seen(0, event)).collect(),
            ..FrameOutput::default()
        };
        let outputs: Vec<FrameOutput> = commit.outputs.iter().map(output).collect();
        let change = |(game, count): (&u8, &u32)| Change {
            field: game.to_string(),
            value: Some(count.to_string().into_bytes()),
        };
        let changes: Vec<Change> = commit.changes.iter().map(change).collect();
        let batch = Batch { outputs: &outputs, changes: &changes, quarantined: &[] };
        let Fence { counter, nonce } = commit.fence.clone();
        let fence = LogFence { counter, nonce };
        match self.runtime.block_on(self.logs[owner].commit(LINE, &fence, batch)) {
            Ok(LogCommitted::Done) => Committed::Done,
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

    fn contents(&mut self) -> Contents {
        let range = |stream: String| {
            let mut command = redis::cmd("XRANGE");
            command.arg(stream).arg("-").arg("+");
            command
        };
        let feed: redis::streams::StreamRangeReply = self.ask(&range(self.stream(Stream::Feed)));
        let derived: redis::streams::StreamRangeReply =
            self.ask(&range(self.stream(Stream::Priced)));
        let under = |id: &str| {
            let entry = derived.ids.iter().find(|entry| entry.id == id);
            let lines: String = entry.map(|entry| entry.get("d").unwrap()).unwrap_or_default();
            let events = lines.lines().map(|line| Event::from_line(line).unwrap());
            events.map(|event| book(&event).to_owned()).collect::<Vec<_>>()
        };
        let left: Vec<Frame> = self.read_pending();
        let mut command = redis::cmd("XINFO");
        command.arg("GROUPS").arg(self.stream(Stream::Feed));
        let groups: Vec<BTreeMap<String, Value>> = self.ask(&command);
        let delivered = groups.iter().find_map(|group| match group.get("last-delivered-id") {
            Some(Value::BulkString(text)) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        });
        let delivered = delivered.map_or(0, id);
        let frames: Vec<Frame> = feed.ids.iter().map(frame).collect();
        let is_done =
            |one: &Frame| one.id <= delivered && !left.iter().any(|pending| pending.id == one.id);
        let done = feed.ids.iter().zip(&frames).filter(|(_, frame)| is_done(frame));
        let known = |id: &str| feed.ids.iter().any(|entry| entry.id == id);
        Contents {
            derived: done.map(|(entry, _)| under(&entry.id)).collect(),
            acknowledged: frames.iter().map(is_done).collect(),
            feed: frames.into_iter().map(|frame| frame.facts).collect(),
            strange: derived.ids.iter().filter(|entry| !known(&entry.id)).count(),
            state: self.load(),
        }
    }
}
