//! The blocking reads of a group's reader: one on one server, one a partition on a cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use marabet_schemas::EntryId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{CONSUMER, ReaderOptions};
use crate::connect::Connection;
use crate::error::LogError;
use crate::log::Log;
use crate::wire::{self, Entry};

/// Entries of one partition, in order.
pub(super) struct Batch {
    pub(super) partition: u16,
    pub(super) entries: Vec<Entry>,
    /// They were handed out before and not acknowledged.
    pub(super) again: bool,
}

/// What comes, in the order of each partition: first what is pending, then what is new.
pub(super) struct Readings {
    batches: mpsc::Receiver<Result<Vec<Batch>, LogError>>,
    /// The tasks end with this, and their connections with them.
    _tasks: JoinSet<()>,
}

impl Readings {
    /// Begins to read the partitions, whose streams these are, for a group.
    pub(super) async fn begin(
        log: &Log,
        group: &str,
        options: &ReaderOptions,
        keys: &[String],
    ) -> Result<Self, LogError> {
        let (to, batches) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        for together in log.read_together(0..keys.len() as u16) {
            let key = |partition: u16| (partition, keys[usize::from(partition)].clone());
            let keys: Vec<(u16, String)> = together.into_iter().map(key).collect();
            let Some((_, first)) = keys.first() else { continue };
            let connection = log.connector().open_blocking(first, options.block).await?;
            let task = Task { connection, keys, group: group.to_owned(), options: options.clone() };
            tasks.spawn(task.run(to.clone()));
        }
        Ok(Self { batches, _tasks: tasks })
    }

    /// The next entries; none when none came in this time. May be given up and called again.
    pub(super) async fn next(&mut self, within: Duration) -> Result<Vec<Batch>, LogError> {
        match tokio::time::timeout(within, self.batches.recv()).await {
            Err(_) => Ok(Vec::new()),
            Ok(Some(read)) => read,
            Ok(None) => Err(LogError::Asked("the reader's task is gone".to_owned())),
        }
    }

    /// Whether everything that was read was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

struct Task {
    connection: Connection,
    keys: Vec<(u16, String)>,
    group: String,
    options: ReaderOptions,
}

impl Task {
    /// Reads until the receiver is gone or something fails, which is the last thing sent.
    async fn run(mut self, to: mpsc::Sender<Result<Vec<Batch>, LogError>>) {
        for place in 0..self.keys.len() {
            let mut after = EntryId::default();
            loop {
                let read = self.pending(place, after).await;
                match read.as_deref().map(|read| read.first()) {
                    Ok(None) => break,
                    Ok(Some(batch)) => {
                        after = batch.entries.last().map_or(after, |entry| entry.id);
                        if to.send(read).await.is_err() {
                            return;
                        }
                    }
                    Err(_) => {
                        // Nobody waits for the reason any more where it cannot be sent.
                        let _ = to.send(read).await;
                        return;
                    }
                }
            }
        }
        loop {
            let read = self.fresh().await;
            let failed = read.is_err();
            let nothing = read.as_ref().is_ok_and(Vec::is_empty);
            if (nothing && to.is_closed()) || (!nothing && to.send(read).await.is_err()) || failed {
                return;
            }
        }
    }

    /// What is pending in one partition after an entry.
    async fn pending(&mut self, place: usize, after: EntryId) -> Result<Vec<Batch>, LogError> {
        let (partition, key) = &self.keys[place];
        let mut command = self.command(None);
        command.arg(key).arg(after.to_string());
        let entries = wire::read_one(self.connection.ask(&command).await?)?;
        let batch = Batch { partition: *partition, entries, again: true };
        Ok(if batch.entries.is_empty() { Vec::new() } else { vec![batch] })
    }

    /// What is new in all partitions; none after a while.
    async fn fresh(&mut self) -> Result<Vec<Batch>, LogError> {
        let mut command = self.command(Some(self.options.block));
        for (_, key) in &self.keys {
            command.arg(key);
        }
        for _ in &self.keys {
            command.arg(">");
        }
        let read = wire::read_many(self.connection.ask(&command).await?)?;
        let places: BTreeMap<&str, u16> =
            self.keys.iter().map(|(partition, key)| (&**key, *partition)).collect();
        let batch = |(key, entries): (String, Vec<Entry>)| {
            let partition = *places.get(&*key)?;
            Some(Batch { partition, entries, again: false })
        };
        Ok(read.into_iter().filter_map(batch).collect())
    }

    fn command(&self, block: Option<Duration>) -> redis::Cmd {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.group).arg(CONSUMER);
        command.arg("COUNT").arg(self.options.frames_max.max(1));
        if let Some(block) = block {
            let block_ms = u64::try_from(block.as_millis()).unwrap_or(u64::MAX).max(1);
            command.arg("BLOCK").arg(block_ms);
        }
        command.arg("STREAMS");
        command
    }
}
