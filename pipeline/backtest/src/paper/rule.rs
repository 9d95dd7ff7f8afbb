//! The paper's rule and its calibration.

use marabet_quant::payoff::Payoff;
use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::{Book, StakeFraction};
use serde::Serialize;

use super::collect::{PaperMatch, Prices};
use crate::account::{Made, MadeEnd};
use crate::measure;

/// What is taken from `1/mean odds`: the books' margin, and the value asked for.
const MARGIN: f64 = 0.05;
/// Fewest books that a mean is over.
const BOOKS_MIN: usize = 4;
/// Width of a bin of the calibration.
const BIN: f64 = 0.0125;
/// Fewest matches of a bin.
const BIN_MIN: usize = 100;
/// The stake: 50 of a bankroll of 10,000.
const SHARE: f64 = 0.005;

const OUTCOMES: [&str; 3] = ["home", "draw", "away"];

/// A line through the shares that occurred over `1/mean odds`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fit {
    /// The outcome.
    pub outcome: &'static str,
    /// Slope.
    pub slope: f64,
    /// Intercept.
    pub intercept: f64,
    /// Share of variance explained.
    pub r2: f64,
    /// Bins with enough matches.
    pub bins: usize,
    /// Matches.
    pub matches: usize,
}

/// What the rule brought on some prices over some years.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// On what.
    pub title: String,
    /// At prices that nobody offers.
    pub aggregates: bool,
    /// Matches looked at.
    pub matches: usize,
    /// Bets.
    pub bets: usize,
    /// Return on what was staked.
    pub r#yield: Option<f64>,
    /// 95 % interval: bootstrap over match-days.
    pub ci95: Option<[f64; 2]>,
    /// Share that won.
    pub won: Option<f64>,
    /// Mean odds.
    pub odds: Option<f64>,
    /// Share of bets on home, draw, away.
    pub mix: [f64; 3],
    /// What bets on all matches in the same mix of outcomes bring, at the same kind of price.
    pub at_random: Option<f64>,
    /// Mean closing-line value, and the share of bets that have one.
    pub clv: Option<(f64, f64)>,
}

/// A bet that the rule finds.
struct Found<'a> {
    of: &'a PaperMatch,
    outcome: usize,
    odds: f64,
    probability: f64,
    book: Option<&'a Book>,
}

/// The prices that a run is on.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Books,
    Maxima,
    /// Maxima that are no more than 1.25 times the mean.
    Plausible,
    ClosingMaxima,
}

/// Means, best odds, and who offers these.
type Shown<'a> = ([f64; 3], [f64; 3], [Option<&'a Book>; 3]);

/// The mean and the best odds of each outcome, with the book that offers the best.
fn prices(of: &PaperMatch, on: On) -> Option<Shown<'_>> {
    let nobody = [None; 3];
    match on {
        On::Maxima | On::Plausible => {
            let few = of.counted.is_some_and(|books| usize::from(books) < BOOKS_MIN);
            if few { None } else { Some((of.mean?, of.max?, nobody)) }
        }
        On::ClosingMaxima => Some((of.closing_mean?, of.closing_max?, nobody)),
        On::Books => {
            if of.books.len() < BOOKS_MIN {
                return None;
            }
            let (mut mean, mut best, mut who) = ([0.0; 3], [0.0; 3], nobody);
            for (book, odds) in &of.books {
                for at in 0..3 {
                    mean[at] += odds[at] / of.books.len() as f64;
                    if odds[at] > best[at] {
                        (best[at], who[at]) = (odds[at], Some(book));
                    }
                }
            }
            Some((mean, best, who))
        }
    }
}

/// The rule: the outcome of greatest value, where it is above nothing.
fn found(of: &PaperMatch, on: On) -> Option<Found<'_>> {
    let (mean, best, who) = prices(of, on)?;
    let value = |at: usize| (1.0 / mean[at] - MARGIN) * best[at] - 1.0;
    let plausible = |at: &usize| on != On::Plausible || best[*at] <= 1.25 * mean[*at];
    let outcome = (0..3)
        .filter(plausible)
        .max_by(|one, other| value(*one).total_cmp(&value(*other)))
        .filter(|at| value(*at) > 0.0)?;
    let (odds, book) = (best[outcome], who[outcome]);
    Some(Found { of, outcome, odds, probability: 1.0 / mean[outcome] - MARGIN, book })
}

impl Found<'_> {
    fn profit(&self) -> f64 {
        if self.of.result == self.outcome { self.odds - 1.0 } else { -1.0 }
    }

    fn clv(&self) -> Option<f64> {
        self.of.closing.map(|closing| closing[self.outcome] * self.odds - 1.0)
    }
}

/// The rule on every kind of price that the files hold, in the paper's years and after.
pub(super) fn runs(matches: &[PaperMatch]) -> Vec<Run> {
    let split = "2015-07-01T00:00:00Z".parse().unwrap_or_default();
    let (within, after): (Vec<&PaperMatch>, Vec<&PaperMatch>) =
        matches.iter().partition(|one| one.kickoff < split);
    let mut runs = Vec::new();
    for (years, matches) in [("to June 2015", &within), ("from July 2015", &after)] {
        for (on, what) in [
            (On::Maxima, "maxima over books, before the match"),
            (On::Plausible, "the same, maxima above 1.25 times the mean left out"),
            (On::ClosingMaxima, "closing maxima over books"),
            (On::Books, "the best of the named books, before the match"),
        ] {
            runs.extend(run_on(matches, on, &format!("{what}, {years}")));
        }
    }
    runs
}

/// The rule on one kind of price.
#[must_use]
pub fn run(matches: &[PaperMatch], on: Prices, title: &str) -> Option<Run> {
    let matches: Vec<&PaperMatch> = matches.iter().collect();
    run_on(&matches, kind(on), title)
}

fn kind(prices: Prices) -> On {
    match prices {
        Prices::Books => On::Books,
        Prices::Maxima => On::Maxima,
    }
}

fn run_on(matches: &[&PaperMatch], on: On, title: &str) -> Option<Run> {
    let priced: Vec<&PaperMatch> =
        matches.iter().copied().filter(|one| prices(one, on).is_some()).collect();
    if priced.is_empty() {
        return None;
    }
    let bets: Vec<Found<'_>> = priced.iter().filter_map(|one| found(one, on)).collect();
    let n = bets.len() as f64;
    let mean = |value: &dyn Fn(&Found<'_>) -> f64| {
        (!bets.is_empty()).then(|| bets.iter().map(value).sum::<f64>() / n)
    };
    let mix = [0, 1, 2].map(|outcome| {
        bets.iter().filter(|bet| bet.outcome == outcome).count() as f64 / n.max(1.0)
    });
    let at_random: f64 = (0..3).map(|outcome| mix[outcome] * blind(&priced, on, outcome)).sum();
    let clvs: Vec<f64> = bets.iter().filter_map(Found::clv).collect();
    let clv = (!clvs.is_empty())
        .then(|| (clvs.iter().sum::<f64>() / clvs.len() as f64, clvs.len() as f64 / n));
    Some(Run {
        title: title.to_owned(),
        aggregates: on != On::Books,
        matches: priced.len(),
        bets: bets.len(),
        r#yield: mean(&|bet| bet.profit()),
        ci95: measure::ratio_by_day(
            bets.iter().map(|bet| (bet.of.kickoff.days().floor() as i64, bet.profit(), 1.0)),
        ),
        won: mean(&|bet| f64::from(u8::from(bet.of.result == bet.outcome))),
        odds: mean(&|bet| bet.odds),
        mix,
        at_random: (!bets.is_empty()).then_some(at_random),
        clv,
    })
}

/// What a bet on this outcome of every match brings.
fn blind(matches: &[&PaperMatch], on: On, outcome: usize) -> f64 {
    let profit = |one: &&PaperMatch| {
        let (_, best, _) = prices(one, on)?;
        Some(if one.result == outcome { best[outcome] - 1.0 } else { -1.0 })
    };
    let profits: Vec<f64> = matches.iter().filter_map(profit).collect();
    profits.iter().sum::<f64>() / profits.len().max(1) as f64
}

/// The paper's calibration: bins of `1/mean odds` with at least 100 matches, and a line of least
/// squares through the share of each that occurred.
#[must_use]
pub fn calibrate(matches: &[PaperMatch]) -> Vec<Fit> {
    (0..3).filter_map(|outcome| fit(matches, outcome)).collect()
}

fn fit(matches: &[PaperMatch], outcome: usize) -> Option<Fit> {
    let mut bins = vec![(0.0, 0.0, 0_usize); 81];
    let mut count = 0;
    for one in matches {
        let Some(mean) = one.mean else { continue };
        let p = 1.0 / mean[outcome];
        let Some(bin) = bins.get_mut((p / BIN) as usize) else { continue };
        bin.0 += p;
        bin.1 += f64::from(u8::from(one.result == outcome));
        bin.2 += 1;
        count += 1;
    }
    let points: Vec<(f64, f64)> = bins
        .iter()
        .filter(|bin| bin.2 >= BIN_MIN)
        .map(|(p, occurred, n)| (p / *n as f64, occurred / *n as f64))
        .collect();
    let n = points.len() as f64;
    if points.len() < 3 {
        return None;
    }
    let (mx, my) = points.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / n, sum.1 + p.1 / n));
    let over = |value: &dyn Fn(f64, f64) -> f64| -> f64 {
        points.iter().map(|(x, y)| value(x - mx, y - my)).sum()
    };
    let (xx, xy, yy) = (over(&|x, _| x * x), over(&|x, y| x * y), over(&|_, y| y * y));
    let slope = xy / xx;
    Some(Fit {
        outcome: OUTCOMES[outcome],
        slope,
        intercept: my - slope * mx,
        r2: xy * xy / (xx * yy),
        bins: points.len(),
        matches: count,
    })
}

/// The rule's bet on a match, for the portfolio.
pub(super) fn made(of: &PaperMatch, on: Prices) -> Option<Made> {
    let bet = found(of, kind(on))?;
    let market = Market::MATCH_ODDS;
    let selection = [Selection::Home, Selection::Draw, Selection::Away][bet.outcome];
    let won = of.result == bet.outcome;
    let book = bet.book.cloned();
    Some(Made {
        key: of.key.clone(),
        at: of.at,
        quoted_at: of.at,
        kickoff: of.kickoff,
        book: book.unwrap_or_else(|| Book::new(marabet_detect::survey::MARKET_MAX)),
        market,
        selection,
        payoff: Payoff::new(&market, selection).ok()?,
        occurrence: 0,
        odds: Odds::new(bet.odds).ok()?,
        net_odds: bet.odds,
        probability: bet.probability,
        ev: bet.probability * bet.odds - 1.0,
        share: StakeFraction::new(SHARE).ok()?,
        ended: Some(MadeEnd {
            at: of.ended,
            outcome: if won { BetOutcome::Win } else { BetOutcome::Loss },
            profit: bet.profit(),
            clv: bet.clv(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_match(number: usize, mean: [f64; 3], max: [f64; 3], result: usize) -> PaperMatch {
        let key = format!("E0|2010-11|A{number}|B|1").parse().unwrap();
        let at = marabet_schemas::Instant::default().plus_seconds(number as i64 * 86_400);
        PaperMatch {
            key,
            at,
            kickoff: at.plus_seconds(3_600),
            ended: at.plus_seconds(10_000),
            result,
            mean: Some(mean),
            max: Some(max),
            closing_mean: None,
            closing_max: None,
            counted: Some(20),
            books: Vec::new(),
            closing: None,
        }
    }

    #[test]
    fn the_rule_bets_where_the_best_odds_beat_the_mean_and_the_margin() {
        // 1/2 − 0.05 = 0.45: value above odds of 2.2222.
        for (best, bets) in [(2.22, 0), (2.23, 1)] {
            let matches = [a_match(1, [2.0, 3.4, 4.0], [best, 3.5, 4.1], 0)];
            let run = run(&matches, Prices::Maxima, "").unwrap();
            assert_eq!(run.bets, bets, "{best}");
        }
        let mut few = a_match(1, [2.0, 3.4, 4.0], [2.5, 3.5, 4.1], 0);
        few.counted = Some(3);
        assert!(run(&[few], Prices::Maxima, "").is_none());
    }

    #[test]
    fn one_bet_a_match_the_one_of_greatest_value() {
        let both = a_match(1, [2.0, 3.4, 4.0], [2.3, 3.5, 6.0], 2);
        let bet = made(&both, Prices::Maxima).unwrap();
        assert_eq!((bet.selection, bet.odds.decimal()), (Selection::Away, 6.0));
        assert!((bet.ev - (0.2 * 6.0 - 1.0)).abs() < 1e-12);
        assert_eq!(bet.ended.unwrap().profit, 5.0);
    }

    #[test]
    fn the_best_of_named_books_asks_for_four_of_them() {
        let mut one = a_match(1, [2.0; 3], [2.0; 3], 0);
        let books = ["a", "b", "c", "d"];
        one.books = books.iter().map(|name| ((*name).into(), [2.0, 3.4, 4.0])).collect();
        one.books[3].1[0] = 2.4;
        let bet = made(&one, Prices::Books).unwrap();
        assert_eq!((bet.book.as_str(), bet.odds.decimal()), ("d", 2.4));
        one.books.pop();
        assert!(made(&one, Prices::Books).is_none());
    }

    #[test]
    fn a_market_with_a_constant_margin_has_slope_one() {
        // 200 matches in each of many bins, of which the fair share occurs.
        let mut matches = Vec::new();
        for step in 1..=30 {
            let p = 0.2 + 0.0125 * f64::from(step) + 0.006;
            for n in 0..200_usize {
                let occurs = (n as f64) < (p - 0.04) * 200.0;
                let mean = [1.0 / p, 3.4, 4.0];
                matches.push(a_match(n, mean, mean, usize::from(!occurs)));
            }
        }
        let fit = &calibrate(&matches)[0];
        assert!((fit.slope - 1.0).abs() < 0.02 && fit.r2 > 0.999, "{fit:?}");
        assert!((fit.intercept + 0.04).abs() < 0.01, "{fit:?}");
    }
}
