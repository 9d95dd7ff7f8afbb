//! The values of a column, page by page.

use parquet::basic::Encoding;
use parquet::data_type::ByteArray;
use parquet::file::statistics::Statistics;

use super::dictionary::{Dictionary, Numbers, Texts};
use super::encode::{Rise, pack, steps};

/// The values of one column.
pub(crate) enum Values {
    /// Booleans.
    Flags(Vec<bool>),
    /// Numbers that rise from row to row.
    Steps(Steps),
    /// Numbers of 32 bits, by their bits.
    Narrow(Dictionary<Numbers<4>>),
    /// Numbers of 64 bits, by their bits.
    Wide(Dictionary<Numbers<8>>),
    /// Texts.
    Texts(Dictionary<Texts>),
}

/// Numbers that rise from row to row, kept as the steps between them.
#[derive(Default)]
pub(crate) struct Steps {
    page: Vec<Rise>,
    /// The least and the greatest of the chunk.
    bounds: Option<(i64, i64)>,
}

impl Steps {
    /// Appends so many numbers: this one, and each of the others by so much above the one before.
    pub(crate) fn push(&mut self, from: i64, by: i64, count: usize) {
        match self.page.last_mut() {
            Some(last) if last.by == by && last.last().wrapping_add(by) == from => {
                last.count += count;
            }
            _ if count == 0 => {}
            _ => self.page.push(Rise { from, by, count }),
        }
    }

    fn clear(&mut self) {
        self.page.clear();
        self.bounds = None;
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        for value in self.page.iter().flat_map(|rise| [rise.from, rise.last()]) {
            let (least, greatest) = self.bounds.unwrap_or((value, value));
            self.bounds = Some((least.min(value), greatest.max(value)));
        }
        steps(&self.page, out);
        self.page.clear();
    }
}

impl Values {
    /// How many wait for a page.
    pub(super) fn waiting(&self) -> usize {
        match self {
            Self::Flags(flags) => flags.len(),
            Self::Steps(steps) => steps.page.iter().map(|rise| rise.count).sum(),
            Self::Narrow(numbers) => numbers.waiting(),
            Self::Wide(numbers) => numbers.waiting(),
            Self::Texts(texts) => texts.waiting(),
        }
    }

    /// Appends what waits, as a data page has it.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> Encoding {
        match self {
            Self::Flags(flags) => {
                pack(flags.drain(..).map(u64::from), 1, out);
                Encoding::PLAIN
            }
            Self::Steps(steps) => {
                steps.write(out);
                Encoding::DELTA_BINARY_PACKED
            }
            Self::Narrow(numbers) => numbers.write(out),
            Self::Wide(numbers) => numbers.write(out),
            Self::Texts(texts) => texts.write(out),
        }
    }

    /// The dictionary of the chunk's pages, as its page has it, and how many values it holds.
    pub(super) fn distinct(&self) -> Option<(&[u8], usize)> {
        match self {
            Self::Flags(_) | Self::Steps(_) => None,
            Self::Narrow(numbers) => numbers.distinct(),
            Self::Wide(numbers) => numbers.distinct(),
            Self::Texts(texts) => texts.distinct(),
        }
    }

    /// The least and the greatest value of the chunk.
    pub(super) fn bounds(&self, nulls: u64) -> Option<Statistics> {
        let nulls = Some(nulls);
        match self {
            Self::Steps(steps) => {
                let (least, greatest) = steps.bounds?;
                Some(Statistics::int64(Some(least), Some(greatest), None, nulls, false))
            }
            Self::Texts(texts) => {
                let (first, last) = texts.bounds()?;
                let bytes = |text: &[u8]| Some(ByteArray::from(text.to_vec()));
                Some(Statistics::byte_array(bytes(first), bytes(last), None, nulls, false))
            }
            Self::Flags(_) | Self::Narrow(_) | Self::Wide(_) => None,
        }
    }

    /// Forgets all; the next chunk begins.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Flags(flags) => flags.clear(),
            Self::Steps(steps) => steps.clear(),
            Self::Narrow(numbers) => numbers.clear(),
            Self::Wide(numbers) => numbers.clear(),
            Self::Texts(texts) => texts.clear(),
        }
    }
}
