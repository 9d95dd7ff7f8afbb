//! Parquet's encodings of numbers, as <https://parquet.apache.org/docs/file-format/data-pages/encodings/>
//! describes them.

/// Numbers of a few bits as runs and as packed groups of eight, whichever a stretch asks for
/// (`RLE`, and the places of `RLE_DICTIONARY`).
pub(super) struct Hybrid {
    width: u32,
    out: Vec<u8>,
    /// Whole groups of eight but for the last, not yet written.
    packed: Vec<u32>,
}

/// Values that are packed together.
const GROUP: usize = 8;

impl Hybrid {
    /// Numbers below 2 to the power of `width`, behind what `out` holds already.
    pub(super) fn new(width: u32, out: Vec<u8>) -> Self {
        Self { width, out, packed: Vec::new() }
    }

    /// Appends a number so many times.
    pub(super) fn run(&mut self, value: u32, count: usize) {
        let open = self.packed.len() % GROUP;
        let fill = if open == 0 { 0 } else { count.min(GROUP - open) };
        self.packed.extend(std::iter::repeat_n(value, fill));
        let rest = count - fill;
        if rest < GROUP {
            self.packed.extend(std::iter::repeat_n(value, rest));
            return;
        }
        self.write_packed();
        varint((rest as u64) << 1, &mut self.out);
        let bytes = self.width.div_ceil(8) as usize;
        self.out.extend_from_slice(&value.to_le_bytes()[..bytes]);
    }

    /// Appends numbers, in which runs are looked for.
    pub(super) fn all(&mut self, values: &[u32]) {
        let mut rest = values;
        while let Some(&first) = rest.first() {
            // Most often a group of eight stands for itself.
            if let Some((group, behind)) = rest.split_first_chunk::<GROUP>()
                && self.packed.len().is_multiple_of(GROUP)
                && group.iter().any(|&value| value != first)
            {
                self.packed.extend_from_slice(group);
                rest = behind;
                continue;
            }
            let run = rest.iter().take_while(|&&value| value == first).count();
            self.run(first, run);
            rest = &rest[run..];
        }
    }

    fn write_packed(&mut self) {
        if self.packed.is_empty() {
            return;
        }
        self.packed.resize(self.packed.len().next_multiple_of(GROUP), 0);
        let groups = (self.packed.len() / GROUP) as u64;
        varint(groups << 1 | 1, &mut self.out);
        let width = self.width as usize;
        self.out.reserve(self.packed.len() / GROUP * width);
        for group in self.packed.chunks_exact(GROUP) {
            // Eight of up to 16 bits fit into one number.
            if self.width <= 16 {
                let bits = group
                    .iter()
                    .rev()
                    .fold(0, |bits: u128, &value| bits << self.width | u128::from(value));
                self.out.extend_from_slice(&bits.to_le_bytes()[..width]);
            } else {
                pack(group.iter().map(|&value| u64::from(value)), self.width, &mut self.out);
            }
        }
        self.packed.clear();
    }

    /// All that was appended.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.write_packed();
        self.out
    }
}

/// How many bits a number takes.
pub(super) fn width_of(value: u32) -> u32 {
    u32::BITS - value.leading_zeros()
}

/// Numbers below 2 to the power of `width` (at most 64), bit behind bit, the lowest first. The
/// last byte is filled up with zeros.
pub(super) fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    // Fewer than 64 bits wait in it, so a value of 64 fits beside them.
    let (mut waiting, mut bits) = (0_u128, 0);
    for value in values {
        waiting |= u128::from(value) << bits;
        bits += width;
        if bits >= u64::BITS {
            out.extend_from_slice(&(waiting as u64).to_le_bytes());
            waiting >>= u64::BITS;
            bits -= u64::BITS;
        }
    }
    out.extend_from_slice(&waiting.to_le_bytes()[..bits.div_ceil(8) as usize]);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follows.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small numbers of either sign as small ones without.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Steps that share a smallest one.
const BLOCK: usize = 128;
/// Parts of a block that each have a width.
const PARTS: usize = 4;

/// Numbers by the steps between them (`DELTA_BINARY_PACKED`). Numbers that rise evenly take
/// next to nothing.
pub(super) fn steps(values: &[i64], out: &mut Vec<u8>) {
    varint(BLOCK as u64, out);
    varint(PARTS as u64, out);
    varint(values.len() as u64, out);
    let Some(first) = values.first() else {
        varint(0, out);
        return;
    };
    varint(zigzag(*first), out);
    let mut steps = [0_u64; BLOCK];
    let mut last = *first;
    for block in values[1..].chunks(BLOCK) {
        let mut smallest = i64::MAX;
        for (step, &value) in steps.iter_mut().zip(block) {
            let by = value.wrapping_sub(last);
            smallest = smallest.min(by);
            *step = by as u64;
            last = value;
        }
        varint(zigzag(smallest), out);
        let steps = &mut steps[..block.len()];
        steps.iter_mut().for_each(|step| *step = step.wrapping_sub(smallest as u64));
        let part = BLOCK / PARTS;
        let widths: [u32; PARTS] = std::array::from_fn(|index| {
            let steps = steps.iter().skip(index * part).take(part);
            steps.fold(0, |bits, &step| bits | step).checked_ilog2().map_or(0, |log| log + 1)
        });
        out.extend(widths.map(|width| width as u8));
        for (steps, width) in steps.chunks(part).zip(widths) {
            // A part is whole, also where the numbers end within it.
            let zeros = std::iter::repeat_n(0, part - steps.len());
            pack(steps.iter().copied().chain(zeros), width, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut hybrid = Hybrid::new(3, Vec::new());
        hybrid.all(&[0, 1, 2, 3, 4, 5, 6, 7]);
        hybrid.run(5, 1000);
        assert_eq!(hybrid.finish(), [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010, 0xd0, 0x0f, 5]);
    }

    #[test]
    fn numbers_that_rise_evenly_take_next_to_nothing() {
        // The first example of the format: 1, 2, 3, 4, 5.
        let mut out = Vec::new();
        steps(&[1, 2, 3, 4, 5], &mut out);
        assert_eq!(out, [0x80, 0x01, 4, 5, 2, 2, 0, 0, 0, 0]);
    }

    #[test]
    fn a_width_of_64_and_none_at_all_are_packed() {
        let mut out = Vec::new();
        pack([u64::MAX, 1].into_iter(), 64, &mut out);
        pack([0, 0].into_iter(), 0, &mut out);
        assert_eq!(out, [[0xff; 8], [1, 0, 0, 0, 0, 0, 0, 0]].concat());
    }
}
