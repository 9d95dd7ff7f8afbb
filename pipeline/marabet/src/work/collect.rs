//! `collect`: one look at the sources that are polled: fixtures, prices and results.

use std::sync::Arc;

use async_trait::async_trait;
use marabet_ingest::clock::WallClock;
use marabet_ingest::football_data::upcoming::{Upcoming, UpcomingSettings};
use marabet_ingest::{Source, SourceError};
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_schemas::Competition;
use marabet_streams::Stream;
use serde_json::{Value, json};

use super::{Desk, again};
use crate::line::feeder::Feeder;
use crate::line::readback;

pub(super) struct Collect(pub(super) Desk);

#[async_trait]
impl Job for Collect {
    fn kind(&self) -> &'static str {
        "collect"
    }

    fn about(&self) -> &'static str {
        "Collect fixtures, prices and results of football-data.co.uk (arguments: leagues)"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("data")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let leagues: Option<Vec<String>> = run.args("leagues")?;
        let Some(leagues) = leagues.filter(|leagues| !leagues.is_empty()) else {
            return Ok(json!({ "collected": 0, "why": "no leagues are named in the plan's args" }));
        };
        let competitions = leagues.iter().map(Competition::new).collect();
        let settings = UpcomingSettings { competitions, ..UpcomingSettings::default() };
        let mut source = Upcoming::new(settings, Arc::new(WallClock));
        let log = &self.0.log;
        for event in readback::events(log, Stream::Feed).await.map_err(again)? {
            source.observe(&event);
        }
        let batch = match source.next().await {
            Ok(batch) => batch.unwrap_or_default(),
            Err(SourceError::Transient { reason, .. }) => return Err(JobError::Again(reason)),
            Err(SourceError::Permanent { reason }) => return Err(JobError::Refused(reason)),
        };
        let feeder = Feeder::open(log, source.name(), &self.0.config).await;
        let mut feeder = feeder.map_err(again)?;
        let (facts, rejects) = (batch.events.len(), batch.rejects.len());
        for reject in batch.rejects.iter().take(20) {
            run.log(reject.to_string()).await;
        }
        for event in batch.events {
            feeder.fact_as_it_is(event).await.map_err(again)?;
        }
        feeder.flush().await.map_err(again)?;
        Ok(json!({ "collected": facts, "rejects": rejects }))
    }
}
