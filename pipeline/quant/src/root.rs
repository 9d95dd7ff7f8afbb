//! The root of a falling function in one variable, inside a bracket that always holds it.

/// Steps that a search may take; bisection alone needs about 64 for the last bit of an interval.
const STEPS_MAX: u32 = 200;

/// A Newton step this short, by the root's own size, is the last.
const LAST_STEP: f64 = 1e-9;

/// Where `f`, falling on `low..high`, passes zero: Newton's steps while they stay inside the
/// bracket, halves of it where they do not. `None` when no root lies inside or the steps run out.
///
/// `f` gives value and slope; `start` is the first point, put inside the bracket if it is not.
pub(crate) fn falling(
    mut low: f64,
    mut high: f64,
    start: f64,
    mut f: impl FnMut(f64) -> (f64, f64),
) -> Option<f64> {
    let mut x = if low < start && start < high { start } else { low + (high - low) / 2.0 };
    let mut step_before = high - low;
    let width = high - low;
    for _ in 0..STEPS_MAX {
        let (value, slope) = f(x);
        if value.is_nan() {
            return None;
        }
        if value > 0.0 {
            low = x;
        } else if value < 0.0 {
            high = x;
        } else {
            return Some(x);
        }
        let newton = x - value / slope;
        let inside = low < newton && newton < high;
        // A step that does not shrink is a sign that the slope misleads: halve instead.
        let next = if inside && (newton - x).abs() <= step_before.abs() {
            newton
        } else {
            low + (high - low) / 2.0
        };
        let step = next - x;
        // Newton squares what is missing: after a step this short nothing is.
        let last = next == newton && step.abs() <= LAST_STEP * next.abs();
        if last || step.abs() <= f64::EPSILON * x.abs() || next == low || next == high {
            return Some(next);
        }
        step_before = step;
        x = next;
    }
    // A root at zero has no size of its own, by which a step could be short.
    (high - low <= f64::EPSILON * width).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_found_where_newton_alone_would_leave_the_bracket() {
        let f = |x: f64| (-libm::atan(x - 3.0), -1.0 / (1.0 + (x - 3.0) * (x - 3.0)));
        let root = falling(-1e6, 1e6, 50.0, f).unwrap();
        assert!((root - 3.0).abs() < 1e-12, "{root}");
    }

    #[test]
    fn a_root_at_zero_is_found_where_the_function_is_no_finer_than_rounding() {
        let f = |x: f64| (0.5 + 1e-17 - (0.5 + x * 1e-17), -1e-17);
        let root = falling(-40.0, 40.0, 3.0, f).unwrap();
        assert!(root.abs() < 40.0, "{root}");
        let steps = |x: f64| (if x < 0.0 { 1.0 } else { -1.0 }, -1e-300);
        assert!(falling(-40.0, 40.0, 3.0, steps).unwrap().abs() < 1e-20);
    }

    #[test]
    fn a_function_that_is_no_number_has_no_root() {
        assert_eq!(falling(0.0, 1.0, 0.5, |_| (f64::NAN, -1.0)), None);
    }

    #[test]
    fn a_function_that_does_not_pass_zero_ends_at_the_end_of_the_bracket() {
        let root = falling(0.0, 1.0, 0.5, |x| (2.0 - x, -1.0)).unwrap();
        assert!((root - 1.0).abs() < 1e-12, "{root}");
    }
}
