//! The fast path: 1X2, totals and Asian handicaps of a match at once.

use crate::matrix::{MatrixError, ScoreMatrix, Threshold};
use crate::outcome::Outcomes;
use crate::value::Line;

/// 1X2 and the usual lines of totals and Asian handicaps of one match, priced in one pass over
/// the laws of lead and total.
///
/// The prices are those of [`ScoreMatrix::outcomes`] up to the order of summation (10⁻¹⁵).
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    match_odds: [f64; 3],
    totals: [Outcomes; Board::TOTALS],
    handicaps: [Outcomes; Board::HANDICAPS],
}

impl Board {
    /// The lowest and the highest total, in quarter goals: 0.5 to 6.5 goals.
    const TOTAL_QUARTERS: (i16, i16) = (2, 26);
    /// The lowest and the highest handicap, in quarter goals: −3 to +3 goals to the home side.
    const HANDICAP_QUARTERS: (i16, i16) = (-12, 12);
    const TOTALS: usize = 25;
    const HANDICAPS: usize = 25;

    /// The board of a Dixon–Coles law.
    ///
    /// # Errors
    /// As [`ScoreMatrix::dixon_coles`].
    pub fn from_means(lambda: f64, mu: f64, rho: f64) -> Result<Self, MatrixError> {
        Ok(Self::of(&ScoreMatrix::dixon_coles(lambda, mu, rho)?))
    }

    /// The board of a matrix.
    #[must_use]
    pub fn of(matrix: &ScoreMatrix) -> Self {
        let leads = Tails::new(matrix.leads(), -i32::from(matrix.goals_max()), -4);
        let totals = Tails::new(matrix.total_goals(), 0, 0);
        let mut board = Self {
            match_odds: matrix.match_odds(),
            totals: [Outcomes::default(); Self::TOTALS],
            handicaps: [Outcomes::default(); Self::HANDICAPS],
        };
        for (quarters, total) in (Self::TOTAL_QUARTERS.0..).zip(&mut board.totals) {
            *total = totals.above(-i32::from(quarters));
        }
        for (quarters, handicap) in (Self::HANDICAP_QUARTERS.0..).zip(&mut board.handicaps) {
            *handicap = leads.above(i32::from(quarters));
        }
        board
    }

    /// The probabilities of home win, draw and away win.
    #[must_use]
    pub fn match_odds(&self) -> [f64; 3] {
        self.match_odds
    }

    /// The outcomes of a bet over this total; those of the under are its mirror. `None` for a line
    /// outside 0.5 to 6.5 goals.
    #[must_use]
    pub fn over(&self, line: Line) -> Option<&Outcomes> {
        let at = usize::try_from(line.quarters() - Self::TOTAL_QUARTERS.0).ok()?;
        self.totals.get(at)
    }

    /// The outcomes of a bet on the home side at this handicap; those of the away side are its
    /// mirror. `None` for a line outside −3 to +3 goals.
    #[must_use]
    pub fn home(&self, handicap: Line) -> Option<&Outcomes> {
        let at = usize::try_from(handicap.quarters() - Self::HANDICAP_QUARTERS.0).ok()?;
        self.handicaps.get(at)
    }

    /// The totals of the board, rising.
    pub fn total_lines() -> impl Iterator<Item = Line> {
        lines(Self::TOTAL_QUARTERS)
    }

    /// The handicaps of the board, rising.
    pub fn handicap_lines() -> impl Iterator<Item = Line> {
        lines(Self::HANDICAP_QUARTERS)
    }
}

fn lines((low, high): (i16, i16)) -> impl Iterator<Item = Line> {
    (low..=high).map(|quarters| Line::from_quarters(quarters).expect("a usual line exists"))
}

/// Counts at which a line of the board parts wins from losses, and one beyond.
const COUNTS: usize = 10;

/// A law of counts with the sums of its two tails, each from its own end, around some counts.
struct Tails {
    /// The first of the counts.
    first: i32,
    /// The probability of each count.
    at: [f64; COUNTS],
    /// Below each count.
    below: [f64; COUNTS],
    /// At or above each count.
    above: [f64; COUNTS],
}

impl Tails {
    /// Of a law whose probabilities are those of the counts from `law_first` up.
    fn new(law: &[f64], law_first: i32, first: i32) -> Self {
        let place = |count: i32| usize::try_from(count - law_first).unwrap_or(0).min(law.len());
        let (start, end) = (place(first), place(first + COUNTS as i32));
        let mut at = [0.0; COUNTS];
        let offset = usize::try_from(law_first - first).unwrap_or(0);
        if let Some(slots) = at.get_mut(offset..offset + (end - start)) {
            slots.copy_from_slice(&law[start..end]);
        }
        let (mut below, mut above) = ([0.0; COUNTS], [0.0; COUNTS]);
        let mut sum: f64 = law[..start].iter().fold(0.0, |sum, p| sum + p);
        for (slot, p) in below.iter_mut().zip(&at) {
            *slot = sum;
            sum += p;
        }
        sum = law[end..].iter().rev().fold(0.0, |sum, p| sum + p);
        for (slot, p) in above.iter_mut().zip(&at).rev() {
            sum += p;
            *slot = sum;
        }
        Self { first, at, below, above }
    }

    /// The outcomes of a bet that the count plus `quarters` quarter goals is above zero.
    fn above(&self, quarters: i32) -> Outcomes {
        let line = Threshold::of(quarters);
        let place = |count: i32| {
            usize::try_from(count - self.first).expect("the lines of the board part these counts")
        };
        let loses_below = place(line.loses_below);
        let mut outcomes = Outcomes {
            win: self.above[place(line.wins_from)].min(1.0),
            loss: self.below[loses_below].min(1.0),
            ..Outcomes::default()
        };
        if let Some(between) = line.between {
            outcomes.add(between, self.at[loses_below]);
        }
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Market, MarketKind, Selection};

    fn assert_alike(one: &Outcomes, other: &Outcomes, what: &Market) {
        for ((outcome, p), (_, q)) in one.iter().zip(other.iter()) {
            assert!((p - q).abs() < 1e-14, "{what} {outcome}: {p}, not {q}");
        }
    }

    #[test]
    fn the_board_has_the_prices_of_the_matrix() {
        for (lambda, mu, rho) in
            [(1.6, 1.1, -0.1), (0.0, 0.0, 0.0), (0.1, 6.0, 0.1), (30.0, 28.0, 0.0)]
        {
            let matrix = ScoreMatrix::dixon_coles(lambda, mu, rho).unwrap();
            let board = Board::from_means(lambda, mu, rho).unwrap();
            assert_eq!(board.match_odds(), matrix.match_odds());
            for line in Board::total_lines() {
                let market = Market::full_time(MarketKind::Totals(line));
                let over = matrix.outcomes(&market, Selection::Over).unwrap();
                assert_alike(board.over(line).unwrap(), &over, &market);
            }
            for line in Board::handicap_lines() {
                let market = Market::full_time(MarketKind::AsianHandicap(line));
                let home = matrix.outcomes(&market, Selection::Home).unwrap();
                assert_alike(board.home(line).unwrap(), &home, &market);
            }
        }
    }

    #[test]
    fn a_line_that_the_board_does_not_hold_has_no_price() {
        let board = Board::from_means(1.5, 1.2, 0.0).unwrap();
        let line = |goals| Line::new(goals).unwrap();
        assert!(board.over(line(0.25)).is_none() && board.over(line(6.75)).is_none());
        assert!(board.home(line(-3.25)).is_none() && board.home(line(3.25)).is_none());
        assert!(board.over(line(-100.0)).is_none() && board.home(line(100.0)).is_none());
        assert_eq!(Board::total_lines().count(), Board::TOTALS);
        assert_eq!(Board::handicap_lines().count(), Board::HANDICAPS);
        assert!(Board::from_means(f64::NAN, 1.0, 0.0).is_err());
    }
}
