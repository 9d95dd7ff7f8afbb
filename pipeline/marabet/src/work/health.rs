//! `health`: whether everything that should go on goes on; and an alert where it does not.

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use serde_json::{Value, json};

use super::{Desk, again};

/// A group that is this many frames behind is reported.
const BEHIND_MAX: u64 = 10_000;
/// Share of the memory bound above which it is reported: where ingest stops.
const MEMORY_SHARE_MAX: f64 = 0.7;

pub(super) struct Health(pub(super) Desk);

#[async_trait]
impl Job for Health {
    fn kind(&self) -> &'static str {
        "health"
    }

    fn about(&self) -> &'static str {
        "Check lag, memory, dead letters, dead jobs and the ledger, and alert on what is wrong"
    }

    fn rules(&self) -> JobRules {
        let timeout = std::time::Duration::from_secs(50);
        JobRules { timeout, ..JobRules::of("maintenance") }
    }

    async fn run(&self, _: &Run) -> Result<Value, JobError> {
        let mut wrong: Vec<(&str, String)> = Vec::new();
        let status = self.0.log.status().await.map_err(again)?;
        for stream in &status.streams {
            for group in &stream.groups {
                let behind = group.lag + group.pending;
                if behind > BEHIND_MAX {
                    let text =
                        format!("{} is {behind} frames behind on {}", group.group, stream.stream);
                    wrong.push(("lag", text));
                }
                if group.dead > 0 && group.owner.is_some() {
                    let text = format!(
                        "{} has {} dead letters; `marabet dead list` shows them",
                        group.group, group.dead
                    );
                    wrong.push(("dead letters", text));
                }
            }
        }
        if let Some(most) = status.memory_max {
            let share = status.memory_used as f64 / most as f64;
            if share > MEMORY_SHARE_MAX {
                wrong.push(("memory", format!("redis uses {:.0} % of its memory", share * 100.0)));
            }
        }
        let jobs = self.0.queues.counts().await.map_err(again)?;
        if jobs.dead > 0 {
            let text = format!("{} jobs are given up; `marabet jobs list --state dead`", jobs.dead);
            wrong.push(("dead jobs", text));
        }
        if let Err(error) = self.0.ledger.status(&self.0.log).await {
            wrong.push(("ledger", error.to_string()));
        }
        for (kind, text) in &wrong {
            self.0.alert(kind, text).await;
        }
        let wrong: Vec<String> = wrong.into_iter().map(|(_, text)| text).collect();
        Ok(json!({ "healthy": wrong.is_empty(), "wrong": wrong }))
    }
}
