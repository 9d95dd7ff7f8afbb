//! The one place of this crate that reads a clock.

use marabet_schemas::Instant;
use marabet_streams::clock;

/// Now, by this machine's clock: when a record was made, never when an event happened.
#[must_use]
pub fn now() -> Instant {
    Instant::from_micros(i64::try_from(clock::wall_us()).unwrap_or(i64::MAX))
}
