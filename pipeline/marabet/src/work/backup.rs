//! `backup`: the log's server, the ledger, and the archive's manifest.

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use serde_json::{Value, json};

use super::{Desk, again};
use crate::backup;

pub(super) struct Backup(pub(super) Desk);

#[async_trait]
impl Job for Backup {
    fn kind(&self) -> &'static str {
        "backup"
    }

    fn about(&self) -> &'static str {
        "Back up the log, the ledger and the archive's manifest; keep the last ones"
    }

    fn rules(&self) -> JobRules {
        JobRules { timeout: std::time::Duration::from_secs(3_600), ..JobRules::of("maintenance") }
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let Desk { log, ledger, config, .. } = &self.0;
        let made = backup::make(log, ledger, config).await.map_err(again)?;
        run.log(format!("{} files, {} bytes in {}", made.files, made.bytes, made.folder.display()))
            .await;
        let gone = backup::keep_last(config).map_err(again)?;
        Ok(json!({ "folder": made.folder, "files": made.files, "bytes": made.bytes, "gone": gone }))
    }
}
