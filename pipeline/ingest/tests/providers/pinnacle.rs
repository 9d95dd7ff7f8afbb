//! A feed of Pinnacle's form.

use std::sync::Arc;
use std::time::Duration;

use marabet_ingest::pinnacle::source::{Pinnacle, PinnacleSettings};
use marabet_ingest::pinnacle::{SOURCE, parse};
use marabet_ingest::polite::Secret;
use marabet_ingest::{Source, SourceError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hand::{Hand, client, desk, next, settings, told};
use crate::server::{Answer, Server};

fn fixtures() -> Value {
    let event = |id: u32, unit: &str| {
        json!({"id": id, "starts": "2026-04-18T14:00:00Z",
        "home": "Wolverhampton Wanderers", "away": "Brighton", "liveStatus": 0, "resultingUnit": unit})
    };
    json!({"sportId": 29, "last": 10, "league": [
        {"id": 1, "name": "England - Premier League", "events": [event(7, "Regular"), event(8, "Corners")]},
        {"id": 2, "name": "Mars - First Crater", "events": [event(9, "Regular")]}]})
}

fn odds(last: u32, home: f64, status: u8) -> Value {
    json!({"sportId": 29, "last": last, "leagues": [{"id": 1, "events": [{"id": 7, "periods": [
        {"number": 0, "status": status, "maxMoneyline": 500, "moneyline": {"home": home, "away": 2.1, "draw": 3.5},
         "spreads": [{"hdp": 0.25, "home": 1.9, "away": 2.0}]}]}]}]})
}

#[tokio::test]
async fn the_whole_comes_first_and_then_what_changed_since() {
    let clock = Hand::at("2026-04-18T12:00:00Z");
    let server = Server::start(|asked, _| {
        assert_eq!(asked.header("authorization"), Some("Basic dXNlcjpzM2NyZXQ="));
        match (asked.path.as_str(), asked.query.split("since=").nth(1)) {
            ("/v3/fixtures", None) => Answer::json(fixtures().to_string()),
            ("/v3/fixtures", Some(_)) => Answer::json(""),
            ("/v3/odds", None) => Answer::json(odds(20, 3.4, 1).to_string()),
            ("/v3/odds", Some(since)) if since.starts_with("20") => {
                Answer::json(odds(21, 3.3, 1).to_string())
            }
            ("/v3/odds", Some(_)) => Answer::json(odds(22, 3.3, 2).to_string()),
            other => panic!("{other:?}"),
        }
    });
    let settings_of = PinnacleSettings {
        username: "user".to_owned(),
        password: Secret::new("s3cret"),
        competitions: vec!["E0".into()],
        book: "pinnacle".into(),
        every: Duration::from_millis(5),
        alternates: true,
    };
    let client = client(settings(&server.base_url), &clock);
    let mut source = Pinnacle::new(settings_of, client, desk(SOURCE), Arc::<Hand>::clone(&clock));
    let first = next(&mut source).await;
    assert_eq!(
        told(&first.events),
        [
            "Wolves named Wolverhampton Wanderers",
            "Wolves fixture Scheduled",
            "Wolves quote pinnacle 1x2 [3.4, 3.5, 2.1]",
            "Wolves quote pinnacle ah@0.25 [1.9, 2.0]",
        ]
    );
    assert_eq!(
        told(&next(&mut source).await.events),
        ["Wolves quote pinnacle 1x2 [3.3, 3.5, 2.1]"]
    );
    assert_eq!(told(&next(&mut source).await.events), ["Wolves withdrawn pinnacle"]);

    server.answer(|_, _| Answer::status(401, "no account"));
    let error = source.next().await.unwrap_err();
    assert!(matches!(error, SourceError::Permanent { .. }), "{error}");
}

proptest! {
    #[test]
    fn any_reply_with_a_byte_changed_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        for document in [fixtures(), odds(1, 2.0, 1)] {
            let mut bytes = document.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = parse::odds("x", &bytes, true, &mut Vec::new());
            let _ = parse::fixtures("x", &bytes, &mut Vec::new());
        }
    }
}
