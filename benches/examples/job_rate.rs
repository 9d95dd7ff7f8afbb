//! How many short jobs a second go through a queue: ours, and Celery's on the same server.
//!
//! Each job counts itself in Redis and ends. `benches/peers/jobs.sh` installs Celery and runs
//! this; without a Python that has it, ours is timed alone.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement that a person reads")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, NewJob, Queues, Registry, Run, Worker, WorkerOptions};
use marabet_streams::{
    Connection, EmbeddedOptions, EmbeddedRedis, Log, LogOptions, Namespace, ShutdownTrigger,
};
use serde_json::{Value, json};

const JOBS: usize = 20_000;
const PEER_JOBS: usize = 5_000;
const ROUNDS: usize = 3;

struct Count(Connection);

#[async_trait]
impl Job for Count {
    fn kind(&self) -> &'static str {
        "count"
    }
    fn about(&self) -> &'static str {
        "Count itself"
    }
    fn rules(&self) -> JobRules {
        JobRules { unique: false, ..JobRules::of("maintenance") }
    }
    async fn run(&self, _: &Run) -> Result<Value, JobError> {
        let mut connection = self.0.clone();
        let counted = connection.query::<i64>(redis::cmd("INCR").arg("counted")).await;
        counted.map(Value::from).map_err(JobError::again)
    }
}

/// Jobs a second, from the first one asked for to the last one ended.
async fn ours(log: &Log) -> f64 {
    let queues = Queues::of(log);
    let connection = log.open_connection("counted", Duration::ZERO).await.unwrap();
    let job = Count(connection.clone());
    let jobs: Vec<NewJob> = (0..JOBS).map(|_| NewJob::of(&job, json!({}))).collect();
    let (trigger, shutdown) = ShutdownTrigger::new();
    let options =
        WorkerOptions { queues: vec![("maintenance".to_owned(), 256)], ..WorkerOptions::default() };
    let worker = Worker::new(&queues, Registry::new().with(job), options);
    let before = queues.ended(None, 1).await.unwrap().pop().map(|(entry, _)| entry);
    let working = tokio::spawn(async move { worker.run(shutdown).await });
    let began = Instant::now();
    queues.enqueue_all(&jobs).await.unwrap();
    let mut after = before.unwrap_or_default();
    let mut ended = 0;
    while ended < JOBS {
        // Their list is cut at ten thousand, so it is read as it grows.
        let more = queues.ended(Some(after), 5_000).await.unwrap();
        ended += more.len();
        match more.last() {
            Some((entry, _)) => after = *entry,
            None => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
    let rate = JOBS as f64 / began.elapsed().as_secs_f64();
    trigger.ask();
    working.await.unwrap().unwrap();
    rate
}

fn celery(python: &Path, socket: &Path) -> f64 {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/celery_rate.py");
    let output = Command::new(python)
        .arg(script)
        .arg(socket)
        .arg(PEER_JOBS.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn main() {
    let python = std::env::args_os().nth(1);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await.unwrap();
        let namespace = Namespace::new("mb", 1).unwrap();
        let log = Log::open(&redis.url(), namespace, LogOptions::default()).await.unwrap();
        let (mut ours_all, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours_all.push(ours(&log).await);
            if let Some(python) = &python {
                peers.push(celery(Path::new(python), redis.socket()));
            }
        }
        let ours = median(ours_all);
        println!("ours    {ours:>9.0} jobs/s (median of {ROUNDS} times {JOBS})");
        if !peers.is_empty() {
            let peer = median(peers);
            println!("celery  {peer:>9.0} jobs/s (median of {ROUNDS} times {PEER_JOBS})");
            println!("ratio   {:>9.1}", ours / peer);
        }
    });
}
