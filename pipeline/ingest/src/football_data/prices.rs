//! The prices of a row.

use marabet_quant::{Line, Odds};

use super::cells::{self, trimmed};
use super::columns::Family;
use super::header::{Header, MarketPlan};
use super::record::Price;
use super::row::{Columns, Fault};
use crate::reject::RejectKind;

/// The prices of every market that the row has whole, in the order of the header.
pub(super) fn prices(columns: &Columns<'_>, faults: &mut Vec<Fault>) -> Vec<Price> {
    let markets = &columns.header.markets;
    let mut prices = Vec::with_capacity(markets.len());
    // Several markets stand on one line; what is wrong with it is said once.
    let mut bad_lines: Vec<Option<u16>> = Vec::new();
    // The header has at most as many markets as columns: the count fits.
    for (plan, market) in (0_u16..).zip(markets) {
        let Some(odds) = odds(columns, market, faults) else { continue };
        let line = match market.family {
            Family::MatchOdds | Family::Totals(_) => None,
            Family::AsianHandicap => match market.line.map(|column| line(columns.cell(column))) {
                Some(Some(line)) => Some(line),
                _ if bad_lines.contains(&market.line) => continue,
                _ => {
                    bad_lines.push(market.line);
                    let column = market.line.unwrap_or(market.columns[0]);
                    let missing = market.line.is_none_or(|line| columns.cell(line).is_empty());
                    let reason = if missing {
                        "no Asian handicap beside its prices: the prices are left out"
                    } else {
                        "no Asian handicap in quarter goals: the prices that stand on it are left \
                         out"
                    };
                    let column = Some(usize::from(column));
                    faults.push(Fault { column, ..Fault::new(RejectKind::Line, reason) });
                    continue;
                }
            },
        };
        let books = market.books.and_then(|column| cells::count(columns.cell(column), 9999));
        prices.push(Price { plan, books, line, odds });
    }
    drop_impossible_extremes(columns.header, &mut prices, faults);
    prices
}

/// A maximum over books that is this many times their mean is taken for a slip of the keys.
const EXTREME_MAX: f64 = 1.8;

/// Leaves out maxima that lie below the mean of the same prices, the mean with them since one of
/// the two is wrong, and maxima that lie absurdly far above it.
fn drop_impossible_extremes(header: &Header, prices: &mut Vec<Price>, faults: &mut Vec<Fault>) {
    for &(max_plan, avg_plan) in &header.extremes {
        let find = |plan| prices.iter().find(|price| price.plan == plan).map(|price| price.odds);
        let (Some(max), Some(avg)) = (find(max_plan), find(avg_plan)) else { continue };
        let ratio = |selection: &usize| max[*selection].decimal() / avg[*selection].decimal();
        let mut selections = 0..header.markets[usize::from(max_plan)].columns().len();
        let Some(selection) =
            selections.find(|selection| !(1.0..=EXTREME_MAX).contains(&ratio(selection)))
        else {
            continue;
        };
        let column = |plan: u16| header.markets[usize::from(plan)].columns[selection];
        let (max, avg) = (max[selection], avg[selection]);
        let mut leave_out = |plan: u16, reason: String| {
            prices.retain(|price| price.plan != plan);
            faults.push(Fault::at(column(plan), RejectKind::Contradiction, reason));
        };
        if max < avg {
            let reason = format!("the maximum {max} lies below the mean {avg}: both are left out");
            leave_out(max_plan, reason.clone());
            leave_out(avg_plan, reason);
        } else {
            let reason = format!(
                "the maximum {max} is more than {EXTREME_MAX} times the mean {avg}: it is left out"
            );
            leave_out(max_plan, reason);
        }
    }
}

/// The prices of a market; none where the cells are empty, or with a fault where one is bad.
fn odds(columns: &Columns<'_>, market: &MarketPlan, faults: &mut Vec<Fault>) -> Option<[Odds; 3]> {
    let of_market = market.columns();
    let mut empty = None;
    let mut odds = [None; 3];
    for (place, &column) in odds.iter_mut().zip(of_market) {
        let cell = columns.cell(column);
        if cell.is_empty() {
            empty = Some(column);
            continue;
        }
        *place = cells::decimal(cell).and_then(|decimal| Odds::new(decimal).ok());
        if place.is_none() {
            let reason = "no decimal odds above 1: this market of this book is left out";
            faults.push(Fault::at(column, RejectKind::Odds, reason));
            return None;
        }
    }
    let first = odds.iter().flatten().next().copied()?;
    if let Some(column) = empty {
        let reason = "no price beside the others of its market: this market of this book is left \
                      out";
        faults.push(Fault::at(column, RejectKind::Incomplete, reason));
        return None;
    }
    Some(odds.map(|odds| odds.unwrap_or(first)))
}

/// A handicap: `-0.75`, or as the two lines that a quarter line is made of, `-0.5,-1`.
fn line(cell: &[u8]) -> Option<Line> {
    let Some(comma) = cell.iter().position(|&byte| byte == b',') else {
        return Line::new(cells::decimal(cell)?).ok();
    };
    let (first, second) = (cells::decimal(trimmed(&cell[..comma]))?, &cell[comma + 1..]);
    let second = cells::decimal(trimmed(second))?;
    let apart = (first - second).abs() == 0.5;
    apart.then(|| Line::new((first + second) / 2.0).ok()).flatten()
}
