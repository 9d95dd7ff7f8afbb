//! Reading one stream of all partitions, each from where it was left: all at once where one
//! server has them, each by itself on a cluster.

use std::collections::BTreeMap;

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::connect::Connection;
use crate::error::LogError;
use crate::log::Log;
use crate::namespace::Stream;
use crate::runner::RunOptions;
use crate::wire;

/// Frames of each partition that had some.
pub(crate) type Read = Vec<(u16, Vec<Frame>)>;

/// What reads some of the partitions, on a connection of its own.
pub(crate) struct Reader {
    connection: Connection,
    keys: BTreeMap<String, u16>,
    offsets: BTreeMap<u16, EntryId>,
    options: RunOptions,
}

impl Reader {
    /// Begins to read all partitions after these entries. The tasks end with the set.
    pub(crate) async fn begin(
        log: &Log,
        input: Stream,
        offsets: &BTreeMap<u16, EntryId>,
        options: &RunOptions,
    ) -> Result<(JoinSet<()>, mpsc::Receiver<Result<Read, LogError>>), LogError> {
        let names = log.namespace();
        let (to, reads) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        for together in log.read_together(0..names.partitions()) {
            let Some(&first) = together.first() else { continue };
            let at = names.stream(input, first);
            let reader = Self {
                connection: log.connector().open_blocking(at, options.block).await?,
                keys: together.into_iter().map(|one| (names.stream(input, one), one)).collect(),
                offsets: offsets.clone(),
                options: options.clone(),
            };
            tasks.spawn(reader.run(to.clone()));
        }
        Ok((tasks, reads))
    }

    /// Reads until the receiver is gone or something fails, which is the last thing sent.
    async fn run(mut self, to: mpsc::Sender<Result<Read, LogError>>) {
        loop {
            let read = self.read().await;
            let failed = read.is_err();
            if to.send(read).await.is_err() || failed {
                return;
            }
        }
    }

    async fn read(&mut self) -> Result<Read, LogError> {
        let mut command = redis::cmd("XREAD");
        let block_ms = u64::try_from(self.options.block.as_millis()).unwrap_or(u64::MAX).max(1);
        command.arg("COUNT").arg(self.options.batch_frames_max).arg("BLOCK").arg(block_ms);
        command.arg("STREAMS");
        for key in self.keys.keys() {
            command.arg(key);
        }
        for partition in self.keys.values() {
            command.arg(self.offsets.get(partition).copied().unwrap_or_default().to_string());
        }
        let streams = wire::read_many(self.connection.ask(&command).await?)?;
        let mut read = Vec::with_capacity(streams.len());
        for (key, entries) in streams {
            let Some(&partition) = self.keys.get(&key) else { continue };
            if let Some(last) = entries.last() {
                self.offsets.insert(partition, last.id);
            }
            read.push((partition, entries.into_iter().map(wire::Entry::into_frame).collect()));
        }
        Ok(read)
    }
}
