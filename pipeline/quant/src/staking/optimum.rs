//! The stakes at which a concave growth is greatest, none negative and all within a cap.

use crate::goals::cholesky::{Factor, Square};

/// Expected growth as a concave function of the stakes.
pub(super) trait Growth {
    /// How many stakes there are.
    fn bets(&self) -> usize;

    /// Writes the gradient and the lower triangle of the negative Hessian, both cleared before.
    fn derivatives(&self, stakes: &[f64], gradient: &mut [f64], bend: &mut Square);
}

/// Newton steps on the perturbed conditions of optimality before giving up.
const STEPS_MAX: u32 = 120;
/// Halvings of a step before giving up.
const HALVINGS_MAX: u32 = 60;
/// The duality gap that is zero: growth within this of the optimum.
const GAP_MAX: f64 = 1e-13;
/// The gradient of the Lagrangian that is zero.
const RESIDUAL_MAX: f64 = 1e-11;
/// A stake below this is none: a hundredth of a cent of a bankroll of 10,000.
const STAKE_MIN: f64 = 1e-8;

/// The stakes that maximise `growth` with sum at most `cap`; `None` when the search does not end.
///
/// The primal-dual interior-point method (Boyd and Vandenberghe 2004, algorithm 11.2) on
/// `max g(f)`, `f ≥ 0`, `Σf ≤ cap`. Deterministic; at most [`STEPS_MAX`] factorisations.
pub(super) fn maximise(growth: &impl Growth, cap: f64) -> Option<Vec<f64>> {
    let bets = growth.bets();
    let mut point = Point::start(bets, cap);
    let mut at = Derivatives::new(bets);
    growth.derivatives(&vec![0.0; bets], &mut at.gradient, &mut at.bend);
    // Concave: where nothing gains at first, nothing gains at all.
    if cap == 0.0 || at.gradient.iter().all(|gain| *gain <= 0.0) {
        return Some(vec![0.0; bets]);
    }
    at.update(growth, &point.stakes);
    for _ in 0..STEPS_MAX {
        let gap = point.gap();
        if gap <= GAP_MAX && point.dual_residual(&at.gradient) <= RESIDUAL_MAX {
            return Some(point.finished());
        }
        let centre = gap / (10.0 * (bets as f64 + 1.0));
        let step = point.step(&at, centre)?;
        let before = point.residual(&at.gradient, centre);
        let mut length = 0.99 * point.longest(&step);
        let mut halvings = 0;
        loop {
            let trial = point.moved(&step, length);
            at.update(growth, &trial.stakes);
            if trial.residual(&at.gradient, centre) <= (1.0 - 0.01 * length) * before {
                point = trial;
                break;
            }
            length /= 2.0;
            halvings += 1;
            if halvings > HALVINGS_MAX {
                // Rounding has the last word: what was reached is the optimum or is not.
                let near = gap <= 1e3 * GAP_MAX;
                return near.then(|| point.finished());
            }
        }
    }
    None
}

struct Derivatives {
    gradient: Vec<f64>,
    bend: Square,
}

impl Derivatives {
    fn new(bets: usize) -> Self {
        Self { gradient: vec![0.0; bets], bend: Square::zero(bets) }
    }

    fn update(&mut self, growth: &impl Growth, stakes: &[f64]) {
        self.gradient.fill(0.0);
        self.bend.clear();
        growth.derivatives(stakes, &mut self.gradient, &mut self.bend);
    }
}

/// Stakes, what is left of the cap, and the prices of the constraints.
struct Point {
    stakes: Vec<f64>,
    left: f64,
    stake_prices: Vec<f64>,
    cap_price: f64,
}

/// A direction in the same coordinates.
struct Step {
    stakes: Vec<f64>,
    left: f64,
    stake_prices: Vec<f64>,
    cap_price: f64,
}

impl Point {
    fn start(bets: usize, cap: f64) -> Self {
        let stake = cap / (2.0 * bets as f64);
        Self {
            stakes: vec![stake; bets],
            left: cap / 2.0,
            stake_prices: vec![1e-2 / stake.max(1e-6); bets],
            cap_price: 1e-2 / cap.max(1e-6),
        }
    }

    /// The sum of every constraint's slack at its price.
    fn gap(&self) -> f64 {
        let stakes = self.stakes.iter().zip(&self.stake_prices);
        stakes.map(|(stake, price)| stake * price).sum::<f64>() + self.left * self.cap_price
    }

    fn dual_residual(&self, gradient: &[f64]) -> f64 {
        let residuals = gradient.iter().zip(&self.stake_prices);
        residuals.map(|(gain, price)| (gain + price - self.cap_price).abs()).fold(0.0, f64::max)
    }

    fn residual(&self, gradient: &[f64], centre: f64) -> f64 {
        let square = |off: f64| off * off;
        let mut squares = square(self.left * self.cap_price - centre);
        for (at, gain) in gradient.iter().enumerate() {
            let (stake, price) = (self.stakes[at], self.stake_prices[at]);
            squares += square(gain + price - self.cap_price) + square(stake * price - centre);
        }
        squares.sqrt()
    }

    /// Newton's step towards gradient zero and every slack at `centre`.
    ///
    /// The cap's price is solved for apart from the stakes, so that a cap that binds does not
    /// drown the curvature.
    fn step(&self, at: &Derivatives, centre: f64) -> Option<Step> {
        let bets = self.stakes.len();
        let mut matrix = at.bend.clone();
        let mut towards = at.gradient.clone();
        let mut against = vec![1.0; bets];
        for (row, gain) in towards.iter_mut().enumerate() {
            matrix.add(row, row, self.stake_prices[row] / self.stakes[row]);
            *gain += centre / self.stakes[row];
        }
        // Bets that are alike leave the matrix singular: then a little more of its diagonal.
        let dampings = [0.0, 1e-10, 1e-8, 1e-6];
        let factor = dampings.iter().find_map(|damping| Factor::of(&matrix, *damping))?;
        factor.solve(&mut towards);
        factor.solve(&mut against);
        let (gained, taken): (f64, f64) = (towards.iter().sum(), against.iter().sum());
        let cap_price_next =
            (centre + self.cap_price * gained) / (self.left + self.cap_price * taken);
        let pairs = towards.iter().zip(&against);
        let stakes: Vec<f64> = pairs.map(|(gain, price)| gain - cap_price_next * price).collect();
        // Of the two ways to the change of what is left, the one that subtracts less.
        let left = if self.cap_price > self.left {
            (centre - self.left * cap_price_next) / self.cap_price
        } else {
            -stakes.iter().sum::<f64>()
        };
        let priced = |at: usize| {
            let (stake, price) = (self.stakes[at], self.stake_prices[at]);
            (centre - price * stakes[at]) / stake - price
        };
        let stake_prices = (0..bets).map(priced).collect();
        Some(Step { stakes, left, stake_prices, cap_price: cap_price_next - self.cap_price })
    }

    /// The longest step, at most one, that keeps every slack and price from falling below zero.
    fn longest(&self, step: &Step) -> f64 {
        let limit = |value: f64, change: f64| if change < 0.0 { -value / change } else { 1.0 };
        let mut longest = limit(self.left, step.left).min(limit(self.cap_price, step.cap_price));
        for at in 0..self.stakes.len() {
            longest = longest.min(limit(self.stakes[at], step.stakes[at]));
            longest = longest.min(limit(self.stake_prices[at], step.stake_prices[at]));
        }
        longest.min(1.0)
    }

    fn moved(&self, step: &Step, length: f64) -> Self {
        let along = |values: &[f64], changes: &[f64]| {
            let pairs = values.iter().zip(changes);
            pairs.map(|(value, change)| value + length * change).collect()
        };
        Self {
            stakes: along(&self.stakes, &step.stakes),
            left: self.left + length * step.left,
            stake_prices: along(&self.stake_prices, &step.stake_prices),
            cap_price: self.cap_price + length * step.cap_price,
        }
    }

    fn finished(&self) -> Vec<f64> {
        let kept = |stake: &f64| if *stake < STAKE_MIN { 0.0 } else { *stake };
        self.stakes.iter().map(kept).collect()
    }
}
