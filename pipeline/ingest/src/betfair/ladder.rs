//! The prices of one side of a runner, with what can be staked at each.

/// Prices with their sizes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ladder {
    /// From the lowest price to the highest.
    by_price: Vec<(f64, f64)>,
    /// From the best on, where the provider sends positions.
    by_position: Vec<(f64, f64)>,
}

/// Positions on a ladder by position, at most.
const POSITIONS_MAX: usize = 16;

impl Ladder {
    /// Nothing stands.
    pub fn clear(&mut self) {
        self.by_price.clear();
        self.by_position.clear();
    }

    /// Sets the size at a price; size 0 takes it away.
    #[inline]
    pub fn set(&mut self, price: f64, size: f64) {
        // Most changes are near the best price, which is at one of the ends.
        let at = self.by_price.partition_point(|(known, _)| *known < price);
        match self.by_price.get_mut(at) {
            Some(known) if known.0 == price => {
                if size > 0.0 {
                    known.1 = size;
                } else {
                    self.by_price.remove(at);
                }
            }
            _ if size > 0.0 => self.by_price.insert(at, (price, size)),
            _ => {}
        }
    }

    /// Sets price and size at a position; size 0 takes it away.
    pub fn set_position(&mut self, position: u8, price: f64, size: f64) {
        let at = usize::from(position);
        if at >= POSITIONS_MAX {
            return;
        }
        if self.by_position.len() <= at {
            self.by_position.resize(at + 1, (0.0, 0.0));
        }
        self.by_position[at] = if size > 0.0 { (price, size) } else { (0.0, 0.0) };
    }

    /// The highest price that can be backed at, and its size.
    #[must_use]
    pub fn best_to_back(&self) -> Option<(f64, f64)> {
        let first = self.by_position.first().copied().filter(|(_, size)| *size > 0.0);
        first.or_else(|| self.by_price.last().copied())
    }

    /// The lowest price that can be laid at, and its size.
    #[must_use]
    pub fn best_to_lay(&self) -> Option<(f64, f64)> {
        let first = self.by_position.first().copied().filter(|(_, size)| *size > 0.0);
        first.or_else(|| self.by_price.first().copied())
    }

    /// How many prices stand.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_price.len() + self.by_position.iter().filter(|(_, size)| *size > 0.0).count()
    }

    /// Whether no price stands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_of_nothing_takes_a_price_away() {
        let mut ladder = Ladder::default();
        ladder.set(2.0, 10.0);
        ladder.set(2.2, 5.0);
        assert_eq!(ladder.best_to_back(), Some((2.2, 5.0)));
        assert_eq!(ladder.best_to_lay(), Some((2.0, 10.0)));
        ladder.set(2.2, 0.0);
        ladder.set(9.0, 0.0);
        assert_eq!((ladder.best_to_back(), ladder.len()), (Some((2.0, 10.0)), 1));
        ladder.clear();
        ladder.set_position(0, 3.0, 1.0);
        ladder.set_position(200, 3.0, 1.0);
        assert_eq!(ladder.best_to_back(), Some((3.0, 1.0)));
        ladder.set_position(0, 3.0, 0.0);
        assert!(ladder.is_empty() && ladder.best_to_back().is_none());
    }

    proptest! {
        #[test]
        fn a_ladder_is_what_a_map_would_be(changes in prop::collection::vec((101_u32..130, 0_u32..3), 0..60)) {
            let (mut ladder, mut map) = (Ladder::default(), std::collections::BTreeMap::new());
            for (cents, size) in changes {
                ladder.set(f64::from(cents) / 100.0, f64::from(size));
                map.insert(cents, size);
                map.retain(|_, size| *size > 0);
            }
            let best = map.last_key_value().map(|(c, s)| (f64::from(*c) / 100.0, f64::from(*s)));
            prop_assert_eq!(ladder.best_to_back(), best);
            prop_assert_eq!(ladder.len(), map.len());
        }
    }
}
