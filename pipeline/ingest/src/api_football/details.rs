//! What else the provider tells: statistics, events, line-ups, injuries, teams, tables.
//!
//! Statistics become facts of the log. The others have no event there: they are read for people
//! (`marabet sources probe`) and for whoever builds on them.

use marabet_schemas::Source;
use marabet_schemas::facts::{SideStats, Stats};
use serde::Serialize;
use serde_json::Value;

use super::SOURCE;
use crate::json::{Fault, Node};
use crate::reject::{Reject, RejectKind, Scope};

/// The statistics of a fixture, home then away as the provider lists them. None where a side is
/// missing.
#[must_use]
pub fn statistics(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Option<Stats> {
    let mut sides = Vec::new();
    for item in items {
        match side_stats(Node::root(item)) {
            Ok(side) => sides.push(side),
            Err(fault) => rejects.push(fault.reject(file, Scope::Cell, item)),
        }
    }
    let [home, away] = sides.as_slice() else { return None };
    Some(Stats { src: Source::new(SOURCE), home: *home, away: *away })
}

fn side_stats(item: Node<'_>) -> Result<SideStats, Fault> {
    let mut side = SideStats::default();
    for statistic in item.at("statistics").items() {
        let place = match statistic.at("type").text()? {
            "Total Shots" => &mut side.shots,
            "Shots on Goal" => &mut side.shots_on_target,
            "Corner Kicks" => &mut side.corners,
            "Fouls" => &mut side.fouls,
            "Yellow Cards" => &mut side.yellow_cards,
            "Red Cards" => &mut side.red_cards,
            _ => continue,
        };
        let value = statistic.at("value");
        // Nothing counted is written as null.
        let count = if value.is_null() { 0.0 } else { value.number()? };
        if !(0.0..=1000.0).contains(&count) || count.fract() != 0.0 {
            return Err(value.fault(RejectKind::Statistic, "is no count"));
        }
        *place = Some(count as u16);
    }
    Ok(side)
}

/// Something that happened in a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatchEvent {
    /// Minute, added time included.
    pub minute: u16,
    /// The side.
    pub team: String,
    /// The player.
    pub player: String,
    /// `Goal`, `Card`, `subst`, `Var`.
    pub what: String,
    /// `Yellow Card`, `Own Goal`, …
    pub detail: String,
}

/// A side's line-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineUp {
    /// The side.
    pub team: String,
    /// `4-3-3`.
    pub formation: String,
    /// Who begins.
    pub starters: Vec<String>,
    /// Who may come on.
    pub substitutes: Vec<String>,
}

/// A player who misses a match, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Injury {
    /// The fixture.
    pub fixture: String,
    /// The side.
    pub team: String,
    /// The player.
    pub player: String,
    /// Why.
    pub reason: String,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its country.
    pub country: String,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Its place.
    pub rank: u16,
    /// The side.
    pub team: String,
    /// Points.
    pub points: f64,
    /// Matches played.
    pub played: u16,
}

/// Reads each item by `one`; what cannot be read goes to `rejects`.
fn each<T>(
    file: &str,
    items: &[Value],
    rejects: &mut Vec<Reject>,
    one: impl Fn(Node<'_>) -> Result<T, Fault>,
) -> Vec<T> {
    let mut all = Vec::new();
    for item in items {
        match one(Node::root(item)) {
            Ok(read) => all.push(read),
            Err(fault) => rejects.push(fault.reject(file, Scope::Row, item)),
        }
    }
    all
}

fn or_empty(node: Node<'_>) -> String {
    node.text().map(str::to_owned).unwrap_or_default()
}

fn count(node: Node<'_>) -> Result<u16, Fault> {
    let number = node.number()?;
    let is_count = (0.0..=9999.0).contains(&number);
    if is_count { Ok(number as u16) } else { Err(node.fault(RejectKind::Statistic, "is no count")) }
}

/// What happened in a match.
#[must_use]
pub fn events(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<MatchEvent> {
    each(file, items, rejects, |item| {
        let time = item.at("time");
        let extra = time.at("extra");
        let added = if extra.is_null() { 0 } else { count(extra)? };
        Ok(MatchEvent {
            minute: count(time.at("elapsed"))? + added,
            team: item.at("team").at("name").text()?.to_owned(),
            player: or_empty(item.at("player").at("name")),
            what: item.at("type").text()?.to_owned(),
            detail: or_empty(item.at("detail")),
        })
    })
}

/// The line-ups of a match.
#[must_use]
pub fn line_ups(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<LineUp> {
    each(file, items, rejects, |item| {
        let players = |key: &str| {
            let list = item.at(key);
            list.items().map(|one| or_empty(one.at("player").at("name"))).collect()
        };
        Ok(LineUp {
            team: item.at("team").at("name").text()?.to_owned(),
            formation: or_empty(item.at("formation")),
            starters: players("startXI"),
            substitutes: players("substitutes"),
        })
    })
}

/// Who misses a match.
#[must_use]
pub fn injuries(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<Injury> {
    each(file, items, rejects, |item| {
        let player = item.at("player");
        Ok(Injury {
            fixture: item.at("fixture").at("id").code()?.to_string(),
            team: item.at("team").at("name").text()?.to_owned(),
            player: or_empty(player.at("name")),
            reason: or_empty(player.at("reason")),
        })
    })
}

/// Teams.
#[must_use]
pub fn teams(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<Team> {
    each(file, items, rejects, |item| {
        let team = item.at("team");
        Ok(Team {
            id: team.at("id").code()?.to_string(),
            name: team.at("name").text()?.to_owned(),
            country: or_empty(team.at("country")),
        })
    })
}

/// Tables, group after group.
#[must_use]
pub fn standings(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<Standing> {
    let mut all = Vec::new();
    for item in items {
        let root = Node::root(item);
        let league = root.at("league");
        let groups = league.at("standings");
        for rows in
            groups.items().map(|group| group.value().as_array().cloned().unwrap_or_default())
        {
            all.extend(each(file, &rows, rejects, |row| {
                Ok(Standing {
                    rank: count(row.at("rank"))?,
                    team: row.at("team").at("name").text()?.to_owned(),
                    points: row.at("points").number()?,
                    played: count(row.at("all").at("played"))?,
                })
            }));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statistics_are_counts_as_numbers_or_text_and_null_is_none_of_them() {
        let side = |shots: Value| {
            json!({"team": {"name": "A"}, "statistics": [
                {"type": "Total Shots", "value": shots}, {"type": "Ball Possession", "value": "39%"},
                {"type": "Red Cards", "value": null}]})
        };
        let mut rejects = Vec::new();
        let stats = statistics("x", &[side(json!(12)), side(json!("9"))], &mut rejects).unwrap();
        assert_eq!((stats.home.shots, stats.away.shots), (Some(12), Some(9)));
        assert_eq!((stats.home.red_cards, stats.home.corners), (Some(0), None));
        assert!(statistics("x", &[side(json!(1))], &mut rejects).is_none());
        assert!(statistics("x", &[side(json!(-1)), side(json!(1))], &mut rejects).is_none());
        assert_eq!(rejects.len(), 1);
    }
}
