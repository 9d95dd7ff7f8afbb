//! When things were known: the rule for instants that the files do not state.
//!
//! The files give the day of a match and, since 2019, the time of its kick-off, both in London.
//! The rest follows from how the site works ("betting odds for weekend games are collected
//! Friday afternoons, and on Tuesday afternoons for midweek games", says its `notes.txt`):
//!
//! * **Pre-match prices** are known at 17:00 London on the last Friday or Tuesday whose 17:00
//!   comes before the closing instant. A match on a Friday at 20:00 has the prices of that
//!   Friday, one on a Friday at noon those of the Tuesday before.
//! * **Closing prices** are known one minute before kick-off.
//! * **Kick-off** without a time is at 12:00 London, so that no match of a day without times is
//!   priced with what another of that day brought.
//! * **The result and the statistics** are known 2 h 30 after kick-off, or, without a time, at
//!   the end of the day.
//! * **The match is closed** a time after its result that [`Timing`] sets, or, where no result
//!   came although others of the file have theirs, a longer time after kick-off.
//!
//! Every event that carries such an instant is marked `assumed`.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use marabet_schemas::Instant;

/// The spans that are a matter of choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From kick-off to the result, in seconds.
    pub result_after_seconds: i64,
    /// From the result to the end of the match's life, in seconds.
    pub closed_after_seconds: i64,
    /// From kick-off to the end of the life of a match without a result, in seconds.
    pub unresolved_after_seconds: i64,
}

impl Default for Timing {
    /// 2 h 30, 48 hours, 14 days.
    fn default() -> Self {
        Self {
            result_after_seconds: 9_000,
            closed_after_seconds: 48 * 3_600,
            unresolved_after_seconds: 14 * 86_400,
        }
    }
}

/// The instants in the life of one match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instants {
    /// The match and its pre-match prices are known.
    pub announced: Instant,
    /// Its closing prices are known.
    pub closing: Instant,
    /// It begins.
    pub kickoff: Instant,
    /// Its result is known.
    pub result: Instant,
    /// Nothing more is expected of it.
    pub closed: Instant,
    /// Nothing more is expected, though no result came.
    pub given_up: Instant,
}

static LONDON: LazyLock<TimeZone> = LazyLock::new(|| {
    TimeZone::get("Europe/London").expect("the time zone database is bundled with the program")
});

/// The instant of a London wall clock. A time that the clocks skip in spring is moved forward.
#[must_use]
pub fn london(local: DateTime) -> Instant {
    let zoned = LONDON.to_ambiguous_zoned(local).compatible();
    let micros = zoned.map(|zoned| zoned.timestamp().as_microsecond());
    Instant::from_micros(micros.expect("years from 1850 to 2200 lie within the time scale"))
}

/// The day and the time of day of an instant on a London clock.
#[must_use]
pub fn on_london_clock(at: Instant) -> Option<DateTime> {
    let timestamp = jiff::Timestamp::from_microsecond(at.micros()).ok()?;
    Some(LONDON.to_datetime(timestamp))
}

impl Instants {
    /// The instants of a match on this day, with kick-off at this time where it is stated, both
    /// on a London clock. The year must lie between 1850 and 2200.
    #[must_use]
    pub fn of(day: Date, time: Option<Time>, timing: Timing) -> Self {
        const NOON: Time = Time::constant(12, 0, 0, 0);
        let kickoff = london(day.to_datetime(time.unwrap_or(NOON)));
        let closing = kickoff.plus_seconds(-60);
        let result = match time {
            Some(_) => kickoff.plus_seconds(timing.result_after_seconds),
            None => london(day.to_datetime(Time::constant(23, 59, 59, 0))),
        };
        Self {
            announced: collected_before(day, closing),
            closing,
            kickoff,
            result,
            closed: result.plus_seconds(timing.closed_after_seconds),
            given_up: kickoff.plus_seconds(timing.unresolved_after_seconds),
        }
    }
}

/// The last Friday or Tuesday 17:00 before `closing`, which lies on `day`.
fn collected_before(day: Date, closing: Instant) -> Instant {
    const COLLECTED: Time = Time::constant(17, 0, 0, 0);
    let mut candidate = day;
    loop {
        if matches!(candidate.weekday(), Weekday::Friday | Weekday::Tuesday) {
            let collected = london(candidate.to_datetime(COLLECTED));
            if collected < closing {
                return collected;
            }
        }
        // Ends within a week: no year of that range begins or ends the calendar.
        candidate = candidate.yesterday().expect("years from 1850 have a day before");
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    fn check(day: Date, at: Option<Time>, announced: &str, kickoff: &str, result: &str) {
        let instants = Instants::of(day, at, Timing::default());
        assert_eq!(instants.announced.to_string(), announced, "{day} announced");
        assert_eq!(instants.kickoff.to_string(), kickoff, "{day} kick-off");
        assert_eq!(instants.result.to_string(), result, "{day} result");
        assert!(instants.announced < instants.closing && instants.closing < instants.kickoff);
        assert!(instants.result < instants.closed);
    }

    #[test]
    fn weekend_matches_have_the_prices_of_friday_and_midweek_matches_those_of_tuesday() {
        // Saturday, Monday, Wednesday, Thursday.
        let three = Some(time(15, 0, 0, 0));
        let evening = Some(time(19, 45, 0, 0));
        check(
            date(2024, 8, 17),
            three,
            "2024-08-16T16:00:00Z",
            "2024-08-17T14:00:00Z",
            "2024-08-17T16:30:00Z",
        );
        check(
            date(2024, 12, 30),
            evening,
            "2024-12-27T17:00:00Z",
            "2024-12-30T19:45:00Z",
            "2024-12-30T22:15:00Z",
        );
        check(
            date(2024, 12, 4),
            evening,
            "2024-12-03T17:00:00Z",
            "2024-12-04T19:45:00Z",
            "2024-12-04T22:15:00Z",
        );
        check(
            date(2024, 12, 5),
            evening,
            "2024-12-03T17:00:00Z",
            "2024-12-05T19:45:00Z",
            "2024-12-05T22:15:00Z",
        );
    }

    #[test]
    fn prices_are_always_known_before_the_closing_ones() {
        // Fridays: in the evening, at the very minute, and at noon.
        let friday = date(2024, 8, 16);
        for (at, announced) in [
            (time(20, 0, 0, 0), "2024-08-16T16:00:00Z"),
            (time(17, 1, 0, 0), "2024-08-13T16:00:00Z"),
            (time(17, 2, 0, 0), "2024-08-16T16:00:00Z"),
            (time(12, 0, 0, 0), "2024-08-13T16:00:00Z"),
        ] {
            let instants = Instants::of(friday, Some(at), Timing::default());
            assert_eq!(instants.announced.to_string(), announced, "{at}");
        }
    }

    #[test]
    fn without_a_time_kick_off_is_noon_and_the_result_comes_at_the_end_of_the_day() {
        check(
            date(1993, 8, 14),
            None,
            "1993-08-13T16:00:00Z",
            "1993-08-14T11:00:00Z",
            "1993-08-14T22:59:59Z",
        );
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_moved_forward() {
        let skipped = london(date(2024, 3, 31).at(1, 30, 0, 0));
        assert_eq!(skipped.to_string(), "2024-03-31T01:30:00Z");
        assert_eq!(on_london_clock(skipped), Some(date(2024, 3, 31).at(2, 30, 0, 0)));
    }
}
