use std::collections::BTreeMap;

use super::{History, Record, Refits};
use crate::devig;
use crate::value::Odds;

/// What one forecaster said on the eve of each match of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecasts {
    /// The forecaster's name.
    pub name: String,
    /// Probabilities of home win, draw and away win, in the order of the history's matches; none
    /// where the forecaster had nothing to say.
    pub probabilities: Vec<Option<[f64; 3]>>,
    /// What was chosen for each season on the seasons before it.
    pub chosen: BTreeMap<i32, String>,
    /// How the refits went, where there were any.
    pub refits: Refits,
}

impl Forecasts {
    /// Forecasts with a name, without anything chosen.
    #[must_use]
    pub fn new(name: impl Into<String>, probabilities: Vec<Option<[f64; 3]>>) -> Self {
        let (chosen, refits) = (BTreeMap::new(), Refits::default());
        Self { name: name.into(), probabilities, chosen, refits }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }
}

/// How often each result occurred in the league over all seasons before the match's: what any
/// model must beat.
#[must_use]
pub fn base_rates(history: &History) -> Forecasts {
    let mut counts: BTreeMap<(&str, i32), [f64; 3]> = BTreeMap::new();
    for record in history.records() {
        counts.entry((&record.league, record.season)).or_default()[record.outcome()] += 1.0;
    }
    let before = |record: &Record| {
        let of_league = counts
            .iter()
            .filter(|((league, season), _)| *league == record.league && *season < record.season);
        let mut sums = [0.0; 3];
        for (_, count) in of_league {
            (0..3).for_each(|result| sums[result] += count[result]);
        }
        let total: f64 = sums.iter().sum();
        (total > 0.0).then(|| sums.map(|sum| sum / total))
    };
    Forecasts::new("base_rates", history.records().iter().map(before).collect())
}

/// Which prices of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prices {
    /// [`Record::pre_match`].
    PreMatch,
    /// [`Record::closing`].
    Closing,
}

impl Prices {
    /// The prices of a match, where there are any.
    #[must_use]
    pub const fn of(self, record: &Record) -> Option<[f64; 3]> {
        match self {
            Self::PreMatch => record.pre_match,
            Self::Closing => record.closing,
        }
    }
}

/// What the prices say once their margin is taken out. Prices that leave a selection without a
/// probability give no forecast.
#[must_use]
pub fn market(history: &History, prices: Prices, method: devig::Method) -> Forecasts {
    let fair = |record: &Record| -> Option<[f64; 3]> {
        let odds = prices.of(record)?.map(|price| Odds::new(price).ok());
        let [Some(home), Some(draw), Some(away)] = odds else { return None };
        Some(devig::devig_array(method, [home, draw, away]).ok()?.probabilities)
    };
    let name = match prices {
        Prices::PreMatch => "market_pre_match",
        Prices::Closing => "market_closing",
    };
    Forecasts::new(name, history.records().iter().map(fair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walkforward::history::tests::small;

    #[test]
    fn base_rates_know_earlier_seasons_alone() {
        let history = small(3);
        let forecasts = base_rates(&history).probabilities;
        let of = |season: i32| {
            let places = history.records().iter().zip(&forecasts);
            places.filter(move |(record, _)| record.season == season).map(|(_, p)| *p)
        };
        assert!(of(0).all(|p| p.is_none()));
        let first: Vec<usize> =
            history.records().iter().filter(|r| r.season == 0).map(Record::outcome).collect();
        let share = |result| first.iter().filter(|r| **r == result).count() as f64 / 12.0;
        assert!(of(1).all(|p| p == Some([share(0), share(1), share(2)])));
        assert_ne!(of(2).next(), of(1).next());
    }

    #[test]
    fn the_market_without_its_margin_adds_up_to_one() {
        let history = small(1);
        let forecasts = market(&history, Prices::Closing, devig::Method::Multiplicative);
        for p in forecasts.probabilities {
            let [home, draw, away] = p.unwrap();
            assert!((home + draw + away - 1.0).abs() < 1e-12 && (draw - 0.25).abs() < 1e-12);
        }
    }
}
