//! What else the provider tells of matches: statistics, what happened, line-ups, absences, tables;
//! and its teams.
//!
//! A reply to `ids` holds the first three of up to twenty matches at once ([`embedded`]); each can
//! also be asked for by itself.

use marabet_schemas::facts::{SideStats, Stats};
use marabet_schemas::news::{
    Absence, Incident, IncidentKind, Incidents, LineUp, LineUps, Place, Side,
};
use marabet_schemas::{Body, Source};
use serde::Serialize;
use serde_json::Value;
use smol_str::SmolStr;

use super::SOURCE;
use crate::json::{Fault, Node};
use crate::reject::{Reject, RejectKind, Scope};

/// The names of the two sides, home then away.
pub type Sides<'a> = [&'a str; 2];

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

fn some_text(node: Node<'_>) -> Option<String> {
    node.text().ok().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn count(node: Node<'_>) -> Result<u16, Fault> {
    whole(node, 0.0, 9999.0).map(|count| count as u16)
}

fn whole(node: Node<'_>, least: f64, most: f64) -> Result<f64, Fault> {
    let number = node.number()?;
    let is_whole = (least..=most).contains(&number) && number.fract() == 0.0;
    if is_whole { Ok(number) } else { Err(node.fault(RejectKind::Statistic, "is no count")) }
}

fn side(item: Node<'_>, sides: Sides<'_>) -> Result<Side, Fault> {
    let team = item.at("team");
    let name = team.at("name");
    match name.text()? {
        home if home == sides[0] => Ok(Side::Home),
        away if away == sides[1] => Ok(Side::Away),
        _ => Err(name.fault(RejectKind::Name, "is none of the match's sides")),
    }
}

/// The statistics of a fixture. None where a side is missing.
#[must_use]
pub fn statistics(
    file: &str,
    items: &[Value],
    sides: Sides<'_>,
    rejects: &mut Vec<Reject>,
) -> Option<Stats> {
    let read = each(file, items, rejects, |item| Ok((side(item, sides)?, side_stats(item)?)));
    let of = |sought| read.iter().find(|(side, _)| *side == sought).map(|(_, stats)| *stats);
    Some(Stats { src: Source::new(SOURCE), home: of(Side::Home)?, away: of(Side::Away)? })
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
        *place = Some(if value.is_null() { 0 } else { count(value)? });
    }
    Ok(side)
}

/// What happened in a match. What is of a sort that is not known is refused by name.
#[must_use]
pub fn events(
    file: &str,
    items: &[Value],
    sides: Sides<'_>,
    rejects: &mut Vec<Reject>,
) -> Vec<Incident> {
    each(file, items, rejects, |item| {
        let time = item.at("time");
        let extra = time.at("extra");
        let added = if extra.is_null() { 0 } else { count(extra)? };
        let detail = some_text(item.at("detail"));
        Ok(Incident {
            minute: count(time.at("elapsed"))? + added,
            side: side(item, sides)?,
            what: kind(item.at("type"), detail.as_deref().unwrap_or_default())?,
            player: some_text(item.at("player").at("name")),
            other: some_text(item.at("assist").at("name")),
            detail: some_text(item.at("comments")).or(detail),
        })
    })
}

fn kind(of: Node<'_>, detail: &str) -> Result<IncidentKind, Fault> {
    Ok(match (of.text()?.to_ascii_lowercase().as_str(), detail.to_ascii_lowercase().as_str()) {
        ("goal", "own goal") => IncidentKind::OwnGoal,
        ("goal", "penalty") => IncidentKind::Penalty,
        ("goal", "missed penalty") => IncidentKind::MissedPenalty,
        ("goal", _) => IncidentKind::Goal,
        ("card", "yellow card") => IncidentKind::YellowCard,
        // `Red Card` and `Second Yellow card`.
        ("card", _) => IncidentKind::RedCard,
        ("subst", _) => IncidentKind::Substitution,
        ("var", _) => IncidentKind::Review,
        _ => return Err(of.fault(RejectKind::Unsupported, "is nothing that is known here")),
    })
}

/// Who plays. None where a side is missing, as it is until shortly before kick-off.
#[must_use]
pub fn line_ups(
    file: &str,
    items: &[Value],
    sides: Sides<'_>,
    rejects: &mut Vec<Reject>,
) -> Option<LineUps> {
    let mut read = each(file, items, rejects, |item| {
        let players = |key: &str| {
            let list = item.at(key);
            list.items().filter_map(|one| some_text(one.at("player").at("name"))).collect()
        };
        let line_up = LineUp {
            formation: some_text(item.at("formation")),
            starters: players("startXI"),
            substitutes: players("substitutes"),
        };
        Ok((side(item, sides)?, line_up))
    });
    read.retain(|(_, line_up)| !line_up.starters.is_empty());
    let of = |sought| read.iter().find(|(side, _)| *side == sought).map(|(_, one)| one.clone());
    Some(LineUps { src: Source::new(SOURCE), home: of(Side::Home)?, away: of(Side::Away)? })
}

/// A player who misses a match, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The provider's number of the match.
    pub fixture: SmolStr,
    /// The name of his side.
    pub team: SmolStr,
    /// Who, and why.
    pub absence: Absence,
}

/// Who misses matches.
#[must_use]
pub fn injuries(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<Missing> {
    each(file, items, rejects, |item| {
        let player = item.at("player");
        let absence = Absence {
            player: player.at("name").text()?.to_owned(),
            reason: some_text(player.at("reason")),
            doubtful: some_text(player.at("type")).as_deref() == Some("Questionable"),
        };
        Ok(Missing {
            fixture: item.at("fixture").at("id").code()?,
            team: SmolStr::new(item.at("team").at("name").text()?),
            absence,
        })
    })
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    /// Its number.
    pub id: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Its country.
    pub country: Option<String>,
}

/// Teams.
#[must_use]
pub fn teams(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<Team> {
    each(file, items, rejects, |item| {
        let team = item.at("team");
        Ok(Team {
            id: team.at("id").code()?,
            name: SmolStr::new(team.at("name").text()?),
            country: some_text(team.at("country")),
        })
    })
}

/// The places of sides by their names, table after table.
#[must_use]
pub fn standings(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<(SmolStr, Place)> {
    let mut all = Vec::new();
    for item in items {
        let root = Node::root(item);
        let league = root.at("league");
        let tables = league.at("standings");
        for rows in tables.items().filter_map(|table| table.value().as_array()) {
            all.extend(each(file, rows, rejects, |row| {
                let difference = row.at("goalsDiff");
                let difference = (!difference.is_null()).then(|| whole(difference, -999.0, 999.0));
                let place = Place {
                    rank: count(row.at("rank"))?,
                    points: whole(row.at("points"), -999.0, 999.0)? as i16,
                    played: count(row.at("all").at("played"))?,
                    goal_difference: difference.transpose()?.map(|difference| difference as i16),
                };
                Ok((SmolStr::new(row.at("team").at("name").text()?), place))
            }));
        }
    }
    all
}

/// What the item of a fixture holds of it besides, as facts.
#[must_use]
pub fn embedded(
    file: &str,
    item: &Value,
    sides: Sides<'_>,
    rejects: &mut Vec<Reject>,
) -> Vec<Body> {
    let list = |key: &str| item[key].as_array().filter(|list| !list.is_empty());
    let mut facts = Vec::new();
    if let Some(happened) = list("events").and_then(|items| incidents(file, items, sides, rejects))
    {
        facts.push(happened);
    }
    let line_ups = list("lineups").and_then(|items| line_ups(file, items, sides, rejects));
    facts.extend(line_ups.map(Body::from));
    let stats = list("statistics").and_then(|items| statistics(file, items, sides, rejects));
    facts.extend(stats.map(Body::from));
    facts
}

/// What happened in a match, as a fact. None where nothing did.
#[must_use]
pub fn incidents(
    file: &str,
    items: &[Value],
    sides: Sides<'_>,
    rejects: &mut Vec<Reject>,
) -> Option<Body> {
    let incidents = events(file, items, sides, rejects);
    let fact = || Incidents { src: Source::new(SOURCE), incidents: incidents.clone() }.into();
    (!incidents.is_empty()).then(fact)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SIDES: Sides<'_> = ["A", "B"];

    #[test]
    fn statistics_are_counts_as_numbers_or_text_and_null_is_none_of_them() {
        let side = |name: &str, shots: Value| {
            json!({"team": {"name": name}, "statistics": [
                {"type": "Total Shots", "value": shots}, {"type": "Ball Possession", "value": "39%"},
                {"type": "Red Cards", "value": null}]})
        };
        let mut rejects = Vec::new();
        // The order of the sides does not count.
        let both = [side("B", json!("9")), side("A", json!(12))];
        let stats = statistics("x", &both, SIDES, &mut rejects).unwrap();
        assert_eq!((stats.home.shots, stats.away.shots), (Some(12), Some(9)));
        assert_eq!((stats.home.red_cards, stats.home.corners), (Some(0), None));
        assert!(statistics("x", &both[..1], SIDES, &mut rejects).is_none());
        for wrong in [side("A", json!(-1)), side("C", json!(1))] {
            assert!(statistics("x", &[wrong, both[0].clone()], SIDES, &mut rejects).is_none());
        }
        assert_eq!(rejects.len(), 2);
    }

    #[test]
    fn what_happened_is_told_by_kind_and_side_and_what_is_not_known_is_refused_by_name() {
        let event = |kind: &str, detail: &str, team: &str| {
            json!({"time": {"elapsed": 90, "extra": 3}, "team": {"name": team},
                "player": {"name": "P"}, "assist": {"name": null}, "type": kind, "detail": detail})
        };
        let mut rejects = Vec::new();
        let items = [
            event("Goal", "Normal Goal", "A"),
            event("Goal", "Own Goal", "B"),
            event("Goal", "Missed Penalty", "A"),
            event("Card", "Yellow Card", "A"),
            event("Card", "Second Yellow card", "B"),
            event("subst", "Substitution 1", "A"),
            event("Var", "Goal cancelled", "A"),
            event("Streaker", "", "A"),
            event("Goal", "Normal Goal", "C"),
        ];
        let Some(Body::Incidents(told)) = incidents("x", &items, SIDES, &mut rejects) else {
            panic!("{rejects:?}")
        };
        use IncidentKind as K;
        let kinds: Vec<IncidentKind> = told.incidents.iter().map(|one| one.what).collect();
        let expected = [
            K::Goal,
            K::OwnGoal,
            K::MissedPenalty,
            K::YellowCard,
            K::RedCard,
            K::Substitution,
            K::Review,
        ];
        assert_eq!(kinds, expected);
        assert_eq!((told.incidents[0].minute, told.reds()), (93, [0, 1]));
        assert_eq!(rejects.len(), 2, "{rejects:?}");
    }

    #[test]
    fn a_line_up_needs_both_sides_and_who_begins() {
        let side = |name: &str, starters: Value| json!({"team": {"name": name}, "formation": "4-4-2", "startXI": starters, "substitutes": []});
        let eleven = json!([{"player": {"name": "P"}}]);
        let mut rejects = Vec::new();
        let mut read = |items: &[Value]| line_ups("x", items, SIDES, &mut rejects);
        assert!(read(&[side("A", eleven.clone())]).is_none());
        assert!(read(&[side("A", eleven.clone()), side("B", json!([]))]).is_none());
        let both = read(&[side("B", eleven.clone()), side("A", eleven)]).unwrap();
        assert_eq!((both.home.starters.len(), both.home.formation.as_deref()), (1, Some("4-4-2")));
    }
}
