//! Nothing is decided by what comes after it.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use marabet_backtest::account::{self, Booked};
use marabet_backtest::setup::Setup;
use marabet_backtest::walk::walk;
use marabet_detect::Detect;
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::facts::ResultStatus;
use marabet_schemas::{Body, Event, Instant};
use marabet_stage::{Derived, Stage};

fn facts() -> Vec<Event> {
    let settings = Settings { seasons: 2, sides: 8, ..Settings::default() };
    Simulation::new(settings).unwrap().events().collect()
}

fn setup() -> Setup {
    let mut setup = Setup::default();
    setup.training.matches_min = 40;
    setup
}

/// Facts through training, pricing, detection and the portfolio.
fn play(facts: Vec<Event>) -> Booked {
    let setup = setup();
    let mut detect = Detect::new();
    let mut events = Vec::new();
    let mut apply = |event: &Event| {
        let mut derived = Derived::without_views();
        // What the stage rejects it rejects in every run.
        let _ = detect.apply(event, &marabet_backtest::walk::Models::new(), &mut derived);
        events.extend(derived.events);
    };
    apply(&Event::global(Instant::default(), ConfigPublished::new(1, setup.rules())));
    let options = setup.training.options();
    walk(facts.into_iter(), Some(&options), |event, _| apply(&event)).unwrap();
    account::sort_canonically(&mut events);
    account::book(&setup.rules(), &events, &Default::default()).unwrap()
}

/// The decisions before an instant: who, what, where, at which price, how much.
fn decisions(booked: &Booked, before: Instant) -> Vec<String> {
    let bets = booked.bets.iter().filter(|bet| bet.at < before);
    bets.map(|bet| {
        let (id, book, odds, ev, share, stake) =
            (bet.bet, &bet.book, bet.odds, bet.ev, bet.share, bet.stake);
        format!("{} {id} {book} {odds} {ev} {share} {stake}", bet.at)
    })
    .collect()
}

#[test]
fn shifting_every_fact_after_an_instant_changes_no_decision_before_it() {
    let facts = facts();
    let cut = facts[facts.len() * 2 / 3].at;
    let shifted: Vec<Event> = facts
        .iter()
        .cloned()
        .map(|mut fact| {
            if fact.at >= cut {
                fact.at = fact.at.plus_seconds(3 * 3_600);
            }
            fact
        })
        .collect();
    assert_ne!(shifted, facts);
    let (as_it_was, as_shifted) = (play(facts), play(shifted));
    let before = decisions(&as_it_was, cut);
    assert!(before.len() > 50, "{} decisions", before.len());
    assert_eq!(decisions(&as_shifted, cut), before);
}

#[test]
fn a_planted_result_of_the_future_is_seen_by_nothing_before_it() {
    let facts = facts();
    let cut = facts[facts.len() * 2 / 3].at;
    let mut planted = facts.clone();
    let mut changed = 0;
    for fact in planted.iter_mut().filter(|fact| fact.at >= cut) {
        if let Body::Result(result) = &mut fact.body
            && result.status == ResultStatus::Played
        {
            result.score = Some([9, 0]);
            changed += 1;
        }
    }
    assert!(changed > 10);
    let (as_it_was, as_planted) = (play(facts), play(planted));
    assert_eq!(decisions(&as_planted, cut), decisions(&as_it_was, cut));
    // Afterwards it is seen: the bankroll, or the models, differ.
    let end = Instant::from_micros(i64::MAX);
    assert_ne!(decisions(&as_planted, end), decisions(&as_it_was, end));
}
