//! Matches as they are set, played and over.

use marabet_quant::Market;
use marabet_schemas::MatchKey;
use marabet_schemas::facts::{Fixture, FixtureStatus, MatchResult, ResultStatus};
use marabet_stage::{Fault, Within};

use super::{Detect, Told, in_force};
use crate::settle::settle_match;
use crate::state::rows::MatchRow;
use crate::value::Which;
use crate::view;

impl Detect {
    /// The kick-off or the status: it may void bets, and it may open or close the match.
    pub(super) fn fixture(&mut self, told: &mut Told<'_>, fixture: &Fixture) {
        let in_force = in_force(&mut self.in_force, &self.state);
        let limit_s = i64::from(in_force.settlement.kickoff_move_max_h) * 3_600;
        let row = self.state.matches.entry(told.key, || MatchRow::new(told.event.at));
        let before = row.fixture.replace((fixture.kickoff, fixture.status));
        let status_before = before.map(|(_, status)| status);
        let is_to_come = fixture.status == FixtureStatus::Scheduled && fixture.kickoff > row.now;
        if is_to_come {
            // An abandoned match that is set again is open again.
            row.result = None;
        }
        let is_known = before == row.fixture;
        self.played_on(told, fixture, status_before);
        if is_known {
            return;
        }
        let moved_s = before.map_or(0.0, |(kickoff, _)| fixture.kickoff.seconds_since(kickoff));
        if moved_s.abs() > limit_s as f64 {
            self.reopen(told.key);
        }
        let mut desk = self.desk(told);
        settle_match(&mut desk, false);
        let markets: Vec<Market> =
            desk.state.markets_of(desk.key).map(|(market, _)| market).collect();
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

    /// The end of the match, or a correction of it.
    pub(super) fn result(
        &mut self,
        told: &mut Told<'_>,
        result: &MatchResult,
    ) -> Result<(), Fault> {
        let row = self.state.matches.entry(told.key, || MatchRow::new(told.event.at));
        if row.fixture.is_none() {
            return Err(Fault::rejected(format!(
                "result of {}, which has no fixture: send the fixture first",
                told.key
            )));
        }
        match (result.status, result.score) {
            (ResultStatus::Played, None) => {
                return Err(Fault::rejected(format!(
                    "a played result of {} needs its score",
                    told.key
                )));
            }
            (ResultStatus::Played, score) => row.played = score,
            (ResultStatus::Void, _) => row.played = None,
            (ResultStatus::Awarded | ResultStatus::Abandoned, _) => {}
        }
        row.result = Some(result.status);
        settle_match(&mut self.desk(told), false);
        Ok(())
    }

    /// Bets whose match has no result for too long are settled by whatever comes next.
    pub(super) fn overdue(&mut self, told: &mut Told<'_>) {
        let Some(row) = self.state.matches.get(told.key) else { return };
        let is_waiting = row.unsettled > 0
            && row.result.is_none()
            && row.kickoff().is_some_and(|kickoff| row.now > kickoff);
        if is_waiting {
            settle_match(&mut self.desk(told), false);
        }
    }

    /// Nothing more is expected of the match: what is open goes to review, and the state with it.
    pub(super) fn close(&mut self, told: &mut Told<'_>) {
        settle_match(&mut self.desk(told), true);
        let now = self.state.matches.get(told.key).map_or(told.event.at, |row| row.now);
        for (market, _) in self.state.markets_of(told.key) {
            self.memo.devigged.drop_market(told.key, market);
        }
        self.state.markets.remove_of(told.key);
        self.state.models.remove_of(told.key);
        self.stop_play(told.key);
        for strategy in self.state.strategies_of(told.key) {
            self.memo.scores.drop_match(told.key, &strategy);
        }
        for bet in self.state.bets_of(told.key).flat_map(|(_, row)| &row.bets) {
            told.derived.show(|| view::settled(told.key, bet.id));
        }
        self.state.bets.remove_of(told.key);
        self.state.refused.remove_of(told.key);
        self.state.seen.remove(told.key);
        self.state.matches.remove(told.key);
        self.state.closed.insert(told.key.clone(), now);
        // The portfolio forgets the match's bets then.
        told.derived.push(told.event.clone());
    }
}
