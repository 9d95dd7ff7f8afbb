//! The system works while its owner sleeps: alerts, jobs, ledger, reports, backups.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::mail_server::MailServer;
use crate::server::{Answer, Server};
use crate::support::{Process, file, hold_server, json, marabet, run, text};

const TOKEN: &str = "123456:t0ken-s3cret";
const PASSWORD: &str = "s3cret";
/// The kinds of jobs that need nothing but the log and the ledger.
const KINDS: [&str; 12] = [
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
    "backup",
];

/// A Telegram that answers every method alike, and keeps what it gets.
fn telegram(answer: &'static str) -> Server {
    Server::start(move |asked, _| {
        if asked.path.ends_with("getUpdates") {
            let silent = Duration::from_millis(300);
            return Answer { silent, ..Answer::json(r#"{"ok":true,"result":[]}"#) };
        }
        Answer::json(answer)
    })
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
    let telegram = telegram(r#"{"ok":true,"result":{"message_id":7}}"#);
    let mail = MailServer::start();
    let notify = format!(
        "[notify]\nconsole = false\n[notify.telegram]\ntoken = {{ env = 'TEST_TOKEN' }}\n\
         url = '{}'\n[[notify.telegram.chats]]\nname = 'me'\nchat = '5'\n\
         audience = {{ digest_over = 1, settled = false }}\n\
         [[notify.mail]]\nname = 'mail'\nhost = 'localhost'\nport = {}\ncertificate = '{}'\n\
         user = 'bettor'\npassword = {{ env = 'TEST_PASSWORD' }}\nfrom = 'bets@example.org'\n\
         to = ['me@example.org']\naudience = {{ ev_min = 1.0, settled = false, language = 'pt' }}\n",
        telegram.base_url,
        mail.port,
        mail.certificate().display()
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

    let had = telegram.asked();
    let bodies_of = |method: &str| -> Vec<&str> {
        let of_it = had.iter().filter(|asked| asked.path.ends_with(method));
        of_it.map(|asked| asked.body.as_str()).collect()
    };
    let alerts = bodies_of("sendMessage");
    assert!(
        alerts.iter().any(|body| body.contains("bet365") || body.contains("stake")),
        "{alerts:?}"
    );
    let pictures = bodies_of("sendPhoto");
    assert!(pictures.iter().any(|body| body.contains("Report")), "{}", pictures.len());
    let mails = mail.mails();
    let weeks = mails.iter().filter(|mail| mail.contains("report.weekly_report."));
    assert!(weeks.clone().count() >= 4, "each of the last weeks has its report: {mails:?}");
    let told = |mail: &&String| !mail.contains("alertadas: 0") && mail.contains("alertadas: ");
    assert!(weeks.clone().any(|mail| told(&mail)), "none of a week tells of its bets: {mails:?}");

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
fn a_process_of_jobs_alone_tells_reports_and_one_that_tells_nothing_needs_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let telegram = telegram(r#"{"ok":true,"result":{"message_id":7}}"#);
    let notify = format!(
        "[notify]\nconsole = false\n[notify.telegram]\ntoken = {{ env = 'TEST_TOKEN' }}\n\
         url = '{}'\n[[notify.telegram.chats]]\nname = 'me'\nchat = '5'\n",
        telegram.base_url
    );
    let config = config(folder.path(), &notify);
    let _server = Process(hold_server(on(&config)));
    let alone = |stage: &str| {
        let mut command = on(&config);
        command.args(["run", "--stages", stage]).stderr(Stdio::null());
        command
    };
    let mut stage = Process(alone("predict").env_remove("TEST_TOKEN").spawn().unwrap());
    let _jobs = Process(alone("jobs").spawn().unwrap());
    run(on(&config).args(["jobs", "run", "weekly_report"]));
    let told = || telegram.asked().iter().any(|asked| asked.path.contains("/send"));
    crate::kills::wait_for("the report", told);
    assert!(stage.0.try_wait().unwrap().is_none(), "the stage has ended");
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
fn a_ledger_is_rebuilt_from_the_archive_where_the_log_was_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "[notify]\nconsole = false\n");
    run_all(&config, &events(folder.path()));
    let views = |status: &Value| {
        let tables = ["bets", "grants", "settlements", "movements", "accounts", "models"];
        (status["streams"].clone(), tables.map(|table| status["rows"][table].clone()))
    };
    let _server = Process(hold_server(on(&config)));
    let before = json(on(&config).args(["ledger", "status"]));
    assert!(before["rows"]["settlements"].as_u64().unwrap() > 0, "{before}");
    let socket = json(on(&config).arg("status"))["at"].as_str().unwrap().to_owned();
    for key in ["mb:{00}:bets", "mb:{01}:bets", "mb:{account}:grants"] {
        let trim = ["-s", &socket, "XTRIM", key, "MAXLEN", "0"];
        let trimmed = run(Command::new("redis-cli").args(trim));
        assert!(text(&trimmed).trim().parse::<u64>().unwrap() > 0, "{key}: {}", text(&trimmed));
    }
    run(on(&config).args(["ledger", "rebuild"]));
    let after = json(on(&config).args(["ledger", "status"]));
    assert_eq!(views(&before), views(&after));

    let archive = folder.path().join("log/archive");
    std::fs::rename(&archive, folder.path().join("elsewhere")).unwrap();
    let refused = on(&config).args(["ledger", "rebuild"]).output().unwrap();
    assert!(!refused.status.success());
    assert!(text(&refused).contains("archive.location"), "{}", text(&refused));
    let still = json(on(&config).args(["ledger", "status"]));
    assert_eq!(views(&before), views(&still), "a rebuild that fails changes nothing");
}

/// A backtest program that keeps what it was asked, and answers as the real one does.
fn backtest_program(folder: &Path, code: u8) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let answer = r#"{"quotes":9,"seconds":1.0,"quotes_per_s":9.0,"bets":12,"bets_digest":"cd",
        "yield":-0.05,"yield_ci95":[-0.2,0.1],"clv_mean":-0.02,"max_drawdown":0.1,
        "differences":null,"origin":"files","matches":380,"strategies":{
        "model":{"bets":9,"decided":9,"yield":-0.07,"yield_ci95":[-0.2,0.1],"clv_mean":-0.05},
        "sharp":{"bets":3,"decided":3,"yield":0.01,"yield_ci95":null,"clv_mean":0.02}},
        "report":"r/report.html","setup_hash":"ab"}"#;
    file(folder, "answer.json", answer);
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}/asked'\necho 'no such league' >&2\n\
         [ {code} -eq 0 ] && cat '{0}/answer.json'\nexit {code}\n",
        folder.display()
    );
    let program = file(folder, "marabet-backtest", &script);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[test]
fn the_backtest_job_tests_the_rules_in_force_and_keeps_what_each_strategy_came_to() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "[notify]\nconsole = false\n");
    let job = |code: u8, args: &str| {
        let program = backtest_program(folder.path(), code);
        let mut command = on(&config);
        command.env("MARABET_BACKTEST", program).env("MARABET_STRATEGIES__SHARP__EV_MIN", "0.0125");
        json(command.args(["jobs", "run", "backtest", "--args", args, "--wait"]))
    };
    let done = job(0, "{}");
    assert_eq!(done["job"]["state"], "done", "{done}");
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    assert_eq!((asked[0], asked[1], asked[3], asked[5]), ("run", "--out", "--config", "--json"));
    let setup = std::fs::read_to_string(asked[4]).unwrap();
    assert!(setup.contains("ev_min = 0.0125") && setup.contains("[strategies.sharp]"), "{setup}");
    assert!(done.to_string().contains("sharp: 3 bets, closing-line value +2.00 %"), "{done}");
    let status = json(on(&config).args(["ledger", "status"]));
    assert_eq!(status["rows"]["backtest_runs"], 2, "one row a strategy");

    let refused = job(2, r#"{ "args": ["run", "--leagues", "XX"] }"#);
    assert_eq!(refused["job"]["state"], "dead", "{refused}");
    assert!(refused["job"]["error"].to_string().contains("no such league"), "{refused}");
}

#[test]
fn a_job_whose_process_is_killed_in_its_middle_is_finished_once_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        config(folder.path(), "[notify]\nconsole = false\n[web]\naddress = '127.0.0.1:0'\n");
    let program = backtest_program(folder.path(), 0);
    // The first time it hangs in its middle, until somebody takes its time for over.
    let begun = folder.path().join("begun");
    let script = std::fs::read_to_string(&program).unwrap();
    let hang =
        format!("#!/bin/sh\n[ -e '{0}' ] || {{ touch '{0}'; exec sleep 30; }}\n", begun.display());
    std::fs::write(&program, script.replacen("#!/bin/sh\n", &hang, 1)).unwrap();
    let _server = Process(hold_server(on(&config)));
    let worker = || {
        let mut command = on(&config);
        command.env("MARABET_BACKTEST", &program).args(["run", "--stages", "jobs,ledger"]);
        Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    };
    let first = worker();
    let asked = json(on(&config).args(["jobs", "run", "backtest"]));
    let id = asked["job"]["id"].as_str().unwrap().to_owned();
    while !begun.exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    first.kill();
    let _second = worker();
    let look = || json(on(&config).args(["jobs", "show", &id]))["job"].clone();
    let mut job = look();
    for _ in 0..300 {
        if job["state"] == "done" {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
        job = look();
    }
    assert_eq!((&job["state"], &job["attempt"]), (&"done".into(), &2.into()), "{job}");
    let status = json(on(&config).args(["ledger", "status"]));
    assert_eq!(status["rows"]["backtest_runs"], 2, "one row a strategy, once: {status}");
}

#[test]
fn every_kind_of_job_ends_once_though_its_process_is_killed_in_the_middle_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = folder.path().join("alerts");
    let notify = format!("[notify]\nconsole = false\nfolder = '{}'\n", alerts.display());
    let config = config(folder.path(), &notify);
    run_all(&config, &events(folder.path()));
    let _ = std::fs::remove_dir_all(&alerts);
    let _server = Process(hold_server(on(&config)));
    let models = || {
        let feed = json(on(&config).args(["events", "tail", "feed", "-n", "100000"]));
        let events = feed["events"].as_array().unwrap().iter();
        events.filter(|one| one["event"]["t"].as_str().unwrap().contains("model.")).count()
    };
    let models_before = models();

    let asked = KINDS.map(|kind| {
        let asked = json(on(&config).args(["jobs", "run", kind]));
        asked["job"]["id"].as_str().unwrap().to_owned()
    });
    for pause_ms in [250, 900] {
        let mut working = on(&config);
        working.args(["run", "--stages", "jobs"]).stdout(Stdio::null()).stderr(Stdio::null());
        let working = Process(working.spawn().unwrap());
        std::thread::sleep(Duration::from_millis(pause_ms));
        working.kill();
    }
    let mut working = on(&config);
    working.args(["run", "--stages", "jobs"]).stdout(Stdio::null()).stderr(Stdio::null());
    let _working = Process(working.spawn().unwrap());
    let mut attempts = std::collections::BTreeMap::new();
    for (kind, id) in KINDS.iter().zip(&asked) {
        let mut job = Value::Null;
        crate::kills::wait_for(kind, || {
            job = json(on(&config).args(["jobs", "show", id]))["job"].clone();
            job["state"] == "done" || job["state"] == "dead"
        });
        assert_eq!(job["state"], "done", "{kind}: {job}");
        attempts.insert(*kind, job["attempt"].as_u64().unwrap() as usize);
    }

    // What each leaves behind is there once, however often it was begun. A report alone may come
    // again, where the kill came between its telling and the note of it.
    let told = std::fs::read_to_string(alerts.join("alerts.ndjson")).unwrap();
    for kind in ["daily_report", "weekly_report"] {
        let times = told.matches(&format!("report:{kind}:")).count();
        assert!((1..=attempts[kind]).contains(&times), "{kind}, {times} times: {told}");
    }
    let backups = json(on(&config).arg("backups"));
    assert_eq!(backups["backups"].as_array().map(Vec::len), Some(1), "{backups}");
    assert!(models() <= models_before + 1, "one competition has one new model at most");
}

#[test]
fn names_that_wait_for_an_answer_stand_in_the_ledger_and_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = folder.path().join("alerts");
    let notify = format!("[notify]\nconsole = false\nfolder = '{}'\n", alerts.display());
    let config = config(folder.path(), &notify);
    let kept = folder.path().join("log/sources");
    std::fs::create_dir_all(&kept).unwrap();
    let asked = r#"{"record":"asked","written":{"src":"the_odds_api","table":"england","name":"Wolves FC XI"},"competition":"E0","example":"Wolves FC XI - Brighton","candidates":[{"side":"Wolves","likeness":0.81}],"at":1700000000000000}"#;
    file(&kept, "names.ndjson", &format!("{asked}\n"));
    for _ in 0..2 {
        let done = json(on(&config).args(["jobs", "run", "names", "--wait"]));
        assert_eq!(done["job"]["state"], "done", "{done}");
    }
    let status = json(on(&config).args(["ledger", "status"]));
    assert_eq!(status["rows"]["name_reviews"], 1, "{status}");
    let told = std::fs::read_to_string(alerts.join("alerts.txt")).unwrap();
    assert_eq!(told.matches("perhaps Wolves").count(), 1, "{told}");
    run(on(&config).args(["names", "merge", "1"]));
    let done = json(on(&config).args(["jobs", "run", "names", "--wait"]));
    assert!(
        done.to_string().contains("answered\\\":1") || done.to_string().contains("answered\":1"),
        "{done}"
    );
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
    let telegram = telegram(
        r#"{"ok":false,"error_code":401,"description":"Unauthorized: 123456:t0ken-s3cret"}"#,
    );
    let notify = format!(
        "[notify]\nconsole = false\nfolder = '{}'\n[notify.telegram]\n\
         token = {{ env = 'TEST_TOKEN' }}\nurl = '{}'\n\
         [[notify.telegram.chats]]\nname = 'me'\nchat = '5'\n",
        folder.path().join("alerts").display(),
        telegram.base_url
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

#[test]
fn the_configuration_of_a_season_in_minutes_is_one() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/season/marabet.toml");
    let checked = json(on(&config).env("TELEGRAM_TOKEN", TOKEN).args(["config", "check"]));
    let shown = checked.to_string();
    assert!(shown.contains("127.0.0.1:8081") && !shown.contains(TOKEN), "{shown}");
}
