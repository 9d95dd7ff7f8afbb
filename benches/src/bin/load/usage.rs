//! What processes use: processor time from /proc, memory from Redis itself.

use std::collections::BTreeMap;
use std::time::Duration;

/// Clock ticks a second in /proc, the same on every Linux.
const TICKS: f64 = 100.0;

/// Seconds of processor time that a process has used; `self` is this one.
pub(crate) fn cpu_s(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // After the name, which may hold anything, the 12th and 13th words are user and system time.
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 =
        after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / TICKS
}

/// Processor time that this thread has used.
pub(crate) fn of_thread() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// What a Redis says of itself.
pub(crate) struct ServerUsage {
    /// Most bytes that its data took since the last reset.
    pub(crate) memory_peak: u64,
    /// Bytes that the process has of the system.
    pub(crate) resident: u64,
    /// Times that an fsync was late.
    pub(crate) fsyncs_late: u64,
}

/// Asks a Redis.
pub(crate) async fn of_server(
    connection: &mut redis::aio::MultiplexedConnection,
) -> anyhow::Result<ServerUsage> {
    let info: String = redis::cmd("INFO").query_async(connection).await?;
    let fields: BTreeMap<&str, &str> =
        info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
    let number = |field: &str| fields.get(field).and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(ServerUsage {
        memory_peak: number("used_memory_peak"),
        resident: number("used_memory_rss"),
        fsyncs_late: number("aof_delayed_fsync"),
    })
}
