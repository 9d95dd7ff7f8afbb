//! The one place of this crate that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01T00:00:00Z by this machine's clock.
#[must_use]
pub fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    // Microseconds of a duration since 1970 fit 64 bits for 584,000 years.
    since.as_micros() as u64
}

/// A moment on the clock that never goes back, to measure durations with.
#[must_use]
pub fn moment() -> Instant {
    Instant::now()
}

/// Bits that no other acquisition has: time, process and a counter. Not secret.
pub(crate) fn nonce() -> String {
    use std::hash::{BuildHasher, Hasher};
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // The standard library seeds each `RandomState` from the system's randomness.
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u64(wall_us());
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}
