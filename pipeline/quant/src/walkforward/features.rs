//! What was known of a match before its kick-off, as numbers for models that learn from examples.

use std::collections::{BTreeMap, VecDeque};

use super::{Count, History, Record, SignalRates, WalkError};
use crate::ratings::{Elo, EloTable, Margin, Pi, PiTable, Rated, RatingSystem};

/// Numbers of each match.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// What each number is.
    pub names: Vec<String>,
    /// The numbers of each match, in the order of the history; none where a signal has none.
    pub rows: Vec<Option<Vec<f64>>>,
}

/// The last matches that make a team's form.
const FORM: usize = 5;
/// More days of rest than this make no difference.
const REST_DAYS_MAX: f64 = 21.0;

/// The numbers of every match: what each signal expects of both sides, gaps in Elo and pi-ratings,
/// form over the last five matches (points, goals, shots on target, corners, players sent off), days
/// of rest, whether a side is new in its league, and how many matches of the season it has played.
///
/// # Errors
/// [`WalkError`] when a signal is not of this history, or a rating system refuses a result.
pub fn features(history: &History, signals: &[SignalRates]) -> Result<Features, WalkError> {
    for signal in signals {
        let (got, matches) = (signal.len(), history.records().len());
        if got != matches {
            return Err(WalkError::Length { name: "signal".to_owned(), got, matches });
        }
    }
    let mut rows = vec![None; history.records().len()];
    for (_, places) in history.leagues() {
        let mut league = League::new()?;
        for &place in places {
            let record = &history.records()[place];
            let expected: Option<Vec<[f64; 2]>> = signals.iter().map(|s| s[place]).collect();
            if let Some(expected) = expected {
                let known = expected.into_iter().flatten().chain(league.numbers(history, record));
                rows[place] = Some(known.collect());
            }
            league.play(record)?;
        }
    }
    let of_signals = (0..signals.len())
        .flat_map(|signal| ["home", "away"].map(|side| format!("signal_{signal}_{side}")));
    let others = ["elo_gap", "pi_gap"].into_iter().map(str::to_owned);
    let of_sides = ["home", "away"]
        .into_iter()
        .flat_map(|side| TEAM_NUMBERS.map(|number| format!("{number}_{side}")));
    let names = of_signals.chain(others).chain(of_sides).collect();
    Ok(Features { names, rows })
}

const TEAM_NUMBERS: [&str; 8] = [
    "form_points",
    "form_goals",
    "form_shots_on_target",
    "form_corners",
    "form_reds",
    "rest_days",
    "newcomer",
    "played",
];

/// A league as it stands before its next match.
struct League {
    elo: EloTable,
    pi: PiTable,
    teams: BTreeMap<String, Team>,
}

/// What is remembered of a team.
#[derive(Default)]
struct Team {
    /// Points, and the differences of goals, shots on target, corners and players sent off, of the
    /// last matches.
    last: VecDeque<[f64; 5]>,
    last_day: Option<f64>,
    season: i32,
    played: f64,
}

impl League {
    fn new() -> Result<Self, WalkError> {
        let elo =
            Elo { margin: Margin::Power(1.0), k: 10.0, home_advantage: 70.0, ..Elo::default() };
        let (elo, pi) = (EloTable::new(elo)?, PiTable::new(Pi::default())?);
        Ok(Self { elo, pi, teams: BTreeMap::new() })
    }

    fn numbers(&self, history: &History, record: &Record) -> Vec<f64> {
        let (home, away) = (record.home.as_str(), record.away.as_str());
        // A hundred rating points are about one step of everything else.
        let mut numbers =
            vec![self.elo.gap(home, away, false) / 100.0, self.pi.gap(home, away, false)];
        let newcomers = history.newcomers(&record.league, record.season);
        let nobody = Team::default();
        for name in [home, away] {
            let team = self.teams.get(name).unwrap_or(&nobody);
            let mean = |of: usize| {
                let sum: f64 = team.last.iter().map(|counts| counts[of]).sum();
                sum / team.last.len().max(1) as f64
            };
            numbers.extend((0..5).map(mean));
            let rest = team.last_day.map_or(REST_DAYS_MAX, |day| record.day - day);
            numbers.push(rest.min(REST_DAYS_MAX));
            numbers.push(if newcomers.contains(&name) { 1.0 } else { 0.0 });
            numbers.push(if team.season == record.season { team.played } else { 0.0 });
        }
        numbers
    }

    fn play(&mut self, record: &Record) -> Result<(), WalkError> {
        let rated = Rated {
            day: record.day,
            home: &record.home,
            away: &record.away,
            home_goals: record.goals[0],
            away_goals: record.goals[1],
            neutral: false,
        };
        self.elo.rate(&rated)?;
        self.pi.rate(&rated)?;
        let counts = [
            Some(record.goals),
            Count::ShotsOnTarget.of(record),
            Count::Corners.of(record),
            record.stats.reds,
        ];
        let points = [[3.0, 0.0], [1.0, 1.0], [0.0, 3.0]][record.outcome()];
        for (side, name) in [(0, &record.home), (1, &record.away)] {
            let lead = |count: Option<[u32; 2]>| {
                count.map_or(0.0, |both| f64::from(both[side]) - f64::from(both[1 - side]))
            };
            let [goals, shots_on_target, corners, reds] = counts.map(lead);
            let team = self.teams.entry(name.clone()).or_default();
            if team.season != record.season {
                (team.season, team.played) = (record.season, 0.0);
            }
            team.played += 1.0;
            team.last_day = Some(record.day);
            team.last.push_back([points[side], goals, shots_on_target, corners, reds]);
            if team.last.len() > FORM {
                team.last.pop_front();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walkforward::history::tests::small;

    #[test]
    fn numbers_are_those_before_the_match() {
        let history = small(3);
        let signal: SignalRates = history.records().iter().map(|_| Some([0.3, 0.1])).collect();
        let features = features(&history, &[signal]).unwrap();
        assert_eq!(features.names.len(), 2 + 2 + 16);
        let at = |name: &str| features.names.iter().position(|n| n == name).unwrap();
        let row = |place: usize| features.rows[place].as_ref().unwrap();
        assert!(features.rows.iter().flatten().all(|row| row.len() == features.names.len()));
        let first = row(0);
        assert_eq!(first[at("elo_gap")], 0.7, "home advantage alone");
        assert_eq!((first[at("form_points_home")], first[at("rest_days_away")]), (0.0, 21.0));
        // The second match of a team knows the first.
        let records = history.records();
        let team = &records[0].home;
        let plays = |record: &Record| record.home == *team || record.away == *team;
        let next = (1..records.len()).find(|&place| plays(&records[place])).unwrap();
        let side = if records[next].home == *team { "home" } else { "away" };
        let points = [3.0, 1.0, 0.0][records[0].outcome()];
        assert_eq!(row(next)[at(&format!("form_points_{side}"))], points);
        assert_eq!(row(next)[at(&format!("played_{side}"))], 1.0);
        let rest = records[next].day - records[0].day;
        assert_eq!(row(next)[at(&format!("rest_days_{side}"))], rest.min(21.0));
        let newest = records.iter().position(|r| r.season == 2 && r.home == "New 2").unwrap();
        assert_eq!(row(newest)[at("newcomer_home")], 1.0);
    }

    #[test]
    fn a_signal_of_another_history_is_refused() {
        let wrong = features(&small(1), &[vec![None; 3]]);
        assert!(matches!(wrong, Err(WalkError::Length { got: 3, .. })));
    }
}
