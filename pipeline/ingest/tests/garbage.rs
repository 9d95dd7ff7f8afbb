//! A short campaign of damaged replies and files against every parser of a source. A long one is
//! `cargo +nightly fuzz run ingest_betfair` and its like, which run the same functions.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "../../../fuzz/src/ingest.rs"]
mod ingest;

use proptest::prelude::*;
use proptest::sample::Index;

/// Good input of every form, which the damage begins with.
const SEEDS: [&str; 9] = [
    r#"{"errors":[],"paging":{"current":1,"total":1},"response":[{"fixture":{"id":7,"timestamp":1776520800,"status":{"short":"1H","elapsed":30}},"league":{"id":39},"teams":{"home":{"name":"A"},"away":{"name":"B"}},"goals":{"home":1,"away":0},"score":{"halftime":{"home":1,"away":0},"fulltime":{"home":1,"away":0}},"events":[{"time":{"elapsed":45,"extra":2},"team":{"name":"A"},"player":{"name":"P"},"assist":{"name":null},"type":"Goal","detail":"Own Goal"}],"lineups":[{"team":{"name":"A"},"formation":"4-3-3","startXI":[{"player":{"name":"G"}}],"substitutes":[]},{"team":{"name":"B"},"startXI":[{"player":{"name":"G"}}]}],"statistics":[{"team":{"name":"A"},"statistics":[{"type":"Red Cards","value":null}]},{"team":{"name":"B"},"statistics":[{"type":"Total Shots","value":"9"}]}]}]}"#,
    r#"{"errors":[],"response":[{"fixture":{"id":7},"update":"2026-04-18T11:59:00+00:00","bookmakers":[{"id":8,"name":"Bet365","bets":[{"name":"Match Winner","values":[{"value":"Home","odd":"3.40"},{"value":"Draw","odd":"3.50"},{"value":"Away","odd":2.1}]}]}]},{"league":{"standings":[[{"rank":1,"team":{"name":"A"},"points":-3,"goalsDiff":4,"all":{"played":33}}]]}},{"player":{"name":"P","type":"Questionable","reason":"Knee"},"team":{"name":"A"},"fixture":{"id":7}}]}"#,
    r#"[{"id":"e","sport_key":"soccer_epl","commence_time":"2026-04-18T14:00:00Z","home_team":"Arsenal","away_team":"Chelsea","bookmakers":[{"key":"pinnacle","last_update":"2026-04-16T19:00:00Z","markets":[{"key":"h2h","outcomes":[{"name":"Arsenal","price":2.0},{"name":"Draw","price":3.4},{"name":"Chelsea","price":4.0}]},{"key":"spreads","outcomes":[{"name":"Arsenal","price":1.9,"point":-0.5},{"name":"Chelsea","price":1.9,"point":0.5}]}]}]}]"#,
    "{\"op\":\"mcm\",\"clk\":\"x\",\"pt\":1776517200000,\"mc\":[{\"id\":\"1.1\",\"marketDefinition\":{\"eventId\":\"77\",\"eventTypeId\":\"1\",\"marketType\":\"MATCH_ODDS\",\"status\":\"OPEN\",\"inPlay\":true,\"marketTime\":\"2026-04-18T14:00:00.000Z\",\"name\":\"Match Odds\",\"eventName\":\"A v B\",\"runners\":[{\"id\":1,\"sortPriority\":1,\"name\":\"A\",\"status\":\"ACTIVE\"},{\"id\":2,\"sortPriority\":2,\"name\":\"B\",\"status\":\"ACTIVE\"},{\"id\":58805,\"sortPriority\":3,\"name\":\"The Draw\",\"status\":\"ACTIVE\"}]},\"rc\":[{\"id\":1,\"atb\":[[3.4,20]]},{\"id\":2,\"batb\":[[0,2.1,10]]},{\"id\":58805,\"ltp\":3.5}]}]}\n{\"op\":\"mcm\",\"pt\":1776517260000,\"mc\":[{\"id\":\"1.1\",\"rc\":[{\"id\":1,\"atb\":[[3.4,0],[3.35,60]]}]}]}",
    r#"{"sportId":29,"last":1,"league":[{"id":1980,"name":"England - Premier League","events":[{"id":5,"starts":"2026-04-18T14:00:00Z","home":"Arsenal","away":"Chelsea","liveStatus":2,"status":"O","parentId":4}]}],"leagues":[{"id":1980,"events":[{"id":5,"periods":[{"lineId":9,"number":0,"cutoff":"2026-04-18T14:00:00Z","status":1,"moneyline":{"home":2.0,"draw":3.4,"away":4.0},"spreads":[{"hdp":-0.5,"home":1.9,"away":1.95}],"totals":[{"points":2.5,"over":1.9,"under":1.95}]}]}]}]}"#,
    "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR,HS,AS,B365H,B365D,B365A,PSCH,PSCD,PSCA\nE0,16/08/2024,20:00,Man United,Fulham,1,0,H,14,10,1.6,4.2,5.25,1.65,4.2,5.1\n",
    r#"{"name":"x","matches":[{"date":"2025-08-15","time":"20:00","team1":"Liverpool FC","team2":"AFC Bournemouth","score":{"ht":[1,0],"ft":[4,2]}}]}"#,
    "{\"t\":\"quote/1\",\"k\":\"E0|2025-26|A|B|1\",\"at\":1776517200000000,\"src\":\"s\",\"book\":\"b\",\"market\":\"1x2\",\"odds\":[2.0,3.4,4.0],\"phase\":\"in_play\"}\n",
    "match,competition,home,away,kickoff,at,seen,book,market,outcome,odds,point\n1,soccer_epl,Arsenal,Chelsea,2026-04-18T14:00:00Z,2026-04-16T19:00:00Z,,bet365,totals,Over,1.9,2.5\n",
];

/// One piece of damage: where, how far, what with.
type Damage = (u8, Index, Index, u8, Index);

fn damaged(seed: &Index, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = seed.get(&SEEDS).as_bytes().to_vec();
    for (how, from, to, byte, other) in damages {
        if bytes.is_empty() {
            break;
        }
        let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
        let part = from.min(to)..from.max(to);
        match how % 5 {
            0 => bytes[from] = *byte,
            1 => bytes.insert(from, *byte),
            2 => drop(bytes.drain(part)),
            3 => {
                let again = bytes[part].to_vec();
                bytes.splice(to..to, again);
            }
            _ => {
                let other = other.get(&SEEDS).as_bytes();
                bytes.splice(part, other.iter().take(200).copied());
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn damaged_input_is_read_or_refused_by_every_parser(
        seed: Index, damages in prop::collection::vec(any::<Damage>(), 1..6),
    ) {
        let bytes = damaged(&seed, &damages);
        ingest::api_football(&bytes);
        ingest::betfair(&bytes);
        ingest::files(&bytes);
        ingest::pinnacle(&bytes);
        ingest::the_odds_api(&bytes);
    }

    #[test]
    fn any_two_names_are_judged(one in "\\PC{0,24}", other in "\\PC{0,24}") {
        ingest::names(&one, &other);
    }
}

#[test]
fn undamaged_input_is_understood() {
    // What the damage begins with must get past the first check, or the campaign tests little.
    let mut rejects = Vec::new();
    let unwrap = |at: usize| {
        marabet_ingest::api_football::envelope::unwrap("seed", SEEDS[at].as_bytes()).unwrap().items
    };
    let fixtures = marabet_ingest::api_football::fixtures::read("x", &unwrap(0), &mut rejects);
    assert_eq!(fixtures[0].facts.len(), 4, "{rejects:?}");
    let odds = marabet_ingest::the_odds_api::parse::odds(
        "x",
        SEEDS[2].as_bytes(),
        marabet_ingest::the_odds_api::parse::Wanted::default(),
        marabet_schemas::Instant::default(),
    );
    assert_eq!(odds.matches[0].facts.len(), 3);
    let pinnacle =
        marabet_ingest::pinnacle::parse::odds("x", SEEDS[4].as_bytes(), true, &mut rejects);
    assert_eq!(pinnacle.prices, 7, "{rejects:?}");
}
