//! Which values of a nested column are there, and where lists begin: what Parquet calls
//! definition and repetition levels (Melnik et al. 2010, "Dremel: interactive analysis of
//! web-scale datasets", section 4.1).

use std::cell::OnceCell;

use super::encode::{Hybrid, width_of};

/// A level so many times.
type Run = (u32, usize);

fn extend(runs: &mut Vec<Run>, level: u32, count: usize) {
    match runs.last_mut() {
        Some((last, so_far)) if *last == level => *so_far += count,
        _ if count == 0 => {}
        _ => runs.push((level, count)),
    }
}

/// Whether a value is there, for each slot of what a column lies in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    /// How many slots in a row have none, then how many have one, and so on in turn.
    runs: Vec<u32>,
}

impl Presence {
    /// Appends slots.
    pub(crate) fn extend(&mut self, present: bool, count: usize) {
        if count == 0 {
            return;
        }
        // A page has far fewer slots than 2^32.
        let count = count as u32;
        let last_is_present = self.runs.len().is_multiple_of(2);
        match self.runs.last_mut() {
            Some(last) if last_is_present == present => *last += count,
            None if present => self.runs.extend([0, count]),
            _ => self.runs.push(count),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }

    /// Stretches of slots, and whether a value is there.
    fn runs(&self) -> impl Iterator<Item = (bool, usize)> {
        [false, true].into_iter().cycle().zip(self.runs.iter().map(|&count| count as usize))
    }
}

/// The levels of a stretch of a column.
#[derive(Debug)]
pub(crate) struct Levels {
    /// Definition level of what is there.
    full: u32,
    definitions: Vec<Run>,
    /// Repetition level of an item that is not its list's first; 0 outside lists.
    deep: u8,
    /// One an entry, within lists, of which few lie within each other.
    repetitions: Vec<u8>,
    entries: usize,
    /// The definition levels as bytes, for a column that has no more of them than these: many
    /// have the same.
    encoded: OnceCell<Vec<u8>>,
}

impl Levels {
    /// Those of rows, all of which are there.
    pub(crate) fn of_rows(rows: usize) -> Self {
        Self::new(0, vec![(0, rows)], 0, Vec::new(), rows)
    }

    fn new(
        full: u32,
        definitions: Vec<Run>,
        deep: u8,
        repetitions: Vec<u8>,
        entries: usize,
    ) -> Self {
        Self { full, definitions, deep, repetitions, entries, encoded: OnceCell::new() }
    }

    /// How many entries there are: values, and what stands for their absence.
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// Whether nothing is there, from the outermost level on.
    pub(crate) fn is_void(&self) -> bool {
        self.full > 0 && matches!(self.definitions[..], [] | [(0, _)])
    }

    /// Those of an optional part of it, which is there in these of its slots.
    pub(crate) fn optional(&self, presence: &Presence) -> Self {
        let full = self.full + 1;
        let mut definitions = Vec::with_capacity(self.definitions.len() + presence.runs.len());
        let mut runs = presence.runs();
        let (mut is_there, mut left) = (false, 0);
        for &(level, count) in &self.definitions {
            if level < self.full {
                extend(&mut definitions, level, count);
                continue;
            }
            let mut rest = count;
            while rest > 0 {
                if left == 0 {
                    // What a column does not say of its last slots is that nothing is there.
                    (is_there, left) = runs.next().unwrap_or((false, rest));
                }
                let taken = rest.min(left);
                extend(&mut definitions, if is_there { full } else { level }, taken);
                (rest, left) = (rest - taken, left - taken);
            }
        }
        Self::new(full, definitions, self.deep, self.repetitions.clone(), self.entries)
    }

    /// Those of the items of its lists, which have these lengths.
    pub(crate) fn items(&self, lengths: &[u32]) -> Self {
        let (full, deep) = (self.full + 1, self.deep + 1);
        let mut definitions = Vec::with_capacity(self.definitions.len());
        let mut repetitions = Vec::with_capacity(self.entries + lengths.len());
        let mut outer = &self.repetitions[..];
        let mut lengths = lengths.iter().map(|&length| length as usize);
        for &(level, count) in &self.definitions {
            // Outside lists every one begins anew.
            let lists;
            (lists, outer) = outer.split_at(count.min(outer.len()));
            if level < self.full {
                let end = repetitions.len() + count;
                repetitions.extend_from_slice(lists);
                repetitions.resize(end, 0);
                extend(&mut definitions, level, count);
                continue;
            }
            for begins in lists.iter().copied().chain(std::iter::repeat(0)).take(count) {
                let length = lengths.next().unwrap_or_default();
                repetitions.push(begins);
                extend(&mut definitions, if length > 0 { full } else { level }, length.max(1));
                repetitions.extend(std::iter::repeat_n(deep, length.saturating_sub(1)));
            }
        }
        let entries = repetitions.len();
        Self::new(full, definitions, deep, repetitions, entries)
    }

    /// Appends them as a data page begins with them.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if self.deep > 0 {
            let count = self.repetitions.len();
            let mut hybrid = Hybrid::new(width_of(self.deep.into()), count, Vec::new());
            hybrid.all(&self.repetitions);
            with_length(&hybrid.finish(), out);
        }
        if self.full > 0 {
            let bytes = self.encoded.get_or_init(|| {
                let count = 8 * self.definitions.len();
                let mut hybrid = Hybrid::new(width_of(self.full), count, Vec::new());
                self.definitions.iter().for_each(|&(level, count)| hybrid.run(level, count));
                hybrid.finish()
            });
            with_length(bytes, out);
        }
    }

    /// The greatest levels there can be: of repetition and of definition.
    pub(super) fn deepest(&self) -> [u32; 2] {
        [self.deep.into(), self.full]
    }

    /// Appends entries without anything there, for a column that can have these levels.
    pub(super) fn write_void(entries: usize, deepest: [u32; 2], out: &mut Vec<u8>) {
        for deepest in deepest {
            if deepest > 0 {
                let mut hybrid = Hybrid::new(width_of(deepest), 0, Vec::new());
                hybrid.run(0, entries);
                with_length(&hybrid.finish(), out);
            }
        }
    }
}

fn with_length(bytes: &[u8], out: &mut Vec<u8>) {
    // A block's levels take far less than 4 GiB.
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(runs: &[(bool, usize)]) -> Presence {
        let mut presence = Presence::default();
        runs.iter().for_each(|&(present, count)| presence.extend(present, count));
        presence
    }

    #[test]
    fn a_part_of_what_is_missing_is_missing_with_it() {
        // Four rows; a structure in the second and third, a part of it in the third.
        let structure = Levels::of_rows(4).optional(&presence(&[(false, 1), (true, 2)]));
        assert_eq!(structure.definitions, [(0, 1), (1, 2), (0, 1)]);
        let part = structure.optional(&presence(&[(false, 1), (true, 1)]));
        assert_eq!(part.definitions, [(0, 1), (1, 1), (2, 1), (0, 1)]);
        assert_eq!((part.entries, part.full), (4, 2));
    }

    #[test]
    fn a_list_says_where_it_begins_and_an_empty_one_that_it_is_there() {
        // No list, a list of three, an empty one, a list of one.
        let lists = Levels::of_rows(4).optional(&presence(&[(false, 1), (true, 3)]));
        let items = lists.items(&[3, 0, 1]);
        assert_eq!(items.repetitions, [0, 0, 1, 1, 0, 0]);
        assert_eq!(items.definitions, [(0, 1), (2, 3), (1, 1), (2, 1)]);
        // A list in each item: of two, none, one, one.
        let inner = items.items(&[2, 0, 1, 1]);
        assert_eq!(inner.repetitions, [0, 0, 2, 1, 1, 0, 0]);
        assert_eq!(inner.definitions, [(0, 1), (3, 2), (2, 1), (3, 1), (1, 1), (3, 1)]);
    }

    #[test]
    fn nothing_there_at_all_is_seen() {
        assert!(Levels::of_rows(3).optional(&Presence::default()).is_void());
        assert!(!Levels::of_rows(3).is_void());
        assert!(!Levels::of_rows(3).optional(&presence(&[(true, 1)])).is_void());
    }
}
