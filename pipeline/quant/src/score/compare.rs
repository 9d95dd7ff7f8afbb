//! Whether one forecaster is better than another, or was luckier.

use std::collections::BTreeMap;

use super::{ScoreError, check_lengths, checked_level};
use crate::special::{student_quantile, student_two_sided};

/// The mean difference of two forecasters' losses, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// Mean loss of the first less that of the second: negative where the first is better.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// Difference over standard error: the Diebold–Mariano statistic.
    pub statistic: f64,
    /// The probability of a statistic at least as far from zero if the two were alike.
    pub p_value: f64,
    /// How many forecasts, or clusters of them, were independent.
    pub independent: usize,
}

/// Diebold and Mariano's test (1995) of forecasts that are independent of each other: the paired
/// losses of two forecasters, an interval at `level`, 0.95 for one, from Student's law (Harvey,
/// Leybourne and Newbold 1997).
///
/// # Errors
/// [`ScoreError::Lengths`] when the lists differ; [`ScoreError::Loss`] for a loss that is no
/// number; [`ScoreError::Level`]; [`ScoreError::TooFew`] below two.
pub fn compare(first: &[f64], second: &[f64], level: f64) -> Result<Comparison, ScoreError> {
    let clusters: Vec<i64> = (0_i64..).take(first.len()).collect();
    compare_clustered(first, second, &clusters, level)
}

/// [`compare`] where forecasts of one cluster, a match-day for one, hang together: the variance is
/// that of the clusters' sums (Liang and Zeger 1986), on one degree of freedom less than clusters.
///
/// # Errors
/// As [`compare`], two clusters being the least.
pub fn compare_clustered(
    first: &[f64],
    second: &[f64],
    clusters: &[i64],
    level: f64,
) -> Result<Comparison, ScoreError> {
    check_lengths(first.len(), second.len())?;
    check_lengths(first.len(), clusters.len())?;
    let level = checked_level(level)?;
    let mut sums: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for ((one, other), cluster) in first.iter().zip(second).zip(clusters) {
        for loss in [*one, *other] {
            if !loss.is_finite() {
                return Err(ScoreError::Loss(loss));
            }
        }
        let (sum, count) = sums.entry(*cluster).or_default();
        *sum += one - other;
        *count += 1.0;
    }
    if sums.len() < 2 {
        return Err(ScoreError::TooFew { got: sums.len(), needed: 2 });
    }
    let total = first.len() as f64;
    let difference = sums.values().map(|(sum, _)| sum).sum::<f64>() / total;
    let squares = sums.values().map(|(sum, count)| {
        let off = sum - count * difference;
        off * off
    });
    let independent = sums.len() as f64;
    let freedom = independent - 1.0;
    let standard_error = (squares.sum::<f64>() * independent / freedom).sqrt() / total;
    if !(difference.is_finite() && standard_error.is_finite()) {
        let largest = first.iter().chain(second).copied().fold(0.0, |a: f64, b| a.max(b.abs()));
        return Err(ScoreError::Loss(largest));
    }
    // Losses that never differ are no evidence either way.
    let statistic = if difference == 0.0 { 0.0 } else { difference / standard_error };
    let half = student_quantile(0.5 + level / 2.0, freedom) * standard_error;
    Ok(Comparison {
        difference,
        standard_error,
        low: difference - half,
        high: difference + half,
        statistic,
        p_value: student_two_sided(statistic, freedom),
        independent: sums.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_forecasts_have_the_paired_t_test() {
        // Student's own sleep data (1908): mean difference 1.58, t = 4.0621, p = 0.002833.
        let drug_one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let drug_two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let found = compare(&drug_two, &drug_one, 0.95).unwrap();
        assert!((found.difference - 1.58).abs() < 1e-12);
        assert!((found.statistic - 4.062128).abs() < 1e-6, "{found:?}");
        assert!((found.p_value - 0.00283289).abs() < 1e-8, "{found:?}");
        assert!((found.low - 0.7001142).abs() < 1e-6 && (found.high - 2.4598858).abs() < 1e-6);
        let reversed = compare(&drug_one, &drug_two, 0.95).unwrap();
        assert_eq!(reversed.difference, -found.difference);
    }

    #[test]
    fn forecasts_that_repeat_within_a_cluster_count_once() {
        let losses = [0.1, 0.4, 0.2, 0.5, 0.3];
        let zeros = [0.0; 5];
        let once = compare(&losses, &zeros, 0.9).unwrap();
        let thrice: Vec<f64> = losses.iter().flat_map(|loss| [*loss; 3]).collect();
        let days: Vec<i64> = (0..5).flat_map(|day| [day; 3]).collect();
        let clustered = compare_clustered(&thrice, &[0.0; 15], &days, 0.9).unwrap();
        assert!((once.standard_error - clustered.standard_error).abs() < 1e-15);
        assert!((once.high - clustered.high).abs() < 1e-12);
        assert_eq!(clustered.independent, 5);
        let naive = compare(&thrice, &[0.0; 15], 0.9).unwrap();
        assert!(naive.standard_error < clustered.standard_error);
    }

    #[test]
    fn equal_forecasters_are_not_told_apart() {
        let same = compare(&[0.2, 0.3, 0.1], &[0.2, 0.3, 0.1], 0.95).unwrap();
        assert_eq!((same.difference, same.statistic, same.p_value), (0.0, 0.0, 1.0));
    }

    #[test]
    fn losses_that_are_none_are_refused() {
        assert!(matches!(compare(&[f64::NAN, 0.0], &[0.0; 2], 0.95), Err(ScoreError::Loss(_))));
        assert!(compare(&[0.1], &[0.2], 0.95).is_err());
        assert!(compare(&[0.1, 0.2], &[0.2], 0.95).is_err());
        assert!(compare(&[0.1, 0.2], &[0.2, 0.2], 1.0).is_err());
        let one_day = compare_clustered(&[0.1, 0.2], &[0.0; 2], &[7, 7], 0.95);
        assert_eq!(one_day, Err(ScoreError::TooFew { got: 1, needed: 2 }));
    }
}
