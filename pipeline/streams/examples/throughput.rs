//! How fast the log moves quotes through two stages that do next to nothing, and how fast bare
//! Redis calls with the same frames are: `throughput [quotes] [partitions] [quotes per second]`.
//!
//! Without a rate it runs as fast as it can. The latency is from the append to the last commit.

#![allow(clippy::print_stdout, reason = "it tells a person")]

use std::time::{Duration, Instant};

use marabet_quant::Odds;
use marabet_schemas::facts::{OddsList, Phase, Quote};
use marabet_schemas::{Body, Event};
use marabet_stage::{Artefacts, Derived, Fault, Rows, Stage, Table};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, FeedOptions, FeedWriter, Log, LogOptions, Namespace,
    RunOptions, ShutdownTrigger, StageRun, Stream, run_stage,
};

/// Keeps the last odds of each book and forwards every quote, or one in a hundred.
struct Forward {
    name: &'static str,
    one_in: u64,
    seen: u64,
    last: Table<String, OddsList>,
}

impl Stage for Forward {
    fn name(&self) -> &'static str {
        self.name
    }
    fn apply(&mut self, event: &Event, _: &dyn Artefacts, out: &mut Derived) -> Result<(), Fault> {
        let (Some(key), Body::Quote(quote)) = (&event.key, &event.body) else { return Ok(()) };
        self.last.insert(format!("{key}|{}", quote.book), quote.odds.clone());
        self.seen += 1;
        if self.seen.is_multiple_of(self.one_in) {
            out.push(event.clone());
        }
        Ok(())
    }
    fn tables(&mut self) -> Vec<&mut dyn Rows> {
        vec![&mut self.last]
    }
}

fn quote(number: u64) -> Event {
    let (game, book) = (number % 300, (number / 300) % 30);
    let odds = |base: f64| Odds::try_from(base + (number % 97) as f64 / 100.0).expect("above one");
    let quote = Quote {
        src: "load".into(),
        book: format!("book{book}").as_str().into(),
        market: "1x2".parse().expect("a market"),
        odds: [odds(1.5), odds(3.1), odds(4.2)].into(),
        phase: Phase::Pre,
        sizes: None,
    };
    let key = format!("E0|2024-25|Home {game}|Away {game}|1").parse().expect("a key");
    Event::of(
        key,
        marabet_schemas::Instant::from_micros(1_723_830_000_000_000 + number as i64),
        quote,
    )
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u64> =
        std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [quotes, partitions, rate] = [(0, 200_000), (1, 4), (2, 0)]
        .map(|(at, default)| numbers.get(at).copied().unwrap_or(default));
    let folder = tempfile::tempdir()?;
    let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await?;
    let namespace = Namespace::new("load", partitions as u16)?;
    let log = Log::open(&redis.url(), namespace, LogOptions::default()).await?;
    let (trigger, shutdown) = ShutdownTrigger::new();
    let mut tasks = Vec::new();
    for partition in 0..partitions as u16 {
        for (name, input, output, one_in) in [
            ("first", Stream::Feed, Stream::Priced, 1),
            ("second", Stream::Priced, Stream::Bets, 100),
        ] {
            let (log, shutdown) = (log.clone(), shutdown.clone());
            let stage = Forward { name, one_in, seen: 0, last: Table::new("last") };
            let run = StageRun { partition, input, output, options: RunOptions::default() };
            tasks.push(tokio::spawn(async move { run_stage(&log, &run, stage, shutdown).await }));
        }
    }
    let writer = FeedWriter::open(&log, &"load".into(), FeedOptions::default()).await?;
    let events: Vec<Event> = (0..quotes).map(quote).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let started = Instant::now();
    let cpu = (cpu_s("self"), cpu_s(&redis.pid().unwrap_or(0).to_string()));
    let mut sent = 0;
    while sent < events.len() {
        let due = match rate {
            0 => events.len().min(sent + 1024),
            rate => ((started.elapsed().as_secs_f64() * rate as f64) as usize).min(events.len()),
        };
        writer.append(&events[sent..due]).await?;
        sent = due;
        if rate > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    writer.flush().await?;
    let second = log.metrics().stage("second");
    while second.events.get() < quotes {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = started.elapsed();
    let used = (cpu_s("self") - cpu.0, cpu_s(&redis.pid().unwrap_or(0).to_string()) - cpu.1);
    let first = log.metrics().stage("first");
    println!(
        "{quotes} quotes in {:.2} s: {:.0} quotes/s",
        took.as_secs_f64(),
        quotes as f64 / took.as_secs_f64()
    );
    println!("cpu: pipeline {:.2} s, redis {:.2} s", used.0, used.1);
    println!(
        "feed: {} frames, append {:?} mean, held up: {:?}",
        log.metrics().feed.frames.get(),
        log.metrics().feed.append_time.mean(),
        log.metrics().feed.waits_for()
    );
    for (name, stage) in [("first", &first), ("second", &second)] {
        println!(
            "{name}: {} frames, {} commits, apply {:?}, commit {:?}, latency p50 {:?} p99 {:?} p99.9 {:?}, reloads {}",
            stage.frames.get(),
            stage.commits.get(),
            stage.apply_time.mean(),
            stage.commit_time.mean(),
            stage.latency.quantile(0.5),
            stage.latency.quantile(0.99),
            stage.latency.quantile(0.999),
            stage.reloads.get()
        );
    }
    trigger.ask();
    for task in tasks {
        task.await??;
    }
    writer.close().await?;
    redis.stop().await;
    Ok(())
}

/// Seconds of processor time that a process has used, where the system has /proc.
fn cpu_s(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 =
        after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}
