//! The outbox in the log's Redis, where it outlives the process.

use async_trait::async_trait;
use marabet_schemas::BetId;
use marabet_streams::Log;

use crate::outbox::{Entry, Outbox, OutboxError};

/// The outbox of a namespace: one hash a channel, one field a bet, each an [`Entry`] as JSON.
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
        bet: BetId,
        entry: &Entry,
    ) -> Result<Option<Entry>, OutboxError> {
        let found = self.log.outbox_begin(channel, &bet.to_string(), &text(entry)).await;
        match found.map_err(fault)? {
            None => Ok(None),
            Some(found) => serde_json::from_str(&found).map(Some).map_err(|error| {
                fault(format_args!("the entry of bet {bet} on {channel} cannot be read: {error}"))
            }),
        }
    }

    async fn update(&self, channel: &str, bet: BetId, entry: &Entry) -> Result<(), OutboxError> {
        self.log.outbox_update(channel, &bet.to_string(), &text(entry)).await.map_err(fault)
    }
}
