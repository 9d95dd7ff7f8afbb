//! Bets on every outcome: across books for a sure gain, or against bets already placed.

use super::{StakingError, checked_amount, checked_odds};
use crate::value::Odds;

/// A book's odds on the outcomes of a market.
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    /// One for each outcome, the same order in every book.
    pub odds: Vec<Odds>,
    /// The share of net winnings that the book keeps, 0.02 for 2 %.
    pub commission: f64,
}

/// The best price of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct BestPrice {
    /// Place of the book among those given, from 0; the first of equals.
    pub book: usize,
    /// Its odds net of its commission.
    pub net_odds: f64,
    /// The share of the whole stake that goes there, so that every outcome returns the same.
    pub stake_share: f64,
}

/// What the best prices over the books make together.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Arbitrage {
    /// The best price of each outcome.
    pub prices: Vec<BestPrice>,
    /// Profit per unit staked, the same whatever happens; negative where there is no arbitrage.
    pub sure_return: f64,
}

impl Arbitrage {
    /// Whether the prices leave a sure gain.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.sure_return > 0.0
    }
}

/// The best price of every outcome over the books and the stakes that return the same whatever
/// happens: shares `(1/odds) / Σ(1/odds)`, sure return `1/Σ(1/odds) − 1`, odds net of commission.
///
/// Commission is taken from each winning bet by itself; an exchange that holds several legs and
/// charges the market's net winnings leaves a little more.
///
/// # Errors
/// [`StakingError::Selections`] unless every book has the same number of outcomes, at least two;
/// [`StakingError::Commission`] outside 0..1.
pub fn arbitrage(books: &[Book]) -> Result<Arbitrage, StakingError> {
    let outcomes = books.first().map_or(0, |book| book.odds.len());
    let other = books.iter().map(|book| book.odds.len()).find(|other| *other != outcomes);
    if outcomes < 2 || other.is_some() {
        let other = other.unwrap_or(outcomes);
        return Err(StakingError::Selections { first: outcomes, other });
    }
    for book in books {
        if !(0.0..1.0).contains(&book.commission) {
            return Err(StakingError::Commission(book.commission));
        }
    }
    let net =
        |book: usize, at: usize| books[book].odds[at].net_of_commission(books[book].commission);
    let mut prices: Vec<BestPrice> = (0..outcomes)
        .map(|at| {
            let best = (1..books.len())
                .fold(0, |best, book| if net(book, at) > net(best, at) { book } else { best });
            BestPrice { book: best, net_odds: net(best, at), stake_share: 0.0 }
        })
        .collect();
    let sum: f64 = prices.iter().map(|price| 1.0 / price.net_odds).sum();
    prices.iter_mut().for_each(|price| price.stake_share = 1.0 / price.net_odds / sum);
    Ok(Arbitrage { prices, sure_return: 1.0 / sum - 1.0 })
}

/// A bet already placed on one outcome of a market.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// What was staked.
    pub stake: f64,
    /// At which odds, net of commission.
    pub net_odds: f64,
}

/// Further stakes, and what is sure with them.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Hedge {
    /// What to stake on each outcome now, none negative.
    pub stakes: Vec<f64>,
    /// The profit in the worst outcome, all stakes counted.
    pub sure_profit: f64,
}

/// The stakes at today's odds that make the worst outcome of what is already staked as good as it
/// can be, without laying.
///
/// Every outcome is raised to a common return `L`, `stake = (L − return)/odds` where it is below.
/// The sure profit rises with `L` while one over the odds of the outcomes below `L` sums to less
/// than one; `L` ends at the greatest return already held, so that nothing new is gambled.
/// `positions` holds one entry an outcome, with a stake of zero where nothing is staked.
///
/// # Errors
/// [`StakingError::Lengths`] unless there are as many positions as odds;
/// [`StakingError::Selections`] below two outcomes; [`StakingError::Odds`] and
/// [`StakingError::Amount`] for values that are none.
pub fn hedge(positions: &[Position], net_odds: &[f64]) -> Result<Hedge, StakingError> {
    let outcomes = positions.len();
    if outcomes != net_odds.len() {
        let odds = net_odds.len();
        return Err(StakingError::Lengths { odds, probabilities: outcomes });
    }
    if outcomes < 2 {
        return Err(StakingError::Selections { first: outcomes, other: outcomes });
    }
    let mut returns = Vec::with_capacity(outcomes);
    for (position, odds) in positions.iter().zip(net_odds) {
        checked_odds(*odds)?;
        // The odds of a bet that was not placed mean nothing.
        let stake = checked_amount(position.stake)?;
        returns.push(if stake > 0.0 { stake * checked_odds(position.net_odds)? } else { 0.0 });
    }
    let mut levels = returns.clone();
    levels.sort_by(f64::total_cmp);
    let mut level = levels[0];
    for next in levels {
        let below = returns.iter().zip(net_odds).filter(|(held, _)| **held < next);
        let cost: f64 = below.map(|(_, odds)| 1.0 / odds).sum();
        if cost >= 1.0 {
            break;
        }
        level = next;
    }
    let raised = returns.iter().zip(net_odds).map(|(held, odds)| (level - held).max(0.0) / odds);
    let stakes: Vec<f64> = raised.collect();
    let staked: f64 = positions.iter().map(|position| position.stake).sum();
    let sure_profit = level - staked - stakes.iter().sum::<f64>();
    Ok(Hedge { stakes, sure_profit })
}

/// The stake to lay on an exchange against a bet on the same outcome, so that both ways leave the
/// same: `stake·odds / (lay_odds − commission)`, commission being taken from the exchange's
/// winnings.
///
/// # Errors
/// [`StakingError::Amount`], [`StakingError::Odds`] or [`StakingError::Commission`] for values
/// that are none.
pub fn lay_stake(back: Position, lay_odds: f64, lay_commission: f64) -> Result<f64, StakingError> {
    if !(0.0..1.0).contains(&lay_commission) {
        return Err(StakingError::Commission(lay_commission));
    }
    let returned = checked_amount(back.stake)? * checked_odds(back.net_odds)?;
    Ok(returned / (checked_odds(lay_odds)? - lay_commission))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(odds: &[f64], commission: f64) -> Book {
        Book { odds: odds.iter().map(|odds| Odds::new(*odds).unwrap()).collect(), commission }
    }

    fn at(stake: f64, net_odds: f64) -> Position {
        Position { stake, net_odds }
    }

    #[test]
    fn the_arbitrage_that_penaltyblog_prints_comes_out() {
        let books = [
            book(&[2.80, 3.50, 3.10], 0.0),
            book(&[3.10, 3.40, 2.90], 0.0),
            book(&[3.00, 3.20, 3.00], 0.0),
        ];
        let found = arbitrage(&books).unwrap();
        assert!(found.exists() && (found.sure_return - 0.0742574).abs() < 1e-7);
        let shares = [0.3465347, 0.3069307, 0.3465347];
        for ((price, share), from) in found.prices.iter().zip(shares).zip([1, 0, 0]) {
            assert!((price.stake_share - share).abs() < 1e-7 && price.book == from, "{found:?}");
        }
    }

    #[test]
    fn a_commission_can_take_the_arbitrage_away() {
        let books = [book(&[2.1, 1.8], 0.0), book(&[1.8, 1.92], 0.05)];
        let found = arbitrage(&books).unwrap();
        assert!(!found.exists());
        assert!((found.prices[1].net_odds - 1.874).abs() < 1e-12);
        assert!(arbitrage(&[book(&[2.1, 1.8], 0.0), book(&[1.8, 1.92], 0.0)]).unwrap().exists());
    }

    #[test]
    fn the_hedge_that_penaltyblog_prints_comes_out() {
        let positions = [at(0.0, 1.5), at(0.0, 4.0), at(25.0, 6.0)];
        let hedged = hedge(&positions, &[2.5, 3.5, 3.0]).unwrap();
        for (stake, printed) in hedged.stakes.iter().zip([60.0, 42.86, 0.0]) {
            assert!((stake - printed).abs() < 0.005, "{hedged:?}");
        }
        assert!((hedged.sure_profit - 22.14).abs() < 0.005);
    }

    #[test]
    fn a_hedge_leaves_no_better_worst_case_and_gambles_nothing_new() {
        let positions = [at(50.0, 2.5), at(30.0, 4.0), at(0.0, 3.0)];
        let odds = [2.4, 3.8, 2.9];
        let hedged = hedge(&positions, &odds).unwrap();
        let worst = |stakes: &[f64]| {
            let all: f64 = 80.0 + stakes.iter().sum::<f64>();
            let held = [125.0, 120.0, 0.0];
            let profits = (0..3).map(|at| held[at] + stakes[at] * odds[at] - all);
            profits.fold(f64::INFINITY, f64::min)
        };
        assert!((worst(&hedged.stakes) - hedged.sure_profit).abs() < 1e-12);
        for outcome in 0..3 {
            for change in [-0.5, 0.5] {
                let mut other = hedged.stakes.clone();
                other[outcome] = (other[outcome] + change).max(0.0);
                assert!(worst(&other) <= hedged.sure_profit + 1e-12, "{outcome} {change}");
            }
        }
    }

    #[test]
    fn where_no_hedge_helps_none_is_staked() {
        let hedged = hedge(&[at(50.0, 3.5), at(0.0, 2.0)], &[3.0, 1.01]).unwrap();
        assert!(hedged.stakes[1] > 0.0, "{hedged:?}");
        let three = [at(50.0, 3.5), at(0.0, 2.0), at(0.0, 2.0)];
        let dear = hedge(&three, &[3.0, 1.9, 1.9]).unwrap();
        assert_eq!((dear.stakes, dear.sure_profit), (vec![0.0; 3], -50.0));
        let nothing = hedge(&[at(0.0, 2.0), at(0.0, 2.0)], &[2.2, 2.2]).unwrap();
        assert_eq!((nothing.stakes, nothing.sure_profit), (vec![0.0; 2], 0.0));
    }

    #[test]
    fn a_lay_leaves_the_same_both_ways() {
        let lay = lay_stake(at(100.0, 3.0), 2.5, 0.05).unwrap();
        let if_won = 100.0 * 2.0 - lay * 1.5;
        let if_lost = lay * 0.95 - 100.0;
        assert!((if_won - if_lost).abs() < 1e-12);
    }

    #[test]
    fn markets_and_values_that_are_none_are_refused() {
        assert_eq!(arbitrage(&[]), Err(StakingError::Selections { first: 0, other: 0 }));
        let uneven = arbitrage(&[book(&[2.0, 2.0], 0.0), book(&[2.0, 2.0, 3.0], 0.0)]);
        assert_eq!(uneven, Err(StakingError::Selections { first: 2, other: 3 }));
        assert!(arbitrage(&[book(&[2.0, 2.0], 1.0)]).is_err());
        assert!(arbitrage(&[book(&[2.0, 2.0], f64::NAN)]).is_err());
        assert!(hedge(&[at(1.0, 2.0)], &[2.0, 2.0]).is_err());
        assert!(hedge(&[at(-1.0, 2.0), at(0.0, 2.0)], &[2.0, 2.0]).is_err());
        assert!(hedge(&[at(1.0, 0.5), at(0.0, 2.0)], &[2.0, 2.0]).is_err());
        assert!(lay_stake(at(1.0, 2.0), 1.0, 0.0).is_err());
    }
}
