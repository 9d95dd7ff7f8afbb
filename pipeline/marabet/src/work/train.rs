//! `train`: new models from all results that the log and its archive know, put in force.

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_predict::training::Trainer;
use marabet_schemas::{Body, Competition, Event, Instant, Source};
use marabet_streams::{FeedOptions, FeedWriter, Stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::{Desk, again};
use crate::line::feeder::training_options;

pub(super) struct Train(pub(super) Desk);

#[async_trait]
impl Job for Train {
    fn kind(&self) -> &'static str {
        "train"
    }

    fn about(&self) -> &'static str {
        "Train every competition's model on all results, and put it in force"
    }

    fn rules(&self) -> JobRules {
        JobRules { timeout: std::time::Duration::from_secs(1_800), ..JobRules::of("ml") }
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let Desk { log, config, .. } = &self.0;
        if self.0.accelerated {
            // A model must be in force before the prices that it prices, so whoever feeds the
            // line trains at each boundary on the way.
            return Ok(
                json!({ "models": [], "why": "in event time the feeding trains on its way" }),
            );
        }
        let options = training_options(&config.training);
        let mut trainer = Trainer::new(options).map_err(JobError::refused)?;
        let mut news = News::default();
        let learned = self.0.each(Stream::Feed, |event| {
            trainer.learn(&event);
            news.learn(&event);
        });
        learned.await.map_err(again)?;
        run.progress(0.3);
        let now = self.0.now();
        // The mathematics keeps a processor busy for seconds: apart from those who wait.
        let trained = tokio::task::spawn_blocking(move || trainer.train(now));
        let due = trained.await.map_err(|error| again(format!("training ended: {error}")))?;
        run.progress(0.9);
        for skipped in &due.skipped {
            run.log(format!("{}: {}", skipped.competition, skipped.reason)).await;
        }
        let (fresh, known): (Vec<_>, Vec<_>) =
            due.models.into_iter().partition(|model| news.are_there_for(&model.event));
        if !fresh.is_empty() {
            let source = Source::new("training");
            let writer = FeedWriter::open(log, &source, FeedOptions::default());
            let writer = writer.await.map_err(again)?;
            for model in &fresh {
                // The artefact is there before the event that names it.
                log.put_artefact(&model.bytes).await.map_err(again)?;
                writer.append(std::slice::from_ref(&model.event)).await.map_err(again)?;
            }
            writer.flush().await.map_err(again)?;
            writer.close().await.map_err(again)?;
        }
        let models: Vec<String> = fresh.iter().map(|model| model.hash.to_string()).collect();
        Ok(json!({ "models": models, "without_news": known.len(), "at": now.to_string() }))
    }
}

/// Which competitions have results that their last model does not know.
#[derive(Default)]
struct News {
    results: BTreeMap<Competition, Instant>,
    models: BTreeMap<Competition, Instant>,
}

impl News {
    fn learn(&mut self, event: &Event) {
        let (times, competition) = match (&event.body, &event.key) {
            (Body::Result(_), Some(key)) => (&mut self.results, key.competition()),
            (Body::ModelPublished(model), _) => (&mut self.models, model.competition.clone()),
            _ => return,
        };
        let last = times.entry(competition).or_insert(event.at);
        *last = event.at.max(*last);
    }

    fn are_there_for(&self, model: &Event) -> bool {
        let Body::ModelPublished(model) = &model.body else { return false };
        let (result, known) =
            (self.results.get(&model.competition), self.models.get(&model.competition));
        result.is_some_and(|result| known.is_none_or(|known| result >= known))
    }
}
