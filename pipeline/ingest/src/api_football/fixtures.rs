//! Fixtures: matches with their status, their score so far and their result.

use marabet_schemas::facts::{Fixture, FixtureStatus, MatchResult, ResultStatus};
use marabet_schemas::{Body, Instant, Source};
use serde_json::Value;
use smol_str::SmolStr;

use super::{SOURCE, details};
use crate::changes::Known;
use crate::desk::ShownMatch;
use crate::json::{Fault, Node};
use crate::names::Named;
use crate::reject::{Reject, RejectKind, Scope};

/// Reads fixtures; one that cannot be read goes to `rejects`, and the others are taken.
#[must_use]
pub fn read(file: &str, items: &[Value], rejects: &mut Vec<Reject>) -> Vec<ShownMatch> {
    let mut matches = Vec::with_capacity(items.len());
    for item in items {
        match one(Node::root(item)) {
            Ok(mut shown) => {
                let sides = [shown.named.home.as_str(), shown.named.away.as_str()];
                let besides = details::embedded(file, item, sides, rejects);
                shown.facts.extend(besides.into_iter().map(|body| (Known::Seen, body)));
                matches.push(shown);
            }
            Err(fault) => rejects.push(fault.reject(file, Scope::Row, item)),
        }
    }
    matches
}

/// What a status means, and whether there is a result.
fn meaning(short: &str) -> Option<(FixtureStatus, Option<ResultStatus>)> {
    Some(match short {
        "TBD" | "NS" => (FixtureStatus::Scheduled, None),
        "1H" | "HT" | "2H" | "ET" | "BT" | "P" | "LIVE" => (FixtureStatus::Live, None),
        "SUSP" | "INT" => (FixtureStatus::Suspended, None),
        "FT" | "AET" | "PEN" => (FixtureStatus::Finished, Some(ResultStatus::Played)),
        "PST" => (FixtureStatus::Postponed, None),
        "CANC" => (FixtureStatus::Cancelled, None),
        "ABD" => (FixtureStatus::Abandoned, Some(ResultStatus::Abandoned)),
        "AWD" | "WO" => (FixtureStatus::Awarded, Some(ResultStatus::Awarded)),
        _ => return None,
    })
}

fn one(item: Node<'_>) -> Result<ShownMatch, Fault> {
    let fixture = item.at("fixture");
    let status = fixture.at("status");
    let short = status.at("short");
    let (state, result) = meaning(short.text()?)
        .ok_or_else(|| short.fault(RejectKind::Unsupported, "is no status that is known here"))?;
    let kickoff = kickoff(fixture)?;
    let teams = item.at("teams");
    let side = |side: &str| {
        let name = teams.at(side).at("name").text().map(SmolStr::new);
        name.map_err(|fault| Fault { kind: RejectKind::Name, ..fault })
    };
    let named = Named {
        id: fixture.at("id").code()?,
        competition: item.at("league").at("id").code()?,
        home: side("home")?,
        away: side("away")?,
    };
    let is_live = matches!(state, FixtureStatus::Live | FixtureStatus::Suspended);
    let goals = pair(item.at("goals"))?;
    let elapsed = status.at("elapsed");
    // The minutes of extra time are none of the ninety that markets are settled by.
    let counts = is_live && !matches!(short.text()?, "ET" | "BT" | "P");
    let minute =
        if counts && !elapsed.is_null() { Some(elapsed.number()?.max(0.0) as u16) } else { None };
    let src = Source::new(SOURCE);
    let fact = Fixture {
        src: src.clone(),
        status: state,
        kickoff,
        neutral: false,
        minute,
        score: goals.filter(|_| is_live),
    };
    let mut facts: Vec<(Known, Body)> = vec![(Known::Seen, fact.into())];
    if let Some(status) = result {
        let score = item.at("score");
        // `fulltime` is the score after ninety minutes, `goals` the one at the end of all.
        let full = pair(score.at("fulltime"))?.or(goals);
        let half = pair(score.at("halftime"))?;
        let counts = matches!(status, ResultStatus::Played | ResultStatus::Awarded);
        if counts && full.is_none() {
            let reason = "a match that is over has no score after ninety minutes";
            return Err(score.fault(RejectKind::Score, reason));
        }
        let half_time = half.filter(|_| status == ResultStatus::Played);
        let score = full.filter(|_| counts);
        facts.push((Known::Seen, MatchResult { src, status, score, half_time }.into()));
    }
    Ok(ShownMatch { named, kickoff, facts })
}

/// The kick-off: the number of seconds, or the date where there is none.
pub(super) fn kickoff(fixture: Node<'_>) -> Result<Instant, Fault> {
    let seconds = fixture.at("timestamp");
    match seconds.value() {
        Value::Number(number) => match number.as_i64() {
            Some(seconds) => Ok(Instant::default().plus_seconds(seconds)),
            None => Err(seconds.fault(RejectKind::Time, "is no number of seconds")),
        },
        _ => fixture.at("date").instant(),
    }
}

fn pair(of: Node<'_>) -> Result<Option<[u8; 2]>, Fault> {
    let (home, away) = (of.at("home"), of.at("away"));
    if home.is_null() || away.is_null() {
        return Ok(None);
    }
    Ok(Some([home.goals()?, away.goals()?]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(status: &str) -> Value {
        json!({
            "fixture": {"id": 7, "timestamp": 1711819800, "status": {"short": status, "elapsed": 93}},
            "league": {"id": 78}, "teams": {"home": {"name": "A"}, "away": {"name": "B"}},
            "goals": {"home": 3, "away": "2"},
            "score": {"halftime": {"home": 1, "away": 0}, "fulltime": {"home": 2, "away": 2}},
        })
    }

    fn facts(status: &str) -> (String, Option<[u8; 2]>, Option<String>) {
        let mut rejects = Vec::new();
        let shown = read("x", &[item(status)], &mut rejects);
        let [shown] = shown.as_slice() else { return ("refused".into(), None, None) };
        let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
        let mut state = (String::new(), None, None);
        for (_, body) in &shown.facts {
            match body {
                Body::Fixture(fixture) => {
                    state.0 = text(serde_json::to_value(fixture.status).unwrap());
                    state.1 = fixture.score;
                }
                Body::Result(result) => {
                    state.1 = result.score;
                    state.2 = Some(text(serde_json::to_value(result.status).unwrap()));
                }
                other => panic!("{other:?}"),
            }
        }
        state
    }

    #[test]
    fn every_status_is_understood_and_extra_time_does_not_count() {
        let check = |short: &str, status: &str, score: Option<[u8; 2]>, result: Option<&str>| {
            assert_eq!(
                facts(short),
                (status.to_owned(), score, result.map(str::to_owned)),
                "{short}"
            );
        };
        check("NS", "scheduled", None, None);
        check("TBD", "scheduled", None, None);
        for live in ["1H", "HT", "2H", "ET", "BT", "P", "LIVE"] {
            check(live, "live", Some([3, 2]), None);
        }
        check("SUSP", "suspended", Some([3, 2]), None);
        check("INT", "suspended", Some([3, 2]), None);
        for over in ["FT", "AET", "PEN"] {
            check(over, "finished", Some([2, 2]), Some("played"));
        }
        check("PST", "postponed", None, None);
        check("CANC", "cancelled", None, None);
        check("ABD", "abandoned", None, Some("abandoned"));
        check("AWD", "awarded", Some([2, 2]), Some("awarded"));
        check("WO", "awarded", Some([2, 2]), Some("awarded"));
        check("XX", "refused", None, None);
    }

    #[test]
    fn a_fixture_of_wrong_types_is_refused_and_the_next_one_taken() {
        let mut wrong = item("FT");
        wrong["goals"]["home"] = json!({"a": 1});
        let mut rejects = Vec::new();
        assert_eq!(read("x", &[wrong, item("FT")], &mut rejects).len(), 1);
        assert_eq!(rejects[0].column.as_deref(), Some("goals.home"));
    }
}
