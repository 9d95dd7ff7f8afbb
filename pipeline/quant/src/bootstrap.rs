//! How sure a yield is: intervals by resampling whole match-days, and the bets it takes.
//!
//! Bets of one day hang together (one model, one news day), so days are drawn, not bets. The
//! generator is seeded by the caller: equal seeds give equal digits on every machine.

use std::collections::BTreeMap;

use crate::special::normal_quantile;

/// What one bet, or one day, adds to a ratio such as profit over stake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// What is drawn as one: the match-day.
    pub cluster: i64,
    /// Added to the numerator: the profit.
    pub numerator: f64,
    /// Added to the denominator: the stake.
    pub denominator: f64,
}

/// A ratio with the interval that resampling gives it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The ratio of the sums as observed.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The standard deviation of the resampled ratios.
    pub standard_error: f64,
    /// The share of resampled ratios above zero.
    pub positive: f64,
    /// How many clusters were drawn from.
    pub clusters: usize,
}

/// Why there is no interval.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BootstrapError {
    /// One day says nothing of how days differ.
    #[error("resampling takes at least two clusters, got {0}")]
    TooFewClusters(usize),
    /// A number is none.
    #[error("numerators must be finite and denominators finite and not negative, got {0}")]
    Value(f64),
    /// Nothing was staked.
    #[error("the denominators add up to nothing")]
    NoDenominator,
    /// The numbers are too large, or too unlike, for a ratio of their sums.
    #[error(
        "the numbers are too large or too unlike each other: a ratio of their sums is not finite"
    )]
    Overflow,
    /// The level is none.
    #[error("the level of an interval must lie inside 0..1, got {0}")]
    Level(f64),
    /// Too few draws for an interval, or more than is sensible.
    #[error("there must be 100 to 1000000 resamples, got {0}")]
    Resamples(u32),
    /// What is to be confirmed is none.
    #[error("an edge and its spread must be finite and above zero, got {0}")]
    Edge(f64),
}

/// The percentile interval of a ratio of sums by the cluster bootstrap (Efron and Tibshirani 1993,
/// chapters 8 and 13): as many clusters as there are, drawn with replacement, `resamples` times.
///
/// # Errors
/// [`BootstrapError`] for fewer than two clusters, values that are none, a level outside 0..1 or
/// a number of resamples outside 100..=1,000,000.
pub fn ratio_interval(
    observations: &[Observation],
    level: f64,
    resamples: u32,
    seed: u64,
) -> Result<Interval, BootstrapError> {
    if !(level > 0.0 && level < 1.0) {
        return Err(BootstrapError::Level(level));
    }
    if !(100..=1_000_000).contains(&resamples) {
        return Err(BootstrapError::Resamples(resamples));
    }
    let clusters = gathered(observations)?;
    let sum = |picked: &mut dyn Iterator<Item = (f64, f64)>| {
        picked.fold((0.0, 0.0), |(top, bottom), (n, d)| (top + n, bottom + d))
    };
    let (top, bottom) = sum(&mut clusters.iter().copied());
    if bottom <= 0.0 {
        return Err(BootstrapError::NoDenominator);
    }
    let mut generator = Generator::new(seed);
    let mut ratios = Vec::with_capacity(resamples as usize);
    for _ in 0..resamples {
        let mut drawn = clusters.iter().map(|_| clusters[generator.below(clusters.len())]);
        let (top, bottom) = sum(&mut drawn);
        // Days on which nothing was staked can be all that is drawn.
        if bottom > 0.0 {
            ratios.push(top / bottom);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let drawn = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / drawn;
    let squares: f64 = ratios.iter().map(|ratio| (ratio - mean) * (ratio - mean)).sum();
    let positive = ratios.iter().filter(|ratio| **ratio > 0.0).count() as f64 / drawn;
    let interval = Interval {
        estimate: top / bottom,
        low: quantile(&ratios, (1.0 - level) / 2.0),
        high: quantile(&ratios, (1.0 + level) / 2.0),
        standard_error: (squares / (drawn - 1.0)).sqrt(),
        positive,
        clusters: clusters.len(),
    };
    let Interval { estimate, low, high, standard_error, .. } = interval;
    let finite = [estimate, low, high, standard_error].iter().all(|number| number.is_finite());
    if finite { Ok(interval) } else { Err(BootstrapError::Overflow) }
}

/// The number of bets at which an edge of `edge` per unit staked is told from none with the given
/// confidence (one-sided, 0.95 for one) and power (0.8 for one), when the profit of a bet has
/// standard deviation `deviation`: `((z_confidence + z_power) · deviation / edge)²`, rounded up.
///
/// # Errors
/// [`BootstrapError::Edge`] for an edge or deviation that is none, [`BootstrapError::Level`] for a
/// confidence or power outside 0.5..1.
pub fn bets_to_confirm(
    edge: f64,
    deviation: f64,
    confidence: f64,
    power: f64,
) -> Result<f64, BootstrapError> {
    for value in [edge, deviation] {
        if !(value.is_finite() && value > 0.0) {
            return Err(BootstrapError::Edge(value));
        }
    }
    for level in [confidence, power] {
        if !((0.5..1.0).contains(&level)) {
            return Err(BootstrapError::Level(level));
        }
    }
    let distance = normal_quantile(confidence) + normal_quantile(power);
    let ratio = distance * deviation / edge;
    Ok(libm::ceil(ratio * ratio))
}

/// The sums of each cluster, in the order of their keys.
fn gathered(observations: &[Observation]) -> Result<Vec<(f64, f64)>, BootstrapError> {
    let mut clusters: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for observation in observations {
        let Observation { cluster, numerator, denominator } = *observation;
        if !numerator.is_finite() {
            return Err(BootstrapError::Value(numerator));
        }
        if !(denominator.is_finite() && denominator >= 0.0) {
            return Err(BootstrapError::Value(denominator));
        }
        let (top, bottom) = clusters.entry(cluster).or_default();
        *top += numerator;
        *bottom += denominator;
    }
    if clusters.len() < 2 {
        return Err(BootstrapError::TooFewClusters(clusters.len()));
    }
    Ok(clusters.into_values().collect())
}

/// Of sorted values, between the two nearest ranks in proportion.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let rank = p * (sorted.len() - 1) as f64;
    let below = rank as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (rank - below as f64) * (sorted[above] - sorted[below])
}

/// xoshiro256++ (Blackman and Vigna 2021), its state drawn from the seed by SplitMix64.
pub(crate) struct Generator([u64; 4]);

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        let mut counter = seed;
        Self([0; 4].map(|_: u64| {
            counter = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (counter ^ (counter >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        }))
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let drawn = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        drawn
    }

    /// A number below `bound`: the high half of the product, whose bias is below `bound`/2⁶⁴.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(profits: &[f64]) -> Vec<Observation> {
        let of_day = |(day, profit): (i64, &f64)| Observation {
            cluster: day,
            numerator: *profit,
            denominator: 1.0,
        };
        (0..).zip(profits).map(of_day).collect()
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // The first outputs of the reference code from the state 1, 2, 3, 4.
        let mut generator = Generator([1, 2, 3, 4]);
        let drawn: Vec<u64> = (0..4).map(|_| generator.next()).collect();
        assert_eq!(drawn, [41943041, 58720359, 3588806011781223, 3591011842654386]);
        // SplitMix64 of seed 1234567.
        assert_eq!(Generator::new(1234567).0[0], 6457827717110365317);
        assert_eq!(Generator::new(1234567).0[1], 3203168211198807973);
    }

    #[test]
    fn an_interval_is_about_as_wide_as_the_normal_law_says() {
        let profits: Vec<f64> = (0..400).map(|n| f64::from(n % 7) - 2.5).collect();
        let found = ratio_interval(&days(&profits), 0.95, 4000, 1).unwrap();
        let mean = profits.iter().sum::<f64>() / 400.0;
        let variance = profits.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 400.0;
        let half = 1.96 * (variance / 400.0).sqrt();
        assert!((found.estimate - mean).abs() < 1e-12);
        assert!((found.high - (mean + half)).abs() < 0.1 * half, "{found:?}");
        assert!((found.low - (mean - half)).abs() < 0.1 * half, "{found:?}");
        assert!(found.positive > 0.99 && found.clusters == 400);
    }

    #[test]
    fn bets_of_one_day_do_not_narrow_the_interval() {
        let profits: Vec<f64> = (0..50).map(|n| f64::from(n % 5) - 2.0).collect();
        let once = ratio_interval(&days(&profits), 0.9, 2000, 7).unwrap();
        let mut repeated = days(&profits);
        repeated.extend(days(&profits));
        let twice = ratio_interval(&repeated, 0.9, 2000, 7).unwrap();
        assert_eq!((once.low, once.high), (twice.low, twice.high));
    }

    #[test]
    fn a_seed_gives_the_same_digits_and_another_seed_others() {
        let observations = days(&[0.5, -1.0, 2.0, -1.0, 0.3]);
        let drawn = |seed| ratio_interval(&observations, 0.9, 1000, seed).unwrap();
        assert_eq!(drawn(3), drawn(3));
        assert_ne!(drawn(3).standard_error, drawn(4).standard_error);
        let mut reversed = observations.clone();
        reversed.reverse();
        assert_eq!(ratio_interval(&reversed, 0.9, 1000, 3).unwrap(), drawn(3));
    }

    #[test]
    fn an_edge_of_two_percent_at_even_odds_takes_fifteen_thousand_bets() {
        let bets = bets_to_confirm(0.02, 1.0, 0.95, 0.8).unwrap();
        assert_eq!(bets, 15457.0);
    }

    #[test]
    fn arguments_that_are_none_are_refused() {
        let two = days(&[1.0, -1.0]);
        let of = |o: &[Observation], level, resamples| ratio_interval(o, level, resamples, 0);
        assert_eq!(of(&days(&[1.0]), 0.9, 100), Err(BootstrapError::TooFewClusters(1)));
        assert_eq!(of(&[], 0.9, 100), Err(BootstrapError::TooFewClusters(0)));
        assert_eq!(of(&two, 1.0, 100), Err(BootstrapError::Level(1.0)));
        assert_eq!(of(&two, 0.9, 99), Err(BootstrapError::Resamples(99)));
        assert!(matches!(of(&days(&[f64::NAN, 1.0]), 0.9, 100), Err(BootstrapError::Value(_))));
        let unstaked: Vec<Observation> =
            two.iter().map(|o| Observation { denominator: 0.0, ..*o }).collect();
        assert_eq!(of(&unstaked, 0.9, 100), Err(BootstrapError::NoDenominator));
        assert!(bets_to_confirm(0.0, 1.0, 0.95, 0.8).is_err());
        assert!(bets_to_confirm(0.02, 1.0, 1.0, 0.8).is_err());
    }
}
