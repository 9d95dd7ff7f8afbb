//! Boosted trees and random forests, which learn goals from examples (feature `learned`).
//!
//! They know a match as the numbers of [`Features`] and expect goals of both sides; what they
//! expect is a signal like any other, which [`super::stack`] turns into forecasts on its own or
//! beside the others.
//!
//! The trees draw their samples from a seeded generator: the same matches and seed give the same
//! forecasts on any 64-bit machine.

use smartcore::ensemble::random_forest_regressor::{
    RandomForestRegressor, RandomForestRegressorParameters,
};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::xgboost::{XGRegressor, XGRegressorParameters};

use super::{Features, History, SignalRates, WalkError};

/// How goals are learnt from the numbers of matches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Learner {
    /// Trees that each correct the sum of those before (Chen and Guestrin, 2016), on squared
    /// errors.
    BoostedTrees {
        /// How many.
        trees: usize,
        /// The most splits one after the other.
        depth: u16,
        /// How much of each tree counts.
        rate: f64,
        /// The fewest matches in a leaf.
        leaf: usize,
        /// The share of matches that each tree sees.
        sample: f64,
    },
    /// The mean of trees grown on resampled matches (Breiman, 2001).
    RandomForest {
        /// How many.
        trees: usize,
        /// The most splits one after the other.
        depth: u16,
        /// The fewest matches in a leaf.
        leaf: usize,
        /// How many numbers each split chooses from.
        numbers: usize,
    },
}

impl Learner {
    /// Sixty shallow boosted trees that learn slowly.
    #[must_use]
    pub const fn boosted_trees() -> Self {
        Self::BoostedTrees { trees: 60, depth: 3, rate: 0.08, leaf: 100, sample: 0.7 }
    }

    /// Sixty trees of a random forest with large leaves.
    #[must_use]
    pub const fn random_forest() -> Self {
        Self::RandomForest { trees: 60, depth: 8, leaf: 60, numbers: 8 }
    }

    fn check(&self) -> Result<(), WalkError> {
        let (trees, rate, sample) = match *self {
            Self::BoostedTrees { trees, rate, sample, .. } => (trees, rate, sample),
            Self::RandomForest { trees, .. } => (trees, 1.0, 1.0),
        };
        for (name, value, range, expected) in [
            ("trees", trees as f64, 1.0..=1e4, "between 1 and 10000"),
            ("rate", rate, 1e-4..=1.0, "between 0.0001 and 1"),
            ("sample", sample, 0.01..=1.0, "between 0.01 and 1"),
        ] {
            if !range.contains(&value) {
                return Err(WalkError::Constant { name, expected, value });
            }
        }
        Ok(())
    }
}

/// The goals that are expected of a side lie between these.
const GOALS_EXPECTED: std::ops::RangeInclusive<f64> = 0.05..=8.0;
/// Fewer matches than this teach nothing.
const MATCHES_MIN: usize = 500;

/// What a learner expects of each match's goals, having learnt, for each season from `first_season`
/// on, from all leagues' earlier seasons.
///
/// # Errors
/// [`WalkError`] when a constant is out of range, the features are not of this history, or the
/// learner gives up.
pub fn learned_rates(
    history: &History,
    features: &Features,
    learner: &Learner,
    first_season: i32,
    seed: u64,
) -> Result<SignalRates, WalkError> {
    learner.check()?;
    let (got, matches) = (features.rows.len(), history.records().len());
    if got != matches {
        return Err(WalkError::Length { name: "features".to_owned(), got, matches });
    }
    let mut rates = vec![None; matches];
    for season in history.seasons().into_iter().filter(|season| *season >= first_season) {
        let known: Vec<usize> = (0..matches)
            .filter(|&place| {
                features.rows[place].is_some() && history.records()[place].season < season
            })
            .collect();
        let asked: Vec<usize> = (0..matches)
            .filter(|&place| {
                features.rows[place].is_some() && history.records()[place].season == season
            })
            .collect();
        if known.len() < MATCHES_MIN || asked.is_empty() {
            continue;
        }
        let (lessons, questions) = (table(features, &known)?, table(features, &asked)?);
        let mut expected = [Vec::new(), Vec::new()];
        for (side, expected) in expected.iter_mut().enumerate() {
            let goals: Vec<f64> = known
                .iter()
                .map(|&place| f64::from(history.records()[place].goals[side]))
                .collect();
            *expected = learner.learn(&lessons, &goals, &questions, seed)?;
        }
        for (index, &place) in asked.iter().enumerate() {
            let [home, away] = [0, 1].map(|side| {
                let goals = expected[side][index];
                libm::log(goals.clamp(*GOALS_EXPECTED.start(), *GOALS_EXPECTED.end()))
            });
            rates[place] = Some([home, away]);
        }
    }
    Ok(rates)
}

type Table = DenseMatrix<f64>;

fn table(features: &Features, places: &[usize]) -> Result<Table, WalkError> {
    let rows = places.iter().filter_map(|&place| features.rows[place].as_ref());
    let numbers: Vec<f64> = rows.flatten().copied().collect();
    let width = features.names.len();
    DenseMatrix::new(places.len(), width, numbers, false).map_err(gave_up)
}

#[allow(clippy::needless_pass_by_value, reason = "it maps errors")]
fn gave_up(why: smartcore::error::Failed) -> WalkError {
    WalkError::Learner(why.to_string())
}

impl Learner {
    /// Learns goals from lessons and answers the questions.
    fn learn(
        &self,
        lessons: &Table,
        goals: &Vec<f64>,
        questions: &Table,
        seed: u64,
    ) -> Result<Vec<f64>, WalkError> {
        match *self {
            Self::BoostedTrees { trees, depth, rate, leaf, sample } => {
                let mean = goals.iter().sum::<f64>() / goals.len() as f64;
                let parameters = XGRegressorParameters::default()
                    .with_n_estimators(trees)
                    .with_max_depth(depth)
                    .with_learning_rate(rate)
                    .with_min_child_weight(leaf)
                    .with_subsample(sample)
                    .with_base_score(mean)
                    .with_seed(seed);
                let model = XGRegressor::fit(lessons, goals, parameters).map_err(gave_up)?;
                model.predict(questions).map_err(gave_up)
            }
            Self::RandomForest { trees, depth, leaf, numbers } => {
                let parameters = RandomForestRegressorParameters::default()
                    .with_n_trees(trees)
                    .with_max_depth(depth)
                    .with_min_samples_leaf(leaf)
                    .with_m(numbers.min(lessons.shape().1))
                    .with_seed(seed);
                let model =
                    RandomForestRegressor::fit(lessons, goals, parameters).map_err(gave_up)?;
                model.predict(questions).map_err(gave_up)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walkforward::features;
    use crate::walkforward::history::tests::small;

    fn learners() -> [Learner; 2] {
        [
            Learner::BoostedTrees { trees: 15, depth: 3, rate: 0.3, leaf: 10, sample: 1.0 },
            Learner::RandomForest { trees: 10, depth: 6, leaf: 10, numbers: 8 },
        ]
    }

    #[test]
    fn each_learner_expects_more_goals_of_the_stronger_side() {
        let history = small(50);
        let known: SignalRates = history
            .records()
            .iter()
            .map(|record| {
                let strength = |team: &str| if team == "Ash" { 1.0 } else { 0.0 };
                Some([strength(&record.home), strength(&record.away)])
            })
            .collect();
        let features = features(&history, &[known]).unwrap();
        for learner in learners() {
            let rates = learned_rates(&history, &features, &learner, 45, 7).unwrap();
            let again = learned_rates(&history, &features, &learner, 45, 7).unwrap();
            assert_eq!(rates, again, "the same seed gives the same forecasts");
            let mean = |ash: bool| {
                let matches = history.records().iter().zip(&rates);
                let of: Vec<f64> = matches
                    .filter(|(record, _)| (record.home == "Ash") == ash)
                    .filter_map(|(_, rate)| rate.map(|[home, _]| home))
                    .collect();
                of.iter().sum::<f64>() / of.len() as f64
            };
            assert!(mean(true) > mean(false) + 0.1, "{learner:?}");
            assert!(rates[0].is_none(), "the first seasons teach");
        }
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        let history = small(2);
        let features = features(&history, &[]).unwrap();
        let none = Learner::RandomForest { trees: 0, depth: 3, leaf: 5, numbers: 3 };
        let fast =
            Learner::BoostedTrees { trees: 5, depth: 3, rate: f64::NAN, leaf: 5, sample: 0.5 };
        for learner in [none, fast] {
            let refused = learned_rates(&history, &features, &learner, 0, 1);
            assert!(matches!(refused, Err(WalkError::Constant { .. })), "{learner:?}");
        }
    }
}
