//! The real files: every row of each is accounted for, and what is read agrees with counts that
//! another program made.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use marabet_ingest::football_data::{Counts, FileError, Loader, Timeline, Timing};
use marabet_ingest::seasons::{self, Wish};
use marabet_ingest::{Reject, RejectCounts, RejectKind, Rejects, Scope};
use marabet_schemas::Body;
use marabet_schemas::facts::{Phase, ResultStatus, Statistic};

fn load(path: &Path) -> Result<(Counts, Timeline, Vec<Reject>), FileError> {
    let mut rejects = Vec::new();
    let mut loader = Loader::new(Timing::default());
    loader.file(path, &mut rejects)?;
    let timeline = loader.finish(&mut rejects);
    Ok((timeline.counts(), timeline, rejects))
}

#[test]
fn every_row_of_every_file_became_facts_or_a_reject_that_says_why_or_is_blank() {
    let Some(folder) = support::collection() else { return };
    let mut total = Counts::default();
    let mut kinds = RejectCounts::default();
    for path in support::csv_files(&folder) {
        if path.ends_with("manifest.csv") {
            let error = load(&path).unwrap_err();
            assert!(matches!(error, FileError::UnknownColumns { .. }), "{error}");
            continue;
        }
        let (counts, timeline, rejects) = load(&path).unwrap();
        let name = path.display();
        assert_eq!(counts.rows, counts.blank + counts.matches + counts.rejected_rows, "{name}");
        assert_eq!(timeline.matches().len() as u64, counts.matches, "{name}");
        let lost = rejects.iter().filter(|reject| reject.scope == Scope::Row).count() as u64;
        assert_eq!(lost, counts.rejected_rows, "{name}");
        assert_eq!(rejects.len() as u64 - lost, counts.rejected_cells, "{name}");
        for reject in rejects {
            assert!(reject.line > 0 && !reject.reason.is_empty(), "{reject}");
            kinds.reject(reject);
        }
        total += counts;
    }
    println!("{total:#?}\n{kinds:#?}");
    assert_eq!(total.files, 581);
    assert!(total.matches > 215_000, "{total:?}");
    // Real files have few defects: were this many more, the reader would be at fault.
    assert!(total.rejected_rows < 20, "{total:?}");
    assert!(total.rejected_cells < 1000, "{total:?}");
}

/// Counts what the manifest counts, from the events.
fn figures(timeline: &Timeline) -> BTreeMap<&'static str, usize> {
    let mut figures = BTreeMap::new();
    let mut count = |figure| *figures.entry(figure).or_default() += 1;
    for event in timeline.events() {
        match &event.body {
            Body::Quote(quote) => {
                let whose = (quote.book.as_str(), quote.market.family(), quote.phase);
                match whose {
                    ("bet365", "1x2", Phase::Pre) => count("n_B365H"),
                    ("bet365", "ou", Phase::Pre) => count("n_B365>2.5"),
                    ("pinnacle", "1x2", Phase::Pre) => count("n_PSH"),
                    ("pinnacle", "1x2", Phase::Closing) => count("n_PSCH"),
                    ("betfair_exchange", "1x2", Phase::Pre) => count("n_BFEH"),
                    _ => {}
                }
            }
            Body::Aggregate(aggregate) => {
                let whose = (aggregate.statistic, aggregate.market.family(), aggregate.phase);
                let betbrain = aggregate.books.is_some();
                match (whose, betbrain) {
                    ((Statistic::Avg, "1x2", Phase::Closing), _) => count("n_AvgCH"),
                    ((Statistic::Avg, "1x2", Phase::Pre), false) => count("n_AvgH"),
                    ((Statistic::Avg, "1x2", Phase::Pre), true) => count("n_BbAvH"),
                    ((Statistic::Max, "1x2", Phase::Pre), false) => count("n_MaxH"),
                    ((Statistic::Max, "1x2", Phase::Pre), true) => count("n_BbMxH"),
                    ((Statistic::Avg, "ou", Phase::Pre), false) => count("n_Avg>2.5"),
                    ((Statistic::Avg, "ou", Phase::Pre), true) => count("n_BbAv>2.5"),
                    _ => {}
                }
            }
            Body::Stats(stats) => {
                if stats.home.shots.is_some() {
                    count("n_HS");
                }
                if stats.home.shots_on_target.is_some() {
                    count("n_HST");
                }
                if stats.home.corners.is_some() {
                    count("n_HC");
                }
            }
            _ => {}
        }
    }
    for a_match in timeline.matches() {
        if a_match.record.time.is_some() {
            *figures.entry("n_Time").or_default() += 1;
        }
    }
    figures
}

#[test]
fn what_is_read_agrees_with_the_counts_of_the_collections_manifest() {
    let Some(folder) = support::collection() else { return };
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let mut lines = manifest.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut compared = 0;
    for line in lines {
        let row: BTreeMap<&str, &str> = names.iter().copied().zip(line.split(',')).collect();
        let (counts, timeline, rejects) = load(&folder.join(row["path"])).unwrap();
        let said = |figure: &str| row[figure].parse::<usize>().unwrap_or(0);
        assert_eq!((counts.matches + counts.rejected_rows) as usize, said("rows"), "{line}");

        let season = row["season"];
        let label = &timeline.matches()[0].record.season;
        assert_eq!(format!("{}{}", &label[2..4], &label[5..]), season, "{line}");
        assert!(timeline.matches().iter().all(|m| m.record.season == *label), "{line}");
        let days = timeline.matches().iter().map(|a_match| a_match.record.date);
        assert_eq!(days.clone().min().unwrap().to_string(), row["first"], "{line}");
        assert_eq!(days.max().unwrap().to_string(), row["last"], "{line}");

        let figures = figures(&timeline);
        for figure in names.iter().filter(|name| name.starts_with("n_")) {
            if matches!(*figure, "n_AHh" | "n_BbAHh" | "n_Referee") {
                continue;
            }
            let (read, said) = (figures.get(figure).copied().unwrap_or(0), said(figure));
            // The manifest counts filled cells; a row or a market with a bad cell is a reject.
            let market = &figure[2..figure.len() - if figure.contains('>') { 4 } else { 1 }];
            let rejected = rejects.iter().filter(|reject| {
                let column = reject.column.as_deref();
                reject.scope == Scope::Row || column.is_some_and(|name| name.starts_with(market))
            });
            let rejected = rejected.count();
            assert!(
                said.abs_diff(read) <= rejected,
                "{} {figure}: read {read}, the manifest says {said}, {rejected} rejected",
                row["path"]
            );
            compared += 1;
        }
    }
    assert!(compared > 563 * 15, "only {compared} figures were compared");
}

#[test]
fn each_known_defect_of_the_collection_is_found_where_it_is_known_to_be() {
    let Some(folder) = support::collection() else { return };
    for (file, line, column, kind) in [
        ("raw/T1/1011.csv.gz", 304, "SJD", RejectKind::Odds),
        ("raw/T1/1112.csv.gz", 298, "BSA", RejectKind::Odds),
        ("raw/N1/2223.csv.gz", 133, "B365CH", RejectKind::Odds),
        ("derived/SC2/2324.csv.gz", 101, "BWCA", RejectKind::Odds),
        ("derived/SC1/1819.csv.gz", 116, "B365H", RejectKind::Odds),
        ("raw/E1/0405.csv.gz", 477, "LBAHH", RejectKind::Odds),
        ("derived/SP2/2526.csv.gz", 342, "AHCh", RejectKind::Line),
        ("raw/EC/0506.csv.gz", 449, "FTR", RejectKind::Contradiction),
        ("derived/F2/2526.csv.gz", 137, "FTHG", RejectKind::Score),
        ("derived/G1/1819.csv.gz", 199, "FTHG", RejectKind::Score),
        ("raw/E3/2526.csv.gz", 416, "column 133", RejectKind::Columns),
        ("raw/P1/0304.csv.gz", 181, "column 33", RejectKind::Columns),
        ("quirks/EC_0506_FTR_contradicts_score_3_rows.csv", 452, "FTR", RejectKind::Contradiction),
    ] {
        let (_, _, rejects) = load(&folder.join(file)).unwrap();
        let found = rejects.iter().any(|reject| {
            let place = (reject.line, reject.column.as_deref(), reject.kind);
            place == (line, Some(column), kind)
        });
        assert!(found, "{file}:{line} {column} among {rejects:#?}");
    }
}

/// The counts of a file among the quirks.
fn quirk(folder: &Path, file: &str) -> (Counts, Timeline, Vec<Reject>) {
    load(&folder.join("quirks").join(file)).unwrap()
}

#[test]
fn every_quirk_is_read_as_what_it_is() {
    let Some(folder) = support::collection() else { return };
    let check = |file: &str, matches: u64, results: u64, blank: u64, cells: u64| {
        let (counts, timeline, rejects) = quirk(&folder, file);
        // Aggregates that cannot be right are found in many files; here they are not the point.
        let is_aggregate =
            |name: &str| ["Max", "Avg", "Bb"].iter().any(|code| name.starts_with(code));
        let others = rejects.iter().filter(|r| !r.column.as_deref().is_some_and(is_aggregate));
        let found = (counts.matches, counts.results, counts.blank, others.count() as u64);
        assert_eq!(found, (matches, results, blank, cells), "{file} {rejects:#?}");
        assert_eq!(counts.rejected_rows, 0, "{file} {rejects:#?}");
        timeline
    };
    check("D1_0001_latin1_referee_umlauts.csv", 306, 306, 0, 0);
    check("E0_0405_latin1_nbsp.csv", 380, 380, 0, 1);
    check("E0_1415_trailing_blank_row.csv", 380, 380, 1, 0);
    check("E0_1516_ddmmyyyy_among_ddmmyy_seasons.csv", 380, 380, 0, 0);
    check("E0_9394_90_blank_rows_21_empty_header_cols.csv", 462, 462, 90, 0);
    check("EC_0506_FTR_contradicts_score_3_rows.csv", 462, 459, 0, 3);
    check("EC_1617_not_utf8_crlf.csv", 552, 552, 0, 0);
    check("N1_1819_18_rows_without_score_hand_edited.csv", 306, 288, 0, 18);
    let coming = check("fixtures_upcoming_114cols_no_result.csv", 47, 0, 0, 0);
    let closes = coming.events().any(|event| matches!(event.body, Body::MatchClosed(_)));
    assert!(!closes, "a match to come is not over");

    // Prices under other names are the same prices; this one has the whole season.
    let renamed = check("E0_2223_third_party_renamed_headers_B365_2_5.csv", 380, 380, 0, 0);
    let (_, original, _) = load(&folder.join("raw/E0/2223.csv.gz")).unwrap();
    assert!(renamed.events().eq(original.events()), "the two seasons differ");

    let reduced = check("E0_2324_third_party_reduced_columns_float_scores.csv", 380, 380, 0, 0);
    let (_, original, _) = load(&folder.join("raw/E0/2324.csv.gz")).unwrap();
    let results = |timeline: &Timeline| {
        let mut results: Vec<_> =
            timeline.matches().iter().map(|m| format!("{:?}", m.record.standing)).collect();
        results.sort();
        results
    };
    let half_times = results(&original);
    assert_eq!(results(&reduced), half_times, "scores written as 2.0 are read as other scores");
}

#[test]
fn the_one_awarded_score_is_known_by_the_note_beside_it() {
    let Some(folder) = support::collection() else { return };
    let (_, timeline, _) = load(&folder.join("raw/T1/0607.csv.gz")).unwrap();
    let awarded: Vec<String> = timeline
        .events()
        .filter_map(|event| match event.body {
            Body::Result(result) if result.status == ResultStatus::Awarded => {
                Some(format!("{} {:?}", event.key?, result.score?))
            }
            _ => None,
        })
        .collect();
    assert_eq!(awarded, ["T1|2006-07|Manisaspor|Sakaryaspor|1 [0, 3]"]);
}

#[test]
fn a_download_that_was_cut_short_loses_its_last_row_and_nothing_else() {
    let Some(folder) = support::collection() else { return };
    let name = "E0_2021_truncated_download_last_row_45_of_106_fields_no_newline.csv";
    let whole = std::fs::read(folder.join("quirks").join(name)).unwrap();
    let last = whole.windows(2).rposition(|pair| pair == b"\nE").unwrap() + 1;
    let commas = whole[last..].iter().enumerate().filter(|(_, byte)| **byte == b',');
    let (cut, _) = commas.map(|(at, byte)| (last + at, byte)).nth(45).unwrap();

    let mut rejects = Vec::new();
    let mut loader = Loader::new(Timing::default());
    let counts = loader.bytes(name, &whole[..cut - 1], &mut rejects).unwrap();
    assert_eq!((counts.rows, counts.matches, counts.rejected_rows), (184, 183, 1));
    assert_eq!((rejects[0].kind, rejects[0].line), (RejectKind::Truncated, 185));
}

#[test]
fn a_place_of_real_files_yields_the_newest_season_with_sharp_prices_and_three_before_it() {
    let Some(folder) = support::collection() else { return };
    let root = folder.parent().unwrap().to_owned();
    for (competition, streamed, before) in [
        ("E0", "2024-25", vec!["2021-22", "2022-23", "2023-24"]),
        ("SP1", "2023-24", vec!["2020-21", "2021-22", "2022-23"]),
    ] {
        let wish = Wish { competition: competition.into(), ..Wish::default() };
        let choice = seasons::choose(std::slice::from_ref(&root), &wish).unwrap();
        let seasons: Vec<&str> = choice.before.iter().map(|season| &*season.season).collect();
        assert_eq!((&*choice.streamed.season, seasons), (streamed, before), "{competition}");

        let mut rejects = Vec::new();
        let timeline = choice.load(Timing::default(), &mut rejects).unwrap();
        assert_eq!(timeline.matches().len(), 4 * 380);
        let mut last = None;
        let mut prices = 0;
        for event in timeline.events() {
            let here = (event.at, event.key.clone());
            assert!(last <= Some(here.clone()), "{here:?} comes after {last:?}");
            last = Some(here);
            assert!(event.assumed);
            if let Body::Quote(quote) = &event.body
                && event.key.is_some_and(|key| key.season() == streamed)
            {
                assert!(quote.is_complete());
                prices += quote.odds.len();
            }
        }
        assert!(prices > 15_000, "{prices}");
    }
    let nowhere = Wish { competition: "XX".into(), ..Wish::default() };
    let error = seasons::choose(&[root], &nowhere).unwrap_err().to_string();
    assert!(error.starts_with("no file of XX among 56"), "{error}");
}
