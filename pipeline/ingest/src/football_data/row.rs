//! Reading a row by the plan of its header.

use std::sync::Arc;

use jiff::civil::{Date, Time};
use marabet_schemas::facts::ResultStatus;
use marabet_schemas::{Competition, MatchKey};
use smol_str::SmolStr;

use super::cells::{self, Span, trimmed};
use super::columns::Field;
use super::header::{Header, NoHeader};
use super::record::Record;
use super::{competitions, day, prices, score};
use crate::reject::RejectKind;

/// What is wrong, and in which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: RejectKind,
    pub(super) column: Option<usize>,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(kind: RejectKind, reason: impl Into<String>) -> Self {
        Self { kind, column: None, reason: reason.into() }
    }

    pub(super) fn at(
        column: impl Into<usize>,
        kind: RejectKind,
        reason: impl Into<String>,
    ) -> Self {
        Self { kind, column: Some(column.into()), reason: reason.into() }
    }
}

/// What a line turned out to be.
#[derive(Debug)]
pub(super) enum Row {
    /// Nothing stands in it.
    Blank,
    /// A header, which holds from here on.
    Header,
    /// A match. What of it could not be used is in [`RowReader::faults`].
    Record(Box<Record>),
}

/// Reads the rows of one file.
#[derive(Debug)]
pub(super) struct RowReader {
    file: SmolStr,
    /// The competition for rows that do not name theirs.
    by_path: Option<Competition>,
    header: Option<Arc<Header>>,
    spans: Vec<Span>,
    /// Cells of the last row that was not blank.
    cells_before: usize,
    /// The season of the first row under the header.
    season_of_header: Option<SmolStr>,
    /// The competition of the last row, and what named it.
    competition: Option<(Vec<u8>, Competition)>,
    /// What of the last record could not be used.
    pub(super) faults: Vec<Fault>,
}

impl RowReader {
    pub(super) fn new(file: SmolStr) -> Self {
        Self {
            by_path: competitions::of_path(&file),
            file,
            header: None,
            spans: Vec::with_capacity(256),
            cells_before: 0,
            season_of_header: None,
            competition: None,
            faults: Vec::new(),
        }
    }

    pub(super) fn header(&self) -> Option<&Arc<Header>> {
        self.header.as_ref()
    }

    /// Takes a line for the header if it is one.
    pub(super) fn try_header(&mut self, line: &[u8]) -> Result<(), NoHeader> {
        self.header = Some(Arc::new(Header::read(line)?));
        self.season_of_header = None;
        Ok(())
    }

    /// A cell of the last line, for showing.
    pub(super) fn cell<'l>(&self, line: &'l [u8], column: usize) -> Option<&'l [u8]> {
        self.spans.get(column).map(|span| span.of(line))
    }

    /// Reads a line under the header. `ended` says whether a line end stands behind it.
    pub(super) fn read(&mut self, number: u64, line: &[u8], ended: bool) -> Result<Row, Fault> {
        self.faults.clear();
        self.spans.clear();
        if line.iter().all(|byte| matches!(byte, b',' | b' ' | b'\t' | b'"' | 0xa0 | 0xc2)) {
            return Ok(Row::Blank);
        }
        if line.trim_ascii_start().first() == Some(&b'<') {
            let reason = "markup, as of a web page, in the place of a row";
            return Err(Fault::new(RejectKind::NotARow, reason));
        }
        cells::split(line, &mut self.spans).map_err(|open| {
            let reason = "a quotation mark opens here and nothing closes it in this line";
            Fault::at(open.column, RejectKind::NotARow, reason)
        })?;
        let Some(header) = self.header.clone() else {
            return Err(Fault::new(RejectKind::NoHeader, "a row before any header"));
        };
        let columns = Columns { header: &header, spans: &self.spans, line };
        if columns.field(Field::Date) == b"Date" && self.try_header(line).is_ok() {
            return Ok(Row::Header);
        }
        let cells_before = std::mem::replace(&mut self.cells_before, self.spans.len());
        let short = self.spans.len() < header.width;
        if !ended && short && self.spans.len() != cells_before {
            let reason = format!(
                "the file ends within this row, after {} of {} cells; fetch it again",
                self.spans.len(),
                header.width
            );
            return Err(Fault::new(RejectKind::Truncated, reason));
        }
        let columns = Columns { header: &header, spans: &self.spans, line };
        let note = note_beside(&columns, &mut self.faults)?;
        let (date, time) = when(&columns)?;
        let competition = competition(&columns, &mut self.competition, self.by_path.as_ref())?;
        let season = season(&columns, &competition, date)?;
        let (home, away) = sides(&columns, &competition, &season)?;
        self.check_season(&header, &season)?;

        let columns = Columns { header: &header, spans: &self.spans, line };
        let standing = score::standing(&columns, note, &mut self.faults);
        let stats = score::stats(&columns, &mut self.faults).map(Box::new);
        let prices = prices::prices(&columns, &mut self.faults);
        let file = self.file.clone();
        Ok(Row::Record(Box::new(Record {
            header,
            file,
            line: number,
            competition,
            season,
            home,
            away,
            date,
            time,
            standing,
            stats,
            prices,
        })))
    }

    /// Seasons pasted one below the other under the first one's header: the rows of another
    /// season with another number of cells have other columns, and read by this header each
    /// price would be taken for another's.
    fn check_season(&mut self, header: &Header, season: &SmolStr) -> Result<(), Fault> {
        let first = self.season_of_header.get_or_insert_with(|| season.clone());
        if first == season || self.spans.len() == header.cells() {
            return Ok(());
        }
        let reason = format!(
            "a row of season {season} with {} cells under the header of season {first} with {}: \
             its columns are others; split the file by season, each under its own header",
            self.spans.len(),
            header.cells()
        );
        Err(Fault::new(RejectKind::Columns, reason))
    }
}

/// The cells of a row, by the columns of the header.
pub(super) struct Columns<'a> {
    pub(super) header: &'a Header,
    spans: &'a [Span],
    line: &'a [u8],
}

impl<'a> Columns<'a> {
    /// The cell, trimmed; empty where the row is too short.
    pub(super) fn cell(&self, column: u16) -> &'a [u8] {
        self.spans.get(usize::from(column)).map_or(&[], |span| trimmed(span.of(self.line)))
    }

    fn text(&self, column: u16) -> std::borrow::Cow<'a, str> {
        self.spans
            .get(usize::from(column))
            .map_or("".into(), |span| cells::text(span.of(self.line)))
    }

    fn field(&self, field: Field) -> &'a [u8] {
        self.header.field(field).map_or(&[], |column| self.cell(column))
    }
}

/// Text beside the table can say that the match was broken off and its score awarded. A single
/// value under a column without a name is a slip. Anything else there means that the row has
/// other columns than the header.
fn note_beside(columns: &Columns<'_>, faults: &mut Vec<Fault>) -> Result<ResultStatus, Fault> {
    let width = columns.header.width;
    let beyond = columns.spans.get(width..).unwrap_or_default();
    let filled = (width..)
        .zip(beyond.iter().map(|span| trimmed(span.of(columns.line))))
        .filter(|(_, cell)| !cell.is_empty());
    let Some((first, _)) = filled.clone().next() else { return Ok(ResultStatus::Played) };
    if filled.clone().any(|(_, cell)| matches!(cell, b"Abandoned" | b"Awarded")) {
        return Ok(ResultStatus::Awarded);
    }
    if first < columns.header.cells() && filled.count() == 1 {
        let reason = "a value in a column without a name: it is left out";
        faults.push(Fault::at(first, RejectKind::Columns, reason));
        return Ok(ResultStatus::Played);
    }
    let reason = format!(
        "values beyond the last of the header's {width} columns: the row has other columns than \
         the header says; split the file where its columns change, each part under its own header"
    );
    Err(Fault::at(first, RejectKind::Columns, reason))
}

fn when(columns: &Columns<'_>) -> Result<(Date, Option<Time>), Fault> {
    let column = columns.header.field(Field::Date).expect("a header has a date: checked");
    let date = day::date(columns.cell(column)).ok_or_else(|| {
        let reason = "no date; write day/month/year, with two or four digits for the year";
        Fault::at(column, RejectKind::Date, reason)
    })?;
    let time = match columns.header.field(Field::Time) {
        None => None,
        Some(column) if columns.cell(column).is_empty() => None,
        Some(column) => Some(day::time(columns.cell(column)).ok_or_else(|| {
            Fault::at(column, RejectKind::Time, "no time of day; write hours:minutes")
        })?),
    };
    Ok((date, time))
}

fn competition(
    columns: &Columns<'_>,
    last: &mut Option<(Vec<u8>, Competition)>,
    by_path: Option<&Competition>,
) -> Result<Competition, Fault> {
    let (column, by_country) =
        match (columns.header.field(Field::Division), columns.header.field(Field::Country)) {
            (Some(column), _) => (column, false),
            (None, Some(column)) => (column, true),
            (None, None) => {
                return by_path.cloned().ok_or_else(|| {
                    let reason = "neither a column Div nor the file's name says which competition \
                                  this is; name the file by it, as in E0.csv";
                    Fault::new(RejectKind::Name, reason)
                });
            }
        };
    let cell = columns.cell(column);
    if let Some((name, competition)) = last
        && name == cell
    {
        return Ok(competition.clone());
    }
    let name = columns.text(column);
    let found = if by_country {
        competitions::of_country(&name)
    } else {
        let is_code = (1..=8).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        is_code.then(|| Competition::new(&name))
    };
    let competition = found.ok_or_else(|| {
        let what = if by_country { "country" } else { "division" };
        Fault::at(column, RejectKind::Name, format!("no {what} that is known"))
    })?;
    *last = Some((cell.to_vec(), competition.clone()));
    Ok(competition)
}

fn season(columns: &Columns<'_>, competition: &Competition, date: Date) -> Result<SmolStr, Fault> {
    match columns.header.field(Field::Season) {
        Some(column) if !columns.cell(column).is_empty() => {
            competitions::season_from_label(&columns.text(column)).map(SmolStr::from).ok_or_else(
                || Fault::at(column, RejectKind::Name, "no season such as 2024 or 2024/2025"),
            )
        }
        _ => Ok(SmolStr::from(competitions::season(competition, date))),
    }
}

fn sides(
    columns: &Columns<'_>,
    competition: &Competition,
    season: &str,
) -> Result<(SmolStr, SmolStr), Fault> {
    let side = |field| {
        let column = columns.header.field(field).expect("a header has both sides: checked");
        (column, SmolStr::from(columns.text(column)))
    };
    let ((home_column, home), (away_column, away)) = (side(Field::Home), side(Field::Away));
    for (column, name) in [(home_column, &home), (away_column, &away)] {
        if name.is_empty() {
            return Err(Fault::at(column, RejectKind::Name, "no side is named"));
        }
        // The key is made in earnest once the leg is known; here it shows whose name is no name.
        let key = MatchKey::new(competition, season, name, name, 1);
        key.map_err(|error| Fault::at(column, RejectKind::Name, error.to_string()))?;
    }
    if home == away {
        return Err(Fault::at(away_column, RejectKind::Name, "a side cannot play itself"));
    }
    Ok((home, away))
}
