use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Clock, Rated, RatingError, RatingSystem, check_constants};

/// The constants of pi-ratings (Constantinou and Fenton, 2013).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pi {
    /// How fast a rating follows a result, λ.
    pub learning: f64,
    /// How much of a change at one ground carries over to the other, γ.
    pub carry_over: f64,
    /// The base of the logarithm that damps high scores, b.
    pub base: f64,
    /// The scale of ratings, c.
    pub scale: f64,
}

impl Default for Pi {
    /// The values that the authors found best for the Premier League: λ = 0.035, γ = 0.7, b = 10,
    /// c = 3.
    fn default() -> Self {
        Self { learning: 0.035, carry_over: 0.7, base: 10.0, scale: 3.0 }
    }
}

/// A team's ratings at home and away; zero is an average team.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PiRating {
    /// At home.
    pub home: f64,
    /// Away.
    pub away: f64,
}

impl Pi {
    /// The goals by which a team of this rating is expected to beat an average opponent:
    /// `±(b^(|R|/c) − 1)`, with the sign of the rating.
    #[must_use]
    pub fn expected_goals(&self, rating: f64) -> f64 {
        let goals = libm::pow(self.base, rating.abs() / self.scale) - 1.0;
        libm::copysign(goals, rating)
    }

    /// The goal difference expected between the two teams.
    #[must_use]
    pub fn expected_difference(&self, home: PiRating, away: PiRating) -> f64 {
        self.expected_goals(home.home) - self.expected_goals(away.away)
    }

    /// What an error of prediction weighs: `c log_b(1 + e)`, so that a goal more counts the less,
    /// the more there were.
    #[must_use]
    pub fn weight(&self, error: f64) -> f64 {
        self.scale * libm::log1p(error) / libm::log(self.base)
    }

    /// Both teams' ratings after a match with this goal difference.
    #[must_use]
    pub fn update(&self, home: PiRating, away: PiRating, difference: f64) -> (PiRating, PiRating) {
        let surprise = difference - self.expected_difference(home, away);
        let change = libm::copysign(self.learning * self.weight(surprise.abs()), surprise);
        let carried = self.carry_over * change;
        (
            PiRating { home: home.home + change, away: home.away + carried },
            PiRating { away: away.away - change, home: away.home - carried },
        )
    }
}

/// Pi-ratings of many teams.
#[derive(Debug, Clone, PartialEq)]
pub struct PiTable {
    pi: Pi,
    ratings: BTreeMap<String, PiRating>,
    clock: Clock,
}

impl PiTable {
    /// A table in which every team is average.
    ///
    /// # Errors
    /// [`RatingError::Constant`] when a constant is out of range.
    pub fn new(pi: Pi) -> Result<Self, RatingError> {
        check_constants(&[
            ("learning", pi.learning, 0.0..=1.0, "between 0 and 1"),
            ("carry_over", pi.carry_over, 0.0..=1.0, "between 0 and 1"),
            ("base", pi.base, 1.001..=1e3, "between 1.001 and 1000"),
            ("scale", pi.scale, 1e-3..=1e3, "between 0.001 and 1000"),
        ])?;
        Ok(Self { pi, ratings: BTreeMap::new(), clock: Clock::default() })
    }

    /// A team's ratings.
    #[must_use]
    pub fn rating(&self, team: &str) -> PiRating {
        self.ratings.get(team).copied().unwrap_or_default()
    }

    /// Puts a team at ratings, such as a promoted one below the average.
    pub fn place(&mut self, team: &str, rating: PiRating) {
        self.ratings.insert(team.to_owned(), rating);
    }
}

impl RatingSystem for PiTable {
    fn rate(&mut self, result: &Rated<'_>) -> Result<(), RatingError> {
        self.clock.advance(result)?;
        let (home, away) = (self.rating(result.home), self.rating(result.away));
        let (home, away) = self.pi.update(home, away, result.goal_difference());
        self.place(result.home, home);
        self.place(result.away, away);
        Ok(())
    }

    /// The goal difference expected. On neutral ground each side counts the mean of both its
    /// ratings.
    fn gap(&self, home: &str, away: &str, neutral: bool) -> f64 {
        let (home, away) = (self.rating(home), self.rating(away));
        if !neutral {
            return self.pi.expected_difference(home, away);
        }
        let mean = |rating: PiRating| self.pi.expected_goals(0.5 * (rating.home + rating.away));
        mean(home) - mean(away)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_steps_of_the_formulas_come_out() {
        let pi = Pi::default();
        // 10^(1.6/3) − 1 and −(10^(1.2/3) − 1), by hand.
        let (home, away) = (PiRating { home: 1.6, away: 0.4 }, PiRating { home: 0.3, away: -1.2 });
        assert!((pi.expected_goals(1.6) - 2.414_548_9).abs() < 1e-6);
        assert!((pi.expected_goals(-1.2) + 1.511_886_4).abs() < 1e-6);
        let expected = pi.expected_difference(home, away);
        assert!((expected - 3.926_435_3).abs() < 1e-6, "{expected}");
        // The home side wins by three, less than expected: ψ(0.9264) = 3 log10(1.9264).
        let (after, opponent) = pi.update(home, away, 3.0);
        let change = 0.035 * 3.0 * libm::log10(1.926_435_3);
        assert!((after.home - (1.6 - change)).abs() < 1e-7);
        assert!((after.away - (0.4 - 0.7 * change)).abs() < 1e-7);
        assert!((opponent.away - (-1.2 + change)).abs() < 1e-7);
        assert!((opponent.home - (0.3 + 0.7 * change)).abs() < 1e-7);
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        for pi in [Pi { base: 1.0, ..Pi::default() }, Pi { learning: f64::NAN, ..Pi::default() }] {
            assert!(matches!(PiTable::new(pi), Err(RatingError::Constant { .. })));
        }
    }
}
