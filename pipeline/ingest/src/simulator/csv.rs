//! The league as files in the form of football-data.co.uk, one a season.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use marabet_quant::MarketKind;
use marabet_schemas::Body;
use marabet_schemas::facts::{MatchResult, OddsList, Phase, SideStats, Statistic, Stats};

use super::Simulation;
use crate::football_data::{self, Instants, Timing, instants};

/// The league cannot be written as files.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {error}")]
pub struct CsvError {
    path: PathBuf,
    error: io::Error,
}

/// The kinds of markets that the files list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    MatchOdds,
    Totals,
    AsianHandicap,
}

impl Family {
    const ALL: [Self; 3] = [Self::MatchOdds, Self::Totals, Self::AsianHandicap];

    fn of(kind: MarketKind) -> Option<Self> {
        match kind {
            MarketKind::MatchOdds => Some(Self::MatchOdds),
            MarketKind::Totals(line) if line.goals() == 2.5 => Some(Self::Totals),
            MarketKind::AsianHandicap(_) => Some(Self::AsianHandicap),
            _ => None,
        }
    }

    const fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::MatchOdds => &["H", "D", "A"],
            Self::Totals => &[">2.5", "<2.5"],
            Self::AsianHandicap => &["AHH", "AHA"],
        }
    }
}

/// Whose column it is, as the files write it, before the `C` of closing prices.
type Code = String;

/// What stands in a row: the prices of each code, and the handicap of each phase.
#[derive(Default)]
struct Row {
    prices: BTreeMap<(Phase, Family, Code), OddsList>,
    lines: BTreeMap<Phase, f64>,
    result: Option<MatchResult>,
    stats: Option<Stats>,
}

impl Simulation {
    /// Writes a file for each season into `folder`, as `SIM/2122.csv`, and returns their paths.
    ///
    /// The pre-match prices are those that stood when the site would have collected them; the
    /// files hold less than the events do.
    ///
    /// # Errors
    /// [`CsvError`] when a file cannot be written.
    pub fn write_csv(&self, folder: &Path) -> Result<Vec<PathBuf>, CsvError> {
        let mut seasons: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, truth) in self.truths().enumerate() {
            seasons.entry(truth.key.season().to_owned()).or_default().push(place);
        }
        let folder = folder.join(self.settings.competition.as_str());
        std::fs::create_dir_all(&folder)
            .map_err(|error| CsvError { path: folder.clone(), error })?;
        let mut paths = Vec::new();
        for (season, places) in seasons {
            // `2021-22` is written `2122`.
            let name: String = season.chars().skip(2).filter(char::is_ascii_digit).collect();
            let path = folder.join(format!("{name}.csv"));
            let written = File::create(&path)
                .and_then(|file| self.write_season(&places, BufWriter::new(file)));
            written.map_err(|error| CsvError { path: path.clone(), error })?;
            paths.push(path);
        }
        Ok(paths)
    }

    fn write_season(&self, places: &[usize], mut out: impl Write) -> io::Result<()> {
        let rows: Vec<(usize, Row)> =
            places.iter().map(|&place| (place, self.row(place))).collect();
        let columns = columns(&rows);
        writeln!(out, "{}", header(&columns).join(","))?;
        for (place, row) in rows {
            writeln!(out, "{}", self.cells(place, &row, &columns).join(","))?;
        }
        out.flush()
    }

    /// What the site would know of a match: each price as it stood when it collects, the last
    /// before kick-off, the result.
    fn row(&self, place: usize) -> Row {
        let mut row = Row::default();
        let kickoff = self.matches[place].truth.kickoff;
        let collected = instants::on_london_clock(kickoff).map(|local| {
            Instants::of(local.date(), Some(local.time()), Timing::default()).announced
        });
        for event in self.events_of(place) {
            let too_late = collected.is_some_and(|collected| event.at > collected);
            let (code, market, odds, phase) = match event.body {
                Body::Quote(quote) => {
                    (quote.book.to_string(), quote.market, quote.odds, quote.phase)
                }
                Body::Aggregate(aggregate) => {
                    let code = match aggregate.statistic {
                        Statistic::Max => "Max",
                        Statistic::Avg => "Avg",
                    };
                    (code.to_owned(), aggregate.market, aggregate.odds, aggregate.phase)
                }
                Body::Result(result) => {
                    row.result = Some(result);
                    continue;
                }
                Body::Stats(stats) => {
                    row.stats = Some(stats);
                    continue;
                }
                _ => continue,
            };
            let Some(family) = Family::of(market.kind) else { continue };
            if phase == Phase::Pre && too_late {
                continue;
            }
            if let MarketKind::AsianHandicap(line) = market.kind {
                row.lines.insert(phase, line.goals());
            }
            row.prices.insert((phase, family, code_of(&code, family)), odds);
        }
        row
    }

    fn cells(&self, place: usize, row: &Row, columns: &[(Phase, Family, Code)]) -> Vec<String> {
        let truth = &self.matches[place].truth;
        let local = instants::on_london_clock(truth.kickoff);
        let when =
            |format: &str| local.map_or_else(String::new, |at| at.strftime(format).to_string());
        let mut cells = vec![
            truth.key.competition().to_string(),
            when("%d/%m/%Y"),
            when("%H:%M"),
            truth.key.home().to_owned(),
            truth.key.away().to_owned(),
        ];
        let result = row.result.as_ref();
        for score in [result.and_then(|result| result.score), result.and_then(|r| r.half_time)] {
            let letter = score.map(|[home, away]| match home.cmp(&away) {
                std::cmp::Ordering::Greater => "H",
                std::cmp::Ordering::Equal => "D",
                std::cmp::Ordering::Less => "A",
            });
            cells.extend([0, 1].map(|side| shown(score.map(|score| score[side]))));
            cells.push(letter.unwrap_or_default().to_owned());
        }
        for stat in STATS {
            let of = |side: fn(&Stats) -> &SideStats| {
                shown(row.stats.as_ref().and_then(|stats| (stat.1)(side(stats))))
            };
            cells.extend([of(|stats| &stats.home), of(|stats| &stats.away)]);
        }
        for phase in [Phase::Pre, Phase::Closing] {
            cells.push(shown(row.lines.get(&phase)));
        }
        for column in columns {
            let prices = row.prices.get(column);
            cells.extend((0..column.1.suffixes().len()).map(|selection| {
                shown(prices.and_then(|prices| prices.get(selection)).map(|odds| odds.decimal()))
            }));
        }
        cells
    }
}

/// A statistic: what its columns end in, and where it stands.
type StatColumn = (&'static str, fn(&SideStats) -> Option<u16>);

const STATS: [StatColumn; 6] = [
    ("S", |side| side.shots),
    ("ST", |side| side.shots_on_target),
    ("F", |side| side.fouls),
    ("C", |side| side.corners),
    ("Y", |side| side.yellow_cards),
    ("R", |side| side.red_cards),
];

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The prices that any row of the season has, in one order.
fn columns(rows: &[(usize, Row)]) -> Vec<(Phase, Family, Code)> {
    let columns: BTreeSet<_> =
        rows.iter().flat_map(|(_, row)| row.prices.keys().cloned()).collect();
    let of = |phase, family| {
        columns.iter().filter(move |column| (column.0, column.1) == (phase, family)).cloned()
    };
    [Phase::Pre, Phase::Closing]
        .into_iter()
        .flat_map(|phase| Family::ALL.into_iter().flat_map(move |family| of(phase, family)))
        .collect()
}

fn header(columns: &[(Phase, Family, Code)]) -> Vec<String> {
    let plain = "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR,HTHG,HTAG,HTR";
    let mut names: Vec<String> = plain.split(',').map(str::to_owned).collect();
    names.extend(STATS.iter().flat_map(|(stat, _)| [format!("H{stat}"), format!("A{stat}")]));
    names.extend(["AHh".to_owned(), "AHCh".to_owned()]);
    for (phase, family, code) in columns {
        let closing = if *phase == Phase::Closing { "C" } else { "" };
        names.extend(family.suffixes().iter().map(|suffix| format!("{code}{closing}{suffix}")));
    }
    names
}

/// The code of a book in the files; of one that they do not list, its name in capitals.
fn code_of(book: &str, family: Family) -> Code {
    match (football_data::code(&book.into()), family, book) {
        (_, _, "Max" | "Avg") => book.to_owned(),
        // The site lists Pinnacle under two codes.
        (Some("PS"), Family::Totals | Family::AsianHandicap, _) => "P".to_owned(),
        (Some(code), _, _) => code.to_owned(),
        (None, _, _) => {
            let capitals = book.chars().filter(char::is_ascii_alphanumeric).take(5);
            capitals.collect::<String>().to_ascii_uppercase()
        }
    }
}
