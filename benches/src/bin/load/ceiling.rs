//! The ceiling: a bare loop that moves the same frames through the same Redis calls and does
//! nothing else.
//!
//! Everything that the line would compute is computed beforehand: the frames of the feed, and each
//! commit of `predict` and `detect` with its outputs, rows and views, as the very command that the
//! line sends where the one takes the other along. What is timed is sending them, and reading the
//! feed as `predict` reads it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use anyhow::Context;
use marabet_detect::Detect;
use marabet_predict::Predict;
use marabet_schemas::frame::{Frame, encode};
use marabet_schemas::{ArtefactHash, EntryId, Event, Instant};
use marabet_stage::{Change, Driver, Stage};
use marabet_streams::commit::{Batch, Line, Lives, Part, Written};
use marabet_streams::lease::{Fence, Lease};
use marabet_streams::{Log, Slot, Stream};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Value};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::line::LineRun;
use crate::mix::{Mix, Model};
use crate::usage;

/// Quotes of the sample.
const QUOTES: u64 = 81_000;
/// How often it is run; the median counts.
const LAPS: usize = 5;
/// Frames in one append, as the writer sends them at most.
const FRAMES_AT_ONCE: usize = 16;
/// How long a read waits, in ms.
const BLOCK_MS: u64 = 1_000;
/// How long an answer may take, as the log's own connections allow it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(11);

/// What the bare loop reached.
pub(crate) struct Ceiling {
    pub(crate) quotes_per_s: f64,
    /// Processor time of Redis for each quote, in µs.
    pub(crate) redis_us_per_quote: f64,
}

/// Measures the ceiling with frames and commits as large as those of the run.
pub(crate) async fn measure(
    log: &Log,
    url: &str,
    redis_pid: u32,
    run: &LineRun,
    model: &Model,
) -> anyhow::Result<Ceiling> {
    let client = redis::Client::open(url)?;
    let mut lanes = Vec::new();
    for (partition, events) in sample(model, run.opened_at, log.namespace().partitions())? {
        lanes.push(Arc::new(prepare(log, partition, &events, run, model).await?));
    }
    let mut control = connect(&client).await?;
    let mut laps = Vec::new();
    for _ in 0..LAPS {
        for lane in &lanes {
            lane.clear(&mut control).await?;
        }
        let cpu = usage::cpu_s(&redis_pid.to_string());
        let took = lap(&client, &lanes).await?;
        let cpu = usage::cpu_s(&redis_pid.to_string()) - cpu;
        laps.push((took, cpu));
    }
    for lane in &lanes {
        lane.clear(&mut control).await?;
    }
    laps.sort_by_key(|(took, _)| *took);
    let (took, cpu) = laps[LAPS / 2];
    Ok(Ceiling {
        quotes_per_s: QUOTES as f64 / took.as_secs_f64(),
        redis_us_per_quote: cpu * 1e6 / QUOTES as f64,
    })
}

/// A connection whose answers may take longer than its reads block.
async fn connect(client: &redis::Client) -> anyhow::Result<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_TIMEOUT));
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}

/// The first events of the mix, by partition.
fn sample(
    model: &Model,
    at: Instant,
    partitions: u16,
) -> anyhow::Result<BTreeMap<u16, Vec<Event>>> {
    let opening = Mix::opening(model, at);
    let mut lanes: BTreeMap<u16, Vec<Event>> =
        (0..partitions).map(|partition| (partition, opening.clone())).collect();
    let mut events = Vec::new();
    Mix::new()?.events(0, QUOTES, at, &mut events);
    for event in events {
        let partition = event.key.as_ref().map_or(0, |key| key.partition(partitions));
        lanes.entry(partition).or_default().push(event);
    }
    Ok(lanes)
}

/// All commands of one partition.
struct Lane {
    keys: [String; 3],
    appends: Vec<redis::Pipeline>,
    /// Frames asked for at once.
    count: usize,
    /// The commits, each with the number of frames that it takes.
    commits: Vec<(usize, Cmd)>,
}

async fn prepare(
    log: &Log,
    partition: u16,
    events: &[Event],
    run: &LineRun,
    model: &Model,
) -> anyhow::Result<Lane> {
    let frame_events = (run.frame_events.round() as usize).max(1);
    let count = (run.commit_frames.round() as usize).max(1);
    let key = |stream| log.namespace().stream(stream, partition);
    let keys = [key(Stream::Feed), key(Stream::Priced), key(Stream::Bets)];
    let frames: Vec<Frame> = (1..)
        .zip(events.chunks(frame_events))
        .map(|(ms, events)| Frame::new(EntryId { ms, seq: 0 }, events.to_vec()))
        .collect();
    let appends = frames.chunks(FRAMES_AT_ONCE).map(|frames| append(&keys[0], frames)).collect();
    let commits = commits(log, partition, &frames, count, model).await?;
    Ok(Lane { keys, appends, count, commits })
}

/// Frames as they are appended to the feed, under IDs that are known beforehand.
fn append(feed: &str, frames: &[Frame]) -> redis::Pipeline {
    let mut pipeline = redis::pipe();
    for frame in frames {
        let events: Vec<Event> = frame.events.iter().flatten().cloned().collect();
        let mut command = redis::cmd("XADD");
        command.arg(feed).arg(frame.id.to_string());
        command.arg("n").arg(events.len()).arg("d").arg(encode(&events));
        pipeline.add_command(command).ignore();
    }
    pipeline
}

/// The commits of both stages over these frames.
async fn commits(
    log: &Log,
    partition: u16,
    frames: &[Frame],
    count: usize,
    model: &Model,
) -> anyhow::Result<Vec<(usize, Cmd)>> {
    let mut predict =
        Place::take(log, partition, (Stream::Feed, Stream::Priced), Predict::new()).await?;
    let mut detect =
        Place::take(log, partition, (Stream::Priced, Stream::Bets), Detect::new()).await?;
    let models: BTreeMap<ArtefactHash, Arc<[u8]>> =
        BTreeMap::from([(model.hash, Arc::clone(&model.bytes))]);
    let mut commits = Vec::new();
    for frames in frames.chunks(count) {
        let (priced, changes, derived) = predict.apply(frames, &models)?;
        let first = predict.part(&priced, &changes);
        let command = if derived.is_empty() {
            log.commit_command(first, None)
        } else {
            let (bets, changes, _) = detect.apply(&derived, &models)?;
            let command = log.commit_command(first, Some(detect.part(&bets, &changes)));
            detect.after = derived.last().map_or(detect.after, |frame| frame.id);
            command
        };
        commits.push((frames.len(), command));
    }
    Ok(commits)
}

/// A stage that commits.
struct Place<S> {
    line: Line<'static>,
    fence: Fence,
    driver: Driver<S>,
    lives: Lives,
    /// The last frame that it has taken.
    after: EntryId,
}

impl<S: Stage> Place<S> {
    async fn take(
        log: &Log,
        partition: u16,
        (input, output): (Stream, Stream),
        stage: S,
    ) -> anyhow::Result<Self> {
        let line = Line { stage: stage.name(), partition, input, output };
        let lease = log.take_lease(Slot::Partition(partition), line.stage).await?;
        let Lease::Taken(fence) = lease else { anyhow::bail!("someone else runs {}", line.stage) };
        let driver = Driver::new(stage, partition);
        Ok(Self { line, fence, driver, lives: Lives::default(), after: EntryId::default() })
    }

    /// What is written of frames, and the frames that follow.
    fn apply(
        &mut self,
        frames: &[Frame],
        models: &BTreeMap<ArtefactHash, Arc<[u8]>>,
    ) -> anyhow::Result<(Vec<Written>, Vec<Change>, Vec<Frame>)> {
        let outputs = self.driver.apply(frames, models)?;
        let changes = self.driver.changes()?;
        self.driver.keep();
        let (written, derived) = Written::of_all(outputs);
        Ok((written, changes, derived))
    }

    fn part<'p>(&'p mut self, written: &'p [Written], changes: &'p [Change]) -> Part<'p> {
        let batch = Batch { written, changes, quarantined: &[] };
        Part {
            line: self.line,
            fence: &self.fence,
            batch,
            lives: &mut self.lives,
            after: self.after,
        }
    }
}

impl Lane {
    /// Empties the streams, with groups that have read nothing.
    async fn clear(&self, control: &mut MultiplexedConnection) -> anyhow::Result<()> {
        redis::cmd("DEL").arg(&self.keys).query_async::<()>(control).await?;
        for (stage, key) in [(Predict::NAME, &self.keys[0]), (Detect::NAME, &self.keys[1])] {
            let mut command = redis::cmd("XGROUP");
            command.arg("CREATE").arg(key).arg(stage).arg("0").arg("MKSTREAM");
            command.query_async::<()>(control).await?;
        }
        Ok(())
    }
}

/// Moves everything once, all partitions and steps at the same time.
async fn lap(client: &redis::Client, lanes: &[Arc<Lane>]) -> anyhow::Result<Duration> {
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let began = Moment::now();
    for lane in lanes {
        let mut connection = connect(client).await?;
        let moved = Arc::clone(lane);
        tasks.spawn(async move {
            for append in &moved.appends {
                append.query_async::<()>(&mut connection).await?;
            }
            Ok(())
        });
        let reading = connect(client).await?;
        let acting = connect(client).await?;
        let lane = Arc::clone(lane);
        tasks.spawn(async move { move_frames(&lane, reading, acting).await });
    }
    while let Some(moved) = tasks.join_next().await {
        moved.context("a task of the bare loop")??;
    }
    Ok(began.elapsed())
}

/// Reads the feed and commits, the reading one batch ahead, as a stage does.
async fn move_frames(
    lane: &Lane,
    mut reading: MultiplexedConnection,
    mut acting: MultiplexedConnection,
) -> anyhow::Result<()> {
    let all: usize = lane.commits.iter().map(|(frames, _)| frames).sum();
    let (to, mut reads) = mpsc::channel(1);
    let mut command = redis::cmd("XREADGROUP");
    command.arg("GROUP").arg(Predict::NAME).arg("owner").arg("COUNT").arg(lane.count);
    command.arg("BLOCK").arg(BLOCK_MS).arg("STREAMS").arg(&lane.keys[0]).arg(">");
    let read = async {
        let mut read = 0;
        while read < all {
            let frames = count(&command.query_async::<Value>(&mut reading).await?);
            read += frames;
            to.send(frames).await.context("the commits ended early")?;
        }
        anyhow::Ok(())
    };
    let commit = async {
        let mut at_hand = 0;
        for (frames, command) in &lane.commits {
            while at_hand < *frames {
                at_hand += reads.recv().await.context("the reading ended early")?;
            }
            at_hand -= frames;
            let answer: Vec<String> = command.query_async(&mut acting).await?;
            anyhow::ensure!(answer == ["ok"], "a commit of the bare loop was refused: {answer:?}");
        }
        Ok(())
    };
    tokio::try_join!(read, commit).map(|_| ())
}

/// How many entries an answer to XREADGROUP of one stream holds.
fn count(answer: &Value) -> usize {
    let Value::Array(streams) = answer else { return 0 };
    let Some(Value::Array(stream)) = streams.first() else { return 0 };
    let Some(Value::Array(entries)) = stream.get(1) else { return 0 };
    entries.len()
}
