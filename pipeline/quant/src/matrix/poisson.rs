//! The Poisson law of one side's goals, cut where nearly nothing is left.

use std::ops::Deref;

use super::ScoreMatrix;

/// The probability per side beyond the grid.
const TAIL_MAX: f64 = 1e-11;

const SIDE_MAX: usize = ScoreMatrix::GOALS_MAX as usize + 1;

/// One over each number of goals: a product costs less than a quotient.
const INVERSE: [f64; SIDE_MAX + 1] = {
    let mut inverse = [0.0; SIDE_MAX + 1];
    let mut goals = 1;
    while goals <= SIDE_MAX {
        inverse[goals] = 1.0 / goals as f64;
        goals += 1;
    }
    inverse
};

/// The probabilities of 0, 1, 2 … goals.
#[derive(Clone)]
pub(crate) struct Goals {
    law: [f64; SIDE_MAX],
    side: usize,
}

impl Goals {
    /// The laws of two means, at most [`ScoreMatrix::MEAN_MAX`], on the grid that holds all but
    /// 10⁻¹¹ of each; at least two numbers of goals, for the four lowest scores.
    pub(crate) fn pair(lambda: f64, mu: f64) -> (Self, Self) {
        let (mut home, mut away) = (Self::new(lambda), Self::new(mu));
        let side = home.side.max(away.side);
        home.extend(lambda, side);
        away.extend(mu, side);
        (home, away)
    }

    fn new(mean: f64) -> Self {
        let mut law = [0.0; SIDE_MAX];
        let mut probability = libm::exp(-mean);
        law[0] = probability;
        let mut side = 1;
        // Past the mean the terms fall at least geometrically, which bounds what is left of them:
        // less than p·r/(1 − r) with r the ratio of the next two.
        loop {
            let ratio = mean * INVERSE[side];
            if side >= 2 && ratio < 1.0 && probability * ratio < TAIL_MAX * (1.0 - ratio) {
                return Self { law, side };
            }
            probability *= ratio;
            law[side] = probability;
            side += 1;
        }
    }

    fn extend(&mut self, mean: f64, side: usize) {
        let mut probability = self.law[self.side - 1];
        let more = self.law[self.side..side].iter_mut().zip(&INVERSE[self.side..]);
        for (slot, inverse) in more {
            probability *= mean * inverse;
            *slot = probability;
        }
        self.side = side;
    }

    /// From the greatest number of goals down.
    pub(super) fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        reversed.law[..self.side].reverse();
        reversed
    }
}

impl Deref for Goals {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.law[..self.side]
    }
}
