//! `collect`: one look at the sources that are set up: odds, statistics, live scores, teams.
//!
//! For processes that run jobs and follow no source. Where a process follows them all the time,
//! as `marabet run` does, there is nothing left to collect. Sources stay open between the looks:
//! each keeps to its own pace and budget, however often it is looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use marabet_ingest::look::{LookLimits, Seen, look};
use marabet_ingest::names::Names;
use marabet_ingest::precedence::Precedence;
use marabet_ingest::{Rejects, Source, SourceError};
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_schemas::{Competition, Event, Source as SourceName};
use marabet_streams::Stream;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Desk, again};
use crate::config::{Config, FootballDataConfig};
use crate::line::feeder::Feeder;
use crate::line::stages::SOURCES;
use crate::sources::{self, LOOKS, Setup};

/// Most rejects that are named in a job's log; the file of rejects has them all.
const NAMED_MAX: usize = 20;

pub(super) struct Collect {
    desk: Desk,
    /// None before the first look, and after one that failed on its way into the log: then what
    /// the log has says again what is news.
    open: Mutex<Option<Open>>,
}

/// Sources that stay open between looks.
struct Open {
    names: Names,
    precedence: Precedence,
    /// By table.
    sources: BTreeMap<String, Box<dyn Source>>,
}

/// What became of a source.
#[derive(Debug, Default, Serialize)]
struct Told {
    events: usize,
    rejects: usize,
    fault: Option<String>,
}

impl Collect {
    pub(super) fn new(desk: &Desk) -> Self {
        Self { desk: desk.clone(), open: Mutex::default() }
    }
}

#[async_trait]
impl Job for Collect {
    fn kind(&self) -> &'static str {
        "collect"
    }

    fn about(&self) -> &'static str {
        "Look once at the sources that are set up (arguments: what, of odds, stats, live, teams; leagues)"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("data")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let what: Vec<String> = run.args::<Option<_>>("what")?.unwrap_or_default();
        if let Some(unknown) = what.iter().find(|one| !LOOKS.contains(&&***one)) {
            let known = LOOKS.join(", ");
            let text = format!("`{unknown}` cannot be collected; `what` may be {known}");
            return Err(JobError::Refused(text));
        }
        let processes = self.desk.log.processes().await.map_err(again)?;
        if let Some(one) = processes.iter().find(|one| one.runs.iter().any(|it| it == SOURCES)) {
            let why = format!("{} follows the sources all the time", one.name);
            return Ok(json!({ "collected": 0, "why": why }));
        }
        let config = self.config(run)?;
        let tables = sources::looked_at(sources::set_up_tables(&config.sources), &what);
        if tables.is_empty() {
            let why = "no source that can be looked at is set up; see `marabet sources list`";
            return Ok(json!({ "collected": 0, "why": why }));
        }
        let limits = match run.args::<Option<u64>>("quiet_s")? {
            Some(seconds) => {
                LookLimits { quiet: Duration::from_secs(seconds), ..LookLimits::default() }
            }
            None => LookLimits::default(),
        };
        let mut kept = self.open.lock().await;
        let mut open = match kept.take() {
            Some(open) => open,
            None => self.begin(&config).map_err(again)?,
        };
        let sources = self.taken(&mut open, &tables, &config).await.map_err(again)?;
        let (tables, sources): (Vec<String>, Vec<_>) = sources.into_iter().unzip();
        let names = sources.iter().map(|source| source.name().clone());
        let table_of: BTreeMap<SourceName, String> = names.zip(tables).collect();
        run.progress(0.1);
        let seen = look(sources, limits).await;
        run.progress(0.8);
        let (told, facts) = self.sorted(run, &mut open, seen, &table_of).await?;
        self.append(facts).await.map_err(again)?;
        *kept = Some(open);
        drop(kept);
        answer(&told)
    }
}

impl Collect {
    /// The configuration, with the leagues that the arguments name of football-data.co.uk.
    fn config(&self, run: &Run) -> Result<Config, JobError> {
        let leagues: Vec<String> = run.args::<Option<_>>("leagues")?.unwrap_or_default();
        let mut config = Config::clone(&self.desk.config);
        if !leagues.is_empty() {
            let competitions = leagues.iter().map(Competition::new).collect();
            config.sources.football_data = Some(FootballDataConfig { competitions });
        }
        Ok(config)
    }

    fn begin(&self, config: &Config) -> anyhow::Result<Open> {
        let names = sources::names(&config.log.folder)?;
        Ok(Open { names, precedence: sources::precedence(config), sources: BTreeMap::new() })
    }

    /// Takes these sources out, and opens those that are not open yet.
    async fn taken(
        &self,
        open: &mut Open,
        tables: &[String],
        config: &Config,
    ) -> anyhow::Result<Vec<(String, Box<dyn Source>)>> {
        let mut history: Option<Vec<Event>> = None;
        let mut taken = Vec::with_capacity(tables.len());
        for table in tables {
            let source = match open.sources.remove(table) {
                Some(source) => source,
                None => {
                    if history.is_none() {
                        let mut all = Vec::new();
                        self.desk.each(Stream::Feed, |event| all.push(event)).await?;
                        all.iter().for_each(|event| open.names.observe(event));
                        history = Some(all);
                    }
                    let before = history.as_deref().unwrap_or_default();
                    sources::set_up(table, config, &Setup::default(), &open.names, before)
                        .with_context(|| format!("[sources.{table}]"))?
                }
            };
            taken.push((table.clone(), source));
        }
        Ok(taken)
    }

    /// Puts the sources back, keeps what cannot be used, and returns the facts.
    async fn sorted(
        &self,
        run: &Run,
        open: &mut Open,
        seen: Vec<Seen>,
        table_of: &BTreeMap<SourceName, String>,
    ) -> Result<(BTreeMap<String, Told>, Vec<Event>), JobError> {
        let (_, mut file) = sources::rejects(&self.desk.config.log.folder).map_err(again)?;
        let (mut told, mut facts, mut named) = (BTreeMap::new(), Vec::new(), 0);
        for Seen { source, batch, fault } in seen {
            let name = source.name().to_string();
            if let Some(fault) = &fault {
                run.log(format!("{name}: {fault}")).await;
            }
            for reject in &batch.rejects {
                if named < NAMED_MAX {
                    run.log(reject.to_string()).await;
                }
                named += 1;
            }
            let one = Told {
                events: batch.events.len(),
                rejects: batch.rejects.len(),
                fault: fault.as_ref().map(ToString::to_string),
            };
            told.insert(name, one);
            batch.rejects.into_iter().for_each(|reject| file.reject(reject));
            for event in batch.events {
                open.names.observe(&event);
                facts.extend(open.precedence.pass(event));
            }
            let table = table_of.get(source.name()).cloned();
            // One that will not be better by itself is opened anew, with whatever was mended.
            if let (Some(table), false) =
                (table, matches!(fault, Some(SourceError::Permanent { .. })))
            {
                open.sources.insert(table, source);
            }
        }
        file.finish().map_err(again)?;
        Ok((told, facts))
    }

    async fn append(&self, facts: Vec<Event>) -> anyhow::Result<()> {
        if facts.is_empty() {
            return Ok(());
        }
        let Desk { log, config, .. } = &self.desk;
        let mut feeder = Feeder::open(log, &SourceName::new("collect"), config).await?;
        for fact in facts {
            feeder.fact_as_it_is(fact).await?;
        }
        feeder.flush().await
    }
}

/// A job has failed where none of its sources could be asked.
fn answer(told: &BTreeMap<String, Told>) -> Result<Value, JobError> {
    let collected: usize = told.values().map(|one| one.events).sum();
    let faults: Vec<&str> = told.values().filter_map(|one| one.fault.as_deref()).collect();
    if collected == 0 && faults.len() == told.len() && !told.is_empty() {
        return Err(JobError::Again(faults.join("; ")));
    }
    Ok(json!({ "collected": collected, "sources": told }))
}
