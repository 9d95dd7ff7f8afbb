//! The board: every price of a match at one moment, of those before it or of those in play.

use marabet_quant::Market;
use marabet_schemas::{Instant, MatchKey};
use marabet_stage::Within;

use crate::rules::{InForce, Plan};
use crate::state::State;
use crate::state::prices::{BookId, MarketRow, Price, SeenRow};
use crate::state::rows::{MatchRow, ModelRow};

/// What is known of a match, read by the decisions of one event.
#[derive(Clone, Copy)]
pub(crate) struct Board<'a> {
    pub(crate) state: &'a State,
    pub(crate) rules: &'a InForce,
    pub(crate) key: &'a MatchKey,
    pub(crate) row: &'a MatchRow,
    /// The prices are those taken in play.
    pub(crate) in_play: bool,
    seen: Option<&'a SeenRow>,
}

/// A market on the board.
#[derive(Clone, Copy)]
pub(crate) struct MarketView<'a> {
    pub(crate) market: Market,
    pub(crate) row: &'a MarketRow,
    pub(crate) model: Option<&'a ModelRow>,
}

impl<'a> Board<'a> {
    /// The board of a match; none for one of which nothing is known.
    pub(crate) fn of(state: &'a State, rules: &'a InForce, key: &'a MatchKey) -> Option<Self> {
        let row = state.matches.get(key)?;
        Some(Self { state, rules, key, row, in_play: false, seen: state.seen.get(key) })
    }

    /// The board with the prices taken in play, or with those of before.
    pub(crate) fn playing(self, in_play: bool) -> Self {
        Self { in_play, ..self }
    }

    /// The moment: the largest event time seen for the match.
    pub(crate) fn now(&self) -> Instant {
        self.row.now
    }

    /// A market that has prices.
    pub(crate) fn market(&self, market: Market) -> Option<MarketView<'a>> {
        let at = Within::new(self.key, market);
        let (markets, models) = if self.in_play {
            (&self.state.running, &self.state.running_models)
        } else {
            (&self.state.markets, &self.state.models)
        };
        let row = markets.get(&at)?;
        let model = self.rules.uses_model().then(|| models.get(&at)).flatten();
        Some(MarketView { market, row, model })
    }

    /// The markets that have prices, in order.
    pub(crate) fn markets(self) -> impl Iterator<Item = (Market, &'a MarketRow)> {
        let before = (!self.in_play).then(|| self.state.markets_of(self.key));
        let running = self.in_play.then(|| self.state.running_of(self.key));
        before.into_iter().flatten().chain(running.into_iter().flatten())
    }

    /// When a price was last known to stand.
    pub(crate) fn last_seen(&self, price: &Price) -> Instant {
        let looked_at = self.seen.and_then(|seen| seen.last(price.book));
        looked_at.map_or(price.at, |at| at.max(price.at))
    }

    /// Whether a price was seen recently enough for the strategy.
    pub(crate) fn is_fresh(&self, price: &Price, plan: &Plan) -> bool {
        let until = self.last_seen(price).plus_seconds(i64::from(plan.rules.max_age_s));
        self.now() <= until
    }

    /// Whether a price can stand for what its book thinks: it is offered, was seen recently
    /// enough, and is no error of the book's.
    pub(crate) fn is_reference(&self, market: Market, price: &Price, plan: &Plan) -> bool {
        price.is_live() && self.is_fresh(price, plan) && !self.is_under_round(market, price)
    }

    /// Whether the book's own market sums below what it must pay out (by more than rounding), and
    /// the book is no exchange.
    pub(crate) fn is_under_round(&self, market: Market, price: &Price) -> bool {
        let offered = &price.odds[..market.selections().len()];
        let sum: f64 = offered.iter().map(|odds| 1.0 / odds).sum();
        sum < winners(market) - 1e-9 && !self.rules.book(price.book).exchange
    }

    /// The median of what other books offer on a selection, of as many as there are.
    pub(crate) fn median_of_others(
        &self,
        view: &MarketView<'_>,
        selection: usize,
        plan: &Plan,
        without: BookId,
    ) -> Option<Median> {
        let others =
            view.row.prices.iter().filter(|price| {
                price.book != without && price.is_live() && self.is_fresh(price, plan)
            });
        let mut odds: Vec<f64> = others.map(|price| price.odds[selection]).collect();
        odds.sort_by(f64::total_cmp);
        let middle = odds.len() / 2;
        let value = match odds.len() {
            0 => return None,
            even if even % 2 == 0 => (odds[middle - 1] + odds[middle]) / 2.0,
            _ => odds[middle],
        };
        Some(Median { value, of: odds.len() })
    }
}

/// A median and how many values it is of.
pub(crate) struct Median {
    pub(crate) value: f64,
    pub(crate) of: usize,
}

/// How many selections of a market win: two of a double chance, else one. What a book's inverse
/// odds sum to without its margin.
pub(crate) fn winners(market: Market) -> f64 {
    match market.kind {
        marabet_quant::MarketKind::DoubleChance => 2.0,
        _ => 1.0,
    }
}
