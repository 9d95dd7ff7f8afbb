//! Plans: which job is due when.
//!
//! A plan is a line of cron in a time zone. Where the clocks go forward, a time that does not
//! exist is taken as the same distance after the gap; where they go back, a time that comes twice
//! is taken once. What was missed while nothing ran is caught up once, for the last missed time.

use cronexpr::Crontab;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use marabet_schemas::Instant;
use serde_json::Value;

/// Which job is due when.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What it is called; the key of its history.
    pub name: String,
    /// The kind of job.
    pub kind: String,
    /// Its arguments, a JSON object.
    pub args: Value,
    /// The line of cron, as it was written.
    pub cron: String,
    /// The time zone, by its IANA name.
    pub zone: String,
    /// The line, taken by the clock on the wall: as if it were UTC.
    times: Crontab,
    time_zone: TimeZone,
}

/// A plan that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plan `{name}`: `{cron}` in {zone} is no time: {reason}; write minute hour day month weekday, such as `0 2 * * *`"
)]
pub struct PlanError {
    name: String,
    cron: String,
    zone: String,
    reason: String,
}

/// Longer than any turn of the clocks, in seconds.
const TURN_S: i64 = 3 * 3_600;
/// How far back missed times are looked for, the nearest first, in seconds.
const LOOK_BACK_S: [i64; 6] =
    [3_600, 86_400, 8 * 86_400, 32 * 86_400, 367 * 86_400, 5 * 366 * 86_400];

impl Plan {
    /// A plan from its line of cron: five fields, and `@hourly`, `@daily`, `@weekly`, `@monthly`.
    ///
    /// # Errors
    /// [`PlanError`], which says what is wrong with the line or the zone.
    pub fn new(
        name: impl Into<String>,
        kind: impl Into<String>,
        args: Value,
        cron: &str,
        zone: &str,
    ) -> Result<Self, PlanError> {
        let name = name.into();
        let line = match cron.trim() {
            "@hourly" => "0 * * * *",
            "@daily" => "0 0 * * *",
            "@weekly" => "0 0 * * 1",
            "@monthly" => "0 0 1 * *",
            line => line,
        };
        let fault = |reason: String| PlanError {
            name: name.clone(),
            cron: cron.to_owned(),
            zone: zone.to_owned(),
            reason,
        };
        if line.split_whitespace().count() != 5 {
            let found = line.split_whitespace().count();
            return Err(fault(format!("it has {found} fields, not five")));
        }
        let time_zone = TimeZone::get(zone)
            .map_err(|_| fault(format!("`{zone}` is no time zone that is known")))?;
        let times = cronexpr::parse_crontab(&format!("{line} UTC")).map_err(|error| {
            // The parser draws its line and an arrow below it; the arrow's words say it all.
            let shown = error.to_string();
            let words = shown.lines().last().unwrap_or_default();
            fault(words.trim_start_matches([' ', '^', '|']).trim().to_owned())
        })?;
        let plan = Self {
            kind: kind.into(),
            args,
            cron: cron.to_owned(),
            zone: zone.to_owned(),
            times,
            time_zone,
            name: name.clone(),
        };
        // A date that never comes, such as 30 February, is found out now and not at night.
        match plan.next(Instant::default()) {
            Some(_) => Ok(plan),
            None => Err(fault("such a day never comes".to_owned())),
        }
    }

    /// The first time after an instant; none where there is none for years.
    #[must_use]
    pub fn next(&self, after: Instant) -> Option<Instant> {
        let after = Timestamp::from_microsecond(after.micros()).ok()?;
        let mut clock = self.wall(after);
        let earlier = Timestamp::from_second(after.as_second() - TURN_S).ok()?;
        if self.time_zone.to_offset(earlier) != self.time_zone.to_offset(after) {
            // The clocks were turned: what they left out may still lie ahead.
            clock = self.wall(earlier);
        }
        loop {
            clock = self.next_on_the_wall(clock)?;
            let next = clock.to_zoned(self.time_zone.clone()).ok()?.timestamp();
            // The second coming of a time that the clocks repeat counts as its first.
            if next > after {
                return Some(Instant::from_micros(next.as_microsecond()));
            }
        }
    }

    /// What the clock on the wall shows.
    fn wall(&self, at: Timestamp) -> DateTime {
        self.time_zone.to_datetime(at)
    }

    fn next_on_the_wall(&self, clock: DateTime) -> Option<DateTime> {
        let as_if_utc = clock.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let next = self.times.find_next(cronexpr::MakeTimestamp(as_if_utc)).ok()?;
        Some(TimeZone::UTC.to_datetime(next.timestamp()))
    }

    /// The last time after `last` and not after `now`.
    #[must_use]
    pub fn due(&self, last: Instant, now: Instant) -> Option<Instant> {
        for back in LOOK_BACK_S {
            let from = now.plus_seconds(-back).max(last);
            let mut due = None;
            let mut after = from;
            while let Some(next) = self.next(after).filter(|next| *next <= now) {
                (due, after) = (Some(next), next);
            }
            if due.is_some() || from == last {
                return due;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(cron: &str, zone: &str) -> Plan {
        Plan::new("p", "k", Value::Null, cron, zone).unwrap()
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[track_caller]
    fn times(plan: &Plan, from: &str, expected: &[&str]) {
        let mut after = at(from);
        let mut found = Vec::new();
        for _ in expected {
            after = plan.next(after).unwrap();
            found.push(after.to_string());
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn a_plan_goes_by_the_clock_of_its_zone() {
        let lisbon = plan("0 2 * * *", "Europe/Lisbon");
        times(&lisbon, "2025-01-10T12:00:00Z", &["2025-01-11T02:00:00Z", "2025-01-12T02:00:00Z"]);
        times(&lisbon, "2025-07-10T12:00:00Z", &["2025-07-11T01:00:00Z", "2025-07-12T01:00:00Z"]);
        times(&plan("0 3 * * 1", "UTC"), "2025-01-10T12:00:00Z", &["2025-01-13T03:00:00Z"]);
        times(&plan("*/15 * * * *", "UTC"), "2025-01-10T12:01:00Z", &["2025-01-10T12:15:00Z"]);
    }

    #[test]
    fn a_time_that_the_clocks_leave_out_comes_after_the_gap_and_one_that_comes_twice_comes_once() {
        let berlin = plan("30 2 * * *", "Europe/Berlin");
        // 30 March 2025: 02:00 is followed by 03:00. 26 October 2025: 03:00 by 02:00.
        times(&berlin, "2025-03-29T12:00:00Z", &["2025-03-30T01:30:00Z", "2025-03-31T00:30:00Z"]);
        times(&berlin, "2025-10-25T12:00:00Z", &["2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"]);
    }

    #[test]
    fn what_was_missed_is_due_once_for_the_last_time_missed() {
        let nightly = plan("0 2 * * *", "UTC");
        let last = at("2025-01-01T02:00:00Z");
        for (now, due) in [
            ("2025-01-01T02:00:00Z", None),
            ("2025-01-02T01:59:59Z", None),
            ("2025-01-02T02:00:00Z", Some("2025-01-02T02:00:00Z")),
            ("2025-03-05T12:00:00Z", Some("2025-03-05T02:00:00Z")),
            // The clock went back an hour: nothing is due a second time.
            ("2025-01-01T01:00:00Z", None),
        ] {
            assert_eq!(nightly.due(last, at(now)), due.map(at), "{now}");
        }
        let yearly = plan("0 0 1 1 *", "UTC");
        assert_eq!(
            yearly.due(at("2020-06-01T00:00:00Z"), at("2024-06-01T00:00:00Z")),
            Some(at("2024-01-01T00:00:00Z"))
        );
    }

    #[test]
    fn a_wrong_line_or_zone_is_refused_with_what_is_wrong() {
        for (cron, zone, word) in [
            ("0 25 * * *", "UTC", "25"),
            ("0 2 * *", "UTC", "4 fields"),
            ("x 2 * * *", "UTC", "no time"),
            ("0 2 * * *", "Europe/Atlantis", "Europe/Atlantis"),
            ("0 0 30 2 *", "UTC", "never comes"),
        ] {
            let error = Plan::new("nightly", "k", Value::Null, cron, zone).unwrap_err().to_string();
            assert!(error.contains("nightly") && error.contains(word), "{error}");
        }
    }
}
