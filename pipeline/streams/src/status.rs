//! How the log is doing, for a person to look at.

use marabet_schemas::EntryId;
use schemars::JsonSchema;
use serde::Serialize;

use crate::check;
use crate::connect::Connections;
use crate::error::LogError;
use crate::feed::Ahead;
use crate::group;
use crate::groups;
use crate::horizon::server_ms;
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::presence::Process;
use crate::read::last_generated;

/// Most entries counted where Redis does not know how far a group is behind.
const COUNT_MAX: u64 = 100_000;

/// The state of a namespace.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Status {
    /// Where the server is, without its password.
    pub at: String,
    /// `redis 7.0.15`.
    pub server: String,
    /// Seconds since the server started; of a cluster, the one that started last.
    pub uptime_s: u64,
    /// Bytes of memory that it uses; of a cluster, all masters together.
    pub memory_used: u64,
    /// Most that it may use; none for no bound.
    pub memory_max: Option<u64>,
    /// Each server that has keys: one, or the masters of a cluster.
    pub nodes: Vec<NodeStatus>,
    /// The namespace's prefix.
    pub namespace: String,
    /// How many partitions it has.
    pub partitions: u16,
    /// The schema level: no event of a later one is written.
    pub schema_level: u16,
    /// The processes that are alive.
    pub processes: Vec<Process>,
    /// Every stream of every partition.
    pub streams: Vec<StreamStatus>,
    /// The group that is furthest behind, where one is.
    pub slowest: Option<String>,
    /// What new facts wait for, where they do: a group that is too far behind, or the memory of a
    /// server and who holds it.
    pub held_up: Option<String>,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NodeStatus {
    /// Where it is, without its password.
    pub at: String,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Bytes of memory that it uses.
    pub memory_used: u64,
    /// Most that it may use; none for no bound.
    pub memory_max: Option<u64>,
    /// Replicas that follow it.
    pub replicas: u32,
}

/// One stream of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
    /// How old the first entry is that it is not done with, in milliseconds; 0 when it is.
    pub age_ms: u64,
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
        let nodes = self.nodes().await?;
        let mut connections = self.connections();
        let mut streams = Vec::new();
        for stream in Stream::ALL {
            let of_account = stream.is_of_account();
            let partitions = if of_account { 1 } else { self.namespace().partitions() };
            for partition in 0..partitions {
                streams.push(self.stream_status(&mut connections, stream, partition).await?);
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
        let held_up = held_up(&nodes, &streams, slowest.as_deref());
        Ok(Status {
            at: self.at().to_owned(),
            server: format!("{} {}", server.name, server.version),
            uptime_s: nodes.iter().map(|node| node.uptime_s).min().unwrap_or(0),
            memory_used: nodes.iter().map(|node| node.memory_used).sum(),
            memory_max: nodes.iter().map(|node| node.memory_max).sum(),
            nodes,
            namespace: self.namespace().prefix().to_owned(),
            partitions: self.namespace().partitions(),
            schema_level: self.schema_level().await?,
            processes: self.processes().await?,
            streams,
            slowest,
            held_up,
        })
    }

    async fn nodes(&self) -> Result<Vec<NodeStatus>, LogError> {
        let mut nodes = Vec::new();
        for node in self.connector().masters().await? {
            let mut connection = self.connector().open_server(node.as_ref()).await?;
            let info: String = connection.query(&redis::cmd("INFO")).await?;
            let fields = check::fields(&info);
            let number = |field: &str| fields.get(field).and_then(|text| text.parse().ok());
            nodes.push(NodeStatus {
                at: connection.at().to_string(),
                uptime_s: number("uptime_in_seconds").unwrap_or(0),
                memory_used: number("used_memory").unwrap_or(0),
                memory_max: number("maxmemory").filter(|&max| max > 0),
                replicas: number("connected_slaves").map_or(0, |count| count as u32),
            });
        }
        Ok(nodes)
    }

    async fn stream_status(
        &self,
        connections: &mut Connections,
        stream: Stream,
        partition: u16,
    ) -> Result<StreamStatus, LogError> {
        let key = self.namespace().stream(stream, partition);
        let connection = connections.of(&key).await?;
        let length = connection.query(redis::cmd("XLEN").arg(&key)).await?;
        let memory: Option<u64> =
            connection.query(redis::cmd("MEMORY").arg("USAGE").arg(&key)).await?;
        let last = last_generated(connection, &key).await?;
        let groups = groups::of(connection, &key).await?;
        let slot = self.namespace().slot_of(stream, partition);
        let mut found = Vec::new();
        for group in groups {
            let connection = connections.of(&key).await?;
            let lag = match group.lag {
                Some(lag) => lag,
                None => {
                    groups::count_after(connection, &key, group.last_delivered, COUNT_MAX).await?
                }
            };
            let age_ms = match group.next(connection, &key).await? {
                Some(next) => server_ms(connection).await?.saturating_sub(next.ms),
                None => 0,
            };
            let dead = self.namespace().dead(slot, &group.name);
            let dead = connection.query(redis::cmd("XLEN").arg(dead)).await?;
            let (owner, lease_left_ms) =
                self.owner_of(connections, (stream, slot), &group.name).await?;
            found.push(GroupStatus {
                lag,
                lag_counted: group.lag.is_none(),
                pending: group.pending,
                read_to: group.last_delivered,
                age_ms,
                owner,
                lease_left_ms,
                dead,
                group: group.name,
            });
        }
        let partition = (!stream.is_of_account()).then_some(partition);
        let memory = memory.unwrap_or(0);
        Ok(StreamStatus { stream: stream.name(), partition, length, memory, last, groups: found })
    }

    /// Who reads for a group.
    async fn owner_of(
        &self,
        connections: &mut Connections,
        (stream, slot): (Stream, Slot),
        group: &str,
    ) -> Result<(Option<String>, Option<i64>), LogError> {
        // A stage of a partition, one of the account, and a reader of all partitions.
        let names = self.namespace();
        let fences = [
            names.fence(slot, group),
            names.fence(Slot::Account, group),
            names.fence(Slot::Account, &format!("{stream}:{group}")),
        ];
        for fence in fences {
            let connection = connections.of(&fence).await?;
            let mut command = redis::cmd("HMGET");
            command.arg(&fence).arg("owner").arg("deadline");
            let (owner, deadline): (Option<String>, Option<i64>) =
                connection.query(&command).await?;
            if let Some(owner) = owner.filter(|owner| !owner.is_empty()) {
                let now_ms = server_ms(connection).await?;
                let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
                return Ok((Some(owner), deadline.map(|deadline| deadline - now_ms)));
            }
        }
        Ok((None, None))
    }
}

/// What new facts wait for, by the bounds that writers keep to.
fn held_up(
    nodes: &[NodeStatus],
    streams: &[StreamStatus],
    slowest: Option<&str>,
) -> Option<String> {
    let Ahead { frames_max, durable_age_max, memory_share_max, .. } = Ahead::default();
    let full = nodes.iter().find_map(|node| {
        let share = node.memory_used as f64 / node.memory_max? as f64;
        (share > memory_share_max).then_some((node, share))
    });
    if let Some((node, share)) = full {
        let holder = slowest.unwrap_or("what is younger than the retention");
        return Some(format!(
            "the memory of {} ({:.0} % of its bound), held by {holder}",
            node.at,
            share * 100.0
        ));
    }
    let of_partitions = streams.iter().filter(|stream| stream.partition.is_some());
    let mut groups = of_partitions.flat_map(|stream| &stream.groups);
    let too_far = groups.any(|group| {
        if group::reads_behind_the_horizon(&group.group) {
            u128::from(group.age_ms) > durable_age_max.as_millis()
        } else {
            group.lag + group.pending > frames_max
        }
    });
    slowest.filter(|_| too_far).map(str::to_owned)
}
