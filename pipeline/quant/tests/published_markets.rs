//! The published numbers of de-vig, scores, stakes and score grids.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use marabet_quant::devig::{Method, devig};
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::score::{brier, ignorance, mean_scores, rps};
use marabet_quant::staking::{Book, arbitrage, kelly};
use marabet_quant::{Odds, ValueError};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn assert_near(found: &[f64], published: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), published.len(), "{what}");
    for (one, other) in found.iter().zip(published) {
        assert!((one - other).abs() <= tolerance, "{what}: {found:?}, not {published:?}");
    }
}

fn odds(decimals: &[f64]) -> Result<Vec<Odds>, ValueError> {
    decimals.iter().map(|decimal| Odds::new(*decimal)).collect()
}

#[test]
fn every_method_gives_its_published_probabilities_and_parameter() {
    let Some(data) = support::real_data() else { return };
    let published = support::published(&data);
    let mut compared = 0;
    for case in published["devig"].as_array().unwrap() {
        let tolerance = case["tol"].as_f64().unwrap();
        let offered = odds(&numbers(&case["odds"])).unwrap();
        for method in Method::ALL {
            let expected = &case[method.as_str()];
            let source = format!("{method}, {}", case["source"]);
            let probabilities = if expected.is_array() { expected } else { &expected["p"] };
            if probabilities.is_null() {
                continue;
            }
            let fair = devig(method, &offered).unwrap();
            assert_near(&fair.probabilities, &numbers(probabilities), tolerance, &source);
            if let Some(margin) = case["margin"].as_f64() {
                assert_near(&[fair.margin], &[margin], tolerance, &source);
            }
            for name in ["z", "k", "c", "step"] {
                if let Some(value) = expected[name].as_f64() {
                    let parameter = fair.parameter.unwrap();
                    assert_eq!(parameter.name, name);
                    assert_near(&[parameter.value], &[value], tolerance, &source);
                }
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 7);
}

#[test]
fn what_must_be_refused_is_refused() {
    let Some(data) = support::real_data() else { return };
    let refusals = &support::published(&data)["devig_refusals"];
    for case in refusals["must_be_an_error"].as_array().unwrap() {
        for method in Method::ALL {
            let outcome = odds(&numbers(case)).map(|offered| devig(method, &offered));
            assert!(!matches!(outcome, Ok(Ok(_))), "{method} took {case}");
        }
    }
    let implied = numbers(&refusals["additive_goes_negative_on_inverse_odds"]);
    let offered = odds(&implied.iter().map(|p| 1.0 / p).collect::<Vec<f64>>()).unwrap();
    assert!(devig(Method::Additive, &offered).is_err());
}

#[test]
fn the_scores_are_those_that_penaltyblog_prints() {
    let Some(data) = support::real_data() else { return };
    let published = &support::published(&data)["scores"];
    let tolerance = published["tol"].as_f64().unwrap();
    let forecasts: Vec<Vec<f64>> =
        published["forecasts"].as_array().unwrap().iter().map(numbers).collect();
    let outcomes: Vec<usize> =
        numbers(&published["outcomes"]).into_iter().map(|at| at as usize).collect();
    let each: Vec<f64> =
        forecasts.iter().zip(&outcomes).map(|(f, at)| rps(f, *at).unwrap()).collect();
    assert_near(&each, &numbers(&published["rps_each"]), tolerance, "rps of each");
    let means = mean_scores(&forecasts, &outcomes).unwrap();
    let printed =
        ["rps_mean", "brier_mean", "log_score_bits"].map(|name| published[name].as_f64().unwrap());
    assert_near(&[means.rps, means.brier, means.ignorance], &printed, tolerance, "means");
    let mean = |score: fn(&[f64], usize) -> Result<f64, _>| -> f64 {
        let scores = forecasts.iter().zip(&outcomes).map(|(f, at)| score(f, *at).unwrap());
        scores.sum::<f64>() / forecasts.len() as f64
    };
    assert_near(&[mean(brier), mean(ignorance)], &printed[1..], tolerance, "means of each");
}

#[test]
fn stakes_and_the_arbitrage_are_those_that_penaltyblog_prints() {
    let Some(data) = support::real_data() else { return };
    let published = &support::published(&data)["kelly"];
    let tolerance = published["tol"].as_f64().unwrap();
    for case in published["single"].as_array().unwrap() {
        let number = |name: &str| case[name].as_f64();
        let argument = |name: &str| number(name).unwrap();
        let found = kelly(argument("odds"), argument("p"), argument("fraction")).unwrap();
        assert_near(&[found.stake], &[argument("stake")], tolerance, "stake");
        let optional = [("ev", found.expected_return), ("log_growth", found.log_growth)];
        for (name, value) in optional {
            assert_near(&[value], &[number(name).unwrap_or(value)], tolerance, name);
        }
    }
    let arb = &published["arbitrage"];
    let books = [Book { odds: odds(&numbers(&arb["best_odds"])).unwrap(), commission: 0.0 }];
    let found = arbitrage(&books).unwrap();
    assert_near(&[found.sure_return], &[arb["return"].as_f64().unwrap()], tolerance, "return");
    let shares: Vec<f64> = found.prices.iter().map(|price| price.stake_share).collect();
    assert_near(&shares, &numbers(&arb["stakes"]), tolerance, "stakes");
}

#[test]
fn score_grids_have_the_results_that_goalmodel_prints() {
    let Some(data) = support::real_data() else { return };
    for case in support::published(&data)["goal_models"]["score_grid"].as_array().unwrap() {
        let number = |name: &str| case[name].as_f64().unwrap();
        let matrix = ScoreMatrix::dixon_coles(number("lambda"), number("mu"), number("rho"));
        let results = matrix.unwrap().match_odds();
        assert_near(&results, &numbers(&case["p_home_draw_away"]), number("tol"), "results");
    }
}
