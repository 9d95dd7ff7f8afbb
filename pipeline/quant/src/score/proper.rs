//! Proper scores of one forecast, and their means.

use super::{ScoreError, check_lengths};

/// How far from one a forecast may add up.
const SUM_TOLERANCE: f64 = 1e-6;

/// The ranked probability score of a forecast of ordered outcomes, home–draw–away for one:
/// `Σ_k (P_k − O_k)² / (n − 1)` over the cumulative probabilities (Epstein 1969; Murphy 1971).
/// 0 is best, 1 worst.
///
/// # Errors
/// [`ScoreError::Forecast`] when the forecast is no distribution, [`ScoreError::Outcome`] when
/// `outcome`, counted from 0, is not in it.
pub fn rps(forecast: &[f64], outcome: usize) -> Result<f64, ScoreError> {
    check(forecast, outcome)?;
    let mut cumulative = 0.0;
    let mut sum = 0.0;
    for (at, p) in forecast[..forecast.len() - 1].iter().enumerate() {
        cumulative += p;
        let occurred = f64::from(u8::from(outcome <= at));
        sum += (cumulative - occurred) * (cumulative - occurred);
    }
    Ok(sum / (forecast.len() - 1) as f64)
}

/// The Brier score over all outcomes, `Σ (p − o)²` (Brier 1950): 0 is best, 2 worst.
///
/// # Errors
/// As [`rps`].
pub fn brier(forecast: &[f64], outcome: usize) -> Result<f64, ScoreError> {
    check(forecast, outcome)?;
    let squares = forecast.iter().enumerate().map(|(at, p)| {
        let off = p - f64::from(u8::from(at == outcome));
        off * off
    });
    Ok(squares.sum())
}

/// The logarithmic score in nats, `−ln p` of what occurred (Good 1952).
///
/// # Errors
/// As [`rps`]; [`ScoreError::Impossible`] when what occurred had no probability.
pub fn log_loss(forecast: &[f64], outcome: usize) -> Result<f64, ScoreError> {
    check(forecast, outcome)?;
    if forecast[outcome] == 0.0 {
        return Err(ScoreError::Impossible { outcome });
    }
    // Of a certainty the loss is zero, not minus zero.
    Ok((-libm::log(forecast[outcome])).max(0.0))
}

/// The logarithmic score in bits, `−log₂ p` of what occurred: the ignorance (Roulston and Smith
/// 2002).
///
/// # Errors
/// As [`log_loss`].
pub fn ignorance(forecast: &[f64], outcome: usize) -> Result<f64, ScoreError> {
    Ok(log_loss(forecast, outcome)? / std::f64::consts::LN_2)
}

/// Mean scores of forecasts.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Scores {
    /// Mean ranked probability score.
    pub rps: f64,
    /// Mean Brier score over all outcomes.
    pub brier: f64,
    /// Mean logarithmic score, in nats.
    pub log_loss: f64,
    /// Mean logarithmic score, in bits.
    pub ignorance: f64,
    /// How many forecasts.
    pub forecasts: usize,
}

/// The mean scores of forecasts, each with the place of the outcome that occurred.
///
/// # Errors
/// As [`log_loss`] for any of them; [`ScoreError::Lengths`] when the lists differ;
/// [`ScoreError::TooFew`] without a forecast.
pub fn mean_scores<F: AsRef<[f64]>>(
    forecasts: &[F],
    outcomes: &[usize],
) -> Result<Scores, ScoreError> {
    check_lengths(forecasts.len(), outcomes.len())?;
    if forecasts.is_empty() {
        return Err(ScoreError::TooFew { got: 0, needed: 1 });
    }
    let (mut ranked, mut squared, mut logarithmic) = (0.0, 0.0, 0.0);
    for (forecast, outcome) in forecasts.iter().zip(outcomes) {
        ranked += rps(forecast.as_ref(), *outcome)?;
        squared += brier(forecast.as_ref(), *outcome)?;
        logarithmic += log_loss(forecast.as_ref(), *outcome)?;
    }
    let count = forecasts.len() as f64;
    let log_loss = logarithmic / count;
    Ok(Scores {
        rps: ranked / count,
        brier: squared / count,
        log_loss,
        ignorance: log_loss / std::f64::consts::LN_2,
        forecasts: forecasts.len(),
    })
}

/// Whether a forecast is a distribution.
pub(super) fn check_distribution(forecast: &[f64]) -> Result<(), ScoreError> {
    let sum: f64 = forecast.iter().sum();
    let inside = forecast.len() >= 2 && forecast.iter().all(|p| (0.0..=1.0).contains(p));
    if inside && (sum - 1.0).abs() <= SUM_TOLERANCE {
        Ok(())
    } else {
        Err(ScoreError::Forecast { outcomes: forecast.len(), sum })
    }
}

fn check(forecast: &[f64], outcome: usize) -> Result<(), ScoreError> {
    check_distribution(forecast)?;
    let outcomes = forecast.len();
    if outcome < outcomes { Ok(()) } else { Err(ScoreError::Outcome { outcome, outcomes }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forecasts, outcome, RPS as penaltyblog prints it.
    #[test]
    fn the_examples_of_penaltyblog_come_out() {
        let examples = [
            ([1.0, 0.0, 0.0], 0, 0.0),
            ([0.9, 0.1, 0.0], 0, 0.0050),
            ([0.8, 0.1, 0.1], 0, 0.0250),
            ([0.5, 0.25, 0.25], 0, 0.1562),
            ([0.35, 0.3, 0.35], 1, 0.1225),
            ([0.6, 0.3, 0.1], 1, 0.1850),
            ([0.6, 0.25, 0.15], 0, 0.0913),
            ([0.6, 0.15, 0.25], 0, 0.1113),
            ([0.57, 0.33, 0.1], 0, 0.0975),
            ([0.6, 0.2, 0.2], 0, 0.1000),
        ];
        for (forecast, outcome, printed) in examples {
            let score = rps(&forecast, outcome).unwrap();
            assert!((score - printed).abs() <= 5.1e-5, "{forecast:?}: {score}, not {printed}");
        }
    }

    #[test]
    fn no_forecast_scores_better_in_expectation_than_the_truth() {
        let truth = [0.5, 0.3, 0.2];
        type Score = fn(&[f64], usize) -> Result<f64, ScoreError>;
        for score in [rps as Score, brier, log_loss, ignorance] {
            let expected = |forecast: &[f64]| -> f64 {
                (0..3).map(|at| truth[at] * score(forecast, at).unwrap()).sum()
            };
            for (a, b) in [(0.01, -0.01), (-0.02, 0.0), (0.0, 0.05), (0.1, 0.05)] {
                let other = [truth[0] + a, truth[1] + b, truth[2] - a - b];
                assert!(expected(&other) > expected(&truth));
            }
        }
    }

    #[test]
    fn the_means_are_those_of_the_single_scores() {
        let forecasts = [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]];
        let means = mean_scores(&forecasts, &[0, 1]).unwrap();
        assert!((means.log_loss + (libm::log(0.5) + libm::log(0.2)) / 2.0).abs() < 1e-15);
        assert!((means.ignorance * std::f64::consts::LN_2 - means.log_loss).abs() < 1e-15);
        assert!((means.rps - ((0.25 + 0.04) / 2.0 + (0.04 + 0.36) / 2.0) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn what_is_no_forecast_or_no_outcome_is_refused() {
        assert_eq!(rps(&[1.0], 0), Err(ScoreError::Forecast { outcomes: 1, sum: 1.0 }));
        assert!(matches!(rps(&[0.6, 0.6], 0), Err(ScoreError::Forecast { .. })));
        assert!(brier(&[f64::NAN, 0.5], 0).is_err() && brier(&[1.5, -0.5], 0).is_err());
        assert_eq!(rps(&[0.5, 0.5], 2), Err(ScoreError::Outcome { outcome: 2, outcomes: 2 }));
        assert_eq!(log_loss(&[1.0, 0.0], 1), Err(ScoreError::Impossible { outcome: 1 }));
        assert_eq!(log_loss(&[1.0, 0.0], 0).unwrap().to_bits(), 0.0_f64.to_bits());
        assert!(mean_scores(&[[0.5, 0.5]], &[]).is_err());
        let none: [[f64; 2]; 0] = [];
        assert_eq!(mean_scores(&none, &[]), Err(ScoreError::TooFew { got: 0, needed: 1 }));
    }
}
