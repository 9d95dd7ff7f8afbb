//! The jobs of this program, one file each, and the tasks that run them.
//!
//! A new kind of job is one file: a type that implements [`Job`](marabet_jobs::Job), and its line
//! in [`registry`].

mod answers;
mod background;
mod backtest;
mod backup;
mod beside;
mod cache_advice;
mod clean;
mod collect;
mod evaluate;
mod health;
mod names;
mod optimise;
mod predict;
mod reports;
mod train;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use marabet_archive::Archive;
use marabet_jobs::clock::Clock;
use marabet_jobs::{JobError, Queues, Registry, Scheduler};
use marabet_ledger::Ledger;
use marabet_notify::{Audience, ErrorAlerts, Notifier};
use marabet_schemas::facts::Fixture;
use marabet_schemas::{Body, EntryId, Event, Instant, MatchKey};
use marabet_streams::{Log, Stream};

use crate::config::Config;
use crate::line::{open, past};

use answers::DeskAnswers;
use background::Background;
pub(crate) use beside::Beside;

/// What the jobs work with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) log: Log,
    pub(crate) ledger: Ledger,
    pub(crate) queues: Queues,
    pub(crate) config: Arc<Config>,
    /// The channels; none in a process that tells nobody.
    pub(crate) notifiers: Arc<Vec<Arc<Notifier>>>,
    /// The time by which the line runs.
    pub(crate) clock: Arc<dyn Clock>,
    /// The line runs in event time, faster than the wall.
    accelerated: bool,
    errors: Arc<Mutex<ErrorAlerts>>,
}

impl Desk {
    pub(crate) fn new(
        log: &Log,
        ledger: Ledger,
        config: &Config,
        notifiers: Vec<Arc<Notifier>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            log: log.clone(),
            ledger,
            queues: Queues::of(log),
            config: Arc::new(config.clone()),
            notifiers: Arc::new(notifiers),
            clock,
            accelerated: false,
            errors: Arc::default(),
        }
    }

    /// The same for a line that runs in event time: what is due is what a bettor would see, not
    /// the upkeep of this machine.
    pub(crate) fn accelerated(self) -> Self {
        Self { accelerated: true, ..self }
    }

    /// Now, by the time by which the line runs.
    fn now(&self) -> Instant {
        self.clock.now().unwrap_or_else(open::now)
    }

    /// Tells whoever wants to hear of errors, unless of this kind one was told within the hour.
    async fn alert(&self, kind: &str, text: &str) {
        self.alert_those(kind, text, |audience| audience.errors).await;
    }

    /// The same for those who want to hear of something else.
    async fn alert_those(&self, kind: &str, text: &str, wants: fn(&Audience) -> bool) {
        let now = open::now();
        let alert = || {
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            errors.alert(kind, text, now)
        };
        let Some(message) = alert() else { return };
        for notifier in self.notifiers.iter().filter(|one| wants(one.audience())) {
            if let Err(error) = notifier.announce(&message.key, &message, None).await {
                tracing::warn!(channel = notifier.channel(), "{kind} is not told: {error}");
            }
        }
    }

    /// Hands on every event of a stream, those that the log has dropped first.
    async fn each(&self, stream: Stream, take: impl FnMut(Event) + Send) -> anyhow::Result<()> {
        let archive = Archive::at(&self.config.archive_location())?;
        past::each(&self.log, &archive, stream, take).await
    }

    /// The same for what was told since an instant. An entry is never older than what it tells, so
    /// that what comes of earlier ones is none of it.
    async fn each_since(
        &self,
        stream: Stream,
        since: Instant,
        mut take: impl FnMut(Event) + Send,
    ) -> anyhow::Result<()> {
        let archive = Archive::at(&self.config.archive_location())?;
        let ms = u64::try_from(since.micros() / 1_000 - 1).unwrap_or_default();
        let entry = EntryId { ms, seq: 0 };
        past::each_since(&self.log, &archive, stream, entry, |event| {
            if event.at >= since {
                take(event);
            }
        })
        .await
    }

    /// The last fixture of each match.
    async fn fixtures(&self) -> anyhow::Result<BTreeMap<MatchKey, Fixture>> {
        let mut fixtures = BTreeMap::new();
        self.each(Stream::Feed, |event| {
            if let (Body::Fixture(fixture), Some(key)) = (event.body, event.key) {
                fixtures.insert(key, fixture);
            }
        })
        .await?;
        Ok(fixtures)
    }

    /// The scheduler of the configuration's plans.
    pub(crate) fn scheduler(&self) -> anyhow::Result<Scheduler> {
        let mut plans = self.config.jobs.plans()?;
        plans.retain(|plan| !self.accelerated || IN_EVENT_TIME.contains(&&*plan.kind));
        Ok(Scheduler::new(&self.queues, registry(self), plans, Arc::clone(&self.clock))?)
    }
}

/// The jobs that are due by event time.
const IN_EVENT_TIME: [&str; 5] = ["train", "predict", "evaluate", "daily_report", "weekly_report"];

/// Every kind of job.
pub(crate) fn registry(desk: &Desk) -> Registry {
    Registry::new()
        .with(backtest::Backtest(desk.clone()))
        .with(backup::Backup(desk.clone()))
        .with(cache_advice::CacheAdvice(desk.clone()))
        .with(clean::Clean(desk.clone()))
        .with(collect::Collect::new(desk))
        .with(evaluate::Evaluate(desk.clone()))
        .with(health::Health(desk.clone()))
        .with(names::Names(desk.clone()))
        .with(optimise::Optimise(desk.clone()))
        .with(predict::Predict(desk.clone()))
        .with(reports::Report::weekly(desk))
        .with(reports::Report::daily(desk))
        .with(train::Train(desk.clone()))
}

/// A fault of the log or the ledger, which another attempt may not meet.
fn again(error: impl std::fmt::Display) -> JobError {
    JobError::again(error)
}
