use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Entry, Outbox, OutboxError};

/// An outbox that lasts as long as the process: for replays, which tell nobody anything twice.
#[derive(Debug, Default)]
pub struct MemoryOutbox {
    entries: Mutex<BTreeMap<(String, String), Entry>>,
}

impl MemoryOutbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries, by channel and subject.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<(String, String), Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn begin(
        &self,
        channel: &str,
        subject: &str,
        entry: &Entry,
    ) -> Result<Option<Entry>, OutboxError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (channel.to_owned(), subject.to_owned());
        if let Some(found) = entries.get(&place) {
            return Ok(Some(found.clone()));
        }
        entries.insert(place, entry.clone());
        Ok(None)
    }

    async fn update(&self, channel: &str, subject: &str, entry: &Entry) -> Result<(), OutboxError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert((channel.to_owned(), subject.to_owned()), entry.clone());
        Ok(())
    }

    async fn find(&self, channel: &str, subject: &str) -> Result<Option<Entry>, OutboxError> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.get(&(channel.to_owned(), subject.to_owned())).cloned())
    }

    async fn standing(&self, channel: &str) -> Result<BTreeMap<String, Entry>, OutboxError> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let standing =
            entries.iter().filter(|((of, _), entry)| of == channel && entry.stands.is_some());
        Ok(standing.map(|((_, subject), entry)| (subject.clone(), entry.clone())).collect())
    }
}
