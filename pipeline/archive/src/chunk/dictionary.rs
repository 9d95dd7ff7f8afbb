//! Values of which many are the same: each distinct one once, and its place for each value.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;
use parquet::basic::Encoding;
use rustc_hash::FxBuildHasher;

use super::encode::{Hybrid, width_of};

/// A dictionary may grow to this: the keys of all matches of a year.
const BYTES_MAX: usize = 4 << 20;
/// A page of fewer values does not tell whether a dictionary is of use. It is not where more than
/// half of a page's values are new.
const JUDGED_MIN: usize = 64;
/// So many bits of a value's hash are looked at to find it as the last one that had these: of few
/// values few.
const LATELY_BITS: std::ops::RangeInclusive<u32> = 6..=12;

/// Distinct values in the order in which they came, as Parquet writes them plainly.
pub(crate) trait Distinct: Default {
    /// One of them.
    type Value: ?Sized;
    /// Whether a value is often the one before it, or the one that came behind that before.
    const COURSE: bool;

    fn len(&self) -> usize;
    fn add(&mut self, value: &Self::Value);
    fn truncate(&mut self, len: usize);
    /// Whether the value at this place is that one.
    fn is(&self, place: u32, value: &Self::Value) -> bool;
    fn hash(value: &Self::Value) -> u64;
    fn hash_at(&self, place: u32) -> u64;
    /// All of them.
    fn bytes(&self) -> &[u8];
    fn bytes_at(&self, place: u32) -> &[u8];
    /// Appends a value as it would be written here.
    fn write(value: &Self::Value, out: &mut Vec<u8>);
}

/// Numbers of so many bytes, the lowest first.
#[derive(Default)]
pub(crate) struct Numbers<const BYTES: usize>(Vec<[u8; BYTES]>);

impl<const BYTES: usize> Distinct for Numbers<BYTES> {
    type Value = [u8; BYTES];
    const COURSE: bool = false;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn add(&mut self, value: &[u8; BYTES]) {
        self.0.push(*value);
    }

    fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    fn is(&self, place: u32, value: &[u8; BYTES]) -> bool {
        self.0[place as usize] == *value
    }

    fn hash(value: &[u8; BYTES]) -> u64 {
        let mut number = [0; 8];
        number[..BYTES].copy_from_slice(value);
        let number = u64::from_le_bytes(number);
        // Of odds such as 2.5 the upper bits alone tell, and a product carries bits upwards only:
        // they are brought down before it, and down again behind it (Fibonacci hashing: Knuth,
        // "The art of computer programming", volume 3, section 6.4).
        let hash = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^ (hash >> 32)
    }

    fn hash_at(&self, place: u32) -> u64 {
        Self::hash(&self.0[place as usize])
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_flattened()
    }

    fn bytes_at(&self, place: u32) -> &[u8] {
        &self.0[place as usize]
    }

    fn write(value: &[u8; BYTES], out: &mut Vec<u8>) {
        out.extend_from_slice(value);
    }
}

/// Texts, each behind its length.
#[derive(Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Bytes of a text's length.
const LENGTH: usize = 4;

impl Distinct for Texts {
    type Value = str;
    const COURSE: bool = true;

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn add(&mut self, value: &str) {
        Self::write(value, &mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.bytes.truncate(self.ends.last().copied().unwrap_or_default());
    }

    fn is(&self, place: u32, value: &str) -> bool {
        is_same(self.text_at(place), value.as_bytes())
    }

    fn hash(value: &str) -> u64 {
        FxBuildHasher.hash_one(value.as_bytes())
    }

    fn hash_at(&self, place: u32) -> u64 {
        FxBuildHasher.hash_one(self.text_at(place))
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_at(&self, place: u32) -> &[u8] {
        let place = place as usize;
        let from = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[from..self.ends[place]]
    }

    fn write(value: &str, out: &mut Vec<u8>) {
        // A text of 4 GiB does not fit into an event.
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(value.as_bytes());
    }
}

/// Whether two texts are the same: names, which are short, by both of their ends, without a call.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        Some((text.first_chunk()?, text.last_chunk()?))
    }
    a.len() == b.len()
        && match a.len() {
            2..4 => ends::<2>(a) == ends::<2>(b),
            4..8 => ends::<4>(a) == ends::<4>(b),
            8..=16 => ends::<8>(a) == ends::<8>(b),
            _ => a == b,
        }
}

impl Texts {
    fn text_at(&self, place: u32) -> &[u8] {
        &self.bytes_at(place)[LENGTH..]
    }
}

/// The values of one column, each page of them by their places while that is of use; once it was
/// not, plainly to the end of the chunk.
pub(crate) struct Dictionary<D> {
    distinct: D,
    /// The places of the distinct values.
    places: HashTable<u32>,
    lately: Lately,
    /// The place of what came behind each distinct value last, where values come in a course:
    /// books in their order, and matches in theirs.
    behind: Vec<u32>,
    /// How many of the distinct values the pages before this one have.
    settled: usize,
    /// The places of the page's values, while it is of use.
    page: Vec<u32>,
    /// The page's values and their number, since it was given up.
    plain: Option<(Vec<u8>, usize)>,
}

/// The place of the last value whose hash began in each way: where most are found, at a third of
/// the time.
struct Lately {
    places: Vec<u32>,
    bits: u32,
}

impl Lately {
    fn of(bits: u32) -> Self {
        Self { places: vec![0; 1 << bits], bits }
    }

    fn place(&mut self, hash: u64) -> &mut u32 {
        &mut self.places[(hash >> (u64::BITS - self.bits)) as usize]
    }

    /// Makes room for so many distinct values; what was found lately is looked for once more.
    fn grow(&mut self, distinct: usize) {
        if distinct > self.places.len() && self.bits < *LATELY_BITS.end() {
            *self = Self::of(self.bits + 1);
        }
    }
}

impl<D: Distinct> Default for Dictionary<D> {
    fn default() -> Self {
        Self {
            distinct: D::default(),
            places: HashTable::new(),
            lately: Lately::of(*LATELY_BITS.start()),
            behind: Vec::new(),
            settled: 0,
            page: Vec::new(),
            plain: None,
        }
    }
}

impl<D: Distinct> Dictionary<D> {
    /// Appends a value so many times.
    pub(crate) fn push(&mut self, value: &D::Value, times: usize) {
        if let Some((bytes, count)) = &mut self.plain {
            (0..times).for_each(|_| D::write(value, bytes));
            *count += times;
            return;
        }
        let place = match self.page.last() {
            Some(&last) if D::COURSE => self.place_behind(last, value),
            _ => self.place_of(value),
        };
        self.page.extend(std::iter::repeat_n(place, times));
    }

    /// The place of a value that comes behind the one at this place.
    fn place_behind(&mut self, last: u32, value: &D::Value) -> u32 {
        if self.distinct.is(last, value) {
            return last;
        }
        let behind = self.behind.get(last as usize).copied().unwrap_or_default();
        if self.distinct.is(behind, value) {
            return behind;
        }
        let place = self.place_of(value);
        self.behind.resize(self.distinct.len(), 0);
        self.behind[last as usize] = place;
        place
    }

    fn place_of(&mut self, value: &D::Value) -> u32 {
        let (hash, distinct) = (D::hash(value), &mut self.distinct);
        let lately = self.lately.place(hash);
        if (*lately as usize) < distinct.len() && distinct.is(*lately, value) {
            return *lately;
        }
        if let Some(&found) = self.places.find(hash, |&place| distinct.is(place, value)) {
            *lately = found;
            return found;
        }
        // Fewer than 2^32 values fit into its bytes.
        let place = distinct.len() as u32;
        distinct.add(value);
        self.places.insert_unique(hash, place, |&place| distinct.hash_at(place));
        self.lately.grow(distinct.len());
        *self.lately.place(hash) = place;
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
        let encoding = if !of_use || self.distinct.bytes().len() > BYTES_MAX {
            self.page
                .iter()
                .for_each(|&place| out.extend_from_slice(self.distinct.bytes_at(place)));
            self.distinct.truncate(self.settled);
            self.places.clear();
            self.plain = Some((Vec::new(), 0));
            Encoding::PLAIN
        } else {
            self.settled = self.distinct.len();
            out.push(width as u8);
            let mut hybrid = Hybrid::new(width, self.page.len(), std::mem::take(out));
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
        (count > 0).then_some((self.distinct.bytes(), count))
    }

    /// Forgets all; the next chunk begins.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.behind.clear();
        self.distinct.truncate(0);
        self.settled = 0;
        self.page.clear();
        self.plain = None;
    }
}

impl Dictionary<Texts> {
    /// The first and the last of the texts, where all are in the dictionary.
    pub(super) fn bounds(&self) -> Option<(&[u8], &[u8])> {
        if self.plain.is_some() {
            return None;
        }
        let texts = || (0..self.distinct.len() as u32).map(|place| self.distinct.text_at(place));
        Some((texts().min()?, texts().max()?))
    }
}
