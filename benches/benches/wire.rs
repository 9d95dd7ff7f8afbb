//! The wire form: events to lines and back, beside a generic JSON parser and a bare copy.

#![allow(missing_docs, reason = "criterion's macros write functions without documentation")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use marabet_benches::quote;
use marabet_schemas::frame::{Frame, encode};
use marabet_schemas::{EntryId, Event};

const FRAME_EVENTS: u32 = 64;

fn wire(c: &mut Criterion) {
    let events: Vec<Event> = (0..FRAME_EVENTS).map(quote).collect();
    let bytes = encode(&events);
    let lines = String::from_utf8(bytes.clone()).expect("lines are text");

    let mut group = c.benchmark_group("wire/frame of 64 quotes");
    group.throughput(Throughput::Elements(u64::from(FRAME_EVENTS)));
    group.bench_function("encode", |b| b.iter(|| encode(black_box(&events))));
    group.bench_function("decode", |b| {
        b.iter(|| Frame::decode(EntryId::default(), black_box(&lines)));
    });
    group.bench_function("peer: generic JSON values", |b| {
        b.iter(|| {
            let parsed = black_box(&lines).lines().map(serde_json::from_str::<serde_json::Value>);
            parsed.filter(Result::is_ok).count()
        });
    });
    group.bench_function("limit: copy of the bytes", |b| b.iter(|| black_box(&bytes).clone()));
    group.finish();
}

criterion_group!(benches, wire);
criterion_main!(benches);
