//! Understanding a header once, so that each row is read by a plan.

use std::collections::BTreeMap;

use marabet_quant::{Market, MarketKind};
use marabet_schemas::facts::{Phase, Statistic};

use super::books::{self, Origin};
use super::cells;
use super::columns::{self, BooksOf, Column, Family, Field, Side, Stat};

/// A market of a book or an aggregate, and the columns that hold its prices.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MarketPlan {
    pub(super) origin: Origin,
    pub(super) family: Family,
    pub(super) phase: Phase,
    /// The columns in the market's canonical order; as many as the family has selections.
    pub(super) columns: [u16; 3],
    /// The column of the Asian handicap line.
    pub(super) line: Option<u16>,
    /// The column that counts the books of an aggregate.
    pub(super) books: Option<u16>,
}

impl MarketPlan {
    pub(super) fn columns(&self) -> &[u16] {
        &self.columns[..self.family.selections()]
    }

    /// The market, on this line where it is a handicap.
    pub(super) fn market(&self, line: Option<marabet_quant::Line>) -> Option<Market> {
        Some(Market::full_time(match self.family {
            Family::MatchOdds => MarketKind::MatchOdds,
            Family::Totals(goals) => MarketKind::Totals(goals),
            Family::AsianHandicap => MarketKind::AsianHandicap(line?),
        }))
    }
}

/// A header, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    names: Vec<String>,
    /// The column of each field, by the field's place among them.
    fields: [Option<u16>; Field::COUNT],
    pub(super) stats: Vec<(Stat, Side, u16)>,
    pub(super) markets: Vec<MarketPlan>,
    /// Which of the markets are the maximum and the mean of the same prices.
    pub(super) extremes: Vec<(u16, u16)>,
    /// Columns up to the last that has a name.
    pub(super) width: usize,
    /// Books whose code is not in the table; they go by their code in lower case.
    unknown_books: Vec<String>,
    /// Columns that are not understood.
    ignored: Vec<String>,
}

/// Why a line is no header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoHeader {
    /// It does not look like one at all.
    #[error("no header")]
    Other,
    /// It is one, but lacks what every match needs, or holds too much.
    #[error("{0}")]
    Lacking(String),
}

/// More columns than any file of the site has by far.
const COLUMNS_MAX: usize = 4096;

impl Header {
    /// Reads a header from its line.
    pub(super) fn read(line: &[u8]) -> Result<Self, NoHeader> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let mut spans = Vec::new();
        cells::split(line, &mut spans).map_err(|_| NoHeader::Other)?;
        if spans.len() > COLUMNS_MAX {
            return Err(NoHeader::Other);
        }
        let mut names: Vec<String> =
            spans.iter().map(|span| cells::text(span.of(line)).into_owned()).collect();
        repair(&mut names);
        Self::of_names(names)
    }

    fn of_names(names: Vec<String>) -> Result<Self, NoHeader> {
        let mut fields = [None; Field::COUNT];
        let mut stats = Vec::new();
        let mut prices = Prices::default();
        let mut ignored = Vec::new();
        let is_code = |code: &str| {
            let plain = code.strip_suffix('C').unwrap_or(code);
            books::origin(code).or_else(|| books::origin(plain)).is_some()
        };
        // At most COLUMNS_MAX names: the count fits.
        for (index, name) in (0_u16..).zip(&names) {
            match columns::read(name, &is_code) {
                // Of a name that stands twice the first counts.
                Column::Field(field) => drop(fields[field as usize].get_or_insert(index)),
                Column::Stat(stat, side) => stats.push((stat, side, index)),
                Column::Unknown if name.is_empty() => {}
                Column::Unknown => ignored.push(name.clone()),
                Column::Unused => {}
                column => prices.take(&column, index),
            }
        }
        let needed = [(Field::Date, "Date"), (Field::Home, "HomeTeam"), (Field::Away, "AwayTeam")];
        let missing: Vec<&str> = needed
            .iter()
            .filter(|(field, _)| fields[*field as usize].is_none())
            .map(|(_, name)| *name)
            .collect();
        if missing.len() == needed.len() {
            return Err(NoHeader::Other);
        }
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(NoHeader::Lacking(format!("the header has no column {missing}")));
        }
        // The "new leagues" list closing prices alone; their older files without the `C`.
        let closing_only = fields[Field::Country as usize].is_some();
        let (markets, unknown_books) = prices.markets(closing_only, &names, &mut ignored);
        let width = names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        let extremes = extremes(&markets);
        Ok(Self { names, fields, stats, markets, extremes, width, unknown_books, ignored })
    }

    pub(super) fn field(&self, field: Field) -> Option<u16> {
        self.fields[field as usize]
    }

    /// Whether rows under this header can hold a result at all; a list of coming matches cannot.
    pub(super) fn has_score(&self) -> bool {
        [Field::HomeGoals, Field::AwayGoals].into_iter().all(|field| self.field(field).is_some())
    }

    /// The number of columns, those without a name included.
    pub(super) fn cells(&self) -> usize {
        self.names.len()
    }

    /// A column's name, or its number from 1 where it has none.
    #[must_use]
    pub fn name(&self, column: usize) -> String {
        match self.names.get(column) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("column {}", column + 1),
        }
    }

    /// The names of all columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Codes of books that are not in the table: their prices go by the code in lower case.
    #[must_use]
    pub fn unknown_books(&self) -> &[String] {
        &self.unknown_books
    }

    /// Columns that are not understood and so not read.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

/// Puts right what is known to be wrong in headers.
fn repair(names: &mut [String]) {
    // A slip of the keys in the file of Ireland.
    for name in names.iter_mut().filter(|name| *name == "B36CA") {
        *name = "B365CA".to_owned();
    }
    // A book's code three times in a row stands for its three prices.
    for start in 0..names.len().saturating_sub(2) {
        let [first, second, third] = &mut names[start..start + 3] else { return };
        if first == second && second == third && books::origin(first).is_some() {
            for (name, suffix) in [first, second, third].into_iter().zip(["H", "D", "A"]) {
                name.push_str(suffix);
            }
        }
    }
}

/// The pairs of a maximum and the mean of the same prices.
fn extremes(markets: &[MarketPlan]) -> Vec<(u16, u16)> {
    let of = |wanted: Statistic| {
        // There are no more markets than columns: the count fits.
        (0_u16..).zip(markets).filter(move |(_, market)| market.origin == Origin::Aggregate(wanted))
    };
    // A count of books tells those of one comparison from those of another.
    let same = |a: &MarketPlan, b: &MarketPlan| {
        (a.family, a.phase, a.line, a.books) == (b.family, b.phase, b.line, b.books)
    };
    of(Statistic::Max)
        .filter_map(|(max, plan)| {
            let avg = of(Statistic::Avg).find(|(_, other)| same(plan, other));
            avg.map(|(avg, _)| (max, avg))
        })
        .collect()
}

/// The columns of prices, by whose and of what.
#[derive(Default)]
struct Prices {
    columns: BTreeMap<(String, Family), [Option<u16>; 3]>,
    handicaps: BTreeMap<(String, bool), u16>,
    books: [Option<u16>; 3],
}

impl Prices {
    fn take(&mut self, column: &Column<'_>, index: u16) {
        match *column {
            Column::Price { code, family, selection } => {
                let columns = self.columns.entry((code.to_owned(), family)).or_default();
                columns[selection].get_or_insert(index);
            }
            Column::Handicap { code, closing } => {
                self.handicaps.entry((code.to_owned(), closing)).or_insert(index);
            }
            Column::Books(of) => {
                self.books[of as usize].get_or_insert(index);
            }
            _ => {}
        }
    }

    /// The markets in the order of their first columns, and the codes that are not known.
    fn markets(
        &self,
        closing_only: bool,
        names: &[String],
        ignored: &mut Vec<String>,
    ) -> (Vec<MarketPlan>, Vec<String>) {
        let mut markets = Vec::new();
        let mut unknown = Vec::new();
        for ((code, family), columns) in &self.columns {
            let found: Vec<u16> = columns.iter().copied().flatten().collect();
            let whose = (found.len() == family.selections())
                .then(|| self.whose(code, *family, &mut unknown))
                .flatten();
            let Some((origin, plain, closing)) = whose else {
                ignored.extend(found.iter().map(|&column| names[usize::from(column)].clone()));
                continue;
            };
            let is_betbrain = plain.starts_with("Bb");
            let line = match family {
                Family::AsianHandicap => self.line(plain, closing, is_betbrain),
                _ => None,
            };
            let books = match (is_betbrain, family) {
                (false, _) => None,
                (true, Family::MatchOdds) => self.books[BooksOf::MatchOdds as usize],
                (true, Family::Totals(_)) => self.books[BooksOf::Totals as usize],
                (true, Family::AsianHandicap) => self.books[BooksOf::AsianHandicap as usize],
            };
            let phase = if closing || closing_only { Phase::Closing } else { Phase::Pre };
            let columns = [0, 1, 2].map(|at| found.get(at).copied().unwrap_or_default());
            markets.push(MarketPlan { origin, family: *family, phase, columns, line, books });
        }
        markets.sort_by_key(|market| market.columns[0]);
        unknown.sort();
        unknown.dedup();
        (markets, unknown)
    }

    /// Whose prices a code stands for: the origin, the code without the `C` of a closing price,
    /// and whether it had one. `VC` is a book, so `VCH` is no closing price of a book `V`.
    fn whose<'c>(
        &self,
        code: &'c str,
        family: Family,
        unknown: &mut Vec<String>,
    ) -> Option<(Origin, &'c str, bool)> {
        if let Some(origin) = books::origin(code) {
            return Some((origin, code, false));
        }
        let plain = code.strip_suffix('C');
        if let Some((plain, origin)) = plain.and_then(|plain| Some((plain, books::origin(plain)?)))
        {
            return Some((origin, plain, true));
        }
        let closing =
            plain.filter(|plain| self.columns.contains_key(&((*plain).to_owned(), family)));
        let plain = closing.unwrap_or(code);
        let book = books::unknown_book(plain)?;
        unknown.push(plain.to_owned());
        Some((Origin::Book(book), plain, closing.is_some()))
    }

    /// The column of the line that these handicap prices stand on: the code's own, else the
    /// comparison's, else everybody's.
    fn line(&self, code: &str, closing: bool, is_betbrain: bool) -> Option<u16> {
        let find = |code: &str| self.handicaps.get(&(code.to_owned(), closing)).copied();
        let own = find(code);
        if is_betbrain { own.or_else(|| find("Bb")) } else { own.or_else(|| find("")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(line: &str) -> Header {
        Header::read(line.as_bytes()).unwrap()
    }

    /// Each market of a header as `whose market phase`, the names of its columns, and its line.
    fn markets(line: &str) -> Vec<String> {
        let header = header(line);
        let name = |column: u16| header.name(column.into());
        header
            .markets
            .iter()
            .map(|market| {
                let whose = match &market.origin {
                    Origin::Book(book) => book.to_string(),
                    Origin::Aggregate(statistic) => format!("{statistic:?}"),
                };
                let columns: Vec<String> = market.columns().iter().map(|&at| name(at)).collect();
                let line = market.line.map(|line| format!(" on {}", name(line)));
                let books = market.books.map(|books| format!(" of {}", name(books)));
                format!(
                    "{whose} {:?} {}{}{}",
                    market.phase,
                    columns.join(" "),
                    line.unwrap_or_default(),
                    books.unwrap_or_default()
                )
            })
            .collect()
    }

    const MATCH: &str = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,FTR";

    #[test]
    fn pre_match_and_closing_prices_of_a_code_are_told_apart() {
        assert_eq!(
            markets(&format!("{MATCH},VCH,VCD,VCA,VCCH,VCCD,VCCA,PSCH,PSCD,PSCA,PC>2.5,PC<2.5")),
            [
                "betvictor Pre VCH VCD VCA",
                "betvictor Closing VCCH VCCD VCCA",
                "pinnacle Closing PSCH PSCD PSCA",
                "pinnacle Closing PC>2.5 PC<2.5",
            ]
        );
    }

    #[test]
    fn means_and_maxima_are_aggregates_with_their_count_of_books() {
        assert_eq!(
            markets(&format!(
                "{MATCH},Bb1X2,BbMxH,BbMxD,BbMxA,BbAH,BbAHh,BbAvAHH,BbAvAHA,MaxH,MaxD,MaxA"
            )),
            [
                "Max Pre BbMxH BbMxD BbMxA of Bb1X2",
                "Avg Pre BbAvAHH BbAvAHA on BbAHh of BbAH",
                "Max Pre MaxH MaxD MaxA",
            ]
        );
    }

    #[test]
    fn a_handicap_stands_on_the_books_own_line_or_on_everybodys() {
        assert_eq!(
            markets(&format!(
                "{MATCH},GBAHH,GBAHA,GBAH,AHh,B365AHH,B365AHA,AHCh,B365CAHH,B365CAHA,PAHA,PAHH"
            )),
            [
                "gamebookers Pre GBAHH GBAHA on GBAH",
                "bet365 Pre B365AHH B365AHA on AHh",
                "bet365 Closing B365CAHH B365CAHA on AHCh",
                "pinnacle Pre PAHH PAHA on AHh",
            ]
        );
    }

    #[test]
    fn the_new_leagues_list_closing_prices_alone() {
        assert_eq!(
            markets(
                "\u{feff}Country,League,Season,Date,Time,Home,Away,HG,AG,Res,PH,PD,PA,B365CH,B365CD,B36CA"
            ),
            ["pinnacle Closing PH PD PA", "bet365 Closing B365CH B365CD B365CA"]
        );
    }

    #[test]
    fn a_code_that_stands_three_times_is_read_as_three_prices() {
        assert_eq!(markets(&format!("{MATCH},LB,LB,LB")), ["ladbrokes Pre LBH LBD LBA"]);
    }

    #[test]
    fn a_book_that_is_not_known_goes_by_its_code_and_a_lone_column_is_ignored() {
        let line = format!("{MATCH},ZBH,ZBD,ZBA,ZBCH,ZBCD,ZBCA,FairH,FairD,FairA,XGH,Note,");
        assert_eq!(markets(&line), ["zb Pre ZBH ZBD ZBA", "zb Closing ZBCH ZBCD ZBCA"]);
        let header = header(&line);
        assert_eq!(header.unknown_books(), ["ZB"]);
        assert_eq!(header.ignored(), ["Note", "FairH", "FairD", "FairA", "XGH"]);
        assert_eq!(header.width + 1, header.cells());
    }

    #[test]
    fn a_line_of_data_is_no_header_and_half_a_header_says_what_it_lacks() {
        assert_eq!(Header::read(b"E0,16/08/2024,A,B,1,0,H"), Err(NoHeader::Other));
        assert_eq!(Header::read(b"<!DOCTYPE HTML>"), Err(NoHeader::Other));
        let lacking = Header::read(b"Date,HomeTeam,Score").unwrap_err();
        assert_eq!(lacking.to_string(), "the header has no column AwayTeam");
    }
}
