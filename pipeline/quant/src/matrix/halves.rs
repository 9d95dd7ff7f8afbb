//! The two halves of a match, for markets that are settled on one of them or on both.

use super::{MatrixError, ScoreMatrix, UnpricedMarket};
use crate::outcome::Outcomes;
use crate::payoff::{Payoff, PayoffError};
use crate::value::{Market, Period, Selection};

/// The score matrices of the two halves and of the match, and how half-time and full-time hang
/// together.
#[derive(Debug, Clone, PartialEq)]
pub struct Halves {
    first: ScoreMatrix,
    second: ScoreMatrix,
    full_time: ScoreMatrix,
    /// `[at half-time][at full time]`.
    table: [[f64; 3]; 3],
}

impl Halves {
    /// The match of two halves whose goals do not depend on each other.
    ///
    /// # Errors
    /// [`MatrixError::Shape`] when the match's grid would pass [`ScoreMatrix::GOALS_MAX`].
    pub fn new(first: ScoreMatrix, second: ScoreMatrix) -> Result<Self, MatrixError> {
        let side = first.side + second.side - 1;
        if side > usize::from(ScoreMatrix::GOALS_MAX) + 1 {
            return Err(MatrixError::Shape { rows: side, columns: side });
        }
        let mut cells = vec![0.0; side * side];
        for (home, row) in first.rows().enumerate() {
            for (away, before) in row.iter().enumerate() {
                for (more, after) in second.rows().enumerate() {
                    let start = (home + more) * side + away;
                    for (cell, p) in cells[start..].iter_mut().zip(after) {
                        *cell += before * p;
                    }
                }
            }
        }
        let full_time = ScoreMatrix::normalised(side, cells);
        let mut table = [[0.0; 3]; 3];
        let reach = i32::from(first.goals_max());
        let end = reach + i32::from(second.goals_max());
        for lead in -reach..=reach {
            let row = &mut table[result(lead)];
            let before = first.lead(lead);
            for final_lead in -end..=end {
                row[result(final_lead)] += before * second.lead(final_lead - lead);
            }
        }
        Ok(Self { first, second, full_time, table })
    }

    /// The halves of a match whose final score has any law: each of its goals falls into the first
    /// half with probability `first_share`, independently of the others.
    ///
    /// For independent Poisson goals the halves are Poisson with their shares of the means, as in
    /// [`Halves::dixon_coles`] without `rho`; for other laws the full-time prices stay what they
    /// are, and those of the halves follow.
    ///
    /// # Errors
    /// [`MatrixError::Share`] for a share outside 0..=1.
    pub fn split(full_time: &ScoreMatrix, first_share: f64) -> Result<Self, MatrixError> {
        if !(0.0..=1.0).contains(&first_share) {
            return Err(MatrixError::Share(first_share));
        }
        let goals_max = usize::from(full_time.goals_max());
        let falling = Binomials::new(goals_max, first_share);
        let side = goals_max + 1;
        let (mut first, mut second) = (vec![0.0; side * side], vec![0.0; side * side]);
        let mut table = [[0.0; 3]; 3];
        for (home, away, probability) in full_time.iter().filter(|(_, _, p)| *p > 0.0) {
            let (home, away) = (usize::from(home), usize::from(away));
            let lead = |h: usize, a: usize| h as i32 - a as i32;
            for (h, home_share) in falling.of(home).iter().enumerate() {
                for (a, away_share) in falling.of(away).iter().enumerate() {
                    let p = probability * home_share * away_share;
                    first[h * side + a] += p;
                    second[(home - h) * side + (away - a)] += p;
                    table[result(lead(h, a))][result(lead(home, away))] += p;
                }
            }
        }
        Ok(Self {
            first: ScoreMatrix::normalised(side, first),
            second: ScoreMatrix::normalised(side, second),
            full_time: full_time.clone(),
            table,
        })
    }

    /// Poisson halves with Dixon and Coles' correction in each, the first holding `first_share`
    /// of each side's expected goals.
    ///
    /// # Errors
    /// As [`ScoreMatrix::dixon_coles`]; a share outside 0..=1 makes a mean that is none.
    pub fn dixon_coles(
        lambda: f64,
        mu: f64,
        rho: f64,
        first_share: f64,
    ) -> Result<Self, MatrixError> {
        let half = |share: f64| ScoreMatrix::dixon_coles(lambda * share, mu * share, rho);
        Self::new(half(first_share)?, half(1.0 - first_share)?)
    }

    /// The matrix of the first half.
    #[must_use]
    pub fn first(&self) -> &ScoreMatrix {
        &self.first
    }

    /// The matrix of the second half.
    #[must_use]
    pub fn second(&self) -> &ScoreMatrix {
        &self.second
    }

    /// The matrix of the whole match.
    #[must_use]
    pub fn full_time(&self) -> &ScoreMatrix {
        &self.full_time
    }

    /// The probabilities of the five outcomes of a bet on the match or on a half.
    ///
    /// # Errors
    /// [`UnpricedMarket::Selection`] when the market does not offer the selection.
    pub fn outcomes(
        &self,
        market: &Market,
        selection: Selection,
    ) -> Result<Outcomes, UnpricedMarket> {
        let refused = UnpricedMarket::Selection { market: *market, selection };
        let matrix = match market.period {
            Period::FullTime => &self.full_time,
            Period::FirstHalf => &self.first,
            Period::SecondHalf => &self.second,
        };
        match Payoff::new(market, selection) {
            Err(PayoffError::Selection { .. }) => Err(refused),
            Ok(payoff) => matrix.of_kind(payoff).ok_or(refused),
            Err(_) => Err(UnpricedMarket::Period(*market)),
        }
    }

    /// Half-time/full-time: `[at half-time][at full time]`, each home, draw, away.
    #[must_use]
    pub fn half_time_full_time(&self) -> [[f64; 3]; 3] {
        self.table
    }
}

/// The binomial laws of how many of n goals fall into the first half.
struct Binomials(Vec<Vec<f64>>);

impl Binomials {
    fn new(goals_max: usize, share: f64) -> Self {
        let mut rows = vec![vec![1.0]];
        for goals in 1..=goals_max {
            let before = &rows[goals - 1];
            // One goal more falls into the first half or does not.
            let at = |count: usize| before.get(count).copied().unwrap_or(0.0);
            let row = (0..=goals).map(|count| {
                let joined = if count > 0 { at(count - 1) } else { 0.0 };
                at(count) * (1.0 - share) + joined * share
            });
            rows.push(row.collect());
        }
        Self(rows)
    }

    fn of(&self, goals: usize) -> &[f64] {
        &self.0[goals]
    }
}

/// 0, 1, 2 for a home, level or away lead.
fn result(lead: i32) -> usize {
    match lead {
        1.. => 0,
        0 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves() -> Halves {
        Halves::dixon_coles(1.6, 1.1, 0.0, 0.45).unwrap()
    }

    #[test]
    fn two_poisson_halves_make_the_poisson_match() {
        let whole = ScoreMatrix::independent(1.6, 1.1).unwrap();
        for (home, away, p) in whole.iter() {
            let joined = halves().full_time().get(home, away);
            assert!((joined - p).abs() < 1e-10, "{home}-{away}: {joined}, not {p}");
        }
    }

    #[test]
    fn a_poisson_match_splits_into_poisson_halves() {
        let split = Halves::split(&ScoreMatrix::independent(1.6, 1.1).unwrap(), 0.45).unwrap();
        for (one, other) in [(split.first(), halves().first), (split.second(), halves().second)] {
            for (home, away, p) in other.iter() {
                assert!((one.get(home, away) - p).abs() < 1e-9, "{home}-{away}");
            }
        }
        for (one, other) in split.table.as_flattened().iter().zip(halves().table.as_flattened()) {
            assert!((one - other).abs() < 1e-9, "{one} {other}");
        }
    }

    #[test]
    fn a_split_keeps_the_full_time_prices_and_its_means_add_up() {
        let whole = ScoreMatrix::dixon_coles(1.6, 1.1, -0.1).unwrap();
        let split = Halves::split(&whole, 0.445).unwrap();
        assert_eq!(split.full_time(), &whole);
        let (first, second) = (split.first().means(), split.second().means());
        assert!((first.0 + second.0 - whole.means().0).abs() < 1e-12);
        assert!((first.1 - 0.445 * whole.means().1).abs() < 1e-12);
        let all_late = Halves::split(&whole, 0.0).unwrap();
        assert!((all_late.first().get(0, 0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn half_time_full_time_adds_up_to_its_two_results() {
        let whole = ScoreMatrix::dixon_coles(1.6, 1.1, -0.1).unwrap();
        for halves in [halves(), Halves::split(&whole, 0.445).unwrap()] {
            let table = halves.half_time_full_time();
            let (first, full) = (halves.first().match_odds(), halves.full_time().match_odds());
            for result in 0..3 {
                let at_half: f64 = table[result].iter().sum();
                let at_end: f64 = table.iter().map(|row| row[result]).sum();
                assert!((at_half - first[result]).abs() < 1e-12, "half-time {result}");
                assert!((at_end - full[result]).abs() < 1e-12, "full time {result}");
            }
            assert!(table[0][2] < table[0][1] && table[0][1] < table[0][0]);
        }
    }

    #[test]
    fn a_market_on_a_half_is_priced_from_that_half() {
        let over = |market: &str| {
            halves().outcomes(&market.parse().unwrap(), Selection::Over).unwrap().win
        };
        assert!(over("ou@1.5/1h") < over("ou@1.5/2h") && over("ou@1.5/2h") < over("ou@1.5"));
        let none = 1.0 - libm::exp(-2.7 * 0.45);
        assert!((over("ou@0.5/1h") - none).abs() < 1e-10);
        let wrong = halves().outcomes(&"btts/1h".parse().unwrap(), Selection::Draw);
        assert!(wrong.is_err());
    }

    #[test]
    fn a_share_outside_the_match_is_refused() {
        for share in [-0.1, 1.1, f64::NAN] {
            assert!(Halves::dixon_coles(1.6, 1.1, 0.0, share).is_err(), "{share} was taken");
            let whole = ScoreMatrix::independent(1.6, 1.1).unwrap();
            assert!(matches!(Halves::split(&whole, share), Err(MatrixError::Share(_))));
        }
    }
}
