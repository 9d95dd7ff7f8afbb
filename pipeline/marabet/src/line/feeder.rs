//! Facts into the feed, with the models and the rules that come into force between them.

use std::time::Duration;

use marabet_ingest::football_data;
use marabet_predict::training::{Skipped, Trainer, TrainingOptions};
use marabet_quant::goals::FitOptions;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::strategy::Rules;
use marabet_schemas::{Body, Event, Instant, Source};
use marabet_streams::{FeedOptions, FeedWriter, Log, LogError};

use crate::config::{Config, TrainingConfig};

/// Facts that are gathered before they are appended, at most.
const GATHERED_MAX: usize = 256;
/// How often rules are published again where another process publishes them at the same time.
const PUBLISH_ATTEMPTS: u32 = 10;
/// After what time.
const PUBLISH_AGAIN: Duration = Duration::from_millis(100);

/// Appends facts in order. In event time it trains at each boundary, and publishes the model
/// before the facts that come after it.
pub(crate) struct Feeder {
    log: Log,
    writer: FeedWriter,
    trainer: Trainer,
    gathered: Vec<Event>,
    /// The position of the next event, where the source yields the same again after a restart.
    position: Option<u64>,
    /// Why competitions got no model, or matches were left out of one.
    pub(crate) skipped: Vec<Skipped>,
}

impl Feeder {
    /// A feeder for a source, whose trainer knows nothing yet.
    pub(crate) async fn open(log: &Log, source: &Source, config: &Config) -> anyhow::Result<Self> {
        let source_priority = config.log.source_priority.clone();
        let options = FeedOptions { source_priority, ..FeedOptions::default() };
        let training = &config.training;
        Ok(Self {
            log: log.clone(),
            writer: FeedWriter::open(log, source, options).await?,
            trainer: Trainer::new(training_options(training))?,
            gathered: Vec::with_capacity(GATHERED_MAX),
            position: None,
            skipped: Vec::new(),
        })
    }

    /// Numbers what follows from 0, for a source that is read from its beginning each time: what
    /// the log has of it already is passed over. The models that its facts bring are part of it.
    pub(crate) fn number_facts(&mut self) {
        self.position = Some(0);
    }

    /// Lets the trainer know what happened before.
    pub(crate) fn learn(&mut self, facts: &[Event]) {
        facts.iter().for_each(|fact| self.trainer.learn(fact));
    }

    /// Puts the rules in force from `at` on, unless they are in force already after what was known
    /// before. They are a source of their own, so that a change of theirs renumbers no fact; each
    /// stands at the position of its number, so that a partition that a kill left without them
    /// gets them, and no other twice.
    pub(crate) async fn publish_rules(
        &mut self,
        rules: &Rules,
        at: Instant,
        before: &[Event],
    ) -> anyhow::Result<()> {
        let published = before.iter().filter_map(|event| match &event.body {
            Body::ConfigPublished(published) => Some((event, published)),
            _ => None,
        });
        let last = published.max_by_key(|(_, published)| published.number);
        let number = last.map_or(0, |(_, last)| last.number) + 1;
        let fresh = ConfigPublished::new(number, rules.clone());
        let (number, event) = match last {
            Some((event, last)) if last.hash == fresh.hash => (last.number, event.clone()),
            _ => (number, Event::global(at, fresh)),
        };
        for attempt in 1.. {
            match self.publish(number, &event).await {
                // Another process that starts now says the same.
                Err(LogError::Fenced { .. }) if attempt < PUBLISH_ATTEMPTS => {
                    tokio::time::sleep(PUBLISH_AGAIN).await;
                }
                published => return Ok(published?),
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn publish(&self, number: u64, event: &Event) -> Result<(), LogError> {
        let source = Source::new("configuration");
        let writer = FeedWriter::open(&self.log, &source, FeedOptions::default()).await?;
        writer.append_from(number, std::slice::from_ref(event)).await?;
        writer.flush().await?;
        writer.close().await
    }

    /// Appends a fact; what it brings about comes before it.
    pub(crate) async fn fact(&mut self, fact: Event) -> anyhow::Result<()> {
        let due = self.trainer.observe(&fact);
        self.skipped.extend(due.skipped);
        for model in due.models {
            // The artefact is there before the event that names it.
            self.log.put_artefact(&model.bytes).await?;
            self.push(model.event).await?;
        }
        self.push(fact).await
    }

    /// Appends a fact and trains nothing.
    pub(crate) async fn fact_as_it_is(&mut self, fact: Event) -> anyhow::Result<()> {
        self.push(fact).await
    }

    async fn push(&mut self, event: Event) -> anyhow::Result<()> {
        self.gathered.push(event);
        if self.gathered.len() >= GATHERED_MAX {
            self.send().await?;
        }
        Ok(())
    }

    /// Sends what is gathered.
    pub(crate) async fn send(&mut self) -> anyhow::Result<()> {
        match &mut self.position {
            None => self.writer.append(&self.gathered).await?,
            Some(position) => {
                self.writer.append_from(*position, &self.gathered).await?;
                *position += self.gathered.len() as u64;
            }
        }
        self.gathered.clear();
        Ok(())
    }

    /// Sends what is gathered and waits until the log has it.
    pub(crate) async fn flush(&mut self) -> anyhow::Result<()> {
        self.send().await?;
        Ok(self.writer.flush().await?)
    }

    /// The same, and waits until a crash of the server cannot take it back.
    pub(crate) async fn flush_durable(&mut self) -> anyhow::Result<()> {
        self.send().await?;
        Ok(self.writer.flush_durable().await?)
    }
}

/// How models are trained by this configuration.
pub(crate) fn training_options(config: &TrainingConfig) -> TrainingOptions {
    let mut options = TrainingOptions::default();
    options.fit = FitOptions { xi: config.xi_per_day, ..options.fit };
    options.schedule.period_days = config.every_days;
    options.matches_min = config.matches_min;
    options
}

/// The source under which the demo appends its facts.
pub(crate) fn demo_source() -> Source {
    Source::new(football_data::SOURCE)
}
