use std::fmt;

use serde::{Deserialize, Serialize};

use super::ValueError;

/// A handicap or a total in quarter goals, exact: −0.25 is held as −1 quarter.
///
/// A line on a whole or half goal is one bet; a quarter line splits the stake over the two
/// lines beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "f64", extend("multipleOf" = 0.25)))]
pub struct Line(i16);

impl Line {
    const QUARTERS_MAX: i16 = 400;

    /// A line from goals.
    ///
    /// # Errors
    /// [`ValueError::Line`] unless `goals` is a multiple of 0.25 between −100 and 100.
    pub fn new(goals: f64) -> Result<Self, ValueError> {
        let quarters = goals * 4.0;
        let in_range = quarters.abs() <= f64::from(Self::QUARTERS_MAX);
        if in_range && libm::trunc(quarters) == quarters {
            // In range and whole: the cast is exact.
            Ok(Self(quarters as i16))
        } else {
            Err(ValueError::Line(goals))
        }
    }

    /// A line from a whole number of quarter goals.
    ///
    /// # Errors
    /// [`ValueError::Line`] when it is beyond ±100 goals.
    pub fn from_quarters(quarters: i16) -> Result<Self, ValueError> {
        // The smallest number has no absolute value.
        if (-Self::QUARTERS_MAX..=Self::QUARTERS_MAX).contains(&quarters) {
            Ok(Self(quarters))
        } else {
            Err(ValueError::Line(f64::from(quarters) / 4.0))
        }
    }

    /// The line in quarter goals.
    #[must_use]
    pub fn quarters(self) -> i16 {
        self.0
    }

    /// The line in goals.
    #[must_use]
    pub fn goals(self) -> f64 {
        f64::from(self.0) / 4.0
    }

    /// The same line seen from the other side.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self(-self.0)
    }

    /// The two lines, each a whole or half goal, over which a stake on this line is split; twice
    /// the same for a line that is not a quarter line.
    #[must_use]
    pub fn halves(self) -> [Self; 2] {
        if self.0.rem_euclid(2) == 0 { [self, self] } else { [Self(self.0 - 1), Self(self.0 + 1)] }
    }
}

impl TryFrom<f64> for Line {
    type Error = ValueError;
    fn try_from(goals: f64) -> Result<Self, ValueError> {
        Self::new(goals)
    }
}

impl From<Line> for f64 {
    fn from(line: Line) -> Self {
        line.goals()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_some() || f.precision().is_some() || f.sign_plus() {
            return self.goals().fmt(f);
        }
        // Every quote names its line: quarters are written without the search for digits that any
        // other number needs.
        let quarters = self.0.unsigned_abs();
        f.write_str(if self.0 < 0 { "-" } else { "" })?;
        fmt::Display::fmt(&(quarters / 4), f)?;
        f.write_str(["", ".25", ".5", ".75"][usize::from(quarters % 4)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_line_splits_into_its_neighbours() {
        let quarter = Line::new(-0.25).unwrap();
        assert_eq!(quarter.halves().map(Line::goals), [-0.5, 0.0]);
        let half = Line::new(2.5).unwrap();
        assert_eq!(half.halves().map(Line::goals), [2.5, 2.5]);
    }

    #[test]
    fn a_line_is_written_as_its_number_of_goals() {
        for quarters in -Line::QUARTERS_MAX..=Line::QUARTERS_MAX {
            let line = Line::from_quarters(quarters).unwrap();
            assert_eq!(line.to_string(), line.goals().to_string());
            assert_eq!(format!("{line:+.2}"), format!("{:+.2}", line.goals()));
        }
    }

    #[test]
    fn what_is_no_quarter_goal_is_refused() {
        for wrong in [0.3, f64::NAN, 1e9, f64::INFINITY] {
            assert!(Line::new(wrong).is_err(), "{wrong} was taken for a line");
        }
        for wrong in [i16::MIN, -Line::QUARTERS_MAX - 1, Line::QUARTERS_MAX + 1, i16::MAX] {
            assert!(Line::from_quarters(wrong).is_err(), "{wrong} was taken for a line");
        }
    }
}
