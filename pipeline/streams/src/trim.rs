//! Dropping what nobody needs any more from the streams.

use std::time::Duration;

use marabet_schemas::EntryId;

use crate::check;
use crate::connect::Connection;
use crate::error::LogError;
use crate::groups;
use crate::horizon::server_ms;
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::shutdown::Shutdown;
use crate::wire;

/// What may be dropped.
#[derive(Debug, Clone)]
pub struct TrimOptions {
    /// How long what every group has acknowledged is kept all the same.
    pub retention: Duration,
    /// How long it is kept at least while memory is short.
    pub retention_under_pressure: Duration,
    /// The share of the server's memory bound above which memory is short: then the oldest goes,
    /// a tenth of a stream's time at once, and all that may go at [`Self::emergency_share`].
    pub pressure_share: f64,
    /// The share at which all goes that may.
    pub emergency_share: f64,
    /// Groups without which a stream is not trimmed at all, such as the archive's.
    pub required: Vec<(Stream, String)>,
    /// Stages whose dead letters are trimmed.
    pub stages: Vec<String>,
    /// How long dead letters are kept.
    pub dead_retention: Duration,
    /// How often to trim.
    pub every: Duration,
}

impl Default for TrimOptions {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(3_600),
            retention_under_pressure: Duration::from_secs(10),
            pressure_share: 0.5,
            emergency_share: 0.65,
            required: Vec::new(),
            stages: Vec::new(),
            dead_retention: Duration::from_secs(30 * 86_400),
            every: Duration::from_secs(1),
        }
    }
}

/// Trims all streams again and again until asked to end. Redis being away passes.
///
/// # Errors
/// An answer that Redis should not give.
pub async fn run_trim(
    log: &Log,
    options: &TrimOptions,
    mut shutdown: Shutdown,
) -> Result<(), LogError> {
    while shutdown.unless_asked(tokio::time::sleep(options.every)).await.is_some() {
        match trim(log, options).await {
            Ok(0) => {}
            Ok(dropped) => tracing::debug!("dropped {dropped} entries"),
            Err(error) if error.is_transient() => tracing::debug!("not trimmed: {error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Drops from every stream what every group has acknowledged and is older than the retention.
/// Returns how many entries went.
///
/// # Errors
/// [`LogError::Away`] when Redis is.
pub async fn trim(log: &Log, options: &TrimOptions) -> Result<u64, LogError> {
    let mut connections = log.connections();
    let mut dropped = 0;
    for stream in Stream::ALL {
        let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
        for partition in 0..partitions {
            let key = log.namespace().stream(stream, partition);
            let connection = connections.of(&key).await?;
            if let Some(needed) = needed_from(connection, &key, stream, options).await? {
                let oldest = oldest_kept(connection, &key, options).await?;
                dropped += drop_before(connection, &key, needed.min(oldest)).await?;
            }
        }
    }
    for stage in &options.stages {
        for slot in log.namespace().slots().chain([Slot::Account]) {
            let key = log.namespace().dead(slot, stage);
            let connection = connections.of(&key).await?;
            let oldest = before(server_ms(connection).await?, options.dead_retention);
            dropped += drop_before(connection, &key, oldest).await?;
        }
    }
    Ok(dropped)
}

/// The first entry of a stream that is kept for its age.
async fn oldest_kept(
    connection: &mut Connection,
    key: &str,
    options: &TrimOptions,
) -> Result<EntryId, LogError> {
    let now_ms = server_ms(connection).await?;
    let by_age = before(now_ms, options.retention);
    let share = memory_share(connection).await?;
    if share <= options.pressure_share {
        return Ok(by_age);
    }
    let mut command = redis::cmd("XRANGE");
    command.arg(key).arg("-").arg("+").arg("COUNT").arg(1);
    let first = wire::entries(connection.ask(&command).await?)?;
    let first_ms = first.first().map_or(now_ms, |entry| entry.id.ms);
    let over =
        (share - options.pressure_share) / (options.emergency_share - options.pressure_share);
    let span = now_ms.saturating_sub(first_ms) as f64 * over.clamp(0.1, 1.0);
    let by_pressure = EntryId { ms: first_ms + span as u64, seq: 0 };
    Ok(by_age.max(by_pressure.min(before(now_ms, options.retention_under_pressure))))
}

fn before(now_ms: u64, age: Duration) -> EntryId {
    EntryId { ms: now_ms.saturating_sub(ms(age)), seq: 0 }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The first entry that some group still needs; none when a required group is missing.
async fn needed_from(
    connection: &mut Connection,
    key: &str,
    stream: Stream,
    options: &TrimOptions,
) -> Result<Option<EntryId>, LogError> {
    let groups = groups::of(connection, key).await?;
    let required = options.required.iter().filter(|(of, _)| *of == stream);
    for (_, name) in required {
        if !groups.iter().any(|group| group.name == *name) {
            return Ok(None);
        }
    }
    let mut needed = EntryId { ms: u64::MAX, seq: 0 };
    for group in groups {
        let pending = groups::first_pending(connection, key, &group.name).await?;
        let next = EntryId { seq: group.last_delivered.seq + 1, ..group.last_delivered };
        needed = needed.min(pending.unwrap_or(next));
    }
    Ok(Some(needed))
}

/// Drops whole blocks of entries before this one: an exact cut would cost more than it frees.
async fn drop_before(
    connection: &mut Connection,
    key: &str,
    first_kept: EntryId,
) -> Result<u64, LogError> {
    let mut command = redis::cmd("XTRIM");
    command.arg(key).arg("MINID").arg("~").arg(first_kept.to_string());
    connection.query(&command).await
}

/// The share of its memory bound that the server uses; 0 where it has none.
pub(crate) async fn memory_share(connection: &mut Connection) -> Result<f64, LogError> {
    let info: String = connection.query(redis::cmd("INFO").arg("memory")).await?;
    let fields = check::fields(&info);
    let number = |field: &str| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    let max = number("maxmemory").filter(|&max| max > 0.0);
    Ok(number("used_memory").zip(max).map_or(0.0, |(used, max)| used / max))
}
