//! Parquet's encodings of numbers, as <https://parquet.apache.org/docs/file-format/data-pages/encodings/>
//! describes them.

/// Numbers of a few bits as runs and as packed groups of eight, whichever a stretch asks for
/// (`RLE`, and the places of `RLE_DICTIONARY`).
pub(super) struct Hybrid {
    width: u32,
    out: Vec<u8>,
    /// Numbers that are not yet written as packed groups.
    packed: Packer,
    /// How many.
    waiting: usize,
}

/// Values that are packed together.
const GROUP: usize = 8;

impl Hybrid {
    /// Numbers below 2 to the power of `width`, about so many, behind what `out` holds already.
    pub(super) fn new(width: u32, count: usize, out: Vec<u8>) -> Self {
        let bytes = Vec::with_capacity((count * width as usize).div_ceil(8));
        Self { width, out, packed: Packer { bytes, ..Packer::default() }, waiting: 0 }
    }

    /// Appends a number so many times.
    pub(super) fn run(&mut self, value: u32, count: usize) {
        if count < GROUP {
            self.pack(value, count);
            return;
        }
        let fill = count.min(self.waiting.next_multiple_of(GROUP) - self.waiting);
        let rest = count - fill;
        if rest < GROUP {
            self.pack(value, count);
            return;
        }
        self.pack(value, fill);
        self.write_packed();
        varint((rest as u64) << 1, &mut self.out);
        let bytes = self.width.div_ceil(8) as usize;
        self.out.extend_from_slice(&value.to_le_bytes()[..bytes]);
    }

    fn pack(&mut self, value: u32, count: usize) {
        self.packed.repeat(value.into(), self.width, count);
        self.waiting += count;
    }

    /// Appends numbers, in which runs are looked for.
    pub(super) fn all<N: Copy + PartialEq + Into<u32>>(&mut self, values: &[N]) {
        let mut rest = values;
        while let Some(&first) = rest.first() {
            // Most often a group of eight stands for itself.
            if let Some((group, behind)) = rest.split_first_chunk::<GROUP>()
                && self.waiting.is_multiple_of(GROUP)
                && group.iter().any(|&value| value != first)
            {
                self.packed.group(group, self.width);
                self.waiting += GROUP;
                rest = behind;
                continue;
            }
            let run = rest.iter().take_while(|&&value| value == first).count();
            self.run(first.into(), run);
            rest = &rest[run..];
        }
    }

    fn write_packed(&mut self) {
        if self.waiting == 0 {
            return;
        }
        let groups = self.waiting.div_ceil(GROUP);
        // Zeros fill the last group up, and end it with a byte.
        self.pack(0, groups * GROUP - self.waiting);
        varint((groups as u64) << 1 | 1, &mut self.out);
        self.packed.end(&mut self.out);
        self.waiting = 0;
    }

    /// All that was appended.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.write_packed();
        self.out
    }
}

/// Numbers bit behind bit, the lowest first.
#[derive(Default)]
struct Packer {
    bytes: Vec<u8>,
    /// Bits that make no four bytes yet.
    open: u64,
    /// How many, below 32.
    bits: u32,
}

/// The number one so often as four bytes hold it, by its width.
const ONCE_EACH: [u64; 33] = {
    let mut all = [0; 33];
    let mut width = 1;
    while width < all.len() {
        let mut at = 0;
        while at + width <= 32 {
            all[width] |= 1 << at;
            at += width;
        }
        width += 1;
    }
    all
};

/// How many numbers four bytes hold, by their width.
const IN_FOUR_BYTES: [usize; 33] = {
    let mut all = [0; 33];
    let mut width = 1;
    while width < all.len() {
        all[width] = 32 / width;
        width += 1;
    }
    all
};

impl Packer {
    /// Appends a number below 2 to the power of `width`, which is 32 at most.
    fn push(&mut self, value: u64, width: u32) {
        self.open |= value << self.bits;
        self.bits += width;
        if self.bits >= u32::BITS {
            self.bytes.extend_from_slice(&(self.open as u32).to_le_bytes());
            self.open >>= u32::BITS;
            self.bits -= u32::BITS;
        }
    }

    /// Appends a group of numbers, which takes as many whole bytes as a number has bits, where no
    /// byte is begun.
    fn group<N: Copy + Into<u32>>(&mut self, group: &[N; GROUP], width: u32) {
        debug_assert!(self.bits.is_multiple_of(8), "{} bits are begun", self.bits);
        self.end_bytes();
        let half = |half: &[N]| {
            let at = (0..).step_by(width as usize).zip(half);
            at.fold(0_u64, |bits, (at, &number)| bits | u64::from(number.into()) << at)
        };
        let (low, high) = group.split_at(GROUP / 2);
        let end = self.bytes.len() + width as usize;
        match width {
            1..=8 => {
                let all = half(low) | half(high) << (4 * width);
                self.bytes.extend_from_slice(&all.to_le_bytes());
                self.bytes.truncate(end);
            }
            9..=16 => {
                let all = u128::from(half(low)) | u128::from(half(high)) << (4 * width);
                self.bytes.extend_from_slice(&all.to_le_bytes());
                self.bytes.truncate(end);
            }
            _ => group.iter().for_each(|&number| self.push(u64::from(number.into()), width)),
        }
    }

    /// Appends a number so many times, as many at once as four bytes hold.
    fn repeat(&mut self, value: u64, width: u32, mut count: usize) {
        while count > 0 && width > 0 {
            let at_once = count.min(IN_FOUR_BYTES[width as usize]);
            let bits = width * at_once as u32;
            let all = (value * ONCE_EACH[width as usize]) & (u64::MAX >> (u64::BITS - bits));
            self.push(all, bits);
            count -= at_once;
        }
    }

    /// Ends the bytes that are begun; zeros fill the last one up.
    fn end_bytes(&mut self) {
        if self.bits > 0 {
            let bytes = self.open.to_le_bytes();
            self.bytes.extend_from_slice(&bytes[..self.bits.div_ceil(8) as usize]);
            (self.open, self.bits) = (0, 0);
        }
    }

    /// Appends all of it to `out`; zeros fill the last byte up.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.end_bytes();
        out.append(&mut self.bytes);
    }
}

/// How many bits a number takes.
pub(super) fn width_of(value: u32) -> u32 {
    u32::BITS - value.leading_zeros()
}

/// Numbers below 2 to the power of `width` (at most 64), bit behind bit, the lowest first. The
/// last byte is filled up with zeros.
pub(super) fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let mut packer = Packer::default();
    for value in values {
        let (low, high) = (width.min(u32::BITS), width.saturating_sub(u32::BITS));
        packer.push(value & (u64::MAX >> (u64::BITS - low.max(1))), low);
        if high > 0 {
            packer.push(value >> u32::BITS, high);
        }
    }
    packer.end(out);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follows.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Steps that share a smallest one.
const BLOCK: usize = 128;
/// Parts of a block that each have a width.
const PARTS: usize = 4;

/// Small numbers of either sign as small ones without.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Numbers that begin with one and go on by equal steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rise {
    pub(super) from: i64,
    pub(super) by: i64,
    pub(super) count: usize,
}

impl Rise {
    pub(super) fn last(self) -> i64 {
        // A page has far fewer numbers than 2^63.
        self.from.wrapping_add(self.by.wrapping_mul(self.count as i64 - 1))
    }
}

/// Numbers by the steps between them (`DELTA_BINARY_PACKED`). Numbers that rise evenly take
/// next to nothing.
pub(super) fn steps(rises: &[Rise], out: &mut Vec<u8>) {
    let count: usize = rises.iter().map(|rise| rise.count).sum();
    varint(BLOCK as u64, out);
    varint(PARTS as u64, out);
    varint(count as u64, out);
    let Some(first) = rises.first() else {
        varint(0, out);
        return;
    };
    varint(zigzag(first.from), out);
    let mut block = Block::default();
    let mut last = first.from;
    for (index, rise) in rises.iter().enumerate() {
        if index > 0 {
            block.add(rise.from.wrapping_sub(last), 1, out);
        }
        block.add(rise.by, rise.count - 1, out);
        last = rise.last();
    }
    block.end(out);
}

/// Steps that share a smallest one.
struct Block {
    steps: [i64; BLOCK],
    len: usize,
}

impl Default for Block {
    fn default() -> Self {
        Self { steps: [0; BLOCK], len: 0 }
    }
}

impl Block {
    /// Appends a step so many times.
    fn add(&mut self, step: i64, mut count: usize, out: &mut Vec<u8>) {
        while count > 0 {
            if self.len == 0 && count >= BLOCK {
                // As `end` writes steps that are all the same.
                varint(zigzag(step), out);
                out.extend([0; PARTS]);
                count -= BLOCK;
                continue;
            }
            let taken = count.min(BLOCK - self.len);
            self.steps[self.len..][..taken].fill(step);
            self.len += taken;
            count -= taken;
            if self.len == BLOCK {
                self.end(out);
            }
        }
    }

    /// Writes the steps, if there are any: the smallest, and of each what it is above that, in
    /// parts that each have a width.
    fn end(&mut self, out: &mut Vec<u8>) {
        let steps = &self.steps[..std::mem::take(&mut self.len)];
        let Some(&smallest) = steps.iter().min() else { return };
        varint(zigzag(smallest), out);
        let above = |step: &i64| step.wrapping_sub(smallest) as u64;
        let part = BLOCK / PARTS;
        let widths: [u32; PARTS] = std::array::from_fn(|index| {
            let steps = steps.iter().skip(index * part).take(part);
            u64::BITS - steps.fold(0, |bits, step| bits | above(step)).leading_zeros()
        });
        out.extend(widths.map(|width| width as u8));
        for (steps, width) in steps.chunks(part).zip(widths) {
            if width == 0 {
                continue;
            }
            // A part is whole, also where the numbers end within it.
            let zeros = std::iter::repeat_n(0, part - steps.len());
            pack(steps.iter().map(above).chain(zeros), width, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// So many numbers as a reader takes them out of runs and packed groups.
    fn unpacked(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let (&byte, rest) = bytes.split_first().unwrap();
                bytes = rest;
                header |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            let (times, is_packed) = ((header >> 1) as usize, header & 1 == 1);
            let taken = if is_packed { times * width as usize } else { width.div_ceil(8) as usize };
            let (part, rest) = bytes.split_at(taken);
            bytes = rest;
            let bit = |at: usize| u32::from(part[at / 8] >> (at % 8) & 1);
            let number = |from: usize| {
                (0..width).fold(0, |number, place| number | bit(from + place as usize) << place)
            };
            if is_packed {
                numbers.extend((0..times * GROUP).map(|at| number(at * width as usize)));
            } else {
                numbers.extend(std::iter::repeat_n(number(0), times));
            }
        }
        assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
        numbers.truncate(count);
        numbers
    }

    #[test]
    fn the_examples_of_the_format_are_packed_as_it_says() {
        // "The numbers 1 through 7 using bit width 3": 10001000 11000110 11111010, and 0 first.
        let mut out = Vec::new();
        pack(0..8, 3, &mut out);
        assert_eq!(out, [0b1000_1000, 0b1100_0110, 0b1111_1010]);
        let mut out = Vec::new();
        varint(300, &mut out);
        assert_eq!(out, [0xac, 0x02]);
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }

    #[test]
    fn a_long_run_takes_a_few_bytes_and_what_changes_is_packed() {
        let mut hybrid = Hybrid::new(3, 8, Vec::new());
        hybrid.all(&[0_u32, 1, 2, 3, 4, 5, 6, 7]);
        hybrid.run(5, 1000);
        assert_eq!(hybrid.finish(), [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010, 0xd0, 0x0f, 5]);
    }

    #[test]
    fn numbers_that_rise_evenly_take_next_to_nothing() {
        // The first example of the format: 1, 2, 3, 4, 5.
        let mut out = Vec::new();
        steps(&[Rise { from: 1, by: 1, count: 5 }], &mut out);
        assert_eq!(out, [0x80, 0x01, 4, 5, 2, 2, 0, 0, 0, 0]);
    }

    #[test]
    fn a_width_of_64_and_none_at_all_are_packed() {
        let mut out = Vec::new();
        pack([u64::MAX, 1].into_iter(), 64, &mut out);
        pack([0, 0].into_iter(), 0, &mut out);
        assert_eq!(out, [[0xff; 8], [1, 0, 0, 0, 0, 0, 0, 0]].concat());
    }

    proptest! {
        #[test]
        fn numbers_of_any_width_are_read_back(
            width in 0_u32..=32,
            runs in vec((any::<u32>(), prop_oneof![3 => 1_usize..3, 1 => 1_usize..40]), 1..80),
            at_once in 0_usize..80,
        ) {
            let below = 1_u64 << width;
            let runs = runs.into_iter().map(|(n, times)| ((u64::from(n) % below) as u32, times));
            let runs: Vec<(u32, usize)> = runs.collect();
            let of_run = |&(number, times): &(u32, usize)| std::iter::repeat_n(number, times);
            let numbers = |runs: &[(u32, usize)]| runs.iter().flat_map(of_run).collect::<Vec<_>>();
            let (first, rest) = runs.split_at(at_once.min(runs.len()));

            let mut hybrid = Hybrid::new(width, 0, Vec::new());
            hybrid.all(&numbers(first));
            rest.iter().for_each(|&(number, times)| hybrid.run(number, times));
            let all = numbers(&runs);
            prop_assert_eq!(unpacked(&hybrid.finish(), width, all.len()), all);
        }
    }
}
