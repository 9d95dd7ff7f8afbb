use super::Model;
use crate::matrix::MatrixError;

/// Why a match cannot be part of a training set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DataError {
    /// The day is not a number.
    #[error("the day of {home} v {away} must be finite, got {day}")]
    Day {
        /// The home side as given.
        home: String,
        /// The away side as given.
        away: String,
        /// The day as given.
        day: f64,
    },
    /// The weight is negative or not a number.
    #[error("the weight of {home} v {away} must be finite and not negative, got {weight}")]
    Weight {
        /// The home side as given.
        home: String,
        /// The away side as given.
        away: String,
        /// The weight as given.
        weight: f64,
    },
    /// A team without a name.
    #[error("a match on day {day} names no {side} team")]
    NoName {
        /// The day of the match.
        day: f64,
        /// `home` or `away`.
        side: &'static str,
    },
    /// A team cannot play itself.
    #[error("{team} cannot play itself (day {day})")]
    SameTeam {
        /// The team named twice.
        team: String,
        /// The day of the match.
        day: f64,
    },
    /// More goals than a match can have, most likely a misread column.
    #[error("{home} v {away} has {goals} goals for one side; at most {most} are taken for a score")]
    Goals {
        /// The home side as given.
        home: String,
        /// The away side as given.
        away: String,
        /// The goals as given.
        goals: u32,
        /// The highest count that is accepted.
        most: u32,
    },
    /// The playing time is none.
    #[error("the playing time of {home} v {away} must be 0.01 to 100 matches, got {exposure}")]
    Exposure {
        /// The home side as given.
        home: String,
        /// The away side as given.
        away: String,
        /// The playing time as given.
        exposure: f64,
    },
    /// A match carries other covariates than its set.
    #[error("{home} v {away} carries {got} covariates for a side, the set has {expected}")]
    Covariates {
        /// The home side as given.
        home: String,
        /// The away side as given.
        away: String,
        /// How many the set has.
        expected: usize,
        /// How many the match carries.
        got: usize,
    },
    /// A covariate is not a number.
    #[error("covariate `{name}` of {home} v {away} must be finite, got {value}")]
    Covariate {
        /// The home side as given.
        home: String,
        /// The away side as given.
        away: String,
        /// The covariate's name.
        name: String,
        /// The value as given.
        value: f64,
    },
    /// No match was given.
    #[error("a training set needs at least one match, got none")]
    Empty,
}

/// Why a model could not be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// An option is outside its range.
    #[error("option `{name}` must be {expected}, got {value}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
        /// The value as given.
        value: f64,
    },
    /// Every match has weight zero.
    #[error(
        "all {matches} matches have weight zero: lower `xi` (now {xi}) or give positive weights"
    )]
    NoWeight {
        /// Matches in the set.
        matches: usize,
        /// The decay per day.
        xi: f64,
    },
    /// One side of all matches never scored, so its level has no finite estimate.
    #[error("no {side} goals in {matches} matches: the level of scoring cannot be estimated")]
    NoGoalsAtAll {
        /// `home` or `away`.
        side: &'static str,
        /// Matches in the set.
        matches: usize,
    },
    /// A team never scored or never conceded: its strength has no finite estimate.
    #[error(
        "{team} has {verb} no goal in the training matches, so its {strength} has no finite \
         estimate: use a prior (shrinkage) or leave the team out"
    )]
    NoGoals {
        /// The team.
        team: String,
        /// `scored` or `conceded`.
        verb: &'static str,
        /// `attack` or `defence`.
        strength: &'static str,
    },
    /// The matches do not link all teams, so strengths on either side cannot be compared.
    #[error(
        "the strengths fall into {groups} groups that no match links (one holds {example}, another \
         {other}): fit them apart, add matches between them, or use a prior (shrinkage)"
    )]
    Disconnected {
        /// How many groups.
        groups: usize,
        /// A team of the first group.
        example: String,
        /// A team of another group.
        other: String,
    },
    /// The likelihood is flat in some direction: too few matches for this many parameters.
    #[error(
        "{matches} matches of {teams} teams do not determine the model: add matches or use a prior \
         (shrinkage)"
    )]
    NotDetermined {
        /// Matches in the set.
        matches: usize,
        /// Teams in the set.
        teams: usize,
    },
    /// The law has no probability for some score at the rates to start from.
    #[error(
        "the law `{model}` cannot be computed at the matches' own rates of scoring: there are too \
         many goals for it"
    )]
    NoStart {
        /// The law.
        model: Model,
    },
    /// A prior names a team in a way that is not a number.
    #[error("the prior's offset of {team} must be finite, got {value}")]
    Offset {
        /// The team.
        team: String,
        /// The value as given.
        value: f64,
    },
}

/// A team that the fit has never seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown team `{team}`: the fit knows {known} teams, none of that name")]
pub struct UnknownTeam {
    /// The name as asked for.
    pub team: String,
    /// How many teams the fit knows.
    pub known: usize,
}

/// Why a fit gives no score matrix of a match.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ForecastError {
    /// The fit has not seen a team.
    #[error(transparent)]
    UnknownTeam(#[from] UnknownTeam),
    /// The rates are beyond what a score matrix holds, or `rho` is too large for them.
    #[error("no score matrix: {0}")]
    Matrix(#[from] MatrixError),
    /// The Weibull counts' series has no digits left.
    #[error(
        "the probabilities of Weibull counts of shape {shape} cannot be computed at a rate of \
         {rate} goals: it is too high"
    )]
    WeibullRate {
        /// The rate of one side.
        rate: f64,
        /// The shape.
        shape: f64,
    },
}
