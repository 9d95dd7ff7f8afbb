//! The matches of the leagues and seasons asked for, from files of football-data.co.uk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use marabet_ingest::football_data::{FileReader, Record as Row, Standing};
use marabet_ingest::seasons::{SeasonFile, find, survey};
use marabet_quant::walkforward::{History, Record, Stats};
use marabet_schemas::facts::{Phase, SideStats};
use marabet_schemas::{Book, Competition};

use crate::cli::EvaluateArgs;
use crate::command::results::day;

pub(super) fn read(arguments: &EvaluateArgs) -> anyhow::Result<History> {
    let files = find(&arguments.data)?;
    let book = Book::from(arguments.book.as_str());
    let wanted = arguments.first.saturating_sub(arguments.before.into())..=arguments.last;
    let mut records = Vec::new();
    for league in &arguments.leagues {
        let competition = Competition::from(league.as_str());
        let seasons = seasons(&files, &competition, &book);
        let wanted = seasons.into_values().filter(|season| wanted.contains(&season.begins()));
        let before = records.len();
        for season in wanted {
            read_season(&season, &book, &mut records)?;
        }
        ensure!(
            records.len() > before,
            "no match of {league} in the seasons asked for among {} files in {}; put the files of \
             football-data.co.uk there, such as {league}/2425.csv",
            files.len(),
            places(&arguments.data)
        );
    }
    Ok(History::new(records)?)
}

fn places(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The files of a competition's seasons by the year in which they began: of two files of a season
/// the one with more results.
fn seasons(files: &[PathBuf], competition: &Competition, book: &Book) -> BTreeMap<i32, SeasonFile> {
    let mut by_year: BTreeMap<i32, SeasonFile> = BTreeMap::new();
    for season in survey(files, competition, book) {
        let known = by_year.get(&season.begins());
        if known.is_none_or(|known| known.results < season.results) {
            by_year.insert(season.begins(), season);
        }
    }
    by_year
}

fn read_season(season: &SeasonFile, book: &Book, records: &mut Vec<Record>) -> anyhow::Result<()> {
    let mut reader = FileReader::open(&season.path)?;
    let mut rejects = Vec::new();
    while let Some(row) = reader.next_record(&mut rejects)? {
        if row.competition == season.competition && row.season == season.season {
            records.extend(record(&row, season.begins(), book)?);
        }
    }
    Ok(())
}

/// A match with its result; none for one without.
fn record(row: &Row, season: i32, book: &Book) -> anyhow::Result<Option<Record>> {
    let Standing::Over { score, half_time, .. } = row.standing else { return Ok(None) };
    let odds =
        |phase| row.match_odds_of(book, phase).map(|odds| odds.map(marabet_quant::Odds::decimal));
    let counted = |of: fn(&SideStats) -> Option<u16>| {
        let [home, away] = row.side_stats()?;
        Some([of(home)?.into(), of(away)?.into()])
    };
    let day = day(&row.date.to_string()).with_context(|| format!("{}:{}", row.file, row.line))?;
    Ok(Some(Record {
        league: row.competition.to_string(),
        season,
        day,
        home: row.home.to_string(),
        away: row.away.to_string(),
        goals: score.map(u32::from),
        stats: Stats {
            half_time: half_time.map(|goals| goals.map(u32::from)),
            shots: counted(|side| side.shots),
            shots_on_target: counted(|side| side.shots_on_target),
            corners: counted(|side| side.corners),
            reds: counted(|side| side.red_cards),
        },
        pre_match: odds(Phase::Pre),
        closing: odds(Phase::Closing),
    }))
}
