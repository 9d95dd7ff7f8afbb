//! Where a match stands that is being played, as far as sources told it: what its prices in play
//! are priced from.

use marabet_quant::inplay::{MatchState, Phase};
use marabet_schemas::Instant;
use marabet_schemas::bets::Running;
use serde::{Deserialize, Serialize};

/// What was told lately runs on by the clock for so long, in seconds; then the match's standing is
/// not known.
const TOLD_LATELY_S: f64 = 600.0;
/// The running clock at the end of the first half: what is told of it stands still in the break.
const HALF_MINUTES: f64 = 45.0;
/// From here on so little is left that how much is the referee's secret.
const LAST_MINUTE: f64 = 93.0;

/// The score and the minute, and when they were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningRow {
    pub(crate) minute: u16,
    pub(crate) score: [u8; 2],
    /// Players sent off.
    pub(crate) reds: [u8; 2],
    pub(crate) at: Instant,
}

impl RunningRow {
    /// Where the match stands at an instant: the clock has gone on since, and no goal was told.
    /// None where that is too long ago, or the match is all but over.
    pub(crate) fn at(&self, at: Instant) -> Option<Running> {
        let seconds = at.seconds_since(self.at).max(0.0);
        let told = f64::from(self.minute);
        let minute = told + seconds / 60.0;
        let minute = if told <= HALF_MINUTES { minute.min(HALF_MINUTES) } else { minute };
        let is_known = seconds <= TOLD_LATELY_S && minute <= LAST_MINUTE;
        is_known.then_some(Running { minute, score: self.score, reds: self.reds })
    }
}

/// The state that the model of the match under way asks for.
pub(crate) fn state(running: &Running) -> MatchState {
    MatchState {
        phase: Phase::at_minute(running.minute),
        home_goals: running.score[0],
        away_goals: running.score[1],
        home_reds: running.reds[0],
        away_reds: running.reds[1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_on_from_what_was_told_and_stands_still_in_the_break() {
        let told = |minute| RunningRow {
            minute,
            score: [1, 0],
            reds: [0, 0],
            at: Instant::default().plus_seconds(1000),
        };
        let check = |minute: u16, seconds: i64, expected: Option<f64>| {
            let at = Instant::default().plus_seconds(1000 + seconds);
            assert_eq!(told(minute).at(at).map(|r| r.minute), expected, "{minute} + {seconds}");
        };
        check(30, 90, Some(31.5));
        check(30, -90, Some(30.0));
        check(44, 300, Some(45.0));
        check(45, 600, Some(45.0));
        check(60, 601, None);
        check(92, 60, Some(93.0));
        check(92, 61, None);
    }
}
