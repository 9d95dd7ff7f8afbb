//! The Sharpe ratio, and how much of it is owed to having chosen the best of many.

use super::TrialsError;
use crate::special::{normal_cdf, normal_quantile};

/// Euler and Mascheroni's constant.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// Returns whose deviation is this small a share of their mean are the same.
const SAME: f64 = 1e-9;

/// The first four moments of returns a day.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Moments {
    /// How many days.
    pub days: usize,
    /// Mean over standard deviation, a day (not a year).
    pub sharpe: f64,
    /// Third standardised moment.
    pub skewness: f64,
    /// Fourth standardised moment; three for the normal law.
    pub kurtosis: f64,
}

impl Moments {
    /// The moments of the returns that there are, of `days` days of which the others brought
    /// nothing.
    ///
    /// # Errors
    /// [`TrialsError`] for fewer than two days, a return that is no number, or returns that do
    /// not vary.
    pub fn of(
        returns: &(impl Iterator<Item = f64> + Clone),
        days: usize,
    ) -> Result<Self, TrialsError> {
        if days < 2 {
            return Err(TrialsError::TooFewDays(days));
        }
        if let Some(value) = returns.clone().find(|value| !value.is_finite()) {
            return Err(TrialsError::Value(value));
        }
        let n = days as f64;
        let mean = returns.clone().sum::<f64>() / n;
        let idle = n - returns.clone().count() as f64;
        // The days that are not listed lie at zero, which is `-mean` from the mean.
        let moment = |power: fn(f64) -> f64| {
            let listed: f64 = returns.clone().map(|value| power(value - mean)).sum();
            (listed + idle * power(-mean)) / n
        };
        let variance = moment(|x| x * x);
        // What differs by rounding alone does not vary.
        let rounding = SAME * mean.abs();
        if variance <= f64::MIN_POSITIVE.max(rounding * rounding) {
            return Err(TrialsError::NoSpread);
        }
        let deviation = variance.sqrt();
        Ok(Self {
            days,
            sharpe: mean / (deviation * (n / (n - 1.0)).sqrt()),
            skewness: moment(|x| x * x * x) / (variance * deviation),
            kurtosis: moment(|x| x * x * x * x) / (variance * variance),
        })
    }
}

/// A Sharpe ratio beside what the best of so many would reach by chance.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DeflatedSharpe {
    /// The Sharpe ratio, a day.
    pub sharpe: f64,
    /// What the best of the trials would be expected to reach if none had any merit.
    pub expected_best: f64,
    /// The probability that the true Sharpe ratio is above that: the deflated Sharpe ratio.
    pub probability: f64,
}

/// The Sharpe ratio that the best of `trials` worthless strategies is expected to reach, where
/// the ratios of all that were tried vary by `variance`: equation 1 of Bailey and López de Prado,
/// "The Deflated Sharpe Ratio" (2014).
#[must_use]
pub fn expected_best_sharpe(variance: f64, trials: f64) -> f64 {
    if trials <= 1.0 {
        return 0.0;
    }
    let best = normal_quantile(1.0 - 1.0 / trials);
    let beyond = normal_quantile(1.0 - 1.0 / (trials * std::f64::consts::E));
    variance.max(0.0).sqrt() * ((1.0 - EULER_GAMMA) * best + EULER_GAMMA * beyond)
}

/// The deflated Sharpe ratio (Bailey and López de Prado 2014, equation 2): the probability that
/// the true ratio exceeds [`expected_best_sharpe`], given that returns are skewed and have tails.
#[must_use]
pub fn deflated_sharpe(moments: &Moments, variance: f64, trials: f64) -> DeflatedSharpe {
    let Moments { days, sharpe, skewness, kurtosis } = *moments;
    let expected_best = expected_best_sharpe(variance, trials);
    let spread = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe;
    // The spread is a variance; moments estimated from few days can make it none.
    let distance = (sharpe - expected_best) * (days as f64 - 1.0).sqrt()
        / spread.max(f64::MIN_POSITIVE).sqrt();
    DeflatedSharpe { sharpe, expected_best, probability: normal_cdf(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the paper: 2.5 a year over five years of 250 days, ratios of the trials
    /// with a variance of one half a year.
    fn example(skewness: f64, kurtosis: f64) -> Moments {
        Moments { days: 1250, sharpe: 2.5 / 250_f64.sqrt(), skewness, kurtosis }
    }

    #[test]
    fn the_example_of_the_paper_comes_out() {
        let variance = 0.5 / 250.0;
        assert!((expected_best_sharpe(variance, 100.0) - 0.1132).abs() < 5e-5);
        for (trials, moments, printed) in [
            (100.0, example(-3.0, 10.0), 0.9004),
            (46.0, example(-3.0, 10.0), 0.9505),
            (88.0, example(0.0, 3.0), 0.9505),
        ] {
            let found = deflated_sharpe(&moments, variance, trials).probability;
            assert!((found - printed).abs() < 6e-4, "{trials} trials: {found}, not {printed}");
        }
    }

    #[test]
    fn one_trial_is_not_deflated() {
        assert_eq!(expected_best_sharpe(0.01, 1.0), 0.0);
    }

    #[test]
    fn days_that_are_not_listed_brought_nothing() {
        let listed = [0.02, -0.01, 0.03];
        let all = [0.02, 0.0, -0.01, 0.0, 0.03, 0.0];
        let sparse = Moments::of(&listed.iter().copied(), 6).unwrap();
        let dense = Moments::of(&all.iter().copied(), 6).unwrap();
        for (one, other) in [
            (sparse.sharpe, dense.sharpe),
            (sparse.skewness, dense.skewness),
            (sparse.kurtosis, dense.kurtosis),
        ] {
            assert!((one - other).abs() < 1e-12);
        }
    }

    #[test]
    fn what_has_no_ratio_is_refused() {
        let of = |returns: &[f64], days| Moments::of(&returns.iter().copied(), days);
        assert_eq!(of(&[0.1], 1), Err(TrialsError::TooFewDays(1)));
        assert_eq!(of(&[], 5), Err(TrialsError::NoSpread));
        assert_eq!(of(&[-0.01, -0.01, -(0.1 - 0.09)], 3), Err(TrialsError::NoSpread));
        assert!(matches!(of(&[f64::NAN], 5), Err(TrialsError::Value(_))));
    }
}
