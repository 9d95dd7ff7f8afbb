//! Which rows pass which filters, for many filters at once: a column a condition that any of them
//! has, worked out once beside the rows, and a filter is the rows that meet all of its.

use std::ops::Range;

use polars::prelude::{BooleanChunked, DataFrame, Expr, PolarsResult};

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

    /// The columns that [`Masks::look_at`] asks for beside those of the rows.
    #[must_use]
    pub fn columns(&self) -> Vec<Expr> {
        let column = |(place, condition): (usize, &Condition)| condition.expr().alias(name(place));
        self.conditions.iter().enumerate().map(column).collect()
    }

    /// Looks at another batch.
    ///
    /// # Errors
    /// A batch without the [columns](Masks::columns).
    pub fn look_at(&mut self, batch: &DataFrame) -> PolarsResult<()> {
        for (place, bits) in self.bits.iter_mut().enumerate() {
            words(batch.column(&name(place))?.bool()?, bits);
        }
        Ok(())
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

fn name(condition: usize) -> String {
    format!("condition_{condition}")
}

/// A bit a value, the first the lowest of the first word.
fn words(values: &BooleanChunked, words: &mut Vec<u64>) {
    words.clear();
    words.resize(values.len().div_ceil(WORD), 0);
    for (place, value) in values.iter().enumerate() {
        words[place / WORD] |= u64::from(value == Some(true)) << (place % WORD);
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
    use polars::prelude::IntoLazy;

    use super::*;
    use crate::opportunity::Catalogue;
    use crate::sweep::Trial;
    use crate::table;

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
                Row { row: n, ev, odds, usual: odds, aggregate: n % 3 > 0, ..Row::EMPTY }
            })
            .collect();
        let frame = || table::frame(&rows).unwrap().lazy();
        let mut masks = Masks::new(&filters);
        let batch = frame().with_columns(masks.columns()).collect().unwrap();
        masks.look_at(&batch).unwrap();
        assert!(masks.look_at(&frame().collect().unwrap()).is_err());
        let mut found = 0;
        for (place, filter) in filters.iter().enumerate() {
            let alone = frame().filter(filter.expr()).collect().unwrap();
            let alone: Vec<usize> =
                table::rows(&alone).unwrap().iter().map(|row| row.row as usize).collect();
            for range in [0..300, 0..64, 63..65, 64..128, 5..5, 100..299, 256..300] {
                let mut passing = Vec::new();
                masks.passing(place, &rows, range.clone(), &mut passing);
                let places: Vec<usize> = passing.iter().map(|one| one.place).collect();
                let expected: Vec<usize> =
                    alone.iter().copied().filter(|place| range.contains(place)).collect();
                assert_eq!(places, expected);
                found += places.len();
            }
        }
        assert!(found > 200, "{found}");
    }
}
