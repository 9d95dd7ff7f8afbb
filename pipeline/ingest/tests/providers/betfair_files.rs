//! The exchange's historical files: ours in the same form, and real ones.

use marabet_ingest::betfair::SOURCE;
use marabet_ingest::betfair::replay::BetfairFiles;
use marabet_ingest::betfair::tape::TapeSettings;
use marabet_ingest::{Reject, Source};
use marabet_schemas::Event;
use serde_json::{Value, json};

use crate::hand::{desk, told};

fn runner(id: u64, priority: u32, name: &str, status: &str) -> Value {
    json!({"id": id, "sortPriority": priority, "name": name, "status": status})
}

fn definition(kind: &str, status: &str, in_play: bool, runners: &[Value]) -> Value {
    json!({"eventId": "77", "eventTypeId": "1", "marketType": kind, "status": status,
        "inPlay": in_play, "marketTime": "2026-04-18T14:00:00.000Z", "runners": runners,
        "name": "x", "eventName": "Wolves v Brighton"})
}

fn sides() -> Vec<Value> {
    vec![
        runner(1, 1, "Wolves", "ACTIVE"),
        runner(2, 2, "Brighton", "ACTIVE"),
        runner(58805, 3, "The Draw", "ACTIVE"),
    ]
}

fn message(minute: i64, market: &str, definition: Option<Value>, rc: &Value) -> String {
    let published = 1_776_517_200_000_i64 + minute * 60_000;
    let mut change = json!({"id": market, "rc": rc});
    if let Some(definition) = definition {
        change["marketDefinition"] = definition;
    }
    json!({"op": "mcm", "clk": "x", "pt": published, "mc": [change]}).to_string()
}

fn tape() -> String {
    let odds = |status: &str, in_play| Some(definition("MATCH_ODDS", status, in_play, &sides()));
    let scores = |status: &str, winner: &str| {
        let runners = [runner(11, 1, "0 - 0", "LOSER"), runner(12, 2, "2 - 1", winner)];
        Some(definition("CORRECT_SCORE", status, true, &runners))
    };
    [
        message(0, "1.1", odds("OPEN", false), &json!([
            {"id": 1, "atb": [[3.3, 50], [3.4, 20]]}, {"id": 2, "atb": [[2.1, 10]]}, {"id": 58805, "atb": [[3.5, 5]]}])),
        // A size of nothing takes the best price away.
        message(1, "1.1", None, &json!([{"id": 1, "atb": [[3.4, 0]]}])),
        // The same price for a little more: no news.
        message(2, "1.1", None, &json!([{"id": 1, "atb": [[3.3, 60]]}])),
        "{\"op\":\"mcm\",broken".to_owned(),
        message(3, "1.1", odds("SUSPENDED", false), &json!([])),
        message(4, "1.1", odds("OPEN", false), &json!([{"id": 1, "atb": [[3.35, 60]]}])),
        message(60, "1.1", odds("OPEN", true), &json!([])),
        message(170, "1.2", scores("CLOSED", "WINNER"), &json!([])),
        message(171, "1.3", Some(definition("CORNER_ODDS", "OPEN", true, &sides())), &json!([])),
    ]
    .join("\n")
}

async fn read(
    files: Vec<std::path::PathBuf>,
    competition: Option<&str>,
) -> (Vec<Event>, Vec<Reject>) {
    let competition = competition.map(Into::into);
    let settings = TapeSettings { competition, ..TapeSettings::default() };
    let mut source = BetfairFiles::open(&files, settings, desk(SOURCE)).unwrap();
    let (mut events, mut rejects) = (Vec::new(), Vec::new());
    while let Some(batch) = source.next().await.unwrap() {
        events.extend(batch.events);
        rejects.extend(batch.rejects);
    }
    (events, rejects)
}

#[tokio::test]
async fn a_market_is_told_from_its_first_price_to_the_score_that_settles_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.1");
    std::fs::write(&path, tape()).unwrap();
    let (events, rejects) = read(vec![path], Some("E0")).await;
    assert_eq!(
        told(&events),
        [
            "Wolves named Wolves",
            "Wolves fixture Scheduled",
            "Wolves quote betfair_exchange 1x2 [3.4, 3.5, 2.1]",
            "Wolves quote betfair_exchange 1x2 [3.3, 3.5, 2.1]",
            "Wolves withdrawn betfair_exchange 1x2",
            "Wolves quote betfair_exchange 1x2 [3.35, 3.5, 2.1]",
            "Wolves fixture Live",
            "Wolves quote betfair_exchange 1x2 [3.35, 3.5, 2.1]",
            "Wolves withdrawn betfair_exchange 1x2",
            "Wolves quote betfair_exchange 1x2 [3.35, 3.5, 2.1]",
            "Wolves fixture Finished",
            "Wolves result Played Some([2, 1])",
        ]
    );
    let lines: Vec<u64> = rejects.iter().map(|reject| reject.line).collect();
    assert_eq!(lines, [4, 9]);
}

#[tokio::test]
async fn files_that_are_none_are_refused_by_name_and_the_others_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("a", tape()), ("b", String::new()), ("c", "<html>".to_owned())] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let (events, rejects) = read(vec![folder.path().to_owned()], Some("E0")).await;
    assert_eq!(events.len(), 12);
    let refused = rejects.iter().filter(|reject| reject.row.is_empty());
    assert_eq!(refused.count(), 2);
}
