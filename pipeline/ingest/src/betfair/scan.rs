//! A cursor over one line of JSON that copies nothing and skips what nobody asks for.
//!
//! The stream sends some hundred bytes for each change of a price, by the million; a document
//! tree of them would cost more than all else. Numbers are read exactly: their digits fit a
//! double's 53 bits, or the standard library reads them.

/// Where reading stopped: the byte, counted from 0, and what should stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column {}: {expected} should stand here", at + 1)]
pub struct ScanError {
    /// The byte, counted from 0.
    pub at: usize,
    /// What should stand there.
    pub expected: &'static str,
}

/// Values within values, at most.
const DEPTH_MAX: u32 = 64;

#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn fail<T>(&self, expected: &'static str) -> Result<T, ScanError> {
        Err(ScanError { at: self.at, expected })
    }

    #[inline]
    fn peek(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    #[inline]
    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), ScanError> {
        if self.peek() == byte {
            self.at += 1;
            Ok(())
        } else {
            self.fail(expected)
        }
    }

    /// Here stands what is none of these.
    pub(super) fn wrong<T>(&self, expected: &'static str) -> Result<T, ScanError> {
        self.fail(expected)
    }

    /// Nothing follows.
    pub(super) fn end(&mut self) -> Result<(), ScanError> {
        if self.peek() == 0 && self.at >= self.bytes.len() { Ok(()) } else { self.fail("the end") }
    }

    /// Reads an object, field by field: `field` must read the value of each key.
    #[inline]
    pub(super) fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, &'a [u8]) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        self.take(b'{', "`{`")?;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.take(b':', "`:`")?;
            field(self, key)?;
            match self.peek() {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.fail("`,` or `}`"),
            }
        }
    }

    /// Reads a list, item by item; null is an empty one.
    #[inline]
    pub(super) fn list(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        if self.peek() == b'n' {
            return self.word(b"null");
        }
        self.take(b'[', "`[`")?;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            match self.peek() {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.fail("`,` or `]`"),
            }
        }
    }

    /// The bytes of a text, escapes as they stand.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'a [u8], ScanError> {
        self.take(b'"', "a text")?;
        let from = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.bytes[from..self.at - 1]);
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return self.fail("the end of a text"),
            }
        }
    }

    /// A number; text that is one counts too.
    #[inline]
    pub(super) fn number(&mut self) -> Result<f64, ScanError> {
        if self.peek() == b'"' {
            let text = self.string()?;
            let mut inner = Cursor::new(text);
            return inner.number();
        }
        let from = self.at;
        let negative = self.bytes.get(self.at) == Some(&b'-');
        self.at += usize::from(negative);
        let (mut mantissa, mut digits, mut decimals) = (0_u64, 0_u32, 0_usize);
        let mut behind_point = false;
        loop {
            match self.bytes.get(self.at) {
                Some(digit @ b'0'..=b'9') => {
                    mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                    digits += 1;
                    decimals += usize::from(behind_point);
                }
                Some(b'.') if !behind_point && digits > 0 => behind_point = true,
                Some(b'e' | b'E') if digits > 0 => return self.slow_number(from),
                _ => break,
            }
            self.at += 1;
        }
        if digits == 0 {
            return self.fail("a number");
        }
        if digits > 15 {
            return self.slow_number(from);
        }
        // Both are exact, so that the quotient is the nearest double to the number as written.
        let number = mantissa as f64 / POWERS[decimals];
        Ok(if negative { -number } else { number })
    }

    fn slow_number(&mut self, from: usize) -> Result<f64, ScanError> {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let length = self.bytes[from..].iter().take_while(|byte| is_part(byte)).count();
        self.at = from + length;
        let text = std::str::from_utf8(&self.bytes[from..self.at]).ok();
        match text.and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite()) {
            Some(number) => Ok(number),
            None => {
                self.at = from;
                self.fail("a number")
            }
        }
    }

    pub(super) fn boolean(&mut self) -> Result<bool, ScanError> {
        match self.peek() {
            b't' => self.word(b"true").map(|()| true),
            b'f' => self.word(b"false").map(|()| false),
            b'n' => self.word(b"null").map(|()| false),
            _ => self.fail("true or false"),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), ScanError> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            self.fail("a value")
        }
    }

    /// Passes over a value and returns its bytes.
    pub(super) fn skip(&mut self) -> Result<&'a [u8], ScanError> {
        self.peek();
        let from = self.at;
        self.skip_within(DEPTH_MAX)?;
        Ok(&self.bytes[from..self.at])
    }

    fn skip_within(&mut self, depth: u32) -> Result<(), ScanError> {
        if depth == 0 {
            return self.fail("no value so deep within others");
        }
        match self.peek() {
            b'{' => self.object(|cursor, _| cursor.skip_within(depth - 1)),
            b'[' => self.list(|cursor| cursor.skip_within(depth - 1)),
            b'"' => self.string().map(drop),
            b't' | b'f' => self.boolean().map(drop),
            b'n' => self.word(b"null"),
            _ => self.number().map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        for text in [
            "0",
            "-0",
            "1.01",
            "1000",
            "12280.89",
            "0.1",
            "123456789012345",
            "1234567890123456789.5",
            "1e3",
            "-2.5E-3",
            "3.9161586776799058",
            "\"8586946\"",
        ] {
            let expected: f64 = text.trim_matches('"').parse().unwrap();
            assert_eq!(
                Cursor::new(text.as_bytes()).number().unwrap().to_bits(),
                expected.to_bits(),
                "{text}"
            );
        }
        for text in ["", "x", "-", ".", "1e999", "\"\"", "NaN"] {
            assert!(Cursor::new(text.as_bytes()).number().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_passed_over_or_refused(bytes: Vec<u8>) {
            let _ = Cursor::new(&bytes).skip();
        }

        #[test]
        fn two_decimals_are_exact(cents in 0_u32..200_000_000) {
            let text = format!("{}.{:02}", cents / 100, cents % 100);
            prop_assert_eq!(Cursor::new(text.as_bytes()).number(), Ok(text.parse::<f64>().unwrap()));
        }
    }
}
