//! What is value: a market's prices against what is fair, one selection a payoff.
//!
//! Reads the board and writes nothing: what is to be done comes back as a [`Verdict`].

use marabet_quant::outcome::Outcomes;
use marabet_quant::payoff::Payoff;
use marabet_quant::{Market, Selection};
use marabet_schemas::bets::RefusalReason;

use crate::board::{Board, MarketView};
use crate::fair::{Devigged, FairMarket, NoFair, Opinion, Parties};
use crate::refusal::{self, Refusal};
use crate::rules::Plan;
use crate::scores::{Scores, can_push};
use crate::stake;
use crate::state::prices::{BookId, PerSelection, Price};
use crate::state::rows::BetRecord;
use crate::state::within::Within;

/// How much better the best net price must be than the one shown for a new revision: one
/// hundredth. As a revision's price is the best yet and a price is taken for an error above 1.25
/// times the others', there are few.
pub(crate) const BETTER_STEP: f64 = 0.01;

/// What is computed from the state and kept beside it.
#[derive(Default)]
pub(crate) struct Memo {
    pub(crate) devigged: Devigged,
    pub(crate) scores: Scores,
}

/// Which books' prices an event makes worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All: what is fair may have changed.
    All,
    /// One: its price has.
    Book(BookId),
}

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

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// Record a refusal.
    Refuse(Refusal),
    /// Make a bet: the first offer is its price of record, the others stand beside it.
    Bet { payoff: Payoff, occurrence: u16, top_up: u16, offers: Vec<Offer>, stake: f64 },
    /// Show a better price for the bet at this place among the strategy's.
    Show { bet: usize, offers: Vec<Offer> },
}

/// One strategy's look at one market.
pub(crate) struct Look<'a> {
    pub(crate) board: Board<'a>,
    pub(crate) plan: &'a Plan,
    pub(crate) view: MarketView<'a>,
    pub(crate) memo: &'a mut Memo,
}

/// A price whose conditional value reaches the threshold, with the fair price that says so.
type Candidate = (Price, usize, FairMarket);

impl<'a> Look<'a> {
    /// What follows from the market's prices as they stand.
    pub(crate) fn decide(&mut self, which: Which) -> Vec<Verdict> {
        let opinion = Opinion::of(&self.board, self.plan, &self.view, &mut self.memo.devigged);
        let candidates = self.candidates(&opinion, which);
        let mut verdicts = Vec::new();
        if candidates.is_empty() {
            verdicts.extend(self.no_fair(&opinion).map(Verdict::Refuse));
            return verdicts;
        }
        let mut wanted = Vec::new();
        for at in 0..self.view.market.selections().len() {
            let of_selection = candidates.iter().filter(|(_, place, _)| *place == at).copied();
            let of_selection: Vec<Candidate> = of_selection.collect();
            if !of_selection.is_empty() {
                self.selection(at, of_selection, &opinion, &mut verdicts, &mut wanted);
            }
        }
        if !wanted.is_empty() {
            stake::stake(self, wanted, &mut verdicts);
        }
        verdicts
    }

    /// The prices that are value if what comes back is left out of account, which it can only
    /// make smaller: cheap to see, and nothing for nearly every quote.
    fn candidates(&self, opinion: &Opinion, which: Which) -> Vec<Candidate> {
        let mut found = Vec::new();
        let least = 1.0 + self.plan.rules.ev_min;
        for price in self.view.row.prices.iter().filter(|price| price.is_live()) {
            if matches!(which, Which::Book(book) if book != price.book) {
                continue;
            }
            let Ok(fair) = opinion.without(Some(price.book)) else { continue };
            let book = self.board.rules.book(price.book);
            for at in 0..usize::from(self.view.row.selections) {
                if fair.probabilities[at] * book.net(price.odds[at]) >= least {
                    found.push((*price, at, fair));
                }
            }
        }
        found
    }

    /// Why there is no fair price for the market, once a later moment than its first has come:
    /// until then the reference may be on its way with the other books.
    fn no_fair(&self, opinion: &Opinion) -> Option<Refusal> {
        let (book, reason) = match opinion.without(None) {
            Ok(_) => return None,
            Err(NoFair::Nothing) => (None, RefusalReason::NoFairPrice),
            Err(NoFair::Stale(book)) => (Some(book), RefusalReason::Stale),
            Err(NoFair::Devig(book)) => (Some(book), RefusalReason::DevigFailed),
        };
        let is_late = self.board.now() > self.view.row.first_at;
        if !is_late || refusal::of_match(&self.board).is_some() {
            return None;
        }
        let refusal = Refusal::of_market(self.view.market, book, reason);
        (!self.was_refused(&refusal)).then_some(refusal)
    }

    /// Judges the candidates of one selection.
    fn selection(
        &mut self,
        at: usize,
        mut candidates: Vec<Candidate>,
        opinion: &Opinion,
        verdicts: &mut Vec<Verdict>,
        wanted: &mut Vec<Wanted>,
    ) {
        let (market, plan) = (self.view.market, self.plan);
        let Ok(payoff) = Payoff::new(&market, market.selections()[at]) else { return };
        let bets = self.bets();
        let standing = standing(bets, payoff);
        let is_full = stake::is_full(bets, plan);
        // What is not better than the price already shown changes nothing.
        let least = standing.map(|(_, bet)| bet.shown.1 * (1.0 + BETTER_STEP));
        let net =
            |(price, at, _): &Candidate| self.board.rules.book(price.book).net(price.odds[*at]);
        candidates.retain(|candidate| least.is_none_or(|least| net(candidate) >= least));
        candidates.sort_by(|one, other| {
            let by_name = || self.board.rules.by_name(one.0.book, other.0.book);
            net(other).total_cmp(&net(one)).then_with(by_name)
        });
        let mut passes = None;
        for candidate in candidates {
            let (price, _, fair) = candidate;
            let fair_odds = 1.0 / fair.probabilities[at];
            let reason = refusal::of_price(&self.board, plan, &self.view, &price, at, fair_odds)
                .or_else(|| (is_full && standing.is_none()).then_some(RefusalReason::NoStake));
            let refusal = reason.map(|reason| Refusal {
                market,
                book: Some(price.book),
                selection: Some(market.selections()[at]),
                reason,
                ev: None,
                of_market: false,
            });
            if refusal.as_ref().is_some_and(|refusal| self.was_refused(refusal)) {
                continue;
            }
            let Some(offer) = self.offer(candidate) else { continue };
            match refusal {
                None => passes = passes.or(Some(offer)),
                Some(refusal) => {
                    verdicts.push(Verdict::Refuse(Refusal { ev: Some(offer.ev), ..refusal }));
                }
            }
        }
        let Some(best) = passes else { return };
        let offers = self.offers(&best, payoff, opinion);
        match standing {
            None => wanted.push(Wanted {
                payoff,
                occurrence: bets
                    .iter()
                    .filter(|bet| bet.payoff == payoff && bet.top_up == 0)
                    .count() as u16,
                top_up: 0,
                offers,
            }),
            Some((bet, record)) => {
                if plan.rules.top_up {
                    let added =
                        bets.iter().filter(|other| other.is_same_selection(record)).count() as u16;
                    wanted.push(Wanted {
                        payoff,
                        occurrence: record.occurrence,
                        top_up: added,
                        offers: offers.clone(),
                    });
                }
                verdicts.push(Verdict::Show { bet, offers });
            }
        }
    }

    /// The strategy's bets on the match.
    pub(crate) fn bets(&self) -> &'a [BetRecord] {
        let at = Within::new(self.board.key, self.plan.name.clone());
        self.board.state.bets.get(&at).map_or(&[], |row| &row.bets)
    }

    fn was_refused(&self, refusal: &Refusal) -> bool {
        let at = Within::new(self.board.key, self.plan.name.clone());
        let refused = self.board.state.refused.get(&at);
        let (market, book) = (refusal.market, refusal.remembered_as());
        refused.is_some_and(|refused| refused.has(market, book, refusal.reason))
    }

    /// Whether a price that cannot be bet at looks like value, which is then refused for this
    /// reason. `book` is none for an aggregate.
    pub(crate) fn refuse(
        &mut self,
        odds: &PerSelection,
        book: Option<BookId>,
        reason: RefusalReason,
    ) -> Option<Verdict> {
        let (market, board) = (self.view.market, self.board);
        let opinion = Opinion::of(&board, self.plan, &self.view, &mut self.memo.devigged);
        let Ok(fair) = opinion.without(book) else {
            // By the closing prices at the latest a market shows that nobody says what is fair.
            let refusal = self.no_fair(&opinion)?;
            let is_lacking = refusal.reason != RefusalReason::Stale;
            return is_lacking.then_some(Verdict::Refuse(refusal));
        };
        let net = |odds: f64| book.map_or(odds, |book| board.rules.book(book).net(odds));
        for (at, selection) in market.selections().iter().enumerate() {
            let net_odds = net(odds[at]);
            if fair.probabilities[at] * net_odds < 1.0 + self.plan.rules.ev_min {
                continue;
            }
            let refusal = Refusal {
                market,
                book,
                selection: Some(*selection),
                reason,
                ev: None,
                of_market: false,
            };
            if self.was_refused(&refusal) {
                return None;
            }
            let ev = self.outcomes(&fair, at, book)?.expected_return(net_odds);
            if ev >= self.plan.rules.ev_min {
                return Some(Verdict::Refuse(Refusal { ev: Some(ev), ..refusal }));
            }
        }
        None
    }

    /// The candidate with its five outcomes; none where they leave too little value.
    fn offer(&mut self, (price, at, fair): Candidate) -> Option<Offer> {
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
    fn outcomes(
        &mut self,
        fair: &FairMarket,
        at: usize,
        offering: Option<BookId>,
    ) -> Option<Outcomes> {
        let market = self.view.market;
        if let (Parties::NoBook, Some(model)) = (fair.parties, self.view.model) {
            return Outcomes::new(*model.outcomes.get(at)?).ok();
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
    fn offers(&mut self, best: &Offer, payoff: Payoff, opinion: &Opinion) -> Vec<Offer> {
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
        for (market, row) in board.state.markets_of(board.key) {
            if market == self.view.market {
                continue;
            }
            let selections = market.selections().iter();
            let same = selections.clone().position(|s| Payoff::new(&market, *s) == Ok(payoff));
            let Some(at) = same else { continue };
            let view = MarketView { market, row, model: None };
            offers.extend(elsewhere(&board, plan, &view, at, best));
        }
        offers.sort_by(|one, other| {
            let by_name = || board.rules.by_name(one.price.book, other.price.book);
            let by_price = other.net_odds.total_cmp(&one.net_odds);
            by_price.then_with(by_name).then_with(|| one.market.cmp(&other.market))
        });
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

/// A bet that is wanted, before its stake.
pub(crate) struct Wanted {
    pub(crate) payoff: Payoff,
    pub(crate) occurrence: u16,
    pub(crate) top_up: u16,
    pub(crate) offers: Vec<Offer>,
}

/// The first bet on the payoff that is not void, with its place.
fn standing(bets: &[BetRecord], payoff: Payoff) -> Option<(usize, &BetRecord)> {
    let mut bets = bets.iter().enumerate();
    bets.find(|(_, bet)| bet.payoff == payoff && bet.top_up == 0 && !bet.is_void())
}
