//! Goal models against the numbers that others have published.

mod support;

use marabet_quant::goals::{FitOptions, Model, fit};
use marabet_quant::matrix::ScoreMatrix;

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
                assert!((got - wanted).abs() < 1e-3, "{model} {name}: {got} is not {wanted}");
            }
        };
        check("log_likelihood", fitted.log_likelihood);
        check("home_advantage", fitted.home_advantage);
        check("rho", fitted.rho);
    }
}

#[test]
fn the_strengths_that_the_goalmodel_readme_prints_come_out() {
    let Some(data) = support::real_data() else { return };
    let set = support::premier_league_2011(&data);
    let fitted = fit(Model::DixonColes, &set, &FitOptions::default()).unwrap();
    // Printed with attacks centred at zero and a defence that is better the higher it is.
    for (team, attack, defence) in [
        ("Arsenal FC", 0.37, 0.03),
        ("Manchester City", 0.56, 0.55),
        ("Stoke City", -0.36, -0.01),
        ("Wolverhampton Wanderers", -0.21, -0.46),
    ] {
        let strength = fitted.teams[team];
        let centred = (strength.attack - 1.0, fitted.intercept - 1.0 - strength.defence);
        assert!((centred.0 - attack).abs() < 0.0051, "{team}: {centred:?}");
        assert!((centred.1 - defence).abs() < 0.0051, "{team}: {centred:?}");
    }
    assert!((fitted.intercept - 0.12).abs() < 0.005);
    // Its predictions, made from results that differ in nothing but the source.
    for (home, away, lambda, mu, odds) in [
        ("Arsenal FC", "Fulham FC", 2.117_914, 1.025_718, [0.611_489_7, 0.226_823_0, 0.161_687_3]),
        ("Bolton Wanderers", "Liverpool FC", 1.070, 1.509, [0.2525, 0.2903, 0.4572]),
    ] {
        let means = fitted.means(home, away, false).unwrap();
        assert!((means.lambda - lambda).abs() < 3e-3 && (means.mu - mu).abs() < 3e-3, "{means:?}");
        let matrix = fitted.matrix(home, away, false).unwrap();
        for (got, wanted) in matrix.match_odds().iter().zip(odds) {
            assert!((got - wanted).abs() < 1e-3, "{home} v {away}: {got} is not {wanted}");
        }
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
        let matrix =
            ScoreMatrix::dixon_coles(number("lambda"), number("mu"), number("rho")).unwrap();
        let wanted = grid["p_home_draw_away"].as_array().unwrap();
        for (got, wanted) in matrix.match_odds().iter().zip(wanted) {
            assert!((got - wanted.as_f64().unwrap()).abs() < number("tol"), "{got} {wanted}");
        }
    }
}
