//! Prices as they come and go.

use marabet_quant::outcome::Outcomes;
use marabet_quant::{Market, Period};
use marabet_schemas::bets::{Priced, RefusalReason};
use marabet_schemas::facts::{Aggregate, Phase, Quote, Statistic};
use marabet_schemas::{Instant, MatchKey};
use marabet_stage::{Fault, Table, Within};

use super::{Detect, Told, in_force};
use crate::settle::settle_match;
use crate::state::State;
use crate::state::prices::{BookId, MarketRow, PerSelection, Price, SeenRow};
use crate::state::rows::{MatchRow, ModelRow};
use crate::value::Which;

/// Most markets of a match whose prices are kept.
pub(super) const MARKETS_MAX: u16 = 256;

impl Detect {
    /// A quote, by when in the life of the match it was taken.
    pub(super) fn priced(&mut self, told: &mut Told<'_>, priced: &Priced) -> Result<(), Fault> {
        let quote = &priced.quote;
        check(priced)?;
        let book = self.book(&quote.book)?;
        if quote.market.period != Period::FullTime {
            let reason = RefusalReason::UnsupportedMarket;
            self.desk(told).refuse_market(quote.market, book, reason);
            return Ok(());
        }
        let price = price(book, told.event.at, quote);
        match quote.phase {
            Phase::Pre => self.quoted(told, priced, price),
            Phase::Closing => self.closing(told, quote.market, price),
            Phase::InPlay => {
                let reason = RefusalReason::AfterKickoff;
                let mut desk = self.desk(told);
                desk.refuse(quote.market, &price.odds, Some(book), reason);
                self.running(told, priced, price)
            }
        }
    }

    /// A price that can be bet at.
    fn quoted(&mut self, told: &mut Told<'_>, priced: &Priced, price: Price) -> Result<(), Fault> {
        let market = priced.quote.market;
        let matched = self.state.matches.get(told.key);
        let kickoff = matched.and_then(MatchRow::kickoff);
        let has_result = matched.is_some_and(|row| row.result.is_some());
        let in_force = in_force(&mut self.in_force, &self.state);
        let keep_late = kickoff.is_some_and(|kickoff| price.at >= kickoff)
            && in_force.closing.contains(&price.book);
        let uses_model = in_force.uses_model();
        let by_name = |one, other| in_force.by_name(one, other);
        let row = market_row(&mut self.state, told.key, market)?;
        if !row.quote(price, keep_late, by_name) {
            return Err(Fault::rejected(format!(
                "{} {market} has prices of as many books as are kept; `{}` is one more",
                told.key, priced.quote.book
            )));
        }
        let new_model = uses_model && model(&mut self.state.models, told.key, market, priced);
        let mut desk = self.desk(told);
        desk.look(market, |plan| {
            let all = plan.listens_to(price.book) || (new_model && plan.uses_model());
            Some(if all { Which::All } else { Which::Book(price.book) })
        });
        if has_result {
            settle_match(&mut desk, false);
        }
        Ok(())
    }

    /// A price that its source calls closing: it measures bets and is never bet at.
    fn closing(&mut self, told: &mut Told<'_>, market: Market, price: Price) -> Result<(), Fault> {
        let in_force = in_force(&mut self.in_force, &self.state);
        if in_force.closing.contains(&price.book) {
            market_row(&mut self.state, told.key, market)?.close(price);
        }
        let has_result = self.state.matches.get(told.key).is_some_and(|row| row.result.is_some());
        let mut desk = self.desk(told);
        desk.refuse(market, &price.odds, Some(price.book), RefusalReason::Closing);
        if has_result {
            settle_match(&mut desk, false);
        }
        Ok(())
    }

    /// A mean or a maximum over books: nobody's price.
    pub(super) fn aggregate(
        &mut self,
        told: &mut Told<'_>,
        aggregate: &Aggregate,
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
        let is_best = aggregate.statistic == Statistic::Max && aggregate.phase == Phase::Pre;
        if let Some(survey) = self.survey.as_deref_mut().filter(|_| is_best) {
            let book = survey.maximum(told.key, *market, told.event.at, each);
            self.desk(told).look(*market, |_| Some(Which::Book(book)));
        }
        self.desk(told).refuse(*market, &each, None, RefusalReason::Aggregate);
        Ok(())
    }

    /// A book's price on one market, or on all, is gone.
    pub(super) fn withdrawn(&mut self, told: &mut Told<'_>, book: BookId, market: Option<Market>) {
        let markets: Vec<Market> = match market {
            Some(market) => vec![market],
            None => self.state.markets_of(told.key).map(|(market, _)| market).collect(),
        };
        let now = self.state.matches.get(told.key).map_or(told.event.at, |row| row.now);
        self.withdrawn_in_play(told, book, market);
        for market in markets {
            let row = self.state.markets.get_mut(&Within::new(told.key, market));
            if !row.is_some_and(|row| row.withdraw(book, now)) {
                continue;
            }
            // Where the book was the reference, another takes its place.
            self.desk(told).look(market, |plan| plan.listens_to(book).then_some(Which::All));
        }
    }

    /// A book's prices were looked at and stand: what was stale is not any more.
    pub(super) fn seen(&mut self, told: &mut Told<'_>, book: BookId) {
        self.state.seen.entry(told.key, SeenRow::default).mark(book, told.event.at);
        let offers = |row: &MarketRow| row.price(book).is_some_and(Price::is_live);
        let markets: Vec<Market> = self
            .state
            .markets_of(told.key)
            .filter(|(_, row)| offers(row))
            .map(|(market, _)| market)
            .collect();
        for market in markets {
            self.desk(told).look(market, |plan| {
                Some(if plan.listens_to(book) { Which::All } else { Which::Book(book) })
            });
        }
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
        let row = state.matches.entry(key, || MatchRow::new(Instant::default()));
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

/// Keeps what the model makes of the market. True when that is new.
pub(super) fn model(
    models: &mut Table<Within<Market>, ModelRow>,
    key: &MatchKey,
    market: Market,
    priced: &Priced,
) -> bool {
    let at = Within::new(key, market);
    let known = models.get(&at);
    match &priced.forecast {
        None if known.is_none() => false,
        None => {
            models.remove(&at);
            true
        }
        Some(forecast) => {
            let is_known = known.is_some_and(|ModelRow(known)| known == forecast);
            if !is_known {
                models.insert(at, ModelRow(forecast.clone()));
            }
            !is_known
        }
    }
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
    let rows = priced.outcomes();
    let wanted = if priced.forecast.is_some() { selections } else { 0 };
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
