//! The maximum of a concave log-likelihood in a few unknowns.

use crate::goals::cholesky::{Factor, Square};

/// A log-likelihood at one point.
pub(crate) struct Local {
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
    /// The lower triangle of the negative Hessian.
    pub(crate) bend: Square,
}

impl Local {
    pub(crate) fn zero(unknowns: usize) -> Self {
        Self { value: 0.0, gradient: vec![0.0; unknowns], bend: Square::zero(unknowns) }
    }
}

/// Newton's steps, each halved until the likelihood rises; the last, shorter than rounding can
/// judge, is taken whole. `None` when no point is best: the matrix is singular, an unknown runs
/// away, or every outcome becomes certain.
pub(crate) fn maximise(start: Vec<f64>, at: impl Fn(&[f64]) -> Local) -> Option<(Vec<f64>, Local)> {
    const STEPS_MAX: u32 = 100;
    const HALVINGS_MAX: u32 = 40;
    /// An unknown beyond this is on its way to infinity.
    const UNKNOWN_MAX: f64 = 1e4;
    /// Twice the rise that a last step still promises; Newton's step squares what is missing.
    const PROMISE_MAX: f64 = 1e-9;
    /// A likelihood this near to one holds every outcome certain.
    const CERTAIN: f64 = -1e-6;
    let mut point = start;
    let mut here = at(&point);
    for _ in 0..STEPS_MAX {
        let factor = Factor::of(&here.bend, 0.0)?;
        let mut step = here.gradient.clone();
        factor.solve(&mut step);
        let promise: f64 = step.iter().zip(&here.gradient).map(|(step, slope)| step * slope).sum();
        let mut length = 1.0;
        for _ in 0..HALVINGS_MAX {
            let moved: Vec<f64> =
                point.iter().zip(&step).map(|(x, step)| x + length * step).collect();
            let there = at(&moved);
            if there.value >= here.value || promise <= PROMISE_MAX {
                (point, here) = (moved, there);
                break;
            }
            length /= 2.0;
        }
        if here.value > CERTAIN || point.iter().any(|x| x.is_nan() || x.abs() > UNKNOWN_MAX) {
            return None;
        }
        if promise <= PROMISE_MAX {
            return Some((point, here));
        }
    }
    None
}
