//! No decision knows what comes after it: shown on archives whose future is another.

use marabet_archive::{Archive, Importer};
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_predict::training::{Trainer, TrainingOptions};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::facts::ResultStatus;
use marabet_schemas::strategy::{FairSource, Rules, Strategy};
use marabet_schemas::{ArtefactHash, Body, Event, Instant};

use super::choice::Choice;
use super::drive::{Plan, Replayed, replay};
use super::overrides::Overrides;

/// Facts of two simulated seasons.
fn season() -> Vec<Event> {
    let settings = Settings { seasons: 2, sides: 8, ..Settings::default() };
    Simulation::new(settings).unwrap().into_events().collect()
}

/// These facts archived, with the rules and the models that they bring, and replayed.
fn decided(facts: &[Event]) -> Replayed {
    let home = tempfile::tempdir().unwrap();
    let archive = Archive::at(home.path().to_str().unwrap()).unwrap();
    let mut rules = Rules::default();
    let model = Strategy { fair: FairSource::Model, ev_min: 0.05, ..Strategy::default() };
    rules.strategies.insert("model".into(), model);
    rules.strategies.values_mut().for_each(|strategy| strategy.max_age_s = 86_400);
    let options = TrainingOptions { matches_min: 40, ..TrainingOptions::default() };
    let mut trainer = Trainer::new(options).unwrap();
    let print = ArtefactHash::of(b"a season");
    let mut importer = Importer::begin(&archive, 2, &print, "a season").unwrap();
    let first = Event::global(facts[0].at, ConfigPublished::new(1, rules.clone()));
    importer.push(&first).unwrap();
    std::fs::create_dir(home.path().join("artefacts")).unwrap();
    for fact in facts {
        for model in trainer.observe(fact).models {
            let path = home.path().join(format!("artefacts/{}", model.hash));
            std::fs::write(path, &model.bytes).unwrap();
            importer.push(&model.event).unwrap();
        }
        importer.push(fact).unwrap();
    }
    importer.finish().unwrap();
    let plan = Plan {
        archive: &archive,
        choice: &Choice::default(),
        overrides: &Overrides::default(),
        rules: &rules,
        speed: None,
        verify: false,
    };
    let replayed = replay(&plan).unwrap();
    assert_eq!(replayed.dead, 0);
    replayed
}

/// What was decided before an instant.
fn before(replayed: &Replayed, instant: Instant) -> Vec<&Event> {
    replayed.bets.iter().filter(|event| event.at < instant).collect()
}

fn count(events: &[&Event], kind: &str) -> usize {
    events.iter().filter(|event| event.kind().name() == kind).count()
}

#[test]
fn facts_shifted_after_an_instant_change_no_decision_before_it() {
    let facts = season();
    let instant = facts[facts.len() * 3 / 4].at;
    let mut shifted = facts.clone();
    for fact in shifted.iter_mut().filter(|fact| fact.at >= instant) {
        fact.at = fact.at.plus_seconds(3_600);
        match &mut fact.body {
            Body::Quote(quote) => quote.odds.reverse(),
            Body::Result(result) => {
                let turned = |score: Option<[u8; 2]>| score.map(|[home, away]| [away, home]);
                result.score = turned(result.score);
                result.half_time = turned(result.half_time);
            }
            _ => {}
        }
    }
    let (found, other) = (decided(&facts), decided(&shifted));
    let past = before(&found, instant);
    assert!(count(&past, "value_bet") > 10 && count(&past, "settlement") > 10);
    assert_eq!(past, before(&other, instant));
    assert_ne!(found.bets, other.bets, "the shift is one that matters");
}

#[test]
fn nothing_sees_a_result_that_is_planted_in_the_future() {
    let facts = season();
    let from = facts.len() / 2;
    let (place, planted) = facts
        .iter()
        .enumerate()
        .skip(from)
        .find(|(_, fact)| matches!(&fact.body, Body::Result(result) if result.score.is_some()))
        .unwrap();
    // The same match ends in a way that any model would stake everything on.
    let mut other = facts.clone();
    let Body::Result(result) = &mut other[place].body else { panic!("it is a result") };
    assert_eq!(result.status, ResultStatus::Played);
    result.score = Some([0, 19]);
    result.half_time = None;
    let (found, doctored) = (decided(&facts), decided(&other));
    let past = before(&found, planted.at);
    assert!(count(&past, "value_bet") > 10);
    assert_eq!(past, before(&doctored, planted.at));
    assert_ne!(found.bets, doctored.bets, "what comes after it does see it");
}
