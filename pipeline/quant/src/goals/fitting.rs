//! From matches to a [`Fit`].

use std::collections::BTreeMap;

use super::cholesky::Factor;
use super::laws::{
    BivariatePoisson, ByScore, ConwayMaxwellPoisson, DixonColes, Hurdle, Law, NegativeBinomial,
    Poisson, WeibullCopula, ZeroInflated,
};
use super::newton::{Ascent, Stuck, ascend};
use super::objective::{Curvature, Layout, Objective, Penalty};
use super::tally::Tally;
use super::{
    CovariateEffect, Estimate, Fit, FitError, FitOptions, Model, Prior, TeamStrength, TrainingSet,
    identify,
};

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
    let counted = || set.matches().iter().map(|played| played.day).filter(|d| options.counts(*d));
    let last_day = counted().fold(f64::NEG_INFINITY, f64::max);
    options.check(last_day)?;
    let matches = counted().count();
    let tally = Tally::of(set, options, last_day);
    if tally.weight <= 0.0 {
        return Err(FitError::NoWeight { matches, xi: options.xi });
    }
    identify::check_level(&tally, matches)?;
    let teams: Vec<&str> = tally.teams.iter().map(|id| set.teams()[id.index()].as_str()).collect();
    if options.prior.is_none() {
        identify::check(&teams, &tally)?;
    }
    let task = Task { model, set, teams: &teams, last_day, options, tally: &tally, start };
    match task.run_model() {
        // The laws' edges move with the rates: shapes that were fine for the earlier matches can be
        // beyond them now.
        Err(FitError::NoStart { .. }) if start.is_some() => {
            Task { start: None, ..task }.run_model()
        }
        fitted => fitted,
    }
}

struct Task<'a> {
    model: Model,
    set: &'a TrainingSet,
    /// Names of the teams with a match that counts.
    teams: &'a [&'a str],
    last_day: f64,
    options: &'a FitOptions,
    tally: &'a Tally,
    start: Option<&'a Fit>,
}

/// Newton steps with the Poisson law before another law begins: they bring the strengths near, and
/// show whether the data determine them.
const POISSON_STEPS: u32 = 2;

impl Task<'_> {
    fn run_model(&self) -> Result<Fit, FitError> {
        match self.model {
            Model::Poisson => self.run(Poisson),
            Model::DixonColes => self.run(DixonColes),
            Model::BivariatePoisson => self.run(ByScore::<_, 3>(BivariatePoisson)),
            Model::NegativeBinomial => self.run(ByScore::<_, 3>(NegativeBinomial)),
            Model::ZeroInflatedPoisson => self.run(ByScore::<_, 3>(ZeroInflated)),
            Model::HurdlePoisson => self.run(ByScore::<_, 3>(Hurdle)),
            Model::ConwayMaxwellPoisson => self.run(ByScore::<_, 3>(ConwayMaxwellPoisson)),
            Model::WeibullCopula => self.run(WeibullCopula),
        }
    }

    fn run<L: Law>(&self, law: L) -> Result<Fit, FitError> {
        let penalty = self.options.prior.as_ref().map(|prior| penalty(prior, self.teams));
        let mut start = match self.start {
            Some(earlier) => warm_start(earlier, self.teams, self.set),
            None => cold_start(self.set, self.tally),
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
        let shapes = L::SHAPES.iter();
        start.extend(
            shapes.map(|shape| earlier(&shape.name).map_or(shape.start, |known| known.value)),
        );
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
        let layout = Layout {
            teams: self.teams.len(),
            covariates: self.set.covariate_names().len(),
            shapes: L::SHAPES.len(),
        };
        let mut held = vec![false; layout.size()];
        held[Layout::HOME] = self.tally.pairings.iter().all(|pairing| pairing.neutral);
        let (set, tally) = (self.set, self.tally);
        let mut objective = Objective { set, tally, law, penalty, held, layout };
        match ascend(&mut objective, start, iterations_max) {
            Ok(ascent) => Ok((objective, ascent)),
            Err(Stuck::Start) => Err(FitError::NoStart { model: self.model }),
            Err(Stuck::Singular) => Err(FitError::NotDetermined {
                matches: self.tally.scores.len(),
                teams: self.teams.len(),
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
        let names = self.teams.iter().enumerate();
        let shapes: BTreeMap<String, Estimate> = L::SHAPES
            .iter()
            .enumerate()
            .map(|(place, shape)| (shape.name.to_owned(), layout.shape(place)))
            .map(|(name, index)| (name, Estimate { value: parameters[index], se: se(index) }))
            .collect();
        let covariates = self.set.covariate_names().iter().enumerate();
        let covariates = covariates
            .map(|(place, name)| (name.clone(), layout.covariate(place)))
            .map(|(name, index)| CovariateEffect { name, value: parameters[index], se: se(index) });
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
            rue_salvesen: self.options.rue_salvesen,
            covariates: covariates.collect(),
            teams: names.map(|(team, name)| ((*name).to_owned(), strength(team))).collect(),
            newcomer,
            converged: ascent.converged,
            iterations: ascent.iterations,
            why: ascent.why,
            matches: self.tally.scores.len() as u64,
            weight: self.tally.weight,
            xi: self.options.xi,
            last_day: self.last_day,
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
        let Curvature::Dense(curvature) = &ascent.point.curvature else { return None };
        let variances = Factor::of(curvature, 0.0)?.inverse_diagonal();
        // The term that fixes the mean attack lends the shift of all attacks against all defences
        // a variance of its own, which under the constraint is none.
        let teams = layout.teams as f64;
        let of_the_shift = 1.0 / (objective.anchor() * teams * teams);
        let error = |(index, variance): (usize, f64)| {
            let strength = (layout.attack(0)..layout.covariate(0)).contains(&index);
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

fn penalty(prior: &Prior, teams: &[&str]) -> Penalty {
    let offsets: Vec<_> =
        teams.iter().map(|team| prior.expected.get(*team).copied().unwrap_or_default()).collect();
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
/// average goals; covariates without effect.
fn cold_start(set: &TrainingSet, tally: &Tally) -> Vec<f64> {
    let layout = Layout { teams: tally.teams.len(), covariates: 0, shapes: 0 };
    let mut goals = vec![0.0; layout.size()];
    let mut weights = vec![0.0; layout.teams];
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
        let logs: Vec<f64> = (0..layout.teams).map(|team| libm::log(ratio(team))).collect();
        let mean = logs.iter().sum::<f64>() / layout.teams as f64;
        start.extend(logs.iter().map(|log| log - mean + centre));
    }
    start.extend(set.covariate_names().iter().map(|_| 0.0));
    start
}

/// The strengths of an earlier fit; a team that it does not know starts as its newcomer, or else
/// in the middle.
fn warm_start(earlier: &Fit, teams: &[&str], set: &TrainingSet) -> Vec<f64> {
    let middle = TeamStrength {
        attack: 1.0,
        defence: earlier.intercept - 1.0,
        attack_se: None,
        defence_se: None,
    };
    let newcomer = earlier.newcomer.unwrap_or(middle);
    let strengths: Vec<&TeamStrength> =
        teams.iter().map(|team| earlier.teams.get(*team).unwrap_or(&newcomer)).collect();
    let attacks = strengths.iter().map(|strength| strength.attack);
    let defences = strengths.iter().map(|strength| strength.defence);
    let effect = |name: &String| {
        earlier.covariates.iter().find(|known| known.name == *name).map_or(0.0, |e| e.value)
    };
    let covariates = set.covariate_names().iter().map(effect);
    std::iter::once(earlier.home_advantage)
        .chain(attacks)
        .chain(defences)
        .chain(covariates)
        .collect()
}
