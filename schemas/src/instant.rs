//! Points in event time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An instant in event time: microseconds since 1970-01-01T00:00:00Z.
///
/// Event time is data; it never orders the log. On the wire it is the plain number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Instant(i64);

impl Instant {
    /// The instant this many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Days since the epoch, with their fraction.
    #[must_use]
    pub fn days(self) -> f64 {
        self.0 as f64 / 86_400e6
    }

    /// The instant that many seconds later (earlier when negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Seconds from `earlier` until this instant; negative when it lies before.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1e6
    }

    /// The UTC calendar day as `YYYY-MM-DD`, for grouping by match-day.
    #[must_use]
    pub fn day(self) -> String {
        let mut text = self.to_string();
        text.truncate(10);
        text
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// The text is no RFC 3339 instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no instant; write it as 2024-08-16T19:00:00Z")]
pub struct NoInstant(String);

impl FromStr for Instant {
    type Err = NoInstant;
    fn from_str(text: &str) -> Result<Self, NoInstant> {
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| NoInstant(text.to_owned()))?;
        Ok(Self(timestamp.as_microsecond()))
    }
}

impl schemars::JsonSchema for Instant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "integer", "format": "instant-us",
            "description": "microseconds since 1970-01-01T00:00:00Z"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_as_it_is_written() {
        let kickoff: Instant = "2024-08-16T19:00:00Z".parse().unwrap();
        assert_eq!(kickoff.micros(), 1_723_834_800_000_000);
        assert_eq!(kickoff.to_string(), "2024-08-16T19:00:00Z");
        assert_eq!(kickoff.day(), "2024-08-16");
    }
}
