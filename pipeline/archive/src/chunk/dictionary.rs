//! Values of which many are the same: each distinct one once, and its place for each value.

use std::collections::HashMap;
use std::hash::Hash;

use parquet::basic::Encoding;
use rustc_hash::FxBuildHasher;

use super::encode::{Hybrid, width_of};

/// A dictionary may grow to this: the keys of all matches of a year.
const BYTES_MAX: usize = 4 << 20;
/// A page of fewer values does not tell whether a dictionary is of use. It is not where more than
/// half of a page's values are new.
const JUDGED_MIN: usize = 64;

/// A value that a dictionary can hold.
pub(crate) trait Word {
    /// How it is kept to be found again.
    type Kept: Eq + Hash;
    /// The place of the value, where it is there.
    fn find(&self, places: &Places<Self>) -> Option<u32>;
    /// The value to be kept.
    fn keep(&self) -> Self::Kept;
    /// Appends the value as Parquet writes it plainly.
    fn write(&self, out: &mut Vec<u8>);
    /// The place of the value before it, where that is quickly seen to be the same.
    fn as_before(&self, _before: Option<u32>, _distinct: &Distinct) -> Option<u32> {
        None
    }
}

/// Where each value stands.
pub(crate) type Places<W> = HashMap<<W as Word>::Kept, u32, FxBuildHasher>;

impl Word for str {
    type Kept = Box<str>;

    fn find(&self, places: &Places<Self>) -> Option<u32> {
        places.get(self).copied()
    }

    fn keep(&self) -> Box<str> {
        self.into()
    }

    fn write(&self, out: &mut Vec<u8>) {
        // A text of 4 GiB does not fit into an event.
        out.extend_from_slice(&(self.len() as u32).to_le_bytes());
        out.extend_from_slice(self.as_bytes());
    }

    fn as_before(&self, before: Option<u32>, distinct: &Distinct) -> Option<u32> {
        before.filter(|&place| distinct.value(place)[4..] == *self.as_bytes())
    }
}

macro_rules! number {
    ($($number:ty)*) => {
        $(impl Word for $number {
            type Kept = Self;

            fn find(&self, places: &Places<Self>) -> Option<u32> {
                places.get(self).copied()
            }

            fn keep(&self) -> Self {
                *self
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        })*
    };
}
number! { u32 u64 }

/// The values of one column, each page of them by their places while that is of use; once it was
/// not, plainly to the end of the chunk.
pub(crate) struct Dictionary<W: Word + ?Sized> {
    places: Places<W>,
    distinct: Distinct,
    /// How many of the distinct values the pages before this one have.
    settled: usize,
    /// The places of the page's values, while it is of use.
    page: Vec<u32>,
    /// The page's values and their number, since it was given up.
    plain: Option<(Vec<u8>, usize)>,
}

/// The distinct values in the order in which they came, written plainly.
#[derive(Default)]
pub(crate) struct Distinct {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Distinct {
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of the first so many.
    fn bytes_of(&self, len: usize) -> usize {
        len.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    fn value(&self, place: u32) -> &[u8] {
        let place = place as usize;
        &self.bytes[self.bytes_of(place)..self.ends[place]]
    }

    fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.bytes_of(len));
        self.ends.truncate(len);
    }
}

impl<W: Word + ?Sized> Default for Dictionary<W> {
    fn default() -> Self {
        Self {
            places: HashMap::default(),
            distinct: Distinct::default(),
            settled: 0,
            page: Vec::new(),
            plain: None,
        }
    }
}

impl<W: Word + ?Sized> Dictionary<W> {
    /// Appends a value so many times.
    pub(crate) fn push(&mut self, value: &W, times: usize) {
        if let Some((bytes, count)) = &mut self.plain {
            (0..times).for_each(|_| value.write(bytes));
            *count += times;
            return;
        }
        let place = value.as_before(self.page.last().copied(), &self.distinct);
        let place = place.or_else(|| value.find(&self.places));
        let place = place.unwrap_or_else(|| self.add(value));
        self.page.extend(std::iter::repeat_n(place, times));
    }

    fn add(&mut self, value: &W) -> u32 {
        // Fewer than 2^32 values fit into its bytes.
        let place = self.distinct.len() as u32;
        value.write(&mut self.distinct.bytes);
        self.distinct.ends.push(self.distinct.bytes.len());
        self.places.insert(value.keep(), place);
        place
    }

    /// How many values wait for a page.
    pub(super) fn waiting(&self) -> usize {
        self.plain.as_ref().map_or(self.page.len(), |(_, count)| *count)
    }

    /// Appends what waits, as a data page has it.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> Encoding {
        if let Some((bytes, count)) = &mut self.plain {
            out.append(bytes);
            *count = 0;
            return Encoding::PLAIN;
        }
        // There may never be a dictionary to look into.
        if self.page.is_empty() {
            return Encoding::PLAIN;
        }
        let width = width_of(self.distinct.len().saturating_sub(1) as u32);
        let added = self.distinct.len() - self.settled;
        let of_use = self.page.len() < JUDGED_MIN || 2 * added <= self.page.len();
        let encoding = if !of_use || self.distinct.bytes.len() > BYTES_MAX {
            self.page.iter().for_each(|&place| out.extend_from_slice(self.distinct.value(place)));
            self.distinct.truncate(self.settled);
            self.places.clear();
            self.plain = Some((Vec::new(), 0));
            Encoding::PLAIN
        } else {
            self.settled = self.distinct.len();
            out.push(width as u8);
            let mut hybrid = Hybrid::new(width, std::mem::take(out));
            hybrid.all(&self.page);
            *out = hybrid.finish();
            Encoding::RLE_DICTIONARY
        };
        self.page.clear();
        encoding
    }

    /// The distinct values of all pages that are written by it, as the dictionary's page has
    /// them, and their number; none where it is of no use.
    pub(super) fn distinct(&self) -> Option<(&[u8], usize)> {
        let count = self.distinct.len();
        (count > 0).then_some((&self.distinct.bytes, count))
    }

    /// Forgets all; the next chunk begins.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.distinct.truncate(0);
        self.settled = 0;
        self.page.clear();
        self.plain = None;
    }
}

impl Dictionary<str> {
    /// The first and the last of the texts, where all are in the dictionary.
    pub(super) fn bounds(&self) -> Option<(&[u8], &[u8])> {
        if self.plain.is_some() {
            return None;
        }
        // Behind its length.
        let texts =
            || (0..self.distinct.len()).map(|place| &self.distinct.value(place as u32)[4..]);
        Some((texts().min()?, texts().max()?))
    }
}
