//! What the looks of a configuration cost: requests by kind, and in a day.

use super::agenda::{CALENDAR_EVERY_S, IDS_MAX};
use super::source::ApiFootballSettings;

/// A kind of look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// What is asked for.
    pub what: &'static str,
    /// What it costs and how often, for a person.
    pub said: String,
    /// Requests that it takes in a day whatever is played, for all competitions.
    pub a_day: u64,
}

const DAY_S: u64 = 86_400;

/// What is asked for by these settings. A list of more pages costs a request a page.
#[must_use]
pub fn of(settings: &ApiFootballSettings) -> Vec<Cost> {
    let competitions = settings.competitions.len() as u64;
    let every = |seconds: u64| competitions * DAY_S.div_ceil(seconds.max(1));
    let cost = |what, said: String, a_day| Cost { what, said, a_day };
    let calendar_s = CALENDAR_EVERY_S.unsigned_abs();
    let hour = 3_600_u64.div_ceil(u64::from(settings.live_every_s.max(1)));
    let mut costs = vec![
        cost(
            "fixtures",
            format!("1 a competition every {} h", calendar_s / 3_600),
            every(calendar_s),
        ),
        cost("live scores", format!("{hour} an hour while any match runs"), 0),
    ];
    if settings.live_odds {
        costs.push(cost("live odds", format!("{hour} an hour while any match runs"), 0));
    }
    if settings.odds {
        let odds_s = u64::from(settings.odds_every_s);
        let said = format!("1 a competition (and page of 10 matches) every {odds_s} s");
        costs.push(cost("odds", said, every(odds_s)));
    }
    if settings.line_ups {
        let said = format!("up to 6 in the hour before kick-off, for {IDS_MAX} matches at once");
        costs.push(cost("line-ups", said, 0));
    }
    if settings.statistics || settings.incidents {
        let said = format!("1 for {IDS_MAX} matches that are over");
        costs.push(cost("statistics and events", said, 0));
    }
    if settings.absences {
        let said = "1 a competition and match day".to_owned();
        costs.push(cost("injuries", said, competitions));
    }
    for (is_set, what) in [(settings.teams, "teams"), (settings.tables, "standings")] {
        if is_set {
            let said = "1 a competition and week".to_owned();
            costs.push(cost(what, said, competitions.div_ceil(7)));
        }
    }
    costs
}
