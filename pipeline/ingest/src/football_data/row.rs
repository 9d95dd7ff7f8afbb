//! Reading a row by the plan of its header.

use std::sync::Arc;

use jiff::civil::{Date, Time};
use marabet_quant::{Line, Odds};
use marabet_schemas::facts::{ResultStatus, SideStats};
use marabet_schemas::{Competition, MatchKey};
use smol_str::SmolStr;

use super::cells::{self, Span, trimmed};
use super::columns::{Family, Field, Side, Stat};
use super::header::{Header, MarketPlan, NoHeader};
use super::record::{Price, Record, Standing};
use super::{competitions, day};
use crate::reject::RejectKind;

/// What is wrong, and in which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: RejectKind,
    pub(super) column: Option<usize>,
    pub(super) reason: String,
}

impl Fault {
    fn new(kind: RejectKind, reason: impl Into<String>) -> Self {
        Self { kind, column: None, reason: reason.into() }
    }

    fn at(column: impl Into<usize>, kind: RejectKind, reason: impl Into<String>) -> Self {
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

/// The most goals of a side that are taken for a score.
const GOALS_MAX: u16 = 99;

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
    /// The season of the last row, and what told it.
    season: Option<(Competition, Date, SmolStr)>,
    /// The prices of the row in hand.
    prices: Vec<Price>,
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
            season: None,
            prices: Vec::new(),
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
        let season = season(&columns, &competition, date, &mut self.season)?;
        let (home, away, key) = sides(&columns, &competition, &season)?;
        self.check_season(&header, &season)?;

        let columns = Columns { header: &header, spans: &self.spans, line };
        let standing = standing(&columns, note, &mut self.faults);
        let stats = stats(&columns, &mut self.faults);
        prices(&columns, &mut self.prices, &mut self.faults);
        drop_impossible_extremes(&header, &mut self.prices, &mut self.faults);
        let prices = self.prices.as_slice().into();
        let file = self.file.clone();
        Ok(Row::Record(Box::new(Record {
            header,
            file,
            line: number,
            key,
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
struct Columns<'a> {
    header: &'a Header,
    spans: &'a [Span],
    line: &'a [u8],
}

impl<'a> Columns<'a> {
    /// The cell, trimmed; empty where the row is too short.
    fn cell(&self, column: u16) -> &'a [u8] {
        self.spans.get(usize::from(column)).map_or(&[], |span| trimmed(span.of(self.line)))
    }

    /// The number in a cell; none where nothing stands there, or no plain decimal number.
    fn number(&self, column: u16) -> Option<f64> {
        let span = *self.spans.get(usize::from(column))?;
        let short = cells::short_decimal(self.line, span);
        short.or_else(|| cells::decimal(trimmed(span.of(self.line))))
    }

    fn count(&self, column: u16, max: u16) -> Option<u16> {
        cells::count(self.number(column)?, max)
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

fn season(
    columns: &Columns<'_>,
    competition: &Competition,
    date: Date,
    last: &mut Option<(Competition, Date, SmolStr)>,
) -> Result<SmolStr, Fault> {
    if let Some(column) = columns.header.field(Field::Season)
        && !columns.cell(column).is_empty()
    {
        let season = competitions::season_from_label(&columns.text(column)).map(SmolStr::from);
        return season.ok_or_else(|| {
            Fault::at(column, RejectKind::Name, "no season such as 2024 or 2024/2025")
        });
    }
    if let Some((of, day, season)) = last
        && (&*of, *day) == (competition, date)
    {
        return Ok(season.clone());
    }
    let season = SmolStr::from(competitions::season(competition, date));
    *last = Some((competition.clone(), date, season.clone()));
    Ok(season)
}

fn sides(
    columns: &Columns<'_>,
    competition: &Competition,
    season: &str,
) -> Result<(SmolStr, SmolStr, MatchKey), Fault> {
    let side = |field| {
        let column = columns.header.field(field).expect("a header has both sides: checked");
        (column, SmolStr::from(columns.text(column)))
    };
    let ((home_column, home), (away_column, away)) = (side(Field::Home), side(Field::Away));
    for (column, name) in [(home_column, &home), (away_column, &away)] {
        if name.is_empty() {
            return Err(Fault::at(column, RejectKind::Name, "no side is named"));
        }
    }
    let key = MatchKey::new(competition, season, &home, &away, 1).map_err(|error| {
        // The home side's name alone tells whose fault it is.
        let home_is_good = MatchKey::new(competition, season, &home, &home, 1).is_ok();
        let column = if home_is_good { away_column } else { home_column };
        Fault::at(column, RejectKind::Name, error.to_string())
    })?;
    if home == away {
        return Err(Fault::at(away_column, RejectKind::Name, "a side cannot play itself"));
    }
    Ok((home, away, key))
}

fn standing(columns: &Columns<'_>, status: ResultStatus, faults: &mut Vec<Fault>) -> Standing {
    if !columns.header.has_score() {
        return Standing::ToCome;
    }
    let faults_before = faults.len();
    let Some(score) = goals(columns, [Field::HomeGoals, Field::AwayGoals], faults) else {
        if faults.len() == faults_before {
            let column = columns.header.field(Field::HomeGoals).map(usize::from);
            let reason = "no score: the match was broken off, or is not played yet; its prices \
                          stand";
            faults.push(Fault { column, ..Fault::new(RejectKind::Score, reason) });
        }
        return Standing::WithoutResult;
    };
    if let Some(column) = columns.header.field(Field::Outcome) {
        let stated = columns.cell(column);
        let outcome: &[u8] = match score[0].cmp(&score[1]) {
            std::cmp::Ordering::Greater => b"H",
            std::cmp::Ordering::Equal => b"D",
            std::cmp::Ordering::Less => b"A",
        };
        if !stated.is_empty() && stated != outcome {
            let [home, away] = score;
            let reason = format!(
                "contradicts the score {home}-{away}: the result is left out, since one of the \
                 two is wrong; the prices stand"
            );
            faults.push(Fault::at(column, RejectKind::Contradiction, reason));
            return Standing::WithoutResult;
        }
    }
    let mut half_time = goals(columns, [Field::HomeHalfTime, Field::AwayHalfTime], faults);
    if half_time.is_some_and(|[home, away]| home > score[0] || away > score[1]) {
        let column = columns.header.field(Field::HomeHalfTime);
        let reason = "more goals at half time than at the end: the half-time score is left out";
        let column = column.map(usize::from);
        faults.push(Fault { column, ..Fault::new(RejectKind::Contradiction, reason) });
        half_time = None;
    }
    Standing::Over { status, score, half_time }
}

/// A pair of goals; none where both cells are empty.
fn goals(columns: &Columns<'_>, fields: [Field; 2], faults: &mut Vec<Fault>) -> Option<[u8; 2]> {
    let [home, away] = fields.map(|field| columns.header.field(field));
    let (home, away) = (home?, away?);
    if columns.cell(home).is_empty() && columns.cell(away).is_empty() {
        return None;
    }
    let mut read = |column: u16| {
        let goals = columns.count(column, GOALS_MAX);
        let goals = goals.and_then(|goals| u8::try_from(goals).ok());
        if goals.is_none() {
            let reason = format!("no number of goals from 0 to {GOALS_MAX}: the score is left out");
            faults.push(Fault::at(column, RejectKind::Score, reason));
        }
        goals
    };
    Some([read(home)?, read(away)?])
}

fn stats(columns: &Columns<'_>, faults: &mut Vec<Fault>) -> Option<[SideStats; 2]> {
    let mut sides = [SideStats::default(); 2];
    let mut any = false;
    for &(stat, side, column) in &columns.header.stats {
        let Some(count) = columns.count(column, 999) else {
            if columns.cell(column).is_empty() {
                continue;
            }
            faults.push(Fault::at(column, RejectKind::Statistic, "no count from 0 to 999"));
            continue;
        };
        let side = &mut sides[match side {
            Side::Home => 0,
            Side::Away => 1,
        }];
        let place = match stat {
            Stat::Shots => &mut side.shots,
            Stat::ShotsOnTarget => &mut side.shots_on_target,
            Stat::Corners => &mut side.corners,
            Stat::Fouls => &mut side.fouls,
            Stat::YellowCards => &mut side.yellow_cards,
            Stat::RedCards => &mut side.red_cards,
        };
        *place = Some(count);
        any = true;
    }
    any.then_some(sides)
}

fn prices(columns: &Columns<'_>, prices: &mut Vec<Price>, faults: &mut Vec<Fault>) {
    let markets = &columns.header.markets;
    prices.clear();
    // Several markets stand on one line; what is wrong with it is said once.
    let mut bad_lines: Vec<Option<u16>> = Vec::new();
    // The header has at most as many markets as columns: the count fits.
    for (plan, market) in (0_u16..).zip(markets) {
        let Some(odds) = odds(columns, market, faults) else { continue };
        let line = match market.family {
            Family::MatchOdds | Family::Totals(_) => None,
            Family::AsianHandicap => match market.line.map(|column| line(columns.cell(column))) {
                Some(Some(line)) => Some(line),
                _ if bad_lines.contains(&market.line) => continue,
                _ => {
                    bad_lines.push(market.line);
                    let column = market.line.unwrap_or(market.columns[0]);
                    let missing = market.line.is_none_or(|line| columns.cell(line).is_empty());
                    let reason = if missing {
                        "no Asian handicap beside its prices: the prices are left out"
                    } else {
                        "no Asian handicap in quarter goals: the prices that stand on it are left \
                         out"
                    };
                    let column = Some(usize::from(column));
                    faults.push(Fault { column, ..Fault::new(RejectKind::Line, reason) });
                    continue;
                }
            },
        };
        let books = market.books.and_then(|column| columns.count(column, 9999));
        prices.push(Price::new(plan, books, line, odds));
    }
}

/// A maximum over books that is this many times their mean is taken for a slip of the keys.
const EXTREME_MAX: f64 = 1.8;

/// Leaves out maxima that lie below the mean of the same prices, the mean with them since one of
/// the two is wrong, and maxima that lie absurdly far above it.
fn drop_impossible_extremes(header: &Header, prices: &mut Vec<Price>, faults: &mut Vec<Fault>) {
    for &(max_plan, avg_plan) in &header.extremes {
        let find = |plan| prices.iter().find(|price| price.plan == plan).map(|price| price.odds);
        let (Some(max), Some(avg)) = (find(max_plan), find(avg_plan)) else { continue };
        let ratio = |selection: &usize| max[*selection].decimal() / avg[*selection].decimal();
        let mut selections = 0..header.markets[usize::from(max_plan)].columns().len();
        let Some(selection) =
            selections.find(|selection| !(1.0..=EXTREME_MAX).contains(&ratio(selection)))
        else {
            continue;
        };
        let column = |plan: u16| header.markets[usize::from(plan)].columns[selection];
        let (max, avg) = (max[selection], avg[selection]);
        let mut leave_out = |plan: u16, reason: String| {
            prices.retain(|price| price.plan != plan);
            faults.push(Fault::at(column(plan), RejectKind::Contradiction, reason));
        };
        if max < avg {
            let reason = format!("the maximum {max} lies below the mean {avg}: both are left out");
            leave_out(max_plan, reason.clone());
            leave_out(avg_plan, reason);
        } else {
            let reason = format!(
                "the maximum {max} is more than {EXTREME_MAX} times the mean {avg}: it is left out"
            );
            leave_out(max_plan, reason);
        }
    }
}

/// The prices of a market; none where the cells are empty, or with a fault where one is bad.
fn odds(columns: &Columns<'_>, market: &MarketPlan, faults: &mut Vec<Fault>) -> Option<[Odds; 3]> {
    let of_market = market.columns();
    let mut empty = None;
    let mut odds = [None; 3];
    for (place, &column) in odds.iter_mut().zip(of_market) {
        let number = columns.number(column);
        *place = number.and_then(|decimal| Odds::new(decimal).ok());
        if place.is_none() {
            if number.is_none() && columns.cell(column).is_empty() {
                empty = Some(column);
                continue;
            }
            let reason = "no decimal odds above 1: this market of this book is left out";
            faults.push(Fault::at(column, RejectKind::Odds, reason));
            return None;
        }
    }
    let first = odds.iter().flatten().next().copied()?;
    if let Some(column) = empty {
        let reason = "no price beside the others of its market: this market of this book is left \
                      out";
        faults.push(Fault::at(column, RejectKind::Incomplete, reason));
        return None;
    }
    Some(odds.map(|odds| odds.unwrap_or(first)))
}

/// A handicap: `-0.75`, or as the two lines that a quarter line is made of, `-0.5,-1`.
fn line(cell: &[u8]) -> Option<Line> {
    let Some(comma) = cell.iter().position(|&byte| byte == b',') else {
        return Line::new(cells::decimal(cell)?).ok();
    };
    let (first, second) = (cells::decimal(trimmed(&cell[..comma]))?, &cell[comma + 1..]);
    let second = cells::decimal(trimmed(second))?;
    let apart = (first - second).abs() == 0.5;
    apart.then(|| Line::new((first + second) / 2.0).ok()).flatten()
}
