//! The stages as tasks of this process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use marabet_archive::{Archive, ArchiverOptions, GROUP, run_archive};
use marabet_detect::Detect;
use marabet_ledger::{Filed, GROUP_BETS, GROUP_GRANTS, Ledger};
use marabet_notify::clock::Clock;
use marabet_notify::{self as notify, Notifier};
use marabet_portfolio::Portfolio;
use marabet_predict::Predict;
use marabet_stage::Stage;
use marabet_streams::watchdog::OnStuck;
use marabet_streams::{
    Condition, Log, LogError, RunOptions, Shutdown, ShutdownTrigger, StageRun, Stream, run_account,
    run_shared, run_stage,
};
use tokio::task::JoinSet;

use super::alerts::Alerts;
use super::past;
use crate::cli::StageName;

/// How often the groups are asked whether they have caught up.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Which part of the line runs here.
pub(crate) struct Part {
    /// The stages; all where empty.
    pub(crate) stages: Vec<StageName>,
    /// The partitions; all where empty.
    pub(crate) partitions: Vec<u16>,
    /// By whose time alerts come too late.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where alerts go.
    pub(crate) alerts: Alerts,
    /// Where the log is archived, and how; none for nowhere.
    pub(crate) archive: Option<(Archive, ArchiverOptions)>,
    /// What is done when a stage does not return.
    pub(crate) on_stuck: OnStuck,
    /// What is fed from the log, where there is one.
    pub(crate) ledger: Option<Ledger>,
    /// This process follows the sources of the configuration.
    pub(crate) follows_sources: bool,
}

/// What a process that follows the sources of the configuration says that it runs.
pub(crate) const SOURCES: &str = "sources";

impl Part {
    /// Whether this stage runs here.
    pub(crate) fn runs(&self, stage: StageName) -> bool {
        self.stages.is_empty() || self.stages.contains(&stage)
    }
}

/// Stages that run in this process until they are asked to end.
pub(crate) struct Stages {
    log: Log,
    tasks: JoinSet<anyhow::Result<()>>,
    trigger: ShutdownTrigger,
    shutdown: Shutdown,
    /// The groups that read here, with their streams.
    groups: Vec<(Stream, String)>,
    /// Those of archive and ledger, which stay behind what is durable and are not waited for with
    /// them.
    archived: Vec<(Stream, String)>,
    /// Those who tell what is granted.
    pub(crate) notifiers: Vec<Arc<Notifier>>,
}

impl Stages {
    /// No stage yet: what is put beside them runs alone.
    pub(crate) fn none(log: &Log) -> Self {
        let (trigger, shutdown) = ShutdownTrigger::new();
        Self {
            log: log.clone(),
            tasks: JoinSet::new(),
            trigger,
            shutdown,
            groups: Vec::new(),
            archived: Vec::new(),
            notifiers: Vec::new(),
        }
    }

    /// Starts a part of the line.
    pub(crate) fn start(log: &Log, part: &Part) -> Self {
        let mut stages = Self::none(log);
        let shutdown = stages.shutdown();
        let options = RunOptions { on_stuck: Arc::clone(&part.on_stuck), ..RunOptions::default() };
        if part.runs(StageName::Predict) {
            let streams = (Stream::Feed, Stream::Priced);
            stages.staged("predict", streams, Predict::new, part, &options, &shutdown);
        }
        if part.runs(StageName::Detect) {
            let streams = (Stream::Priced, Stream::Bets);
            stages.staged("detect", streams, Detect::new, part, &options, &shutdown);
        }
        if part.runs(StageName::Portfolio) {
            stages.portfolio(&options, &shutdown);
        }
        // Bets are told by the one, reports and errors by the other.
        if part.runs(StageName::Notify) || part.runs(StageName::Jobs) {
            stages.notifiers = part.alerts.notifiers(log, &part.clock);
        }
        if part.runs(StageName::Notify) {
            for notifier in stages.notifiers.clone() {
                stages.notify(&notifier, &shutdown);
            }
        }
        stages.be_present(part, &shutdown);
        if part.runs(StageName::Archive)
            && let Some((archive, options)) = &part.archive
        {
            stages.archive(archive, options, &shutdown);
        }
        if part.runs(StageName::Ledger)
            && let Some(ledger) = &part.ledger
        {
            let filed = part.archive.as_ref().and_then(|(archive, _)| past::filed(archive));
            stages.ledger(ledger, filed, &shutdown);
        }
        stages
    }

    /// Says that this process is alive and what it runs.
    fn be_present(&mut self, part: &Part, shutdown: &Shutdown) {
        let names = [
            (StageName::Ingest, "ingest"),
            (StageName::Predict, "predict"),
            (StageName::Detect, "detect"),
            (StageName::Portfolio, "portfolio"),
            (StageName::Notify, "notify"),
            (StageName::Archive, "archive"),
            (StageName::Ledger, "ledger"),
            (StageName::Jobs, "jobs"),
            (StageName::Web, "web"),
        ];
        let runs: Vec<&str> = names
            .into_iter()
            .filter(|(stage, _)| part.runs(*stage))
            .map(|(_, name)| name)
            .chain(part.follows_sources.then_some(SOURCES))
            .collect();
        let (log, shutdown) = (self.log.clone(), shutdown.clone());
        self.spawn("presence", async move { log.be_present(&runs, shutdown).await });
    }

    /// Runs a stage over the partitions that are named, or over this process' even share.
    fn staged<S: Stage + 'static>(
        &mut self,
        name: &'static str,
        (input, output): (Stream, Stream),
        make: fn() -> S,
        part: &Part,
        options: &RunOptions,
        shutdown: &Shutdown,
    ) {
        self.groups.push((input, name.to_owned()));
        if part.partitions.is_empty() {
            let (log, options, shutdown) = (self.log.clone(), options.clone(), shutdown.clone());
            self.spawn(name, async move {
                run_shared(&log, input, output, &options, make, shutdown).await
            });
        }
        for &partition in &part.partitions {
            let run = StageRun { partition, input, output, options: options.clone() };
            let (log, shutdown) = (self.log.clone(), shutdown.clone());
            self.spawn(name, async move { run_stage(&log, &run, make(), shutdown).await });
        }
    }

    fn portfolio(&mut self, options: &RunOptions, shutdown: &Shutdown) {
        let (log, options, shutdown) = (self.log.clone(), options.clone(), shutdown.clone());
        self.groups.push((Stream::Bets, "portfolio".to_owned()));
        self.spawn("portfolio", async move {
            let (input, output) = (Stream::Bets, Stream::Grants);
            run_account(&log, input, output, &options, Portfolio::new(), shutdown).await
        });
    }

    fn notify(&mut self, notifier: &Arc<Notifier>, shutdown: &Shutdown) {
        let name = notifier.channel();
        self.groups.push((Stream::Grants, notify::group(name)));
        let (log, stop, telling) = (self.log.clone(), shutdown.clone(), Arc::clone(notifier));
        self.spawn("notify", async move { notify::run(&log, &telling, stop).await });
        if notifier.audience().settled {
            self.groups.push((Stream::Bets, notify::settled_group(name)));
            let (log, stop, telling) = (self.log.clone(), shutdown.clone(), Arc::clone(notifier));
            self.spawn("notify", async move { notify::run_settled(&log, &telling, stop).await });
        }
    }

    fn archive(&mut self, archive: &Archive, options: &ArchiverOptions, shutdown: &Shutdown) {
        self.archived.extend(Stream::ALL.map(|stream| (stream, GROUP.to_owned())));
        let (log, archive, options) = (self.log.clone(), archive.clone(), options.clone());
        let shutdown = shutdown.clone();
        self.tasks.spawn(async move {
            run_archive(&log, &archive, &options, shutdown).await.context("stage archive")
        });
    }

    fn ledger(&mut self, ledger: &Ledger, filed: Filed, shutdown: &Shutdown) {
        self.archived.push((Stream::Bets, GROUP_BETS.to_owned()));
        self.archived.push((Stream::Grants, GROUP_GRANTS.to_owned()));
        let (log, ledger, stop) = (self.log.clone(), ledger.clone(), shutdown.clone());
        self.spawn(
            "ledger",
            async move { marabet_ledger::follow(&log, &ledger, filed, stop).await },
        );
    }

    fn spawn<E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.tasks.spawn(async move { work.await.with_context(|| format!("stage {name}")) });
    }

    /// The signal by which what runs here is asked to end.
    pub(crate) fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Lets a face run beside the stages, and end with them.
    pub(crate) fn beside(
        &mut self,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(work);
    }

    /// Returns once every stage that runs here has acknowledged everything there is.
    ///
    /// # Errors
    /// The first stage that failed, so that nobody waits for it.
    pub(crate) async fn caught_up(&mut self) -> anyhow::Result<()> {
        self.idle(self.groups.clone()).await
    }

    /// Returns once everything there is is archived too, where it is archived here.
    ///
    /// # Errors
    /// As [`Stages::caught_up`].
    pub(crate) async fn archived(&mut self) -> anyhow::Result<()> {
        self.idle(self.archived.clone()).await
    }

    async fn idle(&mut self, groups: Vec<(Stream, String)>) -> anyhow::Result<()> {
        loop {
            while let Some(ended) = self.tasks.try_join_next() {
                ended.context("a stage's task")??;
            }
            self.refuse_failed()?;
            if self.are_idle(&groups).await? {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A partition that has failed does not catch up, whatever the others do.
    fn refuse_failed(&self) -> anyhow::Result<()> {
        for (name, stage) in self.log.metrics().stages() {
            for (partition, condition) in stage.conditions() {
                if let Condition::Failed { reason } = condition {
                    anyhow::bail!("stage {name}, partition {partition}: {reason}");
                }
            }
        }
        Ok(())
    }

    /// A commit appends to the next stream and acknowledges in one step, so looking at the streams
    /// in the order of the line misses nothing that is on its way.
    async fn are_idle(&self, groups: &[(Stream, String)]) -> Result<bool, LogError> {
        if groups.is_empty() {
            return Ok(true);
        }
        let status = self.log.status().await?;
        Ok(groups.iter().all(|(stream, group)| {
            let own = status.streams.iter().filter(|one| one.stream == stream.name());
            let mut found = own.filter_map(|one| one.groups.iter().find(|one| one.group == *group));
            let begun = found.next();
            begun.is_some_and(|first| {
                std::iter::once(first).chain(found).all(|one| one.lag == 0 && one.pending == 0)
            })
        }))
    }

    /// Whether any stage runs here.
    pub(crate) fn any(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Returns when a stage fails, or all have ended.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a stage's task")??;
        }
        Ok(())
    }

    /// Asks the stages to end, and waits until they have.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.trigger.ask();
        self.ended().await
    }
}
