//! A small league, made up: the same each time.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use marabet_predict::training::{Due, Trainer, TrainingOptions};
use marabet_schemas::facts::{Fixture, FixtureStatus, MatchResult, Phase, Quote, ResultStatus};
use marabet_schemas::{ArtefactHash, Body, Event, Instant, MatchKey};

pub(crate) type Store = BTreeMap<ArtefactHash, Arc<[u8]>>;

pub(crate) const TEAMS: [&str; 8] =
    ["Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple"];

/// The first match's day, a Saturday.
pub(crate) const FIRST_DAY: &str = "2024-08-17T15:00:00Z";

pub(crate) fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(crate) fn key(home: &str, away: &str) -> MatchKey {
    MatchKey::new(&"T1".into(), "2024-25", home, away, 1).unwrap()
}

pub(crate) fn fixture(key: &MatchKey, at: Instant, kickoff: Instant) -> Event {
    let fixture = Fixture {
        src: "test".into(),
        status: FixtureStatus::Scheduled,
        kickoff,
        neutral: false,
        minute: None,
        score: None,
    };
    Event::of(key.clone(), at, fixture)
}

pub(crate) fn quote(key: &MatchKey, at: Instant, book: &str, market: &str, odds: &[f64]) -> Event {
    let quote = Quote {
        src: "test".into(),
        book: book.into(),
        market: market.parse().unwrap(),
        odds: odds.iter().map(|price| (*price).try_into().unwrap()).collect(),
        phase: Phase::Pre,
        sizes: None,
    };
    Event::of(key.clone(), at, quote)
}

pub(crate) fn result(key: &MatchKey, at: Instant, score: [u8; 2]) -> Event {
    let result = MatchResult {
        src: "test".into(),
        status: ResultStatus::Played,
        score: Some(score),
        half_time: None,
    };
    Event::of(key.clone(), at, result)
}

/// The rounds of a double round robin, a week apart: each match has a fixture two days before,
/// quotes the day before and a result two hours after kick-off; all by event time.
pub(crate) fn season() -> Vec<Event> {
    let first = instant(FIRST_DAY);
    let mut events = Vec::new();
    for round in 0..14_usize {
        let kickoff = first.plus_seconds(7 * 86_400 * round as i64);
        let pairs = pairs(round % 7);
        let keys: Vec<MatchKey> =
            pairs.iter().map(|(a, b)| if round < 7 { key(a, b) } else { key(b, a) }).collect();
        let before = |days: i64| kickoff.plus_seconds(-86_400 * days);
        events.extend(keys.iter().map(|key| fixture(key, before(2), kickoff)));
        for book in ["bet365", "pinnacle"] {
            for key in &keys {
                events.push(quote(key, before(1), book, "1x2", &[2.1, 3.3, 3.6]));
                events.push(quote(key, before(1), book, "ah@-0.25", &[1.9, 1.95]));
            }
        }
        let over = kickoff.plus_seconds(7_200);
        events.extend(keys.iter().map(|key| result(key, over, score(key))));
    }
    events
}

/// A round of the circle method.
fn pairs(round: usize) -> Vec<(&'static str, &'static str)> {
    let others = TEAMS.len() - 1;
    let at = |place: usize| {
        if place == 0 { TEAMS[0] } else { TEAMS[1 + (place - 1 + round) % others] }
    };
    (0..TEAMS.len() / 2).map(|place| (at(place), at(TEAMS.len() - 1 - place))).collect()
}

/// Some score, fixed by the match.
pub(crate) fn score(key: &MatchKey) -> [u8; 2] {
    let sum =
        |salt: u32| key.as_str().bytes().fold(salt, |sum, byte| sum * 31 % 9973 + u32::from(byte));
    [(sum(7) % 4) as u8, (sum(3) % 3) as u8]
}

pub(crate) fn options() -> TrainingOptions {
    TrainingOptions { matches_min: 8, ..TrainingOptions::default() }
}

/// The facts with the models put in front of what they price, and the artefacts.
pub(crate) fn with_models(facts: &[Event], options: TrainingOptions) -> (Vec<Event>, Store) {
    let mut trainer = Trainer::new(options).unwrap();
    let (mut feed, mut store) = (Vec::new(), Store::new());
    for fact in facts {
        let Due { models, .. } = trainer.observe(fact);
        for model in models {
            store.insert(model.hash, model.bytes);
            feed.push(model.event);
        }
        feed.push(fact.clone());
    }
    (feed, store)
}

pub(crate) fn is_model(event: &Event) -> bool {
    matches!(event.body, Body::ModelPublished(_))
}
