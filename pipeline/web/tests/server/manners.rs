//! Bad input, keys, limits: refused with a clear problem, everybody else served.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use marabet_web::keys::{KeyConfig, Scope, generate};

use crate::client::{ask, get, raw};
use crate::line::{Line, config};

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_a_problem_document_and_the_server_goes_on() {
    let line = Line::start(config()).await;
    let at = line.address;
    tokio::task::block_in_place(|| {
        for (path, status, says) in [
            ("/api/v1/nothing", 404, "no such operation"),
            ("/nothing", 404, "nothing here"),
            ("/assets/../../etc/passwd", 404, "nothing here"),
            ("/assets/%2e%2e/%2e%2e/etc/passwd", 404, "nothing here"),
            ("/api/v1/bets?colour=red", 400, "unknown field `colour`"),
            ("/api/v1/streams?x=1", 400, "unknown field `x`"),
            ("/api/v1/bets?limit=0", 400, "limit must lie in 1..=500"),
            ("/api/v1/bets?limit=many", 400, "limit"),
            ("/api/v1/bets?cursor=zz", 404, "not in the list"),
            ("/api/v1/bets/xyz", 400, "16 hexadecimal digits"),
            ("/api/v1/why/0123456789abcdef", 404, "not in the log"),
            ("/api/v1/fixtures/E0", 400, "no match key"),
            ("/api/v1/fixtures/E0%7C2024%7CA%7CB%7C1", 404, "not known"),
            ("/api/v1/fixtures/%FF%7C", 400, "UTF-8"),
            ("/api/v1/fixtures/E0%7C2024%7CA%7CB%7C1/odds?market=chess", 400, "unknown market"),
        ] {
            get(at, path).is_problem(status, says);
        }
        ask(at, "DELETE", "/api/v1/bets", &[], "").is_problem(405, "see /api");
        ask(at, "OPTIONS", "/api/v1/bets", &[("Origin", "https://elsewhere.example")], "")
            .is_problem(403, "pages of other sites");
        let json = [("Content-Type", "application/json")];
        let post = |path: &str, body: &str| ask(at, "POST", path, &json, body);
        post("/api/v1/dead-letters/retry", "{").is_problem(400, "line 1");
        post("/api/v1/dead-letters/retry", r#"{"stage":"predict","address":"0/1-1/0","x":1}"#)
            .is_problem(400, "unknown field `x`");
        post("/api/v1/dead-letters/retry", r#"{"stage":"predict","address":"0/1-1/0"}"#)
            .is_problem(404, "no dead letter");
        post("/api/v1/events", "{}").is_problem(415, "application/x-ndjson");
        let lines = [("Content-Type", "application/x-ndjson")];
        let large = "x".repeat((1 << 20) + 1);
        ask(at, "POST", "/api/v1/events", &lines, &large).is_problem(413, "1048576");
        ask(at, "POST", "/api/v1/events", &lines, "nonsense\n").is_problem(422, "line 1");
        let derived = r#"{"t":"refused/1","k":"E0|2024-25|A|B|1","at":1,"strategy":"x","market":"1x2","reason":"stale"}"#;
        ask(at, "POST", "/api/v1/events", &lines, derived).is_problem(422, "line 1");

        assert_eq!(raw(at, b"NONSENSE\r\n\r\n").status, 400);
        let head = format!("GET / HTTP/1.1\r\nHost: {at}\r\nX: {}\r\n\r\n", "y".repeat(20_000));
        assert_eq!(raw(at, head.as_bytes()).status, 431);
        assert_eq!(get(at, "/api/v1/bets").status, 200);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_can_neither_read_nor_change_anything() {
    let line = Line::start(config()).await;
    let at = line.address;
    tokio::task::block_in_place(|| {
        let rebound = [("Host", "attacker.example")];
        ask(at, "GET", "/api/v1/bets", &rebound, "").is_problem(403, "names of the loopback");
        ask(at, "GET", "/metrics", &rebound, "").is_problem(403, "names of the loopback");
        let host = at.to_string();
        for foreign in [("Origin", "https://attacker.example"), ("Sec-Fetch-Site", "cross-site")] {
            let headers = [("Content-Type", "application/json"), ("Host", &*host), foreign];
            let body = r#"{"stage":"predict","address":"0/1-1/0"}"#;
            ask(at, "POST", "/api/v1/dead-letters/drop", &headers, body)
                .is_problem(403, "pages of other sites");
        }
        let answer = ask(at, "GET", "/api/v1/bets", &[("Origin", "https://attacker.example")], "");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lets_in_as_far_as_its_scopes_go() {
    let (reader, operator) = (generate().unwrap(), generate().unwrap());
    let key = |hash: &str, scopes: &[Scope]| KeyConfig { hash: hash.into(), scopes: scopes.into() };
    let keys = BTreeMap::from([
        ("reader".to_owned(), key(&reader.hash, &[Scope::Read])),
        ("operator".to_owned(), key(&operator.hash, &[Scope::Operate])),
    ]);
    let line = Line::start(marabet_web::WebConfig { keys, ..config() }).await;
    let at = line.address;
    tokio::task::block_in_place(|| {
        let bearer = |key: &str| format!("Bearer {key}");
        let none = get(at, "/api/v1/bets");
        none.is_problem(401, "send a key");
        assert!(none.header("www-authenticate").is_some());
        for wrong in ["Bearer mbk_0000", "Basic eDp5", "Bearer "] {
            let answer = ask(at, "GET", "/api/v1/bets", &[("Authorization", wrong)], "");
            assert_eq!(answer.status, 401, "{wrong}");
        }
        let (reads, operates) = (bearer(&reader.key), bearer(&operator.key));
        let get_as = |who: &str| ask(at, "GET", "/api/v1/bets", &[("Authorization", who)], "");
        assert_eq!(get_as(&reads).status, 200);
        get_as(&operates).is_problem(403, "`read`");
        let post_as = |who: &str| {
            let headers = [("Authorization", who), ("Content-Type", "application/json")];
            let body = r#"{"stage":"predict","address":"0/1-1/0"}"#;
            ask(at, "POST", "/api/v1/dead-letters/drop", &headers, body)
        };
        post_as(&reads).is_problem(403, "`operate`");
        post_as(&operates).is_problem(404, "no dead letter");
        assert_eq!(get(at, "/metrics").status, 401);
        assert_eq!(get(at, "/healthz").status, 200, "whoever watches over processes has no key");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let limited = marabet_web::WebConfig { requests_per_s: 1, burst: 3, ..config() };
    let line = Line::start(limited).await;
    let at = line.address;
    tokio::task::block_in_place(|| {
        let first = get(at, "/api/v1/settings");
        assert_eq!(first.header("ratelimit-policy"), Some("\"default\";q=3;w=3"));
        assert_eq!(first.header("ratelimit"), Some("\"default\";r=2;t=1"));
        let answers: Vec<_> = (0..6).map(|_| get(at, "/api/v1/settings")).collect();
        let refused = answers.iter().find(|answer| answer.status == 429).expect("one too many");
        refused.is_problem(429, "try again in");
        assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_told_so_and_the_others_are_served() {
    let crowded = marabet_web::WebConfig { connections_max: 20, ..config() };
    let line = Line::start(crowded).await;
    let at = line.address;
    tokio::task::block_in_place(|| {
        let mut idle: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(at).unwrap()).collect();
        std::thread::sleep(Duration::from_millis(300));
        let refused = get(at, "/api/v1/bets");
        refused.is_problem(503, "no room for another connection");
        assert_eq!(refused.header("retry-after"), Some("1"));
        // Whoever has a place is served, and a place that is given back is free.
        let mut served = idle.pop().unwrap();
        write!(served, "GET /healthz HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        served.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        // It is free a moment after its last byte was read.
        let mut status = 0;
        for _ in 0..100 {
            status = get(at, "/healthz").status;
            if status == 200 {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(status, 200);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dawdles_over_a_request_is_let_go_and_holds_nobody_up() {
    let line = Line::start(config()).await;
    let at = line.address;
    tokio::task::block_in_place(|| {
        let mut slow: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(at).unwrap()).collect();
        for socket in &mut slow {
            write!(socket, "GET /api/v1/bets HTTP/1.1\r\nHost: ").unwrap();
        }
        let began = Instant::now();
        assert_eq!(get(at, "/api/v1/bets").status, 200);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        // Their heads do not come within ten seconds.
        for socket in &mut slow {
            socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut answer = Vec::new();
            let ended = socket.read_to_end(&mut answer);
            assert!(ended.is_ok(), "it was not let go: {ended:?}");
        }
        assert!(began.elapsed() > Duration::from_secs(5), "{:?}", began.elapsed());
    });
}
