//! Newton's method on the penalised log-likelihood.

use super::cholesky::{Factor, Square};
use super::laws::{Law, Local};
use super::objective::{Curvature, Objective, Point};

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
/// How far shapes are taken back from the law's edge towards their start, each time it is met.
const RETREAT: f64 = 0.05;

/// Maximises from `start`.
///
/// Shapes stay within their ranges: one that stands at an end and is pulled beyond it is held
/// there for the step. Where the maximum lies on the edge of where the law is one, the shapes are
/// taken a little back from it and held, so that the strengths have room to find their own.
pub(super) fn ascend<L: Law>(
    objective: &mut Objective<'_, L>,
    start: &[f64],
    iterations_max: u32,
) -> Result<Ascent, Stuck> {
    let size = objective.layout.size();
    let always_held = objective.held.clone();
    let mut here = Point::new(size);
    let mut there = Point::new(size);
    if !objective.evaluate(start, &mut here) {
        return Err(Stuck::Start);
    }
    let weight = 1.0 + objective.tally.weight;
    let (mut edge_steps, mut on_edge) = (0, false);
    for iteration in 1..=iterations_max {
        if edge_steps >= EDGE_STEPS_MAX {
            (edge_steps, on_edge) = (0, true);
            retreat(objective, &mut here);
        }
        hold_shapes(objective, &always_held, &mut here, on_edge);
        let step = direction(objective, &here, iteration == 1)?;
        let gain = 0.5 * step.iter().zip(&here.gradient).map(|(s, g)| s * g).sum::<f64>();
        let end = |point: Point, converged: bool, why: String| {
            Ok(Ascent { point, iterations: iteration, converged, why })
        };
        match search(objective, &here, &step, gain, &mut there) {
            Found::Point { cut } => {
                std::mem::swap(&mut here, &mut there);
                edge_steps = if cut { edge_steps + 1 } else { 0 };
            }
            Found::Nothing { cut: true } if !L::SHAPES.is_empty() => edge_steps = EDGE_STEPS_MAX,
            Found::Nothing { .. } => {
                // No step along an ascent direction gains anything that the sums can show.
                let converged = gain < 1e-6 * weight;
                return end(here, converged, format!("no step gains, with {gain:.1e} expected"));
            }
        }
        if gain <= GAIN_MIN * weight {
            return end(here, true, ending(objective, &always_held));
        }
        if here.parameters.iter().any(|p| p.abs() > PARAMETER_MAX) {
            let why = "a parameter runs away: the likelihood has no maximum".to_owned();
            return end(here, false, why);
        }
    }
    let why = format!("{iterations_max} iterations did not suffice");
    Ok(Ascent { point: here, iterations: iterations_max, converged: false, why })
}

/// Takes the shapes a little back towards their start, where the law is one.
fn retreat<L: Law>(objective: &Objective<'_, L>, here: &mut Point) {
    let mut parameters = here.parameters.clone();
    for (index, value) in parameters.iter_mut().enumerate() {
        if let Some(shape) = objective.shape_at(index) {
            *value += RETREAT * (shape.start - *value);
        }
    }
    objective.evaluate(&parameters, here);
}

/// What a fit that converged says, naming the shapes that ended at the end of their range.
fn ending<L: Law>(objective: &Objective<'_, L>, always_held: &[bool]) -> String {
    let at_end: Vec<&str> = (0..objective.layout.size())
        .filter(|&index| objective.held[index] && !always_held[index])
        .filter_map(|index| objective.shape_at(index).map(|shape| shape.name))
        .collect();
    if at_end.is_empty() {
        return "the gradient vanishes".to_owned();
    }
    format!("the gradient vanishes, with {} at the end of its range", at_end.join(" and "))
}

/// Holds the shapes that are pulled beyond their range, or all of them when the maximum lies on
/// the edge of where the law is one; frees the others.
fn hold_shapes<L: Law>(
    objective: &mut Objective<'_, L>,
    always_held: &[bool],
    here: &mut Point,
    on_edge: bool,
) {
    let mut changed = false;
    for (index, always) in always_held.iter().enumerate() {
        let Some(shape) = objective.shape_at(index) else { continue };
        let place = index - objective.layout.shape(0);
        let (value, pull) = (here.parameters[index], here.shape_slopes[place]);
        let beyond = (value <= shape.low && pull <= 0.0) || (value >= shape.high && pull >= 0.0);
        let held = *always || on_edge || beyond;
        changed |= held != objective.held[index];
        objective.held[index] = held;
    }
    if changed {
        let parameters = here.parameters.clone();
        objective.evaluate(&parameters, here);
    }
}

/// The Newton step: the gradient times the inverse of the curvature.
fn direction<L: Law>(
    objective: &Objective<'_, L>,
    here: &Point,
    first: bool,
) -> Result<Vec<f64>, Stuck> {
    match &here.curvature {
        Curvature::Dense(square) => {
            let factor = match Factor::of(square, 0.0) {
                Some(factor) => factor,
                None if L::CONCAVE && first => return Err(Stuck::Singular),
                None => damped(square).ok_or(Stuck::Singular)?,
            };
            let mut step = here.gradient.clone();
            factor.solve(&mut step);
            Ok(step)
        }
        Curvature::Sparse(locals) => Ok(conjugate_gradients(objective, locals, &here.gradient)),
    }
}

/// Factors the curvature, with as much damping as makes it positive definite.
fn damped(curvature: &Square) -> Option<Factor> {
    (-3..=6).find_map(|exponent| Factor::of(curvature, libm::pow(10.0, f64::from(exponent))))
}

/// What a search along a step found, and whether the law's edge cut the step short.
enum Found {
    Point { cut: bool },
    Nothing { cut: bool },
}

/// Finds a point along `step` that gains.
fn search<L: Law>(
    objective: &Objective<'_, L>,
    here: &Point,
    step: &[f64],
    gain: f64,
    there: &mut Point,
) -> Found {
    let mut length = 1.0;
    let mut cut = false;
    for _ in 0..HALVINGS_MAX {
        let trial: Vec<f64> = here
            .parameters
            .iter()
            .zip(step)
            .enumerate()
            .map(|(index, (p, s))| {
                let free = p + length * s;
                objective.shape_at(index).map_or(free, |shape| free.clamp(shape.low, shape.high))
            })
            .collect();
        if !objective.evaluate(&trial, there) {
            cut = true;
        } else if there.value >= here.value + 1e-4 * length * gain
            || (gain < 1e-9 && there.value >= here.value - 1e-9 * here.value.abs())
        {
            return Found::Point { cut };
        }
        length *= 0.5;
    }
    Found::Nothing { cut }
}

const CONJUGATE_STEPS_MAX: u32 = 2000;
/// The residual, as a part of the gradient, at which the step is good enough.
const RESIDUAL_MIN: f64 = 1e-9;

/// The Newton step where the curvature is not written out: conjugate gradients preconditioned by
/// its diagonal (Nocedal and Wright, 2006, algorithm 7.1), ending early where it curves upwards.
fn conjugate_gradients<L: Law>(
    objective: &Objective<'_, L>,
    locals: &[Local],
    gradient: &[f64],
) -> Vec<f64> {
    let size = gradient.len();
    let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let mut diagonal = vec![0.0; size];
    objective.multiply(locals, gradient, Some(&mut diagonal));
    let precondition = |residual: &[f64]| -> Vec<f64> {
        residual.iter().zip(&diagonal).map(|(r, d)| if *d > 0.0 { r / d } else { *r }).collect()
    };
    let mut step = vec![0.0; size];
    let mut residual = gradient.to_vec();
    let mut conditioned = precondition(&residual);
    let mut search = conditioned.clone();
    let mut energy = inner(&residual, &conditioned);
    let enough = energy * RESIDUAL_MIN * RESIDUAL_MIN;
    for taken in 0..CONJUGATE_STEPS_MAX {
        let bent = objective.multiply(locals, &search, None);
        let curvature = inner(&search, &bent);
        if curvature.is_nan() || curvature <= 0.0 {
            return if taken == 0 { conditioned } else { step };
        }
        let length = energy / curvature;
        for index in 0..size {
            step[index] += length * search[index];
            residual[index] -= length * bent[index];
        }
        conditioned = precondition(&residual);
        let next = inner(&residual, &conditioned);
        if next <= enough {
            break;
        }
        let turn = next / energy;
        energy = next;
        for (along, fresh) in search.iter_mut().zip(&conditioned) {
            *along = fresh + turn * *along;
        }
    }
    step
}
