//! Reading what the log holds.

use std::collections::BTreeSet;

use marabet_views::why::search;
use serde_json::Value;

use crate::client::{ask, get, part};
use crate::line::{Line, number};

#[tokio::test(flavor = "multi_thread")]
async fn a_season_can_be_read_from_the_list_of_bets_to_the_reason_of_each() {
    let line = Line::with_season().await;
    let at = line.address;
    tokio::task::block_in_place(|| {
        let bets = all_pages(at, "/api/v1/bets?limit=7");
        assert!(bets.len() > 5, "{} bets", bets.len());
        let ids: BTreeSet<&str> = bets.iter().map(|bet| bet["bet"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), bets.len(), "no bet stands on two pages");
        let instants: Vec<i64> =
            bets.iter().map(|bet| bet["decided_at"].as_i64().unwrap()).collect();
        assert!(instants.is_sorted_by(|a, b| a >= b), "the newest first");

        for bet in &bets {
            assert_eq!(bet["state"], "settled");
            let id = bet["bet"].as_str().unwrap();
            let why = get(at, &format!("/api/v1/why/{id}")).json();
            assert_eq!(why, searched(&line, id), "the board's trail leads where a search does");
            assert_eq!(why["config"]["event"]["number"], why["bet"]["event"]["config"]);
            assert_eq!(why["bet"]["event"]["bet"], bet["bet"]);
            assert_eq!(why["quote"]["event"]["book"], bet["book"]);
            let ev = why["arithmetic"]["ev"].as_f64().unwrap();
            assert!((ev - bet["ev"].as_f64().unwrap()).abs() < 1e-9, "{why}");
            assert_eq!(why["settlements"][0]["outcome"], bet["outcome"]);
        }
        let dear = get(at, "/api/v1/bets?ev_min=0.04&limit=500").json();
        let dear = dear["items"].as_array().unwrap().len();
        let expected = bets.iter().filter(|bet| bet["ev"].as_f64() >= Some(0.04)).count();
        assert_eq!(dear, expected);
        assert_eq!(get(at, "/api/v1/value-bets").json()["total"], 0, "the season is over");

        let performance = get(at, "/api/v1/performance").json();
        let sharp = &performance["strategies"]["sharp"];
        assert_eq!(sharp["bets"].as_u64(), Some(bets.len() as u64));
        let last = performance["equity"]["sharp"].as_array().unwrap().last().unwrap().clone();
        let difference = last["profit"].as_f64().unwrap() - sharp["profit"].as_f64().unwrap();
        assert!(difference.abs() < 1e-9, "the curve ends at the sum");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_shows_its_prices_from_the_cache_and_again_when_the_cache_has_lost_them() {
    let line = Line::with_season().await;
    let at = line.address;
    let fixtures = tokio::task::block_in_place(|| get(at, "/api/v1/fixtures?limit=500").json());
    let fixture =
        fixtures["items"].as_array().unwrap().iter().find(|one| one["books"] != 0).unwrap();
    let path = format!("/api/v1/fixtures/{}", part(fixture["match"].as_str().unwrap()));
    let page = tokio::task::block_in_place(|| get(at, &path).json());
    let markets = page["markets"].as_array().unwrap();
    let first = &markets[0];
    for (index, best) in first["best"].as_array().unwrap().iter().enumerate() {
        let books = first["books"].as_array().unwrap().iter();
        let most = books.map(|book| book["odds"][index].as_f64().unwrap()).fold(0.0, f64::max);
        assert_eq!(best["odds"].as_f64(), Some(most));
    }
    let fair: f64 =
        first["fair"]["probabilities"].as_array().unwrap().iter().filter_map(Value::as_f64).sum();
    assert!((fair - 1.0).abs() < 1e-9, "{first}");
    let movement = tokio::task::block_in_place(|| get(at, &format!("{path}/movement")).json());
    let points = movement["movements"][0]["points"].as_array().unwrap();
    assert!(points.len() > 1, "the simulated books move their prices");

    let client = redis::Client::open(line.redis.url()).unwrap();
    let mut raw = client.get_multiplexed_async_connection().await.unwrap();
    let views: Vec<String> =
        redis::cmd("KEYS").arg("mb:*:cache:odds:*").query_async(&mut raw).await.unwrap();
    for view in views {
        redis::cmd("DEL").arg(view).query_async::<()>(&mut raw).await.unwrap();
    }
    tokio::task::block_in_place(|| {
        let misses = "marabet_cache_misses_total{class=\"odds\"}";
        let before = number(&get(at, "/metrics").body, misses);
        assert_eq!(get(at, &path).json()["markets"], page["markets"], "made again as it was");
        let after = number(&get(at, "/metrics").body, misses);
        assert_eq!(after, before + 1.0);
        assert_eq!(get(at, &path).json()["markets"], page["markets"]);
        assert_eq!(number(&get(at, "/metrics").body, misses), after, "it was put back");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_has_is_not_sent_again_and_every_page_of_the_dashboard_is_served() {
    let line = Line::with_season().await;
    let at = line.address;
    tokio::task::block_in_place(|| {
        let first = get(at, "/api/v1/fixtures");
        let tag = first.header("etag").unwrap();
        let again = ask(at, "GET", "/api/v1/fixtures", &[("If-None-Match", tag)], "");
        assert_eq!((again.status, &*again.body), (304, ""));
        let other = ask(at, "GET", "/api/v1/fixtures", &[("If-None-Match", "W/\"0\"")], "");
        assert_eq!(other.status, 200);

        for path in ["/", "/api", "/assets/app.js", "/assets/style.css", "/healthz", "/metrics"] {
            let answer = get(at, path);
            assert_eq!(answer.status, 200, "{path}");
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        }
        for path in ["streams", "stages", "cache", "models", "settings", "dead-letters"] {
            assert_eq!(get(at, &format!("/api/v1/{path}")).status, 200, "{path}");
        }
    });
}

/// The reason of a bet as who has no board finds it.
fn searched(line: &Line, bet: &str) -> Value {
    let chain = async {
        let trail = search(&line.log, bet.parse().unwrap()).await.unwrap().unwrap();
        trail.read(&line.log).await.unwrap()
    };
    let chain = tokio::runtime::Handle::current().block_on(chain);
    // By way of text, as it comes over the wire.
    serde_json::from_str(&serde_json::to_string(&chain).unwrap()).unwrap()
}

fn all_pages(at: std::net::SocketAddr, path: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let more = cursor.map_or_else(String::new, |cursor| format!("&cursor={}", part(&cursor)));
        let page = get(at, &format!("{path}{more}")).json();
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        assert!(found.len() as u64 <= page["total"].as_u64().unwrap());
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return found,
        }
    }
}

#[test]
fn the_description_names_every_schema_that_it_refers_to() {
    let document = marabet_web::openapi_document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    let mut references = 0;
    for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is not described");
        references += 1;
    }
    assert!(references > 20, "{references}");
    assert!(document["paths"].as_object().unwrap().len() >= 18);
}
