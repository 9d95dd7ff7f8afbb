//! What the tests share: history, a server, a log that is archived.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use marabet_archive::{
    Archive, ArchiveError, ArchiverOptions, Days, Holding, Imported, Importer, run_archive,
};
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, EntryId, Event};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, FeedOptions, FeedWriter, Log, LogOptions, Namespace,
    ShutdownTrigger, Stream,
};
use tokio::task::JoinHandle;

/// The feed of an archive.
pub(crate) const FEED: Holding = Holding::Stream(Stream::Feed);

/// Two simulated seasons of a few sides.
pub(crate) fn season() -> Vec<Event> {
    let settings = Settings { seasons: 2, sides: 8, ..Settings::default() };
    Simulation::new(settings).unwrap().into_events().collect()
}

/// An archive in a folder.
pub(crate) fn archive(folder: &Path) -> Archive {
    Archive::at(folder.to_str().unwrap()).unwrap()
}

/// Imports these events.
pub(crate) fn import(archive: &Archive, partitions: u16, events: &[Event]) -> Imported {
    try_import(archive, partitions, events).unwrap()
}

/// Imports these events, as far as it goes.
pub(crate) fn try_import(
    archive: &Archive,
    partitions: u16,
    events: &[Event],
) -> Result<Imported, ArchiveError> {
    let print = ArtefactHash::of(format!("{} events", events.len()).as_bytes());
    let mut importer = Importer::begin(archive, partitions, &print, "a season")?;
    events.iter().try_for_each(|event| importer.push(event))?;
    importer.finish()
}

/// All events of a partition of the feed.
pub(crate) fn frames(archive: &Archive, partition: u16) -> Vec<Frame> {
    archive.frames(&FEED, partition, &Days::ALL).unwrap().map(Result::unwrap).collect()
}

/// The files of the feed, as paths.
pub(crate) fn paths(archive: &Archive, folder: &Path) -> Vec<PathBuf> {
    let files = archive.files(&FEED, &Days::ALL).unwrap();
    files.iter().map(|place| folder.join(place.to_string())).collect()
}

/// A server in a temporary folder.
pub(crate) struct Server {
    pub(crate) redis: EmbeddedRedis,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await.unwrap();
        Self { redis, _folder: folder }
    }

    pub(crate) async fn log(&self) -> Log {
        let namespace = Namespace::new("mb", 2).unwrap();
        Log::open(&self.redis.url(), namespace, LogOptions::default()).await.unwrap()
    }

    /// Sends one command, given as words.
    pub(crate) async fn say<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query_async(&mut connection).await.unwrap()
    }
}

/// Appends facts to the feed.
pub(crate) async fn append(log: &Log, facts: &[Event]) {
    let writer = FeedWriter::open(log, &"test".into(), FeedOptions::default()).await.unwrap();
    writer.append(facts).await.unwrap();
    writer.flush().await.unwrap();
    writer.close().await.unwrap();
}

/// An archiver at work.
pub(crate) struct Archiving {
    trigger: ShutdownTrigger,
    task: JoinHandle<Result<(), marabet_archive::ArchiveError>>,
}

impl Archiving {
    pub(crate) fn start(log: &Log, archive: &Archive) -> Self {
        let (trigger, shutdown) = ShutdownTrigger::new();
        let (log, archive) = (log.clone(), archive.clone());
        let age_max = Duration::from_millis(100);
        let options = ArchiverOptions { age_max, ..ArchiverOptions::default() };
        let task =
            tokio::spawn(async move { run_archive(&log, &archive, &options, shutdown).await });
        Self { trigger, task }
    }

    /// As a kill ends it: nothing is finished, nothing is given back.
    pub(crate) fn kill(self) {
        self.task.abort();
        std::mem::forget(self.trigger);
    }

    pub(crate) async fn stop(self) {
        self.trigger.ask();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until the archive's group has acknowledged everything.
pub(crate) async fn archived(log: &Log) {
    for _ in 0..600 {
        let status = log.status().await.unwrap();
        let groups = status.streams.iter().filter_map(|stream| {
            stream.groups.iter().find(|group| group.group == marabet_archive::GROUP)
        });
        let groups: Vec<_> = groups.collect();
        // Two partitions of three streams, and the account's.
        if groups.len() == 7 && groups.iter().all(|group| group.lag == 0 && group.pending == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the archiver did not catch up");
}

/// The feed of a log, by partition.
pub(crate) async fn feed(log: &Log) -> BTreeMap<u16, Vec<Frame>> {
    let mut feed = BTreeMap::new();
    for partition in 0..log.namespace().partitions() {
        let mut frames: Vec<Frame> = Vec::new();
        loop {
            let next = frames.last().map(|last| EntryId { seq: last.id.seq + 1, ..last.id });
            let page = log.range(Stream::Feed, partition, next, None, 1_000).await.unwrap();
            if page.is_empty() {
                break;
            }
            frames.extend(page);
        }
        feed.insert(partition, frames);
    }
    feed
}

/// The feed of an archive, by partition.
pub(crate) fn archived_feed(archive: &Archive) -> BTreeMap<u16, Vec<Frame>> {
    (0..2).map(|partition| (partition, frames(archive, partition))).collect()
}
