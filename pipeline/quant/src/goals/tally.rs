//! What the likelihood needs to know of the matches, summed per pairing.

use super::{FitOptions, TrainingSet};

/// The matches of one pairing on one kind of ground, as weighted sums.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairing {
    pub(super) home: usize,
    pub(super) away: usize,
    pub(super) neutral: bool,
    /// Sum of weights.
    pub(super) weight: f64,
    /// Weighted goals of the home side.
    pub(super) home_goals: f64,
    /// Weighted goals of the away side.
    pub(super) away_goals: f64,
    /// Weights of the scores 0–0, 0–1, 1–0 and 1–1.
    pub(super) low: [f64; 4],
}

/// The matches of a training set, summed per pairing, with decay applied.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) teams: usize,
    pub(super) pairings: Vec<Pairing>,
    /// Matches with a positive weight.
    pub(super) matches: u64,
    /// Sum of weights.
    pub(super) weight: f64,
    /// The part of the log-likelihood that no parameter moves: `−Σ w (ln x! + ln y!)`.
    pub(super) constant: f64,
}

impl Tally {
    pub(super) fn of(set: &TrainingSet, options: &FitOptions) -> Self {
        let as_of = options.as_of.unwrap_or(set.last_day());
        let ln_factorials = ln_factorials();
        let mut tally = Self {
            teams: set.teams().len(),
            pairings: Vec::new(),
            matches: 0,
            weight: 0.0,
            constant: 0.0,
        };
        for played in set.matches() {
            let decay =
                if options.xi == 0.0 { 1.0 } else { libm::exp(-options.xi * (as_of - played.day)) };
            let weight = played.weight * decay;
            if weight == 0.0 {
                continue;
            }
            let (home, away, neutral) = (played.home.index(), played.away.index(), played.neutral);
            let same = |p: &Pairing| p.home == home && p.away == away && p.neutral == neutral;
            if !tally.pairings.last().is_some_and(same) {
                tally.pairings.push(Pairing { home, away, neutral, ..Pairing::default() });
            }
            let pairing = tally.pairings.last_mut().expect("one was pushed when there was none");
            let (x, y) = (played.home_goals, played.away_goals);
            pairing.weight += weight;
            pairing.home_goals += weight * f64::from(x);
            pairing.away_goals += weight * f64::from(y);
            if x <= 1 && y <= 1 {
                pairing.low[usize::from(2 * x + y)] += weight;
            }
            tally.matches += 1;
            tally.weight += weight;
            tally.constant -=
                weight * (ln_factorials[usize::from(x)] + ln_factorials[usize::from(y)]);
        }
        tally
    }
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
