//! How fast a snapshot of the prices of many books goes from its rows to facts in the log, and what
//! a second, identical one appends.
//!
//! Argument: a file in the columns of `docs/examples/snapshot.toml`; without one the snapshot of
//! `MARABET_DATA`. Beside it stands what reading the same rows alone takes. Medians of five.

#![allow(clippy::print_stdout, reason = "it is what this program is for")]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant as Moment;

use anyhow::Context;
use flate2::read::MultiGzDecoder;
use marabet_ingest::desk::Desk;
use marabet_ingest::names::Names;
use marabet_ingest::prices_file::{Mapping, read, report};
use marabet_ingest::the_odds_api::SOURCE;
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, FeedOptions, FeedWriter, Log, LogOptions, Namespace,
};

/// Repetitions; the median counts.
const TIMES: usize = 5;

const COLUMNS: [(&str, &str); 12] = [
    ("match", "event_id"),
    ("competition", "sport_key"),
    ("home", "home_team"),
    ("away", "away_team"),
    ("kickoff", "commence_time"),
    ("at", "snapshot_time"),
    ("seen", "last_update"),
    ("book", "bookmaker_key"),
    ("market", "market"),
    ("outcome", "outcome_name"),
    ("odds", "price"),
    ("point", "point"),
];

/// What one run took, step by step, and what it appended.
#[derive(Debug, Default, Clone)]
struct Ran {
    rows: u64,
    read_s: f64,
    facts_s: f64,
    stored_s: f64,
    facts: usize,
    again: BTreeMap<&'static str, usize>,
}

async fn run(path: &Path, mapping: &Mapping, log: &Log) -> anyhow::Result<Ran> {
    let writer = FeedWriter::open(log, &SOURCE.into(), FeedOptions::default()).await?;
    let mut desk = Desk::open(SOURCE.into(), Names::in_memory(), 600, None)?;
    let began = Moment::now();
    let looks = read(path, mapping).map_err(anyhow::Error::msg)?;
    let (rows, read_s) = (looks.rows, began.elapsed().as_secs_f64());
    let second = looks.clone();
    let began = Moment::now();
    let batch = report(&mut desk, looks)?;
    let facts_s = began.elapsed().as_secs_f64();
    let began = Moment::now();
    for facts in batch.events.chunks(256) {
        writer.append(facts).await?;
    }
    writer.flush().await?;
    let stored_s = began.elapsed().as_secs_f64();
    let mut again: BTreeMap<&'static str, usize> = BTreeMap::new();
    for event in report(&mut desk, second)?.events {
        *again.entry(event.kind().name()).or_default() += 1;
    }
    writer.close().await?;
    Ok(Ran { rows, read_s, facts_s, stored_s, facts: batch.events.len(), again })
}

/// What the rows take to be unpacked and taken apart, and nothing else.
fn rows_alone(path: &Path) -> anyhow::Result<f64> {
    let began = Moment::now();
    let mut bytes = Vec::new();
    MultiGzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    let commas = bytes.iter().filter(|byte| **byte == b',').count();
    std::hint::black_box(commas);
    Ok(began.elapsed().as_secs_f64())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let named = std::env::args().nth(1).map(PathBuf::from);
    let of_data = || {
        let data = std::env::var_os("MARABET_DATA").map(PathBuf::from)?;
        Some(data.join("intraday_odds/the_odds_api_snapshot_2026-04-16/soccer_odds.csv.gz"))
    };
    let path = named.or_else(of_data).context("name a file, or set MARABET_DATA")?;
    let columns = COLUMNS.map(|(role, name)| (role.to_owned(), name.to_owned()));
    let mapping = Mapping::new(columns.into()).map_err(anyhow::Error::msg)?;
    let folder = tempfile::tempdir()?;
    let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await?;
    let mut ran = Vec::with_capacity(TIMES);
    for time in 0..TIMES {
        let namespace = Namespace::new(format!("bench{time}"), 4)?;
        let log = Log::open(&redis.url(), namespace, LogOptions::default()).await?;
        ran.push(run(&path, &mapping, &log).await?);
    }
    let mut alone = (0..TIMES).map(|_| rows_alone(&path)).collect::<anyhow::Result<Vec<_>>>()?;
    redis.stop().await;
    let all_s = |ran: &Ran| ran.read_s + ran.facts_s + ran.stored_s;
    ran.sort_by(|a, b| all_s(a).total_cmp(&all_s(b)));
    alone.sort_by(f64::total_cmp);
    let (median, alone_s) = (&ran[TIMES / 2], alone[TIMES / 2]);
    println!("{} rows, {} facts stored in {:.3} s", median.rows, median.facts, all_s(median));
    println!(
        "  rows to looks {:.3} s, looks to facts {:.3} s, facts to the log {:.3} s",
        median.read_s, median.facts_s, median.stored_s
    );
    println!(
        "  {:.1} times what unpacking the rows alone takes ({alone_s:.3} s)",
        all_s(median) / alone_s
    );
    println!("the same again appends: {:?}", median.again);
    Ok(())
}
