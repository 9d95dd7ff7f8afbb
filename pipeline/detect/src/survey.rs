//! Everything that any strategy might bet at: what a sweep over many strategies reads.
//!
//! A strategy is an opinion of what is fair (its *view*) and filters over prices that are value by
//! it. The [`Survey`] drives the stage with views instead of strategies: where the stage would
//! bet, it notes every price that is value at all, with what the filters ask of it and how a bet
//! at it ended. Which of them a strategy bets at follows from the rows alone:
//!
//! - Rows of one [`Opportunity::look`] came of one event. Where a row of a payoff not yet bet
//!   passes the filters and has [`Opportunity::trigger`], the best net price of the look's rows of
//!   that payoff is bet at: of those in the market looked at, and of those [`Opportunity::via`]
//!   the best trigger.
//! - The stakes of a look are decided together by [`crate::stake`], over the matrix of
//!   [`Opportunity::scores`] of the first payoff's best row.
//!
//! Refused for every strategy of the view, and so not noted, is what the match's state, the
//! quote's age or an under-round market rules out; a book that takes no bets, an odds range and
//! an outlier are the filters' matter. Maxima over books are noted as offers of the book
//! [`MARKET_MAX`], which is none.

use std::collections::BTreeMap;

use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::payoff::Payoff;
use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::strategy::{BookRules, Rules};
use marabet_schemas::{BetId, Body, Book, Event, Instant, MatchKey, StakeFraction, StrategyName};
use marabet_stage::{Artefacts, Derived, Fault, Stage, Within};

use crate::board::Board;
use crate::closing;
use crate::desk::Desk;
use crate::fair::Opinion;
use crate::offer::{Candidate, Offer};
use crate::refusal;
use crate::rules;
use crate::scores::Known;
use crate::settle;
use crate::stage::Detect;
use crate::state::prices::{BookId, PerSelection, Price};
use crate::state::rows::{BetRecord, BetsRow, Settled};
use crate::value::{Look, Memo, Which};

/// The book that stands for a maximum over books, at which nobody can bet.
pub const MARKET_MAX: &str = "market_max";

/// A price that is value by a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Opportunity {
    /// The match.
    pub key: MatchKey,
    /// The view: the name that it has among the survey's strategies.
    pub view: StrategyName,
    /// Counts the looks of the view at the match that found something, from 0.
    pub look: u32,
    /// Counts the rows of the look, from 0.
    pub row: u32,
    /// The moment: the match's event time.
    pub at: Instant,
    /// Whose price.
    pub book: Book,
    /// A maximum over books, not a book's price.
    pub aggregate: bool,
    /// The market that it is offered in.
    pub market: Market,
    /// The selection.
    pub selection: Selection,
    /// What it pays on.
    pub payoff: Payoff,
    /// The odds.
    pub odds: Odds,
    /// The odds net of commission.
    pub net_odds: f64,
    /// The fair probability, conditional on the stake being decided.
    pub probability: f64,
    /// Expected value, net of commission.
    pub ev: f64,
    /// The usual odds: a strategy takes more than its outlier factor times these for an error.
    pub usual: f64,
    /// The event made this price worth a look.
    pub trigger: bool,
    /// Offered in another market than the one looked at, as the same payoff as this row's.
    pub via: Option<u32>,
    /// When it was quoted.
    pub quoted_at: Instant,
    /// The kick-off as it was known.
    pub kickoff: Instant,
    /// The matrix behind it.
    pub scores: ScoreRecipe,
    /// How a bet at it ended; none where nobody knows yet.
    pub ended: Option<Ended>,
}

/// The score matrix behind a fair price: what makes it again, to the digit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRecipe {
    /// Expected goals of the home side, of the away side, and the dependence of low scores.
    pub goals: [f64; 3],
    /// The market whose fair price it is tilted to.
    pub market: Market,
    /// That price: probabilities of the market's selections, conditional on a decision.
    pub fair: [f64; 3],
}

impl ScoreRecipe {
    /// The matrix; none where no matrix has the fair price.
    #[must_use]
    pub fn matrix(&self) -> Option<ScoreMatrix> {
        Known::of_goals(self.goals).tilted_to(self.market, &self.fair)
    }
}

/// How a bet ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    /// What became of the stake.
    pub outcome: BetOutcome,
    /// When it was first settled.
    pub at: Instant,
    /// Profit of one unit staked.
    pub profit: f64,
    /// Closing-line value, where there is a closing price.
    pub clv: Option<Closing>,
    /// From this look on the bet was void and its payoff could be bet again.
    pub void_from: Option<u32>,
}

/// A bet's closing-line value, and how it came about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Closing {
    /// The value.
    pub value: f64,
    /// The reference is not the first choice.
    pub fallback: bool,
    /// The line had moved, and the closing price was re-priced.
    pub repriced: bool,
}

/// Drives the stage over priced quotes and notes what is value.
pub struct Survey {
    detect: Detect,
    rejected: u64,
}

impl Survey {
    /// A survey by the views of these rules: the name, fair price and staleness of each strategy
    /// count; its `ev_min` is the least value noted, and its filters and stakes are passed over.
    ///
    /// # Errors
    /// [`Fault::Rejected`] for rules that no decision could follow from.
    pub fn new(rules: &Rules) -> Result<Self, Fault> {
        let mut rules = rules.clone();
        rules.books.values_mut().for_each(|book| book.bettable = true);
        rules.books.insert(MARKET_MAX.into(), BookRules { exchange: true, ..Default::default() });
        for view in rules.strategies.values_mut() {
            view.markets.clear();
            view.competitions.clear();
            view.books.clear();
            view.outlier_factor = OUTLIER_MAX;
            view.odds_min = odds(ODDS_MIN);
            view.odds_max = odds(ODDS_MAX);
        }
        let mut detect = Detect::new();
        detect.publish(&ConfigPublished::new(1, rules))?;
        rules::name_books(&mut detect.state, [&Book::new(MARKET_MAX)])?;
        let max = detect.book(&MARKET_MAX.into())?;
        detect.survey = Some(Box::new(Sink::new(max)));
        Ok(Self { detect, rejected: 0 })
    }

    /// Takes in an event of the priced stream. Rules that it brings are passed over, and an event
    /// that the stage rejects is counted.
    pub fn observe(&mut self, event: &Event, artefacts: &dyn Artefacts) {
        if let Body::ConfigPublished(_) = &event.body {
            return;
        }
        let mut derived = Derived::without_views();
        match self.detect.apply(event, artefacts, &mut derived) {
            Ok(()) => self.detect.tables().into_iter().for_each(marabet_stage::Rows::keep),
            Err(_) => {
                self.detect.tables().into_iter().for_each(marabet_stage::Rows::take_back);
                self.detect.forget_memo();
                self.rejected += 1;
            }
        }
    }

    /// How many events were rejected.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// What was noted of matches that were closed since the last call: match by match, in the
    /// order in which it was noted.
    pub fn take(&mut self) -> Vec<Opportunity> {
        let sink = self.detect.survey.as_deref_mut();
        sink.map_or_else(Vec::new, |sink| std::mem::take(&mut sink.done))
    }

    /// What was noted and not yet taken, of matches that were never closed too.
    #[must_use]
    pub fn finish(mut self) -> Vec<Opportunity> {
        let mut all = self.take();
        if let Some(sink) = self.detect.survey {
            all.extend(sink.pending.into_values().flat_map(|open| open.rows));
        }
        all
    }
}

/// No price is a greater multiple of what is usual.
const OUTLIER_MAX: f64 = 1_000.0;
const ODDS_MIN: f64 = 1.000_001;
const ODDS_MAX: f64 = 1e6;

fn odds(value: f64) -> Odds {
    Odds::new(value).expect("the bounds are above one")
}

/// Where the survey's notes are kept.
pub(crate) struct Sink {
    /// The book that maxima are noted as.
    max: BookId,
    maxima: BTreeMap<Within<Market>, Price>,
    pending: BTreeMap<MatchKey, Open>,
    done: Vec<Opportunity>,
    /// What was last found to be known of scores, and what it says.
    goals: Option<(Known, [f64; 3])>,
}

/// What was noted of a match that is not over.
#[derive(Default)]
struct Open {
    rows: Vec<Opportunity>,
    looks: BTreeMap<StrategyName, u32>,
}

impl Sink {
    fn new(max: BookId) -> Self {
        Self {
            max,
            maxima: BTreeMap::new(),
            pending: BTreeMap::new(),
            done: Vec::new(),
            goals: None,
        }
    }

    /// Takes in a maximum over books and returns the book that stands for it.
    pub(crate) fn maximum(
        &mut self,
        key: &MatchKey,
        market: Market,
        at: Instant,
        odds: PerSelection,
    ) -> BookId {
        let price = Price { book: self.max, at, odds, gone: None };
        self.maxima.insert(Within::new(key, market), price);
        self.max
    }

    fn goals(&mut self, known: Known) -> [f64; 3] {
        match self.goals {
            Some((last, goals)) if last == known => goals,
            _ => {
                let (lambda, mu, rho) = known.goals();
                let goals = [lambda, mu, rho];
                self.goals = Some((known, goals));
                goals
            }
        }
    }

    fn close(&mut self, key: &MatchKey) {
        if let Some(open) = self.pending.remove(key) {
            self.done.extend(open.rows);
        }
        let first = Within::new(key, Market::MATCH_ODDS);
        let of_match = self.maxima.range(first..).take_while(|(at, _)| at.key == *key);
        let of_match: Vec<Within<Market>> = of_match.map(|(at, _)| at.clone()).collect();
        for at in of_match {
            self.maxima.remove(&at);
        }
    }
}

/// An offer, and how it came to be looked at.
struct Noted {
    offer: Offer,
    trigger: bool,
    via: Option<u32>,
}

/// Notes what is value in a market. True when something was.
pub(crate) fn look(look: &mut Look<'_>, which: Which, sink: &mut Sink) -> bool {
    let board = look.board;
    let Some(kickoff) = board.row.kickoff() else { return false };
    if refusal::of_match(&board).is_some() {
        return false;
    }
    let opinion = Opinion::of(&board, look.plan, &look.view, &mut look.memo.devigged);
    let mut candidates = look.candidates(&opinion, Which::All);
    candidates.extend(maxima(look, &opinion, sink));
    let mut noted: Vec<Noted> = Vec::new();
    for at in 0..look.view.market.selections().len() {
        let of_selection = candidates.iter().filter(|(_, place, _)| *place == at).copied();
        selection(look, of_selection, which, sink.max, &mut noted);
    }
    if noted.is_empty() {
        return false;
    }
    let open = sink.pending.entry(board.key.clone()).or_default();
    let number = open.looks.entry(look.plan.name.clone()).or_default();
    let this_look = *number;
    *number += 1;
    for (row, noted) in (0..).zip(noted) {
        let scores = recipe(look, &noted.offer, sink);
        let opportunity = opportunity(look, &noted, (this_look, row), kickoff, scores, sink.max);
        let open = sink.pending.entry(board.key.clone()).or_default();
        open.rows.extend(opportunity);
    }
    true
}

/// The maximum over books where it is value.
fn maxima(look: &Look<'_>, opinion: &Opinion, sink: &Sink) -> Vec<Candidate> {
    let at = Within::new(look.board.key, look.view.market);
    let (Some(price), Ok(fair)) = (sink.maxima.get(&at), opinion.without(None)) else {
        return Vec::new();
    };
    let least = 1.0 + look.plan.rules.ev_min;
    let is_value = |at: &usize| fair.probabilities[*at] * price.odds[*at] >= least;
    let selections = 0..look.view.market.selections().len();
    selections.filter(is_value).map(|at| (*price, at, fair)).collect()
}

/// Notes the prices of a selection that are value, where the event made one of them worth a look.
fn selection(
    look: &mut Look<'_>,
    candidates: impl Iterator<Item = Candidate>,
    which: Which,
    max: BookId,
    noted: &mut Vec<Noted>,
) {
    let first = noted.len();
    for candidate in candidates {
        let (price, at, fair) = &candidate;
        let fair_odds = 1.0 / fair.probabilities[*at];
        let (board, plan, view) = (&look.board, look.plan, &look.view);
        let is_refused = price.book != max
            && refusal::of_price(board, plan, view, price, *at, fair_odds).is_some();
        if is_refused {
            continue;
        }
        let trigger = match which {
            Which::All => true,
            Which::Book(book) => book == price.book,
        };
        let offer = look.offer(candidate);
        noted.extend(offer.map(|offer| Noted { offer, trigger, via: None }));
    }
    let triggers: Vec<(u32, Offer)> = (0..)
        .zip(noted.iter())
        .skip(first)
        .filter(|(_, noted)| noted.trigger)
        .map(|(row, noted)| (row, noted.offer))
        .collect();
    let Some((_, offer)) = triggers.first() else {
        noted.truncate(first);
        return;
    };
    let Ok(payoff) = Payoff::new(&offer.market, offer.selection()) else {
        noted.truncate(first);
        return;
    };
    for (row, offer) in triggers {
        let elsewhere = look.elsewhere(&offer, payoff);
        noted.extend(elsewhere.into_iter().map(|offer| Noted {
            offer,
            trigger: false,
            via: Some(row),
        }));
    }
}

fn recipe(look: &mut Look<'_>, offer: &Offer, sink: &mut Sink) -> ScoreRecipe {
    let Memo { devigged, scores } = &mut *look.memo;
    let book = Some(offer.price.book);
    let known = scores.known(&look.board, look.plan, &look.view, book, devigged);
    let (market, fair) = (look.view.market, offer.fair.probabilities);
    ScoreRecipe { goals: sink.goals(known), market, fair }
}

fn opportunity(
    look: &Look<'_>,
    noted: &Noted,
    (number, row): (u32, u32),
    kickoff: Instant,
    scores: ScoreRecipe,
    max: BookId,
) -> Option<Opportunity> {
    let (board, offer) = (&look.board, &noted.offer);
    let fair_odds = 1.0 / offer.probability();
    let view = board.market(offer.market)?;
    let usual = refusal::usual(board, look.plan, &view, &offer.price, offer.at, fair_odds);
    Some(Opportunity {
        key: board.key.clone(),
        view: look.plan.name.clone(),
        look: number,
        row,
        at: board.now(),
        book: board.rules.book(offer.price.book).name.clone(),
        aggregate: offer.price.book == max,
        market: offer.market,
        selection: offer.selection(),
        payoff: Payoff::new(&offer.market, offer.selection()).ok()?,
        odds: Odds::new(offer.odds()).ok()?,
        net_odds: offer.net_odds,
        probability: offer.probability(),
        ev: offer.ev,
        usual,
        trigger: noted.trigger,
        via: noted.via,
        quoted_at: offer.price.at,
        kickoff,
        scores,
        ended: None,
    })
}

/// Notes how bets at what was noted of the match end, as far as that is known.
pub(crate) fn settle(desk: &mut Desk<'_>, is_closed: bool) {
    let Some(sink) = desk.survey.as_deref_mut() else { return };
    if let (Some(board), Some(open)) =
        (Board::of(desk.state, desk.rules, desk.key), sink.pending.get_mut(desk.key))
    {
        let mut closes = Vec::new();
        for noted in &mut open.rows {
            let looks = open.looks.get(&noted.view).copied().unwrap_or_default();
            end(&board, noted, looks, is_closed, &mut closes);
        }
    }
    if is_closed {
        sink.close(desk.key);
    }
}

type Closes = Vec<((Market, Selection), Option<(f64, bool, bool)>)>;

fn end(
    board: &Board<'_>,
    noted: &mut Opportunity,
    looks: u32,
    is_closed: bool,
    closes: &mut Closes,
) {
    let bet = record(noted);
    let Some(ending) = settle::ending(board, &BetsRow::default(), &bet, is_closed) else { return };
    let outcome = ending.outcome;
    let decided = !matches!(outcome, BetOutcome::Void | BetOutcome::Review);
    let void_from = noted.ended.and_then(|ended| ended.void_from);
    noted.ended = Some(Ended {
        outcome,
        at: noted.ended.map_or(board.now(), |ended| ended.at),
        profit: settle::profit(outcome, noted.net_odds),
        clv: if decided { clv(board, &bet, closes) } else { None },
        void_from: (outcome == BetOutcome::Void).then(|| void_from.unwrap_or(looks)),
    });
}

/// The closing-line value; what closes is the same for all bets on a selection.
fn clv(board: &Board<'_>, bet: &BetRecord, closes: &mut Closes) -> Option<Closing> {
    let sought = (bet.market, bet.selection);
    let known = closes.iter().find(|(at, _)| *at == sought).map(|(_, close)| *close);
    let close = known.unwrap_or_else(|| {
        let close =
            closing::value(board, bet).map(|clv| (clv.probability, clv.fallback, clv.repriced));
        closes.push((sought, close));
        close
    });
    close.map(|(probability, fallback, repriced)| Closing {
        value: bet.net_odds * probability - 1.0,
        fallback,
        repriced,
    })
}

/// The bet that a strategy would have made.
fn record(noted: &Opportunity) -> BetRecord {
    let settled = noted.ended.map(|ended| Settled {
        revision: 1,
        outcome: ended.outcome,
        is_final: false,
        score: None,
        clv: None,
        reason: None,
    });
    BetRecord {
        id: BetId::of(&noted.view, &noted.key, "", 0, 0),
        payoff: noted.payoff,
        occurrence: 0,
        top_up: 0,
        book: noted.book.clone(),
        market: noted.market,
        selection: noted.selection,
        odds: noted.odds,
        net_odds: noted.net_odds,
        ev: noted.ev,
        stake: StakeFraction::ZERO,
        quoted_at: noted.quoted_at,
        kickoff: noted.kickoff,
        in_play: false,
        shown: (0, noted.net_odds),
        settled,
    }
}
