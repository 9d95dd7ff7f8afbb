//! The rows that stand for matches, models, bets and refusals.

use marabet_quant::payoff::Payoff;
use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::{BetOutcome, ClosingLineValue, ModelView, OutcomeRow, RefusalReason};
use marabet_schemas::facts::{FixtureStatus, ResultStatus};
use marabet_schemas::{BetId, Book, Forecast, Instant, StakeFraction};
use serde::{Deserialize, Serialize};

use super::prices::BookId;

/// Where a match stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatchRow {
    /// The largest event time seen for the match.
    pub(crate) now: Instant,
    /// The last known kick-off and status.
    pub(crate) fixture: Option<(Instant, FixtureStatus)>,
    /// The last result's status, until the match is set for a kick-off still to come.
    pub(crate) result: Option<ResultStatus>,
    /// The score of the last result that was played, home then away.
    pub(crate) played: Option<[u8; 2]>,
    /// How many markets have prices.
    pub(crate) markets: u16,
    /// How many bets are not settled.
    pub(crate) unsettled: u16,
}

impl MatchRow {
    pub(crate) fn new(now: Instant) -> Self {
        Self { now, fixture: None, result: None, played: None, markets: 0, unsettled: 0 }
    }

    /// The last known kick-off.
    pub(crate) fn kickoff(&self) -> Option<Instant> {
        self.fixture.map(|(kickoff, _)| kickoff)
    }
}

/// What happened last in a match that is played, after which every price is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlayRow {
    /// The score, as far as it was told.
    pub(crate) score: Option<[u8; 2]>,
    /// When it last changed, or the match was interrupted or went on.
    pub(crate) since: Instant,
}

/// What the model in force makes of a market, as the last priced quote said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "ModelFields", into = "ModelFields")]
pub(crate) struct ModelRow(pub(crate) Forecast);

/// The row as it is written.
#[derive(Serialize, Deserialize)]
struct ModelFields {
    view: ModelView,
    outcomes: Vec<OutcomeRow>,
}

impl From<ModelFields> for ModelRow {
    fn from(ModelFields { view, outcomes }: ModelFields) -> Self {
        Self(Forecast::new(view, outcomes))
    }
}

impl From<ModelRow> for ModelFields {
    fn from(ModelRow(forecast): ModelRow) -> Self {
        Self { view: forecast.model().clone(), outcomes: forecast.outcomes().to_vec() }
    }
}

/// The bets of one strategy on one match.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct BetsRow {
    /// In the order in which they were alerted.
    pub(crate) bets: Vec<BetRecord>,
}

/// A bet: its price of record, what is shown of it, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BetRecord {
    pub(crate) id: BetId,
    pub(crate) payoff: Payoff,
    pub(crate) occurrence: u16,
    pub(crate) top_up: u16,
    pub(crate) book: Book,
    pub(crate) market: Market,
    pub(crate) selection: Selection,
    pub(crate) odds: Odds,
    pub(crate) net_odds: f64,
    pub(crate) ev: f64,
    pub(crate) stake: StakeFraction,
    pub(crate) quoted_at: Instant,
    /// The kick-off as it was known at the alert.
    pub(crate) kickoff: Instant,
    /// Made while the match was played.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) in_play: bool,
    /// The revision last shown, and the best net price shown so far.
    pub(crate) shown: (u16, f64),
    /// The last settlement.
    pub(crate) settled: Option<Settled>,
}

impl BetRecord {
    /// Whether the other bet is on the same payoff and of the same occurrence: one tops the other
    /// up.
    pub(crate) fn is_same_selection(&self, other: &Self) -> bool {
        self.payoff == other.payoff && self.occurrence == other.occurrence
    }

    /// Whether the stake was returned because the match did not settle it.
    pub(crate) fn is_void(&self) -> bool {
        self.settled.as_ref().is_some_and(|settled| settled.outcome == BetOutcome::Void)
    }
}

/// A bet's last settlement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) revision: u16,
    pub(crate) outcome: BetOutcome,
    /// Void for good: a later result does not bring the bet back.
    pub(crate) is_final: bool,
    pub(crate) score: Option<[u8; 2]>,
    pub(crate) clv: Option<ClosingLineValue>,
    pub(crate) reason: Option<String>,
}

/// Which refusals of one strategy on one match were recorded, so that each is recorded once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefusedRow(Vec<(Market, u16, u32)>);

/// Most pairs of market and book of a strategy and match whose refusals are remembered. Beyond
/// it none is recorded.
const REFUSED_MAX: usize = 2048;

/// Stands for no book in particular: an aggregate, or a market as a whole.
const NO_BOOK: u16 = u16::MAX;

impl RefusedRow {
    /// Whether this refusal was recorded, or can be no more.
    pub(crate) fn has(&self, market: Market, book: Option<BookId>, reason: RefusalReason) -> bool {
        match self.place(market, book) {
            Ok(place) => self.0[place].2 & bit(reason) != 0,
            Err(_) => self.0.len() >= REFUSED_MAX,
        }
    }

    /// Remembers this refusal.
    pub(crate) fn record(&mut self, market: Market, book: Option<BookId>, reason: RefusalReason) {
        match self.place(market, book) {
            Ok(place) => self.0[place].2 |= bit(reason),
            Err(place) => self.0.insert(place, (market, number(book), bit(reason))),
        }
    }

    fn place(&self, market: Market, book: Option<BookId>) -> Result<usize, usize> {
        let sought = (market, number(book));
        self.0.binary_search_by_key(&sought, |(market, book, _)| (*market, *book))
    }
}

fn number(book: Option<BookId>) -> u16 {
    book.map_or(NO_BOOK, |book| book.0)
}

/// The reasons' places in the row are a part of its form: a new reason takes the next bit.
fn bit(reason: RefusalReason) -> u32 {
    use RefusalReason as R;
    1 << match reason {
        R::Aggregate => 0,
        R::Closing => 1,
        R::AfterKickoff => 2,
        R::Outlier => 3,
        R::UnderRound => 4,
        R::Stale => 5,
        R::NoFairPrice => 6,
        R::DevigFailed => 7,
        R::UnsupportedMarket => 8,
        R::NoFixture => 9,
        R::BookNotBettable => 10,
        R::OddsRange => 11,
        R::NoStake => 12,
        R::NotOpen => 13,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_remembered_by_market_book_and_reason() {
        let mut row = RefusedRow::default();
        let (one, other): (Market, Market) = ("1x2".parse().unwrap(), "btts".parse().unwrap());
        row.record(one, Some(BookId(4)), RefusalReason::Stale);
        row.record(one, Some(BookId(4)), RefusalReason::Outlier);
        row.record(other, None, RefusalReason::Aggregate);
        assert!(row.has(one, Some(BookId(4)), RefusalReason::Stale));
        assert!(row.has(one, Some(BookId(4)), RefusalReason::Outlier));
        assert!(row.has(other, None, RefusalReason::Aggregate));
        for (market, book, reason) in [
            (one, Some(BookId(4)), RefusalReason::UnderRound),
            (one, Some(BookId(5)), RefusalReason::Stale),
            (other, Some(BookId(4)), RefusalReason::Stale),
            (one, None, RefusalReason::Aggregate),
        ] {
            assert!(!row.has(market, book, reason), "{market} {book:?} {reason:?}");
        }
        let bytes = rmp_serde::to_vec_named(&row).unwrap();
        assert_eq!(rmp_serde::from_slice::<RefusedRow>(&bytes).unwrap(), row);
    }

    #[test]
    fn beyond_its_bound_no_refusal_is_recorded() {
        let mut row = RefusedRow::default();
        let market: Market = "1x2".parse().unwrap();
        for book in 0..REFUSED_MAX as u16 {
            assert!(!row.has(market, Some(BookId(book)), RefusalReason::Stale));
            row.record(market, Some(BookId(book)), RefusalReason::Stale);
        }
        assert!(row.has(market, Some(BookId(9999)), RefusalReason::Stale));
        assert!(!row.has(market, Some(BookId(9)), RefusalReason::Outlier));
    }
}
