//! Finding seasons in folders and choosing among them, on simulated files.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use marabet_ingest::football_data::Timing;
use marabet_ingest::seasons::{Choice, SeasonsError, Wish, choose, find};
use marabet_ingest::simulator::{Settings, Simulation};

/// Files of the seasons from 2021-22 on, as `SIM/2122.csv` and so forth.
fn seasons(folder: &Path, count: u8) -> Vec<PathBuf> {
    let settings = Settings { seasons: count, sides: 6, relegated: 1, ..Settings::default() };
    Simulation::new(settings).unwrap().write_csv(folder).unwrap()
}

fn wish() -> Wish {
    Wish { competition: "SIM".into(), ..Wish::default() }
}

fn chosen(place: &Path) -> Result<Choice, SeasonsError> {
    choose(&[place.to_owned()], &wish())
}

fn names(choice: &Choice) -> (String, Vec<String>) {
    let before = choice.before.iter().map(|season| season.season.clone()).collect();
    (choice.streamed.season.clone(), before)
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    std::fs::write(path, change(std::fs::read_to_string(path).unwrap())).unwrap();
}

#[test]
fn the_newest_season_is_streamed_and_the_three_before_it_come_along() {
    let folder = tempfile::tempdir().unwrap();
    seasons(folder.path(), 5);
    let choice = chosen(folder.path()).unwrap();
    assert_eq!(
        names(&choice),
        ("2025-26".into(), ["2022-23", "2023-24", "2024-25"].map(Into::into).into())
    );
    let timeline = choice.load(Timing::default(), &mut Vec::new()).unwrap();
    assert_eq!(timeline.matches().len(), 4 * 30);
}

#[test]
fn a_season_that_still_runs_or_lacks_the_sharp_prices_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let files = seasons(folder.path(), 6);
    edit(&files[5], |text| text.lines().take(20).map(|line| format!("{line}\n")).collect());
    edit(&files[4], |text| text.replace("PSC", "XSC"));
    assert_eq!(names(&chosen(folder.path()).unwrap()).0, "2024-25");
}

#[test]
fn what_every_season_lacks_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let files = seasons(folder.path(), 2);
    edit(&files[1], |text| text.replace("PSC", "XSC"));
    let error = chosen(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("2022-23 has prices of pinnacle for only 30 (pre-match) and 0"),
        "{error}"
    );
    assert!(error.contains("2021-22 has no complete season before it"), "{error}");
}

#[test]
fn files_are_found_wherever_they_lie_compressed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = seasons(folder.path(), 2);
    let deep = folder.path().join("football_data_uk/raw/SIM");
    std::fs::create_dir_all(&deep).unwrap();
    for file in &files {
        let name = deep.join(file.file_name().unwrap()).with_extension("csv.gz");
        let mut packed = GzEncoder::new(std::fs::File::create(name).unwrap(), Compression::fast());
        packed.write_all(&std::fs::read(file).unwrap()).unwrap();
        packed.finish().unwrap();
    }
    let collection = chosen(folder.path()).unwrap();
    assert!(collection.streamed.path.ends_with("raw/SIM/2223.csv.gz"));
    let listed = choose(&files, &wish()).unwrap();
    assert_eq!(names(&listed), names(&collection));
    assert_eq!(find(&[folder.path().join("SIM")]).unwrap(), files);
    assert!(matches!(find(&["nowhere".into()]), Err(SeasonsError::Unreadable { .. })));
}

#[test]
fn a_folder_without_the_competition_says_what_to_put_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.csv"), "a,b\n1,2\n").unwrap();
    let error = chosen(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no file of SIM among 1 CSV files"), "{error}");
}
