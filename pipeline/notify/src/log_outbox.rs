//! The outbox in the log's Redis, where it outlives the process.

use std::collections::BTreeMap;

use async_trait::async_trait;
use marabet_streams::Log;

use crate::outbox::{Entry, Outbox, OutboxError};

/// The outbox of a namespace: one hash a channel, one field a subject, each an [`Entry`] as JSON.
#[derive(Debug, Clone)]
pub struct LogOutbox {
    log: Log,
}

impl LogOutbox {
    /// The outbox beside this log.
    #[must_use]
    pub fn new(log: &Log) -> Self {
        Self { log: log.clone() }
    }
}

fn text(entry: &Entry) -> String {
    serde_json::to_string(entry).expect("an entry is plain data")
}

fn fault(error: impl std::fmt::Display) -> OutboxError {
    OutboxError(error.to_string())
}

#[async_trait]
impl Outbox for LogOutbox {
    async fn begin(
        &self,
        channel: &str,
        subject: &str,
        entry: &Entry,
    ) -> Result<Option<Entry>, OutboxError> {
        let found = self.log.outbox_begin(channel, subject, &text(entry)).await;
        read(found.map_err(fault)?)
    }

    async fn update(&self, channel: &str, subject: &str, entry: &Entry) -> Result<(), OutboxError> {
        self.log.outbox_update(channel, subject, &text(entry)).await.map_err(fault)
    }

    async fn find(&self, channel: &str, subject: &str) -> Result<Option<Entry>, OutboxError> {
        read(self.log.outbox_find(channel, subject).await.map_err(fault)?)
    }

    async fn standing(&self, channel: &str) -> Result<BTreeMap<String, Entry>, OutboxError> {
        let all = self.log.outbox(channel).await.map_err(fault)?.into_iter();
        // An entry that cannot be read has no message that could be changed.
        let all =
            all.filter_map(|(subject, text)| Some((subject, serde_json::from_str(&text).ok()?)));
        Ok(all.filter(|(_, entry): &(String, Entry)| entry.stands.is_some()).collect())
    }
}

fn read(found: Option<String>) -> Result<Option<Entry>, OutboxError> {
    let entry = found.map(|found| serde_json::from_str(&found));
    entry.transpose().map_err(|error| fault(format_args!("an entry cannot be read: {error}")))
}
