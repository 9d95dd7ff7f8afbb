use std::collections::BTreeMap;

use crate::matrix::{MatrixError, ScoreMatrix};
use serde::{Deserialize, Serialize};

use super::cholesky::Factor;
use super::dixon_coles::DixonColes;
use super::law::Law;
use super::newton::{Ascent, Layout, Objective, Penalty, Stuck, ascend};
use super::poisson::Poisson;
use super::tally::Tally;
use super::{
    FitError, FitOptions, ForecastError, Model, Prior, TrainingSet, UnknownTeam, identify,
};

/// The expected goals of both sides of a match.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Means {
    /// Expected goals of the home side, λ.
    pub lambda: f64,
    /// Expected goals of the away side, μ.
    pub mu: f64,
}

/// The strength of a team, in log-goals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TeamStrength {
    /// What the team adds to the log of its own expected goals; one on average.
    pub attack: f64,
    /// What it adds to the log of its opponent's expected goals: lower is better.
    pub defence: f64,
    /// Standard error of the attack, where it was asked for and exists.
    pub attack_se: Option<f64>,
    /// Standard error of the defence, where it was asked for and exists.
    pub defence_se: Option<f64>,
}

/// A parameter with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error, where it was asked for and exists.
    pub se: Option<f64>,
}

/// A fitted goal model: the artefact that is archived and addressed by the hash of its content.
///
/// Its JSON is deterministic: fields in the order below, teams and shapes by name, numbers in
/// their shortest form that reads back to the same bits.
///
/// Standard errors are the square roots of the diagonal of the inverse of the observed
/// information (the curvature of what was maximised), under the constraint of a mean attack of
/// one. With a prior they are posterior standard deviations in the normal approximation; with
/// weights below one they speak of the weighted matches as if these were all there was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The law of the score.
    pub model: Model,
    /// The weighted log-likelihood at the estimate, penalties left out, constants included.
    pub log_likelihood: f64,
    /// What playing at home adds to the log of the expected goals.
    pub home_advantage: f64,
    /// Standard error of the home advantage; absent where all matches were on neutral ground.
    pub home_advantage_se: Option<f64>,
    /// The log of what an average side scores away against an average side, `1 + mean defence`:
    /// the intercept of the form in which attacks and defences are centred at zero.
    pub intercept: f64,
    /// The Dixon–Coles dependence; zero for models without it.
    pub rho: f64,
    /// The law's own parameters by name, `rho` among them.
    pub shapes: BTreeMap<String, Estimate>,
    /// Strengths by the team's name.
    pub teams: BTreeMap<String, TeamStrength>,
    /// What is expected of a team that the fit has not seen, where a prior says so.
    pub newcomer: Option<TeamStrength>,
    /// Whether the maximum was found.
    pub converged: bool,
    /// Newton steps taken.
    pub iterations: u32,
    /// Why the fit ended.
    pub why: String,
    /// Matches with a positive weight.
    pub matches: u64,
    /// Sum of their weights, decay included.
    pub weight: f64,
    /// Decay per day.
    pub xi: f64,
    /// Day of the last match.
    pub last_day: f64,
}

impl Fit {
    /// The expected goals of a match between two known teams.
    ///
    /// # Errors
    /// [`UnknownTeam`] for a team that the fit has not seen.
    pub fn means(&self, home: &str, away: &str, neutral: bool) -> Result<Means, UnknownTeam> {
        Ok(self.means_of(self.team(home)?, self.team(away)?, neutral))
    }

    /// The same, with the newcomer's strength for a team that the fit has not seen.
    ///
    /// # Errors
    /// [`UnknownTeam`] when the fit has no newcomer's strength, being fitted without a prior.
    pub fn means_with_newcomers(
        &self,
        home: &str,
        away: &str,
        neutral: bool,
    ) -> Result<Means, UnknownTeam> {
        let strength =
            |name| self.team(name).or_else(|unknown| self.newcomer.as_ref().ok_or(unknown));
        Ok(self.means_of(strength(home)?, strength(away)?, neutral))
    }

    /// The score matrix of a match between two known teams.
    ///
    /// # Errors
    /// [`ForecastError`] for a team that the fit has not seen, and where the matrix cannot be: the
    /// pairing's means are too large for `rho`, as can happen to a pairing that was never played.
    pub fn matrix(
        &self,
        home: &str,
        away: &str,
        neutral: bool,
    ) -> Result<ScoreMatrix, ForecastError> {
        let means = self.means(home, away, neutral)?;
        self.matrix_of(means).map_err(|why| ForecastError::Matrix {
            home: home.to_owned(),
            away: away.to_owned(),
            why,
        })
    }

    /// The score matrix of the fitted law at the given means, however these were found.
    ///
    /// # Errors
    /// [`MatrixError`] where the matrix cannot be at these means.
    pub fn matrix_of(&self, means: Means) -> Result<ScoreMatrix, MatrixError> {
        match self.model {
            Model::Poisson => ScoreMatrix::independent(means.lambda, means.mu),
            Model::DixonColes => ScoreMatrix::dixon_coles(means.lambda, means.mu, self.rho),
        }
    }

    fn team(&self, name: &str) -> Result<&TeamStrength, UnknownTeam> {
        let unknown = || UnknownTeam { team: name.to_owned(), known: self.teams.len() };
        self.teams.get(name).ok_or_else(unknown)
    }

    fn means_of(&self, home: &TeamStrength, away: &TeamStrength, neutral: bool) -> Means {
        let advantage = if neutral { 0.0 } else { self.home_advantage };
        Means {
            lambda: libm::exp(advantage + home.attack + away.defence),
            mu: libm::exp(away.attack + home.defence),
        }
    }
}

/// Fits `model` to the matches of `set`.
///
/// # Errors
/// [`FitError`] when an option is out of range or the matches do not determine the model. A fit
/// that did not reach its maximum is no error: it says so in [`Fit::converged`] and [`Fit::why`].
pub fn fit(model: Model, set: &TrainingSet, options: &FitOptions) -> Result<Fit, FitError> {
    dispatch(model, set, options, None)
}

/// As [`fit`], starting from an earlier fit of the same model to much the same matches, which
/// takes fewer steps to the same maximum.
///
/// # Errors
/// As [`fit`].
pub fn fit_from(
    start: &Fit,
    model: Model,
    set: &TrainingSet,
    options: &FitOptions,
) -> Result<Fit, FitError> {
    dispatch(model, set, options, Some(start))
}

fn dispatch(
    model: Model,
    set: &TrainingSet,
    options: &FitOptions,
    start: Option<&Fit>,
) -> Result<Fit, FitError> {
    options.check(set.last_day())?;
    let tally = Tally::of(set, options);
    let matches = set.matches().len();
    if tally.weight <= 0.0 {
        return Err(FitError::NoWeight { matches, xi: options.xi });
    }
    identify::check_level(&tally, matches)?;
    if options.prior.is_none() {
        identify::check(set, &tally)?;
    }
    let task = Task { model, set, options, tally: &tally, start };
    match model {
        Model::Poisson => task.run(Poisson),
        Model::DixonColes => task.run(DixonColes),
    }
}

struct Task<'a> {
    model: Model,
    set: &'a TrainingSet,
    options: &'a FitOptions,
    tally: &'a Tally,
    start: Option<&'a Fit>,
}

/// Newton steps with the Poisson law before another law begins: they bring the strengths near, and
/// show whether the data determine them.
const POISSON_STEPS: u32 = 2;

impl Task<'_> {
    fn run<L: Law>(&self, law: L) -> Result<Fit, FitError> {
        let penalty = self.options.prior.as_ref().map(|prior| penalty(prior, self.set.teams()));
        let mut start = match self.start {
            Some(earlier) => warm_start(earlier, self.set.teams()),
            None => cold_start(self.tally),
        };
        let mut steps_before = 0;
        if self.start.is_none() && !L::SHAPES.is_empty() {
            steps_before = POISSON_STEPS;
            start =
                self.ascend(Poisson, penalty.as_ref(), &start, POISSON_STEPS)?.1.point.parameters;
        }
        let earlier = |name: &&str| {
            self.start.filter(|s| s.model == self.model).and_then(|s| s.shapes.get(*name))
        };
        let shapes = L::SHAPES.iter().zip(law.start());
        start.extend(shapes.map(|(name, cold)| earlier(name).map_or(cold, |known| known.value)));
        let (objective, mut ascent) =
            self.ascend(law, penalty.as_ref(), &start, self.options.iterations_max)?;
        ascent.iterations += steps_before;
        Ok(self.artefact(&objective, ascent))
    }

    fn ascend<'b, L: Law>(
        &'b self,
        law: L,
        penalty: Option<&'b Penalty>,
        start: &[f64],
        iterations_max: u32,
    ) -> Result<(Objective<'b, L>, Ascent), FitError> {
        let layout = Layout { teams: self.tally.teams, shapes: L::SHAPES.len() };
        let mut held = vec![false; layout.size()];
        held[Layout::HOME] = self.tally.pairings.iter().all(|pairing| pairing.neutral);
        let mut objective = Objective { tally: self.tally, law, penalty, held, layout };
        match ascend(&mut objective, start, iterations_max) {
            Ok(ascent) => Ok((objective, ascent)),
            Err(Stuck::Start | Stuck::Singular) => Err(FitError::NotDetermined {
                matches: self.set.matches().len(),
                teams: self.set.teams().len(),
            }),
        }
    }

    fn artefact<L: Law>(&self, objective: &Objective<'_, L>, ascent: Ascent) -> Fit {
        let layout = objective.layout;
        let parameters = anchored(&ascent.point.parameters, layout);
        let errors = self.standard_errors(objective, &ascent);
        let se = |index: usize| errors.as_ref().and_then(|e| e[index]);
        let strength = |team: usize| TeamStrength {
            attack: parameters[layout.attack(team)],
            defence: parameters[layout.defence(team)],
            attack_se: se(layout.attack(team)),
            defence_se: se(layout.defence(team)),
        };
        let names = self.set.teams().iter().enumerate();
        let shapes: BTreeMap<String, Estimate> = L::SHAPES
            .iter()
            .enumerate()
            .map(|(s, name)| (layout.shape(s), name))
            .map(|(index, name)| {
                ((*name).to_owned(), Estimate { value: parameters[index], se: se(index) })
            })
            .collect();
        let defences = (0..layout.teams).map(|team| parameters[layout.defence(team)]);
        let intercept = 1.0 + defences.sum::<f64>() / layout.teams as f64;
        let newcomer = self.options.prior.as_ref().map(|prior| TeamStrength {
            attack: 1.0 + prior.newcomer.attack,
            defence: intercept - 1.0 + prior.newcomer.defence,
            attack_se: Some(prior.attack_sd),
            defence_se: Some(prior.defence_sd),
        });
        Fit {
            model: self.model,
            log_likelihood: ascent.point.log_likelihood + self.tally.constant,
            home_advantage: parameters[Layout::HOME],
            home_advantage_se: se(Layout::HOME),
            intercept,
            rho: shapes.get("rho").map_or(0.0, |rho| rho.value),
            shapes,
            teams: names.map(|(team, name)| (name.clone(), strength(team))).collect(),
            newcomer,
            converged: ascent.converged,
            iterations: ascent.iterations,
            why: ascent.why,
            matches: self.tally.matches,
            weight: self.tally.weight,
            xi: self.options.xi,
            last_day: self.set.last_day(),
        }
    }

    /// Standard errors by parameter; none where a parameter was held, or where the curvature is
    /// not that of a maximum.
    fn standard_errors<L: Law>(
        &self,
        objective: &Objective<'_, L>,
        ascent: &Ascent,
    ) -> Option<Vec<Option<f64>>> {
        if !(self.options.standard_errors && ascent.converged) {
            return None;
        }
        let layout = objective.layout;
        let variances = Factor::of(&ascent.point.curvature, 0.0)?.inverse_diagonal();
        // The term that fixes the mean attack lends the shift of all attacks against all defences
        // a variance of its own, which under the constraint is none.
        let teams = layout.teams as f64;
        let of_the_shift = 1.0 / (objective.anchor() * teams * teams);
        let error = |(index, variance): (usize, f64)| {
            let strength = index >= layout.attack(0) && index < layout.shape(0);
            let variance = if strength { variance - of_the_shift } else { variance };
            (!objective.held[index]).then(|| variance.max(0.0).sqrt())
        };
        Some(variances.into_iter().enumerate().map(error).collect())
    }
}

/// The parameters shifted to a mean attack of exactly one, which changes no mean of any match.
fn anchored(parameters: &[f64], layout: Layout) -> Vec<f64> {
    let mut parameters = parameters.to_vec();
    let attacks: f64 = (0..layout.teams).map(|team| parameters[layout.attack(team)]).sum();
    let shift = 1.0 - attacks / layout.teams as f64;
    for team in 0..layout.teams {
        parameters[layout.attack(team)] += shift;
        parameters[layout.defence(team)] -= shift;
    }
    parameters
}

fn penalty(prior: &Prior, teams: &[String]) -> Penalty {
    let offsets: Vec<_> =
        teams.iter().map(|team| prior.expected.get(team).copied().unwrap_or_default()).collect();
    let precision = |sd: f64| 1.0 / (sd * sd);
    Penalty {
        precision: [precision(prior.attack_sd), precision(prior.defence_sd)],
        expected: [
            offsets.iter().map(|offset| offset.attack).collect(),
            offsets.iter().map(|offset| offset.defence).collect(),
        ],
    }
}

/// Home advantage, attacks and defences from goals per match, each team helped by one match of
/// average goals.
fn cold_start(tally: &Tally) -> Vec<f64> {
    let layout = Layout { teams: tally.teams, shapes: 0 };
    let mut goals = vec![0.0; layout.size()];
    let mut weights = vec![0.0; tally.teams];
    let (mut home_goals, mut away_goals) = (0.0, 0.0);
    for pairing in &tally.pairings {
        home_goals += pairing.home_goals;
        away_goals += pairing.away_goals;
        for (team, scored, conceded) in [
            (pairing.home, pairing.home_goals, pairing.away_goals),
            (pairing.away, pairing.away_goals, pairing.home_goals),
        ] {
            goals[layout.attack(team)] += scored;
            goals[layout.defence(team)] += conceded;
            weights[team] += pairing.weight;
        }
    }
    let average = 0.5 * (home_goals + away_goals) / tally.weight;
    let mut start: Vec<f64> = Vec::with_capacity(layout.size());
    let all_neutral = tally.pairings.iter().all(|pairing| pairing.neutral);
    let advantage = if all_neutral { 0.0 } else { libm::log(home_goals / away_goals) };
    start.push(advantage.clamp(-1.0, 1.0));
    for (first, centre) in
        [(layout.attack(0), 1.0), (layout.defence(0), libm::log(average) - 0.5 * start[0] - 1.0)]
    {
        let ratio = |team: usize| (goals[first + team] / average + 1.0) / (weights[team] + 1.0);
        let logs: Vec<f64> = (0..tally.teams).map(|team| libm::log(ratio(team))).collect();
        let mean = logs.iter().sum::<f64>() / tally.teams as f64;
        start.extend(logs.iter().map(|log| log - mean + centre));
    }
    start
}

/// The strengths of an earlier fit; a team that it does not know starts as its newcomer, or else
/// in the middle.
fn warm_start(earlier: &Fit, teams: &[String]) -> Vec<f64> {
    let middle = TeamStrength {
        attack: 1.0,
        defence: earlier.intercept - 1.0,
        attack_se: None,
        defence_se: None,
    };
    let newcomer = earlier.newcomer.unwrap_or(middle);
    let strengths: Vec<&TeamStrength> =
        teams.iter().map(|team| earlier.teams.get(team).unwrap_or(&newcomer)).collect();
    let attacks = strengths.iter().map(|strength| strength.attack);
    let defences = strengths.iter().map(|strength| strength.defence);
    std::iter::once(earlier.home_advantage).chain(attacks).chain(defences).collect()
}
