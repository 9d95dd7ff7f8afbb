//! De-vig and scores on the odds of twelve real seasons of five leagues.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use marabet_quant::Odds;
use marabet_quant::devig::{Method, devig, price_with_margin};
use marabet_quant::score::{Scores, mean_scores};

const CLOSING: [&str; 3] = ["PSCH", "PSCD", "PSCA"];
const BEFORE: [&str; 3] = ["PSH", "PSD", "PSA"];

struct Played {
    before: [Odds; 3],
    closing: [Odds; 3],
    outcome: usize,
}

/// The matches of 2012/13 to 2023/24 with Pinnacle's odds before the match and at its close.
fn matches(data: &std::path::Path) -> Vec<Played> {
    let mut matches = Vec::new();
    for division in ["E0", "D1", "SP1", "I1", "E1"] {
        for year in 12..24 {
            let season = format!("{year:02}{:02}", year + 1);
            for row in support::football_data::season(data, division, &season) {
                let odds =
                    |columns| Some(row.odds(columns)?.map(|price| Odds::new(price).unwrap()));
                let [home, away] = row.goals;
                let outcome = match home.cmp(&away) {
                    std::cmp::Ordering::Greater => 0,
                    std::cmp::Ordering::Equal => 1,
                    std::cmp::Ordering::Less => 2,
                };
                if let (Some(before), Some(closing)) = (odds(BEFORE), odds(CLOSING)) {
                    matches.push(Played { before, closing, outcome });
                }
            }
        }
    }
    matches
}

fn scores(matches: &[Played], method: Method, odds: fn(&Played) -> [Odds; 3]) -> Scores {
    let forecasts: Vec<Vec<f64>> =
        matches.iter().map(|m| devig(method, &odds(m)).unwrap().probabilities).collect();
    let outcomes: Vec<usize> = matches.iter().map(|m| m.outcome).collect();
    mean_scores(&forecasts, &outcomes).unwrap()
}

#[test]
fn pinnacles_odds_score_what_they_are_known_to_score() {
    let Some(data) = support::real_data() else { return };
    let matches = matches(&data);
    assert_eq!(matches.len(), 22_088);
    let closing = scores(&matches, Method::Multiplicative, |m| m.closing);
    assert!((closing.rps - 0.19684).abs() < 5e-6, "{closing:?}");
    assert!((closing.log_loss - 0.97320).abs() < 5e-6, "{closing:?}");
    let before = scores(&matches, Method::Multiplicative, |m| m.before);
    assert!((before.rps - 0.19764).abs() < 5e-6, "{before:?}");
    assert!((before.log_loss - 0.97588).abs() < 5e-6, "{before:?}");
}

#[test]
fn every_method_serves_real_odds_and_gives_them_back() {
    let Some(data) = support::real_data() else { return };
    for played in matches(&data) {
        for method in Method::ALL {
            let fair = devig(method, &played.closing).unwrap();
            let sum: f64 = fair.probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-13, "{method}: {fair:?}");
            let again = price_with_margin(method, &fair.probabilities, fair.margin).unwrap();
            for (back, offered) in again.iter().zip(played.closing) {
                let apart = (back.decimal() / offered.decimal() - 1.0).abs();
                assert!(apart < 1e-11, "{method}: {back}, not {offered}");
            }
        }
    }
}
