//! A line with a server over it: Redis, stages, a simulated league, the server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use marabet_detect::Detect;
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_jobs::clock::WallClock;
use marabet_jobs::plan::Plan;
use marabet_jobs::{
    Job, JobError, JobRules, Queues, Registry, Run, Scheduler, Worker, WorkerOptions,
};
use marabet_ledger::{Earlier, EarlierFrames, Filed, Ledger};
use marabet_portfolio::Portfolio;
use marabet_predict::Predict;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::Rules;
use marabet_schemas::{EntryId, Event};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, FeedOptions, FeedWriter, Log, LogOptions, Namespace,
    RunOptions, Shutdown, ShutdownTrigger, StageRun, Stream, run_account, run_stage,
};
use marabet_web::clock::Clock;
use marabet_web::{Office, Server, ServerOptions, WebConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

const PARTITIONS: u16 = 2;

/// A line that runs until it is dropped.
pub(crate) struct Line {
    pub(crate) log: Log,
    pub(crate) address: SocketAddr,
    pub(crate) redis: EmbeddedRedis,
    pub(crate) shelf: Arc<Shelf>,
    _trigger: ShutdownTrigger,
    folder: TempDir,
}

/// The configuration of a test: a port of its own, and no limit to speak of.
pub(crate) fn config() -> WebConfig {
    WebConfig {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        requests_per_s: 100_000,
        burst: 100_000,
        ..WebConfig::default()
    }
}

impl Line {
    /// A line without facts, with a back office.
    pub(crate) async fn start(config: WebConfig) -> Self {
        Self::started(config, false).await
    }

    /// A line without facts and without a back office.
    pub(crate) async fn bare() -> Self {
        Self::started(config(), true).await
    }

    async fn started(config: WebConfig, bare: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await.unwrap();
        let namespace = Namespace::new("mb", PARTITIONS).unwrap();
        let log = Log::open(&redis.url(), namespace, LogOptions::default()).await.unwrap();
        let (trigger, shutdown) = ShutdownTrigger::new();
        stages(&log, &shutdown);
        let shelf = Arc::<Shelf>::default();
        let office = match bare {
            true => None,
            false => Some(office(&log, folder.path(), &shutdown, &shelf).await),
        };
        let options = ServerOptions { clock: Clock::Event, office, ..ServerOptions::default() };
        let server = Server::bind(&log, config, options, shutdown).await.unwrap();
        let address = server.address();
        tokio::spawn(server.serve());
        let line = Self { log, address, redis, shelf, _trigger: trigger, folder };
        line.until("the server is ready", |line| {
            super::client::get(line.address, "/readyz").status == 200
        })
        .await;
        line
    }

    /// A line over which a season of a small league has passed.
    pub(crate) async fn with_season() -> Self {
        let line = Self::start(config()).await;
        let settings = Settings { seasons: 1, sides: 6, ..Settings::default() };
        let facts: Vec<Event> = Simulation::new(settings).unwrap().events().collect();
        let rules = ConfigPublished::new(1, Rules::default());
        line.feed("configuration", &[Event::global(facts[0].at, rules)]).await;
        line.feed("simulator", &facts).await;
        let count = facts.len() as f64;
        line.until("the board has every fact", |line| {
            let metrics = super::client::get(line.address, "/metrics").body;
            number(&metrics, "marabet_facts_total") >= count
                && number(&metrics, "marabet_bets_open{strategy=\"sharp\"}") == 0.0
        })
        .await;
        line
    }

    /// The folder in whose folders reports of backtests lie.
    pub(crate) fn reports(&self) -> PathBuf {
        self.folder.path().join("reports")
    }

    /// Appends facts of a source.
    pub(crate) async fn feed(&self, source: &str, facts: &[Event]) {
        let options = FeedOptions::default();
        let writer = FeedWriter::open(&self.log, &source.into(), options).await.unwrap();
        writer.append(facts).await.unwrap();
        writer.close().await.unwrap();
    }

    /// Appends facts of an own source, behind the default rules.
    pub(crate) async fn feed_lines(&self, lines: &str) {
        let facts: Vec<Event> = lines.lines().map(|line| Event::from_line(line).unwrap()).collect();
        let rules = ConfigPublished::new(1, Rules::default());
        self.feed("configuration", &[Event::global(facts[0].at, rules)]).await;
        self.feed("own", &facts).await;
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..600 {
            if tokio::task::block_in_place(|| holds(self)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("within 30 s it did not come about that {what}");
    }
}

/// The value of a metric in an exposition.
pub(crate) fn number(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or(f64::NAN)
}

/// A ledger that follows the log, and a worker that greets.
async fn office(log: &Log, folder: &Path, shutdown: &Shutdown, shelf: &Arc<Shelf>) -> Arc<Office> {
    let url = format!("sqlite:{}", folder.join("ledger.db").display());
    let ledger = Ledger::open(&url).await.unwrap();
    let (own, copy, asked) = (log.clone(), ledger.clone(), shutdown.clone());
    tokio::spawn(async move { marabet_ledger::follow(&own, &copy, None, asked).await });
    let (queues, registry) = (Queues::of(log), Registry::new().with(Greet));
    let worker = Worker::new(&queues, registry.clone(), WorkerOptions::default());
    let asked = shutdown.clone();
    tokio::spawn(async move { worker.run(asked).await });
    let args = json!({ "name": "day" });
    let plan = Plan::new("morning", "greet", args, "0 6 * * *", "Europe/Lisbon").unwrap();
    let scheduler =
        Scheduler::new(&queues, registry.clone(), vec![plan], Arc::new(WallClock)).unwrap();
    let filed: Filed = Some(Arc::<Shelf>::clone(shelf));
    Arc::new(Office { registry, scheduler, ledger, filed, reports: folder.join("reports") })
}

/// Grants that were filed.
#[derive(Default)]
pub(crate) struct Shelf(pub(crate) Mutex<Vec<Frame>>);

impl Earlier for Shelf {
    fn frames(&self, stream: Stream, _: u16, _: EntryId) -> Result<EarlierFrames, String> {
        assert_eq!(stream, Stream::Grants);
        let frames = self.0.lock().unwrap().clone();
        Ok(Box::new(frames.into_iter().map(Ok)))
    }
}

/// Greets whoever is named, and nobody else.
struct Greet;

#[async_trait]
impl Job for Greet {
    fn kind(&self) -> &'static str {
        "greet"
    }

    fn about(&self) -> &'static str {
        "Greet whoever is named"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("maintenance")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let name: String = run.args("name")?;
        run.log(format!("greeting {name}")).await;
        Ok(json!({ "said": format!("hello {name}") }))
    }
}

fn stages(log: &Log, shutdown: &Shutdown) {
    for partition in 0..PARTITIONS {
        let run =
            |input, output| StageRun { partition, input, output, options: RunOptions::default() };
        let (to_priced, to_bets) =
            (run(Stream::Feed, Stream::Priced), run(Stream::Priced, Stream::Bets));
        let (own, asked) = (log.clone(), shutdown.clone());
        tokio::spawn(async move { run_stage(&own, &to_priced, Predict::new(), asked).await });
        let (own, asked) = (log.clone(), shutdown.clone());
        tokio::spawn(async move { run_stage(&own, &to_bets, Detect::new(), asked).await });
    }
    let (own, asked) = (log.clone(), shutdown.clone());
    tokio::spawn(async move {
        let options = RunOptions::default();
        run_account(&own, Stream::Bets, Stream::Grants, &options, Portfolio::new(), asked).await
    });
}
