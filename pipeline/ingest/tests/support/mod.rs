//! Where the tests find real files.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "support of tests, each of which uses its part"
)]

use std::path::{Path, PathBuf};

pub(crate) mod web;

/// The folder of the files of football-data.co.uk, or none: then the test says so, and fails
/// where data are demanded.
pub(crate) fn collection() -> Option<PathBuf> {
    let folder = std::env::var_os("MARABET_DATA").map(PathBuf::from);
    if folder.is_none() {
        assert!(
            std::env::var_os("MARABET_DATA_DEMANDED").is_none(),
            "MARABET_DATA must be set in continuous integration"
        );
        eprintln!("skipped: MARABET_DATA is not set, so there are no real files to read");
    }
    folder.map(|folder| folder.join("football_data_uk"))
}

/// Every CSV file below a folder, compressed or not, in the order of the paths.
pub(crate) fn csv_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".csv") || name.ends_with(".csv.gz") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
