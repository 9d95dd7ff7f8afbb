//! What pricing a quote and training a model cost, Redis left out.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench stops where a test would fail")]

use std::collections::BTreeMap;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use marabet_predict::Predict;
use marabet_predict::training::{Trainer, TrainingOptions};
use marabet_schemas::facts::{Fixture, FixtureStatus, MatchResult, Phase, Quote, ResultStatus};
use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, EntryId, Event, Instant, MatchKey};
use marabet_stage::{Artefacts, Driver};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TEAMS: usize = 20;
const BOOKS: usize = 30;
const FRAME: usize = 64;
const DAY_S: i64 = 86_400;

fn key(season: &str, home: usize, away: usize) -> MatchKey {
    let team = |n: usize| format!("Team {n}");
    MatchKey::new(&"E0".into(), season, &team(home), &team(away), 1).unwrap()
}

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    let all = (0..TEAMS).flat_map(|home| (0..TEAMS).map(move |away| (home, away)));
    all.filter(|(home, away)| home != away)
}

fn fixture(key: &MatchKey, kickoff: Instant) -> Event {
    let fixture = Fixture {
        src: "bench".into(),
        status: FixtureStatus::Scheduled,
        kickoff,
        neutral: false,
        minute: None,
        score: None,
    };
    Event::of(key.clone(), kickoff.plus_seconds(-DAY_S), fixture)
}

/// Three seasons of 380 matches, as facts.
fn history() -> Vec<Event> {
    let mut events = Vec::new();
    for (season, start) in [("2021-22", 0_i64), ("2022-23", 365), ("2023-24", 730)] {
        for (n, (home, away)) in pairs().enumerate() {
            let key = key(season, home, away);
            let day = start + n as i64 * 280 / 380;
            let kickoff = Instant::from_micros(0).plus_seconds(day * DAY_S);
            events.push(fixture(&key, kickoff));
            let score = [((home * 7 + n) % 4) as u8, ((away * 5 + n) % 3) as u8];
            let result = MatchResult {
                src: "bench".into(),
                status: ResultStatus::Played,
                score: Some(score),
                half_time: None,
            };
            events.push(Event::of(key, kickoff.plus_seconds(7_200), result));
        }
    }
    events
}

/// The quotes of 30 books on the three usual markets of 300 matches, as a feed brings them.
fn quotes(at: Instant) -> Vec<Event> {
    let mut quotes = Vec::new();
    for book in 0..BOOKS {
        for (home, away) in pairs().take(300) {
            for (market, odds) in [
                ("1x2", &[2.1, 3.4, 3.6][..]),
                ("ou@2.5", &[1.9, 1.95]),
                ("ah@-0.25", &[1.88, 2.02]),
            ] {
                let quote = Quote {
                    src: "bench".into(),
                    book: format!("book{book}").as_str().into(),
                    market: market.parse().unwrap(),
                    odds: odds.iter().map(|price| (*price).try_into().unwrap()).collect(),
                    phase: Phase::Pre,
                    sizes: None,
                };
                quotes.push(Event::of(key("2024-25", home, away), at, quote));
            }
        }
    }
    quotes
}

fn frames(events: &[Event]) -> Vec<Frame> {
    let frame =
        |(seq, events): (u64, &[Event])| Frame::new(EntryId { ms: 1, seq }, events.to_vec());
    (1..).zip(events.chunks(FRAME)).map(frame).collect()
}

fn trainer() -> Trainer {
    let mut trainer = Trainer::new(TrainingOptions::default()).unwrap();
    history().iter().for_each(|fact| trainer.learn(fact));
    trainer
}

fn run(driver: &mut Driver<Predict>, frames: &[Frame], artefacts: &dyn Artefacts) -> usize {
    let mut derived = 0;
    for frame in frames {
        derived += driver.apply(std::slice::from_ref(frame), artefacts).unwrap()[0].events.len();
        driver.keep();
    }
    derived
}

fn pricing(c: &mut Criterion) {
    let now = Instant::from_micros(0).plus_seconds(1_100 * DAY_S);
    let model = trainer().train(now).models.remove(0);
    let artefacts: BTreeMap<ArtefactHash, Arc<[u8]>> = BTreeMap::from([(model.hash, model.bytes)]);
    let fixtures = pairs().map(|(home, away)| fixture(&key("2024-25", home, away), now));
    let opening: Vec<Event> = std::iter::once(model.event).chain(fixtures).collect();
    let (opening, quotes) = (frames(&opening), quotes(now));
    let count = quotes.len();
    let quotes = frames(&quotes);

    let informed = || {
        let mut driver = Driver::new(Predict::new(), 0);
        run(&mut driver, &opening, &artefacts);
        driver
    };
    let mut group = c.benchmark_group("predict");
    group.sample_size(20).throughput(Throughput::Elements(count as u64));
    group.bench_function("quotes of matches seen before", |b| {
        let mut driver = informed();
        run(&mut driver, &quotes, &artefacts);
        b.iter(|| run(&mut driver, &quotes, &artefacts));
    });
    group.bench_function("the same without views", |b| {
        let mut driver = informed().without_views();
        run(&mut driver, &quotes, &artefacts);
        b.iter(|| run(&mut driver, &quotes, &artefacts));
    });
    group.throughput(Throughput::Elements(300));
    let first = &quotes[..900_usize.div_ceil(FRAME)];
    group.bench_function("first quotes of 300 matches", |b| {
        b.iter_batched(
            informed,
            |mut driver| run(&mut driver, first, &artefacts),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("train");
    group.sample_size(20);
    let boundary = Instant::from_micros(0).plus_seconds(1_100 * DAY_S);
    group.bench_function("dixon_coles on 1,140 matches of 20 sides", |b| {
        b.iter_batched(trainer, |mut trainer| trainer.train(boundary), BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, pricing, training);
criterion_main!(benches);
