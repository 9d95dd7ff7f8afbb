//! Newton's method on the penalised log-likelihood.

use super::cholesky::{Factor, Square};
use super::law::{LOCAL_MAX, Law, Local, Rates};
use super::tally::{Pairing, Tally};

/// Where each parameter stands: home advantage, attacks, defences, shapes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) teams: usize,
    pub(super) shapes: usize,
}

impl Layout {
    pub(super) const HOME: usize = 0;

    pub(super) fn attack(self, team: usize) -> usize {
        1 + team
    }

    pub(super) fn defence(self, team: usize) -> usize {
        1 + self.teams + team
    }

    pub(super) fn shape(self, shape: usize) -> usize {
        1 + 2 * self.teams + shape
    }

    pub(super) fn size(self) -> usize {
        1 + 2 * self.teams + self.shapes
    }
}

/// The hierarchical prior as the optimiser sees it.
#[derive(Debug, Clone)]
pub(super) struct Penalty {
    /// `1 / σ²` of attacks and of defences.
    pub(super) precision: [f64; 2],
    /// Expected offsets of attacks and of defences, by team.
    pub(super) expected: [Vec<f64>; 2],
}

/// The function that is maximised.
pub(super) struct Objective<'a, L> {
    pub(super) tally: &'a Tally,
    pub(super) law: L,
    pub(super) penalty: Option<&'a Penalty>,
    /// Parameters that stay where they are.
    pub(super) held: Vec<bool>,
    pub(super) layout: Layout,
}

/// Value and derivatives at a point.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) parameters: Vec<f64>,
    /// The log-likelihood less its constant.
    pub(super) log_likelihood: f64,
    /// What is maximised: the log-likelihood less the penalties.
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
    /// The negative second derivatives, lower triangle.
    pub(super) curvature: Square,
}

impl<L: Law> Objective<'_, L> {
    /// Weight of the term that fixes the mean attack at one: that of the data per team, so that
    /// the curvature stays well scaled.
    pub(super) fn anchor(&self) -> f64 {
        let teams = self.tally.teams as f64;
        self.tally.weight / (teams * teams)
    }

    /// The point at `parameters`, computed into `point`'s storage; false where the law is no law.
    pub(super) fn evaluate(&self, parameters: &[f64], point: &mut Point) -> bool {
        point.parameters.copy_from_slice(parameters);
        point.gradient.fill(0.0);
        point.curvature.clear();
        let exps: Vec<f64> = parameters.iter().map(|&p| libm::exp(p)).collect();
        let shapes = &parameters[self.layout.shape(0)..];
        let mut log_likelihood = 0.0;
        for pairing in &self.tally.pairings {
            let rates = self.rates(pairing, parameters, &exps);
            let mut local = Local::default();
            match self.law.log_likelihood(pairing, &rates, shapes, &mut local) {
                Some(value) if value.is_finite() => log_likelihood += value,
                _ => return false,
            }
            self.scatter(pairing, &local, point);
        }
        point.log_likelihood = log_likelihood;
        point.value = log_likelihood - self.penalise(point);
        self.hold(point);
        point.value.is_finite()
    }

    fn rates(&self, pairing: &Pairing, parameters: &[f64], exps: &[f64]) -> Rates {
        let layout = self.layout;
        let (home_attack, away_defence) =
            (layout.attack(pairing.home), layout.defence(pairing.away));
        let (away_attack, home_defence) =
            (layout.attack(pairing.away), layout.defence(pairing.home));
        let mut rates = Rates {
            ln_lambda: parameters[home_attack] + parameters[away_defence],
            ln_mu: parameters[away_attack] + parameters[home_defence],
            lambda: exps[home_attack] * exps[away_defence],
            mu: exps[away_attack] * exps[home_defence],
        };
        if !pairing.neutral {
            rates.ln_lambda += parameters[Layout::HOME];
            rates.lambda *= exps[Layout::HOME];
        }
        rates
    }

    /// Carries a pairing's derivatives over to the parameters that its local variables sum.
    #[inline]
    fn scatter(&self, pairing: &Pairing, local: &Local, point: &mut Point) {
        let layout = self.layout;
        let ln_lambda = [layout.attack(pairing.home), layout.defence(pairing.away), Layout::HOME];
        let ln_lambda = if pairing.neutral { &ln_lambda[..2] } else { &ln_lambda[..] };
        let ln_mu = [layout.attack(pairing.away), layout.defence(pairing.home)];
        let shapes: [[usize; 1]; LOCAL_MAX - 2] = std::array::from_fn(|s| [layout.shape(s)]);
        let mut terms: [&[usize]; LOCAL_MAX] = [&[]; LOCAL_MAX];
        terms[0] = ln_lambda;
        terms[1] = &ln_mu;
        for (term, shape) in terms[2..].iter_mut().zip(&shapes).take(layout.shapes) {
            *term = shape;
        }
        let variables = 2 + layout.shapes;
        for u in 0..variables {
            for (place, &row) in terms[u].iter().enumerate() {
                point.gradient[row] += local.first[u];
                for &column in &terms[u][..=place] {
                    point.curvature.add(row, column, -local.second[u][u]);
                }
            }
            for v in 0..u {
                let second = local.second[u][v];
                if second == 0.0 {
                    continue;
                }
                for &row in terms[u] {
                    for &column in terms[v] {
                        point.curvature.add(row, column, -second);
                    }
                }
            }
        }
    }

    /// Adds the penalties' derivatives and returns their value.
    fn penalise(&self, point: &mut Point) -> f64 {
        let teams = self.layout.teams;
        let anchor = self.anchor();
        let attacks = 1..=teams;
        let excess: f64 = point.parameters[attacks.clone()].iter().sum::<f64>() - teams as f64;
        for row in attacks.clone() {
            point.gradient[row] -= anchor * excess;
            for column in 1..=row {
                point.curvature.add(row, column, anchor);
            }
        }
        let mut value = 0.5 * anchor * excess * excess;
        let Some(penalty) = self.penalty else { return value };
        for (kind, first) in [(0, 1), (1, 1 + teams)] {
            let (precision, expected) = (penalty.precision[kind], &penalty.expected[kind]);
            let mut away: Vec<f64> = point.parameters[first..first + teams]
                .iter()
                .zip(expected)
                .map(|(strength, offset)| strength - offset)
                .collect();
            let mean = away.iter().sum::<f64>() / teams as f64;
            away.iter_mut().for_each(|a| *a -= mean);
            for (row, strength) in away.iter().enumerate() {
                value += 0.5 * precision * strength * strength;
                point.gradient[first + row] -= precision * strength;
                for column in 0..=row {
                    let own = if row == column { 1.0 } else { 0.0 };
                    let centred = precision * (own - 1.0 / teams as f64);
                    point.curvature.add(first + row, first + column, centred);
                }
            }
        }
        value
    }

    /// Takes the parameters that are held out of the system.
    fn hold(&self, point: &mut Point) {
        let size = self.layout.size();
        for (held, _) in self.held.iter().enumerate().filter(|(_, held)| **held) {
            point.gradient[held] = 0.0;
            for other in 0..size {
                let (row, column) = (held.max(other), held.min(other));
                point.curvature.cells[row * size + column] = if row == column { 1.0 } else { 0.0 };
            }
        }
    }
}

impl Point {
    pub(super) fn new(size: usize) -> Self {
        Self {
            parameters: vec![0.0; size],
            log_likelihood: f64::NAN,
            value: f64::NEG_INFINITY,
            gradient: vec![0.0; size],
            curvature: Square::zero(size),
        }
    }
}

/// How a maximisation ended.
pub(super) struct Ascent {
    pub(super) point: Point,
    pub(super) iterations: u32,
    pub(super) converged: bool,
    pub(super) why: String,
}

/// Why a maximisation could not begin.
#[derive(Debug)]
pub(super) enum Stuck {
    /// The law is no law at the start.
    Start,
    /// The curvature is singular: the data do not determine the parameters.
    Singular,
}

/// A step whose expected gain, in log-likelihood, is below this part of the total weight is the
/// last one: it ends beyond the precision of the sums.
const GAIN_MIN: f64 = 1e-14;
/// A parameter this large, in log-goals, runs away to infinity.
const PARAMETER_MAX: f64 = 30.0;
const HALVINGS_MAX: u32 = 30;
/// So many steps in a row cut short by the law's edge mean that the maximum lies on it.
const EDGE_STEPS_MAX: u32 = 4;

/// Maximises from `start`.
pub(super) fn ascend<L: Law>(
    objective: &mut Objective<'_, L>,
    start: &[f64],
    iterations_max: u32,
) -> Result<Ascent, Stuck> {
    let size = objective.layout.size();
    let mut here = Point::new(size);
    let mut there = Point::new(size);
    if !objective.evaluate(start, &mut here) {
        return Err(Stuck::Start);
    }
    let enough = GAIN_MIN * (1.0 + objective.tally.weight);
    let mut edge_steps = 0;
    let mut at_edge = false;
    for iteration in 1..=iterations_max {
        let factor = match Factor::of(&here.curvature, 0.0) {
            Some(factor) => factor,
            None if L::CONCAVE && iteration == 1 => return Err(Stuck::Singular),
            None => damped(&here.curvature).ok_or(Stuck::Singular)?,
        };
        let mut step = here.gradient.clone();
        factor.solve(&mut step);
        let gain = 0.5 * step.iter().zip(&here.gradient).map(|(s, g)| s * g).sum::<f64>();
        let Some(cut) = search(objective, &here, &step, gain, &mut there) else {
            // No step along an ascent direction gains anything that the sums can show.
            let converged = gain < 1e-6 * (1.0 + objective.tally.weight);
            let why = format!("no step gains, with {gain:.1e} expected");
            return Ok(Ascent { point: here, iterations: iteration, converged, why });
        };
        std::mem::swap(&mut here, &mut there);
        if gain <= enough {
            let why = if at_edge {
                "the gradient vanishes, with the shape at the edge of its range".to_owned()
            } else {
                "the gradient vanishes".to_owned()
            };
            return Ok(Ascent { point: here, iterations: iteration, converged: true, why });
        }
        if here.parameters.iter().any(|p| p.abs() > PARAMETER_MAX) {
            let why = "a parameter runs away: the likelihood has no maximum".to_owned();
            return Ok(Ascent { point: here, iterations: iteration, converged: false, why });
        }
        edge_steps = if cut { edge_steps + 1 } else { 0 };
        if edge_steps >= EDGE_STEPS_MAX && !at_edge {
            at_edge = true;
            (0..objective.layout.shapes)
                .for_each(|s| objective.held[objective.layout.shape(s)] = true);
            let parameters = here.parameters.clone();
            objective.evaluate(&parameters, &mut here);
        }
    }
    let why = format!("{iterations_max} iterations did not suffice");
    Ok(Ascent { point: here, iterations: iterations_max, converged: false, why })
}

/// Factors the curvature, with as much damping as makes it positive definite.
fn damped(curvature: &Square) -> Option<Factor> {
    (-3..=6).find_map(|exponent| Factor::of(curvature, libm::pow(10.0, f64::from(exponent))))
}

/// Finds a point along `step` that gains, and says whether the law's edge cut the step short.
fn search<L: Law>(
    objective: &Objective<'_, L>,
    here: &Point,
    step: &[f64],
    gain: f64,
    there: &mut Point,
) -> Option<bool> {
    let mut length = 1.0;
    let mut cut = false;
    for _ in 0..HALVINGS_MAX {
        let trial: Vec<f64> =
            here.parameters.iter().zip(step).map(|(p, s)| p + length * s).collect();
        if !objective.evaluate(&trial, there) {
            cut = true;
        } else if there.value >= here.value + 1e-4 * length * gain
            || (gain < 1e-9 && there.value >= here.value - 1e-9 * here.value.abs())
        {
            return Some(cut);
        }
        length *= 0.5;
    }
    None
}
