//! Back through Redis, into a namespace beside the live one: the same stages, as live runs them.

use std::sync::Arc;

use anyhow::bail;
use marabet_archive::{Days, Holding};
use marabet_notify::clock::EventClock;
use marabet_schemas::{Body, Event, Source};
use marabet_streams::{FeedOptions, FeedWriter, Log, LogOptions, Namespace, Stream, watchdog};

use super::drive::{self, Plan, Replayed};
use crate::cli::StageName;
use crate::config::Config;
use crate::line::alerts::Alerts;
use crate::line::stages::{Part, Stages};
use crate::line::{open, readback};

/// Replays an archive through Redis. What is compared is what the stages derive there beside what
/// they derive in process, which in turn is compared with what was archived live.
pub(super) fn replay(
    plan: &Plan<'_>,
    namespace: &str,
    config: &Config,
) -> anyhow::Result<Replayed> {
    if namespace == config.log.prefix {
        bail!("--into `{namespace}` is the live log's own namespace; choose another name");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let derived = runtime.block_on(async {
        let opened = open::log(config).await?;
        let partitions = plan.archive.existing()?.partitions;
        let names = Namespace::new(namespace, partitions)?;
        let log = Log::open(&opened.url(), names, LogOptions::default()).await;
        let derived = match log {
            Ok(log) => through(&log, plan, namespace).await,
            Err(error) => Err(error.into()),
        };
        opened.close().await?;
        derived
    })?;
    let mut replayed = drive::replay(plan)?;
    replayed.differences.shadow(&derived, &replayed.bets, plan.choice);
    Ok(replayed)
}

/// Feeds the namespace and returns what `detect` derives in it.
async fn through(log: &Log, plan: &Plan<'_>, namespace: &str) -> anyhow::Result<Vec<Event>> {
    for partition in 0..log.namespace().partitions() {
        if log.last_id(Stream::Feed, partition).await? != Default::default() {
            bail!("namespace `{namespace}` holds a log already; choose another name");
        }
    }
    let part = Part {
        stages: vec![StageName::Predict, StageName::Detect, StageName::Portfolio],
        partitions: Vec::new(),
        clock: Arc::new(EventClock),
        alerts: Alerts::default(),
        ledger: None,
        follows_sources: false,
        archive: None,
        on_stuck: watchdog::end_process(),
    };
    let mut stages = Stages::start(log, &part);
    let fed = feed(log, plan).await;
    if fed.is_ok() {
        stages.caught_up().await?;
    }
    stages.stop().await?;
    fed?;
    Ok(readback::events(log, Stream::Bets).await?)
}

async fn feed(log: &Log, plan: &Plan<'_>) -> anyhow::Result<()> {
    /// Facts that are appended at once.
    const GATHERED_MAX: usize = 256;
    let source = Source::new("replay");
    let writer = FeedWriter::open(log, &source, FeedOptions::default()).await?;
    let mut gathered = Vec::with_capacity(GATHERED_MAX);
    let mut pace = plan.speed.map(drive::Pace::at);
    let mut begun = false;
    for event in plan.archive.events_in_time(&Holding::Stream(Stream::Feed), &Days::ALL)? {
        let mut event = event?;
        if !std::mem::replace(&mut begun, true) && !matches!(event.body, Body::ConfigPublished(_)) {
            gathered.push(drive::rules_of_configuration(plan, event.at)?);
        }
        if !plan.choice.takes(event.key.as_ref()) || !plan.choice.is_before_end(event.at) {
            continue;
        }
        plan.overrides.apply(&mut event)?;
        if let Body::ModelPublished(model) = &event.body {
            log.put_artefact(&plan.archive.artefact(&model.hash)?).await?;
        }
        if let Some(pace) = &mut pace {
            tokio::time::sleep(pace.until(event.at.micros())).await;
        }
        gathered.push(event);
        if gathered.len() >= GATHERED_MAX || pace.is_some() {
            writer.append(&gathered).await?;
            gathered.clear();
        }
    }
    writer.append(&gathered).await?;
    writer.flush().await?;
    writer.close().await?;
    Ok(())
}
