//! What a trial's bets add up to in two periods, bet by bet, without keeping any.

use std::collections::BTreeMap;

use marabet_quant::trials::Moments;
use marabet_schemas::Instant;
use sha2::{Digest, Sha256};

use crate::opportunity::Row;
use crate::report::Period;

/// The sums of a trial.
#[derive(Debug, Clone)]
pub struct Tally {
    split: Instant,
    before: Sums,
    after: Sums,
    hasher: Sha256,
    bets: u64,
}

/// The sums of a period.
#[derive(Debug, Clone, Default)]
struct Sums {
    bets: usize,
    staked: f64,
    profit: f64,
    claimed: f64,
    clv: f64,
    with_clv: u32,
    /// Level returns by match-day.
    days: BTreeMap<i64, f64>,
}

impl Tally {
    /// Before any bet; matches from `split` on belong to the second period.
    #[must_use]
    pub fn new(split: Instant) -> Self {
        let (before, after) = (Sums::default(), Sums::default());
        Self { split, before, after, hasher: Sha256::new(), bets: 0 }
    }

    /// Adds a bet at a row.
    pub fn add(&mut self, row: &Row, share: f64) {
        self.bets += 1;
        let Row { match_id, market, selection, book, at, .. } = *row;
        for number in [match_id, market, selection, book] {
            self.hasher.update(number.to_le_bytes());
        }
        self.hasher.update(at.to_le_bytes());
        let kickoff = Instant::from_micros(row.kickoff);
        let sums = if kickoff < self.split { &mut self.before } else { &mut self.after };
        sums.add(row, kickoff, share);
    }

    /// Hash of what was bet on, stakes apart: by the numbers of one table. None without bets.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 32]> {
        (self.bets > 0).then(|| self.hasher.clone().finalize().into())
    }

    /// The first period and the second.
    #[must_use]
    pub fn periods(&self) -> (Period, Period) {
        (self.before.period(), self.after.period())
    }

    /// The level returns of the first period's match-days, in order.
    #[must_use]
    pub fn days(self) -> Vec<(i64, f64)> {
        self.before.days.into_iter().collect()
    }
}

impl Sums {
    fn add(&mut self, row: &Row, kickoff: Instant, share: f64) {
        let Some(value) = row.level_return(share) else { return };
        self.bets += 1;
        self.staked += share;
        self.profit += value;
        self.claimed += share * row.ev;
        *self.days.entry(kickoff.days().floor() as i64).or_default() += value;
        if !row.clv.is_nan() {
            self.clv += row.clv;
            self.with_clv += 1;
        }
    }

    fn period(&self) -> Period {
        let of_stake = |sum: f64| (self.staked > 0.0).then(|| sum / self.staked);
        let moments = Moments::of(&self.days.values().copied(), self.days.len());
        Period {
            bets: self.bets,
            r#yield: of_stake(self.profit),
            claimed_ev: of_stake(self.claimed),
            clv: (self.with_clv > 0).then(|| self.clv / f64::from(self.with_clv)),
            sharpe: moments.ok().map(|moments| moments.sharpe),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opportunity::OUTCOMES;

    fn bet(day: i64, outcome: u32) -> Row {
        let kickoff = Instant::default().plus_seconds(day * 86_400 + 3_600).micros();
        Row { kickoff, outcome, net_odds: 2.0, ev: 0.02, clv: 0.01, ..Row::EMPTY }
    }

    #[test]
    fn a_period_is_what_its_bets_are() {
        let mut tally = Tally::new(Instant::default().plus_seconds(200 * 86_400));
        (0..400).for_each(|day| tally.add(&bet(day, if day % 4 == 0 { 0 } else { 4 }), 0.01));
        let void = OUTCOMES.iter().position(|one| format!("{one:?}") == "Void").unwrap() as u32;
        tally.add(&bet(7, void), 0.01);
        let (before, after) = tally.periods();
        assert_eq!((before.bets, after.bets), (200, 200));
        assert!((before.r#yield.unwrap() + 0.5).abs() < 1e-12);
        assert!((before.claimed_ev.unwrap() - 0.02).abs() < 1e-12);
        assert!((after.clv.unwrap() - 0.01).abs() < 1e-12);
        assert_eq!(tally.days().len(), 200);
    }

    #[test]
    fn only_what_is_bet_on_counts_for_the_digest() {
        let digest = |rows: &[(Row, f64)]| {
            let mut tally = Tally::new(Instant::default());
            rows.iter().for_each(|(row, share)| tally.add(row, *share));
            tally.digest()
        };
        let (row, other) = (bet(1, 0), Row { book: 7, ..bet(1, 0) });
        assert_eq!(digest(&[(row, 0.01)]), digest(&[(row, 0.02)]));
        assert_ne!(digest(&[(row, 0.01)]), digest(&[(other, 0.01)]));
        assert_eq!(digest(&[]), None);
    }
}
