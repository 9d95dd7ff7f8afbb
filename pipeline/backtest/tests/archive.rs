//! An archive makes the bets of the history that was imported into it.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use marabet_archive::{Archive, Importer};
use marabet_backtest::digest;
use marabet_backtest::history::{History, HistoryError, Origin, Unread, Years};
use marabet_backtest::replay::replay;
use marabet_backtest::setup::Setup;
use marabet_backtest::sweep::compare::{differences, swept};
use marabet_ingest::RejectCounts;
use marabet_ingest::football_data::{Loader, Timing};
use marabet_ingest::seasons;
use marabet_ingest::simulator::{Settings, Simulation};

/// Two leagues as files of football-data.co.uk.
fn files(folder: &Path) {
    for (seed, competition, seasons) in [(1, "E8", 2), (2, "E9", 1)] {
        let competition = competition.into();
        let settings = Settings { seed, competition, seasons, sides: 8, ..Settings::default() };
        Simulation::new(settings).unwrap().write_csv(folder).unwrap();
    }
}

/// Imports the files as `marabet import` does.
fn import(folder: &Path, into: &Path) {
    let paths = seasons::find(&[folder.to_owned()]).unwrap();
    let archive = Archive::at(into.to_str().unwrap()).unwrap();
    let mut rejects = RejectCounts::default();
    let mut loader = Loader::new(Timing::default());
    for path in &paths {
        loader.file(path, &mut rejects).unwrap();
    }
    let print = loader.fingerprint();
    let timeline = loader.finish(&mut rejects);
    let mut importer = Importer::begin(&archive, 3, &print, "two leagues").unwrap();
    timeline.into_events().for_each(|event| importer.push(&event).unwrap());
    importer.finish().unwrap();
}

fn setup() -> Setup {
    let mut setup = Setup::default();
    setup.training.matches_min = 40;
    setup
}

fn in_archive(archive: &Path, leagues: &[&str], years: Years) -> Result<History, HistoryError> {
    let leagues: Vec<_> = leagues.iter().map(|code| (*code).into()).collect();
    History::in_archive(archive.to_str().unwrap(), &leagues, years)
}

#[test]
fn an_archive_makes_the_bets_of_the_files_that_were_imported() {
    let home = tempfile::tempdir().unwrap();
    let (data, archive) = (home.path().join("data"), home.path().join("archive"));
    files(&data);
    import(&data, &archive);
    for (leagues, years) in [
        (&[][..], Years::default()),
        (&["E9"], Years::default()),
        (&[], Years { from: Some(2022), to: None }),
    ] {
        let codes: Vec<_> = leagues.iter().map(|code| (*code).into()).collect();
        let from_files = History::in_folder(&data, &codes, years).unwrap();
        let archived = in_archive(&archive, leagues, years).unwrap();
        assert_eq!(archived.origin, Origin::Archive);
        let (one, other) =
            (replay(&from_files, &setup(), 2).unwrap(), replay(&archived, &setup(), 2).unwrap());
        assert_eq!(one.walked, other.walked);
        assert_eq!(one.walked.dead, 0);
        assert_eq!(digest::of_bets(&one.booked.bets), digest::of_bets(&other.booked.bets));
        assert_eq!(one.booked, other.booked);
        assert!(leagues.len() == 1 || one.booked.bets.len() > 50, "{}", one.booked.bets.len());
        let swept = swept(&archived, &setup(), 2).unwrap();
        assert_eq!(differences(&other.booked.bets, &swept), []);
    }
}

#[test]
fn an_archive_that_is_none_lacks_a_league_or_is_damaged_is_named() {
    let home = tempfile::tempdir().unwrap();
    let (data, archive) = (home.path().join("data"), home.path().join("archive"));
    let error = in_archive(&archive, &[], Years::default()).unwrap_err().to_string();
    assert!(error.contains("archive") && error.contains("marabet import"), "{error}");
    files(&data);
    import(&data, &archive);
    let error = in_archive(&archive, &["XX"], Years::default()).unwrap_err().to_string();
    assert!(error.contains("XX") && error.contains("E9"), "{error}");

    let history = in_archive(&archive, &[], Years::default()).unwrap();
    let mut found = walk(&archive.join("feed"));
    let file = found.pop().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    // Whether it is found at the beginning or on the way, and whoever reads on.
    let told = history.strands.iter().map(|strand| {
        let mut facts = strand.facts(&mut Unread::default())?;
        facts.by_ref().for_each(drop);
        facts.finish()
    });
    let errors: Vec<String> =
        told.filter_map(|told: Result<(), HistoryError>| Some(told.err()?.to_string())).collect();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(!errors.is_empty() && errors.iter().all(|error| error.contains(name)), "{errors:?}");
    assert!(replay(&history, &setup(), 2).is_err());
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<std::path::PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
