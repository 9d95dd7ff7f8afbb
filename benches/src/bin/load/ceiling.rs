//! The ceiling: a bare loop that moves the same frames through the same Redis calls and does
//! nothing else.
//!
//! Everything that the line would compute is computed beforehand: the frames of the feed, and each
//! commit of `predict` and `detect` with its outputs, rows and views, as the very command that the
//! line sends. What is timed is sending them, and reading the streams as the stages read them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use anyhow::Context;
use marabet_detect::Detect;
use marabet_predict::Predict;
use marabet_schemas::frame::{Frame, encode};
use marabet_schemas::{ArtefactHash, EntryId, Event, Instant};
use marabet_stage::{Driver, Stage};
use marabet_streams::commit::{Batch, Line, Lives};
use marabet_streams::lease::Lease;
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
    predict: Commits,
    detect: Commits,
}

/// The commits of one stage, each with the number of frames that it takes.
struct Commits {
    stage: &'static str,
    /// Frames asked for at once.
    count: usize,
    commands: Vec<(usize, Cmd)>,
}

async fn prepare(
    log: &Log,
    partition: u16,
    events: &[Event],
    run: &LineRun,
    model: &Model,
) -> anyhow::Result<Lane> {
    let frame_events = (run.frame_events.round() as usize).max(1);
    let batch = (run.commit_frames.round() as usize).max(1);
    let key = |stream| log.namespace().stream(stream, partition);
    let keys = [key(Stream::Feed), key(Stream::Priced), key(Stream::Bets)];
    let frames: Vec<Frame> = (1..)
        .zip(events.chunks(frame_events))
        .map(|(ms, events)| Frame::new(EntryId { ms, seq: 0 }, events.to_vec()))
        .collect();
    let appends = frames.chunks(FRAMES_AT_ONCE).map(|frames| append(&keys[0], frames)).collect();

    let (input, output) = (Stream::Feed, Stream::Priced);
    let line = Line { stage: Predict::NAME, partition, input, output };
    let (predict, priced) = commits(log, line, Predict::new(), &frames, batch, model).await?;
    let (input, output) = (Stream::Priced, Stream::Bets);
    let line = Line { stage: Detect::NAME, partition, input, output };
    let (detect, _) = commits(log, line, Detect::new(), &priced, batch, model).await?;
    Ok(Lane { keys, appends, predict, detect })
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

/// The commits of a stage over these frames, and the frames that it derives.
async fn commits<S: Stage>(
    log: &Log,
    line: Line<'static>,
    stage: S,
    frames: &[Frame],
    batch: usize,
    model: &Model,
) -> anyhow::Result<(Commits, Vec<Frame>)> {
    let lease = log.take_lease(Slot::Partition(line.partition), line.stage).await?;
    let Lease::Taken(fence) = lease else { anyhow::bail!("someone else runs {}", line.stage) };
    let models: BTreeMap<ArtefactHash, Arc<[u8]>> =
        BTreeMap::from([(model.hash, Arc::clone(&model.bytes))]);
    let mut driver = Driver::new(stage, line.partition);
    let (mut commands, mut derived, mut lives) = (Vec::new(), Vec::new(), Lives::default());
    for frames in frames.chunks(batch) {
        let outputs = driver.apply(frames, &models)?;
        let changes = driver.changes()?;
        driver.keep();
        let batch = Batch { outputs: &outputs, changes: &changes, quarantined: &[] };
        commands.push((frames.len(), log.commit_command(line, &fence, batch, &mut lives)));
        let outputs = outputs.into_iter().filter(|output| !output.events.is_empty());
        derived.extend(outputs.map(|output| Frame::new(output.id, output.events)));
    }
    Ok((Commits { stage: line.stage, count: batch, commands }, derived))
}

impl Lane {
    /// Empties the streams, with groups that have read nothing.
    async fn clear(&self, control: &mut MultiplexedConnection) -> anyhow::Result<()> {
        redis::cmd("DEL").arg(&self.keys).query_async::<()>(control).await?;
        for (commits, key) in [(&self.predict, &self.keys[0]), (&self.detect, &self.keys[1])] {
            let mut command = redis::cmd("XGROUP");
            command.arg("CREATE").arg(key).arg(commits.stage).arg("0").arg("MKSTREAM");
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
        for (stage, key) in [(0, 0), (1, 1)] {
            let reading = connect(client).await?;
            let acting = connect(client).await?;
            let lane = Arc::clone(lane);
            tasks.spawn(async move {
                let commits = [&lane.predict, &lane.detect][stage];
                move_frames(commits, &lane.keys[key], reading, acting).await
            });
        }
    }
    while let Some(moved) = tasks.join_next().await {
        moved.context("a task of the bare loop")??;
    }
    Ok(began.elapsed())
}

/// Reads and commits, the reading one batch ahead, as a stage does.
async fn move_frames(
    commits: &Commits,
    key: &str,
    mut reading: MultiplexedConnection,
    mut acting: MultiplexedConnection,
) -> anyhow::Result<()> {
    let all: usize = commits.commands.iter().map(|(frames, _)| frames).sum();
    let (to, mut reads) = mpsc::channel(1);
    let mut command = redis::cmd("XREADGROUP");
    command.arg("GROUP").arg(commits.stage).arg("owner").arg("COUNT").arg(commits.count);
    command.arg("BLOCK").arg(BLOCK_MS).arg("STREAMS").arg(key).arg(">");
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
        for (frames, command) in &commits.commands {
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
