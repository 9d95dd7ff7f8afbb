use marabet_schemas::Instant;

const DAY_S: i64 = 86_400;

/// When models are trained, in event time: at `anchor + n · period` for every whole `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// One of the boundaries.
    pub anchor: Instant,
    /// Days from one to the next, at least 1.
    pub period_days: u16,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::WEEKLY
    }
}

impl Schedule {
    /// Tuesdays at 02:00 UTC, when a weekend's matches are known and midweek's prices are not.
    pub const WEEKLY: Self =
        Self { anchor: Instant::from_micros(0).plus_seconds(5 * DAY_S + 7_200), period_days: 7 };

    /// Every day at 02:00 UTC.
    pub const DAILY: Self = Self { period_days: 1, ..Self::WEEKLY };

    /// The last boundary at or before an instant.
    #[must_use]
    pub fn last_boundary(&self, at: Instant) -> Instant {
        let period = i64::from(self.period_days.max(1)) * DAY_S * 1_000_000;
        let since = i128::from(at.micros()) - i128::from(self.anchor.micros());
        let late = i64::try_from(since.rem_euclid(i128::from(period)))
            .expect("what is left of a division by an i64 fits into one");
        Instant::from_micros(at.micros().saturating_sub(late))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_ends_on_tuesday_night() {
        for (at, boundary) in [
            ("2024-08-16T19:00:00Z", "2024-08-13T02:00:00Z"),
            ("2024-08-20T01:59:59Z", "2024-08-13T02:00:00Z"),
            ("2024-08-20T02:00:00Z", "2024-08-20T02:00:00Z"),
            ("1969-12-31T00:00:00Z", "1969-12-30T02:00:00Z"),
        ] {
            let at: Instant = at.parse().unwrap();
            assert_eq!(Schedule::WEEKLY.last_boundary(at).to_string(), boundary, "{at}");
        }
        let at = Instant::from_micros(i64::MIN);
        assert_eq!(Schedule::DAILY.last_boundary(at), at);
    }
}
