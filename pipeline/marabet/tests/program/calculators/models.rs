//! `marabet model …`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{close, file, json, marabet, run, text};

/// The answer to a command line of words with a space between each two.
fn model(words: &str) -> Value {
    json(marabet().arg("model").args(words.split(' ')))
}

/// A plain CSV of a league of six, each against each in so many rounds.
fn results(folder: &Path, rounds: u32) -> PathBuf {
    let mut csv = "date,home,away,home_goals,away_goals\n".to_owned();
    let teams = ["Ash", "Birch", "Cedar", "Elm", "Fir", "Oak"];
    let mut noise = 1_u32;
    for round in 0..rounds {
        for (i, home) in teams.iter().enumerate() {
            for (j, away) in teams.iter().enumerate().filter(|(j, _)| *j != i) {
                noise = noise.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                let goals = [(noise >> 16) % 4, (noise >> 20) % 3];
                let day = 1 + (i + j) % 28;
                let month = 1 + round % 12;
                writeln!(csv, "2024-{month:02}-{day:02},{home},{away},{},{}", goals[0], goals[1])
                    .unwrap();
            }
        }
    }
    file(folder, "results.csv", &csv)
}

#[test]
fn every_model_is_fitted_with_standard_errors_and_says_how_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let season = results(folder.path(), 6);
    for name in [
        "poisson",
        "dixon-coles",
        "bivariate-poisson",
        "negative-binomial",
        "zero-inflated-poisson",
        "hurdle-poisson",
        "conway-maxwell-poisson",
        "weibull-copula",
    ] {
        let fit = json(marabet().args(["model", "fit", "--model", name]).arg(&season));
        assert_eq!(fit["converged"], true, "{name}: {fit}");
        assert!(fit["log_likelihood"].as_f64().unwrap() < 0.0 && fit["why"].is_string());
        let teams = fit["teams"].as_object().unwrap();
        assert_eq!(teams.len(), 6);
        let attacks: f64 = teams.values().map(|team| team["attack"].as_f64().unwrap()).sum();
        assert!((attacks / 6.0 - 1.0).abs() < 1e-9, "{name}");
        for team in teams.values() {
            assert!(team["attack_se"].as_f64().unwrap() > 0.0, "{name}: {team}");
            assert!(team["defence_se"].as_f64().unwrap() > 0.0, "{name}: {team}");
        }
    }
    let stopped = json(marabet().args(["model", "fit", "--iterations", "1"]).arg(&season));
    assert_eq!(stopped["converged"], false, "it says that it did not converge: {stopped}");
}

#[test]
fn a_fitted_model_prices_a_match_and_knows_whom_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let season = results(folder.path(), 6);
    for name in ["dixon-coles", "weibull-copula"] {
        let arguments = ["model", "fit", "--json", "--xi", "0.0018", "--model", name];
        let output = run(marabet().args(arguments).arg(&season));
        let fit = folder.path().join("fit.json");
        std::fs::write(&fit, output.stdout).unwrap();
        let priced = |home: &str| {
            let mut command = marabet();
            command.args(["model", "price", "--home", home, "--away", "Oak", "--fit"]).arg(&fit);
            command
        };
        let answer = json(&mut priced("Ash"));
        let one = &answer["markets"]["1x2"];
        let sum: f64 =
            ["home", "draw", "away"].map(|s| one[s]["win"].as_f64().unwrap()).iter().sum();
        assert!((sum - 1.0).abs() < 1e-9, "{one}");
        let output = priced("Yew").output().unwrap();
        assert!(!output.status.success() && text(&output).contains("Yew"), "{}", text(&output));
    }
}

#[test]
fn every_market_has_five_outcomes_that_add_up_to_one() {
    let priced = model("price --lambda 1.6 --mu 1.1 --rho -0.05");
    let markets = priced["markets"].as_object().unwrap();
    let mut selections = 0;
    for (market, of) in markets {
        let mut all = 0.0;
        for (selection, price) in of.as_object().unwrap() {
            let p = |name: &str| price[name].as_f64().unwrap();
            let sum: f64 =
                ["win", "half_win", "push", "half_loss", "loss"].into_iter().map(p).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{market} {selection}: {price}");
            all += p("win");
            selections += 1;
        }
        if ["correct_score", "winning_margin", "half_time_full_time", "1x2"].contains(&&**market) {
            assert!((all - 1.0).abs() < 1e-9, "{market}: {all}");
        }
    }
    assert!(selections > 400, "{selections}");
    let (home, away) = (&markets["ah@-0.25"]["home"], &markets["ah@-0.25"]["away"]);
    for (one, mirror) in [("win", "loss"), ("half_win", "half_loss"), ("push", "push")] {
        close(&home[one], away[mirror].as_f64().unwrap(), 1e-12);
    }
    assert!(home["half_loss"].as_f64().unwrap() > 0.2, "a draw loses half of it: {home}");
    for market in ["dc", "dnb", "btts", "oe", "cs.home", "wtn.away", "ou.home@1.5", "eh@-1"] {
        assert!(markets.contains_key(market), "{market}");
    }
}

#[test]
fn odds_and_lines_imply_the_goals_that_price_them() {
    let implied = model("implied --p1x2 0.5 0.27 0.23");
    let [lambda, mu] = ["lambda", "mu"].map(|name| implied[name].as_f64().unwrap());
    let priced = model(&format!("price --lambda {lambda} --mu {mu}"));
    close(&priced["markets"]["1x2"]["home"]["win"], 0.5, 1e-9);
    close(&priced["markets"]["1x2"]["away"]["win"], 0.23, 1e-9);
    let solved = model("implied --p1x2 0.5 0.27 0.23 --total 2.5 0.5");
    assert!(solved["rho"].as_f64().unwrap() != 0.0, "rho is solved: {solved}");
    let lines = model("implied --handicap -0.5 0.5 --total 2.5 0.52");
    assert!(lines["lambda"].as_f64().unwrap() > lines["mu"].as_f64().unwrap());
    let odds = model("implied --odds 2 3.7 4.348 --method multiplicative");
    close(&odds["lambda"], lambda, 2e-3);
}

#[test]
fn a_match_under_way_tends_to_its_result() {
    let at = |minute: &str| {
        model(&format!("in-play --lambda 1.6 --mu 1.1 --score 1-0 --minute {minute}"))
    };
    let home = |answer: &Value| answer["probabilities"][0].as_f64().unwrap();
    let minutes = ["1", "30", "60", "85", "93"].map(at);
    assert!(minutes.windows(2).all(|pair| home(&pair[0]) < home(&pair[1])), "{minutes:?}");
    let over = model("in-play --lambda 1.6 --mu 1.1 --score 1-0 --over");
    assert_eq!(home(&over), 1.0);
    let red = model("in-play --lambda 1.6 --mu 1.1 --score 1-0 --minute 60 --reds 1-0");
    assert!(home(&red) < home(&minutes[2]), "a man down");
}

#[test]
fn ratings_put_the_winners_first_and_forecast() {
    let folder = tempfile::tempdir().unwrap();
    let season = results(folder.path(), 6);
    for system in ["elo", "pi", "glicko2"] {
        let arguments = ["model", "rate", "--system", system, "--home", "Ash", "--away", "Oak"];
        let rated = json(marabet().args(arguments).arg(&season));
        assert_eq!(rated["teams"].as_object().unwrap().len(), 6, "{rated}");
        let p = rated["forecast"]["probabilities"].as_array().unwrap();
        let sum: f64 = p.iter().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{rated}");
    }
}

#[test]
fn calibration_and_pools_are_learnt_from_forecasts() {
    let folder = tempfile::tempdir().unwrap();
    let mut bold = "p1,p2,outcome\n".to_owned();
    let mut flat = bold.clone();
    for n in 0..200 {
        // Said at 90 %, it occurs seven times in ten.
        let outcome = if n % 10 < 7 { 1 } else { 2 };
        let (p, q) = if n % 2 == 0 { (0.9, 0.1) } else { (0.8, 0.2) };
        writeln!(bold, "{p},{q},{outcome}").unwrap();
        writeln!(
            flat,
            "{},{},{outcome}",
            0.5 + 0.001 * f64::from(n % 7),
            0.5 - 0.001 * f64::from(n % 7)
        )
        .unwrap();
    }
    let (bold, flat) = (file(folder.path(), "b.csv", &bold), file(folder.path(), "f.csv", &flat));
    for map in ["platt", "beta", "isotonic"] {
        let arguments = ["model", "calibrate", "--map", map, "--p", "0.9", "0.1", "--forecasts"];
        let learnt = json(marabet().args(arguments).arg(&bold));
        let p = learnt["probabilities"][0].as_f64().unwrap();
        assert!((0.7..=0.8 + 1e-9).contains(&p), "{map}: {learnt}");
    }
    let mut pool = marabet();
    pool.args(["model", "pool", "--forecasts"]).arg(&bold).arg("--with").arg(&flat);
    let exponents = json(&mut pool);
    assert_eq!(exponents["exponents"].as_array().unwrap().len(), 2, "{exponents}");
    let mut against = marabet();
    against.args(["score", "--forecasts"]).arg(&bold).arg("--against").arg(&flat);
    let scored = json(&mut against);
    assert!(scored["against"]["rps"]["p_value"].as_f64().unwrap() <= 1.0, "{scored}");
    assert!(scored["calibration"]["error"].as_f64().unwrap() > 0.1 && scored["murphy"].is_object());
}

#[test]
fn what_cannot_be_fitted_or_priced_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let header = "date,home,away,home_goals,away_goals\n";
    let csv = |name: &str, rows: &str| file(folder.path(), name, &format!("{header}{rows}"));
    let goalless = csv("a.csv", "2024-01-01,A,B,0,0\n2024-01-08,B,A,0,0\n");
    let apart = csv(
        "b.csv",
        "2024-01-01,A,B,1,1\n2024-01-02,B,A,2,1\n2024-01-01,C,D,1,1\n2024-01-02,D,C,1,2\n",
    );
    let one = csv("c.csv", "2024-01-01,A,B,1,0\n");
    let itself = csv("d.csv", "2024-01-01,A,A,1,0\n");
    let empty = csv("e.csv", "");
    let none = folder.path().join("none.csv");
    for (path, what) in [
        (&goalless, "no home goals in 2 matches"),
        (&apart, "groups that no match links"),
        (&one, "no away goals in 1 matches"),
        (&itself, "A cannot play itself"),
        (&empty, "no match with a score"),
        (&none, "none.csv"),
    ] {
        let output = marabet().args(["model", "fit"]).arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}: {}", path.display(), text(&output));
        assert!(text(&output).contains(what), "{}: {}", path.display(), text(&output));
    }
    for words in [
        "price --lambda -1 --mu 1",
        "price --lambda nan --mu 1",
        "price --lambda 1.6 --mu 1.1 --rho 5",
        "price --lambda 1e300 --mu 1",
        "implied --p1x2 0.9 0.05 0.3",
        "implied --p1x2 nan 0.5 0.5",
        "in-play --lambda 1 --mu 1 --minute -5",
        "in-play --lambda 1 --mu 1 --minute 10 --score x",
        "in-play --lambda 1 --mu 1 --minute 10 --reds 9-0",
        "fit --xi -1 /dev/null",
    ] {
        let output = marabet().arg("model").args(words.split(' ')).output().unwrap();
        assert!(!output.status.success(), "{words} was taken");
        assert!(!text(&output).contains("panicked"), "{words}: {}", text(&output));
    }
}

#[test]
fn models_are_evaluated_on_real_seasons_beside_the_closing_odds() {
    let Some(data) = crate::support::real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let figure = folder.path().join("figure.svg");
    let mut command = marabet();
    command.args(["model", "evaluate", "--leagues", "E0", "--first", "2021", "--last", "2023"]);
    command.args(["--before", "4", "--models", "dixon-coles,elo,market-pre-match"]);
    command.args(["--every", "28"]).arg("--data").arg(data).arg("--figure").arg(&figure);
    let report = json(&mut command);
    assert_eq!(
        (&report["matches"], &report["reference"]),
        (&1140.into(), &"market_closing".into())
    );
    let scored = report["scored"].as_array().unwrap();
    // Five forecasters over all, by league, by three seasons, by both.
    assert_eq!(scored.len(), 5 * 8);
    let overall = |name: &str| scored.iter().find(|s| s["name"] == name).unwrap();
    let rps = |name: &str| overall(name)["scores"]["rps"].as_f64().unwrap();
    assert!(rps("market_closing") < rps("dixon_coles") && rps("dixon_coles") < rps("base_rates"));
    let against = &overall("dixon_coles")["against"]["rps"];
    close(&against["difference"], rps("dixon_coles") - rps("market_closing"), 1e-12);
    assert!(against["low"].as_f64() < against["high"].as_f64());
    assert!(report["chosen"]["dixon_coles"]["2023"].as_str().unwrap().starts_with("xi "));
    let drawn = std::fs::read_to_string(&figure).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("dixon_coles"));
}

#[test]
fn an_evaluation_without_data_or_of_an_unknown_model_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let evaluate = |arguments: &[&str]| {
        let output = marabet().args(["model", "evaluate"]).args(arguments).output().unwrap();
        assert!(!output.status.success());
        text(&output)
    };
    let empty = folder.path().to_str().unwrap();
    assert!(
        evaluate(&["--data", empty]).contains("no match of E0"),
        "{}",
        evaluate(&["--data", empty])
    );
    assert!(evaluate(&[]).contains("--data"));
}
