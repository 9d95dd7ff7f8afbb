//! Frames, partitions, interleavings of matches, restarts and bad events in between carry no
//! meaning: each match's derived events are the same.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use marabet_detect::Detect;
use marabet_schemas::bets::Priced;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::facts::{
    Aggregate, Fixture, FixtureStatus, MatchClosed, MatchResult, Phase, ResultStatus, Seen,
    Statistic, Withdrawn,
};
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::{self as betting, FairSource, Rules};
use marabet_schemas::{ArtefactHash, Body, EntryId, Event, MatchKey};
use marabet_stage::Driver;
use proptest::collection::vec;
use proptest::prelude::*;
use support::{DAY, HOUR, KICKOFF, at, odds, plain, priced};

const BOOKS: [&str; 6] = ["pinnacle", "bet365", "bwin", "unibet", "betfair_exchange", "zebra"];
const MARKETS: [&str; 7] = ["1x2", "ah@-0.5", "ah@0", "ou@2.5", "ou@2.75", "dnb", "1x2/1h"];
const KEYS: [&str; 4] = [
    "E0|2024-25|Man United|Fulham|1",
    "E0|2024-25|Ipswich|Liverpool|1",
    "D1|2024-25|Mainz|Union Berlin|1",
    "SP1|2024-25|Ath Bilbao|Getafe|1",
];

/// What happens to a match next, and how many seconds after what was before.
type Step = (i64, Happening);

#[derive(Debug, Clone)]
enum Happening {
    Quote { book: usize, market: usize, shift: i8, phase: Phase, model: Option<u64> },
    Aggregate { market: usize, shift: i8 },
    Withdrawn { book: usize, market: Option<usize> },
    Seen { book: usize },
    Fixture { status: FixtureStatus, moved_h: i64 },
    Result { status: ResultStatus, score: Option<[u8; 2]> },
    Closed,
}

fn happening() -> impl Strategy<Value = Happening> {
    let quote = (0..BOOKS.len(), 0..MARKETS.len(), -9_i8..=9, 0_u8..20, 0_u64..4).prop_map(
        |(book, market, shift, phase, model)| {
            let phase = match phase {
                0 => Phase::Closing,
                1 => Phase::InPlay,
                _ => Phase::Pre,
            };
            let model = (model > 0).then_some(model);
            Happening::Quote { book, market, shift, phase, model }
        },
    );
    let aggregate = (0..MARKETS.len(), -9_i8..=9)
        .prop_map(|(market, shift)| Happening::Aggregate { market, shift });
    let withdrawn = (0..BOOKS.len(), proptest::option::of(0..MARKETS.len()))
        .prop_map(|(book, market)| Happening::Withdrawn { book, market });
    let seen = (0..BOOKS.len()).prop_map(|book| Happening::Seen { book });
    let status = prop_oneof![
        4 => Just(FixtureStatus::Scheduled),
        1 => Just(FixtureStatus::Postponed),
        1 => Just(FixtureStatus::Live),
        1 => Just(FixtureStatus::Abandoned),
    ];
    let fixture = (status, prop_oneof![2 => Just(0_i64), 1 => Just(20), 1 => Just(50)])
        .prop_map(|(status, moved_h)| Happening::Fixture { status, moved_h });
    let result_status = prop_oneof![
        5 => Just(ResultStatus::Played),
        1 => Just(ResultStatus::Awarded),
        1 => Just(ResultStatus::Abandoned),
        1 => Just(ResultStatus::Void),
    ];
    // Now and then a result lacks the score that it needs, and is rejected.
    let score = proptest::option::weighted(0.9, (0_u8..4, 0_u8..4).prop_map(|(h, a)| [h, a]));
    let result =
        (result_status, score).prop_map(|(status, score)| Happening::Result { status, score });
    prop_oneof![
        60 => quote,
        3 => aggregate,
        4 => withdrawn,
        6 => seen,
        2 => fixture,
        2 => result,
        1 => Just(Happening::Closed),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![
        12 => 0_i64..120,
        2 => 300_i64..900,
        1 => Just(8 * HOUR),
    ];
    vec((wait, happening()), 30..80)
}

/// Odds near those of an even match, moved a little: now and then value, now and then an error.
fn moved(market: usize, shift: i8) -> Vec<f64> {
    let usual: &[f64] = match MARKETS[market] {
        "1x2" | "1x2/1h" => &[2.5, 3.3, 2.9],
        "ah@-0.5" => &[2.5, 1.55],
        _ => &[1.95, 1.95],
    };
    let factor = |side: f64| 1.0 + side * f64::from(shift) / 40.0;
    let mut moved: Vec<f64> = usual.to_vec();
    moved[0] = (moved[0] * factor(1.0) * 100.0).round() / 100.0;
    let last = moved.len() - 1;
    // At the far end both sides rise: a book's own error.
    let side = if shift == 9 { 0.8 } else { -0.8 };
    moved[last] = (moved[last] * factor(side) * 100.0).round() / 100.0;
    moved
}

fn with_model(priced: Priced, market: usize, model: Option<u64>) -> Priced {
    let Some(number) = model else { return priced };
    let matrix =
        marabet_quant::matrix::ScoreMatrix::independent(1.2 + 0.1 * number as f64, 1.2).unwrap();
    let market: marabet_quant::Market = MARKETS[market].parse().unwrap();
    let Ok(outcomes) = market
        .selections()
        .iter()
        .map(|selection| matrix.outcomes(&market, *selection))
        .collect::<Result<Vec<_>, _>>()
    else {
        return priced;
    };
    let rows = outcomes.iter().map(|o| [o.win, o.half_win, o.push, o.half_loss, o.loss]).collect();
    support::forecast(priced, number, rows)
}

/// The events of one match.
fn told(key: &MatchKey, steps: &[Step]) -> Vec<Event> {
    let mut now = at(0);
    let fixture = |status, kickoff| Fixture {
        src: "test".into(),
        status,
        kickoff,
        neutral: false,
        minute: None,
        score: None,
    };
    let mut kickoff = at(KICKOFF);
    let mut events = vec![Event::of(key.clone(), now, fixture(FixtureStatus::Scheduled, kickoff))];
    for (wait, happening) in steps {
        now = now.plus_seconds(*wait);
        let body: Body = match happening {
            Happening::Quote { book, market, shift, phase, model } => {
                let decimals = moved(*market, *shift);
                let quote = priced(BOOKS[*book], MARKETS[*market], &decimals, *phase);
                with_model(quote, *market, *model).into()
            }
            Happening::Aggregate { market, shift } => Aggregate {
                src: "test".into(),
                statistic: Statistic::Max,
                market: MARKETS[*market].parse().unwrap(),
                odds: odds(&moved(*market, *shift)),
                phase: Phase::Pre,
                books: None,
            }
            .into(),
            Happening::Withdrawn { book, market } => Withdrawn {
                src: "test".into(),
                book: BOOKS[*book].into(),
                market: market.map(|market| MARKETS[market].parse().unwrap()),
            }
            .into(),
            Happening::Seen { book } => {
                Seen { src: "test".into(), book: BOOKS[*book].into() }.into()
            }
            Happening::Fixture { status, moved_h } => {
                kickoff = kickoff.plus_seconds(moved_h * HOUR);
                fixture(*status, kickoff).into()
            }
            Happening::Result { status, score } => {
                let (status, score) = (*status, *score);
                MatchResult { src: "test".into(), status, score, half_time: None }.into()
            }
            // Only late: nothing more would be derived.
            Happening::Closed if now > at(2 * DAY) => MatchClosed { src: "test".into() }.into(),
            Happening::Closed => continue,
        };
        events.push(Event::of(key.clone(), now, body));
    }
    events
}

fn rules() -> Rules {
    let of = |fair| betting::Strategy {
        fair,
        top_up: true,
        consensus_books_min: 3,
        kelly_fraction: 0.25,
        max_age_s: 1_800,
        ev_min: 0.01,
        ..plain()
    };
    let strategies = [
        ("sharp", FairSource::Sharp),
        ("consensus", FairSource::Consensus),
        ("model", FairSource::Model),
        ("blend", FairSource::Blend),
    ];
    let strategies = strategies.map(|(name, fair)| (name.into(), of(fair)));
    Rules { strategies: BTreeMap::from(strategies), ..Rules::default() }
}

/// How the events are dealt: partitions, a seed for the interleaving and for the frames' sizes,
/// and after how many frames each driver starts anew from what was committed.
#[derive(Debug, Clone, Copy)]
struct Deal {
    partitions: u16,
    seed: u64,
    frame_max: u64,
    restart_every: u64,
}

fn next(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

/// What each match's events become: derived lines, and reasons of dead letters.
fn outcome(matches: &[Vec<Event>], deal: Deal) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let mut seed = deal.seed;
    let mut queues: Vec<_> = matches.iter().map(|events| events.iter().peekable()).collect();
    let mut partitions: Vec<Vec<Event>> = vec![Vec::new(); deal.partitions.into()];
    while queues.iter_mut().any(|queue| queue.peek().is_some()) {
        let at = next(&mut seed, queues.len() as u64) as usize;
        if let Some(event) = queues[at].next() {
            let key = event.key.as_ref().unwrap();
            partitions[usize::from(key.partition(deal.partitions))].push(event.clone());
        }
    }
    let mut told: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    let artefacts: BTreeMap<ArtefactHash, Arc<[u8]>> = BTreeMap::new();
    for (number, events) in partitions.into_iter().enumerate() {
        let mut driver = Driver::new(Detect::new(), number as u16);
        let mut committed: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let config = Event::global(at(0), ConfigPublished::new(1, rules()));
        let mut events = std::iter::once(config).chain(events).peekable();
        let mut frames = 0;
        while events.peek().is_some() {
            let size = 1 + next(&mut seed, deal.frame_max) as usize;
            let frame: Vec<Event> = events.by_ref().take(size).collect();
            frames += 1;
            let frame = Frame::new(EntryId { ms: frames, seq: 0 }, frame);
            let output = driver.apply(&[frame], &artefacts).unwrap().remove(0);
            for change in driver.changes().unwrap() {
                match change.value {
                    Some(bytes) => committed.insert(change.field, bytes),
                    None => committed.remove(&change.field),
                };
            }
            driver.keep();
            for event in output.events {
                let Some(key) = &event.key else { continue };
                told.entry(key.to_string()).or_default().0.push(event.to_line());
            }
            for letter in output.dead {
                let key = Event::from_line(&letter.line).unwrap().key.unwrap();
                told.entry(key.to_string()).or_default().1.push(letter.reason);
            }
            if frames % deal.restart_every == 0 {
                driver = Driver::new(Detect::new(), number as u16);
                let fields = committed.iter().map(|(field, bytes)| (&**field, &**bytes));
                driver.load(fields).unwrap();
            }
        }
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn frames_partitions_interleavings_and_restarts_carry_no_meaning(
        matches in vec(steps(), KEYS.len()),
        seed: u64,
        frame_max in 1_u64..40,
        restart_every in 1_u64..20,
    ) {
        let matches: Vec<Vec<Event>> = KEYS
            .iter()
            .zip(&matches)
            .map(|(key, steps)| told(&key.parse().unwrap(), steps))
            .collect();
        let plainly =
            Deal { partitions: 1, seed: 1, frame_max: 1, restart_every: u64::MAX };
        let expected = outcome(&matches, plainly);
        for partitions in [1, 4] {
            let deal = Deal { partitions, seed, frame_max, restart_every };
            prop_assert_eq!(&outcome(&matches, deal), &expected, "{:?}", deal);
        }
    }
}

#[test]
fn what_the_property_goes_through_holds_every_kind_of_event() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut lines = String::new();
    for _ in 0..40 {
        let steps = vec(steps(), KEYS.len()).new_tree(&mut runner).unwrap().current();
        let matches: Vec<Vec<Event>> = KEYS
            .iter()
            .zip(&steps)
            .map(|(key, steps)| told(&key.parse().unwrap(), steps))
            .collect();
        let deal = Deal { partitions: 1, seed: 1, frame_max: 9, restart_every: 7 };
        for (derived, dead) in outcome(&matches, deal).into_values() {
            lines.extend(derived.into_iter().chain(dead));
        }
    }
    let sought = [
        "\"revision\":1",
        "\"top_up\":1",
        "\"occurrence\":1",
        "\"half_win\"",
        "\"push\"",
        "\"void\"",
        "\"review\"",
        "\"clv\"",
        "\"repriced\":true",
        "\"fallback\":true",
        "\"others\"",
        "\"aggregate\"",
        "\"closing\"",
        "\"after_kickoff\"",
        "\"outlier\"",
        "\"under_round\"",
        "\"stale\"",
        "\"no_fair_price\"",
        "\"unsupported_market\"",
        "\"book_not_bettable\"",
        "\"not_open\"",
        "\"sharp\"",
        "\"consensus\"",
        "\"model\"",
        "\"blend\"",
        "was closed",
        "needs its score",
    ];
    let missing: Vec<_> = sought.into_iter().filter(|sought| !lines.contains(sought)).collect();
    assert_eq!(missing, [""; 0], "these never happened");
}
