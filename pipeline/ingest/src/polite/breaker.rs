//! A circuit breaker: a provider that fails again and again is left in peace for a while.

use std::time::{Duration, Instant as Moment};

/// Failures in a row after which the provider is left in peace.
const FAILURES_MAX: u32 = 5;
/// For how long, the first time; each time after it twice as long.
const FIRST_REST: Duration = Duration::from_secs(30);
/// And at most.
const LONGEST_REST: Duration = Duration::from_secs(15 * 60);

/// Whether a provider may be asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker {
    failures: u32,
    rests: u32,
    until: Option<Moment>,
}

impl Breaker {
    /// How long the provider is still to be left in peace; none when it may be asked.
    #[must_use]
    pub(super) fn rest(&self, now: Moment) -> Option<Duration> {
        let until = self.until?;
        (now < until).then(|| until - now)
    }

    /// It answered.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It did not. After a rest one failure is enough for the next.
    pub(super) fn failed(&mut self, now: Moment) {
        self.failures += 1;
        if self.failures >= FAILURES_MAX || self.rests > 0 {
            let rest = FIRST_REST.saturating_mul(1 << self.rests.min(8)).min(LONGEST_REST);
            self.until = Some(now + rest);
            self.rests += 1;
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_failures_in_a_row_it_rests_longer_each_time_until_an_answer() {
        let mut breaker = Breaker::default();
        let now = crate::clock::moment();
        for _ in 1..FAILURES_MAX {
            breaker.failed(now);
            assert_eq!(breaker.rest(now), None);
        }
        breaker.failed(now);
        assert_eq!(breaker.rest(now), Some(FIRST_REST));
        let later = now + FIRST_REST;
        assert_eq!(breaker.rest(later), None);
        breaker.failed(later);
        assert_eq!(breaker.rest(later), Some(FIRST_REST * 2));
        for _ in 0..20 {
            breaker.failed(later);
        }
        assert_eq!(breaker.rest(later), Some(LONGEST_REST));
        breaker.succeeded();
        breaker.failed(later);
        assert_eq!(breaker.rest(later), None);
    }
}
