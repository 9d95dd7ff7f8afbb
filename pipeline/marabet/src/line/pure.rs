//! The line without Redis: the same stages, driven in process over frames of the feed.
//!
//! What the log holds after a run must equal what this gives, event for event, whatever died on
//! the way and however the frames were cut.

use std::collections::BTreeMap;

use marabet_detect::Detect;
use marabet_predict::Predict;
use marabet_schemas::dead::DeadLetter;
use marabet_schemas::frame::Frame;
use marabet_stage::{Artefacts, Driver, FrameError, FrameOutput};

use crate::summary::Streams;

/// What the stages derive from a feed.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    /// The streams `priced` and `bets`, partition after partition.
    pub(crate) streams: Streams,
    /// What could not be processed.
    pub(crate) dead: Vec<DeadLetter>,
}

/// Takes the frames of each partition's feed through `predict` and `detect`.
///
/// # Errors
/// [`FrameError`] for a frame that needs a newer program or an artefact that is not at hand.
pub(crate) fn derive(
    feeds: &BTreeMap<u16, Vec<Frame>>,
    artefacts: &dyn Artefacts,
) -> Result<Derived, FrameError> {
    let mut derived = Derived::default();
    for (&partition, feed) in feeds {
        let mut predict = Driver::new(Predict::new(), partition);
        let mut detect = Driver::new(Detect::new(), partition);
        for frame in feed {
            let priced = step(&mut predict, frame, artefacts)?;
            derived.dead.extend(priced.dead);
            derived.streams.priced.extend(priced.events.iter().cloned());
            if priced.events.is_empty() {
                continue;
            }
            let bets = step(&mut detect, &Frame::new(frame.id, priced.events), artefacts)?;
            derived.dead.extend(bets.dead);
            derived.streams.bets.extend(bets.events);
        }
    }
    Ok(derived)
}

fn step<S: marabet_stage::Stage>(
    driver: &mut Driver<S>,
    frame: &Frame,
    artefacts: &dyn Artefacts,
) -> Result<FrameOutput, FrameError> {
    let mut outputs = driver.apply(std::slice::from_ref(frame), artefacts)?;
    driver.keep();
    Ok(outputs.pop().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use marabet_ingest::simulator::{Settings, Simulation};
    use marabet_predict::training::{Trainer, TrainingOptions};
    use marabet_quant::{Market, Odds};
    use marabet_schemas::control::ConfigPublished;
    use marabet_schemas::facts::{Fixture, FixtureStatus, Phase, Quote};
    use marabet_schemas::strategy::{ClosingRules, FairSource, Rules, Strategy};
    use marabet_schemas::{ArtefactHash, Body, EntryId, Event, MatchKey};

    use super::*;
    use crate::summary::summarise;

    type Models = BTreeMap<ArtefactHash, std::sync::Arc<[u8]>>;

    /// A simulated season with the rules and models that come into force on its way.
    fn season() -> (Vec<Event>, Models) {
        let settings = Settings { seasons: 2, sides: 8, ..Settings::default() };
        let league = Simulation::new(settings).unwrap();
        let mut rules = Rules::default();
        let model = Strategy { fair: FairSource::Model, ev_min: 0.05, ..Strategy::default() };
        rules.strategies.insert("running".into(), Strategy { in_play: true, ..model.clone() });
        rules.strategies.insert("model".into(), model);

        let options = TrainingOptions { matches_min: 40, ..TrainingOptions::default() };
        let mut trainer = Trainer::new(options).unwrap();
        let (mut facts, mut models) = (Vec::new(), Models::new());
        let mut kickoffs = BTreeMap::new();
        for fact in league.events() {
            if let (Some(key), Body::Fixture(fixture)) = (&fact.key, &fact.body) {
                kickoffs.insert(key.clone(), fixture.clone());
            }
            if let (Some(key), Body::Result(_)) = (&fact.key, &fact.body)
                && let Some(fixture) = kickoffs.remove(key)
            {
                facts.extend(half_an_hour(key, &fixture));
            }
            if facts.is_empty() {
                facts.push(Event::global(fact.at, ConfigPublished::new(1, rules.clone())));
            }
            for model in trainer.observe(&fact).models {
                models.insert(model.hash, model.bytes);
                facts.push(model.event);
            }
            facts.push(fact);
        }
        (facts, models)
    }

    /// The first half hour of a match without goals, with a price that some book has then.
    fn half_an_hour(key: &MatchKey, fixture: &Fixture) -> Vec<Event> {
        let at = |minute: i64| fixture.kickoff.plus_seconds(60 * minute);
        let live = |minute: u16| {
            let (status, score) = (FixtureStatus::Live, Some([0, 0]));
            let told = Fixture { status, minute: Some(minute), score, ..fixture.clone() };
            Event::of(key.clone(), at(minute.into()), told)
        };
        let quote = |minute: i64, decimals: [f64; 3]| {
            let quote = Quote {
                src: fixture.src.clone(),
                book: "bet365".into(),
                market: Market::MATCH_ODDS,
                odds: decimals.iter().map(|odds| Odds::new(*odds).unwrap()).collect(),
                phase: Phase::InPlay,
                sizes: None,
            };
            Event::of(key.clone(), at(minute), quote)
        };
        vec![live(1), quote(2, [2.6, 3.2, 2.9]), live(29), quote(31, [2.3, 3.0, 3.9])]
    }

    /// Cuts facts, in order, into the feeds of this many partitions, with frames of this many events.
    ///
    /// A fact without a match goes to every partition.
    fn cut(facts: &[Event], partitions: u16, frame_events: usize) -> BTreeMap<u16, Vec<Frame>> {
        let mut events: BTreeMap<u16, Vec<Event>> =
            (0..partitions).map(|partition| (partition, Vec::new())).collect();
        for fact in facts {
            match &fact.key {
                Some(key) => {
                    events.entry(key.partition(partitions)).or_default().push(fact.clone());
                }
                None => events.values_mut().for_each(|events| events.push(fact.clone())),
            }
        }
        let frames = |events: Vec<Event>| {
            (1..)
                .zip(events.chunks(frame_events))
                .map(|(ms, events)| Frame::new(EntryId { ms, seq: 0 }, events.to_vec()))
                .collect()
        };
        events.into_iter().map(|(partition, events)| (partition, frames(events))).collect()
    }

    fn digest(facts: &[Event], models: &Models, partitions: u16, frame_events: usize) -> String {
        let derived = derive(&cut(facts, partitions, frame_events), models).unwrap();
        assert_eq!(derived.dead, []);
        let summary = summarise(&derived.streams, &ClosingRules::default());
        for strategy in ["sharp", "model", "running"] {
            assert!(summary.strategies[&strategy.into()].bets > 10, "{summary:?}");
        }
        summary.bets_digest
    }

    #[test]
    fn frames_and_partitions_carry_no_meaning() {
        let (facts, models) = season();
        let reference = digest(&facts, &models, 1, 1);
        for (partitions, frame_events) in [(1, 256), (4, 1), (4, 7), (4, 256), (32, 64)] {
            let found = digest(&facts, &models, partitions, frame_events);
            assert_eq!(found, reference, "{partitions} partitions, {frame_events} a frame");
        }
    }

    #[test]
    fn matches_may_interleave_otherwise() {
        let (facts, models) = season();
        let reference = digest(&facts, &models, 1, 64);
        // Between two facts of the whole system, all facts of one match before the next one's.
        let mut regrouped = Vec::new();
        for part in facts.chunk_by(|_, next| next.key.is_some()) {
            let mut part = part.to_vec();
            part.sort_by(|a, b| a.key.cmp(&b.key));
            regrouped.extend(part);
        }
        assert_ne!(regrouped, facts);
        assert_eq!(digest(&regrouped, &models, 1, 64), reference);
    }

    #[test]
    fn no_decision_before_an_instant_depends_on_what_comes_after_it() {
        let (facts, models) = season();
        let cut_at = facts[facts.len() / 2].at;
        let before = |events: &[Event]| -> Vec<Event> {
            events.iter().filter(|event| event.at < cut_at).cloned().collect()
        };
        let whole = derive(&cut(&facts, 4, 64), &models).unwrap().streams;
        let past = derive(&cut(&before(&facts), 4, 64), &models).unwrap().streams;
        assert_eq!(before(&whole.bets), before(&past.bets));
        assert!(!past.bets.is_empty());
    }
}
