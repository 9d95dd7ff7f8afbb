//! API-Football.

use std::sync::Arc;

use marabet_ingest::api_football::source::{ApiFootball, ApiFootballSettings};
use marabet_ingest::api_football::{SOURCE, details, envelope, fixtures, odds};
use marabet_ingest::polite::{PoliteSettings, Secret};
use marabet_ingest::{Source, SourceError};
use marabet_schemas::Body;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hand::{Hand, client, desk, next, settings, told};
use crate::server::{Answer, Asked, Server};

const NOW: &str = "2026-04-18T12:00:00Z";

fn reply(response: &Value, page: u32, pages: u32) -> Answer {
    let body = json!({"get": "x", "errors": [], "results": 1,
        "paging": {"current": page, "total": pages}, "response": response});
    Answer::json(body.to_string()).with("x-ratelimit-requests-remaining", 900)
}

fn fixture(status: &str, goals: &Value) -> Value {
    json!({
        "fixture": {"id": 7, "timestamp": 1_776_520_800, "status": {"short": status, "elapsed": 30}},
        "league": {"id": 39}, "teams": {"home": {"name": "Wolves"}, "away": {"name": "Brighton"}},
        "goals": goals, "score": {"halftime": {"home": 1, "away": 0}, "fulltime": goals},
    })
}

fn odds_of(id: u32) -> Value {
    json!({"fixture": {"id": id}, "update": "2026-04-18T11:59:00+00:00", "bookmakers": [
        {"id": 8, "name": "Bet365", "bets": [{"name": "Match Winner", "values": [
            {"value": "Home", "odd": "3.40"}, {"value": "Draw", "odd": "3.50"}, {"value": "Away", "odd": 2.1}]}]}]})
}

fn serve(asked: &Asked, status: &str) -> Answer {
    assert_eq!(asked.header("x-apisports-key"), Some("s3cret"));
    let goals = if status == "NS" {
        json!({"home": null, "away": null})
    } else {
        json!({"home": 2, "away": 1})
    };
    match asked.path.as_str() {
        "/fixtures" => reply(&json!([fixture(status, &goals)]), 1, 1),
        // A page that never ends: every page says that there are more.
        "/odds" => {
            let page = asked.query.split("page=").nth(1).and_then(|p| p.parse().ok()).unwrap_or(1);
            reply(
                &if page < 3 { json!([odds_of(7), odds_of(8)]) } else { json!([]) },
                page,
                1_000_000,
            )
        }
        // One match is held back by the provider.
        "/odds/live" => {
            let live = |id: u32, blocked: bool| {
                json!({"fixture": {"id": id}, "update": "2026-04-18T14:29:00+00:00",
                    "status": {"blocked": blocked, "stopped": false}, "odds": [
                    {"name": "Match Goals", "values": [
                        {"value": "Over", "handicap": "2.5", "odd": "1.9", "suspended": false},
                        {"value": "Under", "handicap": "2.5", "odd": "1.95", "suspended": false},
                        {"value": "Over", "handicap": "3.5", "odd": "3", "suspended": true}]}]})
            };
            reply(&json!([live(7, status != "1H"), live(8, false)]), 1, 1)
        }
        "/fixtures/statistics" => reply(
            &json!([
            {"team": {"name": "Wolves"}, "statistics": [{"type": "Total Shots", "value": "12"}]},
            {"team": {"name": "Brighton"}, "statistics": [{"type": "Total Shots", "value": 9}]}]),
            1,
            1,
        ),
        other => panic!("{other} was asked for"),
    }
}

/// Nothing but the matches and their prices.
fn settings_of() -> ApiFootballSettings {
    ApiFootballSettings {
        key: Secret::new("s3cret"),
        competitions: vec!["E0".into()],
        odds: true,
        live_odds: true,
        statistics: true,
        live_every_s: 60,
        incidents: false,
        line_ups: false,
        absences: false,
        teams: false,
        tables: false,
        odds_every_s: 10_800,
        asked_file: None,
    }
}

fn source(server: &Server, clock: &Arc<Hand>) -> ApiFootball {
    asking(server, clock, settings_of(), None)
}

fn asking(
    server: &Server,
    clock: &Arc<Hand>,
    asked: ApiFootballSettings,
    budget: Option<u64>,
) -> ApiFootball {
    let settings = PoliteSettings { budget_per_day: budget, ..settings(&server.base_url) };
    let client = client(settings, clock);
    ApiFootball::new(asked, client, desk(SOURCE), Arc::<Hand>::clone(clock)).unwrap()
}

/// All that is told of matches, and no prices.
fn all_but_prices() -> ApiFootballSettings {
    ApiFootballSettings {
        odds: false,
        live_odds: false,
        incidents: true,
        line_ups: true,
        absences: true,
        teams: true,
        tables: true,
        ..settings_of()
    }
}

#[tokio::test]
async fn a_match_is_told_from_its_calendar_to_its_statistics() {
    let clock = Hand::at(NOW);
    let server = Server::start(|asked, _| serve(asked, "NS"));
    let mut source = source(&server, &clock);
    let calendar = next(&mut source).await;
    assert_eq!(told(&calendar.events), ["Wolves named Wolves", "Wolves fixture Scheduled"]);
    let prices = next(&mut source).await;
    assert_eq!(told(&prices.events), ["Wolves quote bet365 1x2 [3.4, 3.5, 2.1]"]);
    let pages = server.asked().iter().filter(|asked| asked.path == "/odds").count();
    assert_eq!(pages, 3);

    clock.set("2026-04-18T14:30:00Z");
    server.answer(|asked, _| serve(asked, "1H"));
    assert_eq!(told(&next(&mut source).await.events), ["Wolves fixture Live"]);
    assert_eq!(
        told(&next(&mut source).await.events),
        ["Wolves quote api_football_live ou@2.5 [1.9, 1.95]"]
    );
    clock.set("2026-04-18T16:00:00Z");
    server.answer(|asked, _| serve(asked, "FT"));
    let over = next(&mut source).await;
    assert_eq!(
        told(&over.events),
        ["Wolves fixture Finished", "Wolves result Played Some([2, 1])"]
    );
    assert_eq!(told(&next(&mut source).await.events), ["Wolves stats"]);
}

fn events() -> Value {
    json!([
        {"time": {"elapsed": 12, "extra": null}, "team": {"name": "Wolves"},
            "player": {"name": "H"}, "assist": {"name": null}, "type": "Goal",
            "detail": "Normal Goal", "comments": null},
        {"time": {"elapsed": 45, "extra": 2}, "team": {"name": "Brighton"},
            "player": {"name": "D"}, "assist": {"name": null}, "type": "Card",
            "detail": "Red Card", "comments": "Foul"}])
}

fn line_ups() -> Value {
    let side = |name: &str| {
        json!({"team": {"name": name}, "formation": "4-3-3",
            "startXI": [{"player": {"name": "G"}}], "substitutes": [{"player": {"name": "S"}}]})
    };
    json!([side("Wolves"), side("Brighton")])
}

fn missing(player: &str, team: &str) -> Value {
    json!({"player": {"name": player, "type": "Questionable", "reason": "Knee Injury"},
        "team": {"name": team}, "fixture": {"id": 7}})
}

fn table() -> Value {
    let row = |rank: u32, team: &str, points: i32| {
        json!({"rank": rank, "team": {"name": team}, "points": points, "goalsDiff": -points,
            "all": {"played": 33}})
    };
    json!({"league": {"standings": [[row(12, "Brighton", 44), row(20, "Wolves", -2)]]}})
}

/// A server that knows all of one match. Once line-ups are `out` they come with it.
fn whole(asked: &Asked, status: &str, out: bool) -> Answer {
    let goals = if status == "NS" {
        json!({"home": null, "away": null})
    } else {
        json!({"home": 1, "away": 0})
    };
    let mut one = fixture(status, &goals);
    match asked.path.as_str() {
        "/fixtures" => {
            if asked.query.contains("ids=") {
                one["lineups"] = if out { line_ups() } else { json!([]) };
                one["statistics"] = json!([]);
            }
            if status != "NS" {
                one["events"] = events();
            }
            reply(&json!([one]), 1, 1)
        }
        "/teams" => {
            let team = |id: u32, name: &str| json!({"team": {"id": id, "name": name, "country": "England"}});
            reply(&json!([team(1, "Wolves"), team(2, "Brighton"), team(3, "Man Utd")]), 1, 1)
        }
        "/injuries" => {
            assert!(asked.query.contains("date=2026-04-18"), "{}", asked.query);
            reply(&json!([missing("P", "Wolves"), missing("Q", "Elsewhere")]), 1, 1)
        }
        "/standings" => reply(&json!([table()]), 1, 1),
        "/fixtures/statistics" | "/fixtures/events" => reply(&json!([]), 1, 1),
        other => panic!("{other} was asked for"),
    }
}

fn paths(server: &Server) -> Vec<String> {
    server.asked().into_iter().map(|asked| asked.path).collect()
}

#[tokio::test]
async fn who_plays_who_does_not_and_where_the_sides_stand_is_told_before_a_match() {
    let clock = Hand::at(NOW);
    let server = Server::start(|asked, _| whole(asked, "NS", false));
    let mut source = asking(&server, &clock, all_but_prices(), None);
    let calendar = next(&mut source).await;
    assert_eq!(told(&calendar.events), ["Wolves named Wolves", "Wolves fixture Scheduled"]);
    let absences = next(&mut source).await;
    assert_eq!(told(&absences.events), ["Wolves absences"]);
    let Body::Absences(out) = &absences.events[0].body else { panic!() };
    assert_eq!((out.home.len(), out.home[0].doubtful, out.away.len()), (1, true, 0));
    let table = next(&mut source).await;
    let Body::Standing(standing) = &table.events[0].body else { panic!() };
    assert_eq!((standing.home.points, standing.away.rank), (-2, 12));
    assert_eq!(paths(&server), ["/teams", "/fixtures", "/injuries", "/standings"]);

    // An hour before kick-off and every ten minutes from then on, until they are out.
    clock.set("2026-04-18T13:00:00Z");
    server.answer(|asked, number| whole(asked, "NS", number > 0));
    let looks = async {
        for minute in [0, 9, 10] {
            clock.set(&format!("2026-04-18T13:{minute:02}:00Z"));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let (line_ups, ()) = tokio::join!(next(&mut source), looks);
    let Body::LineUps(out) = &line_ups.events[0].body else { panic!("{line_ups:?}") };
    assert_eq!((out.home.starters.len(), out.away.formation.as_deref()), (1, Some("4-3-3")));
    assert_eq!(paths(&server), ["/fixtures", "/fixtures"]);
}

#[tokio::test]
async fn what_happens_comes_with_the_score_and_costs_nothing_more() {
    let clock = Hand::at("2026-04-18T14:30:00Z");
    let server = Server::start(|asked, _| whole(asked, "1H", true));
    let settings =
        ApiFootballSettings { absences: false, teams: false, tables: false, ..all_but_prices() };
    let mut source = asking(&server, &clock, settings, None);
    let live = next(&mut source).await;
    assert_eq!(
        told(&live.events),
        ["Wolves named Wolves", "Wolves fixture Live", "Wolves incidents"]
    );
    let Body::Incidents(incidents) = &live.events[2].body else { panic!() };
    assert_eq!((incidents.incidents[1].minute, incidents.reds()), (47, [0, 1]));
    assert_eq!(paths(&server), ["/fixtures"]);
}

#[tokio::test]
async fn what_can_wait_waits_where_the_budget_is_short() {
    let clock = Hand::at(NOW);
    let server = Server::start(|asked, _| whole(asked, "NS", false));
    // Two hours of the match of the day take 120 looks, and its line-ups six: of the 130 requests
    // that are left two more can be spent on something else.
    let mut source = asking(&server, &clock, all_but_prices(), Some(130));
    for _ in 0..3 {
        let soon = std::time::Duration::from_millis(300);
        let _ = tokio::time::timeout(soon, source.next()).await;
    }
    assert_eq!(paths(&server), ["/teams", "/fixtures", "/injuries", "/standings"]);
    let mut source = asking(&server, &clock, all_but_prices(), Some(128));
    for _ in 0..3 {
        let soon = std::time::Duration::from_millis(300);
        let _ = tokio::time::timeout(soon, source.next()).await;
    }
    assert_eq!(paths(&server), ["/teams", "/fixtures"]);
}

#[tokio::test]
async fn a_fault_with_status_200_is_a_fault() {
    let clock = Hand::at(NOW);
    for (errors, permanent, says) in [
        (
            r#"{"token":"Error/Missing application key"}"#,
            true,
            "MARABET_SOURCES__API_FOOTBALL__KEY",
        ),
        (r#"{"requests":"You have reached the request limit for the day"}"#, false, "00:00 UTC"),
        (r#"{"rateLimit":"Too many requests"}"#, false, "Too many"),
        (r#"{"league":"The League field is wrong"}"#, false, "left out"),
    ] {
        let body = format!(r#"{{"errors":{errors},"response":[]}}"#);
        let server = Server::start(move |_, _| Answer::json(body.clone()));
        let error = source(&server, &clock).next().await.unwrap_err();
        assert_eq!(matches!(error, SourceError::Permanent { .. }), permanent, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let server = Server::start(|_, _| Answer::json("<html>maintenance"));
    let batch = next(&mut source(&server, &clock)).await;
    assert_eq!((batch.events.len(), batch.rejects.len()), (0, 1));
}

proptest! {
    #[test]
    fn any_reply_with_a_byte_changed_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        let mut whole = fixture("FT", &json!({"home": 1, "away": 0}));
        whole["events"] = events();
        whole["lineups"] = line_ups();
        let items = json!([whole, odds_of(7), missing("P", "Wolves"), table()]);
        let mut bytes = json!({"errors": [], "response": items}).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(envelope) = envelope::unwrap("x", &bytes) {
            let mut rejects = Vec::new();
            let _ = fixtures::read("x", &envelope.items, &mut rejects);
            let _ = odds::read("x", &envelope.items, &mut rejects);
            let sides = ["Wolves", "Brighton"];
            for item in &envelope.items {
                let _ = details::embedded("x", item, sides, &mut rejects);
            }
            let _ = details::injuries("x", &envelope.items, &mut rejects);
            let _ = details::teams("x", &envelope.items, &mut rejects);
            let _ = details::standings("x", &envelope.items, &mut rejects);
        }
    }
}
