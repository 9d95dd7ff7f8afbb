//! The polite client and its faults.

use std::time::Duration;

use marabet_ingest::polite::{PoliteError, PoliteSettings, Request, Secret};

use crate::hand::{Hand, client, settings};
use crate::server::{Answer, Server};

const NOW: &str = "2026-04-16T19:00:00Z";

fn request() -> Request {
    let mut request = Request::get("/a").with("b", "1");
    request.secret_query.push(("apiKey", Secret::new("s3cret")));
    request
}

#[tokio::test]
async fn a_fault_that_may_pass_is_tried_again_and_a_refusal_is_not() {
    let clock = Hand::at(NOW);
    for (status, tries) in [(500, 2), (503, 2), (429, 2), (401, 1), (422, 1), (404, 1)] {
        let server = Server::start(move |_, _| Answer::status(status, "no s3cret for you"));
        let error = client(settings(&server.base_url), &clock).ask(&request()).await.unwrap_err();
        assert!(matches!(&error, PoliteError::Status { status: found, .. } if *found == status));
        assert!(!error.to_string().contains("s3cret"), "{error}");
        assert_eq!(server.asked().len(), tries, "{status}");
    }
    let server =
        Server::start(
            |_, number| {
                if number == 0 { Answer::status(502, "") } else { Answer::json("{}") }
            },
        );
    client(settings(&server.base_url), &clock).ask(&request()).await.unwrap();
}

#[tokio::test]
async fn silence_a_cut_body_and_a_flood_end_within_their_bounds() {
    let clock = Hand::at(NOW);
    let server =
        Server::start(|_, _| Answer { silent: Duration::from_secs(5), ..Answer::json("{}") });
    let began = tokio::time::Instant::now();
    let error = client(settings(&server.base_url), &clock).ask(&request()).await.unwrap_err();
    assert!(matches!(error, PoliteError::Away { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(4));
    server.answer(|_, _| Answer { cut: true, ..Answer::json("{\"a\": 1}") });
    let error = client(settings(&server.base_url), &clock).ask(&request()).await.unwrap_err();
    assert!(matches!(error, PoliteError::Away { .. }), "{error}");
    server.answer(|_, _| Answer::json("x".repeat(5000)));
    let small = PoliteSettings { bytes_max: 1000, ..settings(&server.base_url) };
    let error = client(small, &clock).ask(&request()).await.unwrap_err();
    assert!(matches!(error, PoliteError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_budget_is_kept_and_what_is_unchanged_is_not_sent_again() {
    let clock = Hand::at(NOW);
    let server = Server::start(|asked, _| match asked.header("if-none-match") {
        Some("\"1\"") => Answer::status(304, ""),
        _ => Answer::json("[1]").with("etag", "\"1\""),
    });
    let bounded = PoliteSettings { budget_per_day: Some(2), ..settings(&server.base_url) };
    let client = client(bounded, &clock);
    for unchanged in [false, true] {
        let reply = client.ask(&request()).await.unwrap();
        assert_eq!((reply.unchanged, reply.body.as_slice()), (unchanged, &b"[1]"[..]));
        client.spend(1, None);
    }
    let error = client.ask(&request()).await.unwrap_err();
    assert!(error.to_string().contains("0 are left today"), "{error}");
    assert_eq!(server.asked().len(), 2);
    clock.set("2026-04-17T00:00:00Z");
    client.ask(&request()).await.unwrap();
}

#[tokio::test]
async fn a_provider_that_fails_again_and_again_is_left_in_peace() {
    let clock = Hand::at(NOW);
    let server = Server::start(|_, _| Answer::status(500, ""));
    let client = client(PoliteSettings { retries: 0, ..settings(&server.base_url) }, &clock);
    let mut resting = false;
    for _ in 0..8 {
        resting = matches!(client.ask(&request()).await, Err(PoliteError::Resting { .. }));
    }
    assert!(resting);
    assert_eq!(server.asked().len(), 5);
    assert!(client.health().last_fault.is_some());
}

#[tokio::test]
async fn exchanges_are_recorded_without_keys_and_played_back_without_a_network() {
    let clock = Hand::at(NOW);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, number| {
        let body = format!("{{\"n\":{number},\"echo\":\"s3cret\"}}");
        Answer::json(body).with("x-requests-remaining", 7)
    });
    let recording =
        PoliteSettings { record: Some(folder.path().to_owned()), ..settings(&server.base_url) };
    let recorder = client(recording, &clock);
    for _ in 0..2 {
        recorder.ask(&request()).await.unwrap();
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
    }
    let replaying =
        PoliteSettings { replay: Some(folder.path().to_owned()), ..settings("http://127.0.0.1:9") };
    let player = client(replaying, &clock);
    for number in [0, 1, 1] {
        let reply = player.ask(&request()).await.unwrap();
        let body = String::from_utf8(reply.body.clone()).unwrap();
        assert!(body.contains(&format!("\"n\":{number}")), "{body}");
        assert_eq!(reply.number("x-requests-remaining"), Some(7));
    }
    let error = player.ask(&Request::get("/other")).await.unwrap_err();
    assert!(matches!(error, PoliteError::NotRecorded { .. }), "{error}");
}

#[tokio::test]
async fn a_proxy_is_asked_in_place_of_the_provider() {
    let clock = Hand::at(NOW);
    let proxy = Server::start(|_, _| Answer::json("[]"));
    let through = PoliteSettings {
        proxy: Some(proxy.base_url.clone()),
        ..settings("http://provider.invalid")
    };
    // ureq speaks to a proxy by CONNECT; that it was asked at all is what counts here.
    let _ = client(through, &clock).ask(&request()).await;
    assert!(!proxy.asked().is_empty());
}
