//! Every real file that a source should understand, with its counts; the others are refused.

use std::path::{Path, PathBuf};

use marabet_ingest::api_football::{details, envelope, fixtures, odds};
use marabet_ingest::betfair::catalogue::Catalogue;
use marabet_ingest::betfair::tape::{Tape, TapeCounts, TapeSettings};
use marabet_ingest::betfair::{files, wire};
use marabet_ingest::pinnacle::parse as pinnacle;
use marabet_ingest::the_odds_api::parse::{self, Wanted};
use marabet_ingest::{Reject, openfootball};
use marabet_schemas::{Body, Instant};

use crate::hand::data;

fn bytes(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut out = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut out)
            .unwrap();
        return out;
    }
    bytes
}

struct Tape200 {
    counts: TapeCounts,
    quotes: usize,
    withdrawn: usize,
    results: Vec<String>,
    rejects: Vec<Reject>,
}

fn tape(path: &Path) -> Result<Tape200, files::FileError> {
    let mut tape = Tape::new(TapeSettings::default(), Catalogue::default());
    let (mut news, mut rejects) = (Vec::new(), Vec::new());
    files::lines(path, &mut |name, number, line| {
        tape.read(name, number, line, &mut news, &mut rejects);
        true
    })?;
    let facts = news.iter().flat_map(|one| &one.facts);
    let (mut quotes, mut withdrawn, mut results) = (0, 0, Vec::new());
    for fact in facts {
        match fact {
            Body::Quote(_) => quotes += 1,
            Body::Withdrawn(_) => withdrawn += 1,
            Body::Result(result) => results.push(format!("{:?}", result.score)),
            _ => {}
        }
    }
    Ok(Tape200 { counts: tape.counts(), quotes, withdrawn, results, rejects })
}

#[test]
fn every_capture_of_the_exchange_is_read_to_its_last_message() {
    let Some(folder) = data("betfair_stream") else { return };
    // The counts of messages are those of the collection's own description.
    for (file, messages) in [
        ("soccer/SELF-2025-05-07-200-football-markets-1.242971311.bz2", 1736),
        ("soccer/PRO-1.145405534-BTTS-Slavia-Sofia-v-Beroe.bz2", 681),
        ("soccer/BASIC-1.159564697-OVER_UNDER_15-Tenerife-v-Zaragoza.bz2", 131),
        ("soccer/BASIC-1.159963367-MATCH_ODDS-Linfield-W-v-Crusaders-W.bz2", 101),
        ("other_sports/PRO-1.166811431-MATCH_ODDS-basketball-Cavaliers-Timberwolves.bz2", 11_357),
        ("other_sports/PRO-1.180305278-MATCH_ODDS-cricket-Mumbai-v-Saurashtra.bz2", 7685),
        ("other_sports/SELF-1.166564490-MATCH_ODDS-basketball-partial.bz2", 1608),
        ("other_sports/BASIC-1.223716976-MATCH_ODDS-tennis-Norrie-v-Ruud.bz2", 362),
        ("other_sports/BASIC-1.230478683-TOP_5_FINISH-golf-LIV-Andalucia.bz2", 396),
        ("racing/PRO-1.127236622-WIN-Randwick.bz2", 16_096),
        ("racing/PRO-1.205822330-PLACE-SunshineCoast.bz2", 5654),
        ("racing/SELF-1.185781277-WIN.bz2", 7600),
        ("racing/SELF-1.181223995-PLACE.bz2", 21_922),
        ("racing/SELF-1.241629436-WIN-MarketStream.bz2", 7679),
        ("racing/PRO-1.195395419-greyhound-Devonport.bz2", 5628),
        ("racing/PRO-1.195395420-greyhound-Devonport.bz2", 4684),
        ("racing/PRO-1.195395421-greyhound-Devonport.bz2", 31_559),
        ("racing/SELF-1.197931750-WIN-greyhound.jsonl", 166),
        ("racing/SELF-1.197931751-PLACE-greyhound.jsonl", 166),
        ("racing/BASIC-1.132153978.jsonl", 480),
        ("formats/1.197931750.gz", 10),
        ("formats/1.197931750.zip", 10),
        ("formats/BASIC-1.132153978.gz", 480),
    ] {
        let path = folder.join(file);
        if !path.exists() {
            println!("{file} is not in this copy");
            continue;
        }
        let read = tape(&path).unwrap();
        println!(
            "{file}: {:?}, {} quotes, {} withdrawn, {:?}",
            read.counts, read.quotes, read.withdrawn, read.results
        );
        assert_eq!(read.counts.messages, messages, "{file}");
        assert_eq!(read.counts.malformed, 0, "{file}");
        let is_football = file.starts_with("soccer/");
        assert_eq!(read.quotes > 0, is_football, "{file}: {} quotes", read.quotes);
        if !is_football {
            assert!(
                read.rejects.iter().any(|reject| reject.reason.contains("not known here")),
                "{file}"
            );
        }
    }
    for empty in ["formats/1.221089567.json", "formats/1.221089567.zip"] {
        assert!(
            matches!(tape(&folder.join(empty)), Err(files::FileError::Empty { .. })),
            "{empty}"
        );
    }
}

#[test]
fn every_message_of_the_stream_and_every_catalogue_is_read() {
    let Some(folder) = data("betfair_stream") else { return };
    let mut read = 0;
    let mut paths: Vec<PathBuf> =
        files::found(&[folder.join("stream_fixtures/streaming")]).unwrap();
    paths.retain(|path| !path.to_string_lossy().ends_with("mcm_bsp_data.json.gz"));
    for path in paths {
        let bytes = bytes(&path);
        let mut message = wire::Message::default();
        // One message a file, a list of them, or one a line.
        let list: Option<Vec<serde_json::Value>> = serde_json::from_slice(&bytes).ok();
        if let Some(list) = list {
            for one in list {
                message.read(one.to_string().as_bytes()).unwrap();
            }
        } else if message.read(&bytes).is_err() {
            let lines = bytes.split(|byte| *byte == b'\n');
            for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
                message.read(line).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
        }
        read += 1;
    }
    assert!(read >= 35, "{read} files");
    for (file, at_least) in [
        ("list_market_catalog.json.gz", 100),
        ("list_market_catalog_bet_delay_models.json", 1),
        ("list_market_catalog_colours_filename_url.json.gz", 1),
        ("list_market_catalog_invalid_cloth_number.json", 1),
    ] {
        let mut rejects = Vec::new();
        let bytes = bytes(&folder.join("api_ng/betting").join(file));
        let count = Catalogue::default().read(file, &bytes, &mut rejects);
        println!("{file}: {count} markets");
        assert!(count >= at_least && rejects.is_empty(), "{file}: {count} markets, {rejects:?}");
    }
}

#[test]
fn every_reply_of_the_odds_api_is_read_and_other_sports_are_refused_by_name() {
    let Some(folder) = data("api_samples/the_odds_api") else { return };
    let now: Instant = "2024-03-27T18:05:00Z".parse().unwrap();
    let all = |file: &str| {
        let parsed = parse::odds(file, &bytes(&folder.join(file)), Wanted::default(), now);
        let quotes = parsed.matches.iter().flat_map(|one| &one.facts);
        let quotes = quotes.filter(|(_, body)| matches!(body, Body::Quote(_))).count();
        println!(
            "{file}: {} matches, {quotes} quotes, {} prices",
            parsed.matches.len(),
            parsed.prices
        );
        (parsed.matches.len(), quotes, parsed.rejects.len())
    };
    let (matches, quotes, rejects) = all("v4_odds_soccer_epl_2024-03-27_masterpiecesvk.json");
    assert_eq!((matches, rejects), (30, 0));
    assert!(quotes > 300, "{quotes}");
    assert_eq!(all("v4_odds_soccer_epl_2024-08-19_karuma46.json").0, 11);
    for (file, others) in [
        ("Events/RetrieveSportOddsAsyncResponse.json", 1),
        ("mgm702_small/odds.json", 1),
        ("Events/RetrieveSportEventOddsAsyncResponse.json", 1),
        ("mgm702_small/event_odds.json", 1),
    ] {
        let (matches, _, rejects) = all(file);
        assert!(matches == 0 && rejects >= others, "{file}");
    }
    for file in [
        "Historical/RetrieveHistoricalSportOddsAsyncResponse.json.gz",
        "mgm702_small/historical_odds.json",
    ] {
        let (snapshot, parsed) =
            parse::historical(file, &bytes(&folder.join(file)), Wanted::default());
        assert!(snapshot.is_some_and(|s| s.next.is_some()) && !parsed.rejects.is_empty(), "{file}");
    }
    for file in ["Events/RetrieveSportScoresAsyncResponse.json", "mgm702_small/scores.json"] {
        let parsed = parse::scores(file, &bytes(&folder.join(file)), |_| false);
        assert!(parsed.matches.is_empty() && !parsed.rejects.is_empty(), "{file}");
    }
    for (file, code) in [
        ("error_401_invalid_key.json", "INVALID_KEY"),
        ("error_401_out_of_usage_credits.json", "OUT_OF_USAGE_CREDITS"),
    ] {
        let said = String::from_utf8(bytes(&folder.join(file))).unwrap();
        assert_eq!(parse::refusal(&said).0.as_deref(), Some(code));
    }
}

#[test]
fn every_reply_of_api_football_is_read() {
    let Some(folder) = data("api_samples/api_football") else { return };
    let items = |file: &str| envelope::unwrap(file, &bytes(&folder.join(file)));
    let mut rejects = Vec::new();
    let coming = items("fixtures-bundes-ns-pst.json").unwrap().items;
    assert_eq!(fixtures::read("x", &coming, &mut rejects).len(), 71);
    let past = items("head-to-head-mu-mc-2021.json").unwrap().items;
    assert_eq!(fixtures::read("x", &past, &mut rejects).len(), 8);
    let all = |file: &str| items(file).unwrap().items;
    let manchester = ["Manchester United", "Manchester City"];
    let happened = details::events("x", &all("fixture-events.json"), manchester, &mut rejects);
    assert_eq!(happened.len(), 9);
    for (file, substitutes) in
        [("fixture-lineup-full.json", [9, 8]), ("fixture-lineup-startXI.json", [0, 0])]
    {
        let items = all(file);
        let named = |at: usize| items[at]["team"]["name"].as_str().unwrap();
        let read = details::line_ups("x", &items, [named(0), named(1)], &mut rejects).unwrap();
        let (home, away) = (read.home, read.away);
        assert_eq!([home.starters.len(), away.starters.len()], [11, 11], "{file}");
        assert_eq!([home.substitutes.len(), away.substitutes.len()], substitutes, "{file}");
    }
    let missing = details::injuries("x", &all("injuries-date-bundes.json"), &mut rejects);
    assert_eq!(missing.len(), 31);
    assert_eq!(details::teams("x", &all("team-manchester.json"), &mut rejects).len(), 16);
    let table = details::standings("x", &all("standings-epl-2022.json"), &mut rejects);
    let (first, place) = &table[0];
    assert_eq!((table.len(), first.as_str()), (20, "Manchester City"));
    assert_eq!((place.points, place.played, place.goal_difference), (89, 38, Some(61)));
    assert!(rejects.is_empty(), "{rejects:?}");
    for (file, markets, refused) in [
        ("odds-fixture-1226178-bet365-match-winner.json", 1, 0),
        ("odds-fixture-868124-bet365-3bets.json", 3, 0),
        ("odds-value-int-or-string-doc-example.json", 0, 1),
    ] {
        let mut rejects = Vec::new();
        let read = odds::read(file, &items(file).unwrap().items, &mut rejects);
        let whole =
            read[0].prices.clone().whole(&"x".into(), read[0].kickoff.unwrap(), Instant::default());
        assert_eq!((whole.len(), rejects.len()), (markets, refused), "{file}: {rejects:?}");
    }
    for file in [
        "error-http200-quota.json",
        "injuries-error.json",
        "team-leipzig-error.json",
        "venue-camp-nou-error.json",
    ] {
        assert!(matches!(items(file), Err(envelope::NoItems::Refused(_))), "{file}");
    }
    // Whatever else there is comes in the same wrapping.
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let outcome = envelope::unwrap("x", &bytes(&path));
        assert!(!matches!(outcome, Err(envelope::NoItems::Malformed(_))), "{}", path.display());
    }
}

#[test]
fn every_reply_of_pinnacle_is_read() {
    let Some(folder) = data("api_samples/pinnacle") else { return };
    let mut rejects = Vec::new();
    let fixtures = pinnacle::fixtures("x", &bytes(&folder.join("fixtures.json.gz")), &mut rejects);
    let refused = rejects.len();
    println!("{} fixtures, {refused} that are no matches", fixtures.events.len());
    assert_eq!(fixtures.events.len() + refused, 3125);
    for (file, events) in [("get_odds.json", 11), ("live_odds.json.gz", 81)] {
        let mut rejects = Vec::new();
        let reply = pinnacle::odds(file, &bytes(&folder.join(file)), true, &mut rejects);
        let ids: std::collections::BTreeSet<_> = reply.periods.iter().map(|(id, ..)| id).collect();
        println!(
            "{file}: {} periods, {} prices, {} rejects",
            reply.periods.len(),
            reply.prices,
            rejects.len()
        );
        assert_eq!(ids.len(), events, "{file}");
        assert!(reply.last.is_some() && rejects.len() < reply.periods.len(), "{rejects:?}");
    }
}

#[test]
fn openfootball_is_read() {
    let Some(folder) = data("results_and_ratings/openfootball") else { return };
    let mut rejects = Vec::new();
    let path = folder.join("en.1_2025-26.json");
    let listed = openfootball::read("en.1_2025-26.json", &bytes(&path), &mut rejects);
    assert_eq!((listed.len(), rejects.len()), (380, 0));
    assert_eq!(listed[0].named.competition, "en.1");
}
