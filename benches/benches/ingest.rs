//! How fast files become facts: rows of CSV, events of a timeline, lines of our own.
//!
//! The file is a simulated season of twenty sides in the columns of the site. With
//! `MARABET_DATA` set, a real one of 120 columns is measured beside it.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use marabet_ingest::football_data::{FileReader, Loader, Timing};
use marabet_ingest::ndjson::{self, Reader};
use marabet_ingest::simulator::{Settings, Simulation};

fn season() -> Simulation {
    Simulation::new(Settings { seasons: 1, ..Settings::default() }).unwrap()
}

/// The files to measure, uncompressed, with their names.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let written: Vec<PathBuf> = season().write_csv(folder.path()).unwrap();
    let mut files = vec![("simulated", std::fs::read(&written[0]).unwrap())];
    let real = std::env::var_os("MARABET_DATA")
        .map(|data| Path::new(&data).join("football_data_uk/raw/E0/2425.csv.gz"));
    if let Some(real) = real.filter(|path| path.exists()) {
        let mut plain = Vec::new();
        let packed = std::fs::File::open(real).unwrap();
        std::io::copy(&mut flate2::read::MultiGzDecoder::new(packed), &mut plain).unwrap();
        files.push(("real_120_columns", plain));
    }
    files
}

fn rows(c: &mut Criterion) {
    let mut group = c.benchmark_group("football_data");
    for (name, bytes) in files() {
        group.throughput(Throughput::Elements(380));
        group.bench_with_input(BenchmarkId::new("rows", name), &bytes, |b, bytes| {
            b.iter(|| {
                let mut reader = FileReader::new("E0.csv", &bytes[..]);
                let mut rejects = Vec::new();
                while let Some(record) = reader.next_record(&mut rejects).unwrap() {
                    black_box(&record);
                }
                assert_eq!(reader.counts().matches, 380);
            });
        });
        let mut rejects = Vec::new();
        let mut loader = Loader::new(Timing::default());
        loader.bytes("E0.csv", &bytes, &mut rejects).unwrap();
        let timeline = loader.finish(&mut rejects);
        group.throughput(Throughput::Elements(timeline.events().count() as u64));
        group.bench_with_input(BenchmarkId::new("events", name), &timeline, |b, timeline| {
            b.iter(|| timeline.events().map(black_box).count());
        });
    }
    group.finish();
}

fn lines(c: &mut Criterion) {
    let mut group = c.benchmark_group("ndjson");
    let events: Vec<_> = season().into_events().take(20_000).collect();
    let mut bytes = Vec::new();
    ndjson::write(events.iter().cloned(), &mut bytes).unwrap();
    group.throughput(Throughput::Elements(events.len() as u64));
    group.sample_size(20);
    group.bench_function("read", |b| {
        b.iter(|| {
            let mut reader = Reader::new("bench", &bytes[..]);
            while let Some(event) = reader.next_event().unwrap() {
                black_box(event.unwrap());
            }
        });
    });
    group.finish();
}

fn simulator(c: &mut Criterion) {
    let mut group = c.benchmark_group("simulator");
    group.throughput(Throughput::Elements(season().events().count() as u64));
    group.sample_size(10);
    group.bench_function("events_of_a_season", |b| {
        b.iter(|| season().into_events().map(black_box).count());
    });
    group.finish();
}

criterion_group!(benches, rows, lines, simulator);
criterion_main!(benches);
