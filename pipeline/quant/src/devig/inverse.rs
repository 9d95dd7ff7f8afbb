//! Odds from fair probabilities: the methods the other way round.

use super::{DevigError, Method, jensen_shannon, methods};
use crate::root;
use crate::value::Odds;

/// The odds at which a book with this margin, put on by this method, offers selections of these
/// fair probabilities. [`super::devig_to`] with their sum as target gives the probabilities back.
///
/// `margin` is the overround less the sum of the probabilities: 0.03 makes a book of 103 % of a
/// market with one winner. It may be negative.
///
/// # Errors
/// [`DevigError::TooFew`] below two selections; [`DevigError::Probability`] for one outside 0..1,
/// ends excluded; [`DevigError::Margin`] when it is no number or leaves no overround inside 0..n;
/// [`DevigError::NoSolution`] when the method cannot reach it; [`DevigError::NoOdds`] when a
/// selection's odds would be one or less.
pub fn price_with_margin(
    method: Method,
    probabilities: &[f64],
    margin: f64,
) -> Result<Vec<Odds>, DevigError> {
    let selections = probabilities.len();
    if selections < 2 {
        return Err(DevigError::TooFew(selections));
    }
    if let Some(selection) = probabilities.iter().position(|p| !(*p > 0.0 && *p < 1.0)) {
        return Err(DevigError::Probability { selection, value: probabilities[selection] });
    }
    let target: f64 = probabilities.iter().sum();
    let overround = target + margin;
    if !(overround > 0.0 && overround < selections as f64) {
        return Err(DevigError::Margin { margin, selections });
    }
    let mut implied = probabilities.to_vec();
    let solved = match method {
        Method::Multiplicative => {
            implied.iter_mut().for_each(|p| *p *= overround / target);
            Some(())
        }
        Method::Additive | Method::DifferentialMargin => {
            implied.iter_mut().for_each(|p| *p += margin / selections as f64);
            Some(())
        }
        Method::Power => methods::power(&mut implied, overround).map(|_| ()),
        Method::OddsRatio | Method::Logarithmic => {
            methods::odds_ratio(&mut implied, overround).map(|_| ())
        }
        Method::Shin => shin(&mut implied, target, overround),
        Method::Goto => goto(&mut implied, overround),
        Method::BalancedBooks => {
            let z = margin / (selections as f64 - target);
            implied.iter_mut().for_each(|p| *p = *p * (1.0 - z) + z);
            Some(())
        }
        Method::JensenShannon => jensen_shannon::moved(&mut implied, overround).map(|_| ()),
    };
    solved.ok_or(DevigError::NoSolution { method, overround, target })?;
    let offered = implied.iter().enumerate().map(|(selection, implied)| {
        Odds::new(1.0 / implied).map_err(|_| DevigError::NoOdds {
            method,
            selection,
            implied: *implied,
        })
    });
    offered.collect()
}

/// `π = √(Σπ/t)·√((1 − z)p² + zp)` with `z` such that they add up to the overround (Shin 1993,
/// equation 5, for a target `t` of one).
fn shin(fair: &mut [f64], target: f64, overround: f64) -> Option<()> {
    let wanted = (target * overround).sqrt();
    let root_of = |p: f64, z: f64| (p * (p + z * (1.0 - p))).max(0.0).sqrt();
    // Below this z the least likely selection would have no price.
    let least = fair.iter().copied().fold(f64::INFINITY, f64::min);
    let low = -least / (1.0 - least);
    let sum = |z: f64| fair.iter().map(|p| root_of(*p, z)).sum::<f64>();
    if sum(low) > wanted || sum(1.0) < wanted {
        return None;
    }
    // The sum rises in z: its negative falls.
    let z = root::falling(low, 1.0, 0.0, |z| {
        let rise = fair.iter().map(|p| p * (1.0 - p) / (2.0 * root_of(*p, z))).sum::<f64>();
        (wanted - sum(z), -rise)
    })?;
    let scale = (overround / target).sqrt();
    fair.iter_mut().for_each(|p| *p = scale * root_of(*p, z));
    Some(())
}

/// `π` from `p = π − s·√(1 − π)`, a quadratic in `√(1 − π)`, with `s` such that they add up to
/// the overround.
fn goto(fair: &mut [f64], overround: f64) -> Option<()> {
    let error = |p: f64, step: f64| ((step * step + 4.0 * (1.0 - p)).sqrt() - step) / 2.0;
    // p − π ≤ 1 everywhere, and the root of 1 − π is at least this for the target in reach.
    let (mut low, mut high) = (-1.0, 1.0);
    let sum = |step: f64| {
        let implied = fair.iter().map(|p| {
            let error = error(*p, step);
            1.0 - error * error
        });
        implied.sum::<f64>()
    };
    const DOUBLINGS_MAX: u32 = 60;
    let reached = (0..DOUBLINGS_MAX).any(|_| {
        let inside = sum(low) <= overround && overround <= sum(high);
        if !inside {
            (low, high) = (2.0 * low, 2.0 * high);
        }
        inside
    });
    if !reached {
        return None;
    }
    let step = root::falling(low, high, 0.0, |step| {
        let rise = fair.iter().map(|p| {
            let error = error(*p, step);
            2.0 * error * error / (2.0 * error + step)
        });
        (overround - sum(step), -rise.sum::<f64>())
    })?;
    for p in fair {
        let error = error(*p, step);
        *p = 1.0 - error * error;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::{devig_to, tests::odds};
    use super::*;

    #[test]
    fn every_method_gives_back_the_odds_that_it_took_the_margin_from() {
        let markets = [
            (vec![2.05, 3.20, 3.80], 1.0),
            (vec![1.5, 2.74], 1.0),
            (vec![2.02, 3.9, 4.6], 1.0),
            (vec![1.53, 1.67, 1.25, 2.38, 2.38, 4.5, 5.5, 6.5, 7.0], 3.0),
        ];
        for (decimals, target) in markets {
            for method in Method::ALL {
                let fair = devig_to(method, &odds(&decimals), target).unwrap();
                let again = price_with_margin(method, &fair.probabilities, fair.margin).unwrap();
                for (back, offered) in again.iter().zip(&decimals) {
                    let apart = (back.decimal() / offered - 1.0).abs();
                    assert!(apart < 1e-12, "{method}: {back}, not {offered}");
                }
            }
        }
    }

    /// The R package `implied` checks these margins on these probabilities.
    #[test]
    fn the_offered_book_has_the_margin_that_was_asked_for() {
        let markets = [[1.0 / 1.5, 0.2, 1.0 / 7.5], [0.1, 0.2, 0.7], [0.01, 0.3, 0.69]];
        for probabilities in markets {
            for method in Method::ALL {
                let odds = price_with_margin(method, &probabilities, 0.022).unwrap();
                let overround: f64 = odds.iter().map(|odds| 1.0 / odds.decimal()).sum();
                assert!((overround - 1.022).abs() < 1e-12, "{method}: {overround}");
                let level = price_with_margin(method, &probabilities, 0.0).unwrap();
                for (odds, p) in level.iter().zip(probabilities) {
                    assert!((odds.decimal() * p - 1.0).abs() < 1e-12, "{method}");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_offered_is_refused_by_name() {
        let priced = |method, p: &[f64], margin| price_with_margin(method, p, margin);
        assert_eq!(priced(Method::Shin, &[0.4], 0.1), Err(DevigError::TooFew(1)));
        let certain = priced(Method::Power, &[1.0, 0.5], 0.1);
        assert_eq!(certain, Err(DevigError::Probability { selection: 0, value: 1.0 }));
        for margin in [f64::NAN, f64::INFINITY, 1.0, -1.0] {
            let refused = priced(Method::Multiplicative, &[0.5, 0.5], margin);
            assert!(matches!(refused, Err(DevigError::Margin { .. })), "{margin}");
        }
        let heavy = priced(Method::Multiplicative, &[0.98, 0.02], 0.05);
        assert!(matches!(heavy, Err(DevigError::NoOdds { selection: 0, .. })));
        let beyond = priced(Method::Shin, &[0.9, 0.1], 0.9);
        assert!(matches!(beyond, Err(DevigError::NoSolution { .. })), "{beyond:?}");
        assert!(priced(Method::Power, &[0.9, 0.1], 0.9).is_ok());
    }
}
