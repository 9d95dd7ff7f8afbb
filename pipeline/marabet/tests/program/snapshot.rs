//! A real snapshot of the prices of 69 books: what could be bet then, and how it ended.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{json, marabet, real_data, run, text};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Home, draw or away of each match of a file of football-data.co.uk.
fn results(file: &Path) -> BTreeMap<(String, String), String> {
    let mut bytes = Vec::new();
    let packed = std::fs::File::open(file).unwrap();
    flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (home, away, result) = (column("HomeTeam"), column("AwayTeam"), column("FTR"));
    rows.filter(|row| row.len() > result)
        .map(|row| ((row[home].to_owned(), row[away].to_owned()), row[result].to_owned()))
        .collect()
}

#[test]
fn a_snapshot_says_what_could_be_bet_per_book_and_how_it_ended() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut script = Command::new(format!("{ROOT}/docs/examples/snapshot.sh"));
    script
        .env("MARABET_DATA", &data)
        .env("MARABET", env!("CARGO_BIN_EXE_marabet"))
        .env("MARABET_LOG__FOLDER", folder.path());
    let printed = text(&run(&mut script));
    assert!(printed.contains("What could be bet") && printed.contains("ended:"), "{printed}");

    let asked = |arguments: &[&str]| {
        let mut command = marabet();
        json(command.args(arguments).env("MARABET_LOG__FOLDER", folder.path()))
    };
    let books = asked(&["bets", "books"]);
    let best = &books["best"];
    let count = |of: &Value, what: &str| of[what].as_u64().unwrap();
    assert!(count(best, "bets") >= 50 && count(best, "settled") >= 10, "{best}");
    let of_books = books["books"].as_object().unwrap();
    assert!(of_books.len() >= 10, "{of_books:?}");
    for (book, of_book) in of_books {
        assert!(book != "pinnacle" && !book.ends_with("_lay"), "nobody can bet at {book}");
        assert!(of_book["claimed_ev"].as_f64().unwrap() >= 0.02 - 1e-9, "{book}: {of_book}");
    }

    // Each result that can be looked up by hand is the one that it was settled by.
    let bets = asked(&["bets", "list"]);
    let mut looked_up = 0;
    for bet in bets["bets"].as_array().unwrap() {
        let key: Vec<&str> = bet["match"].as_str().unwrap().split('|').collect();
        let file = ["raw", "derived"]
            .map(|kind| data.join(format!("football_data_uk/{kind}/{}/2526.csv.gz", key[0])));
        let Some(file) = file.iter().find(|file| file.exists()) else { continue };
        let (true, Some(outcome)) = (bet["market"] == "1x2", bet["outcome"].as_str()) else {
            continue;
        };
        let was = &results(file)[&(key[2].to_owned(), key[3].to_owned())];
        let selection = match was.as_str() {
            "H" => "home",
            "D" => "draw",
            _ => "away",
        };
        let expected = if bet["selection"] == selection { "win" } else { "loss" };
        assert_eq!(outcome, expected, "{bet}");
        looked_up += 1;
    }
    assert!(looked_up >= 5, "{looked_up}");
}
