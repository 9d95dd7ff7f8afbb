//! Caps on what is asked for: a match, a day, the whole.

use super::{StakingError, checked_cap};

/// The most of the bankroll that bets may take together, each a fraction of it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Caps {
    /// On one match.
    pub each_match: f64,
    /// On the matches of one day.
    pub each_day: f64,
    /// On all bets.
    pub whole: f64,
}

/// Stakes within caps, fractions of the bankroll in the order given. `groups` holds the match and
/// the day of each bet, as any numbers that tell them apart.
///
/// First the bets of each match that passes its cap are scaled down to it, then those of each day,
/// then all: within each group the bets keep their ratios, and no stake grows.
///
/// # Errors
/// [`StakingError::Lengths`] when there are not as many groups as stakes, [`StakingError::Cap`]
/// for a cap or a stake outside 0..=1.
pub fn capped(
    stakes: &[f64],
    groups: &[(u64, i64)],
    caps: &Caps,
) -> Result<Vec<f64>, StakingError> {
    if stakes.len() != groups.len() {
        return Err(StakingError::Lengths { odds: stakes.len(), probabilities: groups.len() });
    }
    let mut within: Vec<f64> =
        stakes.iter().map(|stake| checked_cap(*stake)).collect::<Result<_, _>>()?;
    let by_match: Vec<u64> = groups.iter().map(|group| group.0).collect();
    let by_day: Vec<i64> = groups.iter().map(|group| group.1).collect();
    scale_down(&mut within, &by_match, checked_cap(caps.each_match)?);
    scale_down(&mut within, &by_day, checked_cap(caps.each_day)?);
    scale_down(&mut within, &vec![(); stakes.len()], checked_cap(caps.whole)?);
    Ok(within)
}

/// Scales the stakes of each group whose sum passes `cap`.
fn scale_down<G: Ord>(stakes: &mut [f64], groups: &[G], cap: f64) {
    let mut sums: std::collections::BTreeMap<&G, f64> = std::collections::BTreeMap::new();
    for (stake, group) in stakes.iter().zip(groups) {
        *sums.entry(group).or_default() += stake;
    }
    for (stake, group) in stakes.iter_mut().zip(groups) {
        if sums[group] > cap {
            *stake *= cap / sums[group];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: Caps = Caps { each_match: 0.05, each_day: 0.08, whole: 0.1 };

    #[test]
    fn each_cap_holds_in_its_turn_and_ratios_stay() {
        // Two bets of match 1 and one of match 2 on day 10, one of match 3 on day 11.
        let groups = [(1, 10), (1, 10), (2, 10), (3, 11)];
        let within = capped(&[0.06, 0.04, 0.05, 0.04], &groups, &CAPS).unwrap();
        // Match 1 is cut to 0.05, then day 10 from 0.10 to 0.08, then all from 0.12 to 0.10.
        for (stake, wanted) in within.iter().zip([0.02, 0.04 / 3.0, 0.1 / 3.0, 0.1 / 3.0]) {
            assert!((stake - wanted).abs() < 1e-15, "{within:?}");
        }
        let small = [0.01, 0.01, 0.02, 0.03];
        assert_eq!(capped(&small, &groups, &CAPS).unwrap(), small, "nothing passes a cap");
        assert_eq!(capped(&[], &[], &CAPS).unwrap(), Vec::<f64>::new());
        let nothing = Caps { whole: 0.0, ..CAPS };
        assert_eq!(capped(&small, &groups, &nothing).unwrap(), [0.0; 4]);
    }

    #[test]
    fn stakes_caps_and_groups_that_are_none_are_refused() {
        let one = [(1, 1)];
        assert!(matches!(capped(&[f64::NAN], &one, &CAPS), Err(StakingError::Cap(_))));
        assert_eq!(capped(&[-0.1], &one, &CAPS), Err(StakingError::Cap(-0.1)));
        let wrong = Caps { each_day: 1.5, ..CAPS };
        assert_eq!(capped(&[0.1], &one, &wrong), Err(StakingError::Cap(1.5)));
        assert!(matches!(capped(&[0.1], &[], &CAPS), Err(StakingError::Lengths { .. })));
    }
}
