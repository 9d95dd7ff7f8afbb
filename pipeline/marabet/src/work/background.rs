//! What goes on beside the line: the worker, the scheduler, the history of jobs.

use std::time::Duration;

use anyhow::Context;
use marabet_jobs::{JobState, JobView, JobsError, Worker, WorkerOptions};
use marabet_ledger::records::JobRecord;
use marabet_streams::{Shutdown, ShutdownTrigger};
use tokio::task::JoinSet;

use super::{Desk, registry};

/// How often jobs that ended are copied into the ledger.
const COPY_EVERY: Duration = Duration::from_millis(500);
/// How often the scheduler looks at its clock: often, for a clock that runs fast.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Tasks that run until they are asked to end.
pub(crate) struct Background {
    tasks: JoinSet<anyhow::Result<()>>,
    trigger: ShutdownTrigger,
}

impl Background {
    /// Starts them.
    pub(crate) fn start(desk: &Desk) -> anyhow::Result<Self> {
        let (trigger, shutdown) = ShutdownTrigger::new();
        let mut tasks = JoinSet::new();
        let queues = desk.config.jobs.queues.clone().into_iter().collect();
        let options = WorkerOptions { queues, ..WorkerOptions::default() };
        let worker = Worker::new(&desk.queues, registry(desk), options);
        let scheduler = desk.scheduler()?.looking_every(LOOK_EVERY);
        let stop = shutdown.clone();
        tasks.spawn(async move { worker.run(stop).await.context("the worker") });
        let stop = shutdown.clone();
        tasks.spawn(async move { scheduler.run(stop).await.context("the scheduler") });
        let desk = desk.clone();
        tasks
            .spawn(async move { copy_history(&desk, shutdown).await.context("the jobs' history") });
        Ok(Self { tasks, trigger })
    }

    /// Returns when one of them fails.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a task in the background")??;
        }
        std::future::pending().await
    }

    /// Asks them to end, and waits until they have.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.trigger.ask();
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a task in the background")??;
        }
        Ok(())
    }
}

/// Copies jobs that ended into the ledger. The list of those is as long as a week of jobs; to
/// copy one twice changes nothing, so a new process begins at the list's beginning.
async fn copy_history(desk: &Desk, mut shutdown: Shutdown) -> anyhow::Result<()> {
    let mut after = Some(marabet_schemas::EntryId::default());
    loop {
        let asked = shutdown.unless_asked(tokio::time::sleep(COPY_EVERY)).await.is_none();
        let ended = match desk.queues.ended(after, 200).await {
            Ok(ended) => ended,
            Err(error) if error.is_transient() => continue,
            Err(error) => return Err(error.into()),
        };
        let mut records = Vec::with_capacity(ended.len());
        for (_, id) in &ended {
            match desk.queues.job(id).await {
                Ok(job) => {
                    if job.state == JobState::Dead {
                        let why = job.error.as_deref().unwrap_or_default();
                        desk.alert(&format!("job {}", job.kind), why).await;
                    }
                    records.push(record(job));
                }
                Err(JobsError::NoJob(_)) => {}
                Err(error) => tracing::warn!("a job's history is not copied: {error}"),
            }
        }
        match desk.ledger.put_jobs(&records).await {
            Ok(()) => after = ended.last().map(|(entry, _)| *entry).or(after),
            Err(error) => tracing::warn!("the jobs' history waits: {error}"),
        }
        if asked {
            return Ok(());
        }
    }
}

fn record(job: JobView) -> JobRecord {
    JobRecord {
        id: job.id,
        kind: job.kind,
        queue: job.queue,
        state: job.state.to_string(),
        attempt: job.attempt,
        enqueued_at: job.enqueued_at,
        started_at: job.started_at,
        ended_at: job.ended_at,
        args: job.args,
        result: job.result,
        error: job.error,
    }
}
