//! The exchange's live stream, over TLS, with the faults of a line.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use marabet_ingest::betfair::SOURCE;
use marabet_ingest::betfair::live::{BetfairLive, LiveSettings};
use marabet_ingest::betfair::replay::BetfairFiles;
use marabet_ingest::betfair::session::Login;
use marabet_ingest::betfair::tape::TapeSettings;
use marabet_ingest::polite::Secret;
use marabet_ingest::{Source, SourceError};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::exchange::{self, certificate};
use crate::hand::{Hand, client, desk, next, settings, told};
use crate::server::{Answer, Server};

/// What the server does on a connection: the lines that it sends after each that it gets, and
/// then it closes the line or falls silent.
#[derive(Clone, Default)]
struct Script {
    answers: Vec<Vec<String>>,
    then_silent: bool,
}

/// A stream server that plays a script a connection, and keeps what it was sent.
async fn stream(scripts: Vec<Script>) -> (String, Arc<Mutex<Vec<Value>>>) {
    let acceptor = TlsAcceptor::from(exchange::tls());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let sent = Arc::<Mutex<Vec<Value>>>::default();
    let log = Arc::clone(&sent);
    tokio::spawn(async move {
        for script in scripts {
            let (tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(play(tcp, acceptor.clone(), script, Arc::clone(&log)));
        }
    });
    (address, sent)
}

async fn play(tcp: TcpStream, acceptor: TlsAcceptor, script: Script, log: Arc<Mutex<Vec<Value>>>) {
    let Ok(tls) = acceptor.accept(tcp).await else { return };
    let (read, mut write) = tokio::io::split(tls);
    let mut lines = BufReader::new(read).lines();
    let greeting = "{\"op\":\"connection\",\"connectionId\":\"1\"}\r\n";
    write.write_all(greeting.as_bytes()).await.unwrap();
    for answers in script.answers {
        let Ok(Some(line)) = lines.next_line().await else { break };
        log.lock().unwrap().push(serde_json::from_str(&line).unwrap());
        for answer in answers {
            write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
        write.flush().await.unwrap();
    }
    if script.then_silent {
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    // The client may have gone already.
    let _ = write.shutdown().await;
}

fn success() -> String {
    exchange::success().to_string()
}

fn failure(code: &str) -> String {
    json!({"op": "status", "statusCode": "FAILURE", "errorCode": code, "errorMessage": "no"})
        .to_string()
}

/// A definition as the live stream has it: without names.
fn definition() -> Value {
    let runner =
        |id: u64, priority: u32| json!({"id": id, "sortPriority": priority, "status": "ACTIVE"});
    json!({"eventId": "77", "eventTypeId": "1", "marketType": "MATCH_ODDS", "status": "OPEN",
        "inPlay": false, "marketTime": "2026-04-18T14:00:00.000Z",
        "runners": [runner(1, 1), runner(2, 2), runner(58805, 3)]})
}

fn change(clk: &str, more: &Value) -> String {
    let mut message = json!({"op": "mcm", "id": 2, "clk": clk, "pt": 1_776_517_200_000_i64});
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message.to_string()
}

fn image(home: f64) -> Vec<String> {
    let prices = json!([{"id": 1, "batb": [[0, home, 50]]}, {"id": 2, "batb": [[0, 2.1, 10]]},
                        {"id": 58805, "batb": [[0, 3.5, 5]]}]);
    let market = json!({"id": "1.1", "img": true, "marketDefinition": definition(), "rc": prices});
    let heartbeat = json!({"ct": "HEARTBEAT"});
    let mut image = json!({"ct": "SUB_IMAGE", "initialClk": "I", "heartbeatMs": 500, "segmentType": "SEG_START"});
    image["mc"] = json!([market]);
    let end = json!({"ct": "SUB_IMAGE", "segmentType": "SEG_END", "mc": []});
    vec![success(), change("A", &image), change("B", &end), change("C", &heartbeat)]
}

fn api() -> Server {
    Server::start(|asked, _| match asked.path.as_str() {
        "/api/login" if asked.body == "username=me&password=p%26w" => {
            Answer::json(r#"{"token":"T","status":"SUCCESS"}"#)
        }
        "/api/login" => {
            Answer::json(r#"{"token":"","status":"FAIL","error":"INVALID_USERNAME_OR_PASSWORD"}"#)
        }
        path if path.ends_with("listCompetitions/") => {
            assert_eq!(asked.header("x-authentication"), Some("T"));
            Answer::json(
                r#"[{"competition":{"id":"10932509","name":"English Premier League"}},
                             {"competition":{"id":"1","name":"Mars"}}]"#,
            )
        }
        path if path.ends_with("listMarketCatalogue/") => {
            assert!(asked.body.contains("10932509") && !asked.body.contains("\"1\",\"1\""));
            Answer::json(
                r#"[{"marketId":"1.1","marketName":"Match Odds","event":{"id":"77","name":"Wolves v Brighton"},
                "competition":{"id":"10932509","name":"English Premier League"},
                "runners":[{"selectionId":1,"runnerName":"Wolves"},{"selectionId":2,"runnerName":"Brighton"}]}]"#,
            )
        }
        other => panic!("{other}"),
    })
}

fn source(address: &str, api: &Server, password: &str) -> BetfairLive {
    recorded(address, api, password, None)
}

fn recorded(address: &str, api: &Server, password: &str, record: Option<&Path>) -> BetfairLive {
    let clock = Hand::at("2026-04-18T13:30:00Z");
    let live = LiveSettings {
        address: address.to_owned(),
        trust: Some(certificate("ca.pem")),
        app_key: Secret::new("K"),
        login: Login::Password { username: "me".to_owned(), password: Secret::new(password) },
        competitions: vec!["E0".into()],
        market_types: vec!["MATCH_ODDS".to_owned()],
        markets_max: 200,
        depth: 3,
        conflate_ms: 0,
        heartbeat_ms: 500,
        seen_every: Duration::from_secs(3_600),
        catalogue_every: Duration::from_secs(3_600),
        record: record.map(Path::to_owned),
    };
    let clients =
        (client(settings(&api.base_url), &clock), client(settings(&api.base_url), &clock));
    BetfairLive::new(live, clients, desk(SOURCE), clock).unwrap()
}

#[tokio::test]
async fn the_stream_is_taken_up_where_it_was_and_a_silent_line_is_noticed() {
    let drop =
        change("D", &json!({"mc": [{"id": "1.1", "rc": [{"id": 1, "batb": [[0, 3.3, 50]]}]}]}));
    let mut first = image(3.4);
    first.push(drop);
    let resubscribed = change(
        "E",
        &json!({"ct": "RESUB_DELTA", "initialClk": "I", "mc": [
        {"id": "1.1", "marketDefinition": {"status": "SUSPENDED", "eventId": "77", "eventTypeId": "1",
         "marketType": "MATCH_ODDS", "marketTime": "2026-04-18T14:00:00.000Z",
         "runners": definition()["runners"]}}]}),
    );
    let (address, sent) = stream(vec![
        Script { answers: vec![vec![success()], first], then_silent: true },
        Script { answers: vec![vec![success()], vec![success(), resubscribed]], then_silent: true },
    ])
    .await;
    let api = api();
    let mut source = source(&address, &api, "p&w");
    let (mut events, mut fault) = (Vec::new(), None);
    while fault.is_none() {
        match tokio::time::timeout(Duration::from_secs(10), source.next()).await.unwrap() {
            Ok(batch) => events.extend(batch.unwrap().events),
            Err(error) => fault = Some(error),
        }
    }
    assert_eq!(
        told(&events)[..4],
        [
            "Wolves named Wolves",
            "Wolves fixture Scheduled",
            "Wolves quote betfair_exchange 1x2 [3.4, 3.5, 2.1]",
            "Wolves quote betfair_exchange 1x2 [3.3, 3.5, 2.1]",
        ]
    );
    let fault = fault.unwrap();
    assert!(
        matches!(&fault, SourceError::Transient { reason, .. } if reason.contains("nothing came")),
        "{fault}"
    );
    assert_eq!(told(&next(&mut source).await.events), ["Wolves withdrawn betfair_exchange 1x2"]);
    let sent = sent.lock().unwrap();
    assert_eq!(sent[0]["session"], "T");
    assert_eq!(sent[1]["marketFilter"]["marketIds"], json!(["1.1"]));
    assert_eq!(sent[1].get("clk"), None);
    assert_eq!((&sent[3]["initialClk"], &sent[3]["clk"]), (&json!("I"), &json!("D")));
}

#[tokio::test]
async fn a_stream_that_is_recorded_is_read_again_as_a_file_without_a_key_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _) =
        stream(vec![Script { answers: vec![vec![success()], image(3.4)], then_silent: true }])
            .await;
    let api = api();
    let mut live = recorded(&address, &api, "p&w", Some(folder.path()));
    let told_live = told(&next(&mut live).await.events);
    let paths = [folder.path().to_owned()];
    let mut files = BetfairFiles::open(&paths, TapeSettings::default(), desk(SOURCE)).unwrap();
    assert_eq!(told(&next(&mut files).await.events), told_live);
    assert_eq!(told_live.len(), 3, "{told_live:?}");
    let kept = std::fs::read_to_string(folder.path().join("stream.jsonl")).unwrap();
    assert!(kept.contains("SUB_IMAGE") && !kept.contains("appKey"), "{kept}");
}

#[tokio::test]
async fn a_market_that_a_new_image_does_not_hold_is_withdrawn() {
    let empty = change("Z", &json!({"ct": "SUB_IMAGE", "initialClk": "J", "mc": []}));
    let (address, sent) = stream(vec![
        Script { answers: vec![vec![success()], image(3.4)], then_silent: false },
        Script {
            answers: vec![vec![success()], vec![failure("INVALID_CLOCK")]],
            then_silent: false,
        },
        Script { answers: vec![vec![success()], vec![success(), empty]], then_silent: true },
    ])
    .await;
    let api = api();
    let mut source = source(&address, &api, "p&w");
    let mut events = Vec::new();
    while events.len() < 4 {
        if let Ok(batch) =
            tokio::time::timeout(Duration::from_secs(10), source.next()).await.unwrap()
        {
            events.extend(batch.unwrap().events);
        }
    }
    assert_eq!(told(&events)[3], "Wolves withdrawn betfair_exchange 1x2");
    let sent = sent.lock().unwrap();
    assert_eq!(sent[3]["clk"], json!("C"));
    assert_eq!(sent[5].get("clk"), None);
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let api = api();
    let error = source("localhost:9", &api, "wrong").next().await.unwrap_err();
    assert!(error.to_string().contains("INVALID_USERNAME_OR_PASSWORD"), "{error}");
    for (code, permanent) in [
        ("INVALID_APP_KEY", true),
        ("INVALID_SESSION_INFORMATION", false),
        ("UNEXPECTED_ERROR", false),
    ] {
        let (address, _) =
            stream(vec![Script { answers: vec![vec![failure(code)]], then_silent: false }]).await;
        let error = source(&address, &api, "p&w").next().await.unwrap_err();
        assert_eq!(matches!(error, SourceError::Permanent { .. }), permanent, "{error}");
        assert!(error.to_string().contains(code), "{error}");
    }
}
