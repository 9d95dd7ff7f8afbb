//! Own events, and dead letters, through the API.

use marabet_schemas::{Body, EntryId};
use marabet_streams::Stream;

use crate::client::{Answer, ask, get};
use crate::line::{Line, config};

const LINES: &str = concat!(
    r#"{"t":"fixture/1","k":"E0|2024-25|Leeds|Derby|1","at":1000000,"src":"own","status":"scheduled","kickoff":9000000000}"#,
    "\nnonsense\n",
    r#"{"t":"quote/1","k":"E0|2024-25|Leeds|Derby|1","at":2000000,"src":"own","book":"pinnacle","market":"1x2","odds":[2.0,3.5,4.0]}"#,
    "\n",
);

fn post(line: &Line, key: Option<&str>, body: &str) -> Answer {
    let mut headers = vec![("Content-Type", "application/x-ndjson")];
    headers.extend(key.map(|key| ("Idempotency-Key", key)));
    tokio::task::block_in_place(|| ask(line.address, "POST", "/api/v1/events", &headers, body))
}

async fn events_in_feed(line: &Line) -> usize {
    let mut count = 0;
    for partition in 0..line.log.namespace().partitions() {
        let frames = line.log.range(Stream::Feed, partition, None::<EntryId>, None, 1000).await;
        count += frames.unwrap().iter().map(|frame| frame.events.len()).sum::<usize>();
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_posted_again_are_in_the_log_once() {
    let line = Line::start(config()).await;
    let first = post(&line, Some("batch-1"), LINES);
    assert_eq!(first.status, 200, "{first:?}");
    let told = first.json();
    assert_eq!((told["accepted"].as_u64(), told["rejected"].as_u64()), (Some(2), Some(1)));
    assert_eq!(told["rejects"][0]["line"], 2);
    assert_eq!(events_in_feed(&line).await, 2);

    assert_eq!(post(&line, Some("batch-1"), LINES).status, 200);
    assert_eq!(events_in_feed(&line).await, 2, "the same batch");
    post(&line, Some("batch-1"), &LINES.replace("Leeds", "Hull")).is_problem(422, "another body");
    assert_eq!(events_in_feed(&line).await, 2);
    post(&line, Some("with space"), LINES).is_problem(400, "Idempotency-Key");

    let other = LINES.replace("Leeds", "Hull");
    let (one, two) = (post(&line, None, &other), post(&line, None, &other));
    assert_eq!((one.status, two.status), (200, 200), "{one:?} {two:?}");
    assert_eq!(events_in_feed(&line).await, 4, "the same body without a key");

    line.until("the match is on the board", |line| {
        get(line.address, "/api/v1/fixtures").json()["total"] == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_shown_retried_once_and_dropped_once() {
    let line = Line::start(config()).await;
    // A price of a match that is closed: `predict` refuses it.
    let late = r#"{"t":"match.closed/1","k":"E0|2024-25|Leeds|Derby|1","at":2000000,"src":"own"}"#;
    let late = LINES.replace("nonsense", late);
    assert_eq!(post(&line, None, &late).status, 200);
    let list = |line: &Line| get(line.address, "/api/v1/dead-letters").json();
    line.until("a letter lies there", |line| list(line)["total"] == 1).await;
    let letter = tokio::task::block_in_place(|| list(&line))["items"][0].clone();
    assert_eq!(letter["stage"], "predict");
    assert!(letter["line"].as_str().unwrap().contains("Leeds"), "{letter}");

    let act = |what: &str, letter: &serde_json::Value| {
        let body = serde_json::json!({ "stage": "predict", "address": letter["address"] });
        let json = [("Content-Type", "application/json")];
        let path = format!("/api/v1/dead-letters/{what}");
        tokio::task::block_in_place(|| ask(line.address, "POST", &path, &json, &body.to_string()))
    };
    let retried = act("retry", &letter);
    assert_eq!(retried.status, 200, "{retried:?}");
    let again: marabet_schemas::Address =
        retried.json()["appended_at"].as_str().unwrap().parse().unwrap();
    let frame = line.log.frame(Stream::Feed, again.partition, again.entry).await.unwrap().unwrap();
    assert!(matches!(frame.events[0].as_ref().unwrap().body, Body::Quote(_)));
    act("retry", &letter).is_problem(409, "retried");

    line.until("it failed again", |line| {
        let list = list(line);
        list["total"] == 1 && list["items"][0]["address"] != letter["address"]
    })
    .await;
    let second = tokio::task::block_in_place(|| list(&line))["items"][0].clone();
    assert_eq!(act("drop", &second).status, 200);
    act("drop", &second).is_problem(409, "dropped");
    assert_eq!(tokio::task::block_in_place(|| list(&line))["total"], 0);
}
