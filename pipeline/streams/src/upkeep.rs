//! What a person does to the log knowingly: groups that hold it up or have lost their place, and
//! frames that were passed over.

use std::collections::BTreeMap;

use marabet_schemas::EntryId;

use crate::error::LogError;
use crate::groups;
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::read::last_generated;

impl Log {
    fn partitions_of_stream(&self, stream: Stream) -> std::ops::Range<u16> {
        if stream.is_of_account() { 0..1 } else { 0..self.namespace().partitions() }
    }

    /// Takes a group away from every partition of a stream, so that it holds nothing up any more.
    /// Returns from how many. A stage that comes back begins at the stream's beginning.
    ///
    /// # Errors
    /// [`LogError::Asked`] when the group is nowhere, or a process reads for it.
    pub async fn drop_group(&self, stream: Stream, group: &str) -> Result<usize, LogError> {
        self.refuse_owned(stream, group).await?;
        let mut dropped = 0;
        for partition in self.partitions_of_stream(stream) {
            let key = self.namespace().stream(stream, partition);
            if self.group_offset(&key, group).await?.is_none() {
                continue;
            }
            let mut command = redis::cmd("XGROUP");
            command.arg("DESTROY").arg(&key).arg(group);
            dropped += usize::from(self.query::<bool>(&command).await?);
        }
        if dropped == 0 {
            return Err(LogError::Asked(format!("{stream} has no group `{group}`")));
        }
        Ok(dropped)
    }

    /// Lets a group go on at the end of each partition that ends below what the group has read:
    /// after a rollback, when what is lost is known to be lost. Returns the partitions.
    ///
    /// # Errors
    /// [`LogError::Asked`] when a process reads for the group.
    pub async fn reset_group(&self, stream: Stream, group: &str) -> Result<Vec<u16>, LogError> {
        self.refuse_owned(stream, group).await?;
        let offsets = self.namespace().offsets(group);
        let taken: BTreeMap<u16, String> = self.query(redis::cmd("HGETALL").arg(&offsets)).await?;
        let mut reset = Vec::new();
        for partition in self.partitions_of_stream(stream) {
            let key = self.namespace().stream(stream, partition);
            let last = last_generated(&mut self.shared(&key).await?, &key).await?;
            let above = |offset: EntryId| offset > last;
            if self.group_offset(&key, group).await?.is_some_and(above) {
                let mut command = redis::cmd("XGROUP");
                command.arg("SETID").arg(&key).arg(group).arg(last.to_string());
                self.query::<redis::Value>(&command).await?;
                reset.push(partition);
            }
            if taken.get(&partition).and_then(|offset| offset.parse().ok()).is_some_and(above) {
                let mut command = redis::cmd("HSET");
                command.arg(&offsets).arg(partition).arg(last.to_string());
                self.query::<redis::Value>(&command).await?;
                reset.push(partition);
            }
        }
        reset.dedup();
        Ok(reset)
    }

    async fn group_offset(&self, key: &str, group: &str) -> Result<Option<EntryId>, LogError> {
        let groups = groups::of(&mut self.shared(key).await?, key).await?;
        let found = groups.into_iter().find(|found| found.name == group);
        Ok(found.map(|group| group.last_delivered))
    }

    async fn refuse_owned(&self, stream: Stream, group: &str) -> Result<(), LogError> {
        let status = self.status().await?;
        let of_stream = status.streams.iter().filter(|one| one.stream == stream.name());
        let owned = of_stream
            .flat_map(|one| &one.groups)
            .filter(|one| one.group == group && one.lease_left_ms.unwrap_or(0) > 0)
            .find_map(|one| one.owner.clone());
        match owned {
            Some(owner) => Err(LogError::Asked(format!(
                "process {owner} reads {stream} for `{group}`; stop it first"
            ))),
            None => Ok(()),
        }
    }

    /// The frames that a stage passed over, by place, with the reason: of a partition's stage
    /// under its partitions, of the account's under the partitions it has taken them from. A
    /// replay passes over them too.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn quarantined(
        &self,
        stage: &str,
    ) -> Result<BTreeMap<u16, BTreeMap<EntryId, String>>, LogError> {
        let mut found: BTreeMap<u16, BTreeMap<EntryId, String>> = BTreeMap::new();
        for slot in self.namespace().slots().chain([Slot::Account]) {
            let key = self.namespace().quarantine(slot, stage);
            let frames: BTreeMap<String, String> =
                self.query(redis::cmd("HGETALL").arg(key)).await?;
            for (place, reason) in frames {
                let wrong = || LogError::Asked(format!("quarantine of {stage}: `{place}`"));
                let (partition, id) = match (slot, place.split_once('/')) {
                    (Slot::Partition(partition), None) => (partition, &*place),
                    (_, Some((partition, id))) => (partition.parse().map_err(|_| wrong())?, id),
                    _ => return Err(wrong()),
                };
                let id = id.parse().map_err(|_| wrong())?;
                found.entry(partition).or_default().insert(id, reason);
            }
        }
        Ok(found)
    }
}
