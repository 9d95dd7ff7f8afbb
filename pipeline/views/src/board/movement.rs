//! How a price moved: few points that keep its shape.

use marabet_quant::Odds;
use marabet_schemas::Instant;
use schemars::JsonSchema;
use serde::Serialize;

/// Most points that are kept of one book's market.
const POINTS_MAX: usize = 48;

/// The prices of a market at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Point {
    /// When they were quoted.
    pub at: Instant,
    /// Decimal odds of the market's selections, in their canonical order.
    pub odds: Vec<Odds>,
}

/// The points of one book's market, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Movement(Vec<Point>);

impl Movement {
    /// Adds a point. When there are too many, every second one between the first and the newest
    /// goes: old times are shown more coarsely than new ones.
    pub fn push(&mut self, at: Instant, odds: &[Odds]) {
        if let Some(last) = self.0.last_mut()
            && last.odds == odds
        {
            return;
        }
        if self.0.len() == POINTS_MAX {
            let mut index = 0;
            self.0.retain(|_| {
                index += 1;
                index % 2 == 1 || index == POINTS_MAX
            });
        }
        self.0.push(Point { at, odds: odds.to_vec() });
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_movement_keeps_its_first_and_newest_points_and_stays_within_its_bound() {
        let mut movement = Movement::default();
        for step in 0..1_000 {
            let odds = [Odds::new(1.5 + f64::from(step) / 1_000.0).unwrap()];
            movement.push(Instant::from_micros(i64::from(step)), &odds);
        }
        let points = movement.points();
        assert!(points.len() <= POINTS_MAX, "{}", points.len());
        assert_eq!(points[0].at.micros(), 0);
        assert_eq!(points[points.len() - 1].at.micros(), 999);
        assert!(points.is_sorted_by_key(|point| point.at));
    }

    #[test]
    fn a_price_that_stands_still_is_one_point() {
        let mut movement = Movement::default();
        let odds = [Odds::new(2.0).unwrap()];
        movement.push(Instant::from_micros(1), &odds);
        movement.push(Instant::from_micros(2), &odds);
        assert_eq!(movement.points().len(), 1);
    }
}
