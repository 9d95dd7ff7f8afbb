//! Offers: the prices for a payoff that are value, wherever they are sold.

use marabet_quant::outcome::Outcomes;
use marabet_quant::payoff::Payoff;
use marabet_quant::{Market, Selection};

use crate::board::{Board, MarketView};
use crate::fair::{FairMarket, Opinion, Parties};
use crate::refusal;
use crate::rules::Plan;
use crate::scores::can_push;
use crate::state::prices::{BookId, Price};
use crate::value::{Look, Memo, Which};

/// A price whose conditional value reaches the threshold, with the fair price that says so.
pub(crate) type Candidate = (Price, usize, FairMarket);

/// A price on a payoff that is value by a strategy's rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Offer {
    pub(crate) price: Price,
    pub(crate) market: Market,
    /// Place of the selection in its market.
    pub(crate) at: usize,
    pub(crate) net_odds: f64,
    /// The fair price that says so, of this market and place, which has the same payoff.
    pub(crate) fair: FairMarket,
    pub(crate) fair_market: Market,
    pub(crate) fair_at: usize,
    pub(crate) outcomes: Outcomes,
    pub(crate) ev: f64,
}

impl Offer {
    pub(crate) fn selection(&self) -> Selection {
        self.market.selections()[self.at]
    }

    pub(crate) fn odds(&self) -> f64 {
        self.price.odds[self.at]
    }

    /// The fair probability, conditional on the stake being decided.
    pub(crate) fn probability(&self) -> f64 {
        self.fair.probabilities[self.fair_at]
    }
}

/// A bet that is wanted, before its stake.
pub(crate) struct Wanted {
    pub(crate) payoff: Payoff,
    pub(crate) occurrence: u16,
    pub(crate) top_up: u16,
    pub(crate) offers: Vec<Offer>,
}

impl Look<'_> {
    /// The candidate with its five outcomes; none where they leave too little value.
    pub(crate) fn offer(&mut self, (price, at, fair): Candidate) -> Option<Offer> {
        let outcomes = self.outcomes(&fair, at, Some(price.book))?;
        let net_odds = self.board.rules.book(price.book).net(price.odds[at]);
        let ev = outcomes.expected_return(net_odds);
        (ev >= self.plan.rules.ev_min).then_some(Offer {
            price,
            market: self.view.market,
            at,
            net_odds,
            fair,
            fair_market: self.view.market,
            fair_at: at,
            outcomes,
            ev,
        })
    }

    /// The probabilities of the five outcomes of a selection.
    pub(crate) fn outcomes(
        &mut self,
        fair: &FairMarket,
        at: usize,
        offering: Option<BookId>,
    ) -> Option<Outcomes> {
        let market = self.view.market;
        if let (Parties::NoBook, Some(model)) = (fair.parties, self.view.model) {
            return Outcomes::new(*model.0.outcomes().get(at)?).ok();
        }
        if !can_push(market) {
            return Outcomes::two_way(fair.probabilities[at]).ok();
        }
        let Memo { devigged, scores } = &mut *self.memo;
        let matrix = scores.behind(&self.board, self.plan, &self.view, fair, offering, devigged)?;
        matrix.outcomes(&market, market.selections()[at]).ok()
    }

    /// Every price for the payoff that is value and not refused, the best net price first: in
    /// this market, and in others with the same payoff where the book has no part in the fair
    /// price.
    pub(crate) fn offers(&mut self, best: &Offer, payoff: Payoff, opinion: &Opinion) -> Vec<Offer> {
        let (board, plan) = (self.board, self.plan);
        let mut offers = Vec::new();
        for candidate in self.candidates(opinion, Which::All) {
            let (price, at, fair) = candidate;
            let fair_odds = 1.0 / fair.probabilities[at];
            let view = self.view;
            if at == best.at
                && refusal::of_price(&board, plan, &view, &price, at, fair_odds).is_none()
            {
                offers.extend(self.offer(candidate));
            }
        }
        offers.extend(self.elsewhere(best, payoff));
        offers.sort_by(|one, other| {
            let by_name = || board.rules.by_name(one.price.book, other.price.book);
            let by_price = other.net_odds.total_cmp(&one.net_odds);
            by_price.then_with(by_name).then_with(|| one.market.cmp(&other.market))
        });
        offers
    }

    /// The prices for the payoff in other markets, held against the same fair price.
    pub(crate) fn elsewhere(&self, best: &Offer, payoff: Payoff) -> Vec<Offer> {
        let mut offers = Vec::new();
        for (market, row) in self.board.markets() {
            if market == self.view.market {
                continue;
            }
            let mut selections = market.selections().iter();
            let same = selections.position(|s| Payoff::new(&market, *s) == Ok(payoff));
            let Some(at) = same else { continue };
            let view = MarketView { market, row, model: None };
            offers.extend(elsewhere(&self.board, self.plan, &view, at, best));
        }
        offers
    }
}

/// The prices for a payoff in another market, held against the same fair price.
fn elsewhere(
    board: &Board<'_>,
    plan: &Plan,
    view: &MarketView<'_>,
    at: usize,
    best: &Offer,
) -> Vec<Offer> {
    let takes_part = |book| match best.fair.parties {
        Parties::NoBook => false,
        Parties::Book(reference) => book == reference,
        Parties::AllBut(but) => Some(book) != but,
    };
    let offer = |price: &Price| {
        let net_odds = board.rules.book(price.book).net(price.odds[at]);
        let ev = best.outcomes.expected_return(net_odds);
        let fair_odds = 1.0 / best.probability();
        let is_value = price.is_live() && ev >= plan.rules.ev_min;
        let stands = is_value
            && !takes_part(price.book)
            && refusal::of_price(board, plan, view, price, at, fair_odds).is_none();
        stands.then_some(Offer { price: *price, market: view.market, at, net_odds, ev, ..*best })
    };
    view.row.prices.iter().filter_map(offer).collect()
}
