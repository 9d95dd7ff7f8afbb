//! Jobs: what was asked for, what is due, and asking for more.

use axum::Json;
use axum::extract::State;
use marabet_jobs::{Counts, JobState, JobView, JobsError, NewJob, Priority, Upcoming};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::App;
use crate::extract::{self, Named, NoParams, Params};
use crate::page::limit;
use crate::problem::Problem;

/// Which jobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// In this state alone.
    state: Option<JobState>,
    /// Of this queue alone.
    queue: Option<String>,
    /// Most rows.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
}

/// The jobs of the queues.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Jobs {
    /// How many stand where.
    counts: Counts,
    /// Those that run first, then those that come, those given up, those that ended.
    items: Vec<JobView>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(filter): Params<Filter>,
) -> Result<Json<Jobs>, Problem> {
    let limit = limit(filter.limit)?;
    let queue = filter.queue.as_deref();
    let states = match filter.state {
        Some(state) => vec![state],
        None => vec![JobState::Running, JobState::Queued, JobState::Waiting, JobState::Dead],
    };
    let mut items = Vec::new();
    for state in states {
        items.extend(app.queues.list(state, queue).await?);
    }
    if filter.state.is_none() {
        for (_, id) in app.queues.ended(None, limit).await?.into_iter().rev() {
            match app.queues.job(&id).await {
                Ok(job) if job.state != JobState::Dead && job.state.is_end() => items.push(job),
                // It was retried, or is forgotten.
                Ok(_) | Err(JobsError::NoJob(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        items.retain(|job| queue.is_none_or(|queue| job.queue == queue));
    }
    items.truncate(limit);
    Ok(Json(Jobs { counts: app.queues.counts().await?, items }))
}

/// A job, with what it wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct JobPage {
    /// How it stands.
    job: JobView,
    /// The last lines that it wrote.
    log: Vec<String>,
}

pub(crate) async fn one(
    State(app): State<App>,
    Named(id): Named<String>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<JobPage>, Problem> {
    let job = app.queues.job(&id).await?;
    Ok(Json(JobPage { job, log: app.queues.log_of(&id).await? }))
}

/// What is due when, and what can be asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Schedule {
    /// The plans, with their last time and their next.
    plans: Vec<Upcoming>,
    /// Every kind of job.
    kinds: Vec<Kind>,
}

/// A kind of job.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Kind {
    /// Its name.
    kind: &'static str,
    /// Its queue.
    queue: &'static str,
    /// What it does.
    about: &'static str,
}

pub(crate) async fn schedule(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Schedule>, Problem> {
    let office = app.office()?;
    let kinds = office.registry.iter().map(|job| Kind {
        kind: job.kind(),
        queue: job.rules().queue,
        about: job.about(),
    });
    Ok(Json(Schedule { kinds: kinds.collect(), plans: office.scheduler.upcoming().await? }))
}

/// A job to be run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// What kind of job.
    kind: String,
    /// Its arguments.
    #[serde(default)]
    args: Map<String, Value>,
}

pub(crate) async fn run(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    extract::Json(Asked { kind, args }): extract::Json<Asked>,
) -> Result<Json<JobView>, Problem> {
    let office = app.office()?;
    let unknown = |error: marabet_jobs::Unknown| Problem::not_found(error.to_string());
    let job = NewJob::of(&**office.registry.get(&kind).map_err(unknown)?, args.into());
    let id = app.queues.enqueue(&job.at(Priority::High)).await?;
    tracing::info!(kind, id, "a job was asked for");
    Ok(Json(app.queues.job(&id).await?))
}

pub(crate) async fn retry(
    State(app): State<App>,
    Named(id): Named<String>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<JobView>, Problem> {
    app.queues.retry(&id).await?;
    tracing::info!(id, "a job was retried");
    Ok(Json(app.queues.job(&id).await?))
}

pub(crate) async fn cancel(
    State(app): State<App>,
    Named(id): Named<String>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<JobView>, Problem> {
    app.queues.cancel(&id).await?;
    tracing::info!(id, "a job was cancelled");
    Ok(Json(app.queues.job(&id).await?))
}
