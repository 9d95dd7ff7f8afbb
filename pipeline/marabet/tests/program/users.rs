//! Every process with its own user of `ops/users.acl`: the whole line works, and the server has
//! refused nobody anything.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::faces::{address_of, get, post};
use crate::kills::{caught_up, over, season, wait_for};
use crate::support::{Process, file, json, run, text};

/// Who is asked what the server refused; no part of what is shipped.
const ADMIN: &str = "user admin on >admin ~* &* +@all\n";

fn users() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/users.acl");
    std::fs::read_to_string(file).unwrap()
}

/// A server with the users, on a socket.
struct Server {
    _process: Process,
    socket: PathBuf,
    users: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let (users, socket) = (users(), folder.join("socket"));
        let acl = file(folder, "users.acl", &format!("{users}{ADMIN}"));
        let program = std::env::var_os("MARABET_REDIS_SERVER");
        let mut command = Command::new(program.unwrap_or_else(|| "redis-server".into()));
        command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--unixsocket"]);
        command.arg(&socket).arg("--dir").arg(folder).arg("--aclfile").arg(acl);
        let process = Process(command.stdout(Stdio::null()).spawn().unwrap());
        let server = Self { _process: process, socket, users };
        wait_for("the server to answer", || server.say(&["PING"]).contains("PONG"));
        server
    }

    /// What it says to the administrator.
    fn say(&self, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.arg("-s").arg(&self.socket).args(["--user", "admin", "--pass", "admin"]);
        text(&command.arg("--no-auth-warning").args(words).output().unwrap())
    }

    /// The program as a user.
    fn as_user(&self, user: &str, folder: &Path) -> Command {
        let line = self.users.lines().find(|line| line.split(' ').nth(1) == Some(user)).unwrap();
        let password = line.split(' ').find_map(|word| word.strip_prefix('>')).unwrap();
        let url = format!("unix://{}?user={user}&pass={password}", self.socket.display());
        let mut command = over(folder, "mb");
        command.env("MARABET_LOG__REDIS_URL", url).env("MARABET_LOG__PARTITIONS", "2");
        command
    }

    /// A process that runs this stage, as the user of its name.
    fn stage(&self, stage: &str, folder: &Path) -> Process {
        let mut command = self.as_user(stage, folder);
        command.args(["run", "--stages", stage]);
        // By event time nothing is due that a person did not ask for, and no bet is late.
        if stage != "jobs" {
            command.arg("--event-time");
        }
        Process(command.stderr(Stdio::null()).spawn().unwrap())
    }
}

/// Asks for a job and waits until it is done, or has failed for a first time.
fn job(server: &Server, folder: &Path, kind: &str) -> Value {
    let asked = json(server.as_user("web", folder).args(["jobs", "run", kind]));
    let id = asked["job"]["id"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned();
    let mut shown = Value::Null;
    wait_for(kind, || {
        shown = json(server.as_user("web", folder).args(["jobs", "show", &id]));
        shown["job"]["state"] == "done" || !shown["job"]["error"].is_null()
    });
    shown["job"].clone()
}

#[test]
fn each_process_works_as_its_own_user_and_the_server_refuses_none_of_them_anything() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let server = Server::start(folder);
    let events = folder.join("season.ndjson");
    std::fs::write(&events, season()).unwrap();
    // Whoever comes first makes the namespace; each of them may.
    let _stages: Vec<Process> =
        ["predict", "detect", "portfolio", "notify", "archive", "ledger", "jobs"]
            .map(|stage| server.stage(stage, folder))
            .into();
    let mut web = server.as_user("web", folder);
    web.args(["run", "--stages", "web", "--event-time"]).env("MARABET_WEB__ADDRESS", "127.0.0.1:0");
    let mut web = Process(web.stderr(Stdio::piped()).spawn().unwrap());
    let address = address_of(&mut web.0);

    let feeding = ["run", "--stages", "ingest", "--event-time", "--until-done", "--events"];
    run(server.as_user("ingest", folder).args(feeding).arg(&events));
    let status = || json(server.as_user("watch", folder).arg("status"));
    wait_for("the line to catch up", || caught_up(&status()));

    let ask = |path: &str| {
        let answer = get(&address, path);
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        serde_json::from_str::<Value>(&body).unwrap_or(Value::Null)
    };
    wait_for("the board to have the bets", || {
        !ask("/api/v1/bets")["items"].as_array().unwrap().is_empty()
    });
    let bet = ask("/api/v1/bets")["items"][0].clone();
    ask(&format!("/api/v1/why/{}", bet["bet"].as_str().unwrap()));
    let game = bet["match"].as_str().unwrap().replace('|', "%7C").replace(' ', "%20");
    ask(&format!("/api/v1/fixtures/{game}"));
    ask(&format!("/api/v1/fixtures/{game}/odds"));
    for path in ["streams", "stages", "dead-letters", "jobs", "models", "performance", "cache"] {
        ask(&format!("/api/v1/{path}"));
    }
    ask("/metrics");
    let fact = "{\"t\":\"fixture/1\",\"k\":\"SIM|2099-00|A|B|1\",\"at\":4070908800000000,\
                \"src\":\"me\",\"status\":\"scheduled\",\"kickoff\":4070995200000000}\n";
    let answer = post(&address, "/api/v1/events", "application/x-ndjson", fact);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let ledger = || json(server.as_user("ledger", folder).args(["ledger", "status"]));
    wait_for("the ledger to have the bets", || ledger()["rows"]["grants"].as_u64() > Some(0));

    for kind in [
        "train",
        "predict",
        "evaluate",
        "daily_report",
        "weekly_report",
        "clean",
        "names",
        "health",
        "cache_advice",
        "optimise",
        "collect",
    ] {
        let ended = job(&server, folder, kind);
        assert_eq!(ended["state"], "done", "{kind}: {ended}");
    }
    let refused = server.say(&["ACL", "LOG"]);
    assert!(!refused.contains("reason"), "the server has refused something:\n{refused}");

    // What can change the server's own settings is nobody's work here.
    let backup = job(&server, folder, "backup");
    assert!(backup["error"].to_string().contains("permission"), "{backup}");
}
