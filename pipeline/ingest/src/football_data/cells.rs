//! The cells of a row: splitting, text, numbers. On bytes, because the encoding varies.

use std::borrow::Cow;

/// Where a cell stands in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn of(self, line: &[u8]) -> &[u8] {
        &line[self.start as usize..self.end as usize]
    }
}

/// A quotation mark opens a cell and nothing closes it within the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenQuote {
    /// Which cell, from 0.
    pub(super) column: usize,
}

/// Splits a line at its commas. A cell in quotation marks may hold commas; the marks are left
/// out, and a doubled mark within stays doubled. No cell goes beyond its line.
///
/// The line must be shorter than 4 GiB, which the bound on lines makes sure.
pub(super) fn split(line: &[u8], cells: &mut Vec<Span>) -> Result<(), OpenQuote> {
    cells.clear();
    if split_plain(line, cells) {
        return Ok(());
    }
    cells.clear();
    let mut start = 0;
    loop {
        let rest = &line[start..];
        let (span, next) = if rest.first() == Some(&b'"') {
            let column = cells.len();
            let close = closing_quote(&rest[1..]).ok_or(OpenQuote { column })? + 1;
            // What stands between the closing mark and the next comma is dropped: blanks.
            let comma = rest[close..].iter().position(|&byte| byte == b',');
            ((start + 1, start + close), comma.map(|at| start + close + at))
        } else {
            let comma = rest.iter().position(|&byte| byte == b',').map(|at| start + at);
            ((start, comma.unwrap_or(line.len())), comma)
        };
        cells.push(Span { start: span.0 as u32, end: span.1 as u32 });
        match next {
            Some(comma) => start = comma + 1,
            None => return Ok(()),
        }
    }
}

/// One in each of eight bytes.
const EACH: u64 = u64::from_le_bytes([1; 8]);

/// The highest bit of each of eight bytes that is this one (Warren, "Hacker's delight", 6-1).
const fn are(bytes: u64, byte: u8) -> u64 {
    const LOW_BITS: u64 = 0x7f * EACH;
    let differs = bytes ^ (byte as u64 * EACH);
    !(((differs & LOW_BITS) + LOW_BITS) | differs | LOW_BITS)
}

/// Splits a line at its commas, eight bytes at a time; false where it holds a quotation mark.
fn split_plain(line: &[u8], cells: &mut Vec<Span>) -> bool {
    // The line is below 4 GiB: the casts are exact.
    let mut start = 0;
    let mut end_at = |comma: u32| {
        cells.push(Span { start, end: comma });
        start = comma + 1;
    };
    let (words, rest) = line.as_chunks::<8>();
    for (word, at) in words.iter().zip((0..).step_by(8)) {
        let bytes = u64::from_le_bytes(*word);
        if are(bytes, b'"') != 0 {
            return false;
        }
        let mut commas = are(bytes, b',');
        while commas != 0 {
            end_at(at + commas.trailing_zeros() / u8::BITS);
            commas &= commas - 1;
        }
    }
    for (&byte, at) in rest.iter().zip(8 * words.len() as u32..) {
        match byte {
            b'"' => return false,
            b',' => end_at(at),
            _ => {}
        }
    }
    end_at(line.len() as u32);
    true
}

/// The first mark that is not doubled.
fn closing_quote(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|&byte| byte == b'"')?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

/// The cell without the blanks around it, no-break spaces in either encoding included. For
/// numbers: within text the byte `A0` can be part of a letter.
pub(super) fn trimmed(mut cell: &[u8]) -> &[u8] {
    loop {
        cell = match cell {
            [first, rest @ ..] if is_blank(*first) => rest,
            [rest @ .., last] if is_blank(*last) => rest,
            [0xc2, 0xa0, rest @ ..] | [0xa0, rest @ ..] => rest,
            [rest @ .., 0xc2, 0xa0] | [rest @ .., 0xa0] => rest,
            _ => return cell,
        };
    }
}

/// The cell as text: UTF-8, or Windows-1252 where it is none. Blanks around it are left out,
/// no-break spaces within become spaces.
pub(super) fn text(cell: &[u8]) -> Cow<'_, str> {
    if cell.is_ascii() {
        let plain = str::from_utf8(cell).expect("ASCII is UTF-8");
        return Cow::Borrowed(plain.trim());
    }
    let decoded = match str::from_utf8(cell) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(cell).0,
    };
    Cow::Owned(decoded.replace('\u{a0}', " ").trim().to_owned())
}

/// Powers of ten that a float holds exactly.
const TENS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A plain decimal number: a sign, digits, a point, digits. None for anything else.
///
/// Up to fifteen digits the value is a quotient of two integers that a float holds exactly, and
/// so is rounded correctly (Clinger 1990, "How to read floating point numbers accurately", the
/// fast case); longer ones take the way of the standard library.
pub(super) fn decimal(cell: &[u8]) -> Option<f64> {
    let (negative, digits) = match cell {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, cell),
    };
    // Of more than fifteen digits it is not looked at.
    let mut mantissa = 0_u64;
    let mut point = None;
    for (at, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit.into());
        } else if byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 {
        return None;
    }
    if count > 15 {
        return str::from_utf8(cell).ok()?.parse().ok();
    }
    let decimals = point.map_or(0, |at| digits.len() - at - 1);
    // Below 10^15: the cast is exact.
    let value = mantissa as f64 / TENS[decimals];
    Some(if negative { -value } else { value })
}

/// As [`decimal`], of a cell of up to eight bytes without a sign or blanks, all of which are looked
/// at at once: this is how nearly every price is written. None for any other cell.
pub(super) fn short_decimal(line: &[u8], cell: Span) -> Option<f64> {
    let length = cell.end - cell.start;
    if !(1..=8).contains(&length) {
        return None;
    }
    // What stands behind the cell is shifted out; zeros come before it.
    let bytes = u64::from_le_bytes(*line.get(cell.start as usize..)?.first_chunk()?);
    let bytes = bytes << (u64::BITS - 8 * length);
    let point = are(bytes, b'.');
    let (digits, length, decimals) = if point == 0 {
        (bytes, length, 0)
    } else {
        // What stands before the point moves into its place.
        let at = point.trailing_zeros() - 7;
        let before = bytes & ((1 << at) - 1);
        (bytes >> at >> 8 << 8 << at | before << 8, length - 1, (u64::BITS - 8 - at) / 8)
    };
    let zeros = u64::from(b'0') * EACH;
    let missing = u64::BITS - 8 * length;
    let digits = digits | zeros.checked_shr(u64::BITS - missing).unwrap_or(0);
    // Of each byte: its upper half is that of a digit, also when what is beyond nine carries.
    let upper = 0xf0 * EACH;
    if digits & upper != zeros || (digits + 6 * EACH) & upper != zeros || length == 0 {
        return None;
    }
    // Eight digits, the first one lowest: twice two as one, and again (Lemire 2022, "Quickly
    // parsing eight digits").
    let digits = digits - zeros;
    let pairs = digits * 10 + (digits >> 8);
    let (even, odd) = (pairs & 0x0000_00ff_0000_00ff, pairs >> 16 & 0x0000_00ff_0000_00ff);
    let upper_half = even.wrapping_mul(100 + (1_000_000 << 32));
    let whole = upper_half.wrapping_add(odd.wrapping_mul(1 + (10_000 << 32))) >> 32;
    // Below 10^8: the cast is exact.
    Some(whole as f64 / TENS[decimals as usize])
}

/// A count: the number, where it is a whole one from 0 to `max`. It may be written as `2.0`.
pub(super) fn count(number: f64, max: u16) -> Option<u16> {
    // The cast saturates: what it changed is no whole number of this range.
    let whole = number as u16;
    (f64::from(whole) == number && whole <= max).then_some(whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(line: &[u8]) -> Result<Vec<&[u8]>, OpenQuote> {
        let mut spans = Vec::new();
        split(line, &mut spans)?;
        Ok(spans.into_iter().map(|span| span.of(line)).collect())
    }

    #[test]
    fn a_line_is_split_at_its_commas_but_not_within_quotation_marks() {
        assert_eq!(cells(b"").unwrap(), [b""]);
        assert_eq!(cells(b"a,,b,").unwrap(), [&b"a"[..], b"", b"b", b""]);
        assert_eq!(
            cells(br#"x,"Wiley, A. G.",1,"a""b" "#).unwrap(),
            [&b"x"[..], b"Wiley, A. G.", b"1", br#"a""b"#]
        );
        assert_eq!(cells(br#"5" x,1"#).unwrap(), [&br#"5" x"#[..], b"1"]);
        assert_eq!(cells(br#"a,"b,c"#), Err(OpenQuote { column: 1 }));
    }

    #[test]
    fn text_is_utf8_or_windows_1252_without_no_break_spaces_at_its_ends() {
        assert_eq!(text(b"Ajax "), "Ajax");
        assert_eq!(text(b"J\xf6rg"), "Jörg");
        assert_eq!(text("Preußen Münster".as_bytes()), "Preußen Münster");
        assert_eq!(text(b"\xa0U Rennie"), "U Rennie");
        // Its last letter ends in the byte A0, which must not be trimmed.
        assert_eq!(text("Lià".as_bytes()), "Lià");
        assert_eq!(text(b"Man\xc2\xa0United"), "Man United");
    }

    #[test]
    fn a_number_is_trimmed_of_every_blank() {
        assert_eq!(trimmed(b"8\xa0"), b"8");
        assert_eq!(trimmed(b" \xc2\xa01.5\t"), b"1.5");
        assert_eq!(trimmed(b" \xa0 "), b"");
    }

    #[test]
    fn only_a_plain_decimal_is_a_number() {
        for (cell, expected) in
            [("1.95", 1.95), ("-0.25", -0.25), ("+2", 2.0), ("5.", 5.0), (".5", 0.5)]
        {
            assert_eq!(decimal(cell.as_bytes()), Some(expected), "{cell}");
        }
        for cell in ["", ".", "-", "3.53.75", "#", "inf", "nan", "1e3", "0x1", "1,5", "1 2", "--1"]
        {
            assert_eq!(decimal(cell.as_bytes()), None, "{cell}");
        }
    }

    #[test]
    fn a_count_is_whole_and_in_range() {
        assert_eq!(count(2.0, 99), Some(2));
        assert_eq!(count(0.0, 99), Some(0));
        for number in [2.5, -1.0, 100.0] {
            assert_eq!(count(number, 99), None, "{number}");
        }
    }

    proptest! {
        #[test]
        fn a_decimal_has_the_digits_of_the_standard_library(text in "-?[0-9]{1,20}(\\.[0-9]{0,8})?") {
            prop_assert_eq!(decimal(text.as_bytes()), text.parse::<f64>().ok());
        }

        #[test]
        fn a_short_cell_is_read_as_any_other(
            before in "[0-9.,]{0,9}",
            cell in "[0-9.]{0,9}|[0-9.x -]{0,9}",
            behind in "[0-9.,]{0,12}",
        ) {
            let line = format!("{before}{cell}{behind}");
            let (start, end) = (before.len() as u32, (before.len() + cell.len()) as u32);
            let short = short_decimal(line.as_bytes(), Span { start, end });
            prop_assert!(short.is_none() || short == decimal(cell.as_bytes()), "{short:?}");
            let is_plain = cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if is_plain && cell.len() <= 8 && line.len() - before.len() >= 8 {
                prop_assert_eq!(short, decimal(cell.as_bytes()));
            }
        }

        #[test]
        fn any_bytes_split_into_cells_that_join_to_the_line(line in "[a,\\PC]{0,60}") {
            if !line.contains('"') {
                let joined = cells(line.as_bytes()).unwrap().join(&b","[..]);
                prop_assert_eq!(joined, line.as_bytes());
            }
        }

        #[test]
        fn no_bytes_make_the_parser_panic(line: Vec<u8>) {
            if let Ok(cells) = cells(&line) {
                for cell in cells {
                    let _ = (text(cell), decimal(trimmed(cell)));
                }
            }
        }
    }
}
