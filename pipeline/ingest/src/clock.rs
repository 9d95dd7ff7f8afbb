//! What time it is, for sources that look at the world. The one module of this crate that reads
//! a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use marabet_schemas::Instant;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in event time.
    fn now(&self) -> Instant;
}

/// The clock on the wall.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Instant::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A share in 0..1 that differs from call to call, for waits that should not coincide. Not for
/// anything that is replayed.
pub(crate) fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds each `RandomState` from the system's randomness.
    let hash = std::hash::RandomState::new().build_hasher().finish();
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// A moment on the clock that never goes back, to measure durations with.
pub(crate) fn moment() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_on_the_wall_tells_a_time_after_this_was_written() {
        assert!(WallClock.now() > "2025-01-01T00:00:00Z".parse().unwrap());
    }
}
