//! The real line: writer, `predict`, `detect`, `portfolio`, an alert channel and trimming, in one
//! process, over a private Redis.

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use anyhow::Context;
use marabet_detect::Detect;
use marabet_notify::clock::WallClock;
use marabet_notify::{LogOutbox, Notifier, NotifierOptions};
use marabet_portfolio::Portfolio;
use marabet_predict::Predict;
use marabet_schemas::{Event, Instant};
use marabet_streams::group::{Reader, ReaderOptions};
use marabet_streams::{
    FeedOptions, FeedWriter, Log, LogError, RunOptions, Shutdown, ShutdownTrigger, StageRun,
    Stream, TrimOptions, clock, run_account, run_stage, run_trim,
};
use tokio::task::{JoinHandle, JoinSet};

use crate::alerts::Ages;
use crate::digest::Digest;
use crate::mix::{Mix, Model};
use crate::settings::Settings;

/// Quotes in one call of the writer, at the highest rate.
const CHUNK: u64 = 1024;
/// How often quotes are handed to the writer at a chosen rate.
const TICK: Duration = Duration::from_millis(1);
/// How long what every group has acknowledged is kept, so that memory is bounded at any rate.
const RETENTION: Duration = Duration::from_millis(500);
/// How long a line may take to go empty after the last quote.
const PATIENCE: Duration = Duration::from_secs(120);
/// The group that checks the bets.
const CHECK: &str = "check";

/// Quotes that were appended at once, so that they can be made again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk {
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) at: Instant,
}

/// What a run did.
pub(crate) struct LineRun {
    /// From the first append until everything was taken by every stage.
    pub(crate) took: Duration,
    pub(crate) opened_at: Instant,
    pub(crate) chunks: Vec<Chunk>,
    /// The bets of each partition.
    pub(crate) digests: Vec<Digest>,
    /// Mean number of events in a frame of the feed.
    pub(crate) frame_events: f64,
    /// Mean number of frames in a commit of `predict`.
    pub(crate) commit_frames: f64,
    /// Which share of the commits of `detect` were made along with those of `predict`.
    pub(crate) along: f64,
    /// Ages of the quotes at their alerts.
    pub(crate) ages: Arc<Ages>,
}

/// Runs the line until every quote has gone through all of it.
pub(crate) async fn run(log: &Log, settings: &Settings, model: &Model) -> anyhow::Result<LineRun> {
    log.put_artefact(&model.bytes).await?;
    let ages = Arc::new(Ages::default());
    let mut tasks = Tasks::start(log, &ages);
    let writer = FeedWriter::open(log, &"load".into(), FeedOptions::default()).await?;
    let opened_at = now();
    writer.append(&Mix::opening(model, opened_at)).await?;
    writer.flush().await?;
    log.wait_drained(PATIENCE).await?;

    let began = Moment::now();
    let fed = tokio::select! {
        fed = feed(&writer, settings) => fed?,
        failed = tasks.failed() => return Err(failed),
    };
    writer.flush().await?;
    log.wait_drained(PATIENCE).await?;
    let took = began.elapsed();

    let feed = &log.metrics().feed;
    let predict = log.metrics().stage(Predict::NAME);
    let frame_events = feed.events.get() as f64 / feed.frames.get().max(1) as f64;
    let commit_frames = predict.frames.get() as f64 / predict.commits.get().max(1) as f64;
    let detect = log.metrics().stage(Detect::NAME);
    let along = detect.commits_along.get() as f64 / detect.commits.get().max(1) as f64;
    let digests = tasks.stop().await?;
    writer.close().await?;
    Ok(LineRun { took, opened_at, chunks: fed, digests, frame_events, commit_frames, along, ages })
}

/// Appends the quotes, at the rate asked for or as fast as the line takes them.
async fn feed(writer: &FeedWriter, settings: &Settings) -> anyhow::Result<Vec<Chunk>> {
    let mut mix = Mix::new()?;
    let mut chunks = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    let began = Moment::now();
    let mut first = 0;
    while first < settings.quotes {
        let due = match settings.rate {
            None => first + CHUNK,
            Some(rate) => 1 + (began.elapsed().as_secs_f64() * rate as f64) as u64,
        };
        let count = due.min(settings.quotes).saturating_sub(first);
        if count > 0 {
            let chunk = Chunk { first, count, at: now() };
            events.clear();
            mix.events(first, count, chunk.at, &mut events);
            writer.append(&events).await?;
            chunks.push(chunk);
            first += count;
        }
        if settings.rate.is_some() {
            tokio::time::sleep(TICK).await;
        }
    }
    Ok(chunks)
}

fn now() -> Instant {
    Instant::from_micros(i64::try_from(clock::wall_us()).unwrap_or(i64::MAX))
}

/// Everything that reads the log.
struct Tasks {
    stages: JoinSet<Result<(), LogError>>,
    check: JoinHandle<Result<Vec<Digest>, LogError>>,
    trigger: ShutdownTrigger,
}

impl Tasks {
    fn start(log: &Log, ages: &Arc<Ages>) -> Self {
        let (trigger, shutdown) = ShutdownTrigger::new();
        let mut stages = JoinSet::new();
        for partition in 0..log.namespace().partitions() {
            let run = |input, output| StageRun {
                partition,
                input,
                output,
                options: RunOptions::default(),
            };
            let (priced, bets) =
                (run(Stream::Feed, Stream::Priced), run(Stream::Priced, Stream::Bets));
            let (log_of, asked) = (log.clone(), shutdown.clone());
            stages.spawn(async move { run_stage(&log_of, &priced, Predict::new(), asked).await });
            let (log_of, asked) = (log.clone(), shutdown.clone());
            stages.spawn(async move { run_stage(&log_of, &bets, Detect::new(), asked).await });
        }
        let (log_of, asked) = (log.clone(), shutdown.clone());
        stages.spawn(async move {
            let (input, output) = (Stream::Bets, Stream::Grants);
            let options = RunOptions::default();
            run_account(&log_of, input, output, &options, Portfolio::new(), asked).await
        });
        let (log_of, asked, channel) = (log.clone(), shutdown.clone(), Arc::clone(ages));
        stages.spawn(async move {
            let outbox = Arc::new(LogOutbox::new(&log_of));
            let options = NotifierOptions::default();
            let notifier = Notifier::new(channel, outbox, Arc::new(WallClock), options);
            marabet_notify::run(&log_of, &notifier, asked).await
        });
        let (log_of, asked) = (log.clone(), shutdown.clone());
        let options = trim_options();
        stages.spawn(async move { run_trim(&log_of, &options, asked).await });
        let check = tokio::spawn(check(log.clone(), shutdown));
        Self { stages, check, trigger }
    }

    /// Returns when a stage ends, which it does only by failing.
    async fn failed(&mut self) -> anyhow::Error {
        match self.stages.join_next().await {
            Some(Ok(Err(error))) => error.into(),
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) | None => anyhow::anyhow!("a stage ended before it was asked to"),
        }
    }

    /// Asks everything to end and returns the fingerprints of the bets.
    async fn stop(mut self) -> anyhow::Result<Vec<Digest>> {
        self.trigger.ask();
        while let Some(ended) = self.stages.join_next().await {
            ended.context("a stage's task")??;
        }
        Ok(self.check.await.context("the checking task")??)
    }
}

/// Nothing goes that a group has not acknowledged; a stream without its group is not trimmed.
fn trim_options() -> TrimOptions {
    let required = [
        (Stream::Feed, Predict::NAME),
        (Stream::Priced, Detect::NAME),
        (Stream::Bets, Portfolio::NAME),
        (Stream::Bets, CHECK),
    ];
    TrimOptions {
        retention: RETENTION,
        retention_under_pressure: RETENTION,
        required: required.map(|(stream, group)| (stream, group.to_owned())).into(),
        every: RETENTION / 2,
        ..TrimOptions::default()
    }
}

/// Reads all bets, as anybody beside the line would, and takes their fingerprints.
async fn check(log: Log, mut shutdown: Shutdown) -> Result<Vec<Digest>, LogError> {
    let mut digests = vec![Digest::default(); usize::from(log.namespace().partitions())];
    let mut reader = Reader::new(&log, Stream::Bets, CHECK, ReaderOptions::default());
    while let Some(deliveries) = shutdown.unless_asked(reader.next()).await {
        let deliveries = deliveries?;
        for delivery in &deliveries {
            let digest = &mut digests[usize::from(delivery.partition)];
            delivery.frame.events.iter().flatten().for_each(|event| digest.add(event));
        }
        reader.acknowledge(&deliveries).await?;
    }
    reader.close().await;
    Ok(digests)
}
