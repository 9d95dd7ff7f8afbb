//! Medians of repeated runs, for the tables of ratios; criterion measures the rest.

use std::time::{Duration, Instant};

/// The median time of one call, in nanoseconds: `rounds` rounds of as many calls as take about a
/// tenth of a millisecond, or of one call where that takes longer.
///
/// # Panics
/// Never: there is at least one round.
#[must_use]
pub fn median_ns<T>(rounds: usize, mut call: impl FnMut() -> T) -> f64 {
    const ROUND: Duration = Duration::from_micros(100);
    let start = Instant::now();
    std::hint::black_box(call());
    let once = start.elapsed().max(Duration::from_nanos(20));
    let calls = (ROUND.as_nanos() / once.as_nanos()).max(1) as u32;
    let mut took: Vec<f64> = (0..rounds.max(1))
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                std::hint::black_box(call());
            }
            start.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}
