//! API-Football.

use std::sync::Arc;

use marabet_ingest::api_football::source::{ApiFootball, ApiFootballSettings};
use marabet_ingest::api_football::{SOURCE, details, envelope, fixtures, odds};
use marabet_ingest::polite::Secret;
use marabet_ingest::{Source, SourceError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hand::{Hand, client, desk, next, settings, told};
use crate::server::{Answer, Asked, Server};

const NOW: &str = "2026-04-18T12:00:00Z";

fn reply(response: &Value, page: u32, pages: u32) -> Answer {
    let body = json!({"get": "x", "errors": [], "results": 1,
        "paging": {"current": page, "total": pages}, "response": response});
    Answer::json(body.to_string()).with("x-ratelimit-requests-remaining", 90)
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

fn source(server: &Server, clock: &Arc<Hand>) -> ApiFootball {
    let asked = ApiFootballSettings {
        key: Secret::new("s3cret"),
        competitions: vec!["E0".into()],
        odds: true,
        live_odds: true,
        statistics: true,
        live_every_s: 60,
        odds_every_s: 10_800,
    };
    let client = client(settings(&server.base_url), clock);
    ApiFootball::new(asked, client, desk(SOURCE), Arc::<Hand>::clone(clock)).unwrap()
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
        let items = json!([fixture("FT", &json!({"home": 1, "away": 0})), odds_of(7)]);
        let mut bytes = json!({"errors": [], "response": items}).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(envelope) = envelope::unwrap("x", &bytes) {
            let mut rejects = Vec::new();
            let _ = fixtures::read("x", &envelope.items, &mut rejects);
            let _ = odds::read("x", &envelope.items, &mut rejects);
            let _ = details::statistics("x", &envelope.items, &mut rejects);
            let _ = details::events("x", &envelope.items, &mut rejects);
        }
    }
}
