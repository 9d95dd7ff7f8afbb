//! Defective files in the forms in which they occur, written by us.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use marabet_ingest::football_data::{Counts, FileError, Loader, Standing, Timeline, Timing};
use marabet_ingest::{Reject, RejectKind, Scope};
use marabet_schemas::facts::{MatchResult, Phase, ResultStatus};
use marabet_schemas::{Body, Event};
use proptest::prelude::*;

const HEADER: &str = "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR,HTHG,HTAG,HS,AS,\
                      B365H,B365D,B365A,PSH,PSD,PSA,MaxH,MaxD,MaxA,AHh,PAHH,PAHA,\
                      PSCH,PSCD,PSCA,AHCh,PCAHH,PCAHA";
const GOOD: &str = "E0,17/08/2024,15:00,Arsenal,Wolves,2,0,H,1,0,18,9,\
                    1.18,7.5,13,1.19,7.9,15.5,1.2,8,17,-2,1.97,1.93,1.16,8.5,19,-2.25,2.02,1.88";
const OTHER: &str = "E0,17/08/2024,17:30,Leicester,Everton,1,1,D,0,1,6,10,\
                     3.4,3.5,2.15,3.5,3.6,2.16,3.6,3.7,2.2,0.25,1.95,1.95,3.6,3.6,2.1,,,";

fn load_bytes(name: &str, bytes: &[u8]) -> Result<(Counts, Timeline, Vec<Reject>), FileError> {
    let mut rejects = Vec::new();
    let mut loader = Loader::new(Timing::default());
    loader.bytes(name, bytes, &mut rejects)?;
    let timeline = loader.finish(&mut rejects);
    let counts = timeline.counts();
    assert_eq!(counts.rows, counts.blank + counts.matches + counts.rejected_rows, "{rejects:#?}");
    let rows = rejects.iter().filter(|reject| reject.scope == Scope::Row).count() as u64;
    assert_eq!((rows, rejects.len() as u64 - rows), (counts.rejected_rows, counts.rejected_cells));
    Ok((counts, timeline, rejects))
}

fn load(text: &str) -> (Counts, Timeline, Vec<Reject>) {
    load_bytes("E0.csv", text.as_bytes()).unwrap()
}

/// Loads a bad row between two good ones, which must not suffer, and expects one reject.
fn check(bad: &str, scope: Scope, kind: RejectKind, column: Option<&str>, reason: &str) {
    let (counts, _, rejects) = load(&format!("{HEADER}\n{GOOD}\n{bad}\n{OTHER}\n"));
    let matches = if scope == Scope::Row { 2 } else { 3 };
    assert_eq!(counts.matches, matches, "{bad}: {rejects:#?}");
    let [reject] = &rejects[..] else { panic!("{bad}: one reject, not {rejects:#?}") };
    assert_eq!((reject.scope, reject.kind, reject.line), (scope, kind, 3), "{reject}");
    assert_eq!(reject.column.as_deref(), column, "{reject}");
    assert!(reject.reason.contains(reason), "{reject}");
    assert!(reject.row.starts_with(&bad[..bad.len().min(20)]), "{reject:?}");
}

/// The second good row with one cell replaced, as the row of two other sides.
fn with(cell: &str, replacement: &str) -> String {
    let row = GOOD.replace("Arsenal", "Fulham").replace("Wolves", "Brentford");
    assert!(row.contains(cell), "{row}");
    row.replacen(cell, replacement, 1)
}

#[test]
fn what_is_known_together_and_one_by_one_is_the_same() {
    let (_, timeline, _) = load(&format!("{HEADER}\n{GOOD}\n{OTHER}\n{}", with("2,0", ",")));
    let mut together = Vec::new();
    let all: Result<(), ()> = timeline.try_for_each(|known| {
        assert!(!known.bodies.is_empty(), "{known:?}");
        together.extend(known.bodies.iter().map(|body| {
            let (key, at, assumed) = (known.key.cloned(), known.at, known.assumed);
            Event { key, at, assumed, body: body.clone() }
        }));
        Ok(())
    });
    assert_eq!(all, Ok(()));
    assert_eq!(together, timeline.events().collect::<Vec<_>>());
    let mut calls = 0;
    let stopped = timeline.try_for_each(|known| {
        calls += 1;
        if calls < 3 { Ok(()) } else { Err(known.at) }
    });
    assert_eq!((stopped.is_err(), calls), (true, 3), "what fails is the last");
}

#[test]
fn a_match_yields_its_life_in_order() {
    let (counts, timeline, rejects) = load(&format!("{HEADER}\n{GOOD}\n"));
    assert_eq!(rejects, []);
    assert_eq!((counts.quotes, counts.prices, counts.aggregates), (5, 13, 1));
    let life: Vec<String> = timeline.events().map(|event| event.to_line()).collect();
    let expected = [
        (
            r#"{"t":"fixture/1","k":"E0|2024-25|Arsenal|Wolves|1","at":1723824000000000,"assumed":true,"#,
            r#""status":"scheduled","kickoff":1723903200000000}"#,
        ),
        (
            r#"{"t":"quote/1""#,
            r#""book":"bet365","market":"1x2","odds":[1.18,7.5,13.0],"phase":"pre"}"#,
        ),
        (
            r#"{"t":"quote/1""#,
            r#""book":"pinnacle","market":"1x2","odds":[1.19,7.9,15.5],"phase":"pre"}"#,
        ),
        (
            r#"{"t":"aggregate/1""#,
            r#""statistic":"max","market":"1x2","odds":[1.2,8.0,17.0],"phase":"pre"}"#,
        ),
        (r#"{"t":"quote/1""#, r#""market":"ah@-2","odds":[1.97,1.93],"phase":"pre"}"#),
        (
            r#"{"t":"quote/1","k":"E0|2024-25|Arsenal|Wolves|1","at":1723903140000000"#,
            r#""market":"1x2","odds":[1.16,8.5,19.0],"phase":"closing"}"#,
        ),
        (r#"{"t":"quote/1""#, r#""market":"ah@-2.25","odds":[2.02,1.88],"phase":"closing"}"#),
        (
            r#"{"t":"fixture/1","k":"E0|2024-25|Arsenal|Wolves|1","at":1723903200000000"#,
            r#""status":"live","kickoff":1723903200000000}"#,
        ),
        (
            r#"{"t":"result/1","k":"E0|2024-25|Arsenal|Wolves|1","at":1723912200000000"#,
            r#""status":"played","score":[2,0],"half_time":[1,0]}"#,
        ),
        (r#"{"t":"stats/1""#, r#""home":{"shots":18},"away":{"shots":9}}"#),
        (
            r#"{"t":"match.closed/1","k":"E0|2024-25|Arsenal|Wolves|1","at":1724085000000000"#,
            r#""src":"football-data"}"#,
        ),
    ];
    assert_eq!(life.len(), expected.len(), "{life:#?}");
    for (line, (begin, end)) in life.iter().zip(expected) {
        assert!(line.starts_with(begin) && line.ends_with(end), "{line}\n{begin} … {end}");
    }
}

#[test]
fn a_bad_row_is_rejected_alone_with_its_reason() {
    use RejectKind as K;
    let row = Scope::Row;
    check(&with("17/08/2024", "17/13/2024"), row, K::Date, Some("Date"), "no date");
    check(&with("17/08/2024", ""), row, K::Date, Some("Date"), "no date");
    check(&with("15:00", "25:00"), row, K::Time, Some("Time"), "no time of day");
    check(&with("E0", "<b>"), row, K::NotARow, None, "markup");
    check(&with("E0", "Premier League"), row, K::Name, Some("Div"), "no division");
    check(&with("Fulham", ""), row, K::Name, Some("HomeTeam"), "no side");
    check(&with("Fulham", "Brentford"), row, K::Name, Some("AwayTeam"), "itself");
    check(&with("Fulham", "A|B"), row, K::Name, Some("HomeTeam"), "without `|`");
    check(&with("Fulham", "\"Fulham"), row, K::NotARow, Some("HomeTeam"), "quotation mark");
    check(&(with("1.18", "1.2") + ",1,2"), row, K::Columns, Some("column 31"), "beyond the last");
    check("HTTP/1.1 300 Multiple Choices", row, K::Date, Some("Date"), "no date");
    check(&"x".repeat(100_000), row, K::LineTooLong, None, "a line of 100000 bytes");
}

#[test]
fn a_bad_cell_takes_along_only_what_hangs_on_it() {
    use RejectKind as K;
    let cell = Scope::Cell;
    for odds in ["0", "1", "1.0", "-2", "#", "-", "3.53.75", "c", "inf", "NaN", "1xBet", "0.0"] {
        check(&with("1.18", odds), cell, K::Odds, Some("B365H"), "above 1");
    }
    check(&with("7.5", ""), cell, K::Incomplete, Some("B365D"), "no price beside");
    check(&with(",-2,", ",-1.9,"), cell, K::Line, Some("AHh"), "quarter goals");
    check(&with(",-2,", ",,"), cell, K::Line, Some("AHh"), "no Asian handicap beside");
    check(&with(",18,", ",many,"), cell, K::Statistic, Some("HS"), "no count");
    check(&with(",2,0,H,", ",2,0,D,"), cell, K::Contradiction, Some("FTR"), "the score 2-0");
    check(&with(",2,0,H,", ",two,0,H,"), cell, K::Score, Some("FTHG"), "no number of goals");
    check(&with(",2,0,H,", ",,,,"), cell, K::Score, Some("FTHG"), "no score");
    check(&with(",2,0,H,", ",2,,H,"), cell, K::Score, Some("FTAG"), "no number of goals");
    check(&with("H,1,0", "H,3,0"), cell, K::Contradiction, Some("HTHG"), "half time");
}

#[test]
fn a_maximum_that_cannot_be_one_is_left_out() {
    let header = format!("{HEADER},AvgH,AvgD,AvgA");
    let count = |maximum: &str, mean: &str| {
        let row = GOOD.replace("1.2,8,17", maximum);
        let (counts, _, rejects) = load(&format!("{header}\n{row},{mean}\n"));
        assert!(rejects.iter().all(|reject| reject.kind == RejectKind::Contradiction));
        let columns: Vec<_> = rejects.iter().filter_map(|reject| reject.column.clone()).collect();
        (counts.aggregates, columns.join(" "))
    };
    assert_eq!(count("1.2,8,17", "1.19,7.6,14"), (2, String::new()));
    assert_eq!(count("1.2,8,17", "1.2,8,17"), (2, String::new()));
    assert_eq!(count("1.2,81.0,17", "1.19,6.31,14"), (1, "MaxD".into()));
    assert_eq!(count("1.2,8,13", "1.19,7.6,14"), (0, "MaxA AvgA".into()));
}

#[test]
fn a_quarter_line_may_be_written_as_the_two_lines_that_it_is_made_of() {
    let quarter = |line: &str| {
        let (_, timeline, rejects) = load(&format!("{HEADER}\n{}\n", with(",-2,", line)));
        let markets = timeline.events().filter_map(|event| match event.body {
            Body::Quote(quote) if quote.phase == Phase::Pre => Some(quote.market.to_string()),
            _ => None,
        });
        (markets.last().unwrap(), rejects.len())
    };
    assert_eq!(quarter(r#","-1.5,-2","#), ("ah@-1.75".into(), 0));
    assert_eq!(quarter(r#","0,-0.5","#), ("ah@-0.25".into(), 0));
    // Two lines that are no neighbours are no line.
    assert_eq!(quarter(r#","-1,-2","#), ("1x2".into(), 1));
}

#[test]
fn a_contradicted_result_is_left_out_and_its_prices_stand() {
    let (counts, timeline, _) = load(&format!("{HEADER}\n{}\n", with(",2,0,H,", ",2,0,D,")));
    assert_eq!((counts.matches, counts.results, counts.quotes), (1, 0, 5));
    assert_eq!(timeline.matches()[0].record.standing, Standing::WithoutResult);
    let last = timeline.events().last().unwrap();
    assert!(matches!(last.body, Body::MatchClosed(_)), "{last:?}");
}

#[test]
fn a_row_that_stands_twice_counts_once() {
    let (counts, _, rejects) = load(&format!("{HEADER}\n{GOOD}\n{OTHER}\n{GOOD}\n"));
    assert_eq!((counts.matches, counts.rejected_rows), (2, 1));
    assert_eq!((rejects[0].kind, rejects[0].line), (RejectKind::Duplicate, 4));
    assert!(rejects[0].reason.contains("E0.csv line 2"), "{}", rejects[0]);
}

#[test]
fn a_match_to_come_gives_way_to_its_row_in_the_season() {
    let coming = "Div,Date,Time,HomeTeam,AwayTeam,PSH,PSD,PSA\n\
                  E0,17/08/2024,15:00,Arsenal,Wolves,1.2,7.8,15\n";
    let mut rejects = Vec::new();
    let mut loader = Loader::new(Timing::default());
    loader.bytes("fixtures.csv", coming.as_bytes(), &mut rejects).unwrap();
    loader.bytes("E0.csv", format!("{HEADER}\n{GOOD}\n").as_bytes(), &mut rejects).unwrap();
    let timeline = loader.finish(&mut rejects);
    assert_eq!((timeline.matches().len(), timeline.counts().results), (1, 1));
    assert_eq!((&*rejects[0].file, rejects[0].kind), ("fixtures.csv", RejectKind::Duplicate));
}

#[test]
fn two_meetings_at_one_ground_are_two_legs_in_the_order_of_their_days() {
    let second = GOOD.replace("17/08/2024", "12/04/2025");
    let (_, timeline, rejects) = load(&format!("{HEADER}\n{second}\n{GOOD}\n"));
    assert_eq!(rejects, []);
    let keys: Vec<(&str, String)> = timeline
        .matches()
        .iter()
        .map(|a_match| (a_match.key.as_str(), a_match.record.date.to_string()))
        .collect();
    assert_eq!(
        keys,
        [
            ("E0|2024-25|Arsenal|Wolves|1", "2024-08-17".to_owned()),
            ("E0|2024-25|Arsenal|Wolves|2", "2025-04-12".to_owned()),
        ]
    );
}

#[test]
fn seasons_pasted_under_one_header_are_read_only_as_far_as_they_fit_it() {
    let wide = GOOD.replace("/2024", "/2025") + ",3.1,3.2,3.3";
    let narrow = GOOD.replace("/2024", "/2026").replace(",-2.25,2.02,1.88", "");
    let same = GOOD.replace("/2024", "/2023");
    let (counts, _, rejects) = load(&format!("{HEADER}\n{GOOD}\n{wide}\n{narrow}\n{same}\n"));
    assert_eq!((counts.matches, counts.rejected_rows), (2, 2));
    assert!(rejects.iter().all(|reject| reject.kind == RejectKind::Columns), "{rejects:#?}");
    assert!(rejects[1].reason.contains("a row of season 2026-27 with 27 cells"), "{}", rejects[1]);

    // Each part under its own header is read whole.
    let header = format!("{HEADER},ZBH,ZBD,ZBA");
    let (counts, timeline, rejects) = load(&format!("{HEADER}\n{GOOD}\n{header}\n{wide}\n"));
    assert_eq!((counts.rows, counts.matches, rejects.len()), (2, 2, 0));
    let quotes = timeline.events().filter(|event| matches!(event.body, Body::Quote(_)));
    assert_eq!(quotes.count(), 5 + 6);
}

#[test]
fn what_stands_before_the_header_or_is_a_web_page_behind_the_rows_is_rejected_line_by_line() {
    let page = "<!DOCTYPE HTML PUBLIC>\n<html><head>\n<title>300 Multiple Choices</title>\n";
    let (counts, _, rejects) = load(&format!("{OTHER}\n\n{HEADER}\n{GOOD}\n{page}{OTHER}\n"));
    assert_eq!((counts.matches, counts.rejected_rows, counts.blank), (2, 4, 1));
    let kinds: Vec<_> = rejects.iter().map(|reject| (reject.line, reject.kind)).collect();
    let markup = RejectKind::NotARow;
    assert_eq!(kinds, [(1, RejectKind::NoHeader), (5, markup), (6, markup), (7, markup)]);
}

#[test]
fn short_rows_and_trailing_commas_are_good_rows() {
    let short = "E0,18/08/2024,14:00,Chelsea,Man City,0,2,A";
    let commas = format!("{GOOD},,,,");
    let (counts, _, rejects) = load(&format!("{HEADER},,,\n{commas}\n{short}\n{OTHER}"));
    assert_eq!((counts.matches, rejects.len()), (3, 0), "{rejects:#?}");
}

#[test]
fn a_file_that_ends_within_a_row_loses_that_row_alone() {
    let (counts, _, rejects) = load(&format!("{HEADER}\n{GOOD}\n{}", &OTHER[..60]));
    assert_eq!((counts.matches, counts.rejected_rows), (1, 1));
    assert_eq!(rejects[0].kind, RejectKind::Truncated);
    assert!(rejects[0].reason.contains("fetch it again"), "{}", rejects[0]);
}

#[test]
fn a_score_that_was_awarded_is_marked_as_such() {
    let (_, timeline, rejects) = load(&format!("{HEADER}\n{GOOD},,Arsenal,1,1,Abandoned\n"));
    assert_eq!(rejects, []);
    let result = timeline.events().find_map(|event| match event.body {
        Body::Result(result) => Some(result),
        _ => None,
    });
    let expected = MatchResult {
        src: "football-data".into(),
        status: ResultStatus::Awarded,
        score: Some([2, 0]),
        half_time: Some([1, 0]),
    };
    assert_eq!(result, Some(expected));
}

#[test]
fn encodings_and_line_ends_of_all_years_are_read() {
    let mut bytes = format!("\u{feff}{HEADER}\r\n").into_bytes();
    bytes.extend(GOOD.replace("Arsenal", "Preußen Münster ").bytes());
    bytes.extend(b"\r\n");
    bytes.extend(OTHER.bytes());
    let at = bytes.windows(9).position(|word| word == b"Leicester").unwrap();
    bytes.splice(at..at + 9, *b"M\xfcnchen\xa0");
    let (_, timeline, rejects) = load_bytes("E0.csv", &bytes).unwrap();
    assert_eq!(rejects, []);
    let homes: Vec<&str> = timeline.matches().iter().map(|a_match| a_match.key.home()).collect();
    assert_eq!(homes, ["München", "Preußen Münster"]);
}

#[test]
fn a_third_partys_rewrite_without_division_is_known_by_the_name_of_its_file() {
    let text = "Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR,B365_2_5,B365_2_5_1\n\
                2023-08-11,20:00:00,Burnley,Man City,0.0,3.0,A,1.5,2.6\n";
    let (_, timeline, rejects) = load_bytes("E0_2324_rewritten.csv", text.as_bytes()).unwrap();
    assert_eq!(rejects, []);
    assert_eq!(timeline.matches()[0].key.as_str(), "E0|2023-24|Burnley|Man City|1");
    assert!(timeline.events().any(|event| event.to_line().contains(r#""market":"ou@2.5""#)));

    let (counts, _, rejects) = load_bytes("rewritten.csv", text.as_bytes()).unwrap();
    assert_eq!((counts.rejected_rows, rejects[0].kind), (1, RejectKind::Name));
    assert!(rejects[0].reason.contains("name the file"), "{}", rejects[0]);
}

#[test]
fn the_new_leagues_have_closing_prices_and_seasons_of_their_own() {
    let text = "\u{feff}Country,League,Season,Date,Time,Home,Away,HG,AG,Res,PSCH,PSCD,PSCA\n\
                Mexico,Liga MX,2012/2013,21/07/2012, 01:30,Chiapas,Tigres UANL,0,4,A,2.9,3.3,2.6\n\
                Ireland ,Premier Division ,2012,02/03/2012,19:05,Drogheda,Bray,1,2,A,11,5.1,1.3\n\
                Atlantis,Premier,2012,02/03/2012,19:05,A,B,1,2,A,11,5.1,1.3\n";
    let (counts, timeline, rejects) = load(text);
    assert_eq!((counts.matches, counts.rejected_rows), (2, 1));
    assert_eq!(rejects[0].column.as_deref(), Some("Country"));
    let keys: Vec<&str> = timeline.matches().iter().map(|a_match| a_match.key.as_str()).collect();
    assert_eq!(keys, ["IRL|2012|Drogheda|Bray|1", "MEX|2012-13|Chiapas|Tigres UANL|1"]);
    for event in timeline.events() {
        if let Body::Quote(quote) = event.body {
            assert_eq!(quote.phase, Phase::Closing);
        }
    }
}

#[test]
fn a_file_of_other_columns_is_refused_with_its_header() {
    let refused = |bytes: &[u8]| load_bytes("x.csv", bytes).unwrap_err().to_string();
    assert!(refused(b"id,price\n1,2\n").contains("its first line is `id,price`"));
    assert!(refused(b"Div,Date,HomeTeam,Score\n").contains("no column AwayTeam"));
    assert!(refused(b"").contains("is empty"));
    assert!(refused("id,price\n".repeat(5000).as_bytes()).contains("first line is `id,price`"));
}

#[test]
fn a_line_of_ten_megabytes_is_rejected_and_the_next_row_read() {
    let long = "9".repeat(10 << 20);
    let (counts, _, rejects) = load(&format!("{HEADER}\n{GOOD}\n{long}\n{OTHER}\n"));
    assert_eq!((counts.matches, counts.rejected_rows), (2, 1));
    assert_eq!(rejects[0].kind, RejectKind::LineTooLong);
    assert!(rejects[0].reason.contains("10485760 bytes"), "{}", rejects[0].reason);
    assert!(rejects[0].row.len() <= 4096);
}

#[test]
fn a_compressed_file_that_is_damaged_is_read_as_far_as_it_goes() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    write!(packed, "{HEADER}\n{GOOD}\n{OTHER}\n").unwrap();
    let mut bytes = packed.finish().unwrap();
    let (counts, ..) = load_bytes("E0.csv.gz", &bytes).unwrap();
    assert_eq!(counts.matches, 2);
    // The last eight bytes are the checksum and the length.
    let end = bytes.len();
    bytes.truncate(end - 4);
    let (counts, _, rejects) = load_bytes("E0.csv.gz", &bytes).unwrap();
    assert_eq!((counts.matches, counts.rejected_rows), (2, 1));
    assert_eq!(rejects[0].kind, RejectKind::Unreadable);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic_or_lose_a_row(
        rows in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "[-0-9./:,A-Z\"<> ]{0,120}".prop_map(String::into_bytes),
                (0..30_usize, "[-0-9.\"H]{0,6}").prop_map(|(at, cell)| {
                    let mut cells: Vec<&str> = GOOD.split(',').collect();
                    cells[at] = &cell;
                    cells.join(",").into_bytes()
                }),
            ],
            0..20,
        ),
    ) {
        let mut bytes = HEADER.as_bytes().to_vec();
        for row in rows {
            bytes.push(b'\n');
            bytes.extend(row);
        }
        // `load_bytes` checks that every row is accounted for.
        let (_, timeline, _) = load_bytes("E0.csv", &bytes).unwrap();
        let mut last = None;
        for event in timeline.events() {
            let here = (event.at, event.key.clone());
            prop_assert!(last <= Some(here.clone()));
            last = Some(here);
            let line = event.to_line();
            prop_assert_eq!(marabet_schemas::Event::from_line(&line).unwrap(), event);
        }
    }
}
