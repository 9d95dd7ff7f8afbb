//! `marabet jobs …`

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use marabet_jobs::clock::WallClock;
use marabet_jobs::{Counts, JobState, JobView, NewJob, Priority, Queues, Worker, WorkerOptions};
use marabet_streams::ShutdownTrigger;
use serde::Serialize;

use crate::cli::JobsCommand;
use crate::config::Config;
use crate::line::{alerts, open};
use crate::output::{Answer, or_dash, say};
use crate::work::{Desk, registry};

/// How often a job that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(super) async fn execute(
    command: &JobsCommand,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    let ledger = open::ledger(config).await?;
    let opened = open::log(config).await?;
    let clock: Arc<dyn marabet_notify::clock::Clock> = Arc::new(marabet_notify::clock::WallClock);
    let notifiers = match command {
        JobsCommand::Run { wait: true, .. } => {
            alerts::channels(&config.notify)?.notifiers(&opened.log, &clock)
        }
        _ => Vec::new(),
    };
    let desk = Desk::new(&opened.log, ledger, config, notifiers, Arc::new(WallClock));
    let answered = answer(&desk, command, json).await;
    drop(desk);
    opened.close().await?;
    answered
}

async fn answer(desk: &Desk, command: &JobsCommand, json: bool) -> anyhow::Result<()> {
    let queues = &desk.queues;
    match command {
        JobsCommand::List { state, queue, all } => {
            let states = match (state, all) {
                (Some(state), _) => vec![*state],
                (None, true) => JobState::ALL.to_vec(),
                (None, false) => {
                    vec![JobState::Running, JobState::Queued, JobState::Waiting, JobState::Dead]
                }
            };
            let mut jobs = Vec::new();
            for state in states {
                jobs.extend(queues.list(state, queue.as_deref()).await?);
            }
            say(&Listed { counts: queues.counts().await?, jobs }, json)
        }
        JobsCommand::Kinds => {
            let registry = registry(desk);
            let kinds = registry.iter().map(|job| Kind {
                kind: job.kind(),
                queue: job.rules().queue,
                about: job.about(),
            });
            say(&Kinds(kinds.collect()), json)
        }
        JobsCommand::Show { job } => show(queues, job, json).await,
        JobsCommand::Run { kind, args, wait } => {
            let args = serde_json::from_str(args).context("--args is no JSON")?;
            let registry = registry(desk);
            let job = NewJob::of(&**registry.get(kind)?, args).at(Priority::High);
            let id = queues.enqueue(&job).await?;
            if *wait {
                run_here(desk, &id).await?;
            }
            show(queues, &id, json).await
        }
        JobsCommand::Retry { job } => {
            queues.retry(job).await?;
            show(queues, job, json).await
        }
        JobsCommand::Cancel { job } => {
            queues.cancel(job).await?;
            show(queues, job, json).await
        }
        JobsCommand::Purge { state, queue } => {
            let purged = queues.purge(*state, queue.as_deref()).await?;
            say(&Purged { state: *state, purged }, json)
        }
    }
}

/// Works here until a job has ended, beside whoever works elsewhere.
async fn run_here(desk: &Desk, id: &str) -> anyhow::Result<()> {
    let (trigger, shutdown) = ShutdownTrigger::new();
    let queues = desk.config.jobs.queues.clone().into_iter().collect();
    let options = WorkerOptions { queues, ..WorkerOptions::default() };
    let worker = Worker::new(&desk.queues, registry(desk), options);
    let working = tokio::spawn(async move { worker.run(shutdown).await });
    let waited = async {
        loop {
            if desk.queues.job(id).await?.state.is_end() {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let waited = waited.await;
    trigger.ask();
    working.await.context("the worker's task")??;
    waited
}

async fn show(queues: &Queues, id: &str, json: bool) -> anyhow::Result<()> {
    let job = queues.job(id).await?;
    let log = queues.log_of(id).await?;
    say(&Shown { job, log }, json)
}

#[derive(Serialize)]
struct Listed {
    counts: Counts,
    jobs: Vec<JobView>,
}

impl Answer for Listed {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Counts { queued, running, waiting, dead } = &self.counts;
        let queued: Vec<String> =
            queued.iter().map(|(queue, count)| format!("{queue} {count}")).collect();
        writeln!(
            out,
            "queued: {}; running {running}, waiting {waiting}, dead {dead}",
            if queued.is_empty() { "none".to_owned() } else { queued.join(", ") }
        )?;
        for job in &self.jobs {
            writeln!(
                out,
                "{:<26} {:<14} {:<12} {:<9} {}/{}  {}",
                job.id,
                job.kind,
                job.queue,
                job.state,
                job.attempt,
                job.attempts_max,
                job.error.as_deref().unwrap_or_default()
            )?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Kind {
    kind: &'static str,
    queue: &'static str,
    about: &'static str,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Kinds(Vec<Kind>);

impl Answer for Kinds {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0
            .iter()
            .try_for_each(|one| writeln!(out, "{:<14} {:<12} {}", one.kind, one.queue, one.about))
    }
}

#[derive(Serialize)]
struct Shown {
    job: JobView,
    log: Vec<String>,
}

impl Answer for Shown {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let JobView { id, kind, queue, state, attempt, attempts_max, .. } = &self.job;
        writeln!(out, "{id}: {kind} in {queue}, {state}, attempt {attempt} of {attempts_max}")?;
        let at = |at: Option<marabet_schemas::Instant>| or_dash(at.map(|at| at.to_string()));
        writeln!(
            out,
            "asked for {}, begun {}, ended {}",
            self.job.enqueued_at,
            at(self.job.started_at),
            at(self.job.ended_at)
        )?;
        if let Some(progress) = self.job.progress.filter(|_| !state.is_end()) {
            writeln!(out, "{:.0} % done", progress * 100.0)?;
        }
        self.log.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
        if let Some(result) = &self.job.result {
            writeln!(out, "result: {result}")?;
        }
        if let Some(error) = &self.job.error {
            writeln!(out, "error: {error}")?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Purged {
    state: JobState,
    purged: u64,
}

impl Answer for Purged {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "purged: {} {}", self.purged, self.state)
    }
}
