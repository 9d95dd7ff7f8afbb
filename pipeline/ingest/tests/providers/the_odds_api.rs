//! The Odds API.

use std::sync::Arc;

use marabet_ingest::polite::{PoliteSettings, Secret};
use marabet_ingest::the_odds_api::SOURCE;
use marabet_ingest::the_odds_api::parse::{self, Wanted};
use marabet_ingest::the_odds_api::source::{OddsApi, OddsApiSettings};
use marabet_ingest::{RejectKind, Source, SourceError};
use marabet_schemas::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hand::{Hand, client, desk, next, settings, told};
use crate::server::{Answer, Asked, Server};

const NOW: &str = "2026-04-18T13:30:00Z";

fn event(bookmakers: &Value) -> Value {
    json!({
        "id": "e1", "sport_key": "soccer_epl", "sport_title": "EPL",
        "commence_time": "2026-04-18T14:00:00Z",
        "home_team": "Wolverhampton Wanderers", "away_team": "Brighton and Hove Albion",
        "bookmakers": bookmakers,
    })
}

fn book(key: &str, home: &Value) -> Value {
    json!({"key": key, "title": key, "last_update": "2026-04-18T13:29:00Z", "markets": [
        {"key": "h2h", "last_update": "2026-04-18T13:29:30Z", "outcomes": [
            {"name": "Wolverhampton Wanderers", "price": home},
            {"name": "Brighton and Hove Albion", "price": 2.1}, {"name": "Draw", "price": 3.5}]},
        {"key": "totals", "last_update": "2026-04-18T13:29:30Z", "outcomes": [
            {"name": "Over", "price": 1.9, "point": 2.5}, {"name": "Under", "price": 1.95, "point": 2.5}]},
    ]})
}

fn source(server: &Server, clock: &Arc<Hand>, budget: Option<u64>) -> OddsApi {
    let asked = OddsApiSettings {
        key: Secret::new("s3cret"),
        competitions: vec!["E0".into()],
        regions: vec!["uk".into(), "eu".into()],
        books: Vec::new(),
        markets: vec!["h2h".into(), "totals".into()],
        scores: true,
    };
    let polite = PoliteSettings { budget_per_day: budget, ..settings(&server.base_url) };
    OddsApi::new(asked, client(polite, clock), desk(SOURCE), Arc::<Hand>::clone(clock)).unwrap()
}

fn serve(asked: &Asked, odds: &Value) -> Answer {
    match asked.path.as_str() {
        "/v4/sports/soccer_epl/events" => {
            let mut event = event(&json!([]));
            event.as_object_mut().unwrap().remove("bookmakers");
            Answer::json(json!([event]).to_string()).with("x-requests-last", 0)
        }
        "/v4/sports/soccer_epl/odds" => {
            assert!(asked.query.contains("apiKey=s3cret") && asked.query.contains("regions=uk"));
            let answer = Answer::json(odds.to_string());
            answer.with("x-requests-last", 4).with("x-requests-remaining", 96)
        }
        "/v4/sports/soccer_epl/scores" => Answer::json(
            json!([{"id": "e1", "sport_key": "soccer_epl", "commence_time": "2026-04-18T14:00:00Z",
                "completed": true, "home_team": "Wolverhampton Wanderers",
                "away_team": "Brighton and Hove Albion", "last_update": "2026-04-18T16:00:00Z",
                "scores": [{"name": "Brighton and Hove Albion", "score": "1"},
                           {"name": "Wolverhampton Wanderers", "score": "3"}]}])
            .to_string(),
        ),
        other => panic!("{other} was asked for"),
    }
}

#[tokio::test]
async fn prices_are_told_with_their_match_then_what_changes_then_the_result() {
    let clock = Hand::at(NOW);
    let first =
        json!([event(&json!([book("bet365", &json!(3.4)), book("pinnacle", &json!(3.5))]))]);
    let server = Server::start(move |asked, _| serve(asked, &first));
    let mut source = source(&server, &clock, None);
    let batch = next(&mut source).await;
    assert_eq!(
        told(&batch.events),
        [
            "Wolves named Wolverhampton Wanderers",
            "Wolves fixture Scheduled",
            "Wolves quote bet365 1x2 [3.4, 3.5, 2.1]",
            "Wolves quote bet365 ou@2.5 [1.9, 1.95]",
            "Wolves quote pinnacle 1x2 [3.5, 3.5, 2.1]",
            "Wolves quote pinnacle ou@2.5 [1.9, 1.95]",
        ]
    );
    assert_eq!(batch.events[2].at, "2026-04-18T13:29:30Z".parse::<Instant>().unwrap());
    assert_eq!(batch.events[0].key.as_ref().unwrap().as_str(), "E0|2025-26|Wolves|Brighton|1");

    // Half an hour before kick-off the next look is due after three minutes.
    let second = json!([event(&json!([book("bet365", &json!(3.3))]))]);
    server.answer(move |asked, _| serve(asked, &second));
    clock.set("2026-04-18T13:33:30Z");
    let batch = next(&mut source).await;
    assert_eq!(
        told(&batch.events),
        ["Wolves quote bet365 1x2 [3.3, 3.5, 2.1]", "Wolves withdrawn pinnacle"]
    );

    clock.set("2026-04-18T16:10:00Z");
    let batch = next(&mut source).await;
    assert_eq!(
        told(&batch.events),
        ["Wolves fixture Finished", "Wolves result Played Some([3, 1])"]
    );
}

#[tokio::test]
async fn the_budget_is_spent_near_kick_off_and_never_exceeded() {
    let clock = Hand::at(NOW);
    let odds = json!([event(&json!([book("bet365", &json!(3.4))]))]);
    let server = Server::start(move |asked, _| {
        let mut answer = serve(asked, &odds);
        answer.headers.retain(|(name, _)| *name != "x-requests-remaining");
        answer
    });
    let mut source = source(&server, &clock, Some(8));
    next(&mut source).await;
    // Four credits are left of eight: one more look, not one every three minutes.
    for minute in 33..59 {
        clock.set(&format!("2026-04-18T13:{minute}:00Z"));
        let wait = std::time::Duration::from_millis(60);
        let _ = tokio::time::timeout(wait, source.next()).await;
    }
    let looks = server.asked().iter().filter(|asked| asked.path.ends_with("/odds")).count();
    assert!(looks <= 2, "{looks} looks of 4 credits with a budget of 8");
}

#[tokio::test]
async fn a_refusal_is_understood_as_the_documentation_has_it() {
    let clock = Hand::at(NOW);
    for (status, body, permanent, says) in [
        (
            401,
            r#"{"message":"Invalid API key","error_code":"INVALID_KEY"}"#,
            true,
            "MARABET_SOURCES__THE_ODDS_API__KEY",
        ),
        (
            401,
            r#"{"message":"Usage quota has been reached","error_code":"OUT_OF_USAGE_CREDITS"}"#,
            false,
            "used up",
        ),
        (422, r#"{"message":"Invalid markets"}"#, false, "left out"),
        (429, r#"{"message":"too fast"}"#, false, "429"),
        (500, "<html>", false, "500"),
    ] {
        let server = Server::start(move |_, _| Answer::status(status, body));
        let error = source(&server, &clock, None).next().await.unwrap_err();
        assert_eq!(matches!(error, SourceError::Permanent { .. }), permanent, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn what_is_wrong_costs_its_market_and_no_other() {
    let now: Instant = NOW.parse().unwrap();
    let read = |document: &Value| {
        parse::odds("x", document.to_string().as_bytes(), Wanted::default(), now)
    };
    for price in [json!(1.0), json!(0), json!(1001), json!("x"), json!(null), json!({"a": 1})] {
        let parsed =
            read(&json!([event(&json!([book("bet365", &price), book("bwin", &json!(3.4))]))]));
        assert_eq!(parsed.matches[0].facts.len(), 4, "{price}");
        assert_eq!(parsed.rejects.len(), 1, "{price}");
        assert_eq!(parsed.rejects[0].kind, RejectKind::Odds);
        let place = parsed.rejects[0].column.as_deref().unwrap();
        assert_eq!(place, "[0].bookmakers[0].markets[0].outcomes[0].price");
    }
    let mut hockey = event(&json!([]));
    hockey["sport_key"] = json!("icehockey_nhl");
    let mut nameless = event(&json!([]));
    nameless["home_team"] = json!(7);
    let parsed = read(&json!([hockey, nameless, "x", event(&json!([book("bwin", &json!(3.4))]))]));
    assert_eq!((parsed.matches.len(), parsed.rejects.len()), (1, 3));
    for text in ["", "{", "[", "null", "7", r#"{"message":"x"}"#] {
        let parsed = parse::odds("x", text.as_bytes(), Wanted::default(), now);
        assert!(parsed.matches.is_empty() && !parsed.rejects.is_empty(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let now = Instant::default();
        let _ = parse::odds("x", &bytes, Wanted { lay: true }, now);
        let _ = parse::scores("x", &bytes, |_| false);
        let _ = parse::events("x", &bytes);
        let _ = parse::historical("x", &bytes, Wanted::default());
    }

    #[test]
    fn a_reply_with_any_byte_changed_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        let reply = json!([event(&json!([book("bet365", &json!(3.4))]))]).to_string();
        let mut bytes = reply.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = parse::odds("x", &bytes, Wanted { lay: true }, Instant::default());
    }
}
