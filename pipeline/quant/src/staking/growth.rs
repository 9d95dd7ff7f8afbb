//! Growth over states of the world that can be listed.

use super::optimum::Growth;
use crate::goals::cholesky::Square;

/// States of the world, each with its probability and the profit of every bet in it.
pub(super) struct States {
    bets: usize,
    weights: Vec<f64>,
    /// Profit per unit staked: `profits[state * bets + bet]`, each at least −1.
    profits: Vec<f64>,
}

impl States {
    pub(super) fn new(bets: usize) -> Self {
        Self { bets, weights: Vec::new(), profits: Vec::new() }
    }

    pub(super) fn push(&mut self, weight: f64, profits: impl IntoIterator<Item = f64>) {
        self.weights.push(weight);
        self.profits.extend(profits);
        debug_assert_eq!(self.profits.len(), self.weights.len() * self.bets);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (f64, &[f64])> {
        self.weights.iter().copied().zip(self.profits.chunks_exact(self.bets.max(1)))
    }

    /// `Σ p·ln(1 + Σ stake·profit)`.
    pub(super) fn value(&self, stakes: &[f64]) -> f64 {
        self.iter().map(|(weight, profits)| weight * libm::log1p(gain(stakes, profits))).sum()
    }
}

fn gain(stakes: &[f64], profits: &[f64]) -> f64 {
    stakes.iter().zip(profits).map(|(stake, profit)| stake * profit).sum()
}

impl Growth for States {
    fn bets(&self) -> usize {
        self.bets
    }

    fn derivatives(&self, stakes: &[f64], gradient: &mut [f64], bend: &mut Square) {
        for (weight, profits) in self.iter() {
            let wealth = 1.0 + gain(stakes, profits);
            let share = weight / wealth;
            for (row, profit) in profits.iter().enumerate() {
                gradient[row] += share * profit;
                let scaled = share / wealth * profit;
                for (column, other) in profits[..=row].iter().enumerate() {
                    bend.add(row, column, scaled * other);
                }
            }
        }
    }
}
