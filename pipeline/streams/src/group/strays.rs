//! Frames that were handed to someone who is not there any more.
//!
//! The blocked read of a reader that died may be handed a frame after its successor has looked
//! at what is pending. It is pending then in nobody's hands, and nothing would bring it up.

use std::collections::{BTreeMap, BTreeSet};

use marabet_schemas::EntryId;

use super::CONSUMER;
use super::reading::Batch;
use crate::connect::Connection;
use crate::error::LogError;
use crate::groups;
use crate::wire;

/// Most pending entries that are looked at in one look.
const LOOK_MAX: usize = 1000;

/// What a reader has handed out and was not told to acknowledge yet.
#[derive(Debug, Default)]
pub(super) struct InHand {
    ids: BTreeMap<u16, BTreeSet<EntryId>>,
    /// What was pending in nobody's hands at the last idle look: it may have been on its way.
    suspects: BTreeSet<(u16, EntryId)>,
}

impl InHand {
    /// Notes what is handed out.
    pub(super) fn take(&mut self, batch: &Batch) {
        let ids = self.ids.entry(batch.partition).or_default();
        ids.extend(batch.entries.iter().map(|entry| entry.id));
    }

    /// Forgets what was acknowledged.
    pub(super) fn done(&mut self, partition: u16, id: EntryId) {
        if let Some(ids) = self.ids.get_mut(&partition) {
            ids.remove(&id);
        }
    }

    /// Forgets a partition, which is read from another place now.
    pub(super) fn forget(&mut self, partition: u16) {
        self.ids.remove(&partition);
        self.suspects.retain(|(of, _)| *of != partition);
    }

    /// The strays before an entry that has just come: they go before it, to keep the order.
    pub(super) async fn before(
        &self,
        connection: &mut Connection,
        (partition, key, group): (u16, &str, &str),
        first: EntryId,
    ) -> Result<Option<Batch>, LogError> {
        let mut strays = self.pending(connection, (partition, key, group)).await?;
        strays.retain(|id| *id < first);
        claim(connection, (partition, key, group), &strays).await
    }

    /// The strays of a partition in which nothing comes: what is pending at two looks.
    pub(super) async fn idle(
        &mut self,
        connection: &mut Connection,
        (partition, key, group): (u16, &str, &str),
    ) -> Result<Option<Batch>, LogError> {
        let pending = self.pending(connection, (partition, key, group)).await?;
        let strays: Vec<EntryId> = pending
            .iter()
            .copied()
            .filter(|id| self.suspects.contains(&(partition, *id)))
            .collect();
        self.suspects.retain(|(of, _)| *of != partition);
        self.suspects.extend(pending.into_iter().map(|id| (partition, id)));
        claim(connection, (partition, key, group), &strays).await
    }

    /// What is pending and in nobody's hands, as far as this reader knows.
    async fn pending(
        &self,
        connection: &mut Connection,
        (partition, key, group): (u16, &str, &str),
    ) -> Result<Vec<EntryId>, LogError> {
        let none = BTreeSet::new();
        let in_hand = self.ids.get(&partition).unwrap_or(&none);
        let most = in_hand.len().saturating_add(LOOK_MAX);
        let mut pending = groups::pending(connection, key, group, most).await?;
        pending.retain(|id| !in_hand.contains(id));
        Ok(pending)
    }
}

async fn claim(
    connection: &mut Connection,
    (partition, key, group): (u16, &str, &str),
    strays: &[EntryId],
) -> Result<Option<Batch>, LogError> {
    if strays.is_empty() {
        return Ok(None);
    }
    let mut command = redis::cmd("XCLAIM");
    command.arg(key).arg(group).arg(CONSUMER).arg(0);
    for id in strays {
        command.arg(id.to_string());
    }
    let entries = wire::entries(connection.ask(&command).await?)?;
    Ok((!entries.is_empty()).then_some(Batch { partition, entries, again: true }))
}
