//! Durations counted in buckets, to tell quantiles from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets for each doubling: a quantile is exact to one part in sixteen.
const STEPS: usize = 16;
/// Doublings counted, from 1 µs: the last bucket begins above an hour.
const DOUBLINGS: usize = 34;

/// Counts durations from 1 µs to an hour; longer ones count as an hour.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    count: AtomicU64,
    sum_us: AtomicU64,
    max_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: (0..STEPS * DOUBLINGS).map(|_| AtomicU64::new(0)).collect(),
            count: AtomicU64::new(0),
            sum_us: AtomicU64::new(0),
            max_us: AtomicU64::new(0),
        }
    }
}

/// The bucket of so many microseconds: the doubling, and the step within it.
fn bucket(us: u64) -> usize {
    if us < STEPS as u64 {
        return us as usize;
    }
    let doubling = us.ilog2() as usize - STEPS.ilog2() as usize;
    let step = (us >> doubling) as usize - STEPS;
    ((doubling + 1) * STEPS + step).min(STEPS * DOUBLINGS - 1)
}

/// The least number of microseconds of a bucket.
fn floor_us(bucket: usize) -> u64 {
    match bucket / STEPS {
        0 => bucket as u64,
        doubling => ((STEPS + bucket % STEPS) as u64) << (doubling - 1),
    }
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(us)].fetch_add(1, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
        self.max_us.fetch_max(us, Ordering::Relaxed);
    }

    /// How many were at most about this long: to one part in sixteen of it.
    #[must_use]
    pub fn at_most(&self, duration: Duration) -> u64 {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.buckets[..bucket(us)].iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The sum of all durations.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_us.load(Ordering::Relaxed))
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Their mean; zero for none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let sum = self.sum_us.load(Ordering::Relaxed);
        Duration::from_micros(sum / self.count().max(1))
    }

    /// The longest; zero for none.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.max_us.load(Ordering::Relaxed))
    }

    /// The duration that the share `quantile` (0 to 1) of those counted does not exceed, to one
    /// part in sixteen; zero for none.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Duration {
        let rank = (quantile.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Ordering::Relaxed);
            if seen >= rank {
                return Duration::from_micros(floor_us(index + 1)).min(self.max());
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_holds_its_floor_and_no_bucket_is_left_out() {
        for index in 0..STEPS * DOUBLINGS {
            assert_eq!(bucket(floor_us(index)), index);
            assert_eq!(bucket(floor_us(index + 1) - 1), index);
        }
        assert_eq!(bucket(u64::MAX), STEPS * DOUBLINGS - 1);
    }

    #[test]
    fn quantiles_are_exact_to_one_part_in_sixteen() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for us in 1..=10_000 {
            histogram.record(Duration::from_micros(us));
        }
        for (quantile, exact) in [(0.5, 5_000.0), (0.99, 9_900.0), (1.0, 10_000.0)] {
            let found = histogram.quantile(quantile).as_micros() as f64;
            assert!((found / exact - 1.0).abs() <= 1.0 / 16.0, "{quantile}: {found}");
        }
        assert_eq!(histogram.max(), Duration::from_millis(10));
        assert_eq!(histogram.mean(), Duration::from_micros(5_000));
    }
}
