//! The durable horizon: up to when everything is on the server's disk.
//!
//! With `appendfsync everysec` a crash of the server's machine may take back the last second.
//! What is older than two seconds by the server's clock is on its disk, unless an fsync was
//! late, which the server counts in `aof_delayed_fsync`. Where another server may take over, a
//! replica must have it too.

use std::time::{Duration, Instant};

use crate::check;
use crate::clock;
use crate::connect::Connection;
use crate::error::LogError;
use crate::log::Log;
use crate::namespace::Slot;
use crate::script::BARRIER;

/// Behind the server's clock by this much everything is on its disk.
const BEHIND_MS: u64 = 2_000;
/// How often the horizon is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long replicas may take to say that they have everything, before they are asked again.
const REPLICAS_WITHIN: Duration = Duration::from_millis(500);

/// Follows the horizon of one slot.
#[derive(Debug, Default)]
pub(crate) struct Horizon {
    /// The server's run and its count of late fsyncs, and since when they stand still, in ms.
    still: Option<(String, u64)>,
    bound_ms: u64,
    bound: Option<Instant>,
}

impl Horizon {
    /// Waits until what was appended at this millisecond of the server's clock is on its disk,
    /// and on as many replicas as the log wants; false when it is not after about `within`. The
    /// connection must lead to the slot's server, and nobody else may wait for it.
    pub(crate) async fn passed(
        &mut self,
        connection: &mut Connection,
        (log, slot): (&Log, Slot),
        ms: u64,
        within: Duration,
    ) -> Result<bool, LogError> {
        let started = clock::moment();
        while self.bound_ms < ms {
            if self.look(connection, (log, slot)).await? >= ms {
                break;
            }
            if started.elapsed() >= within {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }

    /// Looks how far it is: the millisecond up to which everything is durable.
    pub(crate) async fn look(
        &mut self,
        connection: &mut Connection,
        (log, slot): (&Log, Slot),
    ) -> Result<u64, LogError> {
        let asked = clock::moment();
        let now_ms = server_ms(connection).await?;
        let mut command = redis::cmd("INFO");
        command.arg("server").arg("persistence").arg("replication");
        let info: String = connection.query(&command).await?;
        let fields = check::fields(&info);
        let get = |field: &str| fields.get(field).copied().unwrap_or_default();
        let state = ["run_id", "master_replid", "aof_delayed_fsync", "aof_last_write_status"];
        let state = state.map(get).join(" ");
        if replicated(connection, (log, slot), REPLICAS_WITHIN).await? {
            self.seen(state, now_ms, asked);
        }
        Ok(self.bound_ms)
    }

    /// The moment of this process' clock before which whatever the server had is durable.
    pub(crate) fn bound(&self) -> Option<Instant> {
        self.bound
    }

    fn seen(&mut self, state: String, now_ms: u64, asked: Instant) {
        match &self.still {
            Some((still, since_ms)) if *still == state => {
                if now_ms.saturating_sub(*since_ms) >= BEHIND_MS {
                    self.bound_ms = self.bound_ms.max(now_ms - BEHIND_MS);
                    self.bound = asked.checked_sub(Duration::from_millis(BEHIND_MS));
                }
            }
            _ => self.still = Some((state, now_ms)),
        }
    }
}

/// Whether everything that the slot's server has is on as many replicas as the log wants. The
/// answer may take as long as `within`, and the connection answers nothing else meanwhile.
pub(crate) async fn replicated(
    connection: &mut Connection,
    (log, slot): (&Log, Slot),
    within: Duration,
) -> Result<bool, LogError> {
    let wanted = log.replicas();
    if wanted == 0 {
        return Ok(true);
    }
    // A server waits for what this connection has written: a mark behind everything else.
    let mark = log.namespace().barrier(slot);
    let mut command = BARRIER.command([&*mark]);
    command.arg(log.owner());
    connection.run(&BARRIER, &command).await?;
    let mut command = redis::cmd("WAIT");
    command.arg(wanted).arg(within.as_millis() as u64);
    let have: u32 = connection.query(&command).await?;
    Ok(have >= wanted)
}

/// The server's clock, in milliseconds since 1970.
pub(crate) async fn server_ms(connection: &mut Connection) -> Result<u64, LogError> {
    let (seconds, micros): (u64, u64) = connection.query(&redis::cmd("TIME")).await?;
    Ok(seconds * 1000 + micros / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_horizon_follows_the_clock_while_no_fsync_is_late() {
        let mut horizon = Horizon::default();
        let mut bounds = Vec::new();
        for (delayed, now_ms) in [
            (0, 10_000),
            (0, 11_000),
            (0, 12_000),
            (0, 12_500),
            (1, 13_000),
            (1, 14_000),
            (1, 15_000),
        ] {
            horizon.seen(format!("run {delayed}"), now_ms, clock::moment());
            bounds.push(horizon.bound_ms);
        }
        assert_eq!(bounds, [0, 0, 10_000, 10_500, 10_500, 10_500, 13_000]);
    }
}
