//! The joint probabilities of both sides' goals, from which every market is priced.
//!
//! A matrix knows no odds and no model: whoever makes it says what it stands for, the whole
//! match or a half, goals still to come or the final score.

mod halves;
mod make;
mod outcomes;
mod poisson;
mod tilt;

pub use halves::Halves;
pub(crate) use make::convolve;
pub(crate) use outcomes::Threshold;
pub use outcomes::UnpricedMarket;
pub(crate) use poisson::Goals;
pub use tilt::TiltError;

/// Joint probabilities of home and away goals on a square grid from 0–0 up.
///
/// They add up to one: what lies beyond the grid is spread over it in proportion, and
/// [`ScoreMatrix::tail`] says how much that was.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreMatrix {
    /// Goals per side from 0 up to one below this.
    side: usize,
    /// The probability that the constructor left beyond the grid.
    tail: f64,
    /// The cells (`home * side + away`), then the laws that most markets are settled on: leads
    /// from `1 - side` up, totals, home goals and away goals from 0 up.
    numbers: Vec<f64>,
}

/// Why a score matrix could not be made.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum MatrixError {
    /// A mean is not a number of goals.
    #[error(
        "the expected goals of the {side} side must lie in 0..={max}, got {value}",
        max = ScoreMatrix::MEAN_MAX
    )]
    Mean {
        /// `home` or `away`.
        side: &'static str,
        /// What it was.
        value: f64,
    },
    /// Dixon and Coles' correction makes a score impossible or worse.
    #[error(
        "rho must lie between {low} and {high}, ends excluded, for expected goals of {lambda} and {mu}, got {rho}"
    )]
    Rho {
        /// What it was.
        rho: f64,
        /// Expected goals of the home side.
        lambda: f64,
        /// Expected goals of the away side.
        mu: f64,
        /// At or below this, one nil has no positive probability.
        low: f64,
        /// At or above this, a draw has no positive probability.
        high: f64,
    },
    /// A cell is no probability.
    #[error("the probability of {home}-{away} must be finite and not negative, got {value}")]
    Cell {
        /// Home goals.
        home: usize,
        /// Away goals.
        away: usize,
        /// What it was.
        value: f64,
    },
    /// The grid is not a distribution.
    #[error("the probabilities of the scores must add up to 1 within 0.01, got {0}")]
    Mass(f64),
    /// The share of goals of the first half is none.
    #[error("the share of goals that fall in the first half must lie in 0..=1, got {0}")]
    Share(f64),
    /// The grid has no cells, too many, or rows of different lengths.
    #[error(
        "a grid of scores has 1 to {max} rows of one length of 1 to {max}, got {rows} rows, one of them of {columns}",
        max = ScoreMatrix::GOALS_MAX as usize + 1
    )]
    Shape {
        /// Number of rows.
        rows: usize,
        /// Length of the row at fault.
        columns: usize,
    },
}

impl ScoreMatrix {
    /// The greatest number of goals of one side on any grid.
    pub const GOALS_MAX: u8 = 127;
    /// The greatest expected number of goals of one side.
    pub const MEAN_MAX: f64 = 50.0;

    /// The probability of a score; zero beyond the grid.
    #[must_use]
    pub fn get(&self, home: u8, away: u8) -> f64 {
        let (home, away) = (usize::from(home), usize::from(away));
        if home < self.side && away < self.side {
            self.numbers[home * self.side + away]
        } else {
            0.0
        }
    }

    /// The greatest number of goals of a side on the grid.
    #[must_use]
    pub fn goals_max(&self) -> u8 {
        u8::try_from(self.side - 1).expect("a grid has at most GOALS_MAX goals a side")
    }

    /// The probability that lay beyond the grid before it was spread over it.
    #[must_use]
    pub fn tail(&self) -> f64 {
        self.tail
    }

    /// Each score as (home, away, probability), away goals running fastest.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u8, f64)> {
        let goals = 0..=self.goals_max();
        let scores =
            goals.clone().flat_map(move |home| goals.clone().map(move |away| (home, away)));
        scores.zip(self.cells()).map(|((home, away), probability)| (home, away, *probability))
    }

    fn cells(&self) -> &[f64] {
        &self.numbers[..self.side * self.side]
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.cells().chunks_exact(self.side)
    }

    /// The probabilities of every lead of the home side, from minus [`ScoreMatrix::goals_max`] up.
    #[must_use]
    pub fn leads(&self) -> &[f64] {
        let start = self.side * self.side;
        &self.numbers[start..start + 2 * self.side - 1]
    }

    /// The probabilities of 0, 1, 2 … goals of both sides together.
    #[must_use]
    pub fn total_goals(&self) -> &[f64] {
        let start = self.side * (self.side + 2) - 1;
        &self.numbers[start..start + 2 * self.side - 1]
    }

    /// The probabilities of 0, 1, 2 … goals of the home side.
    #[must_use]
    pub fn home_goals(&self) -> &[f64] {
        let start = self.side * (self.side + 4) - 2;
        &self.numbers[start..start + self.side]
    }

    /// The probabilities of 0, 1, 2 … goals of the away side.
    #[must_use]
    pub fn away_goals(&self) -> &[f64] {
        let start = self.side * (self.side + 5) - 2;
        &self.numbers[start..start + self.side]
    }

    /// The probability that home goals minus away goals are `lead`.
    #[must_use]
    pub fn lead(&self, lead: i32) -> f64 {
        let level = i32::from(self.goals_max());
        let at = usize::try_from(lead.saturating_add(level)).ok();
        at.and_then(|at| self.leads().get(at)).copied().unwrap_or(0.0)
    }

    /// The probabilities of home win, draw and away win.
    #[must_use]
    pub fn match_odds(&self) -> [f64; 3] {
        let (below, level) = self.leads().split_at(self.side - 1);
        [outcomes::sum(&level[1..]), level[0], outcomes::sum(below)]
    }

    /// The expected goals of the home and the away side.
    #[must_use]
    pub fn means(&self) -> (f64, f64) {
        let mean = |goals: &[f64]| goals.iter().zip(0u8..).map(|(p, n)| p * f64::from(n)).sum();
        (mean(self.home_goals()), mean(self.away_goals()))
    }
}

/// The open interval of `rho` in which every `τ` of Dixon and Coles' correction is positive for
/// the means `lambda` and `mu`: `max(−1/λ, −1/μ) < ρ < min(1/(λμ), 1)` (Dixon and Coles 1997,
/// section 4.1).
#[must_use]
pub fn rho_bounds(lambda: f64, mu: f64) -> (f64, f64) {
    // A mean of zero bounds nothing: its reciprocal is infinite.
    let low = (-1.0 / lambda).max(-1.0 / mu);
    let high = (1.0 / (lambda * mu)).min(1.0);
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(lambda: f64, mu: f64, rho: f64) -> ScoreMatrix {
        ScoreMatrix::dixon_coles(lambda, mu, rho).unwrap()
    }

    #[test]
    fn dixon_coles_gives_the_published_probabilities_of_goalmodel() {
        let matrix = grid(2.117914, 1.025718, -0.1335741);
        for (p, published) in matrix.match_odds().iter().zip([0.6114897, 0.2268230, 0.1616873]) {
            assert!((p - published).abs() < 1e-6, "{p} is not {published}");
        }
    }

    #[test]
    fn the_correction_moves_no_goal_expectation_and_the_grid_loses_nothing() {
        for (lambda, mu, rho) in [(1.5, 1.1, -0.13), (0.2, 4.8, 0.1), (50.0, 0.0, 0.0)] {
            let matrix = grid(lambda, mu, rho);
            let (home, away) = matrix.means();
            assert!((home - lambda).abs() < 1e-8 && (away - mu).abs() < 1e-8, "{home} {away}");
            assert!(matrix.tail() < 1e-9, "{}", matrix.tail());
            let sum: f64 = matrix.iter().map(|(_, _, p)| p).sum();
            assert!((sum - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn the_sums_are_those_of_the_cells() {
        let matrix = grid(1.4, 1.2, -0.1);
        for lead in -30..=30 {
            let cells = matrix.iter().filter(|(h, a, _)| i32::from(*h) - i32::from(*a) == lead);
            let sum: f64 = cells.map(|(_, _, p)| p).sum();
            assert!((matrix.lead(lead) - sum).abs() < 1e-15, "lead {lead}");
        }
        for (total, p) in matrix.total_goals().iter().enumerate() {
            let cells = matrix.iter().filter(|(h, a, _)| usize::from(h + a) == total);
            let sum: f64 = cells.map(|(_, _, p)| p).sum();
            assert!((p - sum).abs() < 1e-15, "total {total}");
        }
        let three: usize = 3;
        let home: f64 = (0..=matrix.goals_max()).map(|away| matrix.get(3, away)).sum();
        let away: f64 = (0..=matrix.goals_max()).map(|home| matrix.get(home, 3)).sum();
        assert!((matrix.home_goals()[three] - home).abs() < 1e-15);
        assert!((matrix.away_goals()[three] - away).abs() < 1e-15);
        assert_eq!(matrix.lead(i32::MAX), 0.0);
        assert_eq!(matrix.lead(i32::MIN), 0.0);
    }

    #[test]
    fn a_rho_that_leaves_a_score_without_probability_is_refused() {
        // The case printed with a negative probability elsewhere: large means, positive rho.
        let refused = ScoreMatrix::dixon_coles(2.5, 2.0, 0.25).unwrap_err();
        assert!(matches!(refused, MatrixError::Rho { high, .. } if (high - 0.2).abs() < 1e-15));
        for rho in [-0.4, 0.2, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(ScoreMatrix::dixon_coles(2.5, 2.0, rho).is_err(), "rho {rho} was taken");
        }
        let (low, high) = rho_bounds(2.5, 2.0);
        for inside in [low + 1e-12, high - 1e-12] {
            assert!(grid(2.5, 2.0, inside).iter().all(|(_, _, p)| p >= 0.0));
        }
    }

    #[test]
    fn means_that_are_no_number_of_goals_are_refused() {
        for wrong in [-0.1, 50.1, f64::NAN, f64::INFINITY] {
            assert!(ScoreMatrix::independent(wrong, 1.0).is_err(), "{wrong} was taken");
            assert!(ScoreMatrix::independent(1.0, wrong).is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn a_grid_of_another_shape_or_mass_is_refused_and_a_long_one_is_padded() {
        let matrix = ScoreMatrix::from_grid(&[vec![0.2, 0.3, 0.1], vec![0.1, 0.2, 0.1]]).unwrap();
        assert!((matrix.get(1, 2) - 0.1).abs() < 1e-15);
        assert_eq!((matrix.get(2, 0), matrix.get(9, 9)), (0.0, 0.0));
        let none: &[Vec<f64>] = &[];
        assert!(matches!(ScoreMatrix::from_grid(none), Err(MatrixError::Shape { .. })));
        let ragged = ScoreMatrix::from_grid(&[vec![0.5], vec![0.2, 0.3]]);
        assert_eq!(ragged, Err(MatrixError::Shape { rows: 2, columns: 2 }));
        assert_eq!(ScoreMatrix::from_grid(&[[0.5]]), Err(MatrixError::Mass(0.5)));
        let negative = ScoreMatrix::from_grid(&[[0.5, -0.1], [0.5, 0.1]]);
        assert_eq!(negative, Err(MatrixError::Cell { home: 0, away: 1, value: -0.1 }));
        assert!(ScoreMatrix::from_fn(1, |_, _| f64::NAN).is_err());
        assert!(ScoreMatrix::from_fn(255, |_, _| 0.0).is_err());
    }

    #[test]
    fn a_shifted_matrix_is_the_final_score_of_a_match_under_way() {
        let matrix = grid(0.4, 0.3, 0.0).shifted(2, 1).unwrap();
        assert_eq!(matrix.get(2, 1), grid(0.4, 0.3, 0.0).get(0, 0));
        assert_eq!(matrix.get(1, 1), 0.0);
        assert!((matrix.means().0 - 2.4).abs() < 1e-9 && (matrix.means().1 - 1.3).abs() < 1e-9);
        assert!(matrix.shifted(120, 0).is_err());
    }
}
