//! Reading lines of bounded length.
//!
//! A file that someone else wrote may hold a line of any length. Here a line that passes the
//! bound is read past, not into memory: its head is kept so that it can be shown, and the next
//! line follows as if nothing had been.

use std::io::{self, BufRead};

/// One line, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: u64,
    /// The line; of a line beyond the bound, its head.
    pub bytes: &'a [u8],
    /// How many bytes the line has in truth, its line end left out.
    pub length: u64,
    /// The line is longer than the bound, so that only its head is here.
    pub overlong: bool,
    /// A line feed stands behind it. Only the last line of a file can lack it.
    pub ended: bool,
}

/// The lines of a reader.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
    bytes_max: usize,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`, of which no more than `bytes_max` bytes each are held.
    pub fn new(reader: R, bytes_max: usize) -> Self {
        Self { reader, buffer: Vec::with_capacity(4096.min(bytes_max)), number: 0, bytes_max }
    }

    /// The next line, or none at the end.
    ///
    /// # Errors
    /// What the reader reports, damaged compression included.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut length = 0_u64;
        let mut ended = false;
        while !ended {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            let piece = match memchr::memchr(b'\n', available) {
                Some(end) => {
                    ended = true;
                    &available[..end]
                }
                None => available,
            };
            let room = self.bytes_max - self.buffer.len();
            self.buffer.extend_from_slice(&piece[..piece.len().min(room)]);
            length += piece.len() as u64;
            let used = piece.len() + usize::from(ended);
            self.reader.consume(used);
        }
        if length == 0 && !ended {
            return Ok(None);
        }
        self.number += 1;
        let overlong = length > self.buffer.len() as u64;
        if !overlong && self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
            length -= 1;
        }
        Ok(Some(Line { number: self.number, bytes: &self.buffer, length, overlong, ended }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expected: &[(&[u8], bool, bool)]) {
        // A tiny buffer makes every line cross its edges.
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text), 8);
        for (number, (bytes, ended, overlong)) in (1..).zip(expected) {
            let line = lines.next_line().unwrap().unwrap();
            assert_eq!((line.number, line.bytes, line.ended), (number, *bytes, *ended));
            assert_eq!(line.overlong, *overlong, "{line:?}");
        }
        assert_eq!(lines.next_line().unwrap(), None);
    }

    #[test]
    fn lines_come_without_their_ends_and_the_last_may_lack_one() {
        check(b"", &[]);
        check(b"\n", &[(b"", true, false)]);
        check(b"ab\r\n\ncd", &[(b"ab", true, false), (b"", true, false), (b"cd", false, false)]);
        check(b"a\rb\r", &[(b"a\rb", false, false)]);
    }

    #[test]
    fn a_line_beyond_the_bound_is_read_past_and_the_next_one_follows() {
        check(
            b"12345678\r\n12345678\n123456789\n1234567890123\nnext",
            &[
                (b"12345678", true, true),
                (b"12345678", true, false),
                (b"12345678", true, true),
                (b"12345678", true, true),
                (b"next", false, false),
            ],
        );
    }
}
