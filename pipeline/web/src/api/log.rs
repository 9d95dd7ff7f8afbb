//! How the pipeline is doing: streams, stages, cache.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use marabet_stage::CacheClass;
use marabet_streams::histogram::Histogram;
use marabet_streams::{Condition, StageMetrics};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::extract::{NoParams, Params};
use crate::metrics::CACHE_CLASSES;
use crate::problem::Problem;

pub(crate) async fn streams(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let status = app.status().await?;
    Ok(Json(status.as_ref()).into_response())
}

/// What this process did.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Stages {
    /// The process, as the leases name it.
    process: String,
    /// What the feed waits for, if it does.
    feed_waits_for: Option<String>,
    /// Events appended to the feed by this process.
    fed: u64,
    /// The stages that ran here.
    stages: BTreeMap<String, StageRow>,
    /// Those who watch for bets now.
    watchers: u64,
}

/// What a stage did in this process.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StageRow {
    /// Events applied.
    events: u64,
    /// Frames committed.
    frames: u64,
    /// Events derived.
    derived: u64,
    /// Dead letters written.
    dead: u64,
    /// How long a commit takes.
    commit: Quantiles,
    /// From the feed to the commit of what followed.
    latency: Quantiles,
    /// How it is doing, by partition.
    conditions: BTreeMap<u16, String>,
}

/// Quantiles of durations, in milliseconds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Quantiles {
    /// How many were measured.
    count: u64,
    /// The median.
    p50_ms: f64,
    /// 99 of 100 are shorter.
    p99_ms: f64,
    /// The longest.
    max_ms: f64,
}

impl From<&Histogram> for Quantiles {
    fn from(histogram: &Histogram) -> Self {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        Self {
            count: histogram.count(),
            p50_ms: ms(histogram.quantile(0.5)),
            p99_ms: ms(histogram.quantile(0.99)),
            max_ms: ms(histogram.max()),
        }
    }
}

impl From<&StageMetrics> for StageRow {
    fn from(metrics: &StageMetrics) -> Self {
        let conditions = metrics.conditions();
        Self {
            events: metrics.events.get(),
            frames: metrics.frames.get(),
            derived: metrics.derived.get(),
            dead: metrics.dead.get(),
            commit: (&metrics.commit_time).into(),
            latency: (&metrics.latency).into(),
            conditions: conditions.into_iter().map(|(at, one)| (at, condition(&one))).collect(),
        }
    }
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Elsewhere { owner } => format!("run by {owner}"),
        Condition::Loading => "loading".to_owned(),
        Condition::Running => "running".to_owned(),
        Condition::Away { reason } => format!("redis is away: {reason}"),
        Condition::Newer { reason } => format!("waits for a newer program: {reason}"),
        Condition::Missing { reason } => format!("waits: {reason}"),
        Condition::Ended => "ended".to_owned(),
        Condition::Failed { reason } => format!("failed: {reason}"),
    }
}

pub(crate) async fn stages(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Stages>, Problem> {
    let metrics = app.log.metrics();
    let stages = metrics.stages();
    Ok(Json(Stages {
        process: app.log.owner().to_owned(),
        feed_waits_for: metrics.feed.waits_for(),
        fed: metrics.feed.events.get(),
        stages: stages.iter().map(|(name, one)| (name.clone(), one.as_ref().into())).collect(),
        watchers: app.live.watchers() as u64,
    }))
}

/// Cached views, as this process asked for them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Cache {
    /// By class of view.
    classes: BTreeMap<&'static str, CacheRow>,
}

/// One class of views.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CacheRow {
    /// Times that a view was there.
    hits: u64,
    /// Times that it was not.
    misses: u64,
    /// Hits among all; null while nothing was asked for.
    hit_rate: Option<f64>,
    /// How long a view is kept after its last change, in seconds.
    ttl_s: u64,
}

pub(crate) async fn cache(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Cache>, Problem> {
    let row = |class: CacheClass| {
        let (hits, misses) =
            (app.log.cache_stats().hits(class), app.log.cache_stats().misses(class));
        let all = hits + misses;
        let hit_rate = (all > 0).then(|| hits as f64 / all as f64);
        CacheRow { hits, misses, hit_rate, ttl_s: app.log.cache_ttl().of(class).as_secs() }
    };
    let classes = CACHE_CLASSES.map(|(name, class)| (name, row(class)));
    Ok(Json(Cache { classes: classes.into() }))
}
