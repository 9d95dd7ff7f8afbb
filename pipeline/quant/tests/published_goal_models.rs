//! Goal models against the numbers that others have published.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use marabet_quant::goals::{Fit, FitOptions, Model, Played, TrainingSet, TrainingSetBuilder, fit};
use marabet_quant::implied::implied_means;
use marabet_quant::matrix::ScoreMatrix;

fn close(what: &str, got: f64, wanted: f64, tolerance: f64) {
    assert!((got - wanted).abs() < tolerance, "{what}: {got} is not {wanted}");
}

fn match_odds(matrix: &ScoreMatrix, wanted: [f64; 3], tolerance: f64) {
    for (got, wanted) in matrix.match_odds().into_iter().zip(wanted) {
        close("match odds", got, wanted, tolerance);
    }
}

#[test]
fn the_fits_of_the_goalmodel_readme_come_out() {
    let Some(data) = support::real_data() else { return };
    let published = support::published(&data);
    let set = support::premier_league_2011(&data);
    assert_eq!(set.matches().len(), 380);
    let fits = published["goal_models"]["fits"].as_array().unwrap();
    assert!(!fits.is_empty());
    for wanted in fits {
        assert!(wanted["data"].as_str().unwrap().contains("2011-12/en.1.json"));
        let model: Model = wanted["model"].as_str().unwrap().parse().unwrap();
        let fitted = fit(model, &set, &FitOptions::default()).unwrap();
        assert!(fitted.converged, "{model}: {}", fitted.why);
        let check = |name: &str, got: f64| {
            if let Some(wanted) = wanted[name].as_f64() {
                close(&format!("{model} {name}"), got, wanted, 1e-3);
            }
        };
        check("log_likelihood", fitted.log_likelihood);
        check("home_advantage", fitted.home_advantage);
        check("rho", fitted.rho);
    }
}

#[test]
fn the_score_grid_of_the_goalmodel_readme_comes_out() {
    let Some(data) = support::real_data() else { return };
    let published = support::published(&data);
    let grids = published["goal_models"]["score_grid"].as_array().unwrap();
    assert!(!grids.is_empty());
    for grid in grids {
        let number = |name: &str| grid[name].as_f64().unwrap();
        let (lambda, mu, rho) = (number("lambda"), number("mu"), number("rho"));
        let wanted = [0, 1, 2].map(|place| grid["p_home_draw_away"][place].as_f64().unwrap());
        match_odds(&ScoreMatrix::dixon_coles(lambda, mu, rho).unwrap(), wanted, number("tol"));
    }
}

/// The README prints attacks centred at zero, and a defence that is better the higher it is.
fn centred(fitted: &Fit, team: &str) -> (f64, f64) {
    let strength = fitted.teams[team];
    (strength.attack - 1.0, fitted.intercept - 1.0 - strength.defence)
}

#[test]
fn the_strengths_that_the_goalmodel_readme_prints_come_out() {
    let Some(data) = support::real_data() else { return };
    let set = support::premier_league_2011(&data);
    let fitted = fit(Model::DixonColes, &set, &FitOptions::default()).unwrap();
    for (team, attack, defence) in [
        ("Arsenal FC", 0.37, 0.03),
        ("Manchester City", 0.56, 0.55),
        ("Stoke City", -0.36, -0.01),
        ("Wolverhampton Wanderers", -0.21, -0.46),
    ] {
        close(team, centred(&fitted, team).0, attack, 0.0051);
        close(team, centred(&fitted, team).1, defence, 0.0051);
    }
    close("intercept", fitted.intercept, 0.12, 0.0051);
}

#[test]
fn the_predictions_of_the_goalmodel_readme_come_out_with_and_without_rue_and_salvesen() {
    let Some(data) = support::real_data() else { return };
    let set = support::premier_league_2011(&data);
    let plain = fit(Model::Poisson, &set, &FitOptions::default()).unwrap();
    let options = FitOptions { rue_salvesen: 0.1, ..FitOptions::default() };
    let adjusted = fit(Model::Poisson, &set, &options).unwrap();
    for (home, away, without, with) in [
        (
            "Arsenal FC",
            "Fulham FC",
            [0.619_711_8, 0.203_568_8, 0.176_719_5],
            [0.604_739_1, 0.208_332_5, 0.186_928_4],
        ),
        (
            "Manchester United",
            "Chelsea FC",
            [0.673_619_4, 0.184_375_6, 0.142_005_0],
            [0.653_925_0, 0.191_753_2, 0.154_321_8],
        ),
        (
            "Bolton Wanderers",
            "Liverpool FC",
            [0.261_211_2, 0.256_770_6, 0.482_018_3],
            [0.278_078_9, 0.260_351_1, 0.461_570_0],
        ),
    ] {
        match_odds(&plain.matrix(home, away, false).unwrap(), without, 1e-6);
        match_odds(&adjusted.matrix(home, away, false).unwrap(), with, 1e-6);
    }
}

#[test]
fn the_expected_goals_that_the_goalmodel_readme_recovers_from_probabilities_come_out() {
    // Its optimiser minimises squared differences of probabilities and stops within about 10⁻³;
    // ours has the probabilities to ten digits.
    for (p1x2, rho, lambda, mu) in [
        ([0.619_711_8, 0.203_568_8, 0.176_719_5], 0.0, 2.098_592, 1.027_220),
        ([0.673_619_4, 0.184_375_6, 0.142_005_0], 0.0, 2.278_604, 0.945_823),
        ([0.261_211_2, 0.256_770_6, 0.482_018_3], 0.0, 1.049_001, 1.522_475),
        ([0.612_110_0, 0.226_654_3, 0.161_235_7], -0.13, 2.110_870, 1.018_192),
        ([0.668_536_6, 0.205_162_5, 0.126_300_9], -0.13, 2.283_149, 0.923_111),
        ([0.252_454_6, 0.290_323_1, 0.457_222_2], -0.13, 1.063_635, 1.501_654),
    ] {
        let means = implied_means(p1x2, rho).unwrap();
        close("lambda", means.lambda, lambda, 2e-3);
        close("mu", means.mu, mu, 2e-3);
        let matrix = ScoreMatrix::dixon_coles(means.lambda, means.mu, rho).unwrap();
        match_odds(&matrix, p1x2, 1e-7);
    }
}

/// A set with the matches of `set` and what `push` adds.
fn with_covariate(set: &TrainingSet, name: &str, home: f64, neutral: bool) -> TrainingSet {
    let of_home = [home];
    let mut builder = TrainingSetBuilder::with_covariates([name]);
    for played in set.matches() {
        let team = |id: marabet_quant::goals::TeamId| set.teams()[id.0 as usize].as_str();
        let goals = (played.home_goals.into(), played.away_goals.into());
        let again = Played::new(played.day, team(played.home), team(played.away), goals.0, goals.1)
            .on_neutral_ground(neutral)
            .with_covariates(&of_home, &[0.0]);
        builder.push(again).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn home_advantage_as_a_covariate_is_the_home_advantage_of_the_goalmodel_readme() {
    let Some(data) = support::real_data() else { return };
    let set = with_covariate(&support::premier_league_2011(&data), "hfa", 1.0, true);
    let fitted = fit(Model::Poisson, &set, &FitOptions::default()).unwrap();
    close("hfa", fitted.covariates[0].value, 0.268_009_3, 1e-6);
    close("log-likelihood", fitted.log_likelihood, -1088.99, 0.0051);
    assert_eq!((fitted.home_advantage, fitted.home_advantage_se), (0.0, None));
}

#[test]
fn a_match_over_extra_time_counts_as_in_the_goalmodel_readme() {
    let Some(data) = support::real_data() else { return };
    let season = support::premier_league_2011(&data);
    let mut builder = TrainingSet::builder();
    for played in season.matches() {
        let team = |id: marabet_quant::goals::TeamId| season.teams()[id.0 as usize].as_str();
        let goals = (played.home_goals.into(), played.away_goals.into());
        let again = Played::new(played.day, team(played.home), team(played.away), goals.0, goals.1);
        builder.push(again).unwrap();
    }
    let day = support::day_number(2012, 2, 8);
    let cup = Played::new(day, "Middlesbrough", "Sunderland AFC", 1, 2).lasting(4.0 / 3.0);
    builder.push(cup).unwrap();
    let fitted = fit(Model::Poisson, &builder.build().unwrap(), &FitOptions::default()).unwrap();
    close("log-likelihood", fitted.log_likelihood, -1091.30, 0.0051);
    close("attack", centred(&fitted, "Middlesbrough").0, -0.53, 0.0051);
    close("defence", centred(&fitted, "Middlesbrough").1, -0.40, 0.0051);
    close("attack", centred(&fitted, "Arsenal FC").0, 0.39, 0.0051);
}

/// The Premier League of 2019/20, to which the penaltyblog documentation fits its models.
fn premier_league_2019(data: &Path) -> TrainingSet {
    let mut builder = TrainingSet::builder();
    for row in support::football_data::season(data, "E0", "1920") {
        let played = Played::new(row.day, &row.home, &row.away, row.goals[0], row.goals[1]);
        builder.push(played).unwrap();
    }
    let set = builder.build().unwrap();
    assert_eq!(set.matches().len(), 380);
    set
}

#[test]
fn the_fits_of_the_penaltyblog_documentation_come_out() {
    let Some(data) = support::real_data() else { return };
    let set = premier_league_2019(&data);
    // It stops its optimiser at about four digits, and bounds the bivariate Poisson's covariance
    // from below at 0.05, where the likelihood falls all the way: there, ours is the Poisson's.
    for (model, log_likelihood, home_advantage, shape, odds) in [
        (Model::Poisson, -1057.712, 0.229, None, [0.638_53, 0.214_87, 0.146_59]),
        (
            Model::DixonColes,
            -1057.16,
            0.231_12,
            Some(("rho", -0.078_53)),
            [0.634_36, 0.228_69, 0.136_96],
        ),
        (
            Model::ZeroInflatedPoisson,
            -1057.712,
            0.229_22,
            Some(("zero_inflation", 0.0)),
            [0.638_50, 0.214_88, 0.146_62],
        ),
        (
            Model::NegativeBinomial,
            -1057.712,
            0.229_27,
            Some(("dispersion", 0.0)),
            [0.638_39, 0.214_89, 0.146_72],
        ),
        (
            Model::BivariatePoisson,
            -1057.712,
            0.229,
            Some(("covariance", 0.0)),
            [0.638_53, 0.214_87, 0.146_59],
        ),
    ] {
        let fitted = fit(model, &set, &FitOptions::default()).unwrap();
        assert!(fitted.converged, "{model}: {}", fitted.why);
        close(model.as_str(), fitted.log_likelihood, log_likelihood, 1e-3);
        close(model.as_str(), fitted.home_advantage, home_advantage, 5e-4);
        if let Some((name, value)) = shape {
            close(name, fitted.shapes[name].value, value, 1e-3);
        }
        match_odds(&fitted.matrix("Liverpool", "Wolves", false).unwrap(), odds, 2e-4);
    }
}

#[test]
fn the_strengths_that_the_penaltyblog_documentation_prints_come_out() {
    let Some(data) = support::real_data() else { return };
    let set = premier_league_2019(&data);
    let fitted = fit(Model::DixonColes, &set, &FitOptions::default()).unwrap();
    for (team, attack, defence) in [
        ("Arsenal", 1.134_187, -0.938_891),
        ("Liverpool", 1.538_808, -1.288_287),
        ("Man City", 1.719_721, -1.212_728),
        ("Norwich", 0.386_359, -0.523_607),
        ("Wolves", 1.037_422, -1.119_974),
    ] {
        close(team, fitted.teams[team].attack, attack, 1e-3);
        close(team, fitted.teams[team].defence, defence, 1e-3);
    }
}

#[test]
fn the_weibull_copula_of_the_penaltyblog_documentation_comes_out_at_its_parameters() {
    let Some(data) = support::real_data() else { return };
    let set = premier_league_2019(&data);
    let fitted = fit(Model::WeibullCopula, &set, &FitOptions::default()).unwrap();
    // It prints -1049.502: its optimiser stops short of the maximum.
    assert!(fitted.converged && fitted.log_likelihood > -1049.502);
    close("shape", fitted.shapes["shape"].value, 1.191, 0.05);
    close("kappa", fitted.shapes["kappa"].value, -1.124, 0.05);
    let mut printed = fitted;
    let mut set_strength = |team: &str, attack: f64, defence: f64| {
        let strength = printed.teams.get_mut(team).unwrap();
        (strength.attack, strength.defence) = (attack, defence);
    };
    set_strength("Liverpool", 1.575_768_582_549_474_5, -1.196_483_703_849_103_2);
    set_strength("Wolves", 1.050_732_125_061_287_3, -1.046_643_580_092_492_5);
    printed.home_advantage = 0.236_605_429_087_655_08;
    let shapes: BTreeMap<&str, f64> =
        [("shape", 1.191_418_083_066_542_2), ("kappa", -1.124_146_670_813_505)].into();
    for (name, value) in shapes {
        printed.shapes.get_mut(name).unwrap().value = value;
    }
    let matrix = printed.matrix("Liverpool", "Wolves", false).unwrap();
    match_odds(&matrix, [0.632_187_735, 0.208_266_728, 0.159_545_537], 1e-7);
    let over: f64 = matrix.total_goals()[2..].iter().sum();
    close("over 1.5 goals", over, 0.805_679_803, 1e-7);
}
