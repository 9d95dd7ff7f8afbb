//! What must hold of any bytes that a source is given. The fuzz targets run it for as long as one
//! likes, and `pipeline/ingest/tests/garbage.rs` for a while in every test run.

#![allow(dead_code, reason = "each target uses a part of it")]

use std::collections::BTreeSet;

use marabet_ingest::api_football::{details, envelope, fixtures, odds};
use marabet_ingest::betfair::catalogue::Catalogue;
use marabet_ingest::betfair::tape::{Tape, TapeSettings};
use marabet_ingest::football_data::FileReader;
use marabet_ingest::names::normal::normal;
use marabet_ingest::names::pool::{Pool, Verdict, judge};
use marabet_ingest::ndjson::Reader;
use marabet_ingest::prices_file::{Mapping, ROLES, rows};
use marabet_ingest::the_odds_api::parse::{self, Parsed, Wanted};
use marabet_ingest::{Reject, openfootball, pinnacle};
use marabet_schemas::{Body, Instant};

/// Replies of API-Football: each list that they might hold is read or refused.
pub(crate) fn api_football(bytes: &[u8]) {
    let Ok(envelope) = envelope::unwrap("fuzz", bytes) else { return };
    let (items, mut rejects) = (&envelope.items, Vec::new());
    let _ = fixtures::read("fuzz", items, &mut rejects);
    let _ = odds::read("fuzz", items, &mut rejects);
    let sides = ["A", "B"];
    for item in items {
        let _ = details::embedded("fuzz", item, sides, &mut rejects);
    }
    let _ = details::statistics("fuzz", items, sides, &mut rejects);
    let _ = details::events("fuzz", items, sides, &mut rejects);
    let _ = details::line_ups("fuzz", items, sides, &mut rejects);
    let _ = details::injuries("fuzz", items, &mut rejects);
    let _ = details::teams("fuzz", items, &mut rejects);
    let _ = details::standings("fuzz", items, &mut rejects);
}

/// Lines as messages of the exchange, and bytes as its catalogue: the books that they make tell
/// whole quotes alone.
pub(crate) fn betfair(bytes: &[u8]) {
    let (mut news, mut rejects) = (Vec::new(), Vec::new());
    let mut catalogue = Catalogue::default();
    catalogue.read("fuzz", bytes, &mut rejects);
    let mut tape = Tape::new(TapeSettings::default(), catalogue);
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        tape.read("fuzz", number, line, &mut news, &mut rejects);
    }
    tape.seen(Instant::default(), &mut news);
    for fact in news.iter().flat_map(|news| &news.facts) {
        if let Body::Quote(quote) = fact {
            assert_eq!(quote.odds.len(), quote.market.selections().len());
        }
    }
}

/// Files of football-data.co.uk, of openfootball, of our own events, of prices with a mapping.
/// Each is read to its end, and what is no row of it is refused.
pub(crate) fn files(bytes: &[u8]) {
    let mut rejects: Vec<Reject> = Vec::new();
    let mut file = FileReader::new("E0.csv", bytes);
    while let Ok(Some(_)) = file.next_record(&mut rejects) {}
    let _ = openfootball::read("fuzz", bytes, &mut rejects);
    let mut reader = Reader::new("fuzz", bytes);
    while let Ok(Some(_)) = reader.next_event() {}
    let columns = ROLES.map(|role| (role.to_owned(), role.to_owned()));
    if let Ok(mapping) = Mapping::new(columns.into()) {
        let _ = rows("fuzz", bytes, &mapping);
    }
}

/// Names of sides: a pool that holds every side never says that a name is none of them.
pub(crate) fn names(one: &str, other: &str) {
    let mut pool = Pool::default();
    for name in [one, other] {
        let _ = normal(name).signature;
        pool.learn(&name.into(), name);
    }
    for name in [one, other] {
        let verdict = judge(&[&pool], name, &BTreeSet::new(), true);
        assert!(!matches!(verdict, Verdict::Different), "a covered pool asks");
    }
}

/// Pinnacle's fixtures and odds: read or refused.
pub(crate) fn pinnacle(bytes: &[u8]) {
    let mut rejects = Vec::new();
    let _ = pinnacle::parse::fixtures("fuzz", bytes, &mut rejects);
    let _ = pinnacle::parse::odds("fuzz", bytes, true, &mut rejects);
}

/// Replies of The Odds API: read or refused, and every price that is read is one.
pub(crate) fn the_odds_api(bytes: &[u8]) {
    let check = |parsed: &Parsed| {
        for (_, body) in parsed.matches.iter().flat_map(|shown| &shown.facts) {
            if let Body::Quote(quote) = body {
                assert_eq!(quote.odds.len(), quote.market.selections().len());
                assert!(quote.odds.iter().all(|odds| (1.0..=1000.0).contains(&odds.decimal())));
            }
        }
    };
    check(&parse::odds("fuzz", bytes, Wanted { lay: true }, Instant::default()));
    check(&parse::historical("fuzz", bytes, Wanted::default()).1);
    check(&parse::events("fuzz", bytes));
    check(&parse::scores("fuzz", bytes, |_| false));
    let _ = parse::refusal(&String::from_utf8_lossy(bytes));
}
