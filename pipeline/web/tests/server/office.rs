//! Jobs, accounts and reports.

use serde_json::{Value, json};

use crate::client::{ask, get, part};
use crate::line::{Line, number};

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_asked_for_watched_retried_and_cancelled() {
    let line = Line::start(crate::line::config()).await;
    let at = line.address;
    let ask_for = |body: &Value| ask(at, "POST", "/api/v1/jobs", JSON, &body.to_string());
    let page = |id: &str| get(at, &format!("/api/v1/jobs/{}", part(id))).json();
    let ends = |id: String, state: &'static str| move |_: &Line| page(&id)["job"]["state"] == state;

    let asked = tokio::task::block_in_place(|| {
        let schedule = get(at, "/api/v1/schedule").json();
        assert_eq!(schedule["kinds"][0]["kind"], "greet");
        assert_eq!(schedule["plans"][0]["name"], "morning");
        assert!(schedule["plans"][0]["next"].as_i64().is_some(), "{schedule}");
        ask_for(&json!({ "kind": "nap" })).is_problem(404, "there is no job `nap`");
        ask_for(&json!({ "kind": "greet", "arg": {} })).is_problem(400, "unknown field");
        ask_for(&json!({ "kind": "greet", "args": { "name": "Ana" } })).json()
    });
    let id = asked["id"].as_str().unwrap().to_owned();
    line.until("the job is done", ends(id.clone(), "done")).await;
    tokio::task::block_in_place(|| {
        let page = page(&id);
        assert_eq!(page["log"], json!(["greeting Ana"]));
        assert!(page["job"]["result"].as_str().unwrap().contains("hello Ana"), "{page}");
    });

    let nameless = tokio::task::block_in_place(|| ask_for(&json!({ "kind": "greet" })).json());
    let id = nameless["id"].as_str().unwrap().to_owned();
    line.until("the job is given up", ends(id.clone(), "dead")).await;
    let path = format!("/api/v1/jobs/{}", part(&id));
    tokio::task::block_in_place(|| {
        let dead = get(at, "/api/v1/jobs?state=dead").json();
        assert_eq!(dead["items"][0]["id"], id.as_str());
        assert_eq!(dead["counts"]["dead"], 1);
        let all = get(at, "/api/v1/jobs").json();
        assert_eq!(all["items"].as_array().unwrap().len(), 2, "{all}");
        let metrics = get(at, "/metrics").body;
        assert_eq!(number(&metrics, "marabet_jobs{state=\"dead\"}"), 1.0);
        ask(at, "POST", &format!("{path}/cancel"), &[], "").is_problem(409, "it has ended");
        let again = ask(at, "POST", &format!("{path}/retry"), &[], "");
        assert_eq!(again.status, 200, "{again:?}");
        ask(at, "POST", "/api/v1/jobs/none/retry", &[], "").is_problem(404, "no job `none`");
    });
    line.until("it is given up again", ends(id, "dead")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_staked_stands_in_money_and_a_server_without_a_ledger_says_so() {
    let line = Line::with_season().await;
    let at = line.address;
    // Stakes come after the bets that they are of.
    line.until("the ledger has every bet of the season", |_| {
        let bets = get(at, "/api/v1/bets?limit=500").json();
        let bets = bets["items"].as_array().unwrap().iter();
        let staked = bets.filter(|bet| bet["granted"]["stake"].as_f64() > Some(0.0)).count() as u64;
        let ledger = get(at, "/api/v1/ledger").json();
        staked > 5 && ledger["strategies"]["sharp"]["alerted"]["bets"] == staked
    })
    .await;
    tokio::task::block_in_place(|| {
        let accounts = get(at, "/api/v1/ledger").json();
        let sharp = &accounts["strategies"]["sharp"];
        assert_eq!(sharp["placed"]["bets"], 0, "nobody said that he placed one");
        let equity = sharp["equity"].as_array().unwrap();
        assert_eq!(equity.last().unwrap()[1], sharp["bankroll"], "the curve ends at what there is");
        let week = get(at, "/api/v1/ledger?days=7").json();
        let bets = |accounts: &Value| accounts["strategies"]["sharp"]["alerted"]["bets"].as_u64();
        assert!(bets(&week) < bets(&accounts), "{week}");
        get(at, "/api/v1/ledger?days=0").is_problem(400, "days must lie in");
    });
    let bare = Line::bare().await;
    tokio::task::block_in_place(|| {
        for path in ["ledger", "schedule", "backtests"] {
            get(bare.address, &format!("/api/v1/{path}")).is_problem(503, "has no ledger");
        }
        assert_eq!(get(bare.address, "/api/v1/jobs").json()["items"], json!([]));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_opened_by_the_link_of_the_list_and_by_no_other_path() {
    let line = Line::start(crate::line::config()).await;
    let folder = line.reports().join("backtest");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("report.html"), "<!doctype html><title>A report</title>").unwrap();
    std::fs::write(line.reports().join("secret.html"), "not for you").unwrap();
    let at = line.address;
    tokio::task::block_in_place(|| {
        let list = get(at, "/api/v1/backtests").json();
        assert_eq!(list["items"][0]["name"], "backtest");
        let page = list["items"][0]["page"].as_str().unwrap();
        let report = get(at, page);
        assert!(report.body.contains("A report"), "{report:?}");
        let policy = report.header("content-security-policy").unwrap();
        assert!(policy.contains("sandbox") && !policy.contains("script"), "{policy}");
        for path in ["backtest", "..%2Fsecret.html", "..%2F..%2Fledger.db", "0".repeat(32).as_str()]
        {
            get(at, &format!("/reports/{path}")).is_problem(404, "no such report");
        }
    });
}
