use std::collections::{BTreeMap, BTreeSet};

use crate::value::{Odds, ValueError};

/// What else was counted in a match, home side first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Goals at half-time.
    pub half_time: Option<[u32; 2]>,
    /// Shots.
    pub shots: Option<[u32; 2]>,
    /// Shots on target.
    pub shots_on_target: Option<[u32; 2]>,
    /// Corners.
    pub corners: Option<[u32; 2]>,
    /// Players sent off.
    pub reds: Option<[u32; 2]>,
}

/// A count of both sides of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Count {
    /// Goals.
    Goals,
    /// Shots on target.
    ShotsOnTarget,
    /// Shots.
    Shots,
    /// Corners.
    Corners,
}

impl Count {
    /// The count as it is written in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Goals => "goals",
            Self::ShotsOnTarget => "shots_on_target",
            Self::Shots => "shots",
            Self::Corners => "corners",
        }
    }

    /// The count of a match, home side first, where it is known.
    #[must_use]
    pub const fn of(self, record: &Record) -> Option<[u32; 2]> {
        match self {
            Self::Goals => Some(record.goals),
            Self::ShotsOnTarget => record.stats.shots_on_target,
            Self::Shots => record.stats.shots,
            Self::Corners => record.stats.corners,
        }
    }
}

/// A match of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The league, whose teams are compared with each other alone.
    pub league: String,
    /// The season by the year in which it began.
    pub season: i32,
    /// The instant of the match in days since any fixed day.
    pub day: f64,
    /// The home side.
    pub home: String,
    /// The away side.
    pub away: String,
    /// Goals, home side first.
    pub goals: [u32; 2],
    /// What else was counted.
    pub stats: Stats,
    /// Decimal odds of home win, draw and away win some time before the match.
    pub pre_match: Option<[f64; 3]>,
    /// The last decimal odds before kick-off.
    pub closing: Option<[f64; 3]>,
}

impl Record {
    /// 0, 1 or 2 for home win, draw and away win.
    #[must_use]
    pub fn outcome(&self) -> usize {
        match self.goals[0].cmp(&self.goals[1]) {
            std::cmp::Ordering::Greater => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Less => 2,
        }
    }
}

/// Why matches are no history.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HistoryError {
    /// No match was given.
    #[error("a history needs at least one match, got none")]
    Empty,
    /// The day is no number.
    #[error("the day of {home} v {away} must be finite, got {day}")]
    Day {
        /// The home side.
        home: String,
        /// The away side.
        away: String,
        /// The day as given.
        day: f64,
    },
    /// A name is missing, or a team plays itself.
    #[error(
        "a match on day {day} must name a league and two teams, got `{league}`: `{home}` v `{away}`"
    )]
    Names {
        /// The day.
        day: f64,
        /// The league.
        league: String,
        /// The home side.
        home: String,
        /// The away side.
        away: String,
    },
    /// A price is none.
    #[error("{home} v {away}: {why}")]
    Odds {
        /// The home side.
        home: String,
        /// The away side.
        away: String,
        /// What was wrong with it.
        why: ValueError,
    },
}

/// Matches in the order in which they were played.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// By day, league and home side.
    records: Vec<Record>,
    /// Places of each league's matches, in order.
    leagues: BTreeMap<String, Vec<usize>>,
    /// Teams of each league's season.
    teams: BTreeMap<(String, i32), BTreeSet<String>>,
}

impl History {
    /// The history of these matches, given in any order.
    ///
    /// # Errors
    /// [`HistoryError`] when there are none, a day or a price is none, or a name is missing.
    pub fn new(mut records: Vec<Record>) -> Result<Self, HistoryError> {
        if records.is_empty() {
            return Err(HistoryError::Empty);
        }
        records.iter().try_for_each(check)?;
        records.sort_by(|a, b| {
            let names = |r: &Record| (r.league.clone(), r.home.clone(), r.away.clone());
            a.day.total_cmp(&b.day).then_with(|| names(a).cmp(&names(b)))
        });
        let mut leagues: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut teams: BTreeMap<(String, i32), BTreeSet<String>> = BTreeMap::new();
        for (place, record) in records.iter().enumerate() {
            leagues.entry(record.league.clone()).or_default().push(place);
            let of_season = teams.entry((record.league.clone(), record.season)).or_default();
            of_season.extend([record.home.clone(), record.away.clone()]);
        }
        Ok(Self { records, leagues, teams })
    }

    /// The matches by day, league and home side.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The places of each league's matches among [`Self::records`], in order.
    pub fn leagues(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.leagues.iter().map(|(league, places)| (league.as_str(), places.as_slice()))
    }

    /// The seasons, in order.
    #[must_use]
    pub fn seasons(&self) -> Vec<i32> {
        let seasons: BTreeSet<i32> = self.records.iter().map(|record| record.season).collect();
        seasons.into_iter().collect()
    }

    /// The teams of a league's season that were not in it the season before; none when that season
    /// is not part of the history. A league's teams are known before its season begins.
    #[must_use]
    pub fn newcomers(&self, league: &str, season: i32) -> Vec<&str> {
        let of = |season| self.teams.get(&(league.to_owned(), season));
        let (Some(now), Some(before)) = (of(season), of(season - 1)) else { return Vec::new() };
        now.difference(before).map(String::as_str).collect()
    }
}

fn check(record: &Record) -> Result<(), HistoryError> {
    let Record { league, day, home, away, .. } = record;
    let (home, away, day) = (home.clone(), away.clone(), *day);
    if !day.is_finite() {
        return Err(HistoryError::Day { home, away, day });
    }
    if [league, &home, &away].iter().any(|name| name.trim().is_empty()) || home == away {
        return Err(HistoryError::Names { day, league: league.clone(), home, away });
    }
    for price in [record.pre_match, record.closing].into_iter().flatten().flatten() {
        if let Err(why) = Odds::new(price) {
            return Err(HistoryError::Odds { home, away, why });
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Four teams of one league over `seasons` seasons of twelve matches, with odds and statistics
    /// that follow the strengths; in each season after the first one team is new.
    pub(crate) fn small(seasons: i32) -> History {
        let mut records = Vec::new();
        let mut noise = 12_345_u32;
        for season in 0..seasons {
            let newest = format!("New {season}");
            let teams = ["Ash", "Birch", "Cedar", newest.as_str()];
            for (i, home) in teams.iter().enumerate() {
                for (j, away) in teams.iter().enumerate().filter(|(j, _)| *j != i) {
                    noise = noise.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    let luck = (noise >> 16) % 6;
                    let strength = |team: usize| 3 - team as u32;
                    let goals = [(strength(i) + luck) / 2, (strength(j) + 5 - luck) / 3];
                    let p = [0.45 - 0.05 * i as f64, 0.25, 0.30 + 0.05 * i as f64];
                    records.push(Record {
                        league: "L".to_owned(),
                        season,
                        day: f64::from(season) * 365.0 + ((i * 4 + j) * 9 % 97) as f64,
                        home: (*home).to_owned(),
                        away: (*away).to_owned(),
                        goals,
                        stats: Stats {
                            shots: Some([10 + goals[0], 8 + goals[1]]),
                            shots_on_target: Some([3 + goals[0], 2 + goals[1]]),
                            corners: Some([5, 4]),
                            ..Stats::default()
                        },
                        pre_match: Some(p.map(|p| 0.97 / p)),
                        closing: Some(p.map(|p| 0.98 / p)),
                    });
                }
            }
        }
        records.reverse();
        History::new(records).unwrap()
    }

    #[test]
    fn a_history_is_in_order_of_time_whatever_order_it_is_given_in() {
        let history = small(3);
        assert!(history.records().windows(2).all(|pair| pair[0].day <= pair[1].day));
        assert_eq!(history.seasons(), [0, 1, 2]);
        assert_eq!(history.newcomers("L", 2), ["New 2"]);
        assert!(history.newcomers("L", 0).is_empty(), "nothing is known of the season before");
        let (league, places) = history.leagues().next().unwrap();
        assert_eq!((league, places.len()), ("L", 36));
    }

    #[test]
    fn matches_that_are_none_are_refused_and_named() {
        assert_eq!(History::new(Vec::new()), Err(HistoryError::Empty));
        let good = small(1).records()[0].clone();
        let refused = |record: Record| History::new(vec![record]).unwrap_err();
        let day = Record { day: f64::NAN, ..good.clone() };
        assert!(matches!(refused(day), HistoryError::Day { .. }));
        let same = Record { away: good.home.clone(), ..good.clone() };
        assert!(matches!(refused(same), HistoryError::Names { .. }));
        let one_sided = Record { closing: Some([1.0, 3.0, 4.0]), ..good };
        assert!(matches!(refused(one_sided), HistoryError::Odds { .. }));
    }
}
