//! Live sources through the whole program, from local servers that speak their protocols.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Moment, SystemTime, UNIX_EPOCH};

use marabet_schemas::Instant;
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Server};
use crate::support::{Process, hold_server, json as said, marabet, text};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Instant::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// An instant as providers write it, to the second.
fn written(at: Instant) -> String {
    Instant::from_micros(at.micros() / 1_000_000 * 1_000_000).to_string()
}

fn the_odds_api(kickoff: Instant) -> Server {
    Server::start(move |asked, _| {
        let event = |bookmakers: Value| {
            json!({"id": "e1", "sport_key": "soccer_epl", "commence_time": written(kickoff),
                "home_team": "Wolverhampton Wanderers", "away_team": "Brighton and Hove Albion",
                "bookmakers": bookmakers})
        };
        let outcome = |name: &str, price: f64| json!({"name": name, "price": price});
        let book = json!([{"key": "bet365", "markets": [{"key": "h2h", "last_update": written(now()),
            "outcomes": [outcome("Wolverhampton Wanderers", 3.9), outcome("Draw", 3.4),
                         outcome("Brighton and Hove Albion", 2.0)]}]}]);
        match asked.path.rsplit('/').next() {
            Some("events") => Answer::json(json!([event(json!([]))]).to_string()),
            Some("sports") => {
                Answer::json(r#"[{"key":"soccer_epl"}]"#).with("x-requests-remaining", 480)
            }
            Some("odds") => {
                Answer::json(json!([event(book)]).to_string()).with("x-requests-remaining", 400)
            }
            _ => Answer::json("[]"),
        }
    })
}

fn pinnacle(kickoff: Instant) -> Server {
    Server::start(move |asked, _| {
        match (asked.path.as_str(), asked.query.contains("since=")) {
        (_, true) => Answer::json(""),
        ("/v3/fixtures", _) => Answer::json(
            json!({"last": 1, "league": [{"name": "England - Premier League", "events": [
                {"id": 7, "starts": written(kickoff), "home": "Wolverhampton", "away": "Brighton", "liveStatus": 0}]}]})
            .to_string(),
        ),
        _ => Answer::json(
            json!({"last": 1, "leagues": [{"events": [{"id": 7, "periods": [{"number": 0, "status": 1,
                "moneyline": {"home": 3.4, "draw": 3.5, "away": 2.2}}]}]}]})
            .to_string(),
        ),
    }
    })
}

fn api_football(kickoff: Instant, over: &Arc<AtomicBool>) -> Server {
    let over = Arc::clone(over);
    Server::start(move |asked: &Asked, _| {
        let is_over = over.load(Ordering::Relaxed);
        let (status, goals) = if is_over {
            ("FT", json!({"home": 2, "away": 1}))
        } else {
            ("NS", json!({"home": null, "away": null}))
        };
        let response = match asked.path.as_str() {
            "/fixtures" => json!([{
                "fixture": {"id": 9, "date": written(kickoff), "status": {"short": status, "elapsed": null}},
                "league": {"id": 39}, "teams": {"home": {"name": "Wolves"}, "away": {"name": "Brighton"}},
                "goals": goals, "score": {"halftime": {"home": null, "away": null}, "fulltime": goals}}]),
            _ => json!([]),
        };
        Answer::json(
            json!({"errors": [], "paging": {"current": 1, "total": 1}, "response": response})
                .to_string(),
        )
    })
}

fn configured(folder: &Path, servers: [&Server; 3]) -> Command {
    let [odds, football, pinnacle] = servers.map(|server| server.base_url.clone());
    let config = folder.join("marabet.toml");
    let toml = format!(
        "[log]\nfolder = \"{}\"\n\
         [sources.the_odds_api]\ncompetitions = [\"E0\"]\nmarkets = [\"h2h\"]\n\
         client = {{ base_url = \"{odds}\", requests_per_minute = 6000, retries = 0 }}\n\
         [sources.api_football]\ncompetitions = [\"E0\"]\nodds = false\nstatistics = false\nlive_every_s = 1\n\
         client = {{ base_url = \"{football}\", requests_per_minute = 6000 }}\n\
         [sources.pinnacle]\nusername = \"me\"\ncompetitions = [\"E0\"]\nevery_s = 1\n\
         client = {{ base_url = \"{pinnacle}\", requests_per_minute = 6000, timeout_s = 2, retries = 0 }}\n",
        folder.join("log").display(),
    );
    std::fs::write(&config, toml).unwrap();
    let mut command = marabet();
    command
        .env("MARABET_CONFIG", config)
        .env("MARABET_SOURCES__THE_ODDS_API__KEY", "s3cret")
        .env("MARABET_SOURCES__API_FOOTBALL__KEY", "s3cret")
        .env("MARABET_SOURCES__PINNACLE__PASSWORD", "s3cret")
        .env("MARABET_NOTIFY__CONSOLE", "false");
    command
}

/// Waits until something holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Moment::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} did not come within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn three_sources_join_on_one_match_and_its_bet_is_settled_and_measured() {
    let folder = tempfile::tempdir().unwrap();
    // Time enough to bet on a busy machine, and not longer.
    let kickoff = now().plus_seconds(30);
    let over = Arc::new(AtomicBool::new(false));
    let (odds, football, sharp) =
        (the_odds_api(kickoff), api_football(kickoff, &over), pinnacle(kickoff));
    let command = |arguments: &[&str]| {
        let mut command = configured(folder.path(), [&odds, &football, &sharp]);
        command.args(arguments);
        command
    };
    let _server = Process(hold_server(command(&[])));
    let running = command(&["run"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let running = Process(running);
    let bets = || {
        let output = command(&["bets", "list", "--json"]).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
    };
    let rows = |bets: &Value| bets["bets"].as_array().cloned().unwrap_or_default();
    until("a bet", || !rows(&bets()).is_empty());
    let list = rows(&bets());
    assert_eq!(list.len(), 1, "{list:?}");
    let shown = list[0].to_string();
    assert!(shown.contains("|Wolves|Brighton|1") && shown.contains("bet365"), "{shown}");

    // One server falls silent: the others go on, and the fault is told.
    sharp.answer(|_, _| Answer::status(503, "away"));
    until("the fault", || {
        let list = said(&mut command(&["sources", "list"]));
        let sources = list["sources"].as_array().unwrap().clone();
        let one = |table: &str| sources.iter().find(|one| one["table"] == table).unwrap().clone();
        one("pinnacle")["standing"]["last_fault"].to_string().contains("503")
            && one("the_odds_api")["standing"]["events"].as_u64() > Some(0)
    });

    over.store(true, Ordering::Relaxed);
    let bet = || rows(&bets()).first().cloned().unwrap_or_default();
    until("the settlement", || bet()["outcome"] == "win");
    assert!(bet()["clv"].as_f64().is_some_and(|clv| clv > 0.05), "{}", bet());
    drop(running);
}

#[test]
fn a_source_without_a_key_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = marabet()
        .args(["sources", "check"])
        .env("MARABET_LOG__FOLDER", folder.path())
        .output()
        .unwrap();
    assert!(!nothing.status.success());
    assert!(text(&nothing).contains("no source is set up"), "{}", text(&nothing));
    for (table, says) in [
        ("THE_ODDS_API", "MARABET_SOURCES__THE_ODDS_API__KEY"),
        ("API_FOOTBALL", "MARABET_SOURCES__API_FOOTBALL__KEY"),
        ("PINNACLE", "MARABET_SOURCES__PINNACLE__PASSWORD"),
    ] {
        let variable = format!("MARABET_SOURCES__{table}__COMPETITIONS");
        let output = marabet()
            .args(["sources", "check"])
            .env("MARABET_LOG__FOLDER", folder.path())
            .env(variable, "[\"E0\"]")
            .output()
            .unwrap();
        assert!(!output.status.success());
        assert!(text(&output).contains(says), "{}", text(&output));
    }
}

#[test]
fn check_and_probe_say_what_a_key_allows_and_what_a_look_brings() {
    let folder = tempfile::tempdir().unwrap();
    let kickoff = now().plus_seconds(7_200);
    let over = Arc::new(AtomicBool::new(false));
    let (odds, football, sharp) =
        (the_odds_api(kickoff), api_football(kickoff, &over), pinnacle(kickoff));
    let mut check = configured(folder.path(), [&odds, &football, &sharp]);
    let output = check.args(["sources", "check", "the_odds_api"]).output().unwrap();
    assert!(text(&output).contains("480 credits left"), "{}", text(&output));
    assert!(!text(&output).contains("s3cret"));
    let mut probe = configured(folder.path(), [&odds, &football, &sharp]);
    let probed = said(probe.args(["sources", "probe", "the_odds_api"]));
    assert_eq!(
        (&probed["events"]["quote"], &probed["matches"]),
        (&json!(1), &json!(1)),
        "{probed}"
    );
    let mut shown = configured(folder.path(), [&odds, &football, &sharp]);
    let output = shown.args(["config", "check"]).output().unwrap();
    assert!(output.status.success() && !text(&output).contains("s3cret"), "{}", text(&output));
}

#[test]
fn a_job_looks_at_the_sources_unless_a_process_follows_them() {
    let folder = tempfile::tempdir().unwrap();
    let kickoff = now().plus_seconds(7_200);
    let over = Arc::new(AtomicBool::new(false));
    let (odds, football, sharp) =
        (the_odds_api(kickoff), api_football(kickoff, &over), pinnacle(kickoff));
    let command = |arguments: &[&str]| {
        let mut command = configured(folder.path(), [&odds, &football, &sharp]);
        command.args(arguments);
        command
    };
    let _server = Process(hold_server(command(&[])));
    let collect = |args: &str| {
        let done = said(&mut command(&["jobs", "run", "collect", "--args", args, "--wait"]));
        assert_eq!(done["job"]["state"], "done", "{done}");
        serde_json::from_str::<Value>(done["job"]["result"].as_str().unwrap()).unwrap()
    };
    let first = collect(r#"{ "quiet_s": 3 }"#);
    for source in ["api-football", "pinnacle", "the-odds-api"] {
        let told = &first["sources"][source];
        assert!(told["events"].as_u64() > Some(0) && told["fault"].is_null(), "{first}");
    }
    // The three join on one match.
    let tail = command(&["events", "tail", "feed", "-n", "50"]).output().unwrap();
    let quotes = text(&tail);
    assert!(quotes.contains("bet365") && quotes.contains("pinnacle"), "{quotes}");
    assert!(
        quotes.lines().all(|line| !line.contains("quote") || line.contains("|Wolves|Brighton|1"))
    );

    sharp.answer(|_, _| Answer::status(503, "away"));
    let second = collect(r#"{ "quiet_s": 3, "what": ["odds"] }"#);
    assert!(second["sources"]["pinnacle"]["fault"].to_string().contains("503"), "{second}");
    let wrong = command(&["jobs", "run", "collect", "--args", r#"{"what":["scores"]}"#, "--wait"])
        .output()
        .unwrap();
    assert!(text(&wrong).contains("odds, stats, live, teams"), "{}", text(&wrong));

    let _running =
        Process(command(&["run"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
    until("the process is known", || {
        let status = said(&mut command(&["status"]));
        status["processes"].to_string().contains("sources")
    });
    let third = collect(r#"{ "quiet_s": 3 }"#);
    assert!(third["why"].to_string().contains("follows the sources"), "{third}");
}
