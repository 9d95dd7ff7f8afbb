//! Who meets whom on which day, and at what time.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};

/// A match to be played: places of the sides among those that play, week of the season, and
/// kick-off on a London clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meeting {
    pub(super) home: usize,
    pub(super) away: usize,
    pub(super) week: usize,
    pub(super) kickoff: DateTime,
}

/// Days from the Saturday of the round, and times, in the order in which matches are given them.
const WEEKEND: [(i64, Time); 10] = [
    (-1, Time::constant(20, 0, 0, 0)),
    (0, Time::constant(12, 30, 0, 0)),
    (0, Time::constant(15, 0, 0, 0)),
    (0, Time::constant(15, 0, 0, 0)),
    (0, Time::constant(15, 0, 0, 0)),
    (0, Time::constant(15, 0, 0, 0)),
    (0, Time::constant(17, 30, 0, 0)),
    (1, Time::constant(14, 0, 0, 0)),
    (1, Time::constant(16, 30, 0, 0)),
    (2, Time::constant(20, 0, 0, 0)),
];

/// The same for a round in midweek: Tuesday and Wednesday after that Saturday.
const MIDWEEK: [(i64, Time); 4] = [
    (3, Time::constant(19, 45, 0, 0)),
    (3, Time::constant(19, 45, 0, 0)),
    (4, Time::constant(19, 30, 0, 0)),
    (4, Time::constant(20, 15, 0, 0)),
];

/// Weekends from the middle of August to the middle of May.
const WEEKENDS_MAX: usize = 39;

/// A season in which each of `sides` plays each other at home and away, in order of kick-off.
/// `sides` is even.
pub(super) fn season(first_year: i16, sides: usize) -> Vec<Meeting> {
    let rounds = rounds(sides);
    let midweek = rounds.len().saturating_sub(WEEKENDS_MAX).max(rounds.len() / 12);
    let weekends = rounds.len() - midweek;
    // A midweek round follows every n-th weekend, as evenly as they go.
    let follows =
        |weekend: usize| (weekend + 1) * midweek / weekends > weekend * midweek / weekends;
    let start = first_saturday(first_year);
    let mut meetings = Vec::with_capacity(sides * (sides - 1));
    let mut rounds = rounds.into_iter();
    for week in 0..weekends {
        let saturday = start.saturating_add((7 * week as i64).days());
        let slots: [Option<&[(i64, Time)]>; 2] =
            [Some(&WEEKEND), follows(week).then_some(&MIDWEEK[..])];
        for slots in slots.into_iter().flatten() {
            let Some(round) = rounds.next() else { break };
            for (index, (home, away)) in round.into_iter().enumerate() {
                let (days, time) = slots[index % slots.len()];
                let kickoff = saturday.saturating_add(days.days()).to_datetime(time);
                meetings.push(Meeting { home, away, week, kickoff });
            }
        }
    }
    meetings.sort_by_key(|meeting| meeting.kickoff);
    meetings
}

/// The second Saturday of August, or the one after it.
fn first_saturday(year: i16) -> Date {
    let mut day = Date::constant(year, 8, 10);
    while day.weekday() != Weekday::Saturday {
        day = day.saturating_add(1.day());
    }
    day
}

/// Every pairing twice, once at each ground, by turning all sides but one round a circle.
fn rounds(sides: usize) -> Vec<Vec<(usize, usize)>> {
    let turning = sides - 1;
    let first: Vec<Vec<(usize, usize)>> = (0..turning)
        .map(|turn| {
            let fixed = (turn, sides - 1);
            let others = (1..sides / 2)
                .map(|step| ((turn + step) % turning, (turn + turning - step) % turning));
            let round: Vec<(usize, usize)> = std::iter::once(fixed).chain(others).collect();
            let turn_grounds =
                |(home, away)| if turn % 2 == 0 { (home, away) } else { (away, home) };
            round.into_iter().map(turn_grounds).collect()
        })
        .collect();
    let second: Vec<Vec<(usize, usize)>> = first
        .iter()
        .map(|round| round.iter().map(|&(home, away)| (away, home)).collect())
        .collect();
    first.into_iter().chain(second).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_side_plays_each_other_at_home_and_away_and_once_a_round() {
        for sides in [4, 6, 20, 24] {
            let meetings = season(2024, sides);
            let pairs: BTreeSet<(usize, usize)> =
                meetings.iter().map(|meeting| (meeting.home, meeting.away)).collect();
            assert_eq!((meetings.len(), pairs.len()), (sides * (sides - 1), sides * (sides - 1)));
            assert!(pairs.iter().all(|(home, away)| home != away));
            for round in rounds(sides) {
                let playing: BTreeSet<usize> =
                    round.iter().flat_map(|&(home, away)| [home, away]).collect();
                assert_eq!(playing.len(), sides);
            }
        }
    }

    #[test]
    fn a_season_lies_between_august_and_may_with_rounds_in_midweek() {
        let meetings = season(2024, 20);
        let (first, last) = (meetings[0].kickoff.date(), meetings[379].kickoff.date());
        assert_eq!(first, Date::constant(2024, 8, 9));
        assert!(last < Date::constant(2025, 6, 1), "{last}");
        let tuesdays =
            meetings.iter().filter(|meeting| meeting.kickoff.weekday() == Weekday::Tuesday);
        assert!(tuesdays.count() > 5);
        assert!(season(2024, 24)[551].kickoff.date() < Date::constant(2025, 6, 15));
    }
}
