//! Whether what was forecast at 30 % occurred three times in ten.

use super::proper::check_distribution;
use super::{ScoreError, check_lengths, checked_level};
use crate::special::normal_quantile;

/// How forecasts are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bins {
    /// So many intervals of equal width over 0..=1; empty ones are left out.
    Width(usize),
    /// So many groups of equal size, as far as the number of forecasts and ties allow.
    Size(usize),
}

/// Forecasts of about one probability, and how often they came true.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct CalibrationBin {
    /// Mean forecast.
    pub forecast: f64,
    /// Share that came true.
    pub frequency: f64,
    /// Lower end of the frequency's interval.
    pub low: f64,
    /// Upper end of the frequency's interval.
    pub high: f64,
    /// How many forecasts.
    pub count: usize,
}

/// A calibration curve, and what it comes down to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Calibration {
    /// In rising order of forecast.
    pub bins: Vec<CalibrationBin>,
    /// Mean distance of frequency and forecast, bins weighted by their size: the expected
    /// calibration error.
    pub error: f64,
}

/// The calibration curve of forecasts of yes-or-no events, with Wilson's intervals (1927) at
/// `level`, 0.95 for one.
///
/// # Errors
/// [`ScoreError::Probability`], [`ScoreError::Lengths`], [`ScoreError::Bins`],
/// [`ScoreError::Level`] for arguments that are none; [`ScoreError::TooFew`] without a forecast.
pub fn calibration_curve(
    forecasts: &[f64],
    happened: &[bool],
    bins: Bins,
    level: f64,
) -> Result<Calibration, ScoreError> {
    let z = normal_quantile(0.5 + checked_level(level)? / 2.0);
    let groups = grouped(forecasts, happened, bins)?;
    let bins: Vec<CalibrationBin> = groups.iter().map(|group| group.bin(z)).collect();
    let total = forecasts.len() as f64;
    let apart =
        bins.iter().map(|bin| bin.count as f64 / total * (bin.frequency - bin.forecast).abs());
    Ok(Calibration { error: apart.sum(), bins })
}

/// The Brier score of yes-or-no forecasts in its parts:
/// `brier = reliability − resolution + uncertainty + within`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Murphy {
    /// Mean squared error of the probabilities.
    pub brier: f64,
    /// Mean squared distance of forecast and frequency over the bins; 0 is best.
    pub reliability: f64,
    /// Mean squared distance of frequency and base rate over the bins; more is better.
    pub resolution: f64,
    /// `base rate · (1 − base rate)`: what no forecast changes.
    pub uncertainty: f64,
    /// What gathering forecasts in bins leaves over; zero when each bin holds one forecast.
    pub within: f64,
}

/// Murphy's decomposition (1973) with the term that bins of unequal forecasts leave (Stephenson,
/// Coelho and Jolliffe 2008).
///
/// # Errors
/// As [`calibration_curve`].
pub fn murphy(forecasts: &[f64], happened: &[bool], bins: Bins) -> Result<Murphy, ScoreError> {
    let groups = grouped(forecasts, happened, bins)?;
    let total = forecasts.len() as f64;
    let base = happened.iter().filter(|happened| **happened).count() as f64 / total;
    let squares = forecasts.iter().zip(happened).map(|(p, happened)| {
        let off = p - f64::from(u8::from(*happened));
        off * off
    });
    let brier = squares.sum::<f64>() / total;
    let (mut reliability, mut resolution) = (0.0, 0.0);
    for group in &groups {
        let share = group.count() / total;
        let (forecast, frequency) = (group.forecast(), group.frequency());
        reliability += share * (forecast - frequency) * (forecast - frequency);
        resolution += share * (frequency - base) * (frequency - base);
    }
    let uncertainty = base * (1.0 - base);
    let within = brier - (reliability - resolution + uncertainty);
    Ok(Murphy { brier, reliability, resolution, uncertainty, within })
}

/// How far forecasts commit themselves: their mean Shannon entropy in nats, `−Σ p·ln p`. Zero for
/// certainties, `ln n` for shrugs; worth nothing without calibration.
///
/// # Errors
/// [`ScoreError::Forecast`] when a forecast is no distribution, [`ScoreError::TooFew`] without
/// one.
pub fn sharpness<F: AsRef<[f64]>>(forecasts: &[F]) -> Result<f64, ScoreError> {
    if forecasts.is_empty() {
        return Err(ScoreError::TooFew { got: 0, needed: 1 });
    }
    let mut sum = 0.0;
    for forecast in forecasts.iter().map(F::as_ref) {
        check_distribution(forecast)?;
        let terms = forecast.iter().filter(|p| **p > 0.0).map(|p| -p * libm::log(*p));
        sum += terms.sum::<f64>();
    }
    Ok(sum / forecasts.len() as f64)
}

#[derive(Default, Clone)]
struct Group {
    forecasts: Vec<f64>,
    hits: usize,
}

impl Group {
    fn push(&mut self, forecast: f64, happened: bool) {
        self.forecasts.push(forecast);
        self.hits += usize::from(happened);
    }

    fn count(&self) -> f64 {
        self.forecasts.len() as f64
    }

    fn forecast(&self) -> f64 {
        self.forecasts.iter().sum::<f64>() / self.count()
    }

    fn frequency(&self) -> f64 {
        self.hits as f64 / self.count()
    }

    /// With Wilson's interval at `z` standard deviations.
    fn bin(&self, z: f64) -> CalibrationBin {
        let (n, frequency) = (self.count(), self.frequency());
        let shrink = 1.0 + z * z / n;
        let centre = (frequency + z * z / (2.0 * n)) / shrink;
        let spread = frequency * (1.0 - frequency) / n + z * z / (4.0 * n * n);
        let half = z * spread.sqrt() / shrink;
        CalibrationBin {
            forecast: self.forecast(),
            frequency,
            low: (centre - half).max(0.0),
            high: (centre + half).min(1.0),
            count: self.forecasts.len(),
        }
    }
}

fn grouped(forecasts: &[f64], happened: &[bool], bins: Bins) -> Result<Vec<Group>, ScoreError> {
    const BINS_MAX: usize = 1000;
    check_lengths(forecasts.len(), happened.len())?;
    let (Bins::Width(count) | Bins::Size(count)) = bins;
    if count == 0 || count > BINS_MAX {
        return Err(ScoreError::Bins(count));
    }
    if forecasts.is_empty() {
        return Err(ScoreError::TooFew { got: 0, needed: 1 });
    }
    if let Some(p) = forecasts.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(ScoreError::Probability(*p));
    }
    let mut sorted: Vec<(f64, bool)> =
        forecasts.iter().copied().zip(happened.iter().copied()).collect();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let mut groups = vec![Group::default(); count];
    let mut place = 0;
    for (rank, (forecast, happened)) in sorted.iter().enumerate() {
        let due = match bins {
            // A forecast of one belongs to the last interval.
            Bins::Width(_) => ((forecast * count as f64) as usize).min(count - 1),
            Bins::Size(_) => rank * count / sorted.len(),
        };
        // Equal forecasts stay together.
        let tied = rank > 0 && sorted[rank - 1].0 == *forecast;
        place = if tied { place } else { due };
        groups[place].push(*forecast, *happened);
    }
    groups.retain(|group| !group.forecasts.is_empty());
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred forecasts at each of three levels, of which `hits` come true.
    fn sample(hits: [usize; 3]) -> (Vec<f64>, Vec<bool>) {
        let mut forecasts = Vec::new();
        let mut happened = Vec::new();
        for (p, hits) in [0.2, 0.5, 0.8].into_iter().zip(hits) {
            forecasts.extend([p; 100]);
            happened.extend((0..100).map(|n| n < hits));
        }
        (forecasts, happened)
    }

    #[test]
    fn a_curve_has_the_frequency_of_each_level_inside_its_interval() {
        let (forecasts, happened) = sample([25, 50, 70]);
        for bins in [Bins::Width(10), Bins::Size(3)] {
            let curve = calibration_curve(&forecasts, &happened, bins, 0.95).unwrap();
            let frequencies: Vec<f64> = curve.bins.iter().map(|bin| bin.frequency).collect();
            assert_eq!(frequencies, [0.25, 0.5, 0.7]);
            assert!((curve.error - 0.05).abs() < 1e-12);
            // Wilson's interval of 25 in 100.
            assert!((curve.bins[0].low - 0.1754521).abs() < 1e-6, "{:?}", curve.bins[0]);
            assert!((curve.bins[0].high - 0.3430446).abs() < 1e-6, "{:?}", curve.bins[0]);
        }
    }

    #[test]
    fn the_parts_add_up_to_the_brier_score() {
        let (forecasts, happened) = sample([25, 50, 70]);
        let parts = murphy(&forecasts, &happened, Bins::Width(10)).unwrap();
        assert!((parts.reliability - (0.0025 + 0.0 + 0.01) / 3.0).abs() < 1e-12);
        assert!(parts.within.abs() < 1e-12, "{parts:?}");
        let coarse = murphy(&forecasts, &happened, Bins::Width(1)).unwrap();
        let sum = coarse.reliability - coarse.resolution + coarse.uncertainty + coarse.within;
        assert!((sum - coarse.brier).abs() < 1e-15 && coarse.brier == parts.brier);
    }

    #[test]
    fn equal_forecasts_are_never_parted() {
        let forecasts = [0.3; 10];
        let happened: Vec<bool> = (0..10).map(|n| n < 3).collect();
        let curve = calibration_curve(&forecasts, &happened, Bins::Size(5), 0.9).unwrap();
        assert_eq!(curve.bins.len(), 1);
        assert!((curve.bins[0].frequency - 0.3).abs() < 1e-15);
    }

    #[test]
    fn sharper_forecasts_have_less_entropy() {
        let shrug = sharpness(&[[1.0 / 3.0; 3]]).unwrap();
        assert!((shrug - libm::log(3.0)).abs() < 1e-15);
        assert_eq!(sharpness(&[[1.0, 0.0, 0.0]]), Ok(0.0));
        assert!(sharpness(&[[0.7, 0.2, 0.1]]).unwrap() < shrug);
        assert!(sharpness(&[[0.7, 0.2]]).is_err());
    }

    #[test]
    fn arguments_that_are_none_are_refused() {
        let curve = |p: &[f64], bins, level| calibration_curve(p, &[true], bins, level);
        assert_eq!(curve(&[1.2], Bins::Width(5), 0.95), Err(ScoreError::Probability(1.2)));
        assert!(curve(&[f64::NAN], Bins::Width(5), 0.95).is_err());
        assert_eq!(curve(&[0.5], Bins::Width(0), 0.95), Err(ScoreError::Bins(0)));
        assert_eq!(curve(&[0.5], Bins::Size(5), 1.0), Err(ScoreError::Level(1.0)));
        assert!(curve(&[0.5, 0.5], Bins::Size(5), 0.95).is_err());
        assert!(calibration_curve(&[], &[], Bins::Size(5), 0.95).is_err());
    }
}
