//! `marabet demo`: a season through the whole line, as fast as it goes.
//!
//! Time is the season's own: the driver trains a model at each boundary of event time and
//! publishes it before the quotes that it prices, so that two runs give the same bets.

mod feed;
mod fetched;
mod folder;
mod report;
mod screen;
mod season;
mod verify;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use marabet_archive::{Archive, ArchiverOptions};
use marabet_notify::clock::EventClock;
use marabet_schemas::strategy::{FairSource, Strategy};
use marabet_schemas::{Body, StrategyName};
use marabet_streams::{Log, Stream, clock, watchdog};
use marabet_web::clock::Clock as FaceClock;

use crate::cli::{DemoArgs, Global};
use crate::command::{Asked, asked_to_end, configuration};
use crate::config::Config;
use crate::failure::Interrupted;
use crate::line::alerts::Alerts;
use crate::line::stages::{Part, Stages};
use crate::line::{faces, open, readback};
use crate::output::say;
use crate::summary::{canonical, summarise};
use crate::work::Beside;
use report::Report;
use screen::Screen;
use season::Season;

pub(crate) async fn execute(arguments: &DemoArgs, global: &Global) -> anyhow::Result<()> {
    if let Some(file) = &arguments.write {
        return say(&written::write(file, arguments, global.json).await?, global.json);
    }
    let config = demo_config(arguments, configuration(global)?)?;
    folder::make_anew(&arguments.folder)?;
    let season = season::find(arguments, global.json).await?;
    let shown = async {
        let opened = open::log(&config).await?;
        let shown = show(&opened.log, &config, &season, arguments, global.json).await;
        opened.close().await?;
        shown
    };
    // An open dashboard ends in an order of its own.
    if arguments.serve { shown.await } else { unless_interrupted(shown).await }
}

/// What the work yields. Where a person interrupts it, it is dropped, so that what it has started
/// ends too.
async fn unless_interrupted<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let asked = Asked::listen()?;
    tokio::select! {
        done = work => done,
        () = asked.heard() => Err(Interrupted.into()),
    }
}

/// Streams the season and tells how it went, the dashboard open meanwhile where it is asked for.
async fn show(
    log: &Log,
    config: &Config,
    season: &Season,
    arguments: &DemoArgs,
    json: bool,
) -> anyhow::Result<()> {
    if !arguments.serve {
        return say(&stream(log, config, season, arguments, json).await?, json);
    }
    // What a person posts, retries or asks for goes through the line too, so that it goes on.
    let ledger = Some(open::ledger(config).await?);
    let part = Part { ledger, ..part(config, Arc::new(Screen::new(false, true)))? };
    let mut dashboard = Stages::none(log);
    let address = faces::dashboard(log, &mut dashboard, config, FaceClock::Event).await?;
    faces::tell(address);
    let report = unless_interrupted(stream(log, config, season, arguments, json)).await?;
    say(&report, json)?;
    let stages = Stages::start(log, &part);
    let beside = Beside::start(log, true, config, &part, &stages)?;
    faces::tell(address);
    asked_to_end().await?;
    beside.stop().await?;
    stages.stop().await?;
    dashboard.stop().await
}

/// The whole line, by the events' own time, telling on this screen.
fn part(config: &Config, screen: Arc<Screen>) -> anyhow::Result<Part> {
    Ok(Part {
        stages: Vec::new(),
        partitions: Vec::new(),
        clock: Arc::new(EventClock),
        alerts: Alerts::through(screen),
        archive: Some((Archive::at(&config.archive_location())?, archiver_options())),
        ledger: None,
        follows_sources: false,
        on_stuck: watchdog::end_process(),
    })
}

/// The demo ends when all is archived, so no file waits for long.
fn archiver_options() -> ArchiverOptions {
    ArchiverOptions { age_max: Duration::from_millis(500), ..ArchiverOptions::default() }
}

/// The configuration of the demo: a log of its own, and the strategies `sharp` and `model` side
/// by side where the configuration has no other.
fn demo_config(arguments: &DemoArgs, mut config: Config) -> anyhow::Result<Config> {
    config.log.redis_url = None;
    config.log.folder.clone_from(&arguments.folder);
    config.archive.location = None;
    config.ledger.url = None;
    if config.strategies == Config::default().strategies {
        config.strategies = strategies(&config);
    }
    Ok(config)
}

fn strategies(config: &Config) -> BTreeMap<StrategyName, Strategy> {
    let mut strategies = config.strategies.clone();
    // The site collects prices twice a week, so that none is fresher than days.
    let days = 4 * 86_400;
    let model = Strategy { fair: FairSource::Model, ev_min: 0.05, ..Strategy::default() };
    strategies.insert(StrategyName::new("model"), model);
    strategies.values_mut().for_each(|strategy| strategy.max_age_s = days);
    strategies
}

async fn stream(
    log: &Log,
    config: &Config,
    season: &Season,
    arguments: &DemoArgs,
    json: bool,
) -> anyhow::Result<Report> {
    let screen = Arc::new(Screen::new(arguments.all, json));
    let mut stages = Stages::start(log, &part(config, screen.clone())?);
    let began = clock::moment();
    feed::feed(log, config, season, &screen).await?;
    stages.caught_up().await?;
    let seconds = began.elapsed().as_secs_f64();
    stages.archived().await?;
    stages.stop().await?;
    screen.finish();

    let streams = readback::streams(log).await?;
    let summary = summarise(&streams, &config.closing);
    let grants = readback::events(log, Stream::Grants).await?;
    let example = canonical(&streams.bets).into_iter().find_map(|event| match &event.body {
        Body::ValueBet(bet) => Some(bet.bet.to_string()),
        _ => None,
    });
    Ok(Report {
        season: season.name.clone(),
        origin: season.origin,
        rejects: season.rejects,
        dead: verify::dead(log).await?,
        quotes_per_s: summary.quotes as f64 / seconds,
        seconds,
        latency_ms: log.metrics().stage("detect").as_ref().into(),
        grants: grants.iter().filter(|event| matches!(event.body, Body::Grant(_))).count() as u64,
        replay_differences: verify::replay_differences(log, &streams).await?,
        folder: arguments.folder.display().to_string(),
        example_bet: example,
        summary,
    })
}
