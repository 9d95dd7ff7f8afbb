//! Closing-line value: what a bet's price was worth by the last price before the off.
//!
//! Net odds × the closing fair probability − 1. The closing price is a reference book's last one
//! before the actual kick-off, if it was known to stand within the last hour before it, or the
//! one that its source calls closing; its margin is taken out (power by default). Where the line
//! moved, the book's closing prices are re-priced to the bet's line through a score matrix that
//! has them, and the figure is flagged. A bet that was made in play is not measured: the last
//! price before the off knew another score.

use marabet_quant::payoff::Payoff;
use marabet_quant::{Market, Selection};
use marabet_schemas::Instant;
use marabet_schemas::bets::{ClosingLineValue, ReferencePrice};

use crate::board::Board;
use crate::fair::{devig_price, odds_of};
use crate::scores::Known;
use crate::state::prices::{BookId, MarketRow, PerSelection, Price};
use crate::state::rows::BetRecord;

/// A price that was not known to stand for longer than this before the kick-off does not close:
/// with it a bet would be measured against the prices of its own day.
const CLOSING_AGE_MAX_S: i64 = 3_600;

/// A closing price and the fair probabilities behind it.
struct Close<'a> {
    market: Market,
    price: &'a Price,
    fair: PerSelection,
}

/// The closing-line value of a bet on a match that was played; none where no reference has a
/// closing price for it.
pub(crate) fn value(board: &Board<'_>, bet: &BetRecord) -> Option<ClosingLineValue> {
    if bet.in_play {
        return None;
    }
    let kickoff = board.row.kickoff()?;
    // The first book with anything to say is the reference: the book comes before the line.
    let mut references = board.rules.closing.iter().enumerate();
    references.find_map(|(order, book)| {
        let closes = closes(board, *book, kickoff);
        let (close, probability, repriced) = same_payoff(&closes, bet)
            .map(|(close, p)| (close, p, false))
            .or_else(|| repriced(&closes, bet).map(|(close, p)| (close, p, true)))?;
        Some(ClosingLineValue {
            value: bet.net_odds * probability - 1.0,
            reference: ReferencePrice {
                book: board.rules.book(*book).name.clone(),
                market: close.market,
                odds: odds_of(close.market, close.price.odds),
                at: close.price.at,
            },
            fallback: order > 0,
            repriced,
            probability,
        })
    })
}

/// A book's closing prices, where its margin can be taken out and it is no error: an exchange
/// apart, a market that sums below one is.
fn closes<'a>(board: &Board<'a>, book: BookId, kickoff: Instant) -> Vec<Close<'a>> {
    let stood_until = kickoff.plus_seconds(-CLOSING_AGE_MAX_S);
    let markets = board.state.markets_of(board.key);
    let close = |(market, row): (Market, &'a MarketRow)| {
        let price =
            row.closing_price(book, kickoff, stood_until, |price| board.last_seen(price))?;
        let fair = (!board.is_under_round(market, price))
            .then(|| devig_price(market, price.odds, board.rules.closing_devig))??;
        Some(Close { market, price, fair })
    };
    markets.filter_map(close).collect()
}

/// The closing price of the bet's own market, else of another with the same payoff.
fn same_payoff<'c, 'a>(closes: &'c [Close<'a>], bet: &BetRecord) -> Option<(&'c Close<'a>, f64)> {
    let probability = |close: &Close<'_>| {
        let pays_the_same = |s: &Selection| Payoff::new(&close.market, *s) == Ok(bet.payoff);
        close.market.selections().iter().position(pays_the_same).map(|at| close.fair[at])
    };
    let own = closes.iter().filter(|close| close.market == bet.market);
    let others = closes.iter().filter(|close| close.market != bet.market);
    own.chain(others).find_map(|close| Some((close, probability(close)?)))
}

/// The closing price on the line nearest to the bet's, re-priced to the bet's line.
fn repriced<'c, 'a>(closes: &'c [Close<'a>], bet: &BetRecord) -> Option<(&'c Close<'a>, f64)> {
    let sought = bet.payoff.market();
    let line = sought.line()?.quarters();
    let distance = |close: &&Close<'_>| {
        let other = close.market.line().filter(|_| close.market.family() == sought.family());
        other.map_or(i32::MAX, |other| (i32::from(other.quarters()) - i32::from(line)).abs())
    };
    // Of two lines equally near the first in order counts: the lower one.
    let nearest = closes.iter().filter(|close| distance(close) < i32::MAX).min_by_key(distance)?;
    let mut known = Known::default();
    for close in closes {
        known.add(close.market, &close.fair);
    }
    let matrix = known.tilted_to(nearest.market, &nearest.fair)?;
    let probability = matrix.payoff_outcomes(&bet.payoff).ok()?.conditional_win()?;
    Some((nearest, probability))
}
