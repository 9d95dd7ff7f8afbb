//! Frames that were handed to someone who is not there any more.
//!
//! The blocked read of a reader that died may be handed frames after its successor has looked at
//! what is pending. They are pending then in nobody's hands, and nothing would bring them up. A
//! group hands entries out in order, so they lie between two that this reader was handed, or
//! after the last.

use std::collections::{BTreeMap, BTreeSet};

use marabet_schemas::EntryId;

use super::CONSUMER;
use super::reading::Batch;
use crate::connect::Connection;
use crate::error::LogError;
use crate::groups;
use crate::wire;

/// Strays that are claimed at once.
const PAGE: usize = 500;

/// A partition's stream and the group that reads it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) partition: u16,
    pub(super) key: &'a str,
    pub(super) group: &'a str,
}

/// How far a reader has come in each partition.
#[derive(Debug, Default)]
pub(super) struct Strays {
    last: BTreeMap<u16, EntryId>,
    /// What was pending after that at the last idle look: it may have been on its way.
    suspects: BTreeSet<(u16, EntryId)>,
}

impl Strays {
    /// Notes what has come.
    pub(super) fn come(&mut self, batch: &Batch) {
        if let Some(entry) = batch.entries.last() {
            let last = self.last.entry(batch.partition).or_default();
            *last = entry.id.max(*last);
        }
    }

    /// A partition is read on after this entry.
    pub(super) fn go_on_after(&mut self, partition: u16, id: EntryId) {
        self.last.insert(partition, id);
        self.suspects.retain(|(of, _)| *of != partition);
    }

    fn last(&self, partition: u16) -> EntryId {
        self.last.get(&partition).copied().unwrap_or_default()
    }

    /// The strays before an entry that has just come: they go before it, to keep the order.
    pub(super) async fn before(
        &self,
        connection: &mut Connection,
        of: Of<'_>,
        first: EntryId,
    ) -> Result<Vec<Batch>, LogError> {
        let mut found = Vec::new();
        let mut after = self.last(of.partition);
        // Each round goes on after the last, and what is pending before an entry ends.
        loop {
            let between = (after, Some(first));
            let ids = groups::pending(connection, of.key, of.group, between, PAGE).await?;
            found.extend(claim(connection, of, &ids).await?);
            match ids.last() {
                Some(last) if ids.len() == PAGE => after = *last,
                _ => return Ok(found),
            }
        }
    }

    /// The strays of a partition in which nothing comes: what is pending at two looks.
    pub(super) async fn idle(
        &mut self,
        connection: &mut Connection,
        of: Of<'_>,
    ) -> Result<Option<Batch>, LogError> {
        let after = (self.last(of.partition), None);
        let pending = groups::pending(connection, of.key, of.group, after, PAGE).await?;
        // In order, and none before one that may still be on its way.
        let is_stray = |id: &&EntryId| self.suspects.contains(&(of.partition, **id));
        let strays: Vec<EntryId> = pending.iter().take_while(is_stray).copied().collect();
        self.suspects.retain(|(partition, _)| *partition != of.partition);
        self.suspects.extend(pending.into_iter().map(|id| (of.partition, id)));
        claim(connection, of, &strays).await
    }
}

async fn claim(
    connection: &mut Connection,
    of: Of<'_>,
    strays: &[EntryId],
) -> Result<Option<Batch>, LogError> {
    if strays.is_empty() {
        return Ok(None);
    }
    let mut command = redis::cmd("XCLAIM");
    command.arg(of.key).arg(of.group).arg(CONSUMER).arg(0);
    for id in strays {
        command.arg(id.to_string());
    }
    let entries = wire::entries(connection.ask(&command).await?)?;
    let batch = Batch { partition: of.partition, entries, again: true };
    Ok((!batch.entries.is_empty()).then_some(batch))
}
