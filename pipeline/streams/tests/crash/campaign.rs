//! The schedule: what is killed when.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use marabet_schemas::facts::Seen;
use marabet_schemas::{Event, Instant as EventTime};
use marabet_streams::{EmbeddedOptions, EmbeddedRedis, FeedOptions, FeedWriter, Log};

use crate::chance::Chance;
use crate::check;
use crate::process::{namespace, options};

pub(crate) struct Campaign {
    pub(crate) seed: u64,
    pub(crate) kills: u64,
}

/// Of so many kills one is of Redis.
const REDIS_ONE_IN: u64 = 10;
/// Matches whose facts flow.
const MATCHES: u64 = 60;
/// Processes that run the stages.
const PROCESSES: usize = 2;

/// A process that dies with whoever started it.
struct Stages(Child);

impl Stages {
    fn start(url: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new(program);
        command.args(["run-the-stages", url]).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What was done.
#[derive(Default)]
struct Done {
    processes_killed: u64,
    redis_killed: u64,
    files_torn: u64,
}

impl Campaign {
    /// Runs the schedule and checks what is left. The table of what was done.
    pub(crate) fn run(&self) -> String {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(self.carry_out())
    }

    async fn carry_out(&self) -> String {
        let started = Instant::now();
        let folder = tempfile::tempdir().unwrap();
        let embedded = EmbeddedOptions { deaths_max: 1_000_000, ..EmbeddedOptions::default() };
        let redis = EmbeddedRedis::start(folder.path(), embedded).await.unwrap();
        let log = Log::open(&redis.url(), namespace(), options()).await.unwrap();
        let (ended, mut writing) = tokio::sync::oneshot::channel();
        let writer = tokio::spawn(write(log.clone(), ended));

        let mut chance = Chance::new(self.seed);
        let mut done = Done::default();
        let mut stages: Vec<Stages> = (0..PROCESSES).map(|_| Stages::start(&redis.url())).collect();
        for kill in 1..=self.kills {
            tokio::time::sleep(Duration::from_millis(20 + chance.below(180))).await;
            if kill % REDIS_ONE_IN == 0 {
                let tear = (kill / REDIS_ONE_IN) % 5 >= 3;
                kill_redis(&redis, folder.path(), tear.then(|| chance.below(1 << 20))).await;
                done.redis_killed += 1;
                done.files_torn += u64::from(tear);
            } else {
                let process = chance.below(PROCESSES as u64) as usize;
                stages[process] = Stages::start(&redis.url());
                done.processes_killed += 1;
            }
        }
        writing.close();
        let facts = writer.await.unwrap();
        // The writer has seen to what a torn file took from the feed.
        log.wait_drained(Duration::from_secs(60)).await.unwrap();
        let checked = check::everything(&log, &redis, &facts).await;
        drop(stages);
        let repaired: u64 = redis.repairs().iter().map(|repair| repair.bytes_cut).sum();
        redis.stop().await;
        format!(
            "killed: {} processes, redis {} times, its file torn {} times ({repaired} bytes cut by repair)\n{checked}\nlost 0, doubled 0, in {:.1} s",
            done.processes_killed,
            done.redis_killed,
            done.files_torn,
            started.elapsed().as_secs_f64()
        )
    }
}

/// The fact of this number.
fn fact(number: u64) -> Event {
    let game = (number * number + number / 7) % MATCHES;
    let key = format!("E0|2024-25|H{game}|A{game}|1").parse().unwrap();
    let seen = Seen { src: "crash".into(), book: format!("book{number}").as_str().into() };
    Event::of(key, EventTime::from_micros(number as i64), seen)
}

/// Appends facts until nobody listens any more. Returns all of them.
async fn write(log: Log, ended: tokio::sync::oneshot::Sender<()>) -> Vec<Event> {
    let writer = FeedWriter::open(&log, &"crash".into(), FeedOptions::default()).await.unwrap();
    let mut facts = Vec::new();
    while !ended.is_closed() {
        let from = facts.len() as u64;
        facts.extend((from..from + 40).map(fact));
        writer.append_from(from, &facts[from as usize..]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Longer than a crash may take back, so that the writer knows that all is there.
    tokio::time::sleep(Duration::from_secs(3)).await;
    writer.close().await.unwrap();
    facts
}

/// Kills Redis and waits until it is back; with `tear` cuts up to so many bytes, and at most half
/// of the last second's, off its file.
async fn kill_redis(redis: &EmbeddedRedis, folder: &Path, tear: Option<u64>) {
    let pid = redis.pid().expect("it was back after the last time");
    let restarts = redis.restarts();
    match tear {
        None => signal("-KILL", pid),
        Some(bytes) => {
            let before = last_part(folder).metadata().unwrap().len();
            tokio::time::sleep(Duration::from_millis(500)).await;
            signal("-STOP", pid);
            let file = last_part(folder);
            let size = file.metadata().unwrap().len();
            let cut = bytes % size.saturating_sub(before).max(1);
            std::fs::File::options().write(true).open(file).unwrap().set_len(size - cut).unwrap();
            signal("-KILL", pid);
        }
    }
    let killed = Instant::now();
    while redis.restarts() == restarts {
        assert!(killed.elapsed() < Duration::from_secs(20), "the server does not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The last part of the append-only file.
fn last_part(folder: &Path) -> PathBuf {
    let parts = std::fs::read_dir(folder.join("appendonlydir")).unwrap();
    let parts = parts.map(|part| part.unwrap().path());
    let number = |path: &PathBuf| -> u64 {
        path.to_string_lossy().rsplit('.').nth(2).and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    parts.filter(|path| path.to_string_lossy().ends_with("incr.aof")).max_by_key(number).unwrap()
}

fn signal(signal: &str, pid: u32) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status();
    assert!(status.unwrap().success());
}
