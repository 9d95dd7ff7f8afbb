//! The desk: what one event makes of one match, written down.

use marabet_quant::Market;
use marabet_schemas::bets::{RefusalReason, ValueBet};
use marabet_schemas::{BetId, Body, Event, Instant, MatchKey, StrategyName};
use marabet_stage::{Derived, Within};

use crate::bet::{self, Prepared};
use crate::board::{Board, MarketView};
use crate::refusal::Refusal;
use crate::rules::{InForce, Plan};
use crate::state::State;
use crate::state::prices::{BookId, MarketRow, PerSelection};
use crate::state::rows::{BetsRow, RefusedRow};
use crate::survey::{self, Sink};
use crate::value::{Look, Memo, Verdict, Which};
use crate::view;

/// Everything that the decisions of one event need.
pub(crate) struct Desk<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) rules: &'a InForce,
    pub(crate) memo: &'a mut Memo,
    pub(crate) derived: &'a mut Derived,
    pub(crate) key: &'a MatchKey,
    /// The instant of the event was set by a rule, and so is that of what follows.
    pub(crate) assumed: bool,
    /// It is about prices taken in play, and so for the strategies that ask for them.
    pub(crate) in_play: bool,
    /// Where what is value is noted instead of bet at.
    pub(crate) survey: Option<&'a mut Sink>,
}

impl Desk<'_> {
    /// Each strategy looks at the market's prices that the event makes worth a look.
    pub(crate) fn look(&mut self, market: Market, which: impl Fn(&Plan) -> Option<Which>) {
        if self.survey.is_some() {
            self.survey(market, which);
            return;
        }
        self.each_plan(market, None, |look| {
            which(look.plan).map_or_else(Vec::new, |which| look.decide(which))
        });
    }

    /// Each view notes what is value among the market's prices that the event makes worth a look.
    fn survey(&mut self, market: Market, which: impl Fn(&Plan) -> Option<Which>) {
        // A survey is of prices before kick-off.
        if self.in_play {
            return;
        }
        let Some(sink) = self.survey.as_deref_mut() else { return };
        let mut is_noted = false;
        {
            let Some(board) = Board::of(self.state, self.rules, self.key) else { return };
            let Some(view) = board.market(market) else { return };
            for plan in &self.rules.plans {
                let Some(which) = which(plan) else { continue };
                let mut look = Look { board, plan, view, memo: self.memo };
                is_noted |= survey::look(&mut look, which, sink);
            }
        }
        // What is noted waits for its ending like a bet.
        if is_noted && let Some(row) = self.state.matches.get_mut(self.key) {
            row.unsettled = 1;
        }
    }

    /// Each strategy refuses a price that cannot be bet at, where it looks like value.
    pub(crate) fn refuse(
        &mut self,
        market: Market,
        odds: &PerSelection,
        book: Option<BookId>,
        reason: RefusalReason,
    ) {
        if self.survey.is_none() {
            self.each_plan(market, None, |look| {
                look.refuse(odds, book, reason).into_iter().collect()
            });
        }
    }

    /// Each strategy refuses a market that no strategy can serve.
    pub(crate) fn refuse_market(&mut self, market: Market, book: BookId, reason: RefusalReason) {
        if self.survey.is_some() {
            return;
        }
        // Nothing is kept of such a market, so there is no row of it to look at.
        let row = MarketRow::new(&market, Instant::default());
        self.each_plan(market, Some(&row), |_| {
            vec![Verdict::Refuse(Refusal::of_market(market, Some(book), reason))]
        });
    }

    fn each_plan(
        &mut self,
        market: Market,
        instead: Option<&MarketRow>,
        mut decide: impl FnMut(&mut Look<'_>) -> Vec<Verdict>,
    ) {
        let rules = self.rules;
        let mut prepared = Vec::new();
        {
            let Some(board) = Board::of(self.state, rules, self.key) else { return };
            let board = board.playing(self.in_play);
            let instead = instead.map(|row| MarketView { market, row, model: None });
            let Some(view) = instead.or_else(|| board.market(market)) else { return };
            for plan in &rules.plans {
                let is_its_time = plan.rules.in_play == self.in_play;
                if !is_its_time || !plan.takes_match(self.key) || !plan.takes_market(market) {
                    continue;
                }
                let mut look = Look { board, plan, view, memo: self.memo };
                let verdicts = decide(&mut look);
                let told = verdicts
                    .into_iter()
                    .filter_map(|verdict| bet::prepare(&board, plan, look.bets(), verdict));
                prepared.extend(told.map(|prepared| (plan, prepared)));
            }
        }
        for (plan, prepared) in prepared {
            self.write(plan, prepared);
        }
    }

    fn write(&mut self, plan: &Plan, prepared: Prepared) {
        let at = Within::new(self.key, plan.name.clone());
        match prepared {
            Prepared::Refused(refusal) => self.write_refusal(plan, &at, &refusal),
            Prepared::Bet(bet) => {
                let (told, record) = *bet;
                let id = record.id;
                self.state.bets.entry(&at, BetsRow::default).bets.push(record);
                if let Some(row) = self.state.matches.get_mut(self.key) {
                    row.unsettled += 1;
                }
                self.push_shown(id, told);
            }
            Prepared::Shown(place, told) => {
                let row = self.state.bets.entry(&at, BetsRow::default);
                let record = &mut row.bets[place];
                record.shown = (told.revision, told.net_odds);
                let id = record.id;
                self.push_shown(id, *told);
            }
        }
    }

    fn write_refusal(&mut self, plan: &Plan, at: &Within<StrategyName>, refusal: &Refusal) {
        let (market, book, reason) = (refusal.market, refusal.remembered_as(), refusal.reason);
        if self.state.refused.get(at).is_some_and(|row| row.has(market, book, reason)) {
            return;
        }
        self.state.refused.entry(at, RefusedRow::default).record(market, book, reason);
        let refused = refusal.event(self.rules, plan);
        self.push(refused);
    }

    /// Derives an event of the match.
    pub(crate) fn push(&mut self, body: impl Into<Body>) {
        let event = self.event(body);
        self.derived.push(event);
    }

    /// Derives what is told of a bet, and shows it.
    fn push_shown(&mut self, bet: BetId, told: ValueBet) {
        let event = self.event(told);
        self.derived.show(|| view::shown(self.key, bet, &event));
        self.derived.push(event);
    }

    /// An event of the match, at the match's time.
    fn event(&self, body: impl Into<Body>) -> Event {
        let now = self.state.matches.get(self.key).map(|row| row.now).unwrap_or_default();
        let body = body.into();
        Event { key: Some(self.key.clone()), at: now, assumed: self.assumed, body }
    }
}
