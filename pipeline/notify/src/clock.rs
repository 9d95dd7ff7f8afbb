//! What time it is, for what must not be told too late. The one module of this crate that reads
//! a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use marabet_schemas::Instant;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, for an event of this event time.
    fn now(&self, event: Instant) -> Instant;
}

/// The clock on the wall, for a line that runs live.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self, _: Instant) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Instant::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Event time, for a line that runs faster than the wall: each event happens now. How far other
/// matches have come does not matter, so what is told is the same in every run.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventClock;

impl Clock for EventClock {
    fn now(&self, event: Instant) -> Instant {
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_event_time_each_event_happens_now() {
        let event = Instant::from_micros(7);
        assert_eq!(EventClock.now(event), event);
        assert!(WallClock.now(event) > "2024-01-01T00:00:00Z".parse().unwrap());
    }
}
