//! What the archive costs and gives: Parquet to events, Parquet to bets, events to Parquet; beside
//! the same events as lines of JSON, in time and in bytes.
//!
//! The history is a simulated league, with `MARABET_DATA` set real seasons of football-data.co.uk.
//! Throughput is in book prices: one for each selection of a quote.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]
#![allow(clippy::print_stderr, reason = "sizes are said beside the times")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use marabet_archive::{Archive, Days, Holding, Importer};
use marabet_detect::Detect;
use marabet_ingest::football_data::{Loader, Timing};
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_predict::Predict;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::Rules;
use marabet_schemas::{ArtefactHash, Body, EntryId, Event};
use marabet_stage::Driver;
use marabet_streams::Stream;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FEED: Holding = Holding::Stream(Stream::Feed);
/// Frames that go through a stage at once.
const FRAMES: usize = 32;

/// The files of a league that are there, loaded as the import loads them.
fn history() -> (&'static str, Vec<Event>) {
    let files = std::env::var_os("MARABET_DATA").map(|data| {
        let below = Path::new(&data).join("football_data_uk/raw/E0");
        marabet_ingest::seasons::find(&[below]).unwrap_or_default()
    });
    let files = files.unwrap_or_default();
    if files.is_empty() {
        let settings = Settings { seasons: 4, ..Settings::default() };
        return ("simulated", Simulation::new(settings).unwrap().into_events().collect());
    }
    let (mut loader, mut rejects) = (Loader::new(Timing::default()), Vec::new());
    for file in &files {
        loader.file(file, &mut rejects).unwrap();
    }
    ("real", loader.finish(&mut rejects).into_events().collect())
}

fn import(folder: &Path, events: &[Event]) -> Archive {
    let archive = Archive::at(folder.to_str().unwrap()).unwrap();
    let print = ArtefactHash::of(b"bench");
    let mut importer = Importer::begin(&archive, 1, &print, "bench").unwrap();
    importer.push(&Event::global(events[0].at, ConfigPublished::new(1, Rules::default()))).unwrap();
    events.iter().for_each(|event| importer.push(event).unwrap());
    importer.finish().unwrap();
    archive
}

/// Parquet to bets on this thread; returns how many events `detect` derived.
fn replay(archive: &Archive) -> usize {
    let models: BTreeMap<ArtefactHash, Arc<[u8]>> = BTreeMap::new();
    let mut predict = Driver::new(Predict::new(), 0).without_views();
    let mut detect = Driver::new(Detect::new(), 0).without_views();
    let mut frames = archive.frames(&FEED, 0, &Days::ALL).unwrap().map(Result::unwrap);
    let mut bets = 0;
    loop {
        let batch: Vec<Frame> = frames.by_ref().take(FRAMES).collect();
        if batch.is_empty() {
            return bets;
        }
        let priced: Vec<Frame> = predict
            .apply(&batch, &models)
            .unwrap()
            .into_iter()
            .map(|output| Frame::new(output.id, output.events))
            .collect();
        predict.keep();
        let outputs = detect.apply(&priced, &models).unwrap();
        detect.keep();
        bets += outputs.iter().map(|output| output.events.len()).sum::<usize>();
    }
}

fn archive(c: &mut Criterion) {
    let (name, events) = history();
    let home = tempfile::tempdir().unwrap();
    let archive = import(home.path(), &events);
    let prices: u64 = events
        .iter()
        .map(|event| match &event.body {
            Body::Quote(quote) => quote.odds.len() as u64,
            _ => 0,
        })
        .sum();
    let lines: Vec<String> = events.iter().map(Event::to_line).collect();
    let json: usize = lines.iter().map(|line| line.len() + 1).sum();
    let parquet: u64 = archive.status().unwrap().iter().map(|holding| holding.bytes).sum();
    eprintln!(
        "{name}: {} facts, {prices} book prices; JSON {json} bytes, Parquet {parquet} bytes: 1/{:.1}",
        events.len(),
        json as f64 / parquet as f64
    );

    let mut group = c.benchmark_group("archive");
    group.sample_size(10);
    group.throughput(Throughput::Elements(prices));
    group.bench_function("parquet_to_events", |b| {
        b.iter(|| {
            let frames = archive.frames(&FEED, 0, &Days::ALL).unwrap();
            frames.map(|frame| black_box(frame.unwrap()).events.len()).sum::<usize>()
        });
    });
    group.bench_function("json_to_events", |b| {
        b.iter(|| {
            let frames = lines.chunks(256).zip(1..);
            let decode = |(lines, ms): (&[String], u64)| {
                black_box(Frame::decode(EntryId { ms, seq: 0 }, &lines.join("\n"))).events.len()
            };
            frames.map(decode).sum::<usize>()
        });
    });
    group.bench_function("parquet_to_bets", |b| b.iter(|| replay(&archive)));
    group.bench_function("events_to_parquet", |b| {
        b.iter(|| {
            let home = tempfile::tempdir().unwrap();
            import(home.path(), &events)
        });
    });
    group.finish();
}

criterion_group!(benches, archive);
criterion_main!(benches);
