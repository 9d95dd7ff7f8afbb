//! The matrix nearest to a given one that gives certain bets certain probabilities.

use super::{ScoreMatrix, UnpricedMarket};
use crate::goals::cholesky::{Factor, Square};
use crate::outcome::{Outcome, Outcomes, OutcomesError};
use crate::settle;
use crate::value::{Market, Period, Selection};

/// Why a matrix cannot be made to agree with the probabilities of some bets.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TiltError {
    /// A bet is none, or not on the full match.
    #[error(transparent)]
    Market(#[from] UnpricedMarket),
    /// The five outcomes wanted are no distribution.
    #[error(transparent)]
    Outcomes(#[from] OutcomesError),
    /// The probability wanted is none, or leaves a side without any.
    #[error("the probability of {market} {selection} must lie inside 0..1, got {value}")]
    Probability {
        /// The market of the bet.
        market: Market,
        /// The selection of the bet.
        selection: Selection,
        /// What was wanted.
        value: f64,
    },
    /// No matrix with the same possible scores has all that is wanted.
    #[error(
        "what is wanted of {market} {selection} contradicts the other bets or the scores that \
         are possible: {distance} apart at the nearest"
    )]
    Inconsistent {
        /// The market of the bet that is furthest off.
        market: Market,
        /// The selection of the bet that is furthest off.
        selection: Selection,
        /// How far, as a probability.
        distance: f64,
    },
}

/// How near each probability comes.
const DISTANCE_MAX: f64 = 1e-12;
/// A wanted probability below this is none.
const PROBABILITY_MIN: f64 = 1e-13;

impl ScoreMatrix {
    /// The matrix with these outcomes of these bets that tells least apart from this one: of all
    /// that have them, the one of least relative entropy to it. Scores that were impossible stay
    /// so.
    ///
    /// It is the limit of iterative proportional fitting (Deming and Stephan 1940; Csiszár 1975),
    /// reached by Newton's method on the multipliers of the dual problem; bets may repeat each
    /// other as long as they agree.
    ///
    /// # Errors
    /// [`TiltError::Market`] for a bet on a half or a selection that is not offered;
    /// [`TiltError::Outcomes`] for outcomes that are no distribution; [`TiltError::Inconsistent`]
    /// when no such matrix exists.
    pub fn tilted(&self, targets: &[(Market, Selection, Outcomes)]) -> Result<Self, TiltError> {
        if targets.is_empty() {
            return Ok(self.clone());
        }
        let mut tilt = Tilt::new(self);
        for (market, selection, wanted) in targets {
            wanted.check()?;
            tilt.want_outcomes(*market, *selection, wanted)?;
        }
        tilt.solved()
    }

    /// [`ScoreMatrix::tilted`] to two-way prices: for each bet the win probability as its fair
    /// price sees it, see [`Outcomes::conditional_win`]. What a de-vigged Asian handicap or total
    /// with a push says, and no more.
    ///
    /// # Errors
    /// As [`ScoreMatrix::tilted`]; [`TiltError::Probability`] for one outside 0..1.
    pub fn tilted_to_prices(
        &self,
        targets: &[(Market, Selection, f64)],
    ) -> Result<Self, TiltError> {
        let mut tilt = Tilt::new(self);
        for (market, selection, wanted) in targets {
            tilt.want_price(*market, *selection, *wanted)?;
        }
        tilt.solved()
    }
}

/// What is wanted: the mean of a value over the scores.
struct Feature {
    bet: (Market, Selection),
    /// The value in each score, in the order of the cells.
    values: Vec<f64>,
    mean: f64,
}

struct Tilt<'a> {
    matrix: &'a ScoreMatrix,
    /// The cells, zero where a wanted outcome rules the score out.
    cells: Vec<f64>,
    features: Vec<Feature>,
}

impl<'a> Tilt<'a> {
    fn new(matrix: &'a ScoreMatrix) -> Self {
        Self { matrix, cells: matrix.cells().to_vec(), features: Vec::new() }
    }

    /// What the bet brings in each score.
    fn settled(&self, market: Market, selection: Selection) -> Result<Vec<Outcome>, TiltError> {
        if market.period != Period::FullTime {
            return Err(UnpricedMarket::Period(market).into());
        }
        let outcome = |(home, away, _)| settle::outcome(market.kind, selection, home, away);
        let settled: Option<Vec<Outcome>> = self.matrix.iter().map(outcome).collect();
        Ok(settled.ok_or(UnpricedMarket::Selection { market, selection })?)
    }

    fn want_outcomes(
        &mut self,
        market: Market,
        selection: Selection,
        wanted: &Outcomes,
    ) -> Result<(), TiltError> {
        let settled = self.settled(market, selection)?;
        for (outcome, mean) in wanted.iter() {
            let values: Vec<f64> =
                settled.iter().map(|o| f64::from(u8::from(*o == outcome))).collect();
            if mean >= PROBABILITY_MIN {
                self.features.push(Feature { bet: (market, selection), values, mean });
            } else {
                let ruled_out = self.cells.iter_mut().zip(values);
                ruled_out.filter(|(_, value)| *value > 0.0).for_each(|(cell, _)| *cell = 0.0);
            }
        }
        Ok(())
    }

    fn want_price(
        &mut self,
        market: Market,
        selection: Selection,
        wanted: f64,
    ) -> Result<(), TiltError> {
        let settled = self.settled(market, selection)?;
        if !(wanted > 0.0 && wanted < 1.0) {
            return Err(TiltError::Probability { market, selection, value: wanted });
        }
        // At the fair odds 1/p the mean profit is zero; times p it stays within ±1.
        let profit = |outcome: &Outcome| wanted * outcome.profit(1.0 / wanted);
        let values = settled.iter().map(profit).collect();
        self.features.push(Feature { bet: (market, selection), values, mean: 0.0 });
        Ok(())
    }

    fn solved(mut self) -> Result<ScoreMatrix, TiltError> {
        self.drop_constants()?;
        let mut multipliers = vec![0.0; self.features.len()];
        let mut at = Tilted::new(&self, &multipliers);
        const STEPS_MAX: u32 = 100;
        for _ in 0..STEPS_MAX {
            if at.distance() <= DISTANCE_MAX {
                let mut matrix = ScoreMatrix::normalised(self.matrix.side, at.cells);
                matrix.tail = self.matrix.tail;
                return Ok(matrix);
            }
            let Some((next, next_at)) = self.improved(&multipliers, &at) else { break };
            (multipliers, at) = (next, next_at);
        }
        let off = at.off.iter().map(|off| off.abs());
        let worst = off.enumerate().max_by(|one, other| one.1.total_cmp(&other.1));
        let (feature, distance) = worst.expect("without features nothing is off");
        let (market, selection) = self.features[feature].bet;
        Err(TiltError::Inconsistent { market, selection, distance })
    }

    /// Takes out what no tilt can change, after seeing that it is as wanted.
    fn drop_constants(&mut self) -> Result<(), TiltError> {
        let mut inconsistent = None;
        let cells = &self.cells;
        self.features.retain(|feature| {
            let mut possible =
                feature.values.iter().zip(cells).filter(|(_, cell)| **cell > 0.0).map(|(v, _)| *v);
            // Without any possible score the distance is the whole of what is wanted.
            let first = possible.next().unwrap_or(0.0);
            let varies = possible.any(|value| value != first);
            if !varies && (first - feature.mean).abs() > DISTANCE_MAX {
                let (market, selection) = feature.bet;
                let distance = (first - feature.mean).abs();
                inconsistent = Some(TiltError::Inconsistent { market, selection, distance });
            }
            varies
        });
        inconsistent.map_or(Ok(()), Err)
    }

    /// A Newton step on the dual, halved until it falls; `None` when it does not.
    fn improved(&self, multipliers: &[f64], at: &Tilted) -> Option<(Vec<f64>, Tilted)> {
        const HALVINGS_MAX: u32 = 40;
        let covariance = at.covariance(&self.features);
        // Bets that repeat each other leave the matrix singular.
        let dampings = [0.0, 1e-10, 1e-8, 1e-6, 1e-3];
        let factor = dampings.iter().find_map(|damping| Factor::of(&covariance, *damping))?;
        let mut step: Vec<f64> = at.off.iter().map(|off| -off).collect();
        factor.solve(&mut step);
        let falls: f64 = step.iter().zip(&at.off).map(|(step, off)| step * off).sum();
        let mut length = 1.0;
        for _ in 0..HALVINGS_MAX {
            let moved = multipliers.iter().zip(&step).map(|(m, step)| m + length * step);
            let next: Vec<f64> = moved.collect();
            let next_at = Tilted::new(self, &next);
            let nearer = next_at.distance() < at.distance();
            if next_at.dual < at.dual + 1e-4 * length * falls || (length == 1.0 && nearer) {
                return Some((next, next_at));
            }
            length /= 2.0;
        }
        None
    }
}

/// The cells under certain multipliers.
struct Tilted {
    /// They add up to one.
    cells: Vec<f64>,
    /// Mean less wanted mean of every feature: the gradient of the dual.
    off: Vec<f64>,
    /// `ln Σ cell·exp(multipliers·values) − multipliers·means`.
    dual: f64,
}

impl Tilted {
    fn new(tilt: &Tilt<'_>, multipliers: &[f64]) -> Self {
        let mut exponents = vec![0.0; tilt.cells.len()];
        for (feature, multiplier) in tilt.features.iter().zip(multipliers) {
            for (exponent, value) in exponents.iter_mut().zip(&feature.values) {
                *exponent += multiplier * value;
            }
        }
        let highest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weighted = tilt.cells.iter().zip(&exponents);
        let mut cells: Vec<f64> =
            weighted.map(|(cell, exponent)| cell * libm::exp(exponent - highest)).collect();
        let mass: f64 = cells.iter().sum();
        cells.iter_mut().for_each(|cell| *cell /= mass);
        let wanted = tilt.features.iter().zip(multipliers);
        let wanted: f64 = wanted.map(|(feature, multiplier)| multiplier * feature.mean).sum();
        let mean = |feature: &Feature| {
            feature.values.iter().zip(&cells).map(|(value, cell)| value * cell).sum::<f64>()
        };
        let off = tilt.features.iter().map(|feature| mean(feature) - feature.mean).collect();
        Self { off, dual: highest + libm::log(mass) - wanted, cells }
    }

    fn distance(&self) -> f64 {
        let furthest = self.off.iter().map(|off| off.abs()).fold(0.0, f64::max);
        // Without any possible score the cells are no numbers.
        if self.cells.iter().any(|cell| cell.is_nan()) { f64::INFINITY } else { furthest }
    }

    fn covariance(&self, features: &[Feature]) -> Square {
        let mut covariance = Square::zero(features.len());
        let means: Vec<f64> =
            features.iter().zip(&self.off).map(|(feature, off)| off + feature.mean).collect();
        for (row, one) in features.iter().enumerate() {
            for (column, other) in features[..=row].iter().enumerate() {
                let pairs = one.values.iter().zip(&other.values).zip(&self.cells);
                let joint: f64 =
                    pairs.map(|((x, y), p)| p * (x - means[row]) * (y - means[column])).sum();
                covariance.add(row, column, joint);
            }
        }
        covariance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> ScoreMatrix {
        ScoreMatrix::dixon_coles(1.5, 1.2, -0.08).unwrap()
    }

    fn target(text: &str, from: &ScoreMatrix) -> (Market, Selection, Outcomes) {
        let (market, selection) = text.split_once(':').unwrap();
        let (market, selection) = (market.parse().unwrap(), selection.parse().unwrap());
        (market, selection, from.outcomes(&market, selection).unwrap())
    }

    fn relative_entropy(of: &ScoreMatrix, to: &ScoreMatrix) -> f64 {
        let possible = of.iter().filter(|(_, _, p)| *p > 0.0);
        possible.map(|(home, away, p)| p * libm::log(p / to.get(home, away))).sum()
    }

    #[test]
    fn the_tilted_matrix_has_the_outcomes_that_were_wanted() {
        let market_view = ScoreMatrix::dixon_coles(1.9, 0.9, -0.05).unwrap();
        let bets = ["1x2:home", "1x2:draw", "ou@2.75:over", "ah@-0.75:home", "btts:yes"];
        let targets: Vec<_> = bets.iter().map(|text| target(text, &market_view)).collect();
        let tilted = matrix().tilted(&targets).unwrap();
        for (market, selection, wanted) in &targets {
            let reached = tilted.outcomes(market, *selection).unwrap();
            for ((outcome, p), (_, q)) in reached.iter().zip(wanted.iter()) {
                assert!((p - q).abs() < 1e-11, "{market} {selection} {outcome}: {p}, not {q}");
            }
        }
        let sum: f64 = tilted.iter().map(|(_, _, p)| p).sum();
        assert!((sum - 1.0).abs() < 1e-14);
    }

    #[test]
    fn one_bet_is_reached_by_scaling_its_outcomes_as_proportional_fitting_does() {
        let wanted = (0.5, 0.3, 0.2);
        let home = Outcomes::two_way(wanted.0).unwrap();
        let draw = Outcomes::two_way(wanted.1).unwrap();
        let targets = [
            (Market::MATCH_ODDS, Selection::Home, home),
            (Market::MATCH_ODDS, Selection::Draw, draw),
        ];
        let tilted = matrix().tilted(&targets).unwrap();
        let [home, draw, away] = matrix().match_odds();
        for (h, a, p) in matrix().iter() {
            let factor = match h.cmp(&a) {
                std::cmp::Ordering::Greater => wanted.0 / home,
                std::cmp::Ordering::Equal => wanted.1 / draw,
                std::cmp::Ordering::Less => wanted.2 / away,
            };
            assert!((tilted.get(h, a) - p * factor).abs() < 1e-12, "{h}-{a}");
        }
    }

    #[test]
    fn no_other_matrix_with_these_outcomes_is_nearer() {
        let other = ScoreMatrix::dixon_coles(1.8, 1.0, -0.05).unwrap();
        let targets = [target("1x2:home", &other), target("ou@2.5:over", &other)];
        let tilted = matrix().tilted(&targets).unwrap();
        let nearest = relative_entropy(&tilted, &matrix());
        assert!(nearest > 0.0 && nearest < relative_entropy(&other, &matrix()));
        // Mass moved between scores that both bets settle alike keeps the targets.
        for ((h1, a1), (h2, a2)) in [((1, 0), (2, 0)), ((3, 1), (4, 0)), ((0, 0), (1, 1))] {
            for moved in [-1e-3, 1e-3] {
                let shift = |h, a, p| {
                    let to = f64::from(u8::from((h, a) == (h1, a1)));
                    let from = f64::from(u8::from((h, a) == (h2, a2)));
                    p + moved * (to - from)
                };
                let changed =
                    ScoreMatrix::from_fn(tilted.goals_max(), |h, a| shift(h, a, tilted.get(h, a)));
                assert!(relative_entropy(&changed.unwrap(), &matrix()) > nearest);
            }
        }
    }

    #[test]
    fn a_price_with_a_push_fixes_what_is_decided_and_no_more() {
        let wanted = [("ah@-1:home", 0.41), ("ou@3:over", 0.52), ("ah@-0.25:home", 0.6)];
        let targets = wanted.map(|(text, p)| {
            let (market, selection, _) = target(text, &matrix());
            (market, selection, p)
        });
        let tilted = matrix().tilted_to_prices(&targets).unwrap();
        for (market, selection, p) in targets {
            let reached = tilted.outcomes(&market, selection).unwrap().conditional_win().unwrap();
            assert!((reached - p).abs() < 1e-11, "{market}: {reached}, not {p}");
        }
    }

    #[test]
    fn bets_that_repeat_each_other_are_served_while_they_agree() {
        let other = ScoreMatrix::dixon_coles(1.8, 1.0, -0.05).unwrap();
        let bets = ["1x2:home", "ah@-0.5:home", "dc:draw_or_away", "1x2:draw", "1x2:away"];
        let targets: Vec<_> = bets.iter().map(|text| target(text, &other)).collect();
        let tilted = matrix().tilted(&targets).unwrap();
        for (p, q) in tilted.match_odds().iter().zip(other.match_odds()) {
            assert!((p - q).abs() < 1e-11);
        }
        assert_eq!(matrix().tilted(&[]).unwrap().match_odds(), matrix().match_odds());
    }

    #[test]
    fn bets_that_contradict_each_other_are_refused() {
        let p = |p: f64| Outcomes::two_way(p).unwrap();
        let half: Market = "ah@-0.5".parse().unwrap();
        let more: Market = "ah@-1.5".parse().unwrap();
        let two_prices =
            [(Market::MATCH_ODDS, Selection::Home, p(0.5)), (half, Selection::Home, p(0.4))];
        assert!(matches!(matrix().tilted(&two_prices), Err(TiltError::Inconsistent { .. })));
        let backwards = [(half, Selection::Home, p(0.4)), (more, Selection::Home, p(0.5))];
        assert!(matches!(matrix().tilted(&backwards), Err(TiltError::Inconsistent { .. })));
        let certain: Market = "ou@-1".parse().unwrap();
        let refused = matrix().tilted(&[(certain, Selection::Over, p(0.5))]);
        assert!(matches!(refused, Err(TiltError::Inconsistent { .. })), "{refused:?}");
        let nil = ScoreMatrix::independent(0.0, 1.0).unwrap();
        let refused = nil.tilted(&[(Market::MATCH_ODDS, Selection::Home, p(0.5))]);
        assert!(matches!(refused, Err(TiltError::Inconsistent { .. })));
        let never =
            [(Market::MATCH_ODDS, Selection::Home, p(0.0)), (half, Selection::Away, p(0.0))];
        assert!(matrix().tilted(&never).is_err());
    }

    #[test]
    fn what_is_no_bet_or_no_probability_is_refused() {
        let half: Market = "1x2/1h".parse().unwrap();
        let wrong = matrix().tilted_to_prices(&[(half, Selection::Home, 0.5)]);
        assert!(matches!(wrong, Err(TiltError::Market(_))));
        for p in [0.0, 1.0, -1.0, f64::NAN] {
            let wrong = matrix().tilted_to_prices(&[(Market::MATCH_ODDS, Selection::Home, p)]);
            assert!(matches!(wrong, Err(TiltError::Probability { .. })), "{p}");
        }
        let none = Outcomes { win: 0.9, loss: 0.9, ..Outcomes::default() };
        let wrong = matrix().tilted(&[(Market::MATCH_ODDS, Selection::Home, none)]);
        assert!(matches!(wrong, Err(TiltError::Outcomes(_))));
    }
}
