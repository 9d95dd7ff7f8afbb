//! Isotonic regression: of all rising maps the one nearest to what came out.

use super::{CalibrationError, Calibrator, check_lengths};

/// A rising map that is flat over pools of forecasts and a straight line between them.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Isotonic {
    /// Corners of the map, forecast and frequency, both rising.
    corners: Vec<(f64, f64)>,
}

/// Forecasts that share one frequency.
struct Pool {
    first: f64,
    last: f64,
    hits: f64,
    count: f64,
}

impl Pool {
    fn frequency(&self) -> f64 {
        self.hits / self.count
    }
}

impl Isotonic {
    /// The map of least squared distance to the outcomes, by pooling adjacent violators (Ayer et
    /// al. 1955).
    ///
    /// # Errors
    /// [`CalibrationError`] for lists that differ, none at all, or forecasts outside 0..=1.
    pub fn fit(forecasts: &[f64], happened: &[bool]) -> Result<Self, CalibrationError> {
        check_lengths(forecasts.len(), happened.len(), 1)?;
        for forecast in forecasts {
            checked(*forecast)?;
        }
        let mut sorted: Vec<(f64, bool)> =
            forecasts.iter().copied().zip(happened.iter().copied()).collect();
        sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let mut pools: Vec<Pool> = Vec::new();
        for (forecast, happened) in sorted {
            let hit = f64::from(u8::from(happened));
            match pools.last_mut().filter(|pool| pool.last == forecast && pool.first == forecast) {
                Some(same) => {
                    same.hits += hit;
                    same.count += 1.0;
                }
                None => {
                    settle(&mut pools);
                    pools.push(Pool { first: forecast, last: forecast, hits: hit, count: 1.0 });
                }
            }
        }
        settle(&mut pools);
        let corners = pools.iter().flat_map(|pool| {
            let flat = pool.last > pool.first;
            let start = (pool.first, pool.frequency());
            std::iter::once(start).chain(flat.then_some((pool.last, pool.frequency())))
        });
        Ok(Self { corners: corners.collect() })
    }

    /// The corners of the map, forecast and frequency, both rising.
    #[must_use]
    pub fn corners(&self) -> &[(f64, f64)] {
        &self.corners
    }
}

/// Joins the last pool with those before it while frequencies do not rise.
fn settle(pools: &mut Vec<Pool>) {
    while let [.., before, last] = pools.as_mut_slice() {
        if before.frequency() < last.frequency() {
            break;
        }
        before.last = last.last;
        before.hits += last.hits;
        before.count += last.count;
        pools.pop();
    }
}

fn checked(value: f64) -> Result<f64, CalibrationError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(CalibrationError::Forecast { range: "0..=1", value })
    }
}

impl Calibrator for Isotonic {
    /// Below the first and above the last forecast that was learnt from the map is flat.
    fn apply(&self, forecast: f64) -> Result<f64, CalibrationError> {
        let forecast = checked(forecast)?;
        let after = self.corners.partition_point(|corner| corner.0 < forecast);
        let Some((right, high)) = self.corners.get(after) else {
            let last = self.corners.last().expect("a map has at least one corner");
            return Ok(last.1);
        };
        let Some((left, low)) = after.checked_sub(1).map(|before| self.corners[before]) else {
            return Ok(*high);
        };
        Ok(low + (high - low) * (forecast - left) / (right - left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled_to_their_mean() {
        let forecasts = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
        let happened = [false, true, false, true, true, true];
        let map = Isotonic::fit(&forecasts, &happened).unwrap();
        assert_eq!(map.corners(), [(0.1, 0.0), (0.2, 0.5), (0.3, 0.5), (0.4, 1.0), (0.6, 1.0)]);
        assert_eq!(map.apply(0.25), Ok(0.5));
        assert!((map.apply(0.15).unwrap() - 0.25).abs() < 1e-15);
        assert_eq!((map.apply(0.0), map.apply(1.0)), (Ok(0.0), Ok(1.0)));
    }

    #[test]
    fn equal_forecasts_have_one_frequency() {
        let map = Isotonic::fit(&[0.3, 0.3, 0.3, 0.3], &[true, false, false, false]).unwrap();
        assert_eq!(map.corners(), [(0.3, 0.25)]);
        assert_eq!(map.apply(0.9), Ok(0.25));
    }

    #[test]
    fn no_rising_map_is_nearer_to_the_outcomes() {
        let forecasts: Vec<f64> = (0..60).map(|n| f64::from(n) / 60.0).collect();
        let happened: Vec<bool> = (0..60).map(|n| (n * 37 + 11) % 60 < n).collect();
        let map = Isotonic::fit(&forecasts, &happened).unwrap();
        let fitted: Vec<f64> = forecasts.iter().map(|p| map.apply(*p).unwrap()).collect();
        let distance = |values: &[f64]| -> f64 {
            let off = values.iter().zip(&happened).map(|(v, h)| v - f64::from(u8::from(*h)));
            off.map(|off| off * off).sum()
        };
        assert!(fitted.windows(2).all(|pair| pair[0] <= pair[1]));
        for weight in [0.01, 0.1, 0.5] {
            let mixed = |other: &dyn Fn(usize) -> f64| {
                let values = fitted.iter().enumerate();
                values.map(|(at, v)| (1.0 - weight) * v + weight * other(at)).collect::<Vec<f64>>()
            };
            assert!(distance(&mixed(&|at| forecasts[at])) > distance(&fitted));
            assert!(distance(&mixed(&|_| 0.5)) > distance(&fitted));
        }
    }

    #[test]
    fn what_is_no_forecast_is_refused() {
        assert!(Isotonic::fit(&[], &[]).is_err());
        assert!(Isotonic::fit(&[0.5], &[]).is_err());
        assert!(Isotonic::fit(&[f64::NAN], &[true]).is_err());
        let map = Isotonic::fit(&[0.5], &[true]).unwrap();
        assert!(map.apply(1.1).is_err() && map.apply(f64::NAN).is_err());
    }
}
