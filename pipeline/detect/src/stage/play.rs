//! Prices taken in play, for the strategies that bet at them.
//!
//! They stand apart from those of before the match, which measure the close. After a goal every
//! one of them is another price: until it is quoted anew, none stands.

use marabet_quant::Market;
use marabet_schemas::MatchKey;
use marabet_schemas::bets::Priced;
use marabet_schemas::facts::{Fixture, FixtureStatus};
use marabet_stage::{Fault, Within};

use super::quotes::{MARKETS_MAX, model};
use super::{Detect, Told, in_force};
use crate::desk::Desk;
use crate::state::prices::{BookId, MarketRow, Price};
use crate::state::rows::PlayRow;
use crate::value::Which;

impl Detect {
    fn desk_in_play<'a>(&'a mut self, told: &'a mut Told<'_>) -> Desk<'a> {
        Desk { in_play: true, ..self.desk(told) }
    }

    /// A price taken in play, where a strategy in force asks for it.
    pub(super) fn running(
        &mut self,
        told: &mut Told<'_>,
        priced: &Priced,
        price: Price,
    ) -> Result<(), Fault> {
        let in_force = in_force(&mut self.in_force, &self.state);
        let is_before = |play: &PlayRow| price.at < play.since;
        if !in_force.bets_in_play() || self.state.play.get(told.key).is_some_and(is_before) {
            return Ok(());
        }
        let uses_model = in_force.uses_model();
        let market = priced.quote.market;
        let at = Within::new(told.key, market);
        if self.state.running.get(&at).is_none() {
            if self.state.running_of(told.key).count() >= usize::from(MARKETS_MAX) {
                return Err(Fault::rejected(format!(
                    "{} has prices in play in {MARKETS_MAX} markets, which is as many as are \
                     kept; {market} is one more",
                    told.key
                )));
            }
            let now = self.state.matches.get(told.key).map_or(told.event.at, |row| row.now);
            self.state.running.insert(at.clone(), MarketRow::new(&market, now));
        }
        let by_name = |one, other| in_force.by_name(one, other);
        let row = self.state.running.get_mut(&at);
        if !row.is_some_and(|row| row.quote(price, false, by_name)) {
            return Err(Fault::rejected(format!(
                "{} {market} has prices of as many books as are kept; `{}` is one more",
                told.key, priced.quote.book
            )));
        }
        let models = &mut self.state.running_models;
        let new_model = uses_model && model(models, told.key, market, priced);
        self.desk_in_play(told).look(market, |plan| {
            let all = plan.listens_to(price.book) || (new_model && plan.uses_model());
            Some(if all { Which::All } else { Which::Book(price.book) })
        });
        Ok(())
    }

    /// The match is interrupted or goes on, or somebody scored.
    pub(super) fn played_on(
        &mut self,
        told: &Told<'_>,
        fixture: &Fixture,
        status_before: Option<FixtureStatus>,
    ) {
        let known = self.state.play.get(told.key).copied();
        let is_played = matches!(fixture.status, FixtureStatus::Live | FixtureStatus::Suspended);
        if known.is_none() && !is_played {
            return;
        }
        let before = known.and_then(|known| known.score);
        let score = fixture.score.or(before);
        // The first score that is told is no goal, unless somebody has scored.
        let is_goal = score.is_some_and(|score| score != before.unwrap_or_default());
        let is_interruption = matches!(
            (status_before, fixture.status),
            (Some(FixtureStatus::Live), FixtureStatus::Suspended)
                | (Some(FixtureStatus::Suspended), FixtureStatus::Live)
        );
        let mut since = known.map_or(fixture.kickoff.min(told.event.at), |known| known.since);
        if is_goal || is_interruption {
            self.stop_prices(told.key);
            since = told.event.at;
        }
        let play = PlayRow { score, since };
        if known != Some(play) {
            self.state.play.insert(told.key.clone(), play);
        }
    }

    /// A book's price in play on one market, or on all, is gone.
    pub(super) fn withdrawn_in_play(
        &mut self,
        told: &mut Told<'_>,
        book: BookId,
        market: Option<Market>,
    ) {
        let now = self.state.matches.get(told.key).map_or(told.event.at, |row| row.now);
        let mut markets = self.markets_in_play(told.key);
        markets.retain(|running| market.is_none_or(|market| market == *running));
        for market in markets {
            let row = self.state.running.get_mut(&Within::new(told.key, market));
            if row.is_some_and(|row| row.withdraw(book, now)) {
                self.desk_in_play(told)
                    .look(market, |plan| plan.listens_to(book).then_some(Which::All));
            }
        }
    }

    fn markets_in_play(&self, key: &MatchKey) -> Vec<Market> {
        self.state.running_of(key).map(|(market, _)| market).collect()
    }

    /// No price in play stands any more.
    fn stop_prices(&mut self, key: &MatchKey) {
        for market in self.markets_in_play(key) {
            self.memo.devigged.drop_market(key, market);
        }
        self.state.running.remove_of(key);
        self.state.running_models.remove_of(key);
    }

    /// Forgets what was played.
    pub(super) fn stop_play(&mut self, key: &MatchKey) {
        self.stop_prices(key);
        self.state.play.remove(key);
    }
}
