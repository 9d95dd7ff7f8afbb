//! `optimise`: `VACUUM` and `ANALYZE` of the ledger.

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use serde_json::{Value, json};

use super::{Desk, again};

pub(super) struct Optimise(pub(super) Desk);

#[async_trait]
impl Job for Optimise {
    fn kind(&self) -> &'static str {
        "optimise"
    }

    fn about(&self) -> &'static str {
        "Give back the ledger's unused room, and count anew what its planner goes by"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("maintenance")
    }

    async fn run(&self, _: &Run) -> Result<Value, JobError> {
        let size = || self.0.ledger.file().and_then(|file| std::fs::metadata(file).ok());
        let before = size().map(|file| file.len());
        self.0.ledger.optimise().await.map_err(again)?;
        let after = size().map(|file| file.len());
        Ok(json!({ "bytes_before": before, "bytes_after": after }))
    }
}
