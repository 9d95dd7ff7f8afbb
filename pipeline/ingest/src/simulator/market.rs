//! What the market believes, and the prices that the books make of it.

use marabet_quant::devig::price_with_margin;
use marabet_quant::matrix::{ScoreMatrix, rho_bounds};
use marabet_quant::outcome::Outcomes;
use marabet_quant::{Line, Market, MarketKind, Odds};
use marabet_schemas::facts::OddsList;

use super::chance::Chance;
use super::settings::{BookSettings, Settings};

/// The expected goals of a match and Dixon and Coles' ρ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    pub(super) lambda: f64,
    pub(super) mu: f64,
    pub(super) rho: f64,
}

impl Rates {
    /// The rates with ρ drawn in to where every score has a probability.
    pub(super) fn new(lambda: f64, mu: f64, rho: f64) -> Self {
        let (low, high) = rho_bounds(lambda, mu);
        Self { lambda, mu, rho: rho.clamp(0.9 * low, 0.9 * high) }
    }

    pub(super) fn matrix(self) -> ScoreMatrix {
        ScoreMatrix::dixon_coles(self.lambda, self.mu, self.rho)
            .expect("the settings and the bounds on the rates keep them within the law")
    }

    /// The same match with each side's rate mistaken by a factor of `exp(error)`.
    fn mistaken(self, [home, away]: [f64; 2]) -> Self {
        let rate = |rate: f64, error: f64| (rate * libm::exp(error)).clamp(0.05, 9.0);
        Self::new(rate(self.lambda, home), rate(self.mu, away), self.rho)
    }
}

/// What the market believes of a match, hour by hour before kick-off, and what each book adds.
#[derive(Debug, Clone)]
pub(super) struct Beliefs {
    /// The error in the logarithm of each side's rate, by hours before kick-off.
    common: Vec<[f64; 2]>,
    /// Each book's own.
    own: Vec<[f64; 2]>,
}

impl Beliefs {
    /// Draws what the market comes to know, backwards from kick-off: a random walk whose
    /// deviation grows from the closing error by the opening error over 120 hours.
    pub(super) fn draw(settings: &Settings, chance: &mut Chance) -> Self {
        let market = settings.market;
        let step = market.error_opening / libm::sqrt(120.0);
        let mut error = [chance.normal(market.error_closing), chance.normal(market.error_closing)];
        let mut common = vec![error];
        for _ in 0..settings.horizon_hours() {
            error = error.map(|error| error + chance.normal(step));
            common.push(error);
        }
        let own = settings
            .books
            .iter()
            .map(|book| [chance.normal(book.error), chance.normal(book.error)])
            .collect();
        Self { common, own }
    }

    /// The sharp view of the match this many hours before kick-off.
    pub(super) fn market(&self, rates: Rates, hours: u16) -> ScoreMatrix {
        rates.mistaken(self.common[usize::from(hours)]).matrix()
    }

    /// A book's view: the market's, as late as the book is, with the book's own error.
    pub(super) fn book(&self, rates: Rates, book: usize, hours: u16, lag: u16) -> ScoreMatrix {
        let common = self.common[usize::from(hours) + usize::from(lag)];
        let own = self.own[book];
        rates.mistaken([common[0] + own[0], common[1] + own[1]]).matrix()
    }
}

/// The goals over and under which the books take bets.
const TOTAL: f64 = 2.5;

/// The markets that a book offers, the handicap on this line.
pub(super) fn offered(book: &BookSettings, line: Line) -> Vec<Market> {
    let mut markets = vec![Market::MATCH_ODDS];
    if book.margin_two_way.is_some() {
        let total = Line::new(TOTAL).expect("two and a half goals are a line");
        markets.push(Market::full_time(MarketKind::Totals(total)));
        markets.push(Market::full_time(MarketKind::AsianHandicap(line)));
    }
    markets
}

/// The handicap at which the sides are most nearly equal.
pub(super) fn balanced_line(matrix: &ScoreMatrix) -> Line {
    let lines = (-12..=12).filter_map(|quarters| Line::from_quarters(quarters).ok());
    let imbalance = |line: &Line| {
        let market = Market::full_time(MarketKind::AsianHandicap(*line));
        let home = outcomes(matrix, &market)[0].conditional_win().unwrap_or(1.0);
        (home - 0.5).abs()
    };
    lines
        .min_by(|a, b| imbalance(a).total_cmp(&imbalance(b)))
        .expect("there are lines to choose from")
}

/// The outcomes of each selection of a market.
pub(super) fn outcomes(matrix: &ScoreMatrix, market: &Market) -> Vec<Outcomes> {
    let of = |&selection| matrix.outcomes(market, selection);
    let outcomes: Result<_, _> = market.selections().iter().map(of).collect();
    outcomes.expect("the markets offered are of the full match, and the selections their own")
}

/// The prices that a book makes of its view. None where a price would leave the odds that a book
/// offers.
pub(super) fn prices(
    book: &BookSettings,
    matrix: &ScoreMatrix,
    market: &Market,
) -> Option<OddsList> {
    let margin = match market.kind {
        MarketKind::MatchOdds => book.margin_match_odds,
        _ => book.margin_two_way?,
    };
    // Of a bet that can come back the price speaks of what is decided alone.
    let fair: Option<Vec<f64>> =
        outcomes(matrix, market).iter().map(Outcomes::conditional_win).collect();
    let odds = price_with_margin(book.method, &fair?, margin).ok()?;
    odds.into_iter().map(|odds| rounded(odds.decimal())).collect()
}

/// Prices with one of them replaced, and the others moved so that the margin stays, as far as
/// they stay within what a book offers.
pub(super) fn with_mistake(prices: &[Odds], at: usize, odds: Odds) -> OddsList {
    let implied = |odds: Odds| 1.0 / odds.decimal();
    let overround: f64 = prices.iter().copied().map(implied).sum();
    let others = overround - implied(prices[at]);
    let scale = (overround - implied(odds)) / others;
    let moved = |(index, price): (usize, &Odds)| {
        if index == at { odds } else { rounded(price.decimal() / scale).unwrap_or(*price) }
    };
    prices.iter().enumerate().map(moved).collect()
}

/// Odds as books write them, in steps that grow with the odds, rounded down. None beyond what a
/// book offers.
pub(super) fn rounded(odds: f64) -> Option<Odds> {
    let steps_per_unit = match odds {
        ..10.0 => 100.0,
        ..50.0 => 10.0,
        _ => 1.0,
    };
    // What is a step but for the last digits of a float is that step.
    let odds = libm::floor(odds * steps_per_unit + 1e-6) / steps_per_unit;
    if (1.01..=501.0).contains(&odds) { Odds::new(odds).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_without_error_makes_prices_of_its_margin() {
        let settings = Settings::default();
        let matrix = Rates::new(1.5, 1.1, -0.05).matrix();
        let line = balanced_line(&matrix);
        for book in &settings.books {
            for market in offered(book, line) {
                let prices = prices(book, &matrix, &market).unwrap();
                let overround: f64 = prices.iter().map(|odds| 1.0 / odds.decimal()).sum();
                let margin = match market.kind {
                    MarketKind::MatchOdds => book.margin_match_odds,
                    _ => book.margin_two_way.unwrap(),
                };
                // Rounding down adds at most a step of each price.
                let off = overround - 1.0 - margin;
                assert!((-1e-6..0.012).contains(&off), "{} {market}: {off}", book.name);
            }
        }
    }

    #[test]
    fn a_mistake_keeps_the_margin_of_its_market() {
        let odds = |decimals: [f64; 3]| decimals.map(|decimal| Odds::new(decimal).unwrap());
        let mistaken = with_mistake(&odds([2.0, 3.5, 3.8]), 0, Odds::new(2.3).unwrap());
        assert_eq!(mistaken[0].decimal(), 2.3);
        let overround: f64 = mistaken.iter().map(|odds| 1.0 / odds.decimal()).sum();
        let before: f64 = [2.0, 3.5, 3.8].iter().map(|odds| 1.0 / odds).sum();
        assert!((overround - before).abs() < 0.006, "{overround} {before}");
    }

    #[test]
    fn odds_are_rounded_down_to_their_steps() {
        for (odds, expected) in [(1.919, 1.91), (2.3, 2.3), (12.37, 12.3), (77.7, 77.0)] {
            assert_eq!(rounded(odds).unwrap().decimal(), expected);
        }
        assert_eq!((rounded(1.001), rounded(900.0)), (None, None));
    }

    #[test]
    fn the_line_of_a_favourite_is_negative() {
        let line = balanced_line(&Rates::new(2.4, 0.8, -0.05).matrix());
        assert!((-2.0..=-1.0).contains(&line.goals()), "{line}");
    }
}
