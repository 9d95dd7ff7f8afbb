//! The one place of this crate that reads a clock.

use marabet_schemas::Instant;
use marabet_streams::clock;

/// Whose time it is that a bet can be placed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// This machine's.
    #[default]
    Wall,
    /// The log's own: the largest event time seen. For facts of the past, as a demo streams them.
    Event,
}

impl Clock {
    /// The name, as answers give it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Event => "event",
        }
    }

    /// The moment that counts as now, where the log has come to `latest`.
    #[must_use]
    pub fn now(self, latest: Option<Instant>) -> Instant {
        match self {
            Self::Wall => Instant::from_micros(i64::try_from(clock::wall_us()).unwrap_or(i64::MAX)),
            Self::Event => latest.unwrap_or_default(),
        }
    }
}
