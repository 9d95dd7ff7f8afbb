//! Files of prices in long form, CSV or Parquet: one price a row, with the meaning of the columns
//! given by the user.
//!
//! Rows of one match at one moment stand together and are one look at it. The words for
//! competitions, books, markets and outcomes are those of The Odds API unless the file's provider
//! is another that is known here.

mod parquet;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use flate2::read::MultiGzDecoder;
use marabet_schemas::{Instant, Source as SourceName};
use smol_str::SmolStr;

use crate::desk::{Desk, Own, ShownMatch};
use crate::json::{NO_ODDS, odds};
use crate::names::Named;
use crate::prices::Gathered;
use crate::recorded::Numbered;
use crate::reject::{Reject, RejectKind, Scope, raw_row};
use crate::source::{Batch, Source, SourceError};
use crate::the_odds_api::markets::{self, Offer};
use crate::the_odds_api::parse;

/// What a column may mean, by the number of its role.
pub const ROLES: [&str; 12] = [
    "match",
    "competition",
    "home",
    "away",
    "kickoff",
    "at",
    "seen",
    "book",
    "market",
    "outcome",
    "odds",
    "point",
];

const MATCH: usize = 0;
const COMPETITION: usize = 1;
const HOME: usize = 2;
const AWAY: usize = 3;
const KICKOFF: usize = 4;
const AT: usize = 5;
const SEEN: usize = 6;
const BOOK: usize = 7;
const MARKET: usize = 8;
const OUTCOME: usize = 9;
const ODDS: usize = 10;
const POINT: usize = 11;

/// Roles whose cells are the same in all rows of a match at a moment.
const HEADING: [usize; 6] = [MATCH, COMPETITION, HOME, AWAY, KICKOFF, AT];

/// Without these a price is none.
const NEEDED: [&str; 9] =
    ["competition", "home", "away", "kickoff", "at", "book", "market", "outcome", "odds"];

/// What the columns of a file mean: the name of the column by its role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping(BTreeMap<String, String>);

impl Mapping {
    /// A mapping.
    ///
    /// # Errors
    /// A role that is none, or one that is needed and not given.
    pub fn new(columns: BTreeMap<String, String>) -> Result<Self, String> {
        if let Some(role) = columns.keys().find(|role| !ROLES.contains(&role.as_str())) {
            return Err(format!(
                "`{role}` is no meaning of a column; there are {}",
                ROLES.join(", ")
            ));
        }
        match NEEDED.iter().find(|role| !columns.contains_key(**role)) {
            Some(role) => {
                Err(format!("no column is `{role}`; say which, as {role} = \"its name\""))
            }
            None => Ok(Self(columns)),
        }
    }

    /// The columns' names, each with the number of its role.
    fn columns(&self) -> impl Iterator<Item = (usize, &str)> {
        let named = |(role, known): (usize, &&str)| Some((role, self.0.get(*known)?.as_str()));
        ROLES.iter().enumerate().filter_map(named)
    }
}

/// Matches that are looked at together, at most.
const LOOK_MAX: usize = 256;

/// What a file showed: looks, each at its moment, and what could not be used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Looks {
    /// Each match as it was shown, with the moment.
    pub shown: Vec<(Instant, ShownMatch)>,
    /// What could not be used.
    pub rejects: Vec<Reject>,
    /// Rows read.
    pub rows: u64,
}

/// Reads a file.
///
/// # Errors
/// It cannot be read, or a column that the mapping names is not there.
pub fn read(path: &Path, mapping: &Mapping) -> Result<Looks, String> {
    let file = path.display().to_string();
    let open = File::open(path).map_err(|error| format!("{file}: {error}"))?;
    let mut reader = BufReader::new(open);
    if reader.fill_buf().is_ok_and(|head| head.starts_with(parquet::MAGIC)) {
        return parquet::read(path, mapping);
    }
    let is_gz = reader.fill_buf().is_ok_and(|head| head.starts_with(&[0x1f, 0x8b]));
    let bytes: Box<dyn Read> =
        if is_gz { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    rows(&file, bytes, mapping)
}

/// Reads rows of CSV with a header.
///
/// # Errors
/// A column that the mapping names is not there, or the bytes break off.
pub fn rows(file: &str, bytes: impl Read, mapping: &Mapping) -> Result<Looks, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.byte_headers().map_err(|error| format!("{file}: {error}"))?.clone();
    let mut columns = Columns::default();
    for (role, name) in mapping.columns() {
        let at = header.iter().position(|column| {
            column.strip_prefix(b"\xef\xbb\xbf").unwrap_or(column) == name.as_bytes()
        });
        columns[role] = Some(at.ok_or_else(|| no_column(file, name, role))?);
    }
    let mut reading = Reading::new(file, columns);
    let mut row = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut row) {
            Ok(false) => break,
            Ok(true) => reading.row(&row),
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                reading.refuse(line, &row, (RejectKind::Unreadable, None, error.to_string()));
                // What comes behind an error of reading is not to be trusted.
                if error.is_io_error() {
                    break;
                }
            }
        }
    }
    Ok(reading.finish())
}

fn no_column(file: &str, name: &str, role: usize) -> String {
    format!("{file} has no column `{name}` ({})", ROLES[role])
}

/// Where the cell of each role stands in a row.
type Columns = [Option<usize>; ROLES.len()];

struct Reading<'f> {
    file: &'f str,
    columns: Columns,
    looks: Looks,
    current: Option<Current>,
    /// The heading of the row that is read.
    heading: Vec<u8>,
    /// The last moment that a book was seen at, as it was written: it is so for many rows.
    seen: (String, Option<Instant>),
}

/// The match whose rows are read.
struct Current {
    heading: Vec<u8>,
    at: Instant,
    named: Named,
    kickoff: Instant,
    gathered: Gathered,
}

type Fault = (RejectKind, Option<usize>, String);

impl<'f> Reading<'f> {
    fn new(file: &'f str, columns: Columns) -> Self {
        let (looks, heading, seen) = Default::default();
        Self { file, columns, looks, current: None, heading, seen }
    }

    fn finish(mut self) -> Looks {
        self.end();
        self.looks
    }

    fn cell<'r>(&self, row: &'r csv::ByteRecord, role: usize) -> &'r str {
        let bytes = self.columns[role].and_then(|at| row.get(at)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default().trim()
    }

    fn text<'r>(&self, row: &'r csv::ByteRecord, role: usize) -> Result<&'r str, Fault> {
        match self.cell(row, role) {
            "" => Err((RejectKind::Name, Some(role), format!("`{}` is empty", ROLES[role]))),
            text => Ok(text),
        }
    }

    fn instant(&self, row: &csv::ByteRecord, role: usize) -> Result<Instant, Fault> {
        let parsed = self.cell(row, role).parse::<Instant>();
        parsed.map_err(|error| (RejectKind::Time, Some(role), error.to_string()))
    }

    fn row(&mut self, row: &csv::ByteRecord) {
        self.looks.rows += 1;
        if let Err(fault) = self.price(row) {
            let line = row.position().map_or(1, csv::Position::line);
            self.refuse(line, row, fault);
        }
    }

    fn price(&mut self, row: &csv::ByteRecord) -> Result<(), Fault> {
        self.head(row)?;
        let number = |role: usize, text: &str| {
            text.parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| (RejectKind::Odds, Some(role), format!("`{text}` is no number")))
        };
        let point = match self.cell(row, POINT) {
            "" => None,
            point => Some(number(POINT, point)?),
        };
        let (home, away) = (self.cell(row, HOME), self.cell(row, AWAY));
        let (market, outcome) = (self.text(row, MARKET)?, self.text(row, OUTCOME)?);
        let (market, selection, lays) =
            markets::selection(Offer { market, outcome, point }, home, away)
                .map_err(|(kind, reason)| (kind, Some(MARKET), reason))?;
        let book = markets::book(self.text(row, BOOK)?);
        let book = if lays { markets::lay_book(&book) } else { book };
        let price = number(ODDS, self.text(row, ODDS)?)?;
        let odds = odds(price);
        let seen = self.seen(row)?;
        if let Some(current) = &mut self.current {
            current.gathered.price(&book, market, selection, odds, seen);
        }
        match odds {
            Some(_) => Ok(()),
            None => Err((RejectKind::Odds, Some(ODDS), format!("`{price}` {NO_ODDS}"))),
        }
    }

    /// Sees that the match of this row is the current one.
    fn head(&mut self, row: &csv::ByteRecord) -> Result<(), Fault> {
        self.heading.clear();
        for at in HEADING.iter().filter_map(|role| self.columns[*role]) {
            self.heading.extend_from_slice(row.get(at).unwrap_or_default());
            // No text holds this byte.
            self.heading.push(0xff);
        }
        if self.current.as_ref().is_some_and(|current| current.heading == self.heading) {
            return Ok(());
        }
        let (home, away) = (self.text(row, HOME)?, self.text(row, AWAY)?);
        let (kickoff, at) = (self.instant(row, KICKOFF)?, self.instant(row, AT)?);
        let competition = self.text(row, COMPETITION)?;
        let id = match self.cell(row, MATCH) {
            "" => SmolStr::from(format!("{} {home} {away}", kickoff.day())),
            id => SmolStr::new(id),
        };
        let named =
            Named { id, competition: competition.into(), home: home.into(), away: away.into() };
        match &mut self.current {
            // The same in another spelling: of an instant, say.
            Some(current) if current.at == at && current.named == named => {
                current.heading.clone_from(&self.heading);
            }
            _ => {
                self.end();
                let (heading, gathered) = (self.heading.clone(), Gathered::default());
                self.current = Some(Current { heading, at, named, kickoff, gathered });
            }
        }
        Ok(())
    }

    /// When the book of this row was seen, where that is said.
    fn seen(&mut self, row: &csv::ByteRecord) -> Result<Option<Instant>, Fault> {
        let text = self.cell(row, SEEN);
        if self.seen.0 != text {
            let seen = if text.is_empty() { None } else { Some(self.instant(row, SEEN)?) };
            self.seen = (text.to_owned(), seen);
        }
        Ok(self.seen.1)
    }

    fn end(&mut self) {
        let Some(current) = self.current.take() else { return };
        let Current { at, named, kickoff, gathered, .. } = current;
        let rejects = &mut self.looks.rejects;
        let facts = parse::facts(self.file, gathered, kickoff, at, rejects, &named);
        self.looks.shown.push((at, ShownMatch { named, kickoff, facts }));
    }

    fn refuse(&mut self, line: u64, row: &csv::ByteRecord, (kind, role, reason): Fault) {
        self.looks.rejects.push(Reject {
            file: SmolStr::new(self.file),
            line,
            column: role.map(|role| ROLES[role].to_owned()),
            value: role.map(|role| self.cell(row, role).to_owned()),
            kind,
            scope: Scope::Row,
            reason,
            row: raw_row(&row.iter().collect::<Vec<_>>().join(&b',')),
        });
    }
}

/// Files of prices as a source.
#[derive(Debug)]
pub struct PricesFiles {
    name: SourceName,
    mapping: Mapping,
    desk: Desk,
    files: VecDeque<PathBuf>,
    numbered: Numbered,
}

impl PricesFiles {
    /// Reads these files, in their order.
    #[must_use]
    pub fn new(name: SourceName, files: Vec<PathBuf>, mapping: Mapping, desk: Desk) -> Self {
        Self { name, mapping, desk, files: files.into(), numbered: Numbered::default() }
    }
}

/// The events that looks bring about.
///
/// # Errors
/// Decisions about names could not be kept.
pub fn report(desk: &mut Desk, looks: Looks) -> std::io::Result<Batch> {
    let mut batch = Batch { first: None, events: Vec::new(), rejects: looks.rejects };
    let mut shown: VecDeque<(Instant, ShownMatch)> = looks.shown.into();
    while !shown.is_empty() {
        let (mut look, mut owns): (Vec<ShownMatch>, BTreeSet<Own>) = Default::default();
        let mut at = Instant::from_micros(i64::MIN);
        while look.len() < LOOK_MAX
            && let Some((next_at, next)) = shown.front()
        {
            let own =
                Own { competition: next.named.competition.clone(), id: next.named.id.clone() };
            // The same match again is the next look at it.
            if !owns.insert(own) {
                break;
            }
            at = at.max(*next_at);
            look.extend(shown.pop_front().map(|(_, next)| next));
        }
        let news = desk.look(at, look, |own| owns.contains(own))?;
        batch.events.extend(news.events);
        batch.rejects.extend(news.rejects);
    }
    Ok(batch)
}

#[async_trait]
impl Source for PricesFiles {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn resume(&mut self, from: u64) -> Result<(), SourceError> {
        self.numbered.resume(from);
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        let Some(path) = self.files.pop_front() else {
            self.numbered.ended(&self.name)?;
            return Ok(None);
        };
        let looks = read(&path, &self.mapping).map_err(SourceError::permanent)?;
        let reported = report(&mut self.desk, looks);
        let batch = reported.map_err(|error| SourceError::transient(error.to_string()))?;
        Ok(Some(self.numbered.number(batch)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;

    fn mapping() -> Mapping {
        let columns = ROLES.iter().filter(|role| **role != "seen" && **role != "match");
        Mapping::new(columns.map(|role| ((*role).to_owned(), (*role).to_owned())).collect())
            .unwrap()
    }

    const HEADER: &str = "competition,home,away,kickoff,at,book,market,outcome,odds,point\n";

    fn csv(rows: &[&str]) -> String {
        let head = "soccer_epl,Arsenal,Chelsea,2026-04-18T14:00:00Z,2026-04-16T19:00:00Z,bet365";
        rows.iter().fold(HEADER.to_owned(), |all, row| format!("{all}{head},{row}\n"))
    }

    #[test]
    fn a_mapping_must_say_what_is_needed_and_nothing_that_is_none() {
        let error = Mapping::new(BTreeMap::from([("shoe".into(), "x".into())])).unwrap_err();
        assert!(error.contains("shoe"), "{error}");
        let error = Mapping::new(BTreeMap::new()).unwrap_err();
        assert!(error.contains("competition"), "{error}");
        let missing = rows("x.csv", &b"a,b\n1,2\n"[..], &mapping()).unwrap_err();
        assert!(missing.contains("no column"), "{missing}");
    }

    #[test]
    fn prices_become_a_quote_and_the_same_again_is_no_news() {
        let text = csv(&[
            "h2h,Arsenal,2.0,",
            "h2h,Draw,3.4,",
            "h2h,Chelsea,4.0,",
            "h2h,Chelsea,1.0,",
            "corners,Over,2,9.5",
        ]);
        let looks = rows("x.csv", text.as_bytes(), &mapping()).unwrap();
        assert_eq!((looks.rows, looks.shown.len(), looks.rejects.len()), (5, 1, 2));
        let mut desk = Desk::open("the-odds-api".into(), Names::in_memory(), 600, None).unwrap();
        let batch = report(&mut desk, looks.clone()).unwrap();
        let kinds: Vec<_> = batch.events.iter().map(|event| event.kind().name()).collect();
        assert_eq!(kinds, ["named", "fixture", "quote"]);
        assert_eq!(batch.events[2].key.as_ref().unwrap().as_str(), "E0|2025-26|Arsenal|Chelsea|1");
        assert!(report(&mut desk, looks).unwrap().events.is_empty());
    }
}
