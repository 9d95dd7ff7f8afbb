//! What the market's prices say of the goals it expects.
//!
//! Fair probabilities in, expected goals of a Dixon–Coles law out: the inverse of pricing. Every
//! price used here is a bet on the lead or on the total against a line, so that one set of
//! equations serves 1X2, Asian handicaps and totals, pushes included.

mod equations;

use equations::{Count, Equation, Free};

pub use crate::goals::Means;
use crate::matrix::ScoreMatrix;
use crate::value::Line;

/// Expected goals and the correction of low scores that prices imply.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Implied {
    /// Expected goals of the two sides.
    pub means: Means,
    /// Dixon and Coles' ρ.
    pub rho: f64,
}

/// Why no expected goals could be found.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ImpliedError {
    /// A probability is none, or leaves an outcome without any.
    #[error("a price's probability must lie inside 0..1, got {0}")]
    Probability(f64),
    /// The three results are no distribution.
    #[error("the probabilities of home, draw and away must add up to 1, got {0}; de-vig first")]
    Sum(f64),
    /// The correction is no number between −1 and 1.
    #[error("rho must lie inside -1..1, got {0}")]
    Rho(f64),
    /// No goals of the law have these prices.
    #[error(
        "no expected goals within {max} a side have these prices: {distance} apart at the nearest \
         that was found",
        max = ScoreMatrix::MEAN_MAX
    )]
    NoSolution {
        /// How far the nearest prices found are off, as a probability.
        distance: f64,
    },
}

/// The expected goals at which a Dixon–Coles law with this `rho` has these probabilities of home,
/// draw and away. They must add up to one within 10⁻⁶ and are scaled to do so.
///
/// # Errors
/// [`ImpliedError::Probability`] for one outside 0..1, [`ImpliedError::Sum`],
/// [`ImpliedError::Rho`]; [`ImpliedError::NoSolution`] when no goals have them, as for a draw
/// that is less likely than this `rho` allows.
pub fn implied_means(p1x2: [f64; 3], rho: f64) -> Result<Means, ImpliedError> {
    let [home, _, away] = checked_results(p1x2)?;
    let equations = [win(home), no_loss(1.0 - away)];
    let start = start([home, away], None, checked_rho(rho)?);
    Ok(equations::solve(&equations, Free::Means, start)?.means)
}

/// The expected goals at which a law with this `rho` has this price of an over, and of a home win
/// among the matches that are not drawn.
///
/// The draw's own price is left to `rho`; [`implied_means_and_rho`] finds the `rho` that has it.
/// `over` is the win probability of a bet over `line` as its fair price sees it (a push apart).
///
/// # Errors
/// As [`implied_means`].
pub fn implied_means_with_total(
    p1x2: [f64; 3],
    (line, over): (Line, f64),
    rho: f64,
) -> Result<Means, ImpliedError> {
    let [home, _, away] = checked_results(p1x2)?;
    let decided = Equation { count: Count::Lead, quarters: 0, wanted: home / (home + away) };
    let equations = [decided, total(line, checked(over)?)];
    let start = start([home, away], Some(line), checked_rho(rho)?);
    Ok(equations::solve(&equations, Free::Means, start)?.means)
}

/// The expected goals and the `rho` of the Dixon–Coles law that has these probabilities of home,
/// draw and away and this price of an over.
///
/// # Errors
/// As [`implied_means`]; [`ImpliedError::NoSolution`] also when it would take a `rho` that leaves
/// a score without probability.
pub fn implied_means_and_rho(
    p1x2: [f64; 3],
    (line, over): (Line, f64),
) -> Result<Implied, ImpliedError> {
    let [home, _, away] = checked_results(p1x2)?;
    let equations = [win(home), no_loss(1.0 - away), total(line, checked(over)?)];
    equations::solve(&equations, Free::MeansAndRho, start([home, away], Some(line), 0.0))
}

/// The expected goals at which a law with this `rho` has the prices of an Asian handicap and of a
/// total: `home` and `over` are the win probabilities of the home side on `handicap` and of an
/// over on `line` as their fair prices see them (pushes apart).
///
/// # Errors
/// As [`implied_means`].
pub fn implied_means_from_lines(
    (handicap, home): (Line, f64),
    (line, over): (Line, f64),
    rho: f64,
) -> Result<Means, ImpliedError> {
    let handicapped = Equation {
        count: Count::Lead,
        quarters: i32::from(handicap.quarters()),
        wanted: checked(home)?,
    };
    let equations = [handicapped, total(line, checked(over)?)];
    let sides = line.goals().max(0.5) / 2.0;
    let ahead = -handicap.goals() / 2.0;
    let (lambda, mu) = ((sides + ahead).max(0.2), (sides - ahead).max(0.2));
    let start = Implied { means: Means { lambda, mu }, rho: checked_rho(rho)? };
    Ok(equations::solve(&equations, Free::Means, start)?.means)
}

fn win(home: f64) -> Equation {
    Equation { count: Count::Lead, quarters: -2, wanted: home }
}

fn no_loss(home_or_draw: f64) -> Equation {
    Equation { count: Count::Lead, quarters: 2, wanted: home_or_draw }
}

fn total(line: Line, over: f64) -> Equation {
    Equation { count: Count::Total, quarters: -i32::from(line.quarters()), wanted: over }
}

/// A first guess: the goals of an ordinary match, more apart the likelier one side is.
fn start([home, away]: [f64; 2], line: Option<Line>, rho: f64) -> Implied {
    let sides = line.map_or(1.35, |line| (line.goals() / 2.0).clamp(0.4, 3.0));
    let apart = (0.25 * libm::log(home / away)).clamp(-1.5, 1.5);
    let means = Means { lambda: sides * libm::exp(apart), mu: sides * libm::exp(-apart) };
    Implied { means, rho }
}

fn checked(p: f64) -> Result<f64, ImpliedError> {
    if p > 0.0 && p < 1.0 { Ok(p) } else { Err(ImpliedError::Probability(p)) }
}

fn checked_rho(rho: f64) -> Result<f64, ImpliedError> {
    if rho > -1.0 && rho < 1.0 { Ok(rho) } else { Err(ImpliedError::Rho(rho)) }
}

fn checked_results(p1x2: [f64; 3]) -> Result<[f64; 3], ImpliedError> {
    for p in p1x2 {
        checked(p)?;
    }
    let sum: f64 = p1x2.iter().sum();
    if (sum - 1.0).abs() > 1e-6 {
        return Err(ImpliedError::Sum(sum));
    }
    Ok(p1x2.map(|p| p / sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Market, Selection};

    const CASES: [(f64, f64, f64); 10] = [
        (1.5, 1.1, 0.0),
        (1.5, 1.1, -0.13),
        (0.3, 0.2, 0.05),
        (3.8, 0.4, -0.1),
        (0.15, 2.9, 0.1),
        (2.2, 2.3, 0.15),
        (5.5, 4.5, 0.0),
        (0.02, 0.03, 0.0),
        (6.5, 0.2, 0.0),
        (1.0, 1.0, -0.3),
    ];

    fn price(matrix: &ScoreMatrix, text: &str, selection: Selection) -> (Line, f64) {
        let market: Market = text.parse().unwrap();
        let outcomes = matrix.outcomes(&market, selection).unwrap();
        (market.line().unwrap(), outcomes.conditional_win().unwrap())
    }

    fn assert_means(means: Means, (lambda, mu, rho): (f64, f64, f64), within: f64) {
        let off = (means.lambda / lambda - 1.0).abs().max((means.mu / mu - 1.0).abs());
        assert!(off < within, "{means:?}, not {lambda} and {mu} at {rho}");
    }

    #[test]
    fn the_results_of_a_matrix_imply_its_own_means() {
        for case in CASES {
            let matrix = ScoreMatrix::dixon_coles(case.0, case.1, case.2).unwrap();
            assert_means(implied_means(matrix.match_odds(), case.2).unwrap(), case, 1e-7);
        }
    }

    #[test]
    fn results_and_a_total_imply_the_means_and_the_rho() {
        for case in CASES {
            let matrix = ScoreMatrix::dixon_coles(case.0, case.1, case.2).unwrap();
            for line in ["ou@1.5", "ou@2.5", "ou@2.75", "ou@3"] {
                let over = price(&matrix, line, Selection::Over);
                let results = matrix.match_odds();
                let means = implied_means_with_total(results, over, case.2).unwrap();
                assert_means(means, case, 1e-5);
                if case.0 > 0.1 && case.0 + case.1 < 7.0 {
                    let implied = implied_means_and_rho(results, over).unwrap();
                    assert_means(implied.means, case, 1e-4);
                    assert!((implied.rho - case.2).abs() < 1e-4, "{implied:?}, {case:?}");
                }
            }
        }
    }

    #[test]
    fn a_handicap_and_a_total_imply_the_means() {
        for case in CASES.into_iter().filter(|case| case.0 > 0.1) {
            let matrix = ScoreMatrix::dixon_coles(case.0, case.1, case.2).unwrap();
            for (handicap, line) in
                [("ah@-0.5", "ou@2.5"), ("ah@0.25", "ou@2.25"), ("ah@-1", "ou@3")]
            {
                let home = price(&matrix, handicap, Selection::Home);
                let over = price(&matrix, line, Selection::Over);
                let means = implied_means_from_lines(home, over, case.2).unwrap();
                assert_means(means, case, 1e-6);
            }
        }
    }

    #[test]
    fn the_example_of_penaltyblog_comes_out() {
        let results = [0.45, 0.28, 0.29].map(|p| p / 1.02);
        let means = implied_means(results, 0.001).unwrap();
        // Its optimiser stops where the probabilities are 1e-6 off.
        assert!((means.lambda - 1.341_537_5).abs() < 2e-5, "{means:?}");
        assert!((means.mu - 1.018_968_4).abs() < 2e-5, "{means:?}");
        let means = implied_means([0.093897, 0.158581, 0.747522], 0.001).unwrap();
        assert!((0.72..0.75).contains(&means.lambda) && (2.225..2.5).contains(&means.mu));
    }

    #[test]
    fn prices_that_no_goals_have_are_refused() {
        for p in [0.0, 1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(implied_means([p, 0.3, 0.3], 0.0), Err(ImpliedError::Probability(_))));
        }
        assert_eq!(implied_means([0.5, 0.3, 0.3], 0.0), Err(ImpliedError::Sum(1.1)));
        assert_eq!(implied_means([0.5, 0.25, 0.25], 1.0), Err(ImpliedError::Rho(1.0)));
        let line = Line::new(2.5).unwrap();
        let no_draws = implied_means_and_rho([0.55, 0.05, 0.4], (line, 0.4));
        assert!(matches!(no_draws, Err(ImpliedError::NoSolution { .. })), "{no_draws:?}");
        let always = Line::new(-1.0).unwrap();
        let over_nothing = implied_means_with_total([0.5, 0.25, 0.25], (always, 0.4), 0.0);
        assert!(matches!(over_nothing, Err(ImpliedError::NoSolution { .. })), "{over_nothing:?}");
    }
}
