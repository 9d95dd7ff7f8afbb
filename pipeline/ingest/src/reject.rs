//! What a source could not use, kept with its place and the reason.
//!
//! A bad row never stops a good one, and a bad cell never takes its row along: each is counted,
//! kept, and explained.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What kind of thing is wrong, for counting. The reason says what exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RejectKind {
    /// The line passes the bound on its length.
    LineTooLong,
    /// The line is no row of data: markup, or text.
    NotARow,
    /// The row stands before any header.
    NoHeader,
    /// The row does not fit the header above it.
    Columns,
    /// The file ends within the row.
    Truncated,
    /// The file could not be read on from here.
    Unreadable,
    /// The competition, the season or a side is missing or cannot be a name.
    Name,
    /// The date is none.
    Date,
    /// The time is none.
    Time,
    /// The score is none.
    Score,
    /// Two cells of the row contradict each other.
    Contradiction,
    /// A result before the match that it belongs to.
    BeforeFixture,
    /// The row stood already.
    Duplicate,
    /// A price is none.
    Odds,
    /// A handicap or a total is none.
    Line,
    /// Some but not all prices of a market are there.
    Incomplete,
    /// A statistic is none.
    Statistic,
    /// The sport, the market or the status is none that is known here.
    Unsupported,
    /// The line is no event.
    Malformed,
    /// The event was written by a newer version of this program.
    Newer,
}

impl RejectKind {
    /// The kind as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LineTooLong => "line_too_long",
            Self::NotARow => "not_a_row",
            Self::NoHeader => "no_header",
            Self::Columns => "columns",
            Self::Truncated => "truncated",
            Self::Unreadable => "unreadable",
            Self::Name => "name",
            Self::Date => "date",
            Self::Time => "time",
            Self::Score => "score",
            Self::Contradiction => "contradiction",
            Self::BeforeFixture => "before_fixture",
            Self::Duplicate => "duplicate",
            Self::Odds => "odds",
            Self::Line => "line",
            Self::Incomplete => "incomplete",
            Self::Statistic => "statistic",
            Self::Unsupported => "unsupported",
            Self::Malformed => "malformed",
            Self::Newer => "newer",
        }
    }
}

impl std::fmt::Display for RejectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much was lost with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole row: nothing of it became a fact.
    Row,
    /// What hangs on one cell: one book's market, one statistic, the result. The row went on.
    Cell,
}

/// Something that a source could not use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The file, the address or the name of the stream.
    pub file: SmolStr,
    /// The line, counted from 1.
    pub line: u64,
    /// The column's name, or its number where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What the cell held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What kind of thing is wrong.
    pub kind: RejectKind,
    /// Whether the row was lost or one cell of it.
    pub scope: Scope,
    /// What is wrong, and where it helps, what to do.
    pub reason: String,
    /// The row as it stood, at most [`ROW_BYTES_MAX`] bytes of it; what is no UTF-8 is replaced.
    pub row: String,
}

/// How much of a row is kept beside its reason, in bytes.
pub const ROW_BYTES_MAX: usize = 4096;

/// The head of a raw row as text that can be kept.
#[must_use]
pub fn raw_row(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(ROW_BYTES_MAX)]).into_owned()
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if let Some(column) = &self.column {
            write!(f, " {column}")?;
        }
        if let Some(value) = &self.value {
            write!(f, " `{value}`")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Where rejects go.
pub trait Rejects {
    /// Takes one.
    fn reject(&mut self, reject: Reject);
}

impl Rejects for Vec<Reject> {
    fn reject(&mut self, reject: Reject) {
        self.push(reject);
    }
}

impl<A: Rejects + ?Sized, B: Rejects + ?Sized> Rejects for (&mut A, &mut B) {
    fn reject(&mut self, reject: Reject) {
        self.0.reject(reject.clone());
        self.1.reject(reject);
    }
}

/// How many rejects of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RejectCounts {
    /// Rows lost.
    pub rows: BTreeMap<RejectKind, u64>,
    /// Cells lost from rows that went on.
    pub cells: BTreeMap<RejectKind, u64>,
}

impl RejectCounts {
    /// Rows lost, of all kinds.
    #[must_use]
    pub fn rows_total(&self) -> u64 {
        self.rows.values().sum()
    }

    /// Cells lost, of all kinds.
    #[must_use]
    pub fn cells_total(&self) -> u64 {
        self.cells.values().sum()
    }
}

impl Rejects for RejectCounts {
    fn reject(&mut self, reject: Reject) {
        let counts = match reject.scope {
            Scope::Row => &mut self.rows,
            Scope::Cell => &mut self.cells,
        };
        *counts.entry(reject.kind).or_default() += 1;
    }
}

/// Writes rejects as NDJSON, one object a line, and counts them.
#[derive(Debug)]
pub struct RejectWriter<W> {
    out: W,
    counts: RejectCounts,
    failed: Option<io::Error>,
}

impl<W: Write> RejectWriter<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        Self { out, counts: RejectCounts::default(), failed: None }
    }

    /// How many were written so far.
    pub fn counts(&self) -> &RejectCounts {
        &self.counts
    }

    /// Flushes what was written.
    ///
    /// # Errors
    /// The first write that failed; what came after it was counted but not written.
    pub fn finish(mut self) -> io::Result<RejectCounts> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| self.counts),
        }
    }
}

impl<W: Write> Rejects for RejectWriter<W> {
    fn reject(&mut self, reject: Reject) {
        if self.failed.is_none() {
            let written = serde_json::to_writer(&mut self.out, &reject)
                .map_err(io::Error::from)
                .and_then(|()| self.out.write_all(b"\n"));
            self.failed = written.err();
        }
        self.counts.reject(reject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject(scope: Scope) -> Reject {
        Reject {
            file: "E0/2425.csv".into(),
            line: 7,
            column: Some("B365H".into()),
            value: Some("#".into()),
            kind: RejectKind::Odds,
            scope,
            reason: "no decimal odds above 1".into(),
            row: "E0,16/08/2024".into(),
        }
    }

    #[test]
    fn a_reject_says_where_and_why_in_one_line() {
        assert_eq!(
            reject(Scope::Cell).to_string(),
            "E0/2425.csv:7 B365H `#`: no decimal odds above 1"
        );
    }

    #[test]
    fn the_writer_keeps_every_reject_as_a_line_that_reads_back() {
        let mut bytes = Vec::new();
        let mut writer = RejectWriter::new(&mut bytes);
        writer.reject(reject(Scope::Cell));
        writer.reject(reject(Scope::Row));
        let counts = writer.finish().unwrap();
        assert_eq!((counts.rows_total(), counts.cells_total()), (1, 1));
        let lines: Vec<Reject> = String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines, [reject(Scope::Cell), reject(Scope::Row)]);
    }

    #[test]
    fn a_full_disk_is_reported_at_the_end_and_the_counts_go_on() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("no space left"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writer = RejectWriter::new(Full);
        writer.reject(reject(Scope::Row));
        writer.reject(reject(Scope::Row));
        assert_eq!(writer.counts().rows_total(), 2);
        assert!(writer.finish().is_err());
    }

    #[test]
    fn a_kind_is_written_by_its_name() {
        let json = serde_json::to_string(&RejectKind::BeforeFixture).unwrap();
        assert_eq!(json, format!("\"{}\"", RejectKind::BeforeFixture));
    }

    #[test]
    fn only_the_head_of_a_long_row_is_kept() {
        assert_eq!(raw_row(&[b'x'; 10 * ROW_BYTES_MAX]).len(), ROW_BYTES_MAX);
        assert_eq!(raw_row(b"J\xf6rg"), "J\u{fffd}rg");
    }
}
