//! White's reality check: whether the best of many is better than chance makes the best of many.

use super::TrialsError;
use crate::bootstrap::Generator;

/// What one strategy brought: (day, return) of the days on which it brought anything, each day at
/// most once.
pub type Trial = Vec<(u32, f64)>;

/// Resamples that are summed together.
const LANES: usize = 8;

/// What came of the check.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct RealityCheck {
    /// The place of the trial with the best mean.
    pub best: usize,
    /// Its mean return a day.
    pub mean: f64,
    /// The probability that the best of these trials does this well if none has any merit.
    pub p: f64,
}

/// The reality check (White 2000, "A reality check for data snooping", section 2, against the
/// benchmark of not betting) with the stationary bootstrap of Politis and Romano (1994): days are
/// drawn in blocks of `block_days` on average, the same for all trials, so that trials that bet
/// alike count as the few that they are.
///
/// # Errors
/// [`TrialsError`] without trials, for fewer than two days, a return that is no number or of a
/// day beyond `days`, blocks below one day or resamples outside 100..=100,000.
pub fn reality_check(
    trials: &[Trial],
    days: usize,
    block_days: f64,
    resamples: u32,
    seed: u64,
) -> Result<RealityCheck, TrialsError> {
    check(trials, days, block_days, resamples)?;
    let n = days as f64;
    let means: Vec<f64> =
        trials.iter().map(|trial| trial.iter().map(|(_, r)| r).sum::<f64>() / n).collect();
    let (best, mean) = means
        .iter()
        .copied()
        .enumerate()
        .max_by(|one, other| one.1.total_cmp(&other.1))
        .ok_or(TrialsError::NoTrial)?;
    let mut generator = Generator::new(seed);
    let mut drawn = vec![[0.0_f64; LANES]; days];
    let (mut reached, mut left) = (0, resamples as usize);
    while left > 0 {
        let lanes = left.min(LANES);
        drawn.fill([0.0; LANES]);
        (0..lanes).for_each(|lane| draw(&mut generator, &mut drawn, lane, block_days));
        let mut highest = [f64::NEG_INFINITY; LANES];
        for (trial, mean) in trials.iter().zip(&means) {
            let sums = sums(trial, &drawn);
            for (highest, sum) in highest.iter_mut().zip(sums) {
                *highest = highest.max(sum / n - mean);
            }
        }
        reached += highest[..lanes].iter().filter(|highest| **highest >= mean).count();
        left -= lanes;
    }
    // The observed sample is one of those that chance could have drawn (Davison and Hinkley 1997,
    // section 4.2.1), so that the probability is never nothing.
    let p = (reached as f64 + 1.0) / (f64::from(resamples) + 1.0);
    Ok(RealityCheck { best, mean, p })
}

/// The sums of a trial's returns over the days as they were drawn, several resamples at once: the
/// returns, more than a processor's cache holds, are then read once for all of them.
fn sums(trial: &Trial, drawn: &[[f64; LANES]]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (day, r) in trial {
        for (sum, times) in sums.iter_mut().zip(&drawn[*day as usize]) {
            *sum += times * r;
        }
    }
    sums
}

/// How often each day is drawn in one resample.
fn draw(generator: &mut Generator, drawn: &mut [[f64; LANES]], lane: usize, block_days: f64) {
    let days = drawn.len();
    // Below 2^32 a new block begins: with probability one in `block_days`.
    let begins = ((1.0 / block_days) * 4_294_967_296.0) as u64;
    let mut day = generator.below(days);
    for _ in 0..days {
        drawn[day][lane] += 1.0;
        let ends = (generator.below(1 << 32) as u64) < begins;
        day = if ends { generator.below(days) } else { (day + 1) % days };
    }
}

fn check(
    trials: &[Trial],
    days: usize,
    block_days: f64,
    resamples: u32,
) -> Result<(), TrialsError> {
    if days < 2 {
        return Err(TrialsError::TooFewDays(days));
    }
    if !(block_days >= 1.0 && block_days.is_finite()) {
        return Err(TrialsError::Block(block_days));
    }
    if !(100..=100_000).contains(&resamples) {
        return Err(TrialsError::Resamples(resamples));
    }
    for (day, value) in trials.iter().flatten() {
        if *day as usize >= days {
            return Err(TrialsError::Day { day: *day, days });
        }
        if !value.is_finite() {
            return Err(TrialsError::Value(*value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: usize = 500;

    /// Independent returns of about unit spread, around `mean`.
    fn noise(seed: u64, mean: f64) -> Trial {
        let mut generator = Generator::new(seed);
        let uniform =
            |generator: &mut Generator| generator.below(1 << 30) as f64 / f64::from(1 << 30);
        (0..DAYS as u32)
            .map(|day| {
                let sum: f64 = (0..12).map(|_| uniform(&mut generator)).sum();
                (day, sum - 6.0 + mean)
            })
            .collect()
    }

    fn p(trials: &[Trial]) -> f64 {
        reality_check(trials, DAYS, 2.0, 500, 1).unwrap().p
    }

    #[test]
    fn an_edge_alone_stands_out_and_among_many_worthless_ones_less() {
        // Returns whose mean is what is asked for, so that no luck of a seed stands beside it.
        let centred = |seed: u64, mean: f64| -> Trial {
            let trial = noise(seed, 0.0);
            let luck = trial.iter().map(|(_, r)| r).sum::<f64>() / DAYS as f64;
            trial.into_iter().map(|(day, r)| (day, r - luck + mean)).collect()
        };
        // Three standard errors above nothing.
        let edge = centred(999, 3.0 / (DAYS as f64).sqrt());
        let alone = p(std::slice::from_ref(&edge));
        assert!(alone < 0.02, "{alone}");
        let mut many: Vec<Trial> = (0..200).map(|seed| centred(seed, 0.0)).collect();
        many.push(edge);
        let among = p(&many);
        assert!(among > alone && among > 0.03, "{among} beside {alone}");
    }

    #[test]
    fn the_best_of_many_worthless_ones_is_seldom_believed() {
        let mut believed = 0;
        for round in 0..20_u64 {
            let many: Vec<Trial> = (0..50).map(|seed| noise(1000 * round + seed, 0.0)).collect();
            believed += u32::from(p(&many) < 0.05);
        }
        assert!(believed <= 4, "{believed} of 20");
    }

    #[test]
    fn copies_of_one_strategy_count_as_one() {
        let edge = noise(7, 2.0 / (DAYS as f64).sqrt());
        let copies: Vec<Trial> = std::iter::repeat_n(edge.clone(), 100).collect();
        assert_eq!(p(&copies), p(&[edge]));
    }

    #[test]
    fn what_is_no_trial_is_refused() {
        let check = |trials: &[Trial], days| reality_check(trials, days, 1.0, 100, 1);
        assert_eq!(check(&[], 10), Err(TrialsError::NoTrial));
        assert_eq!(check(&[vec![]], 1), Err(TrialsError::TooFewDays(1)));
        let beyond = check(&[vec![(10, 1.0)]], 10);
        assert_eq!(beyond, Err(TrialsError::Day { day: 10, days: 10 }));
        assert!(matches!(check(&[vec![(0, f64::NAN)]], 10), Err(TrialsError::Value(_))));
        assert_eq!(reality_check(&[vec![]], 9, 0.5, 100, 1), Err(TrialsError::Block(0.5)));
    }
}
