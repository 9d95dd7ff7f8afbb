//! The stage, as a runner drives it.

#![allow(clippy::unwrap_used, reason = "a test's support fails as its tests do")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use marabet_predict::view::{self, Prediction};
use marabet_predict::{Artefact, Predict};
use marabet_quant::inplay::{MatchState, Tempo, final_scores};
use marabet_quant::matrix::ScoreMatrix;
use marabet_schemas::bets::{BetVoid, Deposit, Priced, Unpriced};
use marabet_schemas::facts::{FixtureStatus, MatchClosed, Phase, ResultStatus, Withdrawn};
use marabet_schemas::frame::Frame;
use marabet_schemas::news::{Incident, IncidentKind, Incidents, Side};
use marabet_schemas::{ArtefactHash, BetId, Body, EntryId, Event, Instant, MatchKey, Money};
use marabet_stage::{CacheEntry, Derived, Driver, Fault, FrameError, FrameOutput, Stage};
use proptest::prelude::*;
use support::{Store, fixture, is_model, key, options, quote, result, season, with_models};

/// A stage that has seen the season's facts up to and with its last model, and the artefacts.
fn informed() -> (Predict, Store, Instant) {
    let (feed, store) = with_models(&season(), options());
    let last = feed.iter().rposition(is_model).unwrap();
    let mut stage = Predict::new();
    for event in &feed[..=last] {
        apply(&mut stage, event, &store).unwrap();
    }
    (stage, store, feed[last].at)
}

fn apply(stage: &mut Predict, event: &Event, store: &Store) -> Result<Derived, Fault> {
    let mut derived = Derived::default();
    stage.apply(event, store, &mut derived)?;
    Ok(derived)
}

fn priced(derived: &Derived) -> &Priced {
    match &derived.events[..] {
        [Event { body: Body::Priced(priced), .. }] => priced,
        other => panic!("one priced quote was to be derived, got {other:?}"),
    }
}

fn new_match() -> MatchKey {
    "T1|2025-26|Ash|Maple|1".parse().unwrap()
}

#[test]
fn every_fact_is_forwarded_in_order_and_each_quote_is_priced() {
    let (feed, store) = with_models(&season(), options());
    let mut stage = Predict::new();
    let mut prices = 0;
    for event in &feed {
        let derived = apply(&mut stage, event, &store).unwrap();
        let Body::Quote(quote) = &event.body else {
            assert_eq!(derived.events, std::slice::from_ref(event));
            continue;
        };
        let out = &derived.events[0];
        assert_eq!((&out.key, out.at, out.assumed), (&event.key, event.at, event.assumed));
        let priced = priced(&derived);
        assert_eq!(priced.quote, *quote);
        let Some(view) = priced.model() else {
            assert_eq!(priced.unpriced, Some(Unpriced::NoModel));
            assert!(stage.model_in_force(&"T1".into()).is_none());
            continue;
        };
        prices += 1;
        assert_eq!(Some(view.number), stage.model_in_force(&"T1".into()));
        let matrix = ScoreMatrix::dixon_coles(view.lambda, view.mu, view.rho).unwrap();
        let selections = quote.market.selections();
        assert_eq!(priced.outcomes().len(), selections.len());
        for (row, selection) in priced.outcomes().iter().zip(selections) {
            let of = matrix.outcomes(&quote.market, *selection).unwrap();
            assert_eq!(*row, [of.win, of.half_win, of.push, of.half_loss, of.loss]);
        }
    }
    assert_eq!(prices, 12 * 4 * 4, "the first two rounds have no model yet");
}

#[test]
fn a_price_in_play_is_priced_from_the_score_the_minute_and_the_players_sent_off() {
    let (mut stage, store, at) = informed();
    let key = new_match();
    let kickoff = at.plus_seconds(3_600);
    apply(&mut stage, &fixture(&key, at, kickoff), &store).unwrap();
    let live = |minute: u16, score: [u8; 2]| {
        let mut event = fixture(&key, kickoff.plus_seconds(i64::from(minute) * 60), kickoff);
        let Body::Fixture(body) = &mut event.body else { panic!() };
        body.status = FixtureStatus::Live;
        (body.minute, body.score) = (Some(minute), Some(score));
        event
    };
    let ask = |stage: &mut Predict, second: i64| {
        let at = kickoff.plus_seconds(second);
        let mut event = quote(&key, at, "bet365", "1x2", &[2.1, 3.3, 3.6]);
        let Body::Quote(body) = &mut event.body else { panic!() };
        body.phase = Phase::InPlay;
        priced(&apply(stage, &event, &store).unwrap()).clone()
    };
    let home = |priced: &Priced| priced.outcomes()[0][0];
    assert_eq!(ask(&mut stage, 0).unpriced, Some(Unpriced::InPlay));
    apply(&mut stage, &live(0, [0, 0]), &store).unwrap();
    let at_start = ask(&mut stage, 0);
    let before = quote(&key, kickoff, "bet365", "1x2", &[2.1, 3.3, 3.6]);
    let before = priced(&apply(&mut stage, &before, &store).unwrap()).clone();
    assert!((home(&at_start) - home(&before)).abs() < 1e-9);
    // What it was priced from says how it is done again.
    apply(&mut stage, &live(60, [1, 0]), &store).unwrap();
    let leading = ask(&mut stage, 3_690);
    let view = leading.model().unwrap();
    let running = view.running.unwrap();
    assert_eq!((running.minute, running.score, running.reds), (61.5, [1, 0], [0, 0]));
    let matrix = ScoreMatrix::dixon_coles(view.lambda, view.mu, view.rho).unwrap();
    let stands = MatchState {
        phase: marabet_quant::inplay::Phase::at_minute(61.5),
        home_goals: 1,
        away_goals: 0,
        home_reds: 0,
        away_reds: 0,
    };
    let scores = final_scores(&matrix, &stands, &Tempo::default()).unwrap();
    assert!((home(&leading) - scores.match_odds()[0]).abs() < 1e-12);
    assert!(home(&leading) > home(&at_start));
    let incidents = Incidents {
        src: "test".into(),
        incidents: vec![Incident {
            minute: 61,
            side: Side::Home,
            what: IncidentKind::RedCard,
            player: None,
            other: None,
            detail: None,
        }],
    };
    let sent_off = Event::of(key.clone(), kickoff.plus_seconds(3_690), incidents);
    apply(&mut stage, &sent_off, &store).unwrap();
    let a_man_down = ask(&mut stage, 3_690);
    assert!(home(&a_man_down) < home(&leading));
    // Long after the last word, and when the match is interrupted, nobody knows.
    assert_eq!(ask(&mut stage, 4_201).unpriced, Some(Unpriced::InPlay));
    let mut interrupted = live(61, [1, 0]);
    let Body::Fixture(body) = &mut interrupted.body else { panic!() };
    body.status = FixtureStatus::Suspended;
    apply(&mut stage, &interrupted, &store).unwrap();
    assert_eq!(ask(&mut stage, 3_700).unpriced, Some(Unpriced::InPlay));
}

#[test]
fn a_quote_without_a_price_says_why() {
    let (mut stage, store, at) = informed();
    let key = new_match();
    let mut ask = |event: &Event| {
        let derived = apply(&mut stage, event, &store).unwrap();
        match &derived.events[0].body {
            Body::Priced(priced) => {
                (priced.unpriced, priced.model().is_some(), priced.outcomes().len())
            }
            _ => (None, false, 0),
        }
    };
    let odds = [2.1, 3.3, 3.6];
    let on = |key: &MatchKey, market: &str| quote(key, at, "bet365", market, &odds);
    assert_eq!(ask(&on(&key, "1x2")), (Some(Unpriced::NoFixture), false, 0));
    ask(&fixture(&key, at, at.plus_seconds(9_000)));
    assert_eq!(ask(&on(&key, "1x2")), (None, true, 3));
    assert_eq!(ask(&on(&key, "1x2/1h")), (Some(Unpriced::Market), false, 0));
    let mut in_play = on(&key, "1x2");
    let Body::Quote(body) = &mut in_play.body else { panic!() };
    body.phase = Phase::InPlay;
    assert_eq!(ask(&in_play), (Some(Unpriced::InPlay), false, 0));

    let stranger: MatchKey = "T1|2025-26|Ash|Stranger|1".parse().unwrap();
    ask(&fixture(&stranger, at, at));
    assert_eq!(ask(&on(&stranger, "1x2")), (Some(Unpriced::UnknownTeam), false, 0));
    let elsewhere: MatchKey = "T2|2025-26|Ash|Maple|1".parse().unwrap();
    ask(&fixture(&elsewhere, at, at));
    assert_eq!(ask(&on(&elsewhere, "1x2")), (Some(Unpriced::NoModel), false, 0));
}

#[test]
fn neutral_ground_takes_the_home_advantage_away() {
    let (mut stage, store, at) = informed();
    let key = new_match();
    let mut lambda = |neutral: bool| {
        let mut event = fixture(&key, at, at);
        let Body::Fixture(fixture) = &mut event.body else { panic!() };
        fixture.neutral = neutral;
        apply(&mut stage, &event, &store).unwrap();
        let quote = quote(&key, at, "bet365", "ah@0", &[1.9, 1.95]);
        priced(&apply(&mut stage, &quote, &store).unwrap()).model().unwrap().lambda
    };
    let (home, neutral) = (lambda(false), lambda(true));
    assert!(home != neutral);
    assert_eq!(lambda(false), home);
}

#[test]
fn the_number_of_a_model_only_rises() {
    let (mut stage, mut store, at) = informed();
    let (feed, _) = with_models(&season(), options());
    let first = feed.iter().find(|event| is_model(event)).unwrap();
    let in_force = stage.model_in_force(&"T1".into());
    let derived = apply(&mut stage, first, &store).unwrap();
    assert_eq!(derived.events, std::slice::from_ref(first));
    assert_eq!(stage.model_in_force(&"T1".into()), in_force);

    // Nor is its artefact asked for.
    let Body::ModelPublished(published) = &first.body else { panic!() };
    store.remove(&published.hash);
    apply(&mut stage, first, &store).unwrap();

    let mut next = first.clone();
    let Body::ModelPublished(body) = &mut next.body else { panic!() };
    body.number = in_force.unwrap() + 7;
    let hash = body.hash;
    assert_eq!(apply(&mut stage, &next, &store), Err(Fault::Missing(hash)));
    let (_, store) = with_models(&season(), options());
    apply(&mut stage, &next, &store).unwrap();
    assert_eq!(stage.model_in_force(&"T1".into()), in_force.map(|number| number + 7));
    let key = new_match();
    apply(&mut stage, &fixture(&key, at, at), &store).unwrap();
    let quote = quote(&key, at, "bet365", "1x2", &[2.0, 3.0, 4.0]);
    let derived = apply(&mut stage, &quote, &store).unwrap();
    assert_eq!(priced(&derived).model().unwrap().number, in_force.unwrap() + 7);
}

#[test]
fn an_artefact_that_is_none_is_refused_and_a_newer_one_waited_for() {
    let (mut stage, store, _) = informed();
    let (feed, _) = with_models(&season(), options());
    let mut event = feed.iter().rfind(|event| is_model(event)).unwrap().clone();
    let mut publish = |bytes: Vec<u8>, family: &str| {
        let Body::ModelPublished(published) = &mut event.body else { panic!() };
        published.number = 99;
        published.hash = ArtefactHash::of(&bytes);
        published.family = family.to_owned();
        let hash = published.hash;
        let fault = apply(&mut stage, &event, &Store::from([(hash, bytes.into())])).unwrap_err();
        (fault, hash)
    };
    let good = String::from_utf8(store.values().next().unwrap().to_vec()).unwrap();
    for (bytes, family) in [
        ("no JSON".to_owned(), "dixon_coles"),
        (good.replacen("\"dixon_coles\"", "\"poisson\"", 1), "poisson"),
        (good.clone(), "poisson"),
        (good.replace("\"T1\"", "\"T2\""), "dixon_coles"),
    ] {
        let (fault, _) = publish(bytes.into(), family);
        assert!(matches!(fault, Fault::Rejected(_)), "{fault}");
    }
    for newer in [
        good.replacen("\"form\":1", "\"form\":2", 1),
        good.replacen("\"dixon_coles\"", "\"oracle\"", 1),
    ] {
        let (fault, hash) = publish(newer.into(), "dixon_coles");
        assert_eq!(fault, Fault::Missing(hash));
    }
    let artefact = Artefact::from_bytes(good.as_bytes()).unwrap();
    assert_eq!(artefact.to_bytes(), good.as_bytes());
}

#[test]
fn what_cannot_be_true_is_rejected_with_its_reason() {
    let (mut stage, store, at) = informed();
    let key = new_match();
    let known = "T1|2024-25|Ash|Birch|1".parse().unwrap();
    let of_result = |change: fn(&mut marabet_schemas::facts::MatchResult)| {
        let mut event = result(&known, at, [2, 1]);
        let Body::Result(body) = &mut event.body else { panic!() };
        change(body);
        event
    };
    let mut sizes = quote(&key, at, "b", "ah@0", &[1.9, 1.9]);
    let Body::Quote(body) = &mut sizes.body else { panic!() };
    body.sizes = Some(vec![10.0, -1.0]);
    let mut nameless = quote(&key, at, "b", "ah@0", &[1.9, 1.9]);
    nameless.key = None;
    let derived = Event { key: Some(known.clone()), ..priced_event(&mut stage, &store, at) };
    for (event, reason) in [
        (quote(&key, at, "b", "1x2", &[2.0, 3.0]), "market 1x2 has 3 selections, got 2 odds"),
        (
            quote(&key, at, "b", "ah@0", &[2.0, 3.0, 4.0]),
            "market ah@0 has 2 selections, got 3 odds",
        ),
        (sizes, "a size must be finite and not negative, got -1"),
        (nameless, "a quote must name its match"),
        (result(&key, at, [1, 0]), "which has no fixture: send the fixture first"),
        (of_result(|body| body.score = None), "has a score, got none"),
        (of_result(|body| body.score = Some([99, 0])), "99-0 is no score"),
        (of_result(|body| body.half_time = Some([3, 0])), "at 3-0 by half-time cannot end 2-1"),
        (derived, "`priced` is derived by the line"),
    ] {
        let fault = apply(&mut stage, &event, &store).unwrap_err();
        let Fault::Rejected(text) = &fault else { panic!("{fault}") };
        assert!(text.contains(reason), "{text}");
    }
    for fine in [
        of_result(|_| ()),
        of_result(|body| (body.status, body.half_time) = (ResultStatus::Awarded, Some([3, 0]))),
        of_result(|body| (body.status, body.score) = (ResultStatus::Abandoned, None)),
    ] {
        apply(&mut stage, &fine, &store).unwrap();
    }
}

fn priced_event(stage: &mut Predict, store: &Store, at: Instant) -> Event {
    let quote = quote(&new_match(), at, "b", "ah@0", &[1.9, 1.9]);
    apply(stage, &quote, store).unwrap().events.remove(0)
}

#[test]
fn after_a_match_is_closed_only_the_users_word_passes() {
    let (mut stage, store, at) = informed();
    let key = new_match();
    let close = || Event::of(key.clone(), at, MatchClosed { src: "test".into() });
    assert!(apply(&mut stage, &close(), &store).is_err(), "a match without a fixture");
    for event in [fixture(&key, at, at), quote(&key, at, "b", "ah@0", &[1.9, 1.9]), close()] {
        apply(&mut stage, &event, &store).unwrap();
    }
    for late in [
        fixture(&key, at, at),
        quote(&key, at, "b", "ah@0", &[1.9, 1.9]),
        result(&key, at, [1, 0]),
        close(),
    ] {
        let fault = apply(&mut stage, &late, &store).unwrap_err();
        assert!(fault.to_string().contains("was closed"), "{fault}");
    }
    let bet = BetId::of(&"sharp".into(), &key, "ah@0:home", 0, 0);
    let word = Event::of(key.clone(), at, BetVoid { bet, reason: None });
    assert_eq!(apply(&mut stage, &word, &store).unwrap().events, [word]);
    let amount = Money::from_cents(1);
    let deposit = Event::global(at, Deposit { strategy: "sharp".into(), amount, note: None });
    assert_eq!(apply(&mut stage, &deposit, &store).unwrap().events, [deposit]);
}

/// The views after these entries: (name, field) and its JSON.
fn views(entries: Vec<CacheEntry>) -> BTreeMap<(String, String), String> {
    let mut views = BTreeMap::new();
    for CacheEntry { name, field, json, .. } in entries {
        match json {
            Some(json) => views.insert((name.to_string(), field.to_string()), json.to_string()),
            None => views.remove(&(name.to_string(), field.to_string())),
        };
    }
    views
}

#[test]
fn the_views_show_the_latest_facts_and_withdrawn_prices_leave_them() {
    let (mut stage, store, at) = informed();
    let key = new_match();
    let price = |book: &str, market: &str| quote(&key, at, book, market, &[1.9, 1.9]);
    let gone = |book: &str, market: Option<&str>| {
        let market = market.map(|market| market.parse().unwrap());
        Event::of(key.clone(), at, Withdrawn { src: "test".into(), book: book.into(), market })
    };
    let mut entries = Vec::new();
    for event in [
        fixture(&key, at, at),
        price("a", "ah@0"),
        price("a", "ou@2.5"),
        price("b", "ah@0"),
        price("b", "ou@2.5"),
        price("c", "btts"),
        gone("a", None),
        gone("b", Some("ah@0")),
        gone("b", Some("ah@1")),
        gone("d", None),
        result(&key, at, [1, 1]),
    ] {
        entries.extend(apply(&mut stage, &event, &store).unwrap().cache);
    }
    let views = views(entries);
    let names: BTreeSet<(&str, &str)> =
        views.keys().map(|(name, field)| (&name[..name.find(':').unwrap()], &**field)).collect();
    let expected = BTreeSet::from([
        ("fixture", "fixture"),
        ("odds", "b|ou@2.5"),
        ("odds", "c|btts"),
        ("predictions", "ah@0"),
        ("predictions", "btts"),
        ("predictions", "ou@2.5"),
        ("stats", "result"),
    ]);
    assert_eq!(names, expected);
    let line = &views[&(view::odds(&key), "b|ou@2.5".to_owned())];
    assert_eq!(Event::from_line(line).unwrap(), price("b", "ou@2.5"));
    let json = &views[&(view::predictions(&key), "ou@2.5".to_owned())];
    let prediction: Prediction = serde_json::from_str(json).unwrap();
    let quoted = apply(&mut stage, &price("c", "ou@2.5"), &store).unwrap();
    assert_eq!(Some(&prediction.model), priced(&quoted).model());
    assert_eq!(prediction.outcomes, priced(&quoted).outcomes());
}

fn frame(seq: u64, events: &[Event]) -> Frame {
    Frame::new(EntryId { ms: 1, seq }, events.to_vec())
}

fn events_of(outputs: Vec<FrameOutput>) -> Vec<Event> {
    outputs.into_iter().flat_map(|output| output.events).collect()
}

#[test]
fn a_frame_waits_for_an_artefact_and_a_successor_goes_on_from_what_was_committed() {
    let (feed, store) = with_models(&season(), options());
    let half = feed.len() / 2;
    let (before, after) = feed.split_at(half);
    let nothing: BTreeMap<ArtefactHash, Arc<[u8]>> = BTreeMap::new();

    let mut first = Driver::new(Predict::new(), 0);
    let waits = first.apply(&[frame(1, before)], &nothing).unwrap_err();
    assert!(matches!(waits, FrameError::Missing { .. }), "{waits}");
    let outputs = first.apply(&[frame(1, before)], &store).unwrap();
    assert!(outputs.iter().any(|output| !output.cache.is_empty()));
    let blind =
        Driver::new(Predict::new(), 0).without_views().apply(&[frame(1, before)], &store).unwrap();
    assert!(blind.iter().all(|output| output.cache.is_empty()));
    let mut whole = events_of(outputs);
    assert_eq!(events_of(blind), whole);
    let written = first.changes().unwrap();
    first.keep();

    let mut successor = Driver::new(Predict::new(), 0);
    let fields = written.iter().filter_map(|c| Some((&*c.field, c.value.as_deref()?)));
    successor.load(fields).unwrap();
    let mut other = whole.clone();
    whole.extend(events_of(first.apply(&[frame(2, after)], &store).unwrap()));
    other.extend(events_of(successor.apply(&[frame(2, after)], &store).unwrap()));
    assert_eq!(whole, other);
    assert_eq!(whole.len(), feed.len());
}

/// Per match, what was derived, in order.
fn by_match(events: Vec<Event>) -> BTreeMap<Option<MatchKey>, Vec<Event>> {
    let mut matches: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    for event in events {
        matches.entry(event.key.clone()).or_default().push(event);
    }
    matches.remove(&None);
    matches
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn frames_and_partitions_change_no_match(
        sizes in proptest::collection::vec(1_usize..40, 40),
        partitions in 1_u16..5,
        bad in proptest::collection::btree_set(0_usize..300, 0..4),
    ) {
        let (mut feed, store) = with_models(&season(), options());
        for place in bad {
            // A quote that cannot be, in the middle of all.
            let at = feed[place].at;
            feed.insert(place, quote(&key("Ash", "Birch"), at, "b", "1x2", &[2.0]));
        }
        let plain = Driver::new(Predict::new(), 0).apply(&[frame(1, &feed)], &store).unwrap();
        let plain = by_match(events_of(plain));

        let mut split = BTreeMap::new();
        for partition in 0..partitions {
            let belongs = |event: &&Event| {
                event.key.as_ref().is_none_or(|key| key.partition(partitions) == partition)
            };
            let events: Vec<Event> = feed.iter().filter(belongs).cloned().collect();
            let mut driver = Driver::new(Predict::new(), partition);
            let mut rest = &events[..];
            let mut derived = Vec::new();
            for (seq, size) in (1..).zip(sizes.iter().cycle()) {
                if rest.is_empty() { break; }
                let (head, tail) = rest.split_at((*size).min(rest.len()));
                derived.extend(events_of(driver.apply(&[frame(seq, head)], &store).unwrap()));
                driver.keep();
                rest = tail;
            }
            split.extend(by_match(derived));
        }
        prop_assert_eq!(plain, split);
    }
}
