//! The trainer, as a driver uses it.

#![allow(clippy::unwrap_used, reason = "a test's support fails as its tests do")]

mod support;

use marabet_predict::Artefact;
use marabet_predict::training::{OptionsError, Reason, Schedule, Trainer, TrainingOptions};
use marabet_schemas::control::ModelPublished;
use marabet_schemas::facts::ResultStatus;
use marabet_schemas::{Body, Event, Instant};
use support::{Store, instant, is_model, key, options, result, season, with_models};

fn models(feed: &[Event]) -> Vec<(Instant, &ModelPublished)> {
    feed.iter()
        .filter_map(|event| match &event.body {
            Body::ModelPublished(published) => Some((event.at, &**published)),
            _ => None,
        })
        .collect()
}

fn artefact(store: &Store, published: &ModelPublished) -> Artefact {
    Artefact::from_bytes(&store[&published.hash]).unwrap()
}

#[test]
fn a_model_stands_before_the_first_fact_of_its_week_and_knows_what_was_known_before() {
    let (feed, store) = with_models(&season(), options());
    let models = models(&feed);
    assert_eq!(models.len(), 12, "one for each week from the third on");
    for (index, (number, (at, published))) in (1..).zip(&models).enumerate() {
        assert_eq!(published.number, number);
        assert_eq!(*at, Schedule::WEEKLY.last_boundary(*at));
        let rounds = u32::try_from(index).unwrap() + 2;
        assert_eq!(published.training.matches, 4 * rounds);
        assert!(published.training.from < published.training.to && published.training.to < *at);
        let artefact = artefact(&store, published);
        assert_eq!((artefact.as_of, artefact.hash()), (*at, published.hash));
        assert_eq!(artefact.family.as_str(), published.family);
    }
    let place = feed.iter().position(is_model).unwrap();
    assert!(feed[..place].iter().all(|event| event.at < models[0].0));
    assert!(feed[place..].iter().all(|event| event.at >= models[0].0));
}

#[test]
fn shifting_facts_after_an_instant_changes_no_model_before_it() {
    let (feed, store) = with_models(&season(), options());
    let instants: Vec<Instant> = models(&feed).iter().map(|(at, _)| *at).collect();
    for end in &instants {
        let shifted: Vec<Event> = season()
            .into_iter()
            .map(|mut event| {
                if event.at >= *end {
                    event.at = event.at.plus_seconds(3 * 3_600);
                    if let Body::Result(result) = &mut event.body {
                        result.score = Some([9, 0]);
                    }
                }
                event
            })
            .collect();
        let (other_feed, other_store) = with_models(&shifted, options());
        let until = |feed: &[Event]| {
            let models = models(feed);
            models.into_iter().filter(|(at, _)| at <= end).map(|(_, m)| m.clone()).collect()
        };
        let (one, other): (Vec<_>, Vec<_>) = (until(&feed), until(&other_feed));
        assert!(!one.is_empty());
        assert_eq!(one, other, "facts from {end} on reached a model of before");
        assert!(one.iter().all(|model| store[&model.hash] == other_store[&model.hash]));
    }
    let (last, _) = with_models(&season(), options());
    let mut facts = season();
    let at = facts.iter().position(|event| matches!(event.body, Body::Result(_))).unwrap();
    facts[at] = result(&facts[at].key.clone().unwrap(), facts[at].at, [9, 0]);
    let (changed, _) = with_models(&facts, options());
    assert!(models(&last).iter().zip(models(&changed)).all(|(a, b)| a.1.hash != b.1.hash));
}

#[test]
fn the_same_facts_give_the_same_bytes_however_they_are_observed() {
    let facts = season();
    let (feed, store) = with_models(&facts, options());
    let (again, store_again) = with_models(&facts, options());
    assert_eq!((&feed, &store), (&again, &store_again));

    // History learned in one go gives the model that observing it week by week gives.
    let cut = facts.len() - 40;
    let mut trainer = Trainer::new(options()).unwrap();
    facts[..cut].iter().for_each(|fact| trainer.learn(fact));
    let due = trainer.observe(&facts[cut]);
    let [model] = &due.models[..] else { panic!("one model was due, got {due:?}") };
    let Body::ModelPublished(published) = &model.event.body else { panic!("{:?}", model.event) };
    let same = models(&feed).into_iter().find(|(at, _)| *at == model.event.at).unwrap().1;
    assert_eq!((published.hash, &published.training), (same.hash, &same.training));
    assert_eq!(published.number, 1);
}

#[test]
fn a_result_known_at_the_boundary_waits_for_the_next() {
    let boundary = instant("2024-10-15T02:00:00Z");
    let mut facts = season();
    facts.retain(|event| event.at < boundary);
    let late = key("Ash", "Birch");
    let place = facts
        .iter()
        .position(|event| {
            event.key.as_ref() == Some(&late) && matches!(event.body, Body::Result(_))
        })
        .unwrap();
    let mut late = facts.remove(place);
    late.at = boundary;
    let known = u32::try_from(facts.iter().filter(|e| matches!(e.body, Body::Result(_))).count());
    let mut trainer = Trainer::new(options()).unwrap();
    facts.iter().for_each(|fact| trainer.learn(fact));
    trainer.learn(&late);
    let matches = |due: marabet_predict::training::Due| match &due.models[..] {
        [model] => match &model.event.body {
            Body::ModelPublished(published) => published.training.matches,
            body => panic!("{body:?}"),
        },
        models => panic!("{} models", models.len()),
    };
    let known = known.unwrap();
    assert_eq!(matches(trainer.train(boundary)), known);
    assert_eq!(matches(trainer.train(boundary.plus_seconds(7 * 86_400))), known + 1);
    assert!(trainer.train(boundary.plus_seconds(14 * 86_400)).models.is_empty(), "nothing is new");
}

#[test]
fn what_was_not_decided_on_the_pitch_teaches_nothing_and_a_correction_does() {
    let facts = season();
    let mut trainer = Trainer::new(options()).unwrap();
    facts.iter().for_each(|fact| trainer.learn(fact));
    let end = facts.last().unwrap().at;
    let trained = |trainer: &mut Trainer, weeks: i64| {
        let due = trainer.train(end.plus_seconds(weeks * 7 * 86_400));
        due.models.into_iter().next().map(|model| match model.event.body {
            Body::ModelPublished(published) => (published.training.matches, published.hash),
            body => panic!("{body:?}"),
        })
    };
    let (all, first) = trained(&mut trainer, 1).unwrap();
    let mut correction = facts.last().unwrap().clone();
    trainer.learn(&correction);
    assert_eq!(trained(&mut trainer, 2), None, "the same result again is nothing new");
    let Body::Result(body) = &mut correction.body else { panic!("{correction:?}") };
    body.status = ResultStatus::Awarded;
    trainer.learn(&correction);
    assert_eq!(trained(&mut trainer, 3).unwrap().0, all - 1);
    trainer.learn(&result(&correction.key.clone().unwrap(), correction.at, [7, 7]));
    let (matches, hash) = trained(&mut trainer, 4).unwrap();
    assert!(matches == all && hash != first);
}

#[test]
fn a_boundary_without_a_model_says_why() {
    let facts = season();
    let mut trainer = Trainer::new(TrainingOptions { matches_min: 40, ..options() }).unwrap();
    let skipped: Vec<_> = facts.iter().flat_map(|fact| trainer.observe(fact).skipped).collect();
    assert_eq!(skipped.len(), 9);
    assert_eq!(skipped[0].reason, Reason::TooFewMatches { matches: 4, least: 40 });
    assert_eq!(skipped[0].competition.as_str(), "T1");

    let mut trainer = Trainer::new(options()).unwrap();
    facts.iter().for_each(|fact| trainer.learn(fact));
    trainer.learn(&result(&key("Ash", "Birch"), facts.last().unwrap().at, [61, 0]));
    let due = trainer.train(facts.last().unwrap().at.plus_seconds(1));
    assert!(matches!(&due.skipped[..], [one] if matches!(one.reason, Reason::Match { .. })));
    assert_eq!(due.models.len(), 1, "the other matches are fitted all the same");
}

#[test]
fn the_window_leaves_old_matches_out() {
    let windowed = TrainingOptions { window_days: Some(21), ..options() };
    let (feed, _) = with_models(&season(), windowed);
    assert!(models(&feed).iter().all(|(_, model)| model.training.matches <= 12));
    assert!(models(&feed).iter().any(|(_, model)| model.training.matches == 12));
}

#[test]
fn numbers_go_on_from_those_in_the_log() {
    let facts = season();
    let (feed, _) = with_models(&facts[..100], options());
    let mut trainer = Trainer::new(options()).unwrap();
    feed.iter().for_each(|event| trainer.learn(event));
    let last = models(&feed).last().unwrap().1.number;
    let due =
        facts[100..].iter().map(|fact| trainer.observe(fact)).find(|due| !due.models.is_empty());
    let Body::ModelPublished(published) = &due.unwrap().models[0].event.body else { panic!() };
    assert!(published.number == last + 1, "{} after {last}", published.number);
}

#[test]
fn options_that_contradict_themselves_are_refused() {
    let refused = |options| Trainer::new(options).unwrap_err();
    let never = Schedule { period_days: 0, ..Schedule::WEEKLY };
    assert_eq!(refused(TrainingOptions { schedule: never, ..options() }), OptionsError::Period);
    let none = TrainingOptions { window_days: Some(0), ..options() };
    assert_eq!(refused(none), OptionsError::Window);
    let mut newcomers = TrainingOptions { newcomers: true, ..options() };
    newcomers.fit.prior = None;
    assert_eq!(refused(newcomers), OptionsError::Newcomers);
}
