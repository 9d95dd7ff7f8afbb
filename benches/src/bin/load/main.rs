//! The load harness: how fast the whole line is, beside what Redis alone can do.
//!
//! `make load` runs as fast as the line takes it, `RATE=5000 make load` at a chosen rate, which is
//! how to look at the latency. `QUOTES`, `PARTITIONS` and `JSON=1` are the other settings. In the
//! same run it measures the ceiling, and checks every decision against the pure stages.

mod alerts;
mod ceiling;
mod digest;
mod line;
mod mix;
mod pure;
mod report;
mod settings;
mod usage;

use std::io::Write;

use anyhow::Context;
use marabet_schemas::Instant;
use marabet_streams::{EmbeddedOptions, EmbeddedRedis, Log, LogOptions, Namespace, clock};

use report::{Quantiles, Report};
use settings::Settings;

/// As in the program: what one task allocates another frees, all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let settings = Settings::from_environment()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.workers)
        .enable_all()
        .build()?;
    let report = runtime.block_on(run(&settings))?;
    let mut out = std::io::stdout().lock();
    if settings.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        report.write_text(&mut out)?;
    }
    Ok(())
}

async fn run(settings: &Settings) -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let server = std::env::var_os("MARABET_REDIS_SERVER").map(Into::into);
    let options = EmbeddedOptions { server, ..EmbeddedOptions::default() };
    let redis = EmbeddedRedis::start(folder.path(), options).await?;
    let pid = redis.pid().context("the private Redis has ended")?;
    let model = mix::model(Instant::from_micros(i64::try_from(clock::wall_us())?))?;

    let log = open(&redis, "load", settings.partitions).await?;
    let cpu = (usage::cpu_s("self"), usage::cpu_s(&pid.to_string()));
    let run = line::run(&log, settings, &model).await?;
    let pipeline_cpu_s = usage::cpu_s("self") - cpu.0;
    let redis_cpu_s = usage::cpu_s(&pid.to_string()) - cpu.1;
    let mut control = redis::Client::open(redis.url())?.get_multiplexed_async_connection().await?;
    let server = usage::of_server(&mut control).await?;
    // What the line left behind must not weigh on the bare loop.
    redis::cmd("FLUSHALL").query_async::<()>(&mut control).await?;

    let bare = open(&redis, "bare", settings.partitions).await?;
    let ceiling = ceiling::measure(&bare, &redis.url(), pid, &run, &model).await?;
    redis.stop().await;

    let pure = pure::derive(&run, &model, settings.partitions)?;
    for (partition, (found, expected)) in run.digests.iter().zip(&pure.digests).enumerate() {
        anyhow::ensure!(
            found == expected,
            "partition {partition}: the line's bets are not those of the pure stages: {found:?}, expected {expected:?}"
        );
    }
    let quotes_per_s = settings.quotes as f64 / run.took.as_secs_f64();
    let us = |(name, spent): &(&'static str, std::time::Duration)| {
        (*name, spent.as_secs_f64() * 1e6 / settings.quotes as f64)
    };
    Ok(Report {
        quotes_per_s,
        ceiling_quotes_per_s: ceiling.quotes_per_s,
        ratio: quotes_per_s / ceiling.quotes_per_s,
        latency_ms: Quantiles::of(&log.metrics().stage("detect").bet_latency),
        redis_memory_mb: server.memory_peak as f64 / f64::from(1 << 20),
        redis_cpu_s,
        pipeline_cpu_s,
        alert_age_ms: Quantiles::of(&run.ages.0),
        redis_resident_mb: server.resident as f64 / f64::from(1 << 20),
        quotes: settings.quotes,
        rate: settings.rate.unwrap_or(0),
        seconds: run.took.as_secs_f64(),
        bets: run.digests.iter().map(|digest| digest.bets).sum(),
        alerts: run.ages.0.count(),
        frame_events: run.frame_events,
        along: run.along,
        fsyncs_late: server.fsyncs_late,
        ceiling_redis_us: ceiling.redis_us_per_quote,
        pure_us: pure.steps.0.iter().map(us).collect(),
    })
}

async fn open(redis: &EmbeddedRedis, name: &str, partitions: u16) -> anyhow::Result<Log> {
    let namespace = Namespace::new(name, partitions)?;
    Ok(Log::open(&redis.url(), namespace, LogOptions::default()).await?)
}
