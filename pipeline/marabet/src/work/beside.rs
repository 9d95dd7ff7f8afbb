//! What goes on beside the stages: jobs, their schedule, the bot that answers.

use std::sync::Arc;
use std::time::Duration;

use marabet_jobs::clock::{Clock, SetClock, WallClock};
use marabet_notify::commands::{self, Answers};
use marabet_streams::{Log, Shutdown, ShutdownTrigger};
use tokio::task::JoinSet;

use super::{Background, Desk, DeskAnswers};
use crate::cli::StageName;
use crate::config::Config;
use crate::line::stages::{Part, Stages};

/// How often the ledger is asked how far event time has come: a look of the scheduler lies between
/// two of these.
const REACH_EVERY: Duration = Duration::from_millis(250);
/// How far event time goes on before what is due by then is done: as long as the longest time that
/// a report is about. In seconds.
const STEP_S: i64 = 7 * 86_400;
/// How far event time may lag behind the facts. Earlier weeks are caught up at once, as after a
/// pause: their reports would take longer to tell than the facts took to come. In seconds.
const LAG_MAX_S: i64 = 4 * STEP_S;
/// How long the jobs that are due at the end of the input may take.
const JOBS_END_MAX: Duration = Duration::from_secs(600);

/// What runs beside the stages.
pub(crate) struct Beside {
    background: Option<Background>,
    desk: Option<Desk>,
    /// The clock of a line that runs in event time.
    reached: Option<Arc<SetClock>>,
    tasks: JoinSet<()>,
    trigger: ShutdownTrigger,
}

impl Beside {
    /// Starts what the part has of it; `event_time` where the line runs faster than the wall.
    pub(crate) fn start(
        log: &Log,
        event_time: bool,
        config: &Config,
        part: &Part,
        stages: &Stages,
    ) -> anyhow::Result<Self> {
        let (trigger, shutdown) = ShutdownTrigger::new();
        let mut beside = Self {
            background: None,
            desk: None,
            reached: event_time.then(Arc::default),
            tasks: JoinSet::new(),
            trigger,
        };
        let Some(ledger) = part.ledger.clone().filter(|_| part.runs(StageName::Jobs)) else {
            return Ok(beside);
        };
        let clock: Arc<dyn Clock> = match &beside.reached {
            Some(reached) => Arc::<SetClock>::clone(reached),
            None => Arc::new(WallClock),
        };
        let mut desk = Desk::new(log, ledger, config, stages.notifiers.clone(), clock);
        if beside.reached.is_some() {
            desk = desk.accelerated();
        }
        beside.background = Some(Background::start(&desk)?);
        if let Some(reached) = &beside.reached {
            let (desk, reached, stop) = (desk.clone(), Arc::clone(reached), shutdown.clone());
            beside.tasks.spawn(async move { follow_event_time(&desk, &reached, stop).await });
        }
        if let Some((bot, channels)) = part.alerts.bot.clone() {
            let chats = part.alerts.chats();
            let answers: Arc<dyn Answers> = Arc::new(DeskAnswers { desk: desk.clone(), channels });
            beside
                .tasks
                .spawn(async move { commands::serve(&bot, &chats, &answers, shutdown).await });
        }
        beside.desk = Some(desk);
        Ok(beside)
    }

    /// Returns when a part of it fails.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        match &mut self.background {
            Some(background) => background.ended().await,
            None => std::future::pending().await,
        }
    }

    /// In event time: lets what is due by the input's end be done.
    pub(crate) async fn finish(&self) -> anyhow::Result<()> {
        let (Some(desk), Some(reached)) = (&self.desk, &self.reached) else { return Ok(()) };
        let began = marabet_streams::clock::moment();
        loop {
            tokio::time::sleep(REACH_EVERY * 2).await;
            let latest = desk.ledger.latest().await?;
            if latest.is_none_or(|latest| reached.now() >= Some(latest)) && !is_busy(desk).await? {
                return Ok(());
            }
            if began.elapsed() > JOBS_END_MAX {
                tracing::warn!("jobs are still to be done; they go on at the next start");
                return Ok(());
            }
        }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.trigger.ask();
        while self.tasks.join_next().await.is_some() {}
        match self.background.take() {
            Some(background) => background.stop().await,
            None => Ok(()),
        }
    }
}

/// Puts the clock of the jobs forward to what the ledger knows, the last weeks one by one, each when
/// what was due before is done: a report then finds everything that it is about.
async fn follow_event_time(desk: &Desk, reached: &SetClock, mut shutdown: Shutdown) {
    while shutdown.unless_asked(tokio::time::sleep(REACH_EVERY)).await.is_some() {
        if let Err(error) = step(desk, reached).await {
            tracing::warn!("event time is not known: {error}");
        }
    }
}

async fn step(desk: &Desk, reached: &SetClock) -> anyhow::Result<()> {
    let Some((first, latest)) = desk.ledger.span().await? else { return Ok(()) };
    match reached.now() {
        None => reached.reach(first),
        Some(now) if now < latest && !is_busy(desk).await? => {
            let next = now.plus_seconds(STEP_S).max(latest.plus_seconds(-LAG_MAX_S));
            reached.reach(next.min(latest));
        }
        Some(_) => {}
    }
    Ok(())
}

/// Whether jobs are still to be done.
async fn is_busy(desk: &Desk) -> anyhow::Result<bool> {
    let counts = desk.queues.counts().await?;
    let queued: u64 = counts.queued.values().sum();
    Ok(queued + counts.running + counts.waiting > 0)
}
