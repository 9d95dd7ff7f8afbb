use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Clock, Rated, RatingError, RatingSystem, check_constants};

/// How much more a result counts that was won by many goals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// A win is a win.
    Ignored,
    /// 1 for a goal or none, 1.5 for two, (11 + n) / 8 for n ≥ 3 (World Football Elo Ratings).
    WorldFootball,
    /// `(1 + n)^exponent` for n goals (Hvattum and Arntzen, 2010, eq. 3); they found 1 best.
    Power(f64),
}

impl Margin {
    fn factor(self, goals: f64) -> f64 {
        match self {
            Self::Ignored => 1.0,
            Self::WorldFootball if goals <= 1.0 => 1.0,
            Self::WorldFootball if goals <= 2.0 => 1.5,
            Self::WorldFootball => (11.0 + goals) / 8.0,
            Self::Power(exponent) => libm::pow(1.0 + goals, exponent),
        }
    }
}

/// The constants of Elo ratings (Elo, 1978).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Elo {
    /// The rating of a team without results.
    pub start: f64,
    /// The most that one result moves a rating when goals do not count.
    pub k: f64,
    /// What playing at home is worth, in rating points.
    pub home_advantage: f64,
    /// How the margin of a win counts.
    pub margin: Margin,
}

impl Default for Elo {
    /// 1500 at the start, k = 20, 100 points for the home side, every win alike.
    fn default() -> Self {
        Self { start: 1500.0, k: 20.0, home_advantage: 100.0, margin: Margin::Ignored }
    }
}

impl Elo {
    /// What the home side is expected to take of the one point that is shared:
    /// `1 / (1 + 10^(−gap/400))`, with the gap in rating points, home advantage included.
    #[must_use]
    pub fn expected_share(gap: f64) -> f64 {
        1.0 / (1.0 + libm::exp10(-gap / 400.0))
    }

    /// The probabilities of home win, draw and away win when draws are weighed
    /// `0.3 exp(−gap² / (2 · 200²))` against the shares of both sides, all three then scaled to one
    /// (penaltyblog, `ratings.Elo`).
    #[must_use]
    pub fn probabilities(gap: f64) -> [f64; 3] {
        let share = Self::expected_share(gap);
        let draw = 0.3 * libm::exp(-gap * gap / (2.0 * 200.0 * 200.0));
        let whole = 1.0 + draw;
        [share / whole, draw / whole, (1.0 - share) / whole]
    }

    /// The points that pass from the away side to the home side.
    #[must_use]
    pub fn exchange(&self, gap: f64, result: &Rated<'_>) -> f64 {
        let margin = self.margin.factor(result.goal_difference().abs());
        self.k * margin * (result.home_share() - Self::expected_share(gap))
    }
}

/// Elo ratings of many teams.
#[derive(Debug, Clone, PartialEq)]
pub struct EloTable {
    elo: Elo,
    ratings: BTreeMap<String, f64>,
    clock: Clock,
}

impl EloTable {
    /// A table in which every team stands at the start.
    ///
    /// # Errors
    /// [`RatingError::Constant`] when a constant is out of range.
    pub fn new(elo: Elo) -> Result<Self, RatingError> {
        let exponent = if let Margin::Power(exponent) = elo.margin { exponent } else { 0.0 };
        check_constants(&[
            ("start", elo.start, -1e6..=1e6, "between -1e6 and 1e6"),
            ("k", elo.k, 0.0..=1e3, "between 0 and 1000"),
            ("home_advantage", elo.home_advantage, -1e4..=1e4, "between -1e4 and 1e4"),
            ("margin exponent", exponent, 0.0..=2.0, "between 0 and 2"),
        ])?;
        Ok(Self { elo, ratings: BTreeMap::new(), clock: Clock::default() })
    }

    /// A team's rating.
    #[must_use]
    pub fn rating(&self, team: &str) -> f64 {
        self.ratings.get(team).copied().unwrap_or(self.elo.start)
    }

    /// Puts a team at a rating, such as a promoted one below the start.
    pub fn place(&mut self, team: &str, rating: f64) {
        self.ratings.insert(team.to_owned(), rating);
    }

    /// All teams rated so far, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.ratings.iter().map(|(team, rating)| (team.as_str(), *rating))
    }
}

impl RatingSystem for EloTable {
    fn rate(&mut self, result: &Rated<'_>) -> Result<(), RatingError> {
        self.clock.advance(result)?;
        let gap = self.gap(result.home, result.away, result.neutral);
        let exchange = self.elo.exchange(gap, result);
        for (team, change) in [(result.home, exchange), (result.away, -exchange)] {
            let rating = self.rating(team) + change;
            self.place(team, rating);
        }
        Ok(())
    }

    fn gap(&self, home: &str, away: &str, neutral: bool) -> f64 {
        let advantage = if neutral { 0.0 } else { self.elo.home_advantage };
        self.rating(home) - self.rating(away) + advantage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_penaltyblog_documentation_come_out() {
        let mut table = EloTable::new(Elo::default()).unwrap();
        let gap = table.gap("Team A", "Team B", false);
        let wanted = [0.506_080_624_681_132_2, 0.209_329_326_182_520_26, 0.284_590_049_136_347_56];
        for (got, wanted) in Elo::probabilities(gap).into_iter().zip(wanted) {
            assert!((got - wanted).abs() < 1e-12, "{got} is not {wanted}");
        }
        let (home, away) = ("Team A", "Team B");
        let won = Rated { day: 0.0, home, away, home_goals: 1, away_goals: 0, neutral: false };
        table.rate(&won).unwrap();
        assert!((table.rating("Team A") - 1_507.198_700_003_942_3).abs() < 1e-9);
        assert!((table.rating("Team A") + table.rating("Team B") - 3000.0).abs() < 1e-9);
    }

    #[test]
    fn a_higher_win_moves_more_where_goals_count() {
        let exchange = |margin, goals| {
            let (home, away) = ("Ash", "Birch");
            let won =
                Rated { day: 0.0, home, away, home_goals: goals, away_goals: 0, neutral: true };
            Elo { margin, ..Elo::default() }.exchange(0.0, &won)
        };
        assert_eq!([1, 2, 3, 5].map(|g| exchange(Margin::Ignored, g)), [10.0; 4]);
        let world = [1, 2, 3, 5].map(|goals| exchange(Margin::WorldFootball, goals));
        assert_eq!(world, [10.0, 15.0, 17.5, 20.0]);
        assert_eq!([1, 2].map(|goals| exchange(Margin::Power(1.0), goals)), [20.0, 30.0]);
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        for elo in [
            Elo { k: -1.0, ..Elo::default() },
            Elo { start: f64::NAN, ..Elo::default() },
            Elo { margin: Margin::Power(9.0), ..Elo::default() },
        ] {
            assert!(matches!(EloTable::new(elo), Err(RatingError::Constant { .. })));
        }
    }
}
