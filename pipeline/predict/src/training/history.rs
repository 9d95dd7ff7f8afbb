use std::collections::BTreeMap;

use marabet_quant::goals::{DataError, Played, TrainingSet};
use marabet_schemas::control::Training;
use marabet_schemas::facts::{Fixture, MatchResult, ResultStatus};
use marabet_schemas::{Instant, MatchKey};

/// What is known of one competition's matches.
#[derive(Debug, Default)]
pub(super) struct History {
    matches: BTreeMap<MatchKey, Known>,
    /// Results have come or changed since the last model.
    pub(super) fresh: bool,
    /// The highest number of a model seen or made.
    pub(super) number: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    kickoff: Instant,
    neutral: bool,
    result: Option<Score>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Score {
    goals: [u8; 2],
    known_at: Instant,
}

/// The matches that a model is trained on, and those that were left out as impossible.
pub(super) struct Selected {
    pub(super) set: Option<TrainingSet>,
    pub(super) training: Training,
    pub(super) refused: Vec<(MatchKey, DataError)>,
    /// There are results that were not known before the boundary.
    pub(super) more_to_come: bool,
}

impl History {
    pub(super) fn fixture(&mut self, key: &MatchKey, fixture: &Fixture) {
        let Fixture { kickoff, neutral, .. } = *fixture;
        let known = self.matches.entry(key.clone());
        known
            .and_modify(|known| (known.kickoff, known.neutral) = (kickoff, neutral))
            .or_insert(Known { kickoff, neutral, result: None });
    }

    /// Takes in a result; what was not decided on the pitch teaches nothing. One before its
    /// fixture is passed over, as the stage rejects it.
    pub(super) fn result(&mut self, key: &MatchKey, result: &MatchResult, known_at: Instant) {
        let Some(known) = self.matches.get_mut(key) else { return };
        let score = match (result.status, result.score) {
            (ResultStatus::Played, Some(goals)) => Some(Score { goals, known_at }),
            _ => None,
        };
        let goals = |score: Option<Score>| score.map(|score| score.goals);
        if goals(known.result) != goals(score) {
            known.result = score;
            self.fresh = true;
        }
    }

    /// Forgets matches that kicked off before an instant.
    pub(super) fn forget_before(&mut self, first: Instant) {
        self.matches.retain(|_, known| known.kickoff >= first);
    }

    /// The matches from `first` on whose result was known before `boundary`.
    pub(super) fn select(&self, first: Option<Instant>, boundary: Instant) -> Selected {
        let mut builder = TrainingSet::builder();
        let mut training = Training { from: boundary, to: boundary, matches: 0, cut: Vec::new() };
        let mut refused = Vec::new();
        let mut more_to_come = false;
        for (key, known) in &self.matches {
            let Some(score) = known.result else { continue };
            // A kick-off after the boundary is a fault of the source; it has no age.
            let before = score.known_at < boundary && known.kickoff < boundary;
            more_to_come |= !before;
            if !before || first.is_some_and(|first| known.kickoff < first) {
                continue;
            }
            let [home, away] = score.goals.map(u32::from);
            let played = Played::new(known.kickoff.days(), key.home(), key.away(), home, away)
                .on_neutral_ground(known.neutral);
            match builder.push(played) {
                Ok(_) => {
                    let first_match = training.matches == 0;
                    let Training { from, to, .. } = training;
                    training.from =
                        if first_match { known.kickoff } else { from.min(known.kickoff) };
                    training.to = if first_match { known.kickoff } else { to.max(known.kickoff) };
                    training.matches += 1;
                }
                Err(error) => refused.push((key.clone(), error)),
            }
        }
        Selected { set: builder.build().ok(), training, refused, more_to_come }
    }
}
