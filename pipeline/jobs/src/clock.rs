//! What time it is for a schedule. The one module of this crate that reads a clock.

use std::sync::atomic::{AtomicI64, Ordering};

use marabet_schemas::Instant;
use marabet_streams::clock;

/// Tells the time by which plans are due.
pub trait Clock: Send + Sync {
    /// Now; none while it is not known yet.
    fn now(&self) -> Option<Instant>;
}

/// The clock on the wall.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Option<Instant> {
        Some(Instant::from_micros(i64::try_from(clock::wall_us()).unwrap_or(i64::MAX)))
    }
}

/// A clock that stands where it was put: event time, for a line that runs faster than the wall.
/// It never goes back.
#[derive(Debug, Default)]
pub struct SetClock(AtomicI64);

impl SetClock {
    /// Puts it forward.
    pub fn reach(&self, at: Instant) {
        self.0.fetch_max(at.micros(), Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Option<Instant> {
        let at = self.0.load(Ordering::Relaxed);
        (at != 0).then(|| Instant::from_micros(at))
    }
}

/// Bits for the jitter of a pause: unlike in any two processes, and not secret.
pub(crate) fn dice() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u64(clock::wall_us());
    hasher.finish()
}

/// An identity that sorts by the time at which it was made.
pub(crate) fn identity() -> String {
    format!("{:012x}{:08x}", clock::wall_us() / 1000, dice() >> 32)
}
