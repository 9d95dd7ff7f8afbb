//! `marabet run`: stages over the log of the configuration, and a source into it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use marabet_archive::{Archive, ArchiverOptions, GROUP};
use marabet_ingest::clock::WallClock as SourceClock;
use marabet_ingest::football_data::upcoming::{Upcoming, UpcomingSettings};
use marabet_ingest::ndjson::{NdjsonFile, NdjsonPipe};
use marabet_ingest::paced::Paced;
use marabet_ingest::{Rejects, SourceError};
use marabet_notify::clock::{Clock, EventClock, WallClock};
use marabet_schemas::{Competition, Event, Source as SourceName};
use marabet_streams::{Log, Shutdown, Stream, TrimOptions, run_trim};
use marabet_web::clock::Clock as FaceClock;

use super::asked_to_end;
use crate::cli::{RunArgs, Speed, StageName};
use crate::config::Config;
use crate::line::alerts::{self, Alerts};
use crate::line::feeder::Feeder;
use crate::line::stages::{Part, Stages};
use crate::line::{faces, open, past, restart};
use crate::sources::{self, Opening, Setup};
use crate::work::Beside;

pub(super) async fn execute(arguments: &RunArgs, config: &Config) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let ran = run(&opened.log, arguments, config).await;
    opened.close().await?;
    ran
}

async fn run(log: &Log, arguments: &RunArgs, config: &Config) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> =
        if arguments.event_time { Arc::new(EventClock) } else { Arc::new(WallClock) };
    let mut part = Part {
        stages: arguments.stages.clone(),
        partitions: arguments.partitions.clone(),
        clock,
        alerts: Alerts::default(),
        archive: Some(archiving(arguments, config)?),
        // What standard input has said cannot be asked for again.
        on_stuck: restart::on_stuck(!arguments.stdin),
        ledger: None,
        follows_sources: follows_sources(arguments, config),
    };
    // Nobody else tells anything, or needs the secrets for it.
    if part.runs(StageName::Notify) || part.runs(StageName::Jobs) {
        part.alerts = alerts::channels(&config.notify)?;
    }
    if part.runs(StageName::Ledger) || part.runs(StageName::Jobs) {
        part.ledger = Some(open::ledger(config).await?);
    }
    let mut stages = Stages::start(log, &part);
    show(log, &mut stages, arguments, config).await?;
    let mut beside = Beside::start(log, arguments.event_time, config, &part, &stages)?;
    let done = tokio::select! {
        done = work(log, arguments, config) => done.map(|()| true),
        trimmed = trim(log, config), if part.runs(StageName::Archive) => trimmed.map(|()| false),
        ended = stages.ended(), if stages.any() => ended.map(|()| false),
        ended = beside.ended() => ended.map(|()| false),
        asked = asked_to_end() => asked.map(|()| false),
    };
    if done? && arguments.until_done {
        stages.caught_up().await?;
        stages.archived().await?;
        beside.finish().await?;
    }
    beside.stop().await?;
    stages.stop().await
}

/// Where and how the log is archived.
fn archiving(arguments: &RunArgs, config: &Config) -> anyhow::Result<(Archive, ArchiverOptions)> {
    let age_s = if arguments.until_done { 1 } else { config.archive.file_age_s };
    let age_max = Duration::from_secs(age_s.into());
    let options = ArchiverOptions { age_max, ..ArchiverOptions::default() };
    Ok((Archive::at(&config.archive_location())?, options))
}

/// Drops from the log what is archived and older than it keeps, until the process ends. Without
/// an archive nothing is dropped.
async fn trim(log: &Log, config: &Config) -> anyhow::Result<()> {
    let required = Stream::ALL.map(|stream| (stream, GROUP.to_owned())).into();
    let retention = Duration::from_secs(u64::from(config.archive.log_keeps_h) * 3_600);
    let options = TrimOptions { retention, required, ..TrimOptions::default() };
    Ok(run_trim(log, &options, Shutdown::never()).await?)
}

/// Shows the dashboard where it is asked for, or where the whole line runs on; and the metrics.
async fn show(
    log: &Log,
    stages: &mut Stages,
    arguments: &RunArgs,
    config: &Config,
) -> anyhow::Result<()> {
    faces::metrics(log, stages, config);
    let clock = if arguments.event_time { FaceClock::Event } else { FaceClock::Wall };
    let shown = if arguments.stages.contains(&StageName::Web) {
        Some(faces::dashboard(log, stages, config, clock).await?)
    } else if arguments.stages.is_empty() && !arguments.until_done {
        faces::dashboard_if_free(log, stages, config, clock).await?
    } else {
        None
    };
    if let Some(address) = shown {
        faces::tell(address);
    }
    Ok(())
}

/// Whether facts are fed here.
fn ingests(arguments: &RunArgs) -> bool {
    arguments.stages.is_empty() || arguments.stages.contains(&StageName::Ingest)
}

/// Whether the sources of the configuration are followed here, so that nobody else need look.
fn follows_sources(arguments: &RunArgs, config: &Config) -> bool {
    let another = arguments.stdin || arguments.upcoming || arguments.events.is_some();
    ingests(arguments) && !another && !(config.sources.is_empty() && arguments.sources.is_empty())
}

/// Feeds what there is to feed; returns at the source's end where the run ends with it.
async fn work(log: &Log, arguments: &RunArgs, config: &Config) -> anyhow::Result<()> {
    if ingests(arguments)
        && let Some(opening) = source(log, arguments, config).await?
    {
        feed(log, paced(opening, arguments.speed)?, arguments.stdin, config).await?;
    }
    if !arguments.until_done {
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// The source that the arguments name, or those of the configuration.
async fn source(
    log: &Log,
    arguments: &RunArgs,
    config: &Config,
) -> anyhow::Result<Option<Opening>> {
    if arguments.stdin {
        return Ok(Some(Opening { source: Box::new(NdjsonPipe::stdin()), recorded: false }));
    }
    if arguments.upcoming {
        let source = Box::new(upcoming(log, arguments, config).await?);
        return Ok(Some(Opening { source, recorded: false }));
    }
    if let Some(path) = &arguments.events {
        let source = Box::new(NdjsonFile::open(SourceName::new("events"), path)?);
        return Ok(Some(Opening { source, recorded: true }));
    }
    if config.sources.is_empty() && arguments.sources.is_empty() {
        return Ok(None);
    }
    let setup = Setup {
        tables: arguments.sources.clone(),
        record: arguments.record.clone(),
        replay: arguments.replay.clone(),
    };
    sources::open(config, &setup, &facts_before(log, config).await?)
}

/// A source that was recorded, at the speed that is asked for.
fn paced(opening: Opening, speed: Speed) -> anyhow::Result<Opening> {
    match speed.times() {
        None => Ok(opening),
        Some(_) if !opening.recorded => {
            bail!(
                "--speed is for what is read from its beginning; what is live comes when it comes"
            )
        }
        Some(times) => {
            Ok(Opening { source: Box::new(Paced::new(opening.source, times)), ..opening })
        }
    }
}

/// What was known before this process began.
async fn facts_before(log: &Log, config: &Config) -> anyhow::Result<Vec<Event>> {
    past::facts(log, &Archive::at(&config.archive_location())?).await
}

/// The poller of coming matches, knowing what the log holds, so that a restart repeats nothing.
async fn upcoming(log: &Log, arguments: &RunArgs, config: &Config) -> anyhow::Result<Upcoming> {
    let competitions = arguments.leagues.iter().map(Competition::new).collect();
    let settings = UpcomingSettings { competitions, ..UpcomingSettings::default() };
    let mut upcoming = Upcoming::new(settings, Arc::new(SourceClock));
    for event in facts_before(log, config).await? {
        upcoming.observe(&event);
    }
    Ok(upcoming)
}

/// Feeds what a source has until it ends. Where its end is an acknowledgement to whoever wrote it,
/// `is_awaited`, that end waits until all of it is durable.
async fn feed(
    log: &Log,
    opening: Opening,
    is_awaited: bool,
    config: &Config,
) -> anyhow::Result<()> {
    let Opening { mut source, recorded } = opening;
    let (path, mut rejects) = sources::rejects(&config.log.folder)?;
    let mut feeder = Feeder::open(log, source.name(), config).await?;
    let before = facts_before(log, config).await?;
    feeder.publish_rules(&config.rules(), open::now(), &before).await?;
    if recorded {
        feeder.number_facts();
    } else {
        feeder.learn(&before);
    }
    drop(before);
    loop {
        match source.next().await {
            Ok(Some(batch)) => {
                for reject in batch.rejects {
                    tracing::warn!("{reject}");
                    rejects.reject(reject);
                }
                for event in batch.events {
                    feeder.fact(event).await?;
                }
                feeder.send().await?;
            }
            Ok(None) => break,
            Err(SourceError::Transient { reason, retry_after_ms }) => {
                tracing::warn!(source = %source.name(), "{reason}; trying again");
                let wait = retry_after_ms.unwrap_or(5_000).min(600_000);
                tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    feeder.flush().await?;
    if is_awaited {
        feeder.flush_durable().await?;
    }
    let counts = rejects.finish()?;
    let total = counts.rows_total() + counts.cells_total();
    if total > 0 {
        tracing::warn!("{total} rejects are kept in {}", path.display());
    }
    let asked = sources::names(&config.log.folder)?.questions().len();
    if asked > 0 {
        tracing::warn!(
            "{asked} names of sides wait for an answer, and the facts about them with them: \
             `marabet names review`"
        );
    }
    Ok(())
}
