//! Where the bets were good and where not: per league, market, book, odds and season.

use std::collections::BTreeMap;

use serde::Serialize;

use super::interval;
use crate::played::PlayedBet;

/// By what bets are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// Competition.
    League,
    /// Market family.
    Market,
    /// Book.
    Book,
    /// Odds band.
    Odds,
    /// Season.
    Season,
}

impl Grouping {
    /// Every grouping, in the order of the report.
    pub const ALL: [Self; 5] = [Self::League, Self::Market, Self::Book, Self::Odds, Self::Season];

    /// Its name, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::League => "League",
            Self::Market => "Market",
            Self::Book => "Book",
            Self::Odds => "Odds",
            Self::Season => "Season",
        }
    }

    fn of(self, bet: &PlayedBet) -> String {
        match self {
            Self::League => bet.key.competition().to_string(),
            Self::Market => bet.market.family().to_owned(),
            Self::Book => bet.book.to_string(),
            Self::Odds => BANDS[band(bet.odds)].1.to_owned(),
            Self::Season => bet.key.season().to_owned(),
        }
    }
}

/// The bands of odds in their order: where each ends, and its name.
pub(crate) const BANDS: [(f64, &str); 7] = [
    (1.5, "below 1.5"),
    (2.0, "1.5 – 2"),
    (2.5, "2 – 2.5"),
    (3.5, "2.5 – 3.5"),
    (5.0, "3.5 – 5"),
    (8.0, "5 – 8"),
    (f64::INFINITY, "8 and above"),
];

/// The place of the odds' band.
fn band(odds: f64) -> usize {
    BANDS.iter().position(|(end, _)| odds < *end).unwrap_or(BANDS.len() - 1)
}

/// Bets of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Which.
    pub name: String,
    /// Decided bets.
    pub bets: usize,
    /// Staked, in the account's currency.
    pub staked: f64,
    /// Claimed value of a unit, weighted by stake.
    pub claimed_ev: f64,
    /// What a unit earned.
    pub r#yield: f64,
    /// 95 % interval: bootstrap over match-days; none for a single day.
    pub ci95: Option<[f64; 2]>,
    /// Mean closing-line value, where there is one.
    pub clv: Option<f64>,
    /// Share of the bets that have one.
    pub clv_coverage: f64,
}

/// Decided bets, told apart: in the order of the bands for odds, else by name.
#[must_use]
pub fn group_by(bets: &[&PlayedBet], grouping: Grouping) -> Vec<Group> {
    let mut groups: BTreeMap<(usize, String), Vec<&PlayedBet>> = BTreeMap::new();
    for bet in bets.iter().copied().filter(|bet| bet.is_decided()) {
        let order = if grouping == Grouping::Odds { band(bet.odds) } else { 0 };
        groups.entry((order, grouping.of(bet))).or_default().push(bet);
    }
    groups.into_iter().map(|((_, name), bets)| of(name, &bets)).collect()
}

fn of(name: String, bets: &[&PlayedBet]) -> Group {
    let staked: f64 = bets.iter().map(|bet| bet.stake.units()).sum();
    let profit: f64 = bets.iter().map(|bet| bet.profit.units()).sum();
    let claimed: f64 = bets.iter().map(|bet| bet.ev * bet.stake.units()).sum();
    let clvs: Vec<f64> = bets.iter().filter_map(|bet| bet.clv).collect();
    let with = clvs.len() as f64;
    Group {
        name,
        bets: bets.len(),
        staked,
        claimed_ev: claimed / staked,
        r#yield: profit / staked,
        ci95: interval(bets, |bet| (bet.profit.units(), bet.stake.units())),
        clv: (!clvs.is_empty()).then(|| clvs.iter().sum::<f64>() / with),
        clv_coverage: with / bets.len() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::bet;
    use super::*;

    #[test]
    fn the_groups_hold_every_bet_once_and_the_bands_stand_in_order() {
        let odds = [9.0, 1.3, 4.0, 2.2, 1.3];
        let bets: Vec<PlayedBet> =
            (0..).zip(odds).map(|(day, odds)| bet(day, odds, -1.0)).collect();
        let bets: Vec<&PlayedBet> = bets.iter().collect();
        for grouping in Grouping::ALL {
            let groups = group_by(&bets, grouping);
            assert_eq!(groups.iter().map(|group| group.bets).sum::<usize>(), bets.len());
        }
        let names: Vec<String> =
            group_by(&bets, Grouping::Odds).into_iter().map(|group| group.name).collect();
        assert_eq!(names, ["below 1.5", "2 – 2.5", "3.5 – 5", "8 and above"]);
    }
}
