//! One file, row by row.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use serde::Serialize;
use smol_str::SmolStr;

use super::cells;
use super::header::{Header, NoHeader};
use super::record::{Record, Standing};
use super::row::{Fault, Row, RowReader};
use crate::lines::{Line, Lines};
use crate::reject::{Reject, RejectKind, Rejects, Scope, raw_row};

/// The longest line that is read; rows of the site have about 900 bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// So much of a file is read at once.
const BUFFER_BYTES: usize = 1 << 16;

/// How many lines may stand before the header.
const LINES_BEFORE_HEADER_MAX: u64 = 1000;

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened, or its first bytes cannot be read.
    #[error("cannot read {file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// Nothing stands in it.
    #[error("{file} is empty; fetch it again")]
    Empty {
        /// The file.
        file: String,
    },
    /// None of its lines is a header that is known here.
    #[error(
        "{file} has no header of football-data.co.uk, which names at least Date, HomeTeam and \
         AwayTeam; its first line is `{first}`"
    )]
    UnknownColumns {
        /// The file.
        file: String,
        /// Its first line.
        first: String,
    },
    /// It has a header, but one that lacks what every match needs.
    #[error("{file}:{line}: {reason}; the header is `{header}`")]
    Header {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// What it lacks.
        reason: String,
        /// The header as it stands.
        header: String,
    },
}

/// What came of the rows of a file, or of many.
///
/// `rows = blank + matches + rejected_rows`: every row is accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Files read.
    pub files: u64,
    /// Lines that are not headers.
    pub rows: u64,
    /// Rows in which nothing stands.
    pub blank: u64,
    /// Rows that became facts.
    pub matches: u64,
    /// Rows of which nothing became a fact.
    pub rejected_rows: u64,
    /// Cells that could not be used, of rows that became facts.
    pub rejected_cells: u64,
    /// Matches with a result.
    pub results: u64,
    /// Quotes: one book's complete market.
    pub quotes: u64,
    /// Prices within the quotes.
    pub prices: u64,
    /// Means and maxima over books.
    pub aggregates: u64,
}

impl Counts {
    pub(super) fn add(&mut self, record: &Record) {
        let prices = record.price_counts();
        self.matches += 1;
        self.results += u64::from(matches!(record.standing, Standing::Over { .. }));
        self.quotes += prices.quotes;
        self.prices += prices.prices;
        self.aggregates += prices.aggregates;
    }

    /// Takes a match back that turned out to be none; its row is a rejected one instead.
    pub(super) fn take_back(&mut self, record: &Record) {
        let prices = record.price_counts();
        self.matches -= 1;
        self.rejected_rows += 1;
        self.results -= u64::from(matches!(record.standing, Standing::Over { .. }));
        self.quotes -= prices.quotes;
        self.prices -= prices.prices;
        self.aggregates -= prices.aggregates;
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.rows += other.rows;
        self.blank += other.blank;
        self.matches += other.matches;
        self.rejected_rows += other.rejected_rows;
        self.rejected_cells += other.rejected_cells;
        self.results += other.results;
        self.quotes += other.quotes;
        self.prices += other.prices;
        self.aggregates += other.aggregates;
    }
}

/// Reads the matches of one file.
#[derive(Debug)]
pub struct FileReader<R> {
    lines: Lines<R>,
    state: State,
    done: bool,
}

/// What is known of the file so far.
#[derive(Debug)]
struct State {
    file: SmolStr,
    rows: RowReader,
    counts: Counts,
    /// Rejects from before the header; they count once a header is found.
    held: Vec<Reject>,
    /// The first line that is not blank.
    first: Option<String>,
}

impl FileReader<Box<dyn BufRead + Send>> {
    /// Opens a file, compressed with gzip or not.
    ///
    /// # Errors
    /// [`FileError::Unreadable`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(bytes) => Self::over(&file, bytes),
            Err(error) => Err(FileError::Unreadable { file, error }),
        }
    }
}

impl<'a> FileReader<Box<dyn BufRead + Send + 'a>> {
    /// Reads from `bytes`, compressed with gzip or not, as a file of this name.
    ///
    /// # Errors
    /// [`FileError::Unreadable`].
    pub(super) fn over(file: &str, bytes: impl Read + Send + 'a) -> Result<Self, FileError> {
        let mut bytes = BufReader::with_capacity(BUFFER_BYTES, bytes);
        let is_gzip = bytes.fill_buf().map(|head| head.starts_with(&[0x1f, 0x8b]));
        let bytes: Box<dyn BufRead + Send + 'a> = match is_gzip {
            Ok(true) => {
                Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(bytes)))
            }
            Ok(false) => Box::new(bytes),
            Err(error) => return Err(FileError::Unreadable { file: file.to_owned(), error }),
        };
        Ok(Self::new(file, bytes))
    }
}

impl<R: BufRead> FileReader<R> {
    /// Reads from `bytes`, which are not compressed. `file` is the name in messages, and names
    /// the competition where the rows do not.
    pub fn new(file: &str, bytes: R) -> Self {
        let file = SmolStr::new(file);
        Self {
            lines: Lines::new(bytes, LINE_BYTES_MAX),
            state: State {
                rows: RowReader::new(file.clone()),
                file,
                counts: Counts { files: 1, ..Counts::default() },
                held: Vec::new(),
                first: None,
            },
            done: false,
        }
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.state.file
    }

    /// What came of the rows so far.
    pub fn counts(&self) -> Counts {
        self.state.counts
    }

    /// The header in force, once the first match was read.
    pub fn header(&self) -> Option<&Header> {
        self.state.rows.header().map(|header| &**header)
    }

    /// The next match. What cannot be used goes to `rejects`.
    ///
    /// # Errors
    /// [`FileError`] when the file is none of the site's; then nothing of it was used.
    pub fn next_record(
        &mut self,
        rejects: &mut dyn Rejects,
    ) -> Result<Option<Box<Record>>, FileError> {
        let state = &mut self.state;
        while !self.done {
            match self.lines.next_line() {
                Ok(Some(line)) if state.rows.header().is_none() => {
                    state.before_header(line, rejects)?;
                }
                Ok(Some(line)) => {
                    if let Some(record) = state.row(line, rejects) {
                        return Ok(Some(record));
                    }
                }
                Ok(None) => self.done = true,
                Err(error) if state.rows.header().is_none() => {
                    return Err(FileError::Unreadable { file: state.file.to_string(), error });
                }
                Err(error) => {
                    self.done = true;
                    state.counts.rows += 1;
                    state.counts.rejected_rows += 1;
                    rejects.reject(state.unreadable(&error));
                }
            }
        }
        if state.rows.header().is_some() { Ok(None) } else { Err(state.without_header()) }
    }
}

impl State {
    /// A line before the header: the header itself, or something to reject.
    fn before_header(
        &mut self,
        line: Line<'_>,
        rejects: &mut dyn Rejects,
    ) -> Result<(), FileError> {
        let found =
            if line.overlong { Err(NoHeader::Other) } else { self.rows.try_header(line.bytes) };
        match found {
            Ok(()) => {
                self.held.drain(..).for_each(|reject| rejects.reject(reject));
                return Ok(());
            }
            Err(NoHeader::Lacking(reason)) => {
                let (file, header) = (self.file.to_string(), shown(line.bytes));
                return Err(FileError::Header { file, line: line.number, reason, header });
            }
            Err(NoHeader::Other) => {}
        }
        self.counts.rows += 1;
        if line.bytes.iter().all(|byte| matches!(byte, b',' | b' ' | b'\t' | b'\r')) {
            self.counts.blank += 1;
            return Ok(());
        }
        self.first.get_or_insert_with(|| shown(line.bytes));
        if line.number > LINES_BEFORE_HEADER_MAX {
            return Err(self.without_header());
        }
        self.counts.rejected_rows += 1;
        let reason = "a line before the header".to_owned();
        let fault = Fault { kind: RejectKind::NoHeader, column: None, reason };
        self.held.push(self.reject(line, fault, Scope::Row));
        Ok(())
    }

    fn without_header(&mut self) -> FileError {
        let file = self.file.to_string();
        match self.first.take() {
            None => FileError::Empty { file },
            Some(first) => FileError::UnknownColumns { file, first },
        }
    }

    /// Reads one line under the header, counts it, and hands on what cannot be used.
    fn row(&mut self, line: Line<'_>, rejects: &mut dyn Rejects) -> Option<Box<Record>> {
        let row = if line.overlong {
            let reason = format!(
                "a line of {} bytes, where {LINE_BYTES_MAX} are the most that a row can have",
                line.length
            );
            Err(Fault { kind: RejectKind::LineTooLong, column: None, reason })
        } else {
            self.rows.read(line.number, line.bytes, line.ended)
        };
        if matches!(row, Ok(Row::Header)) {
            return None;
        }
        self.counts.rows += 1;
        match row {
            Ok(Row::Header) => None,
            Ok(Row::Blank) => {
                self.counts.blank += 1;
                None
            }
            Ok(Row::Record(record)) => {
                self.counts.add(&record);
                for fault in std::mem::take(&mut self.rows.faults) {
                    self.counts.rejected_cells += 1;
                    rejects.reject(self.reject(line, fault, Scope::Cell));
                }
                Some(record)
            }
            Err(fault) => {
                self.counts.rejected_rows += 1;
                rejects.reject(self.reject(line, fault, Scope::Row));
                None
            }
        }
    }

    fn reject(&self, line: Line<'_>, fault: Fault, scope: Scope) -> Reject {
        let name = |column: usize| match self.rows.header() {
            Some(header) => header.name(column),
            None => format!("column {}", column + 1),
        };
        let value = fault.column.and_then(|column| self.rows.cell(line.bytes, column)).map(shown);
        Reject {
            file: self.file.clone(),
            line: line.number,
            column: fault.column.map(name),
            value,
            kind: fault.kind,
            scope,
            reason: fault.reason,
            row: raw_row(line.bytes),
        }
    }

    fn unreadable(&self, error: &io::Error) -> Reject {
        Reject {
            file: self.file.clone(),
            line: 0,
            column: None,
            value: None,
            kind: RejectKind::Unreadable,
            scope: Scope::Row,
            reason: format!("the file cannot be read to its end: {error}; fetch it again"),
            row: String::new(),
        }
    }
}

/// Text to show in a message, cut to what a person reads.
fn shown(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 200;
    let mut text = cells::text(&bytes[..bytes.len().min(SHOWN_MAX)]).into_owned();
    text.retain(|c| !c.is_control());
    if bytes.len() > SHOWN_MAX {
        text.push('…');
    }
    text
}

/// The first match of a file, without reading on: whether it is one of the site's, and whose.
///
/// # Errors
/// What opening and reading it reports.
pub(crate) fn first_record(path: &Path) -> Result<Option<Box<Record>>, FileError> {
    let mut reader = FileReader::open(path)?;
    reader.next_record(&mut Vec::new())
}
