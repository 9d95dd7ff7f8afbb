//! What the likelihood needs to know of the matches, gathered per pairing.

use std::ops::Range;

use super::{FitOptions, TeamId, TrainingSet};

/// The matches of one pairing under the same circumstances, as weighted sums.
#[derive(Debug, Clone)]
pub(super) struct Pairing {
    pub(super) home: usize,
    pub(super) away: usize,
    pub(super) neutral: bool,
    /// The log of the playing time, in matches of ninety minutes.
    pub(super) ln_exposure: f64,
    /// A match of this pairing, whose covariates all its matches share.
    pub(super) example: usize,
    /// Its matches among [`Tally::scores`].
    pub(super) scores: Range<usize>,
    /// Sum of weights.
    pub(super) weight: f64,
    /// Weighted goals of the home side.
    pub(super) home_goals: f64,
    /// Weighted goals of the away side.
    pub(super) away_goals: f64,
    /// Weights of the scores 0–0, 0–1, 1–0 and 1–1.
    pub(super) low: [f64; 4],
}

/// A score with its weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    pub(super) home: u16,
    pub(super) away: u16,
    pub(super) weight: f64,
}

/// The matches of a training set per pairing, with decay applied.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// The teams with a match that counts, by name.
    pub(super) teams: Vec<TeamId>,
    pub(super) pairings: Vec<Pairing>,
    /// Matches with a positive weight.
    pub(super) scores: Vec<Score>,
    /// Sum of weights.
    pub(super) weight: f64,
    /// The highest goals of one side.
    pub(super) goals_max: u16,
    /// The part of the log-likelihood that no parameter moves: `−Σ w (ln x! + ln y!)`.
    pub(super) constant: f64,
}

impl Tally {
    /// The matches of `set` that count, the last of them on `last_day`.
    pub(super) fn of(set: &TrainingSet, options: &FitOptions, last_day: f64) -> Self {
        let as_of = options.as_of.unwrap_or(last_day);
        let ln_factorials = ln_factorials();
        let (teams, places) = teams_that_count(set, options);
        let mut tally = Self {
            teams,
            pairings: Vec::new(),
            scores: Vec::with_capacity(set.matches().len()),
            weight: 0.0,
            goals_max: 0,
            constant: 0.0,
        };
        for (index, played) in set.matches().iter().enumerate() {
            if !options.counts(played.day) {
                continue;
            }
            let age = as_of - played.day;
            let decay = if options.xi == 0.0 { 1.0 } else { libm::exp(-options.xi * age) };
            let weight = played.weight * decay;
            if weight == 0.0 {
                continue;
            }
            let (home, away) = (played.home_goals, played.away_goals);
            tally.add(set, index, weight, &places);
            tally.scores.push(Score { home, away, weight });
            tally.weight += weight;
            tally.goals_max = tally.goals_max.max(home).max(away);
            let ln_factorial = ln_factorials[usize::from(home)] + ln_factorials[usize::from(away)];
            tally.constant -= weight * ln_factorial;
        }
        tally
    }

    fn add(&mut self, set: &TrainingSet, index: usize, weight: f64, places: &[usize]) {
        let played = &set.matches()[index];
        let place = self.scores.len();
        let joins = self.pairings.last().is_some_and(|last| {
            let example = &set.matches()[last.example];
            played.same_circumstances(example)
                && set.covariates_of(index) == set.covariates_of(last.example)
        });
        if !joins {
            self.pairings.push(Pairing {
                home: places[played.home.index()],
                away: places[played.away.index()],
                neutral: played.neutral,
                ln_exposure: libm::log(played.exposure),
                example: index,
                scores: place..place,
                weight: 0.0,
                home_goals: 0.0,
                away_goals: 0.0,
                low: [0.0; 4],
            });
        }
        let pairing = self.pairings.last_mut().expect("one was pushed when there was none");
        let (x, y) = (played.home_goals, played.away_goals);
        pairing.scores.end = place + 1;
        pairing.weight += weight;
        pairing.home_goals += weight * f64::from(x);
        pairing.away_goals += weight * f64::from(y);
        if x <= 1 && y <= 1 {
            pairing.low[usize::from(2 * x + y)] += weight;
        }
    }
}

/// The teams with a match that counts, and the place of each team of the set among them.
fn teams_that_count(set: &TrainingSet, options: &FitOptions) -> (Vec<TeamId>, Vec<usize>) {
    let mut counts = vec![false; set.teams().len()];
    for played in set.matches().iter().filter(|m| options.counts(m.day) && m.weight > 0.0) {
        counts[played.home.index()] = true;
        counts[played.away.index()] = true;
    }
    let mut teams = Vec::new();
    let places = (0..).zip(counts).map(|(id, counts)| {
        teams.extend(counts.then_some(TeamId(id)));
        teams.len().saturating_sub(1)
    });
    let places = places.collect();
    (teams, places)
}

const COUNTS: usize = super::TrainingSetBuilder::GOALS_MAX as usize + 1;

/// `ln k!` for every count of goals that a training set can hold.
fn ln_factorials() -> [f64; COUNTS] {
    let mut table = [0.0; COUNTS];
    for k in 2..COUNTS {
        table[k] = table[k - 1] + libm::log(k as f64);
    }
    table
}
