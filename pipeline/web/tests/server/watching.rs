//! Watching for bets.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::line::{Line, config};

/// Reads a stream of events until enough have come: kind, identity, row.
fn watch(at: SocketAddr, last_seen: Option<&str>, enough: usize) -> Vec<(String, String, Value)> {
    let mut socket = TcpStream::connect(at).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let resume = last_seen.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
    write!(socket, "GET /api/v1/live HTTP/1.1\r\nHost: {at}\r\n{resume}\r\n").unwrap();
    let (mut kind, mut id, mut found) = (String::new(), String::new(), Vec::new());
    for line in BufReader::new(socket).lines() {
        let line = line.unwrap();
        if let Some(text) = line.strip_prefix("event: ") {
            kind = text.to_owned();
        } else if let Some(text) = line.strip_prefix("id: ") {
            id = text.to_owned();
        } else if let Some(text) = line.strip_prefix("data: ") {
            found.push((kind.clone(), id.clone(), serde_json::from_str(text).unwrap()));
            if found.len() == enough {
                break;
            }
        }
    }
    found
}

/// Facts of a match at which there is a bet.
pub(crate) const FACTS: &str = r#"{"t":"fixture/1","k":"E0|2024-25|Leeds|Derby|1","at":1000000,"src":"own","status":"scheduled","kickoff":9000000000}
{"t":"quote/1","k":"E0|2024-25|Leeds|Derby|1","at":2000000,"src":"own","book":"pinnacle","market":"1x2","odds":[2.0,3.5,4.0]}
{"t":"quote/1","k":"E0|2024-25|Leeds|Derby|1","at":3000000,"src":"own","book":"bet365","market":"1x2","odds":[2.3,3.4,3.6]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_a_bet_arrive_and_gets_what_it_missed_when_it_comes_back() {
    let line = Line::start(config()).await;
    let at = line.address;
    let watching = std::thread::spawn(move || watch(at, None, 2));
    line.until("somebody watches", |line| {
        crate::client::get(line.address, "/api/v1/stages").json()["watchers"] == 1
    })
    .await;
    line.feed_lines(FACTS).await;
    let seen = tokio::task::spawn_blocking(|| watching.join().unwrap()).await.unwrap();
    let kinds: Vec<&str> = seen.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["bet", "grant"]);
    let (_, first, row) = &seen[0];
    assert_eq!((&row["book"], &row["selection"]), (&"bet365".into(), &"home".into()));
    assert_eq!(seen[1].2["state"], "placeable");

    let first = first.clone();
    let missed = tokio::task::spawn_blocking(move || watch(at, Some(&first), 1)).await.unwrap();
    assert_eq!(missed[0], seen[1], "what came after the event that was seen");
    let anew = tokio::task::spawn_blocking(move || watch(at, Some("1-1"), 1)).await.unwrap();
    assert_eq!(anew[0].0, "reset", "an event of another life of the server");
}
