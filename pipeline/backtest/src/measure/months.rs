//! What each month brought.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::played::PlayedBet;

/// A month's bets, by the day of the match.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Month {
    /// The year.
    pub year: i32,
    /// The month, from 1.
    pub month: u32,
    /// Decided bets.
    pub bets: usize,
    /// Staked, in the account's currency.
    pub staked: f64,
    /// Profit.
    pub profit: f64,
    /// Profit as a share of the bankroll at the month's first bet.
    pub r#return: f64,
}

/// The months with decided bets, in order.
#[must_use]
pub fn monthly(bets: &[&PlayedBet]) -> Vec<Month> {
    let mut months: BTreeMap<(i32, u32), (Month, f64)> = BTreeMap::new();
    for bet in bets.iter().filter(|bet| bet.is_decided()) {
        let day = bet.kickoff.day();
        // A day is written YYYY-MM-DD.
        let part = |range: std::ops::Range<usize>| day.get(range).unwrap_or_default();
        let at = (part(0..4).parse().unwrap_or_default(), part(5..7).parse().unwrap_or_default());
        let (month, _) = months.entry(at).or_insert_with(|| {
            let (year, month) = at;
            let none = Month { year, month, bets: 0, staked: 0.0, profit: 0.0, r#return: 0.0 };
            (none, bet.bankroll.units())
        });
        month.bets += 1;
        month.staked += bet.stake.units();
        month.profit += bet.profit.units();
    }
    months
        .into_values()
        .map(|(month, bankroll)| Month { r#return: month.profit / bankroll.max(0.01), ..month })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::bet;
    use super::*;

    #[test]
    fn months_stand_in_order_and_add_up() {
        let bets: Vec<PlayedBet> = [40, 3, 5, 70].map(|day| bet(day, 2.0, 1.0)).to_vec();
        let bets: Vec<&PlayedBet> = bets.iter().collect();
        let months = monthly(&bets);
        let at: Vec<(i32, u32, usize)> =
            months.iter().map(|month| (month.year, month.month, month.bets)).collect();
        assert_eq!(at, [(2024, 1, 2), (2024, 2, 1), (2024, 3, 1)]);
        assert!((months[0].r#return - 200.0 / 10_000.0).abs() < 1e-12);
    }
}
