//! One round: a line, its faults, and what is left when it has come to rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use marabet_streams::{Log, LogOptions, Namespace, Stream};

use crate::Campaign;
use crate::facts::Facts;
use crate::invariants::{self, Found};
use crate::processes::{Place, Processes};
use crate::proxy::Proxy;
use crate::schedule::{Fault, Planned, Stage, plan};
use crate::server::Server;
use crate::watch::{Seen, Watch};

/// Faults after which the source is given more to say.
const FAULTS_A_SHARE: usize = 4;
/// How long the line may take to come to rest after the last fault.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Partitions of the log, as `marabet run` has them where nothing else is configured.
const PARTITIONS: u16 = 4;

/// What a round came to.
pub(crate) struct Round {
    /// How often each fault happened.
    pub(crate) faults: BTreeMap<String, u32>,
    /// Faults that cannot happen here, with the reason.
    pub(crate) skipped: BTreeMap<String, String>,
    pub(crate) seen: Seen,
    pub(crate) found: Found,
    pub(crate) bytes_torn: u64,
    pub(crate) gave_up: Vec<String>,
}

pub(crate) async fn run(campaign: &Campaign, number: u64, kills: u32) -> anyhow::Result<Round> {
    let seed = campaign.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9));
    let home = tempfile::Builder::new().prefix("marabet-faults-").tempdir()?;
    // Every other round the stages are apart.
    let together = number.is_multiple_of(2);
    let done = within(campaign, home.path(), together, (seed, kills)).await;
    if !done.as_ref().is_ok_and(|round| round.found.is_clean()) {
        let kept = home.keep();
        (campaign.say)(&format!("the round's folder is kept: {}", kept.display()));
    }
    done.with_context(|| format!("round {number} of seed {}", campaign.seed))
}

async fn within(
    campaign: &Campaign,
    folder: &Path,
    together: bool,
    (seed, kills): (u64, u32),
) -> anyhow::Result<Round> {
    let server = Server::start(&folder.join("redis")).await?;
    let proxy = Arc::new(Proxy::to(server.socket()?).await?);
    let place = Place {
        program: campaign.program.clone(),
        folder: folder.to_owned(),
        url: proxy.url(),
        together,
    };
    let mut facts = Facts::of(seed)?;
    facts.give(1.0, &place.events())?;
    let expected = alone(&place, &server).await?;
    let total: usize = expected.values().map(Vec::len).sum();
    (campaign.say)(&format!("{total} facts; {kills} kills and what comes with them"));

    let mut line = Line {
        processes: Processes::start(&place)?,
        watch: Watch::over(redis::Client::open(server.url()?)?, Namespace::new("mb", PARTITIONS)?),
        server,
        proxy,
        place,
        facts,
        frozen: Vec::new(),
        faults: BTreeMap::new(),
        skipped: BTreeMap::new(),
    };
    line.disturb(&plan(seed, kills)).await?;
    line.come_to_rest(total).await?;
    let seen = line.watch.seen();
    let log = open(&line.server, "mb").await?;
    let mut connection = line.server.connection().await?;
    let found = invariants::check(&log, &mut connection, &expected, &line.place.alerts()).await?;
    let Line { mut processes, server, faults, skipped, .. } = line;
    if !found.is_clean() {
        server.keep_log(&folder.join("log"))?;
    }
    let (gave_up, bytes_torn) = (std::mem::take(&mut processes.gave_up), server.bytes_torn);
    drop(processes);
    server.stop().await;
    Ok(Round { faults, skipped, seen, found, bytes_torn, gave_up })
}

/// What the source appends when nothing disturbs it.
async fn alone(place: &Place, server: &Server) -> anyhow::Result<BTreeMap<u16, Vec<String>>> {
    let mut command = place.command("alone");
    command.args(["run", "--event-time", "--until-done", "--stages", "ingest", "--events"]);
    let said = command.arg(place.events()).output()?;
    let why = String::from_utf8_lossy(&said.stderr);
    anyhow::ensure!(said.status.success(), "the undisturbed source failed: {why}");
    let facts = invariants::facts(&open(server, "alone").await?).await?;
    redis::cmd("FLUSHALL").query_async::<()>(&mut server.connection().await?).await?;
    Ok(facts)
}

async fn open(server: &Server, prefix: &str) -> anyhow::Result<Log> {
    let namespace = Namespace::new(prefix, PARTITIONS)?;
    Ok(Log::open(&server.url()?, namespace, LogOptions::default()).await?)
}

/// A line under faults.
struct Line {
    processes: Processes,
    watch: Watch,
    server: Server,
    proxy: Arc<Proxy>,
    place: Place,
    facts: Facts,
    /// Who stands still until when.
    frozen: Vec<(Instant, Stage, usize, u32)>,
    faults: BTreeMap<String, u32>,
    skipped: BTreeMap<String, String>,
}

impl Line {
    /// Lets everything happen that is planned.
    async fn disturb(&mut self, planned: &[Planned]) -> anyhow::Result<()> {
        for (number, Planned { after_ms, fault }) in planned.iter().enumerate() {
            if number % FAULTS_A_SHARE == 0 {
                let share = (number + FAULTS_A_SHARE) as f64 / planned.len() as f64;
                self.facts.give(share, &self.place.events())?;
                self.processes.hand_over(Stage::Ingest, 0)?;
            }
            self.wait(Duration::from_millis(*after_ms)).await?;
            match self.happen(*fault).await? {
                None => *self.faults.entry(fault.to_string()).or_default() += 1,
                Some(why) => drop(self.skipped.insert(fault.to_string(), why)),
            }
        }
        Ok(())
    }

    /// Lets a fault happen; says why it cannot here.
    async fn happen(&mut self, fault: Fault) -> anyhow::Result<Option<String>> {
        match fault {
            Fault::Kill(stage, which) => self.processes.kill(stage, which)?,
            Fault::Freeze(stage, which, for_ms) => {
                let id = self.processes.freeze(stage, which)?;
                let until = Instant::now() + Duration::from_millis(for_ms);
                self.frozen.push((until, stage, which, id));
            }
            Fault::KillRedis => self.server.kill(None).await?,
            Fault::TearRedis(share) => self.server.kill(Some(share)).await?,
            Fault::Cut => self.proxy.cut(),
            Fault::Delay(by_ms, for_ms) => {
                self.proxy.delay(Duration::from_millis(by_ms));
                let proxy = Arc::clone(&self.proxy);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(for_ms)).await;
                    proxy.delay(Duration::ZERO);
                });
            }
            Fault::FullDisk(for_ms) => {
                return Ok(self.server.fill_disk(Duration::from_millis(for_ms)).await.err());
            }
            Fault::ShortMemory(for_ms) => {
                self.server.shorten_memory(Duration::from_millis(for_ms)).await?;
            }
        }
        Ok(None)
    }

    /// Waits, lets go on who has stood still long enough, and starts again who has ended.
    async fn wait(&mut self, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        loop {
            let now = Instant::now();
            for (_, stage, which, id) in self.frozen.extract_if(.., |frozen| frozen.0 <= now) {
                self.processes.thaw(stage, which, id)?;
            }
            self.processes.look_after()?;
            if now >= until {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY.min(until - now)).await;
        }
    }

    /// Gives the source the rest, and waits until everything is through.
    async fn come_to_rest(&mut self, facts: usize) -> anyhow::Result<()> {
        self.facts.give(1.0, &self.place.events())?;
        self.processes.hand_over(Stage::Ingest, 0)?;
        let began = Instant::now();
        loop {
            self.wait(LOOK_EVERY).await?;
            let log = open(&self.server, "mb").await?;
            let behind = match is_idle(&log).await? {
                true => {
                    let there: usize = invariants::facts(&log).await?.values().map(Vec::len).sum();
                    if there >= facts && self.frozen.is_empty() {
                        return Ok(());
                    }
                    format!("the feed has {there} of {facts} facts")
                }
                false => log.behind().await?.unwrap_or_else(|| "a group is missing".to_owned()),
            };
            anyhow::ensure!(
                began.elapsed() < PATIENCE,
                "the line did not come to rest within {} s: {behind}",
                PATIENCE.as_secs()
            );
        }
    }
}

/// Whether every group of the line is there and has acknowledged everything.
async fn is_idle(log: &Log) -> anyhow::Result<bool> {
    let status = log.status().await?;
    let idle = |stream: Stream, name: &str| {
        let mut streams = status.streams.iter().filter(|one| one.stream == stream.name());
        streams.all(|one| {
            let mut groups = one.groups.iter().filter(|group| group.group == name);
            groups.next().is_some_and(|group| group.lag == 0 && group.pending == 0)
        })
    };
    Ok(idle(Stream::Feed, "predict")
        && idle(Stream::Priced, "detect")
        && idle(Stream::Bets, "portfolio")
        && idle(Stream::Grants, "notify.file"))
}
