use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use marabet_schemas::BetId;

use super::{Entry, Outbox, OutboxError};

/// An outbox that lasts as long as the process: for replays, which tell nobody anything twice.
#[derive(Debug, Default)]
pub struct MemoryOutbox {
    entries: Mutex<BTreeMap<(String, BetId), Entry>>,
}

impl MemoryOutbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries, by channel and bet.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<(String, BetId), Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn begin(
        &self,
        channel: &str,
        bet: BetId,
        entry: &Entry,
    ) -> Result<Option<Entry>, OutboxError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (channel.to_owned(), bet);
        if let Some(found) = entries.get(&place) {
            return Ok(Some(found.clone()));
        }
        entries.insert(place, entry.clone());
        Ok(None)
    }

    async fn update(&self, channel: &str, bet: BetId, entry: &Entry) -> Result<(), OutboxError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert((channel.to_owned(), bet), entry.clone());
        Ok(())
    }
}
