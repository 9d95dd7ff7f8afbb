//! Which rows pass which filters, for many filters at once: a bit a row for every condition that
//! any of them has, worked out once, and a filter is the rows that have the bits of all of its.

use std::ops::Range;

use super::filter::{Condition, Filter};
use crate::opportunity::Row;

/// Rows of a word of bits.
const WORD: usize = u64::BITS as usize;

/// The bits of a batch of rows.
#[derive(Debug)]
pub struct Masks {
    /// Every condition once.
    conditions: Vec<Condition>,
    /// The places of each filter's conditions.
    filters: Vec<Vec<usize>>,
    /// For each condition a bit a row.
    bits: Vec<Vec<u64>>,
}

/// A row that passes, and its place among the batch's.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its place.
    pub place: usize,
    /// The row.
    pub row: &'a Row,
}

impl Masks {
    /// For these filters; before any rows are looked at.
    #[must_use]
    pub fn new<'f>(filters: impl IntoIterator<Item = &'f Filter>) -> Self {
        let mut masks = Self { conditions: Vec::new(), filters: Vec::new(), bits: Vec::new() };
        for filter in filters {
            let places = filter.conditions().iter().map(|one| masks.place(one)).collect();
            masks.filters.push(places);
        }
        masks.bits = vec![Vec::new(); masks.conditions.len()];
        masks
    }

    fn place(&mut self, condition: &Condition) -> usize {
        let known = self.conditions.iter().position(|known| known == condition);
        known.unwrap_or_else(|| {
            self.conditions.push(condition.clone());
            self.conditions.len() - 1
        })
    }

    /// Looks at the rows of another batch.
    pub fn look_at(&mut self, rows: &[Row]) {
        for (condition, bits) in self.conditions.iter().zip(&mut self.bits) {
            let word = |rows: &[Row]| {
                let bit = |(place, row)| u64::from(condition.holds(row)) << place;
                rows.iter().enumerate().map(bit).fold(0, |word, bit| word | bit)
            };
            bits.clear();
            bits.extend(rows.chunks(WORD).map(word));
        }
    }

    /// Appends those rows of a range that pass a filter, in their order.
    pub fn passing<'a>(
        &self,
        filter: usize,
        rows: &'a [Row],
        range: Range<usize>,
        out: &mut Vec<Candidate<'a>>,
    ) {
        let Range { start, end } = range;
        for word in start / WORD..end.div_ceil(WORD) {
            let mut bits = self.filters[filter]
                .iter()
                .fold(within(word * WORD, start, end), |bits, of| bits & self.bits[*of][word]);
            while bits != 0 {
                let place = word * WORD + bits.trailing_zeros() as usize;
                out.push(Candidate { place, row: &rows[place] });
                bits &= bits - 1;
            }
        }
    }
}

/// The bits of a word that begins at `first` whose rows lie in `start..end`.
fn within(first: usize, start: usize, end: usize) -> u64 {
    let below = |place: usize| match place.saturating_sub(first) {
        count if count >= WORD => u64::MAX,
        count => (1 << count) - 1,
    };
    below(end) & !below(start)
}

#[cfg(test)]
mod tests {
    use marabet_schemas::strategy::{Rules, Strategy};

    use super::*;
    use crate::opportunity::Catalogue;
    use crate::sweep::Trial;

    #[test]
    fn the_bits_say_of_every_row_what_the_filter_says() {
        let trial = |ev_min: f64, aggregates| Trial {
            name: "a".into(),
            about: String::new(),
            rules: Strategy { ev_min, ..Strategy::default() },
            aggregates,
        };
        let trials = [trial(0.02, true), trial(0.05, true), trial(0.02, false)];
        let filters: Vec<Filter> = trials
            .iter()
            .map(|trial| Filter::of(trial, &Rules::default(), &Catalogue::default()))
            .collect();
        let rows: Vec<Row> = (0..300_u32)
            .map(|n| {
                let ev = f64::from(n * 37 % 100) / 1_000.0;
                let odds = 1.0 + f64::from(n * 53 % 170) / 10.0;
                Row { ev, odds, usual: odds, aggregate: n % 3 > 0, ..Row::EMPTY }
            })
            .collect();
        let mut masks = Masks::new(&filters);
        masks.look_at(&rows);
        let mut found = 0;
        for (place, filter) in filters.iter().enumerate() {
            for range in [0..300, 0..64, 63..65, 64..128, 5..5, 100..299, 256..300] {
                let mut passing = Vec::new();
                masks.passing(place, &rows, range.clone(), &mut passing);
                let places: Vec<usize> = passing.iter().map(|one| one.place).collect();
                let expected: Vec<usize> =
                    range.filter(|place| filter.passes(&rows[*place])).collect();
                assert_eq!(places, expected);
                found += places.len();
            }
        }
        assert!(found > 300, "{found}");
    }
}
