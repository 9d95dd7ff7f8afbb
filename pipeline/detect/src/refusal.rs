//! Why a price that looks like value is not bet at.
//!
//! The first rule that applies is the reason. A reason is recorded once for each strategy, match,
//! market and book, and only for a price whose expected value by the strategy's own fair price
//! reaches its threshold: a price that nobody would have bet at needs no excuse.

use marabet_quant::{Market, Selection};
use marabet_schemas::bets::{RefusalReason, Refused};
use marabet_schemas::facts::FixtureStatus;

use crate::board::{Board, MarketView};
use crate::rules::{InForce, Plan};
use crate::state::prices::{BookId, Price};

/// With fewer other books than this a median names no culprit: of two prices that differ, either
/// may be the error. Then a price is held against the fair odds instead, by the same factor.
pub(crate) const OTHERS_MIN: usize = 2;

/// A refusal to be recorded, unless it was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) market: Market,
    pub(crate) book: Option<BookId>,
    pub(crate) selection: Option<Selection>,
    pub(crate) reason: RefusalReason,
    pub(crate) ev: Option<f64>,
    /// The reason is the whole market's: it is recorded once, whichever book came first.
    pub(crate) of_market: bool,
}

impl Refusal {
    /// A refusal of a price on a selection; of an aggregate's without a book.
    pub(crate) fn of_price(
        market: Market,
        book: Option<BookId>,
        selection: Selection,
        reason: RefusalReason,
    ) -> Self {
        Self { market, book, selection: Some(selection), reason, ev: None, of_market: false }
    }

    /// A refusal of a whole market.
    pub(crate) fn of_market(market: Market, book: Option<BookId>, reason: RefusalReason) -> Self {
        Self { market, book, selection: None, reason, ev: None, of_market: true }
    }

    /// Under which book the refusal is remembered.
    pub(crate) fn remembered_as(&self) -> Option<BookId> {
        self.book.filter(|_| !self.of_market)
    }

    /// The event.
    pub(crate) fn event(&self, rules: &InForce, plan: &Plan) -> Refused {
        Refused {
            strategy: plan.name.clone(),
            book: self.book.map(|book| rules.book(book).name.clone()),
            market: self.market,
            selection: self.selection,
            reason: self.reason,
            ev: self.ev,
        }
    }
}

/// Why no bet can be made on the match now, if so.
pub(crate) fn of_match(board: &Board<'_>) -> Option<RefusalReason> {
    let Some((kickoff, status)) = board.row.fixture else {
        return Some(RefusalReason::NoFixture);
    };
    if board.row.result.is_some() {
        return Some(RefusalReason::NotOpen);
    }
    match status {
        // Who reports prices in play may know that it is played before anyone says so.
        FixtureStatus::Scheduled if board.in_play && board.now() >= kickoff => None,
        FixtureStatus::Live if board.in_play => None,
        _ if board.in_play => Some(RefusalReason::NotOpen),
        FixtureStatus::Scheduled if board.now() < kickoff => None,
        FixtureStatus::Scheduled | FixtureStatus::Live => Some(RefusalReason::AfterKickoff),
        _ => Some(RefusalReason::NotOpen),
    }
}

/// Why a book's price on a selection is not bet at, if so. `fair_odds` are those of the
/// selection.
pub(crate) fn of_price(
    board: &Board<'_>,
    plan: &Plan,
    view: &MarketView<'_>,
    price: &Price,
    selection: usize,
    fair_odds: f64,
) -> Option<RefusalReason> {
    use RefusalReason as R;
    let odds = price.odds[selection];
    let rules = &plan.rules;
    if !board.rules.book(price.book).bettable || !plan.takes_book(price.book) {
        return Some(R::BookNotBettable);
    }
    if let Some(reason) = of_match(board) {
        return Some(reason);
    }
    if !board.is_fresh(price, plan) {
        return Some(R::Stale);
    }
    if board.is_under_round(view.market, price) {
        return Some(R::UnderRound);
    }
    if odds > rules.outlier_factor * usual(board, plan, view, price, selection, fair_odds) {
        return Some(R::Outlier);
    }
    if !(rules.odds_min.decimal()..=rules.odds_max.decimal()).contains(&odds) {
        return Some(R::OddsRange);
    }
    None
}

/// What a price is held against: the median of the other books, or the fair odds where too few
/// offer the selection.
pub(crate) fn usual(
    board: &Board<'_>,
    plan: &Plan,
    view: &MarketView<'_>,
    price: &Price,
    selection: usize,
    fair_odds: f64,
) -> f64 {
    let others = board.median_of_others(view, selection, plan, price.book);
    let median = others.filter(|others| others.of >= OTHERS_MIN).map(|median| median.value);
    // In play a price far above what is fair is most likely a goal that we have not heard of, and
    // then the others' prices have moved alike.
    match median {
        Some(median) if board.in_play => median.min(fair_odds),
        Some(median) => median,
        None => fair_odds,
    }
}
