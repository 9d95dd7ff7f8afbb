//! How a score matrix is made.

use super::{Goals, MatrixError, ScoreMatrix, rho_bounds};

/// How far from one the sum of a given grid may be.
const MASS_TOLERANCE: f64 = 0.01;

impl ScoreMatrix {
    /// Independent Poisson goals with means `lambda` (home) and `mu` (away).
    ///
    /// The grid ends where less than 10⁻¹¹ a side lies beyond; that rest is spread over it in
    /// proportion.
    ///
    /// # Errors
    /// [`MatrixError::Mean`] when a mean is outside 0..=[`ScoreMatrix::MEAN_MAX`].
    pub fn independent(lambda: f64, mu: f64) -> Result<Self, MatrixError> {
        Self::dixon_coles(lambda, mu, 0.0)
    }

    /// Poisson goals with means `lambda` (home) and `mu` (away) and Dixon and Coles' correction
    /// of the four low scores.
    ///
    /// `τ(0,0) = 1 − λμρ`, `τ(0,1) = 1 + λρ`, `τ(1,0) = 1 + μρ`, `τ(1,1) = 1 − ρ` (Dixon and
    /// Coles 1997, equation 4.2). The correction moves no goal expectation; a negative `rho` makes
    /// draws likelier. The grid ends where less than 10⁻¹¹ a side lies beyond; that rest is spread
    /// over it in proportion.
    ///
    /// # Errors
    /// [`MatrixError::Mean`] when a mean is outside 0..=[`ScoreMatrix::MEAN_MAX`];
    /// [`MatrixError::Rho`] unless every `τ` is positive, see [`rho_bounds`].
    pub fn dixon_coles(lambda: f64, mu: f64, rho: f64) -> Result<Self, MatrixError> {
        for (side, value) in [("home", lambda), ("away", mu)] {
            if !(0.0..=Self::MEAN_MAX).contains(&value) {
                return Err(MatrixError::Mean { side, value });
            }
        }
        let (low, high) = rho_bounds(lambda, mu);
        if !(low < rho && rho < high) {
            return Err(MatrixError::Rho { rho, lambda, mu, low, high });
        }
        Ok(Self::of_laws(&Goals::pair(lambda, mu), &corrections(lambda, mu, rho)))
    }

    /// The matrix of two independent laws with factors on the four lowest scores: 0–0, 0–1, 1–0
    /// and 1–1, which together move no probability to or from the rest.
    fn of_laws((home, away): &(Goals, Goals), factors: &[f64; 4]) -> Self {
        let side = home.len();
        let mass = home.iter().sum::<f64>() * away.iter().sum::<f64>();
        let scale = 1.0 / mass;
        let mut numbers = vec![0.0; size(side)];
        let (cells, laws) = numbers.split_at_mut(side * side);
        for (row, at_home) in cells.chunks_exact_mut(side).zip(home.iter()) {
            let scaled = at_home * scale;
            for (cell, at_away) in row.iter_mut().zip(away.iter()) {
                *cell = scaled * at_away;
            }
        }
        let (leads, totals) = laws.split_at_mut(2 * side - 1);
        convolve(home, away, scale, leads, totals);
        let (home_law, away_law) = totals[2 * side - 1..].split_at_mut(side);
        for (law, goals) in [(home_law, home), (away_law, away)] {
            let sum: f64 = goals.iter().sum();
            law.iter_mut().zip(goals.iter()).for_each(|(slot, p)| *slot = p / sum);
        }
        let mut matrix = Self { side, tail: (1.0 - mass).max(0.0), numbers };
        matrix.correct(factors);
        matrix
    }

    fn correct(&mut self, factors: &[f64; 4]) {
        let side = self.side;
        let places = [(0, 0), (0, 1), (1, 0), (1, 1)];
        for ((home, away), factor) in places.into_iter().zip(factors) {
            let cell = &mut self.numbers[home * side + away];
            let change = *cell * (factor - 1.0);
            *cell += change;
            let leads = side * side;
            let totals = leads + 2 * side - 1;
            let home_law = totals + 2 * side - 1;
            let places = [
                leads + side - 1 + home - away,
                totals + home + away,
                home_law + home,
                home_law + side + away,
            ];
            for place in places {
                // Rounding must not leave less than nothing of a law of corrected cells alone.
                self.numbers[place] = (self.numbers[place] + change).max(0.0);
            }
        }
    }

    /// A matrix from its rows: `rows[home][away]`. A grid that is not square is padded with zeros.
    ///
    /// # Errors
    /// [`MatrixError::Shape`] when a side is empty or above [`ScoreMatrix::GOALS_MAX`] or rows
    /// differ in length; [`MatrixError::Cell`] for a negative or not finite value;
    /// [`MatrixError::Mass`] when the sum is not one within 0.01. The rest is spread in proportion.
    pub fn from_grid<R: AsRef<[f64]>>(rows: &[R]) -> Result<Self, MatrixError> {
        let width = rows.first().map_or(0, |row| row.as_ref().len());
        let side = rows.len().max(width);
        let odd_row = rows.iter().map(|row| row.as_ref().len()).find(|length| *length != width);
        if width == 0 || side > usize::from(Self::GOALS_MAX) + 1 || odd_row.is_some() {
            let columns = odd_row.unwrap_or(width);
            return Err(MatrixError::Shape { rows: rows.len(), columns });
        }
        let mut cells = vec![0.0; side * side];
        for (home, row) in rows.iter().enumerate() {
            cells[home * side..home * side + width].copy_from_slice(row.as_ref());
        }
        Self::checked(side, cells)
    }

    /// A matrix from the probability of each score up to `goals_max` a side.
    ///
    /// # Errors
    /// As [`ScoreMatrix::from_grid`].
    pub fn from_fn(
        goals_max: u8,
        mut probability: impl FnMut(u8, u8) -> f64,
    ) -> Result<Self, MatrixError> {
        let side = usize::from(goals_max) + 1;
        if goals_max > Self::GOALS_MAX {
            return Err(MatrixError::Shape { rows: side, columns: side });
        }
        let mut cells = Vec::with_capacity(side * side);
        for home in 0..=goals_max {
            cells.extend((0..=goals_max).map(|away| probability(home, away)));
        }
        Self::checked(side, cells)
    }

    /// The matrix of final scores when this one is of the goals still to come and the score is
    /// `home`–`away`.
    ///
    /// # Errors
    /// [`MatrixError::Shape`] when the grid would pass [`ScoreMatrix::GOALS_MAX`].
    pub fn shifted(&self, home: u8, away: u8) -> Result<Self, MatrixError> {
        let (home, away) = (usize::from(home), usize::from(away));
        let side = self.side + home.max(away);
        if side > usize::from(Self::GOALS_MAX) + 1 {
            return Err(MatrixError::Shape { rows: side, columns: side });
        }
        let mut cells = vec![0.0; side * side];
        for (more, row) in self.rows().enumerate() {
            let start = (home + more) * side + away;
            cells[start..start + self.side].copy_from_slice(row);
        }
        Ok(Self { tail: self.tail, ..Self::with_laws(side, cells, 0.0) })
    }

    fn checked(side: usize, cells: Vec<f64>) -> Result<Self, MatrixError> {
        if let Some(at) = cells.iter().position(|cell| !(cell.is_finite() && *cell >= 0.0)) {
            return Err(MatrixError::Cell { home: at / side, away: at % side, value: cells[at] });
        }
        let mass: f64 = cells.iter().sum();
        if (mass - 1.0).abs() > MASS_TOLERANCE {
            return Err(MatrixError::Mass(mass));
        }
        Ok(Self::normalised(side, cells))
    }

    /// The matrix of cells that are finite, not negative and not all zero.
    pub(super) fn normalised(side: usize, mut cells: Vec<f64>) -> Self {
        let mass: f64 = cells.iter().sum();
        let scale = 1.0 / mass;
        cells.iter_mut().for_each(|cell| *cell *= scale);
        Self::with_laws(side, cells, (1.0 - mass).max(0.0))
    }

    /// Adds the laws to cells that add up to one.
    fn with_laws(side: usize, cells: Vec<f64>, tail: f64) -> Self {
        let mut numbers = cells;
        numbers.resize(size(side), 0.0);
        let (cells, laws) = numbers.split_at_mut(side * side);
        let (leads, totals) = laws.split_at_mut(2 * side - 1);
        let (totals, sides) = totals.split_at_mut(2 * side - 1);
        let (home_law, away_law) = sides.split_at_mut(side);
        for (home, row) in cells.chunks_exact(side).enumerate() {
            home_law[home] = row.iter().sum();
            for (lead, cell) in leads[home..home + side].iter_mut().rev().zip(row) {
                *lead += cell;
            }
            for (total, cell) in totals[home..home + side].iter_mut().zip(row) {
                *total += cell;
            }
            for (away, cell) in away_law.iter_mut().zip(row) {
                *away += cell;
            }
        }
        Self { side, tail, numbers }
    }
}

/// Cells, leads, totals and both sides' laws.
const fn size(side: usize) -> usize {
    side * (side + 6) - 2
}

/// Dixon and Coles' `τ` of 0–0, 0–1, 1–0 and 1–1.
fn corrections(lambda: f64, mu: f64, rho: f64) -> [f64; 4] {
    [1.0 - lambda * mu * rho, 1.0 + lambda * rho, 1.0 + mu * rho, 1.0 - rho]
}

/// Adds the laws of lead (from `1 − side` up) and total (from 0 up) of independent goals, times
/// `scale`.
pub(crate) fn convolve(
    home: &Goals,
    away: &Goals,
    scale: f64,
    leads: &mut [f64],
    totals: &mut [f64],
) {
    let side = home.len();
    let backwards = away.reversed();
    for (goals, p) in home.iter().enumerate() {
        let scaled = p * scale;
        for (lead, q) in leads[goals..goals + side].iter_mut().zip(backwards.iter()) {
            *lead += scaled * q;
        }
        for (total, q) in totals[goals..goals + side].iter_mut().zip(away.iter()) {
            *total += scaled * q;
        }
    }
}
