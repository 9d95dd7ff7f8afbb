use std::collections::BTreeMap;
use std::sync::Arc;

use marabet_quant::goals::{DataError, FitError, FitOptions, fit};
use marabet_schemas::control::ModelPublished;
use marabet_schemas::{ArtefactHash, Body, Competition, Event, Instant, MatchKey};

use super::history::{History, Selected};
use super::{OptionsError, TrainingOptions};
use crate::Artefact;

/// Trains models at the boundaries of event time, from the facts that it observes in order.
///
/// The driver of accelerated time gives it each fact before it appends it:
///
/// ```text
/// for fact in timeline {
///     for model in trainer.observe(&fact).models { store(model.hash, model.bytes); append everywhere(model.event) }
///     append(fact)
/// }
/// ```
///
/// Facts of before the streamed period are given with [`Trainer::learn`]: the first fact observed
/// then reaches a boundary and so brings the first models. A live schedule calls
/// [`Trainer::train`] at its hour.
#[derive(Debug)]
pub struct Trainer {
    options: TrainingOptions,
    competitions: BTreeMap<Competition, History>,
    /// The last boundary reached.
    reached: Option<Instant>,
}

/// What a boundary brought.
#[derive(Debug, Default)]
pub struct Due {
    /// Models to be put in force, by competition.
    pub models: Vec<NewModel>,
    /// Competitions without a new model, and matches left out of one.
    pub skipped: Vec<Skipped>,
}

/// A model to be put in force.
#[derive(Debug, Clone)]
pub struct NewModel {
    /// The artefact's address.
    pub hash: ArtefactHash,
    /// The artefact.
    pub bytes: Arc<[u8]>,
    /// The `model.published` for the feed of every partition, at the boundary's instant. Its
    /// training cut is empty: whoever knows the addresses of the results may set it.
    pub event: Event,
}

/// A competition without a new model, or a match left out of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Skipped {
    /// Which competition.
    pub competition: Competition,
    /// At which boundary.
    pub boundary: Instant,
    /// Why.
    pub reason: Reason,
}

/// Why a boundary brought no model, or why a match is not in it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Too little is known yet.
    #[error("{matches} matches are known, {least} are needed")]
    TooFewMatches {
        /// Matches known.
        matches: u32,
        /// Matches needed.
        least: u32,
    },
    /// The model could not be fitted.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The fit did not reach its maximum.
    #[error("the fit did not converge: {0}")]
    NotConverged(String),
    /// A match is impossible and was left out.
    #[error("{key} was left out: {error}")]
    Match {
        /// The match.
        key: MatchKey,
        /// What is wrong with it.
        error: DataError,
    },
}

impl Trainer {
    /// A trainer that knows no match.
    ///
    /// # Errors
    /// [`OptionsError`] when the options contradict themselves.
    pub fn new(options: TrainingOptions) -> Result<Self, OptionsError> {
        options.check()?;
        Ok(Self { options, competitions: BTreeMap::new(), reached: None })
    }

    /// Takes in a fact, and trains first when it reaches a boundary. Of several boundaries
    /// reached at once, the last is trained at.
    pub fn observe(&mut self, fact: &Event) -> Due {
        let boundary = self.options.schedule.last_boundary(fact.at);
        let passed = self.reached.is_none_or(|reached| boundary > reached);
        let due = if passed { self.train(boundary) } else { Due::default() };
        self.learn(fact);
        due
    }

    /// Takes in a fact without training.
    pub fn learn(&mut self, fact: &Event) {
        match (&fact.body, &fact.key) {
            (Body::Fixture(fixture), Some(key)) => {
                self.history(key.competition()).fixture(key, fixture);
            }
            (Body::Result(result), Some(key)) => {
                self.history(key.competition()).result(key, result, fact.at);
            }
            (Body::ModelPublished(published), _) => {
                let history = self.history(published.competition.clone());
                history.number = history.number.max(published.number);
            }
            _ => {}
        }
    }

    /// Trains every competition with new results on what was known before `boundary`, and counts
    /// it as reached.
    pub fn train(&mut self, boundary: Instant) -> Due {
        self.reached = self.reached.max(Some(boundary));
        let mut due = Due::default();
        for (competition, history) in &mut self.competitions {
            if history.fresh {
                train_one(&self.options, competition, history, boundary, &mut due);
            }
        }
        due
    }

    fn history(&mut self, competition: Competition) -> &mut History {
        self.competitions.entry(competition).or_default()
    }
}

fn train_one(
    options: &TrainingOptions,
    competition: &Competition,
    history: &mut History,
    boundary: Instant,
    due: &mut Due,
) {
    let first = options.window_days.map(|days| boundary.plus_seconds(-86_400 * i64::from(days)));
    if let Some(first) = first {
        history.forget_before(first);
    }
    let selected = history.select(first, boundary);
    let skipped = |reason| Skipped { competition: competition.clone(), boundary, reason };
    due.skipped.extend(
        selected
            .refused
            .iter()
            .map(|(key, error)| skipped(Reason::Match { key: key.clone(), error: error.clone() })),
    );
    match fitted(options, competition, boundary, &selected) {
        Ok(artefact) => {
            history.fresh = selected.more_to_come;
            history.number += 1;
            let bytes: Arc<[u8]> = artefact.to_bytes().into();
            let hash = ArtefactHash::of(&bytes);
            let published = ModelPublished {
                competition: competition.clone(),
                number: history.number,
                hash,
                family: artefact.family.to_string(),
                training: selected.training,
            };
            due.models.push(NewModel { hash, bytes, event: Event::global(boundary, published) });
        }
        Err(reason) => due.skipped.push(skipped(reason)),
    }
}

fn fitted(
    options: &TrainingOptions,
    competition: &Competition,
    boundary: Instant,
    selected: &Selected,
) -> Result<Artefact, Reason> {
    let (matches, least) = (selected.training.matches, options.matches_min);
    let too_few = Reason::TooFewMatches { matches, least };
    let set = selected.set.as_ref().filter(|_| matches >= least).ok_or(too_few)?;
    let fit_options = FitOptions { as_of: Some(boundary.days()), ..options.fit.clone() };
    let fit = fit(options.model, set, &fit_options)?;
    if !fit.converged {
        return Err(Reason::NotConverged(fit.why));
    }
    Ok(Artefact::new(competition.clone(), boundary, options.newcomers, fit))
}
