//! What is value: a market's prices against what is fair, one selection a payoff.
//!
//! Reads the board and writes nothing: what is to be done comes back as a [`Verdict`].

use marabet_quant::payoff::Payoff;
use marabet_schemas::bets::RefusalReason;
use marabet_stage::Within;

use crate::board::{Board, MarketView};
use crate::fair::{Devigged, NoFair, Opinion};
use crate::offer::{Candidate, Offer, Wanted};
use crate::refusal::{self, Refusal};
use crate::rules::Plan;
use crate::scores::Scores;
use crate::stake;
use crate::state::prices::{BookId, PerSelection};
use crate::state::rows::BetRecord;

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
    pub(crate) fn candidates(&self, opinion: &Opinion, which: Which) -> Vec<Candidate> {
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

    /// Judges the candidates of one selection: what passes is a bet, or a better price for one
    /// that stands.
    fn selection(
        &mut self,
        at: usize,
        mut candidates: Vec<Candidate>,
        opinion: &Opinion,
        verdicts: &mut Vec<Verdict>,
        wanted: &mut Vec<Wanted>,
    ) {
        let market = self.view.market;
        let Ok(payoff) = Payoff::new(&market, market.selections()[at]) else { return };
        let bets = self.bets();
        let standing = standing(bets, payoff);
        if let Some((_, bet)) = standing {
            // What is not better than the price already shown changes nothing.
            let least = bet.shown.1 * (1.0 + BETTER_STEP);
            candidates.retain(|candidate| self.net(candidate) >= least);
        }
        let stakes = bets.iter().filter(|bet| !bet.is_void()).map(|bet| bet.stake.get());
        let no_room = standing.is_none() && stake::is_full(bets.len(), stakes, &self.plan.rules);
        let Some(best) = self.judged(candidates, no_room, verdicts) else { return };
        let offers = self.offers(&best, payoff, opinion);
        match standing {
            None => {
                // All earlier bets on the payoff are void, or one would stand.
                let firsts = bets.iter().filter(|bet| bet.payoff == payoff && bet.top_up == 0);
                let occurrence = firsts.count() as u16;
                wanted.push(Wanted { payoff, occurrence, top_up: 0, offers });
            }
            Some((bet, record)) => {
                if self.plan.rules.top_up {
                    let same = bets.iter().filter(|other| other.is_same_selection(record));
                    let (occurrence, top_up) = (record.occurrence, same.count() as u16);
                    wanted.push(Wanted { payoff, occurrence, top_up, offers: offers.clone() });
                }
                verdicts.push(Verdict::Show { bet, offers });
            }
        }
    }

    /// The best candidate that no rule refuses; with `no_room` there is none. The others' refusals
    /// are added to the verdicts.
    fn judged(
        &mut self,
        mut candidates: Vec<Candidate>,
        no_room: bool,
        verdicts: &mut Vec<Verdict>,
    ) -> Option<Offer> {
        candidates.sort_by(|one, other| {
            let by_name = || self.board.rules.by_name(one.0.book, other.0.book);
            self.net(other).total_cmp(&self.net(one)).then_with(by_name)
        });
        let market = self.view.market;
        let mut best = None;
        for candidate in candidates {
            let (price, at, fair) = &candidate;
            let fair_odds = 1.0 / fair.probabilities[*at];
            let reason =
                refusal::of_price(&self.board, self.plan, &self.view, price, *at, fair_odds)
                    .or_else(|| no_room.then_some(RefusalReason::NoStake));
            let selection = market.selections()[*at];
            let refusal =
                reason.map(|reason| Refusal::of_price(market, Some(price.book), selection, reason));
            if refusal.as_ref().is_some_and(|refusal| self.was_refused(refusal)) {
                continue;
            }
            let Some(offer) = self.offer(candidate) else { continue };
            match refusal {
                None => best = best.or(Some(offer)),
                Some(refusal) => {
                    verdicts.push(Verdict::Refuse(Refusal { ev: Some(offer.ev), ..refusal }));
                }
            }
        }
        best
    }

    fn net(&self, (price, at, _): &Candidate) -> f64 {
        self.board.rules.book(price.book).net(price.odds[*at])
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
            let refusal = Refusal::of_price(market, book, *selection, reason);
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
}

/// The first bet on the payoff that is not void, with its place.
fn standing(bets: &[BetRecord], payoff: Payoff) -> Option<(usize, &BetRecord)> {
    let mut bets = bets.iter().enumerate();
    bets.find(|(_, bet)| bet.payoff == payoff && bet.top_up == 0 && !bet.is_void())
}
