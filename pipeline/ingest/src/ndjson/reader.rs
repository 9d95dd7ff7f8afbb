//! Lines to events, one by one.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use marabet_schemas::event::DecodeError;
use marabet_schemas::facts::{MatchResult, ResultStatus};
use marabet_schemas::{Body, Event, Instant, Kind, MatchKey};
use smol_str::SmolStr;

use crate::lines::{Line, Lines};
use crate::reject::{Reject, RejectKind, Scope, raw_row};

/// The longest line that is read: what a frame of the feed holds.
pub const LINE_BYTES_MAX: usize = marabet_schemas::frame::FEED_BYTES_MAX;

/// Of how many matches the kick-off is remembered, to know a result that comes before it.
const MATCHES_MAX: usize = 100_000;

/// What can be said from outside.
const FACTS: [Kind; 12] = [
    Kind::Fixture,
    Kind::Quote,
    Kind::Aggregate,
    Kind::Withdrawn,
    Kind::Seen,
    Kind::Stats,
    Kind::Incidents,
    Kind::LineUps,
    Kind::Absences,
    Kind::Standing,
    Kind::Result,
    Kind::MatchClosed,
];

/// Reads events from lines.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    name: SmolStr,
    /// The kick-off of each match whose fixture was read.
    kickoffs: BTreeMap<MatchKey, Instant>,
}

/// What is wrong with a line: kind, column where it is known, reason.
type Fault = (RejectKind, Option<usize>, String);

impl<R: BufRead> Reader<R> {
    /// Reads from `bytes`; `name` is that of the file or stream, for messages.
    pub fn new(name: &str, bytes: R) -> Self {
        let lines = Lines::new(bytes, LINE_BYTES_MAX);
        Self { lines, name: SmolStr::new(name), kickoffs: BTreeMap::new() }
    }

    /// The next line that is not blank: its event, or why it is none; nothing at the end.
    ///
    /// # Errors
    /// What the bytes report.
    pub fn next_event(&mut self) -> io::Result<Option<Result<Event, Box<Reject>>>> {
        loop {
            let Some(line) = self.lines.next_line()? else { return Ok(None) };
            if !line.overlong && line.bytes.trim_ascii().is_empty() {
                continue;
            }
            let read = read(line).and_then(|event| {
                check(&event, &self.kickoffs)?;
                Ok(event)
            });
            return Ok(Some(match read {
                Ok(event) => {
                    remember(&event, &mut self.kickoffs);
                    Ok(event)
                }
                Err(fault) => Err(Box::new(reject(&self.name, line, fault))),
            }));
        }
    }
}

fn read(line: Line<'_>) -> Result<Event, Fault> {
    if line.overlong {
        let reason = format!(
            "a line of {} bytes, where {LINE_BYTES_MAX} are the most that an event can have",
            line.length
        );
        return Err((RejectKind::LineTooLong, None, reason));
    }
    // A file may begin with a byte order mark, which is no part of its first event.
    let bytes = line.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line.bytes);
    let text = str::from_utf8(bytes).map_err(|error| {
        let column = error.valid_up_to() + 1;
        (RejectKind::Malformed, Some(column), "the text is no UTF-8 from here on".to_owned())
    })?;
    Event::from_line(text).map_err(|error| {
        let kind = match error {
            DecodeError::Newer { .. } => RejectKind::Newer,
            _ => RejectKind::Malformed,
        };
        let (column, reason) = match &error {
            DecodeError::Malformed(json) => {
                let text = error.to_string();
                // The line is always the first: what is said of it would mislead.
                let place = format!(" at line {} column {}", json.line(), json.column());
                let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
                ((json.column() > 0).then(|| json.column()), reason)
            }
            _ => (None, error.to_string()),
        };
        (kind, column, reason)
    })
}

/// Whether an event that reads well can be true where it stands.
fn check(event: &Event, kickoffs: &BTreeMap<MatchKey, Instant>) -> Result<(), Fault> {
    let fault = |kind, reason: String| Err((kind, None, reason));
    if !FACTS.contains(&event.kind()) {
        let known: Vec<&str> = FACTS.iter().map(|kind| kind.name()).collect();
        let reason = format!(
            "`{}` is not taken from outside; what is: {}",
            event.kind().tag(),
            known.join(", ")
        );
        return fault(RejectKind::Malformed, reason);
    }
    let Some(key) = &event.key else {
        let reason = "a fact says with `k` which match it is about: \
                      competition|season|home|away|leg";
        return fault(RejectKind::Malformed, reason.to_owned());
    };
    match &event.body {
        Body::Quote(quote) if !quote.is_complete() => {
            fault(RejectKind::Incomplete, incomplete(&quote.market, quote.odds.len()))
        }
        Body::Aggregate(aggregate)
            if aggregate.odds.len() != aggregate.market.selections().len() =>
        {
            fault(RejectKind::Incomplete, incomplete(&aggregate.market, aggregate.odds.len()))
        }
        Body::Result(result) => {
            check_score(result).or_else(|reason| fault(RejectKind::Score, reason))?;
            match kickoffs.get(key) {
                Some(kickoff) if event.at < *kickoff => fault(
                    RejectKind::BeforeFixture,
                    format!("a result at {}, before the kick-off at {kickoff}", event.at),
                ),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn incomplete(market: &marabet_quant::Market, prices: usize) -> String {
    let selections: Vec<&str> = market.selections().iter().map(|s| s.as_str()).collect();
    format!(
        "{prices} prices, where market {market} has one (and, where sizes are given, one size) \
         for each of {}",
        selections.join(", ")
    )
}

fn check_score(result: &MatchResult) -> Result<(), String> {
    let decided = matches!(result.status, ResultStatus::Played | ResultStatus::Awarded);
    match (result.score, result.half_time) {
        (None, _) if decided => Err("a match that was played or awarded has a score".to_owned()),
        (Some([home, away]), Some([home_half, away_half]))
            if home_half > home || away_half > away =>
        {
            Err("more goals at half time than at the end".to_owned())
        }
        _ => Ok(()),
    }
}

fn remember(event: &Event, kickoffs: &mut BTreeMap<MatchKey, Instant>) {
    let Some(key) = &event.key else { return };
    match &event.body {
        Body::Fixture(fixture) if kickoffs.len() < MATCHES_MAX || kickoffs.contains_key(key) => {
            kickoffs.insert(key.clone(), fixture.kickoff);
        }
        Body::MatchClosed(_) => drop(kickoffs.remove(key)),
        _ => {}
    }
}

fn reject(name: &SmolStr, line: Line<'_>, (kind, column, reason): Fault) -> Reject {
    Reject {
        file: name.clone(),
        line: line.number,
        column: column.map(|column| format!("column {column}")),
        value: None,
        kind,
        scope: Scope::Row,
        reason,
        row: raw_row(line.bytes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(bytes: &[u8]) -> Vec<Result<Event, Box<Reject>>> {
        let mut reader = Reader::new("stdin", bytes);
        std::iter::from_fn(|| reader.next_event().unwrap()).collect()
    }

    const GOOD: &str =
        r#"{"t":"seen/1","k":"E0|2024-25|A|B|1","at":5,"src":"stdin","book":"bet365"}"#;
    const FIXTURE: &str = r#"{"t":"fixture/1","k":"E0|2024-25|A|B|1","at":5,"src":"stdin","status":"scheduled","kickoff":100}"#;

    /// A bad line between two good ones, which must not suffer.
    fn check(bad: &[u8], kind: RejectKind, column: Option<&str>, reason: &str) {
        let bytes = [GOOD.as_bytes(), b"\n", bad, b"\n\n", FIXTURE.as_bytes()].concat();
        let read = read_all(&bytes);
        let shown = String::from_utf8_lossy(&bad[..bad.len().min(200)]);
        assert_eq!(read.len(), 3, "{shown}");
        assert!(read[0].is_ok() && read[2].is_ok(), "{shown}");
        let reject = read[1].as_ref().expect_err(&shown);
        assert_eq!((reject.line, reject.kind), (2, kind), "{reject}");
        assert_eq!(reject.column.as_deref(), column, "{reject}");
        assert!(reject.reason.contains(reason), "{reject}");
        assert!(!reject.reason.contains("at line"), "{reject}");
    }

    #[test]
    fn a_bad_line_is_rejected_with_its_place_and_reason_and_the_next_is_read() {
        use RejectKind as K;
        check(b"{", K::Malformed, Some("column 1"), "EOF");
        check(b"nonsense", K::Malformed, Some("column 2"), "expected");
        check(br#"{"t":"seen/1","at":"x"}"#, K::Malformed, Some("column 22"), "invalid type");
        check(br#"{"t":"seen","at":1}"#, K::Malformed, None, "kind and a version");
        check(br#"{"t":"seen/9","at":1}"#, K::Newer, None, "`seen/9` was written by a newer");
        check(b"{\"t\":\"se\xffn/1\"}", K::Malformed, Some("column 9"), "UTF-8");
        check(
            &GOOD.replace(r#""k":"E0|2024-25|A|B|1","#, "").into_bytes(),
            K::Malformed,
            None,
            "`k`",
        );
        let deposit = r#"{"t":"deposit/1","at":5,"strategy":"sharp","amount":100.0}"#;
        check(deposit.as_bytes(), K::Malformed, None, "`deposit/1` is not taken from outside");
        check(&vec![b'x'; 10 << 20], K::LineTooLong, None, "a line of 10485760 bytes");
    }

    #[test]
    fn a_market_without_all_its_prices_and_a_score_that_cannot_be_are_rejected() {
        use RejectKind as K;
        let quote = r#"{"t":"quote/1","k":"E0|2024-25|A|B|1","at":5,"src":"s","book":"b","market":"1x2","odds":[2.0,3.0]}"#;
        check(quote.as_bytes(), K::Incomplete, None, "2 prices, where market 1x2");
        let short = quote.replace("1x2", "ou@2.5").replace("3.0", "1.0");
        check(short.as_bytes(), K::Malformed, Some("column 100"), "above 1");
        let result =
            r#"{"t":"result/1","k":"E0|2024-25|A|B|1","at":500,"src":"s","status":"played"}"#;
        check(result.as_bytes(), K::Score, None, "has a score");
        let half = result.replace(r#"ed"}"#, r#"ed","score":[1,0],"half_time":[2,0]}"#);
        check(half.as_bytes(), K::Score, None, "half time");
    }

    #[test]
    fn a_result_before_the_kick_off_of_its_fixture_is_rejected() {
        let result = |at: i64| {
            format!(
                r#"{{"t":"result/1","k":"E0|2024-25|A|B|1","at":{at},"src":"s","status":"played","score":[1,0]}}"#
            )
        };
        let (early, late) = (result(99), result(101));
        let read = read_all([FIXTURE, &early, &late].join("\n").as_bytes());
        assert_eq!(read[1].as_ref().unwrap_err().kind, RejectKind::BeforeFixture);
        assert!(read[2].is_ok());
        // Without the fixture in this stream nobody here can say.
        assert!(read_all(early.as_bytes())[0].is_ok());
    }

    #[test]
    fn blank_lines_and_a_byte_order_mark_are_passed_over() {
        let text = format!("\u{feff}{GOOD}\r\n\r\n   \n{GOOD}");
        let read = read_all(text.as_bytes());
        assert_eq!(read.len(), 2);
        assert!(read.iter().all(Result::is_ok));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let read = read_all(&bytes);
            prop_assert!(read.len() <= bytes.len());
        }

        #[test]
        fn a_damaged_event_is_an_event_or_a_reject_with_its_line(
            at in 0..GOOD.len(),
            byte: u8,
        ) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            for reject in read_all(&bytes).into_iter().filter_map(Result::err) {
                prop_assert!(reject.line <= 2 && !reject.reason.is_empty());
            }
        }
    }
}
