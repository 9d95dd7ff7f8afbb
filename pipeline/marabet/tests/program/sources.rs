//! Live sources through the whole program, from local servers that speak their protocols.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Moment, SystemTime, UNIX_EPOCH};

use marabet_schemas::Instant;
use serde_json::{Value, json};

use crate::exchange::{Exchange, Standing, certificate};
use crate::faces::get;
use crate::server::{Answer, Server};
use crate::support::{Process, hold_server, json as said, marabet, text};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// After this a price of the exchange is stale.
const MAX_AGE: Duration = Duration::from_secs(4);

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Instant::from_micros(i64::try_from(since.as_micros()).unwrap())
}

fn now_ms() -> i64 {
    now().micros() / 1_000
}

/// An instant as providers write it, to the second.
fn written(at: Instant) -> String {
    Instant::from_micros(at.micros() / 1_000_000 * 1_000_000).to_string()
}

/// The two matches, as each provider calls their sides.
const WOLVES: usize = 0;
const ARSENAL: usize = 1;

/// What happens in the world, which every server tells in its own way.
#[derive(Clone)]
struct World {
    kickoffs: [Instant; 2],
    /// William Hill's odds on each home side.
    william_hill: [f64; 2],
    /// The score at the end of the first match.
    ended: Option<[u8; 2]>,
}

type Shared = Arc<Mutex<World>>;

fn world() -> Shared {
    let kickoff = now().plus_seconds(1_200);
    Arc::new(Mutex::new(World { kickoffs: [kickoff; 2], william_hill: [3.9, 1.98], ended: None }))
}

/// Prices of Pinnacle and of bet365.
fn the_odds_api(world: &Shared) -> Server {
    const SIDES: [[&str; 2]; 2] =
        [["Wolverhampton Wanderers", "Brighton and Hove Albion"], ["Arsenal", "Chelsea"]];
    let world = Arc::clone(world);
    Server::start(move |asked, _| {
        let World { kickoffs, .. } = world.lock().unwrap().clone();
        let event = |of: usize, books: Value| {
            json!({"id": format!("e{of}"), "sport_key": "soccer_epl",
                "commence_time": written(kickoffs[of]), "bookmakers": books,
                "home_team": SIDES[of][0], "away_team": SIDES[of][1]})
        };
        let book = |of: usize, key: &str, odds: [f64; 3]| {
            let names = [SIDES[of][0], "Draw", SIDES[of][1]];
            let outcomes = names.iter().zip(odds);
            let outcomes = outcomes.map(|(name, price)| json!({"name": name, "price": price}));
            json!({"key": key, "markets": [{"key": "h2h", "last_update": written(now()),
                "outcomes": outcomes.collect::<Vec<_>>()}]})
        };
        let books = [
            json!([book(0, "pinnacle", [3.4, 3.5, 2.2]), book(0, "bet365", [3.3, 3.4, 2.1])]),
            json!([book(1, "pinnacle", [2.0, 3.5, 3.9]), book(1, "bet365", [1.95, 3.4, 3.7])]),
        ];
        match asked.path.rsplit('/').next() {
            Some("events") => {
                Answer::json(json!([event(0, json!([])), event(1, json!([]))]).to_string())
            }
            Some("sports") => {
                Answer::json(r#"[{"key":"soccer_epl"}]"#).with("x-requests-remaining", 480)
            }
            Some("odds") => {
                let [first, second] = books;
                Answer::json(json!([event(0, first), event(1, second)]).to_string())
                    .with("x-requests-remaining", 400)
            }
            _ => Answer::json("[]"),
        }
    })
}

/// The calendar, running matches, and William Hill's prices, which never stand still.
fn api_football(world: &Shared) -> Server {
    let world = Arc::clone(world);
    Server::start(move |asked, number| {
        let World { kickoffs, william_hill, ended } = world.lock().unwrap().clone();
        let fixture = |id: usize,
                       kickoff: Instant,
                       names: [&str; 2],
                       status: &str,
                       goals: Value| {
            json!({"fixture": {"id": id, "date": written(kickoff), "status": {"short": status, "elapsed": null}},
                "league": {"id": 39}, "teams": {"home": {"name": names[0]}, "away": {"name": names[1]}},
                "goals": goals, "score": {"halftime": {"home": null, "away": null}, "fulltime": goals}})
        };
        let open = json!({"home": null, "away": null});
        let wolves = match ended {
            Some([home, away]) => ("FT", json!({"home": home, "away": away})),
            None => ("NS", open.clone()),
        };
        let wolves = fixture(WOLVES, kickoffs[WOLVES], ["Wolves", "Brighton"], wolves.0, wolves.1);
        // Another match runs all the time, so that running matches are looked at.
        let running = fixture(
            7,
            now().plus_seconds(-1_800),
            ["Everton", "Fulham"],
            "1H",
            json!({"home": 0, "away": 0}),
        );
        let moved = (number % 2) as f64 / 100.0;
        let odds = |id: usize, odds: [f64; 3]| {
            let value = |name: &str, odd: f64| json!({"value": name, "odd": format!("{odd:.2}")});
            let values =
                [value("Home", odds[0] + moved), value("Draw", odds[1]), value("Away", odds[2])];
            json!({"fixture": {"id": id}, "update": now().to_string(), "bookmakers": [
                {"name": "William Hill", "bets": [{"name": "Match Winner", "values": values}]}]})
        };
        let response = match asked.path.as_str() {
            "/fixtures" if asked.query.contains("live=") && ended.is_none() => json!([running]),
            "/fixtures" if asked.query.contains("live=") => json!([running, wolves]),
            "/fixtures" => {
                let arsenal =
                    fixture(ARSENAL, kickoffs[ARSENAL], ["Arsenal", "Chelsea"], "NS", open);
                json!([running, wolves, arsenal])
            }
            "/odds" => {
                let arsenal = odds(ARSENAL, [william_hill[ARSENAL], 3.3, 3.6]);
                match ended {
                    Some(_) => json!([arsenal]),
                    None => json!([odds(WOLVES, [william_hill[WOLVES], 3.4, 2.0]), arsenal]),
                }
            }
            _ => json!([]),
        };
        Answer::json(
            json!({"errors": [], "paging": {"current": 1, "total": 1}, "response": response})
                .to_string(),
        )
    })
}

/// What is asked beside the exchange's stream: a session, the competitions, the catalogue.
fn betfair_api() -> Server {
    Server::start(|asked, _| {
        match asked.path.rsplit('/').nth(usize::from(asked.path.ends_with('/'))) {
            Some("login") => Answer::json(r#"{"token":"T","status":"SUCCESS"}"#),
            Some("listCompetitions") => Answer::json(
                r#"[{"competition":{"id":"10932509","name":"English Premier League"}}]"#,
            ),
            _ => {
                let market = |id: &str, event: &str, name: &str| {
                    json!({"marketId": id, "marketName": "Match Odds", "event": {"id": event, "name": name},
                    "competition": {"id": "10932509", "name": "English Premier League"}})
                };
                let markets = [
                    market("1.1", "71", "Wolves v Brighton"),
                    market("1.2", "72", "Arsenal v Chelsea"),
                ];
                Answer::json(json!(markets).to_string())
            }
        }
    })
}

/// A market of the exchange.
fn standing(event: &str, kickoff: Instant, in_play: bool, odds: [f64; 3]) -> Standing {
    let runner =
        |id: u64, priority: u32| json!({"id": id, "sortPriority": priority, "status": "ACTIVE"});
    let definition = json!({"eventId": event, "eventTypeId": "1", "marketType": "MATCH_ODDS",
        "status": "OPEN", "inPlay": in_play, "marketTime": written(kickoff),
        "runners": [runner(1, 1), runner(2, 2), runner(58_805, 3)]});
    Standing { definition, prices: vec![(1, odds[0]), (58_805, odds[1]), (2, odds[2])] }
}

fn odds_api_table(server: &Server) -> String {
    format!(
        "[sources.the_odds_api]\ncompetitions = [\"E0\"]\nmarkets = [\"h2h\"]\n\
         client = {{ base_url = \"{}\", requests_per_minute = 6000, retries = 0 }}\n",
        server.base_url
    )
}

fn api_football_table(server: &Server) -> String {
    format!(
        "[sources.api_football]\ncompetitions = [\"E0\"]\nstatistics = false\nlive_every_s = 1\n\
         incidents = false\nline_ups = false\nabsences = false\nteams = false\ntables = false\n\
         odds_every_s = 1\nclient = {{ base_url = \"{}\", requests_per_minute = 6000 }}\n",
        server.base_url
    )
}

fn betfair_table(stream: &Exchange, api: &Server) -> String {
    let (api, trust) = (&api.base_url, certificate("ca.pem"));
    format!(
        "[sources.betfair]\nusername = \"me\"\ncompetitions = [\"E0\"]\nstream = \"{}\"\n\
         market_types = [\"MATCH_ODDS\"]\nheartbeat_ms = 500\nseen_every_s = 1\ntrust = \"{}\"\n\
         identity = {{ base_url = \"{api}\" }}\nclient = {{ base_url = \"{api}\" }}\n",
        stream.address,
        trust.display(),
    )
}

fn configured(folder: &Path, tables: &str) -> Command {
    let config = folder.join("marabet.toml");
    let log = folder.join("log");
    std::fs::write(&config, format!("[log]\nfolder = \"{}\"\n{tables}", log.display())).unwrap();
    let mut command = marabet();
    command
        .env("MARABET_CONFIG", config)
        .env("MARABET_SOURCES__THE_ODDS_API__KEY", "s3cret")
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

/// The sharp price is the exchange's, and one strategy holds to it; another to Pinnacle's.
fn strategies() -> String {
    format!(
        "[books.betfair_exchange]\nbettable = false\nreference = true\nexchange = true\n\
         [closing]\nreferences = [\"betfair_exchange\"]\n\
         [strategies.sharp]\nreferences = [\"betfair_exchange\"]\nmax_age_s = {}\n\
         [strategies.steady]\nreferences = [\"pinnacle\"]\nmax_age_s = 3600\n",
        MAX_AGE.as_secs()
    )
}

/// Makes a command of the program out of its arguments.
type Asking = dyn Fn(&[&str]) -> Command;

/// The program runs on the servers of three providers.
struct Running {
    command: Box<Asking>,
    world: Shared,
    exchange: Exchange,
    _servers: [Server; 3],
    _processes: [Process; 2],
    _folder: tempfile::TempDir,
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (world, exchange) = (world(), Exchange::start(now_ms));
        let kickoffs = world.lock().unwrap().kickoffs;
        exchange.set("1.1", standing("71", kickoffs[WOLVES], false, [3.4, 3.5, 2.2]));
        exchange.set("1.2", standing("72", kickoffs[ARSENAL], false, [2.0, 3.6, 3.9]));
        let servers = [the_odds_api(&world), api_football(&world), betfair_api()];
        let tables = [
            strategies(),
            odds_api_table(&servers[0]),
            api_football_table(&servers[1]),
            betfair_table(&exchange, &servers[2]),
        ]
        .concat();
        let path = folder.path().to_owned();
        let command = Box::new(move |arguments: &[&str]| {
            let mut command = configured(&path, &tables);
            command
                .args(arguments)
                .env("MARABET_SOURCES__API_FOOTBALL__KEY", "s3cret")
                .env("MARABET_SOURCES__BETFAIR__APP_KEY", "s3cret")
                .env("MARABET_SOURCES__BETFAIR__PASSWORD", "s3cret");
            command
        });
        let held = Process(hold_server(command(&[])));
        let run = command(&["run"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn();
        let _processes = [Process(run.unwrap()), held];
        Self { command, world, exchange, _servers: servers, _processes, _folder: folder }
    }

    fn asks(&self, arguments: &[&str]) -> Value {
        let output = (self.command)(&[arguments, &["--json"]].concat()).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// The bets of a strategy on the match of this home side.
    fn bets(&self, strategy: &str, home: &str) -> Vec<Value> {
        let all = self.asks(&["bets", "list", "--strategy", strategy]);
        let all = all["bets"].as_array().cloned().unwrap_or_default();
        let of_match = |bet: &Value| bet["match"].as_str().unwrap().contains(home);
        all.into_iter().filter(of_match).collect()
    }

    fn until_bet(&self, strategy: &str, home: &str) -> Value {
        until("a bet", || !self.bets(strategy, home).is_empty());
        let bets = self.bets(strategy, home);
        assert_eq!(bets.len(), 1, "{bets:?}");
        bets[0].clone()
    }

    /// The sources that gave their own names to a match.
    fn named_by(&self, key: &str) -> BTreeSet<String> {
        let tail = self.asks(&["events", "tail", "feed", "-n", "10000"]);
        let events = tail["events"].as_array().cloned().unwrap_or_default();
        let events = events.iter().map(|placed| &placed["event"]);
        let named = events.filter(|event| event["t"].to_string().contains("named"));
        let of_match = named.filter(|event| event["k"] == key);
        of_match.map(|event| event["src"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn three_sources_join_on_their_matches_and_one_that_dies_stops_its_own_bets_alone() {
    let running = Running::start();
    let season = running.world.lock().unwrap().kickoffs[WOLVES];
    let bet = running.until_bet("sharp", "|Wolves|Brighton|1");
    assert_eq!(bet["book"], "william_hill", "{bet}");
    let key = bet["match"].as_str().unwrap();
    let all = ["api-football", "betfair", "the-odds-api"].map(str::to_owned);
    until("all three on one match", || running.named_by(key) == all.clone().into());

    // The market moves, the match begins sooner than was planned, and it ends.
    running.exchange.set("1.1", standing("71", season, false, [3.0, 3.5, 2.5]));
    std::thread::sleep(Duration::from_millis(500));
    running.exchange.set("1.1", standing("71", season, true, [3.0, 3.5, 2.5]));
    {
        let mut world = running.world.lock().unwrap();
        world.kickoffs[WOLVES] = now().plus_seconds(1);
        world.ended = Some([2, 1]);
    }
    let settled = || running.bets("sharp", "|Wolves|").first().cloned().unwrap_or_default();
    until("the settlement", || settled()["outcome"] == "win");
    let clv = settled()["clv"].as_f64();
    assert!(clv.is_some_and(|clv| (0.2..0.35).contains(&clv)), "{}", settled());

    // The exchange dies. Once its prices are stale there is no bet by them; the rest goes on.
    running.exchange.leave();
    until("the fault", || {
        let list = running.asks(&["sources", "list"]);
        let sources = list["sources"].as_array().cloned().unwrap_or_default();
        let betfair = sources.iter().find(|one| one["table"] == "betfair").cloned();
        betfair.is_some_and(|one| one["standing"]["last_fault"].to_string().contains("stream"))
    });
    std::thread::sleep(MAX_AGE + Duration::from_secs(2));
    running.world.lock().unwrap().william_hill[ARSENAL] = 2.3;
    let bet = running.until_bet("steady", "|Arsenal|Chelsea|1");
    assert_eq!(bet["book"], "william_hill", "{bet}");
    assert_eq!(running.bets("sharp", "|Arsenal|"), [Value::Null; 0]);
    let refusals = &running.asks(&["bets", "summary"])["strategies"]["sharp"]["refusals"];
    assert!(refusals["stale"].as_u64() > Some(0), "{refusals}");

    // It comes back, and so do its bets.
    let kickoff = running.world.lock().unwrap().kickoffs[ARSENAL];
    running.exchange.set("1.2", standing("72", kickoff, false, [2.02, 3.6, 3.9]));
    running.exchange.come_back();
    // The line to it is tried again after some seconds; William Hill's price must be young then.
    let mut moves = (0_u32..).map(|step| 2.3 + f64::from(step % 50) / 100.0);
    until("a bet by the exchange's price", || {
        running.world.lock().unwrap().william_hill[ARSENAL] = moves.next().unwrap();
        !running.bets("sharp", "|Arsenal|Chelsea|1").is_empty()
    });
}

#[test]
fn how_providers_do_and_what_was_told_stands_in_the_metrics_of_their_process() {
    let folder = tempfile::tempdir().unwrap();
    let world = world();
    let (odds, football) = (the_odds_api(&world), api_football(&world));
    let tables = [
        "[strategies.steady]\nreferences = [\"pinnacle\"]\nmax_age_s = 3600\n".to_owned(),
        odds_api_table(&odds),
        api_football_table(&football),
    ]
    .concat();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut running = configured(folder.path(), &tables);
    running
        .args(["run", "--stages", "ingest,predict,detect,portfolio,notify"])
        .env("MARABET_SOURCES__API_FOOTBALL__KEY", "s3cret")
        .env("MARABET_NOTIFY__FOLDER", folder.path().join("alerts"))
        .env("MARABET_WEB__METRICS", &address)
        .stderr(Stdio::null());
    let _running = Process(running.spawn().unwrap());
    until("the metrics", || std::net::TcpStream::connect(&address).is_ok());
    let number = |series: &str| -> Option<f64> {
        let answer = get(&address, "/metrics");
        let mut lines = answer.lines();
        lines.find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    };
    let at_least = |series: &str, least: f64| {
        until(series, || number(series).is_some_and(|found| found >= least));
    };
    for source in ["the-odds-api", "api-football"] {
        at_least(&format!("marabet_source_requests_total{{source=\"{source}\"}}"), 1.0);
        at_least(&format!("marabet_source_faults_total{{source=\"{source}\"}}"), 0.0);
        let answered = format!("marabet_source_answer_timestamp_seconds{{source=\"{source}\"}}");
        at_least(&answered, now_ms() as f64 / 1e3 - 120.0);
    }
    // What the provider says is left counts, not what was asked for.
    at_least("marabet_source_quota_left{source=\"the-odds-api\"}", 1.0);
    let left = number("marabet_source_quota_left{source=\"the-odds-api\"}");
    assert!(left <= Some(480.0), "{left:?}");
    at_least("marabet_notifications_total{channel=\"file\",state=\"sent\"}", 1.0);
    for state in ["claimed", "unknown", "expired", "nothing", "failed", "unwanted", "quiet"] {
        let series = format!("marabet_notifications_total{{channel=\"file\",state=\"{state}\"}}");
        assert!(number(&series).is_some(), "{series}");
    }

    football.answer(|_, _| Answer::status(503, "away"));
    at_least("marabet_source_faults_total{source=\"api-football\"}", 1.0);
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
        ("BETFAIR", "MARABET_SOURCES__BETFAIR__SESSION"),
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
    let odds = the_odds_api(&world());
    let command = |arguments: &[&str]| {
        let mut command = configured(folder.path(), &odds_api_table(&odds));
        command.args(arguments);
        command
    };
    let output = command(&["sources", "check", "the_odds_api"]).output().unwrap();
    assert!(text(&output).contains("480 credits left"), "{}", text(&output));
    assert!(!text(&output).contains("s3cret"));
    let probed = said(&mut command(&["sources", "probe", "the_odds_api"]));
    assert_eq!(
        (&probed["events"]["quote"], &probed["matches"]),
        (&json!(4), &json!(2)),
        "{probed}"
    );
    let output = command(&["config", "check"]).output().unwrap();
    assert!(output.status.success() && !text(&output).contains("s3cret"), "{}", text(&output));
}

#[test]
fn a_job_looks_at_the_sources_unless_a_process_follows_them() {
    let folder = tempfile::tempdir().unwrap();
    let world = world();
    let (odds, football) = (the_odds_api(&world), api_football(&world));
    // A look ends when nothing more comes, which it does here only later.
    let seldom = api_football_table(&football)
        .replace("live_every_s = 1\n", "")
        .replace("odds_every_s = 1\n", "odds_every_s = 5\n");
    let tables = odds_api_table(&odds) + &seldom;
    let command = |arguments: &[&str]| {
        let mut command = configured(folder.path(), &tables);
        command.args(arguments).env("MARABET_SOURCES__API_FOOTBALL__KEY", "s3cret");
        command
    };
    let _server = Process(hold_server(command(&[])));
    let collect = |args: &str| {
        let done = said(&mut command(&["jobs", "run", "collect", "--args", args, "--wait"]));
        assert_eq!(done["job"]["state"], "done", "{done}");
        serde_json::from_str::<Value>(done["job"]["result"].as_str().unwrap()).unwrap()
    };
    let first = collect(r#"{ "quiet_s": 3 }"#);
    for source in ["api-football", "the-odds-api"] {
        let told = &first["sources"][source];
        assert!(told["events"].as_u64() > Some(0) && told["fault"].is_null(), "{first}");
    }
    // The two join on one match.
    let tail = command(&["events", "tail", "feed", "-n", "50"]).output().unwrap();
    let quotes = text(&tail);
    assert!(quotes.contains("bet365") && quotes.contains("william_hill"), "{quotes}");
    let matches = ["|Wolves|Brighton|1", "|Arsenal|Chelsea|1"];
    let joined = |line: &str| matches.iter().any(|key| line.contains(key));
    assert!(quotes.lines().all(|line| !line.contains("quote") || joined(line)), "{quotes}");

    football.answer(|_, _| Answer::status(503, "away"));
    let second = collect(r#"{ "quiet_s": 12, "what": ["odds"] }"#);
    assert!(second["sources"]["api-football"]["fault"].to_string().contains("503"), "{second}");
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
