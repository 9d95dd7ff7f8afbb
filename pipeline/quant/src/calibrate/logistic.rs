//! Maps that are straight, or bent at the ends, in log-odds.

use super::{CalibrationError, Calibrator, check_lengths, inside};
use crate::concave::{self, Local};

/// Platt's map: `logit q = slope · logit p + shift`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Platt {
    /// Above one where forecasts were too timid, below where too bold; never negative.
    pub slope: f64,
    /// Above zero where events were forecast too seldom.
    pub shift: f64,
}

/// The beta map: `logit q = a·ln p − b·ln(1 − p) + c` with `a`, `b` not negative.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Beta {
    /// How fast the map rises from zero.
    pub a: f64,
    /// How fast it rises to one.
    pub b: f64,
    /// Above zero where events were forecast too seldom.
    pub c: f64,
}

impl Platt {
    /// The map that makes the outcomes likeliest, with Platt's targets (1999), which hold a little
    /// back from zero and one: `(hits + 1)/(hits + 2)` for what happened.
    ///
    /// # Errors
    /// [`CalibrationError`] for lists that differ, fewer than two forecasts, forecasts outside
    /// 0..1, or outcomes all alike.
    pub fn fit(forecasts: &[f64], happened: &[bool]) -> Result<Self, CalibrationError> {
        let rows = rows(forecasts, happened, 2, |p| vec![log_odds(p), 1.0])?;
        let (high, low) = platt_targets(happened)?;
        let target = |happened: &bool| if *happened { high } else { low };
        let targets: Vec<f64> = happened.iter().map(target).collect();
        let found = maximum_likelihood(&rows, &targets)?;
        if found[0] >= 0.0 {
            return Ok(Self { slope: found[0], shift: found[1] });
        }
        // A falling map would turn the order of forecasts: the flat one is the nearest that rises.
        let flat: Vec<Vec<f64>> = rows.iter().map(|_| vec![1.0]).collect();
        Ok(Self { slope: 0.0, shift: maximum_likelihood(&flat, &targets)?[0] })
    }
}

impl Calibrator for Platt {
    fn apply(&self, forecast: f64) -> Result<f64, CalibrationError> {
        Ok(logistic(self.slope * log_odds(inside(forecast)?) + self.shift))
    }
}

impl Beta {
    /// The map that makes the outcomes likeliest (Kull, Silva Filho and Flach 2017); an exponent
    /// that came out negative is left out and the other fitted again, as they do.
    ///
    /// # Errors
    /// As [`Platt::fit`]; three forecasts are the fewest.
    pub fn fit(forecasts: &[f64], happened: &[bool]) -> Result<Self, CalibrationError> {
        let rise = |p: f64| libm::log(p);
        let fall = |p: f64| -libm::log1p(-p);
        let targets: Vec<f64> = happened.iter().map(|h| f64::from(u8::from(*h))).collect();
        let fitted = |row: &dyn Fn(f64) -> Vec<f64>| {
            let rows = rows(forecasts, happened, 3, row)?;
            platt_targets(happened)?;
            maximum_likelihood(&rows, &targets)
        };
        let both = fitted(&|p| vec![rise(p), fall(p), 1.0])?;
        if both[0] >= 0.0 && both[1] >= 0.0 {
            return Ok(Self { a: both[0], b: both[1], c: both[2] });
        }
        if both[0] < 0.0 {
            let without = fitted(&|p| vec![fall(p), 1.0])?;
            if without[0] >= 0.0 {
                return Ok(Self { a: 0.0, b: without[0], c: without[1] });
            }
        } else {
            let without = fitted(&|p| vec![rise(p), 1.0])?;
            if without[0] >= 0.0 {
                return Ok(Self { a: without[0], b: 0.0, c: without[1] });
            }
        }
        Ok(Self { a: 0.0, b: 0.0, c: fitted(&|_| vec![1.0])?[0] })
    }
}

impl Calibrator for Beta {
    fn apply(&self, forecast: f64) -> Result<f64, CalibrationError> {
        let p = inside(forecast)?;
        Ok(logistic(self.a * libm::log(p) - self.b * libm::log1p(-p) + self.c))
    }
}

fn log_odds(p: f64) -> f64 {
    libm::log(p) - libm::log1p(-p)
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

fn rows(
    forecasts: &[f64],
    happened: &[bool],
    needed: usize,
    row: impl Fn(f64) -> Vec<f64>,
) -> Result<Vec<Vec<f64>>, CalibrationError> {
    check_lengths(forecasts.len(), happened.len(), needed)?;
    forecasts.iter().map(|p| Ok(row(inside(*p)?))).collect()
}

/// The targets of what happened and of what did not.
fn platt_targets(happened: &[bool]) -> Result<(f64, f64), CalibrationError> {
    let hits = happened.iter().filter(|happened| **happened).count();
    let misses = happened.len() - hits;
    if hits == 0 || misses == 0 {
        return Err(CalibrationError::OneSided);
    }
    Ok(((hits as f64 + 1.0) / (hits as f64 + 2.0), 1.0 / (misses as f64 + 2.0)))
}

/// Logistic regression of targets in 0..=1 on rows of features.
fn maximum_likelihood(rows: &[Vec<f64>], targets: &[f64]) -> Result<Vec<f64>, CalibrationError> {
    let unknowns = rows[0].len();
    let at = |coefficients: &[f64]| {
        let mut found = Local::zero(unknowns);
        for (row, target) in rows.iter().zip(targets) {
            let x = dot(row, coefficients);
            let p = logistic(x);
            // ln(1 + e^x), computed where it does not overflow.
            found.value += target * x - x.max(0.0) - libm::log1p(libm::exp(-x.abs()));
            for (at, feature) in row.iter().enumerate() {
                found.gradient[at] += (target - p) * feature;
                for (other, with) in row[..=at].iter().enumerate() {
                    found.bend.add(at, other, p * (1.0 - p) * feature * with);
                }
            }
        }
        found
    };
    let found = concave::maximise(vec![0.0; unknowns], at);
    found.map(|(coefficients, _)| coefficients).ok_or(CalibrationError::NotConverged)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forecasts over 0.05..0.95, each coming true in exact proportion to `truth`.
    fn sample(truth: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<bool>) {
        let mut forecasts = Vec::new();
        let mut happened = Vec::new();
        for step in 1..20 {
            let p = f64::from(step) / 20.0;
            let hits = (truth(p) * 400.0).round() as usize;
            forecasts.extend([p; 400]);
            happened.extend((0..400).map(|n| n < hits));
        }
        (forecasts, happened)
    }

    #[test]
    fn the_map_that_made_the_outcomes_is_found_again() {
        let platt = Platt { slope: 0.8, shift: -0.3 };
        let (forecasts, happened) = sample(|p| platt.apply(p).unwrap());
        let found = Platt::fit(&forecasts, &happened).unwrap();
        assert!((found.slope - 0.8).abs() < 0.01 && (found.shift + 0.3).abs() < 0.01, "{found:?}");
        let beta = Beta { a: 0.7, b: 1.4, c: 0.2 };
        let (forecasts, happened) = sample(|p| beta.apply(p).unwrap());
        let found = Beta::fit(&forecasts, &happened).unwrap();
        let off = [found.a - 0.7, found.b - 1.4, found.c - 0.2];
        assert!(off.iter().all(|off| off.abs() < 0.02), "{found:?}");
    }

    #[test]
    fn calibrated_forecasts_are_left_alone() {
        let (forecasts, happened) = sample(|p| p);
        let platt = Platt::fit(&forecasts, &happened).unwrap();
        let beta = Beta::fit(&forecasts, &happened).unwrap();
        for p in [0.1, 0.33, 0.8] {
            assert!((platt.apply(p).unwrap() - p).abs() < 1e-3);
            assert!((beta.apply(p).unwrap() - p).abs() < 1e-3);
        }
        let thirds = platt.apply_all(&[0.5, 0.3, 0.2]).unwrap();
        assert!((thirds.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_map_never_falls() {
        let (forecasts, happened) = sample(|p| 0.8 - 0.5 * p);
        let platt = Platt::fit(&forecasts, &happened).unwrap();
        let beta = Beta::fit(&forecasts, &happened).unwrap();
        assert_eq!(platt.slope, 0.0);
        assert!(beta.a >= 0.0 && beta.b >= 0.0, "{beta:?}");
        assert!((platt.apply(0.3).unwrap() - 0.55).abs() < 0.01);
    }

    #[test]
    fn what_cannot_be_learnt_from_is_refused() {
        assert_eq!(Platt::fit(&[0.4, 0.5], &[true, true]), Err(CalibrationError::OneSided));
        assert!(matches!(
            Platt::fit(&[1.0, 0.5], &[true, false]),
            Err(CalibrationError::Forecast { .. })
        ));
        assert!(Beta::fit(&[0.5, 0.4], &[true, false]).is_err());
        assert!(Platt::fit(&[0.5, f64::NAN], &[true, false]).is_err());
        let apart = Beta::fit(&[0.1, 0.2, 0.8, 0.9], &[false, false, true, true]);
        assert_eq!(apart, Err(CalibrationError::NotConverged));
        let platt = Platt { slope: 1.0, shift: 0.0 };
        assert!(platt.apply(0.0).is_err() && platt.apply(1.0).is_err());
    }
}
