//! The durable horizon: up to when everything is on the server's disk.
//!
//! With `appendfsync everysec` a crash of the server's machine may take back the last second.
//! What is older than two seconds by the server's clock is on its disk, unless an fsync was
//! late, which the server counts in `aof_delayed_fsync`.

use std::time::Duration;

use crate::check;
use crate::connect::Connection;
use crate::error::LogError;

/// Behind the server's clock by this much everything is on its disk.
const BEHIND_MS: u64 = 2_000;
/// How often the horizon is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Follows one server's horizon.
#[derive(Debug, Default)]
pub(crate) struct Horizon {
    /// The server's run and its count of late fsyncs, and since when they stand still, in ms.
    still: Option<(String, u64)>,
    bound_ms: u64,
}

impl Horizon {
    /// Waits until what was appended at this millisecond of the server's clock is on its disk.
    pub(crate) async fn passed(
        &mut self,
        connection: &mut Connection,
        ms: u64,
    ) -> Result<(), LogError> {
        while self.bound_ms < ms {
            self.look(connection).await?;
            if self.bound_ms < ms {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    async fn look(&mut self, connection: &mut Connection) -> Result<(), LogError> {
        let info: String = connection.query(&redis::cmd("INFO")).await?;
        let now_ms = server_ms(connection).await?;
        let fields = check::fields(&info);
        let get = |field: &str| fields.get(field).copied().unwrap_or_default();
        let state = format!(
            "{} {} {}",
            get("run_id"),
            get("aof_delayed_fsync"),
            get("aof_last_write_status")
        );
        self.seen(state, now_ms);
        Ok(())
    }

    fn seen(&mut self, state: String, now_ms: u64) {
        match &self.still {
            Some((still, since_ms)) if *still == state => {
                if now_ms.saturating_sub(*since_ms) >= BEHIND_MS {
                    self.bound_ms = self.bound_ms.max(now_ms - BEHIND_MS);
                }
            }
            _ => self.still = Some((state, now_ms)),
        }
    }
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
            horizon.seen(format!("run {delayed}"), now_ms);
            bounds.push(horizon.bound_ms);
        }
        assert_eq!(bounds, [0, 0, 10_000, 10_500, 10_500, 10_500, 13_000]);
    }
}
