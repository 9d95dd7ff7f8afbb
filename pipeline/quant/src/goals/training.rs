use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::DataError;

/// A team of a [`TrainingSet`]: its rank among the set's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TeamId(pub u32);

impl TeamId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A match as it is given to a [`TrainingSetBuilder`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Played<'a> {
    /// The instant of the match in days since any fixed day.
    pub day: f64,
    /// Name of the home side, or of the side listed first on neutral ground.
    pub home: &'a str,
    /// Name of the other side.
    pub away: &'a str,
    /// Goals of `home` over ninety minutes and stoppage time.
    pub home_goals: u32,
    /// Goals of `away` over ninety minutes and stoppage time.
    pub away_goals: u32,
    /// How much the match counts, before decay; one by default.
    pub weight: f64,
    /// Whether it was played on neutral ground.
    pub neutral: bool,
    /// The playing time in matches of ninety minutes: 4/3 after extra time; one by default.
    pub exposure: f64,
    /// What may add to the log of the home side's expected goals, in the order of the set's
    /// covariates.
    pub home_covariates: &'a [f64],
    /// What may add to the log of the away side's expected goals, in the same order.
    pub away_covariates: &'a [f64],
}

impl<'a> Played<'a> {
    /// A match at the home side's ground, with weight one.
    #[must_use]
    pub fn new(day: f64, home: &'a str, away: &'a str, home_goals: u32, away_goals: u32) -> Self {
        Self {
            day,
            home,
            away,
            home_goals,
            away_goals,
            weight: 1.0,
            neutral: false,
            exposure: 1.0,
            home_covariates: &[],
            away_covariates: &[],
        }
    }

    /// The same match with another weight.
    #[must_use]
    pub fn weighted(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// The same match on neutral ground, or not.
    #[must_use]
    pub fn on_neutral_ground(self, neutral: bool) -> Self {
        Self { neutral, ..self }
    }

    /// The same match over another playing time, in matches of ninety minutes.
    #[must_use]
    pub fn lasting(self, exposure: f64) -> Self {
        Self { exposure, ..self }
    }

    /// The same match with covariates of both sides.
    #[must_use]
    pub fn with_covariates(self, home: &'a [f64], away: &'a [f64]) -> Self {
        Self { home_covariates: home, away_covariates: away, ..self }
    }
}

/// A match of a training set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchResult {
    /// The instant of the match in days.
    pub day: f64,
    /// The home side.
    pub home: TeamId,
    /// The away side.
    pub away: TeamId,
    /// Goals of the home side.
    pub home_goals: u16,
    /// Goals of the away side.
    pub away_goals: u16,
    /// How much the match counts, before decay.
    pub weight: f64,
    /// Whether it was played on neutral ground.
    pub neutral: bool,
    /// The playing time in matches of ninety minutes.
    pub exposure: f64,
}

impl MatchResult {
    /// Whether both sides, the ground and the playing time are those of `other`.
    pub(crate) fn same_circumstances(&self, other: &Self) -> bool {
        let key = |m: &Self| (m.home, m.away, m.neutral, m.exposure.to_bits());
        key(self) == key(other)
    }
}

/// Collects matches, checking each.
#[derive(Debug, Clone, Default)]
pub struct TrainingSetBuilder {
    /// Names in the order of their first match, with that rank.
    ranks: BTreeMap<String, u32>,
    matches: Vec<MatchResult>,
    covariate_names: Vec<String>,
    /// Home and away covariates of each match, one match after another.
    covariates: Vec<f64>,
}

impl TrainingSetBuilder {
    /// The most goals of one side that are taken for a score.
    pub const GOALS_MAX: u32 = 60;

    /// A builder without matches.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder of matches that carry these covariates, in this order.
    #[must_use]
    pub fn with_covariates<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let covariate_names = names.into_iter().map(Into::into).collect();
        Self { covariate_names, ..Self::default() }
    }

    /// Adds a match. The order in which matches are added does not matter.
    ///
    /// # Errors
    /// [`DataError`] when a number is not finite, a weight is negative, a playing time is not
    /// between a hundredth of a match and a hundred, a name is empty, a team plays itself, a side
    /// has more than [`Self::GOALS_MAX`] goals, or the covariates are not those of the set.
    pub fn push(&mut self, played: Played<'_>) -> Result<&mut Self, DataError> {
        self.check(&played)?;
        let home = self.rank(played.home);
        let away = self.rank(played.away);
        self.matches.push(MatchResult {
            day: played.day,
            home,
            away,
            // At most GOALS_MAX: the casts are exact.
            home_goals: played.home_goals as u16,
            away_goals: played.away_goals as u16,
            weight: played.weight,
            neutral: played.neutral,
            exposure: played.exposure,
        });
        self.covariates.extend(played.home_covariates);
        self.covariates.extend(played.away_covariates);
        Ok(self)
    }

    fn check(&self, played: &Played<'_>) -> Result<(), DataError> {
        let Played { day, home, away, weight, exposure, .. } = *played;
        let names = || (home.to_owned(), away.to_owned());
        if !day.is_finite() {
            let (home, away) = names();
            return Err(DataError::Day { home, away, day });
        }
        if !(weight.is_finite() && weight >= 0.0) {
            let (home, away) = names();
            return Err(DataError::Weight { home, away, weight });
        }
        for (name, side) in [(home, "home"), (away, "away")] {
            if name.trim().is_empty() {
                return Err(DataError::NoName { day, side });
            }
        }
        if home == away {
            return Err(DataError::SameTeam { team: home.to_owned(), day });
        }
        let goals = played.home_goals.max(played.away_goals);
        if goals > Self::GOALS_MAX {
            let (home, away) = names();
            return Err(DataError::Goals { home, away, goals, most: Self::GOALS_MAX });
        }
        if !(0.01..=100.0).contains(&exposure) {
            let (home, away) = names();
            return Err(DataError::Exposure { home, away, exposure });
        }
        for covariates in [played.home_covariates, played.away_covariates] {
            let expected = self.covariate_names.len();
            if covariates.len() != expected {
                let (home, away) = names();
                return Err(DataError::Covariates { home, away, expected, got: covariates.len() });
            }
            if let Some(at) = covariates.iter().position(|value| !value.is_finite()) {
                let (home, away) = names();
                let (name, value) = (self.covariate_names[at].clone(), covariates[at]);
                return Err(DataError::Covariate { home, away, name, value });
            }
        }
        Ok(())
    }

    fn rank(&mut self, name: &str) -> TeamId {
        if let Some(&rank) = self.ranks.get(name) {
            return TeamId(rank);
        }
        let rank = u32::try_from(self.ranks.len()).expect("fewer teams than u32 can count");
        self.ranks.insert(name.to_owned(), rank);
        TeamId(rank)
    }

    /// The set of all matches added.
    ///
    /// # Errors
    /// [`DataError::Empty`] without any match.
    pub fn build(self) -> Result<TrainingSet, DataError> {
        if self.matches.is_empty() {
            return Err(DataError::Empty);
        }
        let mut by_first_match = vec![TeamId(0); self.ranks.len()];
        let mut teams = Vec::with_capacity(self.ranks.len());
        for (id, (name, first)) in (0..).zip(self.ranks) {
            by_first_match[first as usize] = TeamId(id);
            teams.push(name);
        }
        let mut matches = self.matches;
        for played in &mut matches {
            played.home = by_first_match[played.home.index()];
            played.away = by_first_match[played.away.index()];
        }
        let width = 2 * self.covariate_names.len();
        let row = |index: usize| &self.covariates[index * width..(index + 1) * width];
        let mut order: Vec<usize> = (0..matches.len()).collect();
        order.sort_unstable_by(|&a, &b| {
            canonical(&matches[a], &matches[b]).then_with(|| {
                let values = row(a).iter().zip(row(b));
                values.map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
            })
        });
        let last_day = matches.iter().map(|m| m.day).fold(f64::NEG_INFINITY, f64::max);
        Ok(TrainingSet {
            teams,
            matches: order.iter().map(|&index| matches[index]).collect(),
            last_day,
            covariates: order.iter().flat_map(|&index| row(index)).copied().collect(),
            covariate_names: self.covariate_names,
        })
    }
}

/// By home side, away side and circumstances, then by day, score and weight: the order of the sums,
/// whatever the order in which matches were given.
fn canonical(a: &MatchResult, b: &MatchResult) -> Ordering {
    let pairing = |m: &MatchResult| (m.home, m.away, m.neutral);
    let score = |m: &MatchResult| (m.home_goals, m.away_goals);
    pairing(a)
        .cmp(&pairing(b))
        .then(a.exposure.total_cmp(&b.exposure))
        .then(a.day.total_cmp(&b.day))
        .then(score(a).cmp(&score(b)))
        .then(a.weight.total_cmp(&b.weight))
}

/// Matches to fit a model to.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    teams: Vec<String>,
    /// By home side, away side, ground, then day: those of one pairing stand together.
    matches: Vec<MatchResult>,
    last_day: f64,
    covariate_names: Vec<String>,
    /// Home and away covariates of each match, in the order of the matches.
    covariates: Vec<f64>,
}

impl TrainingSet {
    /// A builder without matches.
    #[must_use]
    pub fn builder() -> TrainingSetBuilder {
        TrainingSetBuilder::new()
    }

    /// The teams in the order of their names; a [`TeamId`] is a rank in it.
    #[must_use]
    pub fn teams(&self) -> &[String] {
        &self.teams
    }

    /// The matches, by pairing and then by day.
    #[must_use]
    pub fn matches(&self) -> &[MatchResult] {
        &self.matches
    }

    /// The day of the last match.
    #[must_use]
    pub fn last_day(&self) -> f64 {
        self.last_day
    }

    /// The names of the covariates, in the order in which matches carry them.
    #[must_use]
    pub fn covariate_names(&self) -> &[String] {
        &self.covariate_names
    }

    /// The home and the away covariates of the match at `index`, one after the other.
    pub(crate) fn covariates_of(&self, index: usize) -> &[f64] {
        let width = 2 * self.covariate_names.len();
        &self.covariates[index * width..(index + 1) * width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(played: Played<'_>) -> DataError {
        TrainingSet::builder().push(played).map(|_| ()).unwrap_err()
    }

    #[test]
    fn what_is_no_match_is_refused_and_named() {
        let good = Played::new(1.0, "Ash", "Birch", 1, 0);
        assert!(matches!(refused(Played { day: f64::NAN, ..good }), DataError::Day { .. }));
        assert!(matches!(refused(good.weighted(-1.0)), DataError::Weight { .. }));
        assert!(matches!(refused(good.weighted(f64::INFINITY)), DataError::Weight { .. }));
        assert!(matches!(refused(Played { away: " ", ..good }), DataError::NoName { .. }));
        assert!(matches!(refused(Played { away: "Ash", ..good }), DataError::SameTeam { .. }));
        assert!(matches!(refused(Played { away_goals: 61, ..good }), DataError::Goals { .. }));
        assert!(matches!(refused(good.lasting(0.0)), DataError::Exposure { .. }));
        assert!(matches!(refused(good.with_covariates(&[1.0], &[])), DataError::Covariates { .. }));
        let mut named = TrainingSetBuilder::with_covariates(["rest"]);
        let wrong = named.push(good.with_covariates(&[1.0], &[f64::NAN])).map(|_| ());
        assert!(matches!(wrong, Err(DataError::Covariate { name, .. }) if name == "rest"));
        assert_eq!(TrainingSet::builder().build().unwrap_err(), DataError::Empty);
    }

    #[test]
    fn the_order_in_which_matches_are_given_does_not_matter() {
        let played = [
            Played::new(3.0, "Cedar", "Ash", 1, 0),
            Played::new(1.0, "Ash", "Birch", 2, 2),
            Played::new(2.0, "Birch", "Cedar", 0, 3),
            Played::new(0.5, "Ash", "Birch", 1, 1),
        ];
        let build = |order: [usize; 4]| {
            let mut builder = TrainingSet::builder();
            for index in order {
                builder.push(played[index]).unwrap();
            }
            builder.build().unwrap()
        };
        let set = build([0, 1, 2, 3]);
        assert_eq!(set, build([3, 2, 1, 0]));
        assert_eq!(set.teams(), ["Ash", "Birch", "Cedar"]);
        assert_eq!(set.last_day(), 3.0);
    }
}
