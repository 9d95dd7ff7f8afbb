//! The system works while its owner sleeps: alerts, jobs, ledger, reports, backups.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::{file, json, marabet, run, text};

const TOKEN: &str = "123456:t0ken-s3cret";
const PASSWORD: &str = "s3cret";

/// A Telegram that keeps what it gets: path and body of each request.
struct Telegram {
    url: String,
    had: Arc<Mutex<Vec<(String, String)>>>,
}

impl Telegram {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let had = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&had);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || answer_all(stream, &kept, answer));
            }
        });
        Self { url, had }
    }

    fn bodies_of(&self, method: &str) -> Vec<String> {
        let had = self.had.lock().unwrap();
        had.iter()
            .filter(|(path, _)| path.ends_with(method))
            .map(|(_, body)| body.clone())
            .collect()
    }
}

fn answer_all(
    stream: std::net::TcpStream,
    kept: &Mutex<Vec<(String, String)>>,
    answer: &str,
) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let path = first.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let quiet = path.ends_with("getUpdates");
        kept.lock().unwrap().push((path, String::from_utf8_lossy(&body).into_owned()));
        if quiet {
            std::thread::sleep(Duration::from_millis(300));
        }
        let said = if quiet { r#"{"ok":true,"result":[]}"# } else { answer };
        write!(writer, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{said}", said.len()).ok()?;
    }
}

/// A real mail server that keeps what it gets.
struct MailServer {
    folder: tempfile::TempDir,
    child: Child,
    port: u16,
}

impl MailServer {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(path("key.pem"))
            .arg("-out")
            .arg(path("certificate.pem"))
            .output()
            .unwrap();
        assert!(made.status.success());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut child = Command::new(root.join("target/mail/bin/python"))
            .arg(root.join("pipeline/notify/tests/support/mail_server.py"))
            .args([folder.path().to_owned(), path("certificate.pem"), path("key.pem")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the mail server of the tests is missing; run `make setup`");
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { folder, child, port: port.trim().parse().unwrap() }
    }

    fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().flatten();
        let mails = files.filter(|file| file.path().extension().is_some_and(|e| e == "eml"));
        mails.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A season of a small league, as events.
fn events(folder: &Path) -> PathBuf {
    let simulated =
        run(marabet().args(["simulate", "--seed", "5", "--seasons", "2", "--teams", "6"]));
    file(folder, "events.ndjson", &String::from_utf8(simulated.stdout).unwrap())
}

/// The program on a configuration.
fn on(config: &Path) -> Command {
    let mut command = marabet();
    command.arg("--config").arg(config).env("TEST_TOKEN", TOKEN).env("TEST_PASSWORD", PASSWORD);
    command
}

fn config(folder: &Path, notify: &str) -> PathBuf {
    let log = folder.join("log").display().to_string();
    let text = format!(
        "[log]\nfolder = '{log}'\npartitions = 2\n[training]\nmatches_min = 20\n\
         [strategies.sharp]\nmax_age_s = 345600\nev_min = 0.0\n{notify}"
    );
    file(folder, "marabet.toml", &text)
}

fn run_all(config: &Path, events: &Path) -> std::process::Output {
    run(on(config).arg("run").arg("--events").arg(events).args(["--event-time", "--until-done"]))
}

#[test]
fn with_no_hand_on_it_it_alerts_settles_keeps_the_ledger_and_sends_the_weekly_report() {
    let folder = tempfile::tempdir().unwrap();
    let telegram = Telegram::start(r#"{"ok":true,"result":{"message_id":7}}"#);
    let mail = MailServer::start();
    let notify = format!(
        "[notify]\nconsole = false\n[notify.telegram]\ntoken = {{ env = 'TEST_TOKEN' }}\n\
         url = '{}'\n[[notify.telegram.chats]]\nname = 'me'\nchat = '5'\n\
         audience = {{ digest_over = 1, settled = false }}\n\
         [[notify.mail]]\nname = 'mail'\nhost = 'localhost'\nport = {}\ncertificate = '{}'\n\
         user = 'bettor'\npassword = {{ env = 'TEST_PASSWORD' }}\nfrom = 'bets@example.org'\n\
         to = ['me@example.org']\naudience = {{ ev_min = 1.0, settled = false, language = 'pt' }}\n",
        telegram.url,
        mail.port,
        mail.folder.path().join("certificate.pem").display()
    );
    let config = config(folder.path(), &notify);
    let ran = run_all(&config, &events(folder.path()));
    let said = text(&ran);
    assert!(!said.contains(TOKEN) && !said.contains(PASSWORD), "{said}");

    let status = json(on(&config).args(["ledger", "status"]));
    let rows = |table: &str| status["rows"][table].as_u64().unwrap();
    assert!(rows("bets") > 0 && rows("settlements") > 0 && rows("models") > 0, "{status}");
    assert_eq!(rows("bets"), rows("grants"), "{status}");
    assert!(rows("jobs") > 0, "{status}");

    let alerts = telegram.bodies_of("sendMessage");
    assert!(
        alerts.iter().any(|body| body.contains("bet365") || body.contains("stake")),
        "{alerts:?}"
    );
    let pictures = telegram.bodies_of("sendPhoto");
    assert!(pictures.iter().any(|body| body.contains("Report")), "{}", pictures.len());
    let mails = mail.mails();
    assert!(mails.iter().any(|mail| mail.contains("Relat")), "{mails:?}");

    let jobs = json(on(&config).args(["jobs", "list", "--all"]));
    let done = |kind: &str| {
        let jobs = jobs["jobs"].as_array().unwrap();
        jobs.iter().any(|job| job["kind"] == kind && job["state"] == "done")
    };
    for kind in ["train", "predict", "evaluate", "daily_report", "weekly_report"] {
        assert!(done(kind), "{kind}: {jobs}");
    }
    assert_eq!(jobs["counts"]["dead"], 0, "{jobs}");
}

#[test]
fn a_ledger_whose_writer_is_killed_has_the_rows_that_a_rebuild_gives() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "[notify]\nconsole = false\n");
    let events = events(folder.path());
    for pause_ms in [900, 2_600, 3_400] {
        let mut running = on(&config)
            .arg("run")
            .arg("--events")
            .arg(&events)
            .arg("--event-time")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(pause_ms));
        running.kill().unwrap();
        running.wait().unwrap();
    }
    run_all(&config, &events);
    let views = |status: &Value| {
        let tables = ["bets", "grants", "settlements", "movements", "accounts", "rejects"];
        (status["streams"].clone(), tables.map(|table| status["rows"][table].clone()))
    };
    let before = json(on(&config).args(["ledger", "status"]));
    assert!(before["rows"]["settlements"].as_u64().unwrap() > 0, "{before}");
    run(on(&config).args(["ledger", "rebuild"]));
    let after = json(on(&config).args(["ledger", "status"]));
    assert_eq!(views(&before), views(&after));
}

#[test]
fn what_is_backed_up_destroyed_and_restored_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "[notify]\nconsole = false\n");
    run_all(&config, &events(folder.path()));
    let made = json(on(&config).args(["jobs", "run", "backup", "--wait"]));
    assert_eq!(made["job"]["state"], "done", "{made}");
    let state = || {
        (
            json(on(&config).args(["bets", "list"])),
            json(on(&config).args(["ledger", "status"]))["rows"]["bets"].clone(),
            json(on(&config).arg("schedule"))[0]["last"].clone(),
        )
    };
    let before = state();
    let backups = json(on(&config).arg("backups"));
    let backup = PathBuf::from(backups["backups"][0].as_str().unwrap());

    std::fs::remove_dir_all(folder.path().join("log/redis")).unwrap();
    std::fs::remove_file(folder.path().join("log/ledger.mb.db")).unwrap();
    run(on(&config).arg("restore").arg(&backup));
    assert_eq!(state(), before);

    let ledger = backup.join("ledger.db");
    std::fs::write(&ledger, "not what it was").unwrap();
    let refused = on(&config).arg("restore").arg(&backup).output().unwrap();
    assert!(!refused.status.success());
    assert!(text(&refused).contains("corrupt") && text(&refused).contains("ledger.db"));
    assert_eq!(state(), before, "a corrupt backup replaces nothing");
}

#[test]
fn a_token_that_is_refused_is_said_without_the_token_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let telegram = Telegram::start(
        r#"{"ok":false,"error_code":401,"description":"Unauthorized: 123456:t0ken-s3cret"}"#,
    );
    let notify = format!(
        "[notify]\nconsole = false\nfolder = '{}'\n[notify.telegram]\n\
         token = {{ env = 'TEST_TOKEN' }}\nurl = '{}'\n\
         [[notify.telegram.chats]]\nname = 'me'\nchat = '5'\n",
        folder.path().join("alerts").display(),
        telegram.url
    );
    let config = config(folder.path(), &notify);
    let ran = run(on(&config)
        .args(["--log-level", "debug", "run", "--event-time", "--until-done", "--events"])
        .arg(events(folder.path())));
    let said = text(&ran);
    assert!(said.contains("refuses the bot's token"), "{said}");
    assert!(!said.contains("s3cret"), "a secret is shown");
    let alerts = std::fs::read_to_string(folder.path().join("alerts/alerts.ndjson")).unwrap();
    assert!(alerts.lines().count() > 0);
    let shown = text(&run(on(&config).args(["config", "check"])));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn what_is_wrong_with_jobs_and_channels_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (text_of_it, words) in [
        ("[jobs.plans.train]\ncron = '0 25 * * *'\n", ["train", "0 25 * * *"]),
        ("[jobs]\nzone = 'Europe/Atlantis'\n", ["Europe/Atlantis", "time zone"]),
        ("[jobs.queues]\nml = 0\n", ["jobs.queues.ml", "above 0"]),
    ] {
        let config = config(folder.path(), text_of_it);
        let refused = on(&config).args(["config", "check"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
        for word in words {
            assert!(text(&refused).contains(word), "{}", text(&refused));
        }
    }
    let config =
        config(folder.path(), "[notify.telegram]\ntoken = { env = 'NOT_SET' }\nchats = []\n");
    let refused = on(&config).args(["run", "--until-done"]).output().unwrap();
    assert!(text(&refused).contains("NOT_SET"), "{}", text(&refused));
    let config = self::config(folder.path(), "");
    let refused = on(&config).args(["jobs", "run", "trian"]).output().unwrap();
    assert!(
        text(&refused).contains("there is no job `trian`; there are: backtest"),
        "{}",
        text(&refused)
    );
}
