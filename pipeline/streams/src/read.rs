//! Reading streams without a group: what `events tail` and `why` need.

use std::time::Duration;

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use redis::Value;

use crate::error::LogError;
use crate::horizon::Horizon;
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::wire;

/// How long one look at the durable horizon may take before the next.
const DURABLE_WITHIN: Duration = Duration::from_secs(1);

/// Most entries that one reading returns.
pub const READ_MAX: usize = 10_000;

impl Log {
    /// The frames of a stream's partition from `from` to `to`, both included, in order; none for
    /// the stream's beginning or end. At most `count`, and at most [`READ_MAX`].
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn range(
        &self,
        stream: Stream,
        partition: u16,
        from: Option<EntryId>,
        to: Option<EntryId>,
        count: usize,
    ) -> Result<Vec<Frame>, LogError> {
        let key = self.namespace().stream(stream, partition);
        let mut command = redis::cmd("XRANGE");
        command.arg(key).arg(id_or(from, "-")).arg(id_or(to, "+"));
        command.arg("COUNT").arg(count.min(READ_MAX));
        let entries = wire::entries(self.query(&command).await?)?;
        Ok(entries.into_iter().map(wire::Entry::into_frame).collect())
    }

    /// The last frames of a stream's partition, in order. At most `count`, and at most
    /// [`READ_MAX`].
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn last(
        &self,
        stream: Stream,
        partition: u16,
        count: usize,
    ) -> Result<Vec<Frame>, LogError> {
        let key = self.namespace().stream(stream, partition);
        let mut command = redis::cmd("XREVRANGE");
        command.arg(key).arg("+").arg("-").arg("COUNT").arg(count.min(READ_MAX));
        let entries = wire::entries(self.query(&command).await?)?;
        Ok(entries.into_iter().rev().map(wire::Entry::into_frame).collect())
    }

    /// The frame of this ID, where the stream (still) has it.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn frame(
        &self,
        stream: Stream,
        partition: u16,
        id: EntryId,
    ) -> Result<Option<Frame>, LogError> {
        Ok(self.range(stream, partition, Some(id), Some(id), 1).await?.pop())
    }

    /// The lines of the frame of this ID, as they were written; none where the stream does not
    /// have it (any more). For who wants one event of many.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn lines(
        &self,
        stream: Stream,
        partition: u16,
        id: EntryId,
    ) -> Result<Option<String>, LogError> {
        let key = self.namespace().stream(stream, partition);
        let mut command = redis::cmd("XRANGE");
        command.arg(key).arg(id.to_string()).arg(id.to_string()).arg("COUNT").arg(1);
        let entry = wire::entries(self.query(&command).await?)?.pop();
        Ok(entry.and_then(|entry| entry.lines).and_then(Result::ok))
    }

    /// The last ID that a stream has given out, also to an entry that is gone since; 0-0 for a
    /// stream without entries.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn last_id(&self, stream: Stream, partition: u16) -> Result<EntryId, LogError> {
        let key = self.namespace().stream(stream, partition);
        last_generated(&mut self.shared(&key).await?, &key).await
    }

    /// How many entries a stream no longer has of those that it was given.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn entries_gone(&self, stream: Stream, partition: u16) -> Result<u64, LogError> {
        let key = self.namespace().stream(stream, partition);
        let mut connection = self.shared(&key).await?;
        match connection.ask(redis::cmd("XINFO").arg("STREAM").arg(&key)).await {
            Ok(answer) => {
                let count = |field| match info(&answer, field) {
                    Some(Value::Int(count)) => u64::try_from(*count).unwrap_or_default(),
                    _ => 0,
                };
                Ok(count("entries-added").saturating_sub(count("length")))
            }
            Err(LogError::Reply { reason, .. }) if reason.contains("no such key") => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Waits until what was written into a slot up to this millisecond of its server's clock is
    /// durable.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn wait_durable(&self, slot: Slot, ms: u64) -> Result<(), LogError> {
        let mut connection = self.connector().open(self.namespace().barrier(slot)).await?;
        let mut horizon = Horizon::default();
        while !horizon.passed(&mut connection, (self, slot), ms, DURABLE_WITHIN).await? {}
        Ok(())
    }
}

/// The last ID that a stream has given out; 0-0 for a stream that does not exist.
pub(crate) async fn last_generated(
    connection: &mut crate::connect::Connection,
    key: &str,
) -> Result<EntryId, LogError> {
    match connection.ask(redis::cmd("XINFO").arg("STREAM").arg(key)).await {
        Ok(answer) => info_id(&answer, "last-generated-id")
            .ok_or_else(|| LogError::unexpected("XINFO STREAM", &Value::Nil)),
        Err(LogError::Reply { reason, .. }) if reason.contains("no such key") => {
            Ok(EntryId::default())
        }
        Err(error) => Err(error),
    }
}

fn info_id(answer: &Value, field: &str) -> Option<EntryId> {
    wire::entry_id(info(answer, field)?)
}

fn info<'a>(answer: &'a Value, field: &str) -> Option<&'a Value> {
    let Value::Array(pairs) = answer else { return None };
    let pair = pairs.chunks_exact(2).find(|pair| wire::text(&pair[0]) == Some(field))?;
    Some(&pair[1])
}

fn id_or(id: Option<EntryId>, open: &str) -> String {
    id.map_or_else(|| open.to_owned(), |id| id.to_string())
}
