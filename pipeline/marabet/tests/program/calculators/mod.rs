//! The calculators, against published numbers.

mod models;
mod prices;

use crate::support::{close, file, json, marabet, text};

#[test]
fn shin_takes_the_margin_out_as_published() {
    // penaltyblog, docs/implied/implied.rst
    let answer = json(marabet().args(["odds", "devig", "--method", "shin", "2.7", "2.3", "4.4"]));
    for (place, p) in [0.359_343_919_6, 0.423_243_848_2, 0.217_412_232_2].into_iter().enumerate() {
        close(&answer["probabilities"][place], p, 1e-9);
    }
    close(&answer["margin"], 0.032_425_706_3, 1e-9);
    close(&answer["z"], 0.016_236_442_856, 1e-9);
}

#[test]
fn kelly_stakes_as_published() {
    // penaltyblog, docs/betting
    let answer = json(marabet().args(["odds", "kelly", "--odds", "2.5", "--p", "0.5"]));
    close(&answer["stake"], 0.166_666_7, 1e-6);
    close(&answer["ev"][0], 0.25, 1e-9);
    let half = ["odds", "kelly", "--odds", "2.1", "--p", "0.55", "--fraction", "0.5"];
    let answer = json(marabet().args(half));
    close(&answer["stakes"][0], 0.070_454_5, 1e-6);
    close(&answer["log_growth"], 0.008_177_14, 1e-6);
    let answer = json(marabet().args(["odds", "arbitrage", "3.1", "3.5", "3.1"]));
    close(&answer["return"], 0.074_257_4, 1e-6);
}

#[test]
fn value_is_what_is_left_after_commission() {
    // p = 0.5 at 2.10 with 5 % commission: 0.5 × (1 + 1.10 × 0.95) − 1.
    let arguments = ["odds", "value", "--odds", "2.1", "--p", "0.5", "--commission", "0.05"];
    let answer = json(marabet().args(arguments));
    close(&answer["selections"][0]["ev"], 0.0225, 1e-12);
    close(&answer["selections"][0]["net_odds"], 2.045, 1e-12);
}

#[test]
fn a_score_grid_prices_as_published() {
    // goalmodel README
    let arguments =
        ["model", "price", "--lambda", "2.117914", "--mu", "1.025718", "--rho", "-0.1335741"];
    let answer = json(marabet().args(arguments));
    for (selection, p) in [("home", 0.611_489_7), ("draw", 0.226_823_0), ("away", 0.161_687_3)] {
        close(&answer["markets"]["1x2"][selection]["win"], p, 1e-6);
    }
}

#[test]
fn what_a_market_implies_prices_the_market_again() {
    let answer = json(marabet().args([
        "model",
        "implied",
        "--p1x2",
        "0.6114897",
        "0.2268230",
        "0.1616873",
        "--rho",
        "-0.1335741",
    ]));
    close(&answer["lambda"], 2.117_914, 1e-4);
    close(&answer["mu"], 1.025_718, 1e-4);
}

#[test]
fn forecasts_score_as_published() {
    // penaltyblog, docs/metrics
    let folder = tempfile::tempdir().unwrap();
    let forecasts = "p1,p2,p3,outcome\n1,0,0,1\n0.9,0.1,0,1\n0.8,0.1,0.1,1\n0.5,0.25,0.25,1\n\
                     0.35,0.3,0.35,2\n0.6,0.3,0.1,2\n0.6,0.25,0.15,1\n0.6,0.15,0.25,1\n\
                     0.57,0.33,0.1,1\n0.6,0.2,0.2,1\n";
    let path = file(folder.path(), "forecasts.csv", forecasts);
    let answer = json(marabet().args(["score", "--forecasts"]).arg(path));
    close(&answer["rps"], 0.089_37, 1e-9);
    close(&answer["brier"], 0.308_38, 1e-9);
    close(&answer["ignorance"], 0.796_972_533_477_342_8, 1e-9);
}

#[test]
fn dixon_coles_fits_the_published_season_as_published() {
    let Some(data) = crate::support::real_data() else { return };
    let season = data.join("../conformance/data/openfootball_2011-12_en.1.json");
    let answer = json(marabet().args(["model", "fit", "--model", "dixon-coles"]).arg(season));
    // goalmodel README
    close(&answer["log_likelihood"], -1087.359, 1e-3);
    close(&answer["rho"], -0.133_65, 1e-3);
    close(&answer["home_advantage"], 0.272_821, 1e-3);
    assert_eq!(answer["converged"], true);
    assert!(answer["teams"]["Arsenal FC"]["attack_se"].as_f64().unwrap() > 0.0, "{answer}");
}

#[test]
fn odds_that_are_none_are_named() {
    for odds in ["1.0", "-3", "nan", "inf"] {
        let output = marabet().args(["odds", "devig", "2.0", "--", odds]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{odds}");
        assert!(text(&output).contains("odds number 2"), "{}", text(&output));
    }
}
