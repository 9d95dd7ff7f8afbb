//! How the log is doing, for a person to look at.

use marabet_schemas::EntryId;
use serde::Serialize;

use crate::check;
use crate::connect::Connection;
use crate::error::LogError;
use crate::groups;
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::read::last_generated;

/// Most entries counted where Redis does not know how far a group is behind.
const COUNT_MAX: u64 = 100_000;

/// The state of a namespace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Where the server is, without its password.
    pub at: String,
    /// `redis 7.0.15`.
    pub server: String,
    /// Seconds since the server started.
    pub uptime_s: u64,
    /// Bytes of memory that it uses.
    pub memory_used: u64,
    /// Most that it may use; none for no bound.
    pub memory_max: Option<u64>,
    /// The namespace's prefix.
    pub namespace: String,
    /// How many partitions it has.
    pub partitions: u16,
    /// Every stream of every partition.
    pub streams: Vec<StreamStatus>,
    /// The group that is furthest behind, where one is: what holds the feed up.
    pub slowest: Option<String>,
}

/// One stream of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamStatus {
    /// The stream's name.
    pub stream: &'static str,
    /// The partition; none for a stream of the account.
    pub partition: Option<u16>,
    /// Entries in it.
    pub length: u64,
    /// Bytes of memory that it takes, about.
    pub memory: u64,
    /// The last ID given out.
    pub last: EntryId,
    /// The groups that read it.
    pub groups: Vec<GroupStatus>,
}

/// One group on one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupStatus {
    /// Its name, which is its stage's.
    pub group: String,
    /// Entries not handed out yet.
    pub lag: u64,
    /// Redis did not know the lag, as after it loaded its file: it was counted, up to 100,000.
    pub lag_counted: bool,
    /// Entries handed out and not acknowledged.
    pub pending: u64,
    /// The last entry handed out.
    pub read_to: EntryId,
    /// The process that runs the stage here; none when nobody does.
    pub owner: Option<String>,
    /// Milliseconds until its lease ends, unless renewed; negative when it has ended.
    pub lease_left_ms: Option<i64>,
    /// Dead letters of the stage here, dealt with or not.
    pub dead: u64,
}

impl Log {
    /// Looks at every stream and group.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn status(&self) -> Result<Status, LogError> {
        let mut connection = self.connector().open().await?;
        let info: String = connection.query(&redis::cmd("INFO")).await?;
        let now_ms = crate::horizon::server_ms(&mut connection).await?;
        let fields = check::fields(&info);
        let number = |field: &str| fields.get(field).and_then(|text| text.parse().ok());
        let mut streams = Vec::new();
        for stream in Stream::ALL {
            let of_account = stream.is_of_account();
            let partitions = if of_account { 1 } else { self.namespace().partitions() };
            for partition in 0..partitions {
                streams.push(self.stream_status(&mut connection, stream, partition, now_ms).await?);
            }
        }
        let behind = |group: &GroupStatus| group.lag + group.pending;
        let slowest = streams
            .iter()
            .flat_map(|stream| stream.groups.iter().map(move |group| (stream, group)))
            .filter(|(_, group)| behind(group) > 0)
            .max_by_key(|(_, group)| behind(group))
            .map(|(stream, group)| {
                let place =
                    stream.partition.map_or(String::new(), |at| format!(" of partition {at}"));
                format!("{} on {}{place}: {} frames", group.group, stream.stream, behind(group))
            });
        let server = self.server();
        Ok(Status {
            at: self.at().to_owned(),
            server: format!("{} {}", server.name, server.version),
            uptime_s: number("uptime_in_seconds").unwrap_or(0),
            memory_used: number("used_memory").unwrap_or(0),
            memory_max: number("maxmemory").filter(|&max| max > 0),
            namespace: self.namespace().prefix().to_owned(),
            partitions: self.namespace().partitions(),
            streams,
            slowest,
        })
    }

    async fn stream_status(
        &self,
        connection: &mut Connection,
        stream: Stream,
        partition: u16,
        now_ms: u64,
    ) -> Result<StreamStatus, LogError> {
        let key = self.namespace().stream(stream, partition);
        let length = connection.query(redis::cmd("XLEN").arg(&key)).await?;
        let memory: Option<u64> =
            connection.query(redis::cmd("MEMORY").arg("USAGE").arg(&key)).await?;
        let last = last_generated(connection, &key).await?;
        let slot = self.namespace().slot_of(stream, partition);
        let mut found = Vec::new();
        for group in groups::of(connection, &key).await? {
            let lag = match group.lag {
                Some(lag) => lag,
                None => {
                    groups::count_after(connection, &key, group.last_delivered, COUNT_MAX).await?
                }
            };
            let (owner, lease_left_ms) =
                self.owner_of(connection, slot, &group.name, now_ms).await?;
            let dead = self.namespace().dead(slot, &group.name);
            found.push(GroupStatus {
                lag,
                lag_counted: group.lag.is_none(),
                pending: group.pending,
                read_to: group.last_delivered,
                owner,
                lease_left_ms,
                dead: connection.query(redis::cmd("XLEN").arg(dead)).await?,
                group: group.name,
            });
        }
        let partition = (!stream.is_of_account()).then_some(partition);
        let memory = memory.unwrap_or(0);
        Ok(StreamStatus { stream: stream.name(), partition, length, memory, last, groups: found })
    }

    /// Who has the lease of a stage: in the slot, or, for what takes all partitions, in the
    /// account's.
    async fn owner_of(
        &self,
        connection: &mut Connection,
        slot: Slot,
        stage: &str,
        now_ms: u64,
    ) -> Result<(Option<String>, Option<i64>), LogError> {
        for slot in [slot, Slot::Account] {
            let fence = self.namespace().fence(slot, stage);
            let mut command = redis::cmd("HMGET");
            command.arg(fence).arg("owner").arg("deadline");
            let (owner, deadline): (Option<String>, Option<i64>) =
                connection.query(&command).await?;
            if let Some(owner) = owner.filter(|owner| !owner.is_empty()) {
                let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
                return Ok((Some(owner), deadline.map(|deadline| deadline - now_ms)));
            }
        }
        Ok((None, None))
    }
}
