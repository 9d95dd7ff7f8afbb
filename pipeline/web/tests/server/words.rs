//! What the user says of a bet, through the API.

use marabet_schemas::{Body, Event, Money};
use marabet_streams::Stream;
use marabet_views::readback;
use serde_json::{Value, json};

use crate::client::{Answer, ask, get};
use crate::line::{Line, config};
use crate::watching::FACTS;

fn say(line: &Line, bet: &str, word: &str, body: &Value) -> Answer {
    let json = [("Content-Type", "application/json")];
    let path = format!("/api/v1/bets/{bet}/{word}");
    tokio::task::block_in_place(|| ask(line.address, "POST", &path, &json, &body.to_string()))
}

async fn said(line: &Line) -> Vec<Event> {
    let mut events = readback::events(&line.log, Stream::Feed).await.unwrap();
    events.retain(|event| {
        matches!(event.body, Body::BetPlaced(_) | Body::BetSkipped(_) | Body::BetVoid(_))
    });
    events
}

/// A line with a bet that was granted a stake.
async fn with_stake() -> (Line, String) {
    let line = Line::start(config()).await;
    line.feed_lines(FACTS).await;
    let bets = |line: &Line| get(line.address, "/api/v1/bets").json();
    line.until("there is a bet with a stake", |line| {
        bets(line)["items"][0]["state"] == "placeable"
    })
    .await;
    let bet = tokio::task::block_in_place(|| bets(&line))["items"][0]["bet"].clone();
    let bet = bet.as_str().unwrap().to_owned();
    (line, bet)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_says_of_a_bet_is_a_fact_in_the_log() {
    let (line, bet) = with_stake().await;

    let placed = say(&line, &bet, "placed", &json!({ "odds": 2.25, "stake": 12.5 }));
    assert_eq!((placed.status, &placed.json()["bet"]), (200, &json!(bet)), "{placed:?}");
    let facts = said(&line).await;
    let [Event { body: Body::BetPlaced(fact), .. }] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!((fact.odds.decimal(), fact.stake), (2.25, Money::from_cents(1_250)));
    assert_eq!(fact.book.as_str(), "bet365", "as it was alerted");

    assert_eq!(say(&line, &bet, "skipped", &json!({})).status, 200);
    assert_eq!(say(&line, &bet, "void", &json!({ "reason": "wrong line-up" })).status, 200);
    assert_eq!(said(&line).await.len(), 3);

    say(&line, "0123456789abcdef", "placed", &json!({})).is_problem(404, "no stake was granted");
    say(&line, &bet, "placed", &json!({ "stake": 0 })).is_problem(422, "above 0");
    say(&line, &bet, "placed", &json!({ "odds": 0.5 })).is_problem(400, "odds");
    say(&line, &bet, "placed", &json!({ "stke": 5 })).is_problem(400, "stke");
    assert_eq!(said(&line).await.len(), 3, "what is refused is not said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bet_that_the_log_has_dropped_is_found_where_it_is_filed() {
    let (line, bet) = with_stake().await;
    let frames = line.log.range(Stream::Grants, 0, None, None, 100).await.unwrap();
    assert!(!frames.is_empty());
    let client = redis::Client::open(line.redis.url()).unwrap();
    let mut raw = client.get_multiplexed_async_connection().await.unwrap();
    let key = line.log.namespace().stream(Stream::Grants, 0);
    redis::cmd("XTRIM").arg(key).arg("MAXLEN").arg(0).query_async::<()>(&mut raw).await.unwrap();

    say(&line, &bet, "skipped", &json!({})).is_problem(404, "no stake was granted");
    *line.shelf.0.lock().unwrap() = frames;
    assert_eq!(say(&line, &bet, "skipped", &json!({})).status, 200);
    let facts = said(&line).await;
    assert!(matches!(&facts[..], [Event { body: Body::BetSkipped(_), .. }]), "{facts:?}");
}
