//! Ratings: one or two numbers a team, moved by every result.
//!
//! Each system is a table of teams that takes results in the order in which they were played and
//! tells the gap between two teams, on its own scale, from which [`OrderedLogit`] makes the
//! probabilities of the three results. Unknown teams stand at the system's start.
//!
//! This module knows no odds and no goal model.

mod elo;
mod glicko;
mod ordered;
mod pi;

pub use elo::{Elo, EloTable, Margin};
pub use glicko::{Glicko, GlickoTable, Standing, glicko2_period};
pub use ordered::{OrderedError, OrderedLogit};
pub use pi::{Pi, PiRating, PiTable};

/// A result to rate by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rated<'a> {
    /// The instant of the match in days since any fixed day.
    pub day: f64,
    /// The home side.
    pub home: &'a str,
    /// The away side.
    pub away: &'a str,
    /// Goals of the home side.
    pub home_goals: u32,
    /// Goals of the away side.
    pub away_goals: u32,
    /// Whether it was played on neutral ground.
    pub neutral: bool,
}

impl Rated<'_> {
    /// What the home side took of the one point that is shared: 1, 1/2 or 0.
    #[must_use]
    pub fn home_share(&self) -> f64 {
        match self.home_goals.cmp(&self.away_goals) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        }
    }

    /// Home goals less away goals.
    #[must_use]
    pub fn goal_difference(&self) -> f64 {
        f64::from(self.home_goals) - f64::from(self.away_goals)
    }
}

/// Why a result could not be rated, or a system cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RatingError {
    /// A result before one that was already rated.
    #[error(
        "{home} v {away} on day {day} comes after a match of day {last}: rate in order of time"
    )]
    OutOfOrder {
        /// The home side.
        home: String,
        /// The away side.
        away: String,
        /// Its day.
        day: f64,
        /// The day of the last match rated.
        last: f64,
    },
    /// A day that is no number.
    #[error("the day of {home} v {away} must be finite, got {day}")]
    Day {
        /// The home side.
        home: String,
        /// The away side.
        away: String,
        /// The day as given.
        day: f64,
    },
    /// A team cannot play itself.
    #[error("{0} cannot play itself")]
    SameTeam(String),
    /// A constant of the system is out of range.
    #[error("`{name}` must be {expected}, got {value}")]
    Constant {
        /// The constant's name.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
        /// The value as given.
        value: f64,
    },
}

/// A table of teams that results move.
pub trait RatingSystem {
    /// Takes a result.
    ///
    /// # Errors
    /// [`RatingError`] when the result is older than the last one taken, its day is no number, or a
    /// team plays itself; the table then stays as it was.
    fn rate(&mut self, result: &Rated<'_>) -> Result<(), RatingError>;

    /// By how much the home side is ahead before a match, home advantage included, in the
    /// system's own unit.
    fn gap(&self, home: &str, away: &str, neutral: bool) -> f64;
}

/// The day of the last result, against which the next is checked.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Clock(f64);

impl Default for Clock {
    fn default() -> Self {
        Self(f64::NEG_INFINITY)
    }
}

impl Clock {
    fn advance(&mut self, result: &Rated<'_>) -> Result<(), RatingError> {
        let Rated { day, home, away, .. } = *result;
        let (home, away) = (home.to_owned(), away.to_owned());
        if home == away {
            return Err(RatingError::SameTeam(home));
        }
        if !day.is_finite() {
            return Err(RatingError::Day { home, away, day });
        }
        if day < self.0 {
            return Err(RatingError::OutOfOrder { home, away, day, last: self.0 });
        }
        self.0 = day;
        Ok(())
    }
}

fn check_constants(
    constants: &[(&'static str, f64, std::ops::RangeInclusive<f64>, &'static str)],
) -> Result<(), RatingError> {
    for (name, value, range, expected) in constants {
        if !range.contains(value) {
            return Err(RatingError::Constant { name, expected, value: *value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn systems() -> Vec<Box<dyn RatingSystem>> {
        vec![
            Box::new(EloTable::new(Elo::default()).unwrap()),
            Box::new(PiTable::new(Pi::default()).unwrap()),
            Box::new(GlickoTable::new(Glicko::default()).unwrap()),
        ]
    }

    fn won(day: f64, home: &'static str, away: &'static str) -> Rated<'static> {
        Rated { day, home, away, home_goals: 2, away_goals: 0, neutral: false }
    }

    #[test]
    fn winning_moves_the_winner_ahead_and_the_loser_behind_in_every_system() {
        for mut system in systems() {
            let before = system.gap("Ash", "Birch", true);
            assert_eq!(before, 0.0, "teams start level");
            for day in 0..20 {
                system.rate(&won(f64::from(day) * 7.0, "Ash", "Birch")).unwrap();
            }
            assert!(system.gap("Ash", "Birch", true) > 0.0);
            assert!(system.gap("Birch", "Ash", true) < 0.0);
            assert!(
                system.gap("Ash", "Cedar", true) > 0.0 && system.gap("Birch", "Cedar", true) < 0.0
            );
        }
    }

    #[test]
    fn results_out_of_order_or_without_a_day_are_refused_and_change_nothing() {
        for mut system in systems() {
            system.rate(&won(10.0, "Ash", "Birch")).unwrap();
            let before = system.gap("Ash", "Birch", false);
            let older = system.rate(&won(9.0, "Birch", "Ash")).unwrap_err();
            assert!(matches!(older, RatingError::OutOfOrder { last: 10.0, .. }));
            assert!(matches!(
                system.rate(&won(f64::NAN, "Birch", "Ash")),
                Err(RatingError::Day { .. })
            ));
            assert!(matches!(system.rate(&won(11.0, "Ash", "Ash")), Err(RatingError::SameTeam(_))));
            assert_eq!(system.gap("Ash", "Birch", false), before);
        }
    }
}
