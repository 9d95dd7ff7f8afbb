//! What finding value costs a quote, Redis left out.
//!
//! The mix: 300 matches, 30 books (Pinnacle among them), three markets, five rounds of quotes a
//! minute apart, in which every price moves and one in a hundred leads to a bet or to a better
//! price for one.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench stops where a test would fail")]
#![allow(clippy::print_stderr, reason = "the mix is said beside the figure")]

use std::collections::BTreeMap;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use marabet_detect::Detect;
use marabet_quant::Odds;
use marabet_schemas::bets::Priced;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::facts::{Fixture, FixtureStatus, Phase, Quote};
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::{FairSource, Rules, Strategy};
use marabet_schemas::{ArtefactHash, Body, EntryId, Event, Instant, MatchKey};
use marabet_stage::Driver;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MATCHES: u64 = 300;
const BOOKS: u64 = 30;
const ROUNDS: u64 = 5;
const FRAME: usize = 64;
/// One price in this many is raised above its fair odds.
const RAISED: u64 = 35;

fn key(n: u64) -> MatchKey {
    let (home, away) = (format!("Team {}", n / 19), format!("Team {}", n % 19 + 20));
    MatchKey::new(&"E0".into(), "2024-25", &home, &away, 1).unwrap()
}

/// A number below `below` that looks random (SplitMix64) and is the same each time.
fn scattered(seed: u64, below: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

fn quote(n: u64, book: u64, market: usize, round: u64) -> Event {
    let fair: &[f64] = [&[0.46, 0.27, 0.27][..], &[0.52, 0.48], &[0.5, 0.5]][market];
    let seed = ((n * BOOKS + book) * 3 + market as u64) * ROUNDS + round;
    let margin = if book == 0 { 1.025 } else { 1.05 + scattered(seed, 30) as f64 / 1000.0 };
    let raised = (book != 0 && scattered(seed ^ 0xb0b, RAISED) == 0)
        .then(|| scattered(seed ^ 0xa11, fair.len() as u64) as usize);
    let odds = |(at, p): (usize, &f64)| {
        let margin = if raised == Some(at) { 0.96 } else { margin };
        let moved = 1.0 + scattered(n * 7 + round, 9) as f64 / 2000.0;
        Odds::new((100.0 / (p * margin * moved)).round() / 100.0).unwrap()
    };
    let name = if book == 0 { "pinnacle".to_owned() } else { format!("book{book}") };
    let quote = Quote {
        src: "bench".into(),
        book: name.as_str().into(),
        market: ["1x2", "ou@2.5", "ah@-0.25"][market].parse().unwrap(),
        odds: fair.iter().enumerate().map(odds).collect(),
        phase: Phase::Pre,
        sizes: None,
    };
    let at = Instant::from_micros(0).plus_seconds(60 * round as i64);
    let priced = Priced { quote, forecast: None, unpriced: None };
    Event::of(key(n), at, priced)
}

fn quotes() -> Vec<Event> {
    let mut quotes = Vec::new();
    for round in 0..ROUNDS {
        for book in 0..BOOKS {
            for n in 0..MATCHES {
                quotes.extend((0..3).map(|market| quote(n, book, market, round)));
            }
        }
    }
    quotes
}

fn opening(rules: Rules) -> Vec<Event> {
    let at = Instant::from_micros(0);
    let fixture = |n| {
        let fixture = Fixture {
            src: "bench".into(),
            status: FixtureStatus::Scheduled,
            kickoff: at.plus_seconds(86_400),
            neutral: false,
            minute: None,
            score: None,
        };
        Event::of(key(n), at, fixture)
    };
    let config = Event::global(at, ConfigPublished::new(1, rules));
    std::iter::once(config).chain((0..MATCHES).map(fixture)).collect()
}

fn frames(events: &[Event]) -> Vec<Frame> {
    let frame =
        |(seq, events): (u64, &[Event])| Frame::new(EntryId { ms: 1, seq }, events.to_vec());
    (1..).zip(events.chunks(FRAME)).map(frame).collect()
}

/// Runs the frames; with `commit` also writes the changed rows, as a commit does. Returns how
/// many bets were told and how many bytes of rows were written.
fn run(driver: &mut Driver<Detect>, frames: &[Frame], commit: bool) -> (usize, usize) {
    let (mut bets, mut bytes) = (0, 0);
    let artefacts: BTreeMap<ArtefactHash, std::sync::Arc<[u8]>> = BTreeMap::new();
    for frame in frames {
        let outputs = driver.apply(std::slice::from_ref(frame), &artefacts).unwrap();
        assert!(outputs[0].dead.is_empty(), "{:?}", outputs[0].dead);
        let events = outputs[0].events.iter();
        bets += events.filter(|event| matches!(event.body, Body::ValueBet(_))).count();
        if commit {
            let changes = driver.changes().unwrap();
            bytes += changes
                .iter()
                .filter_map(|change| change.value.as_ref())
                .map(Vec::len)
                .sum::<usize>();
        }
        driver.keep();
    }
    (bets, bytes)
}

fn strategy(fair: FairSource) -> Rules {
    let strategy = Strategy { fair, ..Strategy::default() };
    Rules { strategies: [("only".into(), strategy)].into(), ..Rules::default() }
}

fn finding_value(c: &mut Criterion) {
    let quotes = quotes();
    let count = quotes.len();
    let quotes = frames(&quotes);
    let informed = |rules: Rules| {
        let mut driver = Driver::new(Detect::new(), 0).without_views();
        run(&mut driver, &frames(&opening(rules)), false);
        driver
    };
    let mut group = c.benchmark_group("detect");
    group.sample_size(10).throughput(Throughput::Elements(count as u64));
    for (name, fair, commit) in [
        ("sharp", FairSource::Sharp, false),
        ("sharp, rows written", FairSource::Sharp, true),
        ("consensus", FairSource::Consensus, false),
    ] {
        let (bets, bytes) = run(&mut informed(strategy(fair)), &quotes, commit);
        let share = 100.0 * bets as f64 / count as f64;
        eprintln!(
            "{name}: {bets} bets and better prices in {count} quotes, {share:.2} %, {bytes} bytes of rows"
        );
        group.bench_function(name, |b| {
            b.iter_batched(
                || informed(strategy(fair)),
                |mut driver| run(&mut driver, &quotes, commit),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, finding_value);
criterion_main!(benches);
