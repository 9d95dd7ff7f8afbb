//! A server and a small stage for the tests of the log.

use std::time::Duration;

use marabet_schemas::facts::Seen;
use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, Body, Event, Instant, MatchKey};
use marabet_stage::{
    Artefacts, CacheClass, CacheEntry, Derived, Fault, ROW_BYTES_MAX, Rows, Stage, Table, ViewName,
};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, FeedOptions, FeedWriter, Log, LogOptions, Namespace,
    RunOptions, Shutdown, StageRun, Stream, run_stage,
};
use tempfile::TempDir;

/// A server in a temporary folder.
pub(crate) struct Server {
    pub(crate) redis: EmbeddedRedis,
    pub(crate) folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await.unwrap();
        Self { redis, folder }
    }

    pub(crate) async fn log(&self, partitions: u16) -> Log {
        self.named("mb", partitions).await
    }

    pub(crate) async fn named(&self, prefix: &str, partitions: u16) -> Log {
        let namespace = Namespace::new(prefix, partitions).unwrap();
        Log::open(&self.redis.url(), namespace, LogOptions::default()).await.unwrap()
    }

    /// Kills Redis, and waits until it was started again.
    pub(crate) async fn kill_redis(&self) {
        let pid = self.redis.pid().unwrap();
        kill(pid);
        until("the server is back", || async { self.redis.pid().is_some_and(|now| now != pid) })
            .await;
    }

    /// A connection to look and meddle with.
    pub(crate) async fn raw(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.redis.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Sends one command, given as words.
    pub(crate) async fn say<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query_async(&mut self.raw().await).await.unwrap()
    }
}

/// Kills a process as nothing else does.
pub(crate) fn kill(pid: u32) {
    let status = std::process::Command::new("kill").arg("-9").arg(pid.to_string()).status();
    assert!(status.unwrap().success());
}

/// The match of this number.
pub(crate) fn key(number: u32) -> MatchKey {
    format!("E0|2024-25|H{number}|A{number}|1").parse().unwrap()
}

/// A fact about a match.
pub(crate) fn seen(number: u32, at: i64, book: &str) -> Event {
    let seen = Seen { src: "test".into(), book: book.into() };
    Event::of(key(number), Instant::from_micros(at), seen)
}

/// Facts of several matches, in turns.
pub(crate) fn facts(matches: u32, rounds: i64) -> Vec<Event> {
    let fact = |round, number| seen(number, round, &format!("book{}", (round * 7) % 13));
    (0..rounds).flat_map(|round| (0..matches).map(move |number| fact(round, number))).collect()
}

/// Counts facts of each match and forwards each with the count; some books are trouble.
pub(crate) struct Counting {
    counts: Table<String, u64>,
    notes: Table<String, String>,
    name: &'static str,
}

impl Counting {
    pub(crate) fn new() -> Self {
        Self::named("counting")
    }

    pub(crate) fn named(name: &'static str) -> Self {
        Self { counts: Table::new("counts"), notes: Table::new("notes"), name }
    }
}

/// Stands before a book that is trouble for the next stage.
pub(crate) const LATER: &str = "later:";

/// The artefact that the book `model` needs.
pub(crate) const MODEL: &[u8] = b"a model";

impl Stage for Counting {
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply(
        &mut self,
        event: &Event,
        artefacts: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let Body::Seen(seen) = &event.body else { return Ok(()) };
        let key = event.key.clone().expect("a sighting has a match");
        let count = self.counts.entry(&key.as_str().to_owned(), || 0);
        *count += 1;
        let count = *count;
        match seen.book.as_str() {
            "panic" => panic!("as asked"),
            "refused" => return Err(Fault::rejected("as asked")),
            "abort" => std::process::abort(),
            "endless" => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            "silent" => return Ok(()),
            // More than a row may hold.
            "large" => {
                self.notes.insert(key.as_str().to_owned(), "x".repeat(ROW_BYTES_MAX));
            }
            "model" => {
                let hash = ArtefactHash::of(MODEL);
                artefacts.get(&hash).ok_or(Fault::Missing(hash))?;
            }
            _ => {}
        }
        let book = match seen.book.as_str().strip_prefix(LATER) {
            Some(book) => book.to_owned(),
            None => format!("{}-{count}", seen.book),
        };
        let said = Seen { src: "counting".into(), book: book.as_str().into() };
        derived.push(Event::of(key.clone(), event.at, said));
        derived.cache.push(CacheEntry {
            class: CacheClass::Odds,
            name: ViewName::new("seen", key),
            field: "last".into(),
            json: Some(format!("{count}").into()),
        });
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Rows> {
        vec![&mut self.counts, &mut self.notes]
    }
}

/// The stage between feed and priced stream.
pub(crate) fn first(partition: u16) -> StageRun {
    let options = RunOptions { block: Duration::from_millis(50), ..RunOptions::default() };
    StageRun { partition, input: Stream::Feed, output: Stream::Priced, options }
}

/// Runs the counting stage over every partition.
pub(crate) fn spawn_first(log: &Log, shutdown: &Shutdown) -> Vec<tokio::task::JoinHandle<()>> {
    (0..log.namespace().partitions())
        .map(|partition| {
            let (log, shutdown) = (log.clone(), shutdown.clone());
            tokio::spawn(async move {
                run_stage(&log, &first(partition), Counting::new(), shutdown).await.unwrap();
            })
        })
        .collect()
}

/// A writer of the source `test`.
pub(crate) async fn writer(log: &Log) -> FeedWriter {
    FeedWriter::open(log, &"test".into(), FeedOptions::default()).await.unwrap()
}

/// Every frame of a stream's partition.
pub(crate) async fn frames(log: &Log, stream: Stream, partition: u16) -> Vec<Frame> {
    log.range(stream, partition, None, None, 10_000).await.unwrap()
}

/// Every event's line of a stream's partition.
pub(crate) async fn lines(log: &Log, stream: Stream, partition: u16) -> Vec<String> {
    let frames = frames(log, stream, partition).await;
    frames
        .iter()
        .flat_map(|frame| &frame.events)
        .map(|event| event.as_ref().unwrap().to_line())
        .collect()
}

/// The lines of all partitions, by match: what does not depend on frames and partitions.
pub(crate) async fn by_match(log: &Log, stream: Stream) -> Vec<String> {
    let mut all = Vec::new();
    for partition in 0..log.namespace().partitions() {
        for frame in frames(log, stream, partition).await {
            for event in frame.events {
                let event = event.unwrap();
                all.push((event.key.clone(), event.to_line()));
            }
        }
    }
    // A stable sort keeps each match's own order.
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.into_iter().map(|(_, line)| line).collect()
}

/// Waits until it holds, for ten seconds at most.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain: {what}");
}

/// Waits until the stage has derived so many events.
pub(crate) async fn until_derived(log: &Log, stream: Stream, events: usize) {
    until(&format!("{events} events in {stream}"), || async {
        let mut count = 0;
        for partition in 0..log.namespace().partitions() {
            let frames = log.range(stream, partition, None, None, 10_000).await.unwrap_or_default();
            count += frames.iter().map(|frame| frame.events.len()).sum::<usize>();
        }
        count >= events
    })
    .await;
}
