//! The users of `ops/users.acl`: each role can do its work, and nothing else.

use std::path::Path;
use std::time::Duration;

use marabet_streams::group::{Reader, ReaderOptions};
use marabet_streams::{
    FeedOptions, FeedWriter, Log, LogOptions, Namespace, ShutdownTrigger, StageRun, Stream,
    TrimOptions, run_account, run_stage,
};

use crate::servers::Process;
use crate::support::{Counting, facts, first, lines, until, until_derived, writer};

fn acl() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/users.acl");
    std::fs::read_to_string(file).unwrap()
}

/// The password of a user, as the file has it.
fn password(user: &str) -> String {
    let acl = acl();
    let line = acl.lines().find(|line| line.split(' ').nth(1) == Some(user)).unwrap();
    line.split(' ').find_map(|word| word.strip_prefix('>')).unwrap().to_owned()
}

struct Server(Process);

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.acl");
        std::fs::write(&file, acl()).unwrap();
        let server = Process::start(&[&["aclfile", file.to_str().unwrap()]]);
        until("the server answers", || async {
            std::net::TcpStream::connect(("127.0.0.1", server.port)).is_ok()
        })
        .await;
        Self(server)
    }

    fn url(&self, user: &str) -> String {
        format!("redis://{user}:{}@127.0.0.1:{}", password(user), self.0.port)
    }

    async fn log(&self, user: &str) -> Log {
        let namespace = Namespace::new("mb", 2).unwrap();
        Log::open(&self.url(user), namespace, LogOptions::default()).await.unwrap()
    }

    /// What the server says to a user's command.
    async fn say(&self, user: &str, words: &str) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(self.url(user)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let words: Vec<&str> = words.split(' ').collect();
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_of_the_acl_file_can_do_its_role_s_work() {
    let server = Server::start().await;
    let ingest = server.log("ingest").await;
    let writer = writer(&ingest).await;
    ingest.put_artefact(b"a model").await.unwrap();
    let all = facts(10, 10);
    writer.append(&all).await.unwrap();
    writer.flush_durable().await.unwrap();

    let (_trigger, shutdown) = ShutdownTrigger::new();
    let mut tasks = Vec::new();
    for (user, input, output) in
        [("predict", Stream::Feed, Stream::Priced), ("detect", Stream::Priced, Stream::Bets)]
    {
        let log = server.log(user).await;
        for partition in 0..2 {
            let (log, shutdown) = (log.clone(), shutdown.clone());
            let run = StageRun { input, output, ..first(partition) };
            tasks.push(tokio::spawn(async move {
                run_stage(&log, &run, Counting::named(user), shutdown).await
            }));
        }
    }
    let portfolio = server.log("portfolio").await;
    tasks.push(tokio::spawn(async move {
        let options = first(0).options;
        let stage = Counting::named("portfolio");
        run_account(&portfolio, Stream::Bets, Stream::Grants, &options, stage, shutdown).await
    }));
    let watch = server.log("watch").await;
    until_derived(&watch, Stream::Bets, all.len()).await;
    until("all grants", || async { lines(&watch, Stream::Grants, 0).await.len() == all.len() })
        .await;
    for task in &tasks {
        assert!(!task.is_finished(), "a stage has ended");
    }

    let notify = server.log("notify").await;
    let mut reader = Reader::new(&notify, Stream::Grants, "notify.test", ReaderOptions::default());
    let grants = reader.next().await.unwrap();
    assert!(!grants.is_empty());
    assert_eq!(notify.outbox_begin("test", "bet", "claimed").await.unwrap(), None);
    notify.outbox_update("test", "bet", "sent").await.unwrap();
    reader.acknowledge(&grants).await.unwrap();
    reader.close().await;
    watch.wait_drained(Duration::from_secs(5)).await.unwrap();
    let status = watch.status().await.unwrap();
    assert!(status.streams.iter().any(|stream| stream.length > 0));

    let archive = server.log("archive").await;
    let mut reader = Reader::new(&archive, Stream::Bets, "archive", ReaderOptions::default());
    let bets = reader.next().await.unwrap();
    reader.acknowledge(&bets).await.unwrap();
    for partition in 0..2 {
        let last = archive.last_id(Stream::Bets, partition).await.unwrap();
        reader.go_on_after(partition, last).await.unwrap();
    }
    assert_eq!(reader.next().await.unwrap(), []);
    assert_eq!(archive.quarantined("detect").await.unwrap().len(), 0);
    let stages = vec!["predict".to_owned()];
    let options = TrimOptions {
        retention: Duration::ZERO,
        dead_retention: Duration::ZERO,
        stages,
        ..TrimOptions::default()
    };
    marabet_streams::trim(&archive, &options).await.unwrap();

    let all_in_one = server.log("marabet").await;
    all_in_one.wait_drained(Duration::from_secs(5)).await.unwrap();

    // A job that trains puts a model in force.
    let jobs = server.log("jobs").await;
    jobs.put_artefact(b"another model").await.unwrap();
    let writer = FeedWriter::open(&jobs, &"training".into(), FeedOptions::default()).await.unwrap();
    writer.append(&facts(1, 1)).await.unwrap();
    writer.flush_durable().await.unwrap();
}

#[tokio::test]
async fn no_user_of_the_acl_file_can_do_what_is_not_its_own() {
    let server = Server::start().await;
    drop(server.log("marabet").await);
    let acl = acl();
    let everyone = acl.lines().filter_map(|line| line.split(' ').nth(1));
    for user in everyone.filter(|user| *user != "default") {
        for words in [
            "FLUSHALL",
            "CONFIG GET maxmemory",
            "CONFIG SET dir /tmp",
            "ACL LIST",
            "KEYS *",
            "SHUTDOWN",
            "SUBSCRIBE everything",
            "GET other",
        ] {
            let refused = server.say(user, words).await.unwrap_err();
            assert!(refused.to_string().contains("permission"), "{user} {words}: {refused}");
        }
    }
    for (user, words) in [
        ("ingest", "XADD mb:{00}:priced * n 1 d x"),
        ("ingest", "HSET mb:{00}:state:predict a b"),
        ("predict", "XADD mb:{00}:feed * n 1 d x"),
        ("ingest", "PEXPIRE mb:{00}:feed 1"),
        ("predict", "EXPIRE mb:{00}:feed 1"),
        ("predict", "SET mb:artefact:x y"),
        ("detect", "XADD mb:{00}:priced * n 1 d x"),
        ("detect", "HSET mb:{00}:fence:predict owner me"),
        ("portfolio", "XADD mb:{00}:bets * n 1 d x"),
        ("notify", "XADD mb:{account}:grants * n 1 d x"),
        ("notify", "HGETALL mb:{account}:state:portfolio"),
        ("notify", "XADD mb:{00}:bets * n 1 d x"),
        ("archive", "XADD mb:{00}:feed * n 1 d x"),
        ("archive", "DEL mb:{00}:dead:predict"),
        ("ledger", "XADD mb:{00}:bets * n 1 d x"),
        ("ledger", "HSET mb:{account}:outbox:me a b"),
        ("ledger", "HSET mb:{account}:fence:notify.me owner me"),
        ("ledger", "ZADD mb:{jobs}:waiting 1 x"),
        ("jobs", "XADD mb:{00}:priced * n 1 d x"),
        ("jobs", "XADD mb:{account}:grants * n 1 d x"),
        ("jobs", "HSET mb:{00}:state:detect a b"),
        ("jobs", "HSET mb:{00}:cache:x a b"),
        ("jobs", "DEL mb:{00}:feed"),
        ("jobs", "XTRIM mb:{00}:feed MAXLEN 0"),
        ("web", "XADD mb:{00}:bets * n 1 d x"),
        ("web", "HSET mb:{00}:state:predict a b"),
        ("web", "HSET mb:{account}:outbox:me a b"),
        ("web", "XREADGROUP GROUP workers me STREAMS mb:{jobs}:queue:ml:high >"),
        ("web", "DEL mb:{jobs}:job:x"),
        ("web", "EXPIRE mb:{00}:feed 1"),
        ("web", "SET mb:artefact:x y"),
        ("watch", "XADD mb:{00}:feed * n 1 d x"),
        ("watch", "HSET mb:{00}:state:predict a b"),
    ] {
        let refused = server.say(user, words).await.unwrap_err();
        assert!(refused.to_string().contains("permission"), "{user} {words}: {refused}");
    }
    for (user, words) in [
        ("ingest", "XADD mb:{00}:feed * n 1 d x"),
        ("jobs", "ZADD mb:{jobs}:waiting 1 x"),
        ("web", "HSET mb:{00}:cache:x a b"),
    ] {
        let allowed = server.say(user, words).await;
        assert!(allowed.is_ok(), "what is refused is refused for its user: {words}: {allowed:?}");
    }
}
