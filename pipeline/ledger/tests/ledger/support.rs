//! Databases and a log that the tests start themselves.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use marabet_ledger::{Earlier, EarlierFrames, Ledger};
use marabet_schemas::frame::{Frame, encode};
use marabet_schemas::{EntryId, Event, Instant};
use marabet_streams::{EmbeddedOptions, EmbeddedRedis, Log, LogOptions, Namespace, Stream};
use tempfile::TempDir;

/// A database that lasts as long as the test.
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres(Postgres),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres(Postgres::start())
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("l.db").display()),
            Self::Postgres(server) => server.url(),
        }
    }

    pub(crate) async fn ledger(&self) -> Ledger {
        Ledger::open(&self.url()).await.unwrap()
    }

    /// Runs a statement past the ledger.
    pub(crate) async fn say(&self, statement: &str) {
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(&self.url()).await.unwrap();
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
        pool.close().await;
    }

    /// Every row of a table as text, in order.
    pub(crate) async fn rows(&self, table: &str, columns: &str) -> Vec<String> {
        use sqlx::Row;
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(&self.url()).await.unwrap();
        let parts: Vec<String> = columns
            .split(' ')
            .map(|column| format!("COALESCE(CAST({column} AS TEXT), '-')"))
            .collect();
        let query = format!("SELECT {} FROM {table}", parts.join(" || '|' || "));
        let rows = sqlx::query(&query).fetch_all(&pool).await.unwrap();
        let mut rows: Vec<String> = rows.iter().map(|row| row.try_get(0).unwrap()).collect();
        rows.sort();
        pool.close().await;
        rows
    }
}

/// Runs a test on both databases.
macro_rules! on_both {
    ($name:ident, $check:expr) => {
        mod $name {
            use super::*;
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let check = $check;
                check(Database::sqlite()).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgresql() {
                let check = $check;
                check(Database::postgres()).await;
            }
        }
    };
}
pub(crate) use on_both;

/// A PostgreSQL server in a temporary folder, on a socket there and on no port.
pub(crate) struct Postgres {
    folder: TempDir,
    child: Option<Child>,
}

/// Where Debian puts the server's programs, which are not on the PATH.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("PostgreSQL's `{name}` is missing; run `make setup`"))
}

/// A command of the server, which refuses to run as root.
fn command(name: &str) -> Command {
    if !is_root() {
        return Command::new(program(name));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program(name));
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.starts_with(b"0\n")
}

impl Postgres {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(owned.unwrap().success());
        }
        let made = command("initdb")
            .args(["--no-sync", "--auth=trust", "--username=bettor", "--encoding=UTF8"])
            .args(["--no-locale", "-D"])
            .arg(folder.path().join("data"))
            .current_dir("/")
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { folder, child: None };
        server.begin();
        server
    }

    /// Starts the server on what its folder holds.
    pub(crate) fn begin(&mut self) {
        let data = self.folder.path().join("data");
        let child = command("postgres")
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=30"])
            .args(["-c", "shared_buffers=16MB", "-k"])
            .arg(self.folder.path())
            .arg("-D")
            .arg(&data)
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        for _ in 0..600 {
            if answers(self.folder.path()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL does not answer");
    }

    /// Ends the server at once; what was committed stays.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://bettor:s3cret@localhost/postgres?host={}", self.folder.path().display())
    }
}

fn answers(folder: &Path) -> bool {
    let asked = Command::new(program("pg_isready")).arg("-q").arg("-h").arg(folder).status();
    asked.is_ok_and(|status| status.success())
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A log on a server of its own.
pub(crate) struct Line {
    pub(crate) redis: EmbeddedRedis,
    pub(crate) log: Log,
    _folder: TempDir,
}

impl Line {
    pub(crate) async fn start(partitions: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await.unwrap();
        let namespace = Namespace::new("mb", partitions).unwrap();
        let log = Log::open(&redis.url(), namespace, LogOptions::default()).await.unwrap();
        Self { redis, log, _folder: folder }
    }

    /// Appends events to a stream, each to its partitions, as a stage would have derived them.
    pub(crate) async fn append(&self, stream: Stream, events: &[Event]) {
        let client = redis::Client::open(self.redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let names = self.log.namespace();
        for chunk in events.chunks(3) {
            for partition in 0..names.partitions() {
                let account = stream.is_of_account();
                let mine: Vec<Event> = chunk
                    .iter()
                    .filter(|event| account || names.partitions_of(event).contains(&partition))
                    .cloned()
                    .collect();
                if mine.is_empty() || (account && partition > 0) {
                    continue;
                }
                let mut add = redis::cmd("XADD");
                add.arg(names.stream(stream, partition)).arg("*");
                add.arg("n").arg(mine.len()).arg("d").arg(encode(&mine));
                add.query_async::<String>(&mut connection).await.unwrap();
            }
        }
    }

    /// Drops all but the last entries of a stream, as trimming does.
    pub(crate) async fn trim(&self, stream: Stream, partition: u16, keeps: usize) {
        let client = redis::Client::open(self.redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut trim = redis::cmd("XTRIM");
        trim.arg(self.log.namespace().stream(stream, partition)).arg("MAXLEN").arg(keeps);
        assert!(trim.query_async::<u64>(&mut connection).await.unwrap() > 0);
    }
}

/// Frames that are filed: stream, partition, and what it had.
#[derive(Default)]
pub(crate) struct Kept(Vec<(Stream, u16, Vec<Frame>)>);

impl Kept {
    pub(crate) async fn all_of(log: &Log) -> Self {
        let mut all = Vec::new();
        for stream in [Stream::Bets, Stream::Grants] {
            let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
            for partition in 0..partitions {
                let frames = log.range(stream, partition, None, None, 10_000).await.unwrap();
                all.push((stream, partition, frames));
            }
        }
        Self(all)
    }
}

impl Earlier for Kept {
    fn frames(
        &self,
        stream: Stream,
        partition: u16,
        from: EntryId,
    ) -> Result<EarlierFrames, String> {
        let place = (stream, partition);
        let found = self.0.iter().filter(|(stream, partition, _)| (*stream, *partition) == place);
        let frames: Vec<Frame> = found
            .flat_map(|(_, _, frames)| frames)
            .filter(|frame| from <= frame.id)
            .cloned()
            .collect();
        Ok(Box::new(frames.into_iter().map(Ok)))
    }
}

pub(crate) fn at(minutes: i64) -> Instant {
    "2024-08-17T12:00:00Z".parse::<Instant>().unwrap().plus_seconds(60 * minutes)
}

/// Waits until it holds, for half a minute at most.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..1500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain: {what}");
}
