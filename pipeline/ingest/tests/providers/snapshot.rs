//! A real snapshot of The Odds API, 108,964 prices of 69 books: from its rows to facts.

use std::collections::{BTreeMap, BTreeSet};

use marabet_ingest::RejectKind;
use marabet_ingest::desk::Desk;
use marabet_ingest::names::Names;
use marabet_ingest::prices_file::{Mapping, read, report};
use marabet_ingest::the_odds_api::SOURCE;
use marabet_schemas::Body;

use crate::hand::data;

fn mapping() -> Mapping {
    let columns = [
        ("match", "event_id"),
        ("competition", "sport_key"),
        ("home", "home_team"),
        ("away", "away_team"),
        ("kickoff", "commence_time"),
        ("at", "snapshot_time"),
        ("book", "bookmaker_key"),
        ("market", "market"),
        ("outcome", "outcome_name"),
        ("odds", "price"),
        ("point", "point"),
        ("seen", "last_update"),
    ];
    let columns = columns.map(|(role, name)| (role.to_owned(), name.to_owned()));
    Mapping::new(BTreeMap::from(columns)).unwrap()
}

#[test]
fn every_row_is_accounted_for_and_a_second_look_brings_no_news() {
    let Some(folder) = data("intraday_odds/the_odds_api_snapshot_2026-04-16") else { return };
    let looks = read(&folder.join("soccer_odds.csv.gz"), &mapping()).unwrap();
    assert_eq!(looks.rows, 108_964);
    let mut kinds: BTreeMap<RejectKind, usize> = BTreeMap::new();
    for reject in &looks.rejects {
        *kinds.entry(reject.kind).or_default() += 1;
    }
    println!("{} matches; rejects {kinds:?}", looks.shown.len());
    // The outrights have no sides.
    assert_eq!(kinds[&RejectKind::Name], 928);
    let names = Names::in_memory();
    let mut desk = Desk::open(SOURCE.into(), names.clone(), 600, None).unwrap();
    let first = report(&mut desk, looks.clone()).unwrap();
    let (mut quotes, mut matches, mut books) = (0, BTreeSet::new(), BTreeSet::new());
    for event in &first.events {
        if let Body::Quote(quote) = &event.body {
            quotes += 1;
            matches.insert(event.key.clone().unwrap());
            books.insert(quote.book.clone());
        }
    }
    println!(
        "{quotes} quotes of {} matches and {} books, {} wait",
        matches.len(),
        books.len(),
        desk.waiting()
    );
    for question in names.questions() {
        println!("asked: {} in {}", question.written.name, question.competition);
    }
    assert!(quotes > 25_000 && books.len() >= 65, "{quotes} quotes of {} books", books.len());
    let second = report(&mut desk, looks).unwrap();
    assert!(
        second.events.iter().all(|event| matches!(event.body, Body::Seen(_))),
        "{}",
        second.events.len()
    );
}
