//! The stage itself: which event changes what, and what is looked at then.

use marabet_quant::outcome::Outcomes;
use marabet_quant::{Market, Period};
use marabet_schemas::bets::{Priced, RefusalReason};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::facts::{
    Aggregate, Fixture, FixtureStatus, MatchResult, Phase, Quote, ResultStatus,
};
use marabet_schemas::{Body, Book, Event, Instant, Kind, MatchKey};
use marabet_stage::{Artefacts, Derived, Fault, Rows, Stage};

use crate::desk::Desk;
use crate::rules::{self, InForce};
use crate::settle::settle_match;
use crate::state::State;
use crate::state::prices::{BookId, MarketRow, PerSelection, Price, SeenRow};
use crate::state::rows::{MatchRow, ModelRow};
use crate::state::within::{Only, Within};
use crate::value::{Memo, Which};
use crate::view;

/// Most markets of a match whose prices are kept.
const MARKETS_MAX: u16 = 256;

/// `priced` → `bets`: what is value, what was refused and why, how bets ended.
///
/// Passes on what the portfolio needs: the rules when they come into force, what the user says of
/// bets, deposits, and that a match is closed.
pub struct Detect {
    state: State,
    in_force: Option<InForce>,
    memo: Memo,
}

impl Default for Detect {
    fn default() -> Self {
        Self::new()
    }
}

impl Detect {
    /// The stage's name.
    pub const NAME: &'static str = "detect";

    /// The stage with nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::new(), in_force: None, memo: Memo::default() }
    }

    /// The number of the configuration in force.
    #[must_use]
    pub fn config_in_force(&self) -> Option<u64> {
        self.state.config.get(&Only).map(|published| published.number)
    }

    fn publish(&mut self, event: &Event, published: &ConfigPublished) -> Result<bool, Fault> {
        if self.config_in_force().is_some_and(|number| published.number <= number) {
            return Ok(false);
        }
        rules::check(&published.rules)?;
        let strategies = published.rules.strategies.values();
        let references = strategies.flat_map(|strategy| &strategy.references);
        let named = references.chain(&published.rules.closing.references);
        rules::name_books(&mut self.state, named)?;
        self.state.config.insert(Only, published.clone());
        self.in_force = None;
        debug_assert_eq!(event.kind().name(), "config.published");
        Ok(true)
    }

    /// The number of a book, which it gets when it is first named.
    fn book(&mut self, name: &Book) -> Result<BookId, Fault> {
        let in_force = self.in_force.get_or_insert_with(|| InForce::of(&self.state));
        if let Some(id) = in_force.id(name) {
            return Ok(id);
        }
        rules::name_books(&mut self.state, [name])?;
        let in_force = self.in_force.insert(InForce::of(&self.state));
        Ok(in_force.id(name).expect("the book was named just now"))
    }

    /// An event of a match.
    fn of_match(
        &mut self,
        key: &MatchKey,
        event: &Event,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        if let Some(closed) = self.state.closed.get(key) {
            return Err(Fault::rejected(format!(
                "{key} was closed at {closed}: a {} that late changes nothing any more",
                event.kind().name()
            )));
        }
        let row = self.state.matches.entry(key.clone(), || MatchRow::new(event.at));
        row.now = row.now.max(event.at);
        match &event.body {
            Body::Priced(priced) => self.priced(key, event, priced, derived)?,
            Body::Aggregate(aggregate) => self.aggregate(key, event, aggregate, derived)?,
            Body::Withdrawn(gone) => {
                let book = self.book(&gone.book)?;
                self.withdrawn(key, event, book, gone.market, derived);
            }
            Body::Seen(seen) => {
                let book = self.book(&seen.book)?;
                self.seen(key, event, book, derived);
            }
            Body::Fixture(fixture) => self.fixture(key, event, fixture, derived),
            Body::Result(result) => self.result(key, event, result, derived)?,
            Body::MatchClosed(_) => self.close(key, event, derived),
            _ => {}
        }
        self.overdue(key, event, derived);
        Ok(())
    }

    fn desk<'a>(
        &'a mut self,
        key: &'a MatchKey,
        event: &Event,
        derived: &'a mut Derived,
    ) -> Desk<'a> {
        let rules = self.in_force.get_or_insert_with(|| InForce::of(&self.state));
        Desk {
            state: &mut self.state,
            rules,
            memo: &mut self.memo,
            derived,
            key,
            assumed: event.assumed,
        }
    }

    fn priced(
        &mut self,
        key: &MatchKey,
        event: &Event,
        priced: &Priced,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let quote = &priced.quote;
        check(priced)?;
        let book = self.book(&quote.book)?;
        if quote.market.period != Period::FullTime {
            let reason = RefusalReason::UnsupportedMarket;
            self.desk(key, event, derived).refuse_market(quote.market, book, reason);
            return Ok(());
        }
        let price = price(book, event.at, quote);
        match quote.phase {
            Phase::Pre => self.quoted(key, event, priced, price, derived),
            Phase::Closing => self.closing(key, event, quote.market, price, derived),
            Phase::InPlay => {
                let reason = RefusalReason::AfterKickoff;
                let mut desk = self.desk(key, event, derived);
                desk.refuse(quote.market, &price.odds, Some(book), reason);
                Ok(())
            }
        }
    }

    /// A price that can be bet at.
    fn quoted(
        &mut self,
        key: &MatchKey,
        event: &Event,
        priced: &Priced,
        price: Price,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let market = priced.quote.market;
        let matched = self.state.matches.get(key);
        let kickoff = matched.and_then(MatchRow::kickoff);
        let has_result = matched.is_some_and(|row| row.result.is_some());
        let in_force = self.in_force.get_or_insert_with(|| InForce::of(&self.state));
        let keep_late = kickoff.is_some_and(|kickoff| price.at >= kickoff)
            && in_force.closing.contains(&price.book);
        let uses_model = in_force.uses_model();
        let by_name = |one, other| in_force.by_name(one, other);
        let row = market_row(&mut self.state, key, market)?;
        if !row.quote(price, keep_late, by_name) {
            return Err(Fault::rejected(format!(
                "{key} {market} has prices of as many books as are kept; `{}` is one more",
                priced.quote.book
            )));
        }
        let new_model = uses_model && self.model(key, market, priced);
        let mut desk = self.desk(key, event, derived);
        desk.look(market, |plan| {
            let all = plan.listens_to(price.book) || (new_model && plan.uses_model());
            Some(if all { Which::All } else { Which::Book(price.book) })
        });
        if has_result {
            settle_match(&mut desk, false);
        }
        Ok(())
    }

    /// Keeps what the model makes of the market. True when that is new.
    fn model(&mut self, key: &MatchKey, market: Market, priced: &Priced) -> bool {
        let at = Within::new(key, market);
        let known = self.state.models.get(&at);
        match &priced.model {
            None if known.is_none() => false,
            None => {
                self.state.models.remove(&at);
                true
            }
            Some(view) => {
                let is_known = known
                    .is_some_and(|known| known.view == *view && known.outcomes == priced.outcomes);
                if !is_known {
                    let (view, outcomes) = (view.clone(), priced.outcomes.clone());
                    self.state.models.insert(at, ModelRow { view, outcomes });
                }
                !is_known
            }
        }
    }

    /// A price that its source calls closing: it measures bets and is never bet at.
    fn closing(
        &mut self,
        key: &MatchKey,
        event: &Event,
        market: Market,
        price: Price,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let in_force = self.in_force.get_or_insert_with(|| InForce::of(&self.state));
        if in_force.closing.contains(&price.book) {
            market_row(&mut self.state, key, market)?.close(price);
        }
        let has_result = self.state.matches.get(key).is_some_and(|row| row.result.is_some());
        let mut desk = self.desk(key, event, derived);
        desk.refuse(market, &price.odds, Some(price.book), RefusalReason::Closing);
        if has_result {
            settle_match(&mut desk, false);
        }
        Ok(())
    }

    fn aggregate(
        &mut self,
        key: &MatchKey,
        event: &Event,
        aggregate: &Aggregate,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let Aggregate { market, odds, .. } = aggregate;
        if odds.len() != market.selections().len() {
            return Err(Fault::rejected(format!(
                "an aggregate of {market} needs {} odds, got {}",
                market.selections().len(),
                odds.len()
            )));
        }
        let mut each = PerSelection::default();
        each.iter_mut().zip(odds).for_each(|(each, odds)| *each = odds.decimal());
        self.desk(key, event, derived).refuse(*market, &each, None, RefusalReason::Aggregate);
        Ok(())
    }

    fn withdrawn(
        &mut self,
        key: &MatchKey,
        event: &Event,
        book: BookId,
        market: Option<Market>,
        derived: &mut Derived,
    ) {
        let markets: Vec<Market> = match market {
            Some(market) => vec![market],
            None => self.state.markets_of(key).map(|(market, _)| market).collect(),
        };
        let now = self.state.matches.get(key).map_or(event.at, |row| row.now);
        for market in markets {
            let row = self.state.markets.get_mut(&Within::new(key, market));
            if !row.is_some_and(|row| row.withdraw(book, now)) {
                continue;
            }
            // Where the book was the reference, another takes its place.
            self.desk(key, event, derived)
                .look(market, |plan| plan.listens_to(book).then_some(Which::All));
        }
    }

    /// A book's prices were looked at and stand: what was stale is not any more.
    fn seen(&mut self, key: &MatchKey, event: &Event, book: BookId, derived: &mut Derived) {
        self.state.seen.entry(key.clone(), SeenRow::default).mark(book, event.at);
        let offers = |row: &MarketRow| row.price(book).is_some_and(|price| price.is_live());
        let markets: Vec<Market> = self
            .state
            .markets_of(key)
            .filter(|(_, row)| offers(row))
            .map(|(market, _)| market)
            .collect();
        for market in markets {
            self.desk(key, event, derived).look(market, |plan| {
                Some(if plan.listens_to(book) { Which::All } else { Which::Book(book) })
            });
        }
    }

    fn fixture(&mut self, key: &MatchKey, event: &Event, fixture: &Fixture, derived: &mut Derived) {
        let in_force = self.in_force.get_or_insert_with(|| InForce::of(&self.state));
        let limit_s = i64::from(in_force.settlement.kickoff_move_max_h) * 3_600;
        let row = self.state.matches.entry(key.clone(), || MatchRow::new(event.at));
        let before = row.fixture.replace((fixture.kickoff, fixture.status));
        let is_to_come = fixture.status == FixtureStatus::Scheduled && fixture.kickoff > row.now;
        if is_to_come {
            // An abandoned match that is set again is open again.
            row.result = None;
        }
        if before == row.fixture {
            return;
        }
        let moved_s = before.map_or(0.0, |(kickoff, _)| fixture.kickoff.seconds_since(kickoff));
        if moved_s.abs() > limit_s as f64 {
            self.reopen(key);
        }
        let mut desk = self.desk(key, event, derived);
        settle_match(&mut desk, false);
        let markets: Vec<Market> = desk.state.markets_of(key).map(|(market, _)| market).collect();
        for market in markets {
            desk.look(market, |_| Some(Which::All));
        }
    }

    /// What was a closing price for another kick-off is none for this one.
    fn reopen(&mut self, key: &MatchKey) {
        let closed = self.state.markets_of(key).filter(|(_, row)| row.has_closed());
        let closed: Vec<Market> = closed.map(|(market, _)| market).collect();
        for market in closed {
            if let Some(row) = self.state.markets.get_mut(&Within::new(key, market)) {
                row.reopen();
            }
        }
    }

    fn result(
        &mut self,
        key: &MatchKey,
        event: &Event,
        result: &MatchResult,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let row = self.state.matches.entry(key.clone(), || MatchRow::new(event.at));
        if row.fixture.is_none() {
            return Err(Fault::rejected(format!(
                "result of {key}, which has no fixture: send the fixture first"
            )));
        }
        match (result.status, result.score) {
            (ResultStatus::Played, None) => {
                return Err(Fault::rejected(format!("a played result of {key} needs its score")));
            }
            (ResultStatus::Played, score) => row.played = score,
            (ResultStatus::Void, _) => row.played = None,
            (ResultStatus::Awarded | ResultStatus::Abandoned, _) => {}
        }
        row.result = Some(result.status);
        settle_match(&mut self.desk(key, event, derived), false);
        Ok(())
    }

    /// Bets whose match has no result for too long are settled by whatever comes next.
    fn overdue(&mut self, key: &MatchKey, event: &Event, derived: &mut Derived) {
        let Some(row) = self.state.matches.get(key) else { return };
        let is_waiting = row.unsettled > 0
            && row.result.is_none()
            && row.kickoff().is_some_and(|kickoff| row.now > kickoff);
        if is_waiting {
            settle_match(&mut self.desk(key, event, derived), false);
        }
    }

    /// Nothing more is expected of the match: what is open goes to review, and the state with it.
    fn close(&mut self, key: &MatchKey, event: &Event, derived: &mut Derived) {
        settle_match(&mut self.desk(key, event, derived), true);
        let now = self.state.matches.get(key).map_or(event.at, |row| row.now);
        let markets: Vec<Market> = self.state.markets_of(key).map(|(market, _)| market).collect();
        for market in markets {
            let at = Within::new(key, market);
            self.state.markets.remove(&at);
            self.state.models.remove(&at);
            self.memo.devigged.drop_market(key, market);
        }
        let strategies = self.state.strategies_of(key);
        for strategy in strategies {
            self.memo.scores.drop_match(key, &strategy);
            let at = Within::new(key, strategy);
            for bet in self.state.bets.get(&at).into_iter().flat_map(|row| &row.bets) {
                derived.show(|| view::settled(key, bet.id));
            }
            self.state.bets.remove(&at);
            self.state.refused.remove(&at);
        }
        self.state.seen.remove(key);
        self.state.matches.remove(key);
        self.state.closed.insert(key.clone(), now);
    }
}

/// The row of a market's prices, made when there is room for one more.
fn market_row<'a>(
    state: &'a mut State,
    key: &MatchKey,
    market: Market,
) -> Result<&'a mut MarketRow, Fault> {
    let at = Within::new(key, market);
    if state.markets.get(&at).is_none() {
        let row = state.matches.entry(key.clone(), || MatchRow::new(Instant::default()));
        if row.markets == MARKETS_MAX {
            return Err(Fault::rejected(format!(
                "{key} has prices in {MARKETS_MAX} markets, which is as many as are kept; {market} \
                 is one more"
            )));
        }
        row.markets += 1;
        let now = row.now;
        state.markets.insert(at.clone(), MarketRow::new(&market, now));
    }
    Ok(state.markets.get_mut(&at).expect("the row is there or was made just now"))
}

/// Refuses a priced quote whose numbers are not one for each selection.
fn check(priced: &Priced) -> Result<(), Fault> {
    let market = priced.quote.market;
    let selections = market.selections().len();
    if !priced.quote.is_complete() {
        return Err(Fault::rejected(format!(
            "a quote of {market} needs {selections} odds, got {}",
            priced.quote.odds.len()
        )));
    }
    let rows = &priced.outcomes;
    let wanted = if priced.model.is_some() { selections } else { 0 };
    if rows.len() != wanted {
        return Err(Fault::rejected(format!(
            "a quote of {market} priced by a model needs {wanted} rows of outcomes, got {}",
            rows.len()
        )));
    }
    for row in rows {
        Outcomes::new(*row).map_err(|error| Fault::rejected(format!("{market}: {error}")))?;
    }
    Ok(())
}

/// A quote as it is kept.
fn price(book: BookId, at: Instant, quote: &Quote) -> Price {
    let mut odds = PerSelection::default();
    odds.iter_mut().zip(&quote.odds).for_each(|(kept, odds)| *kept = odds.decimal());
    Price { book, at, odds, gone: None }
}

impl Stage for Detect {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn apply(
        &mut self,
        event: &Event,
        _: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        match &event.body {
            Body::ModelPublished(_) => {}
            Body::ConfigPublished(published) => {
                if self.publish(event, published)? {
                    derived.push(event.clone());
                }
            }
            Body::BetPlaced(_) | Body::BetSkipped(_) | Body::BetVoid(_) | Body::Deposit(_) => {
                derived.push(event.clone());
            }
            Body::Fixture(_)
            | Body::Priced(_)
            | Body::Aggregate(_)
            | Body::Withdrawn(_)
            | Body::Seen(_)
            | Body::Stats(_)
            | Body::Result(_)
            | Body::MatchClosed(_) => {
                let key = event.key.as_ref().ok_or_else(|| {
                    Fault::rejected(format!("a {} must name its match", event.kind().name()))
                })?;
                self.of_match(key, event, derived)?;
                if event.kind() == Kind::MatchClosed {
                    derived.push(event.clone());
                }
            }
            Body::Quote(_) => {
                return Err(Fault::rejected("a quote comes here priced, by way of `predict`"));
            }
            Body::ValueBet(_) | Body::Refused(_) | Body::Settlement(_) | Body::Grant(_) => {
                return Err(Fault::rejected(format!(
                    "a {} is derived, and no stage before this one derives it",
                    event.kind().name()
                )));
            }
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Rows> {
        self.state.tables()
    }

    fn forget_memo(&mut self) {
        self.in_force = None;
        self.memo = Memo::default();
    }
}
