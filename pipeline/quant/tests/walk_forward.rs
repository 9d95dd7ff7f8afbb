//! What the models would have forecast in real seasons, beside the sharpest book's prices.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

mod support;

use marabet_quant::devig::Method;
use marabet_quant::goals::Model;
use marabet_quant::ratings::{Elo, EloTable, Glicko, GlickoTable, Pi, PiTable};
use marabet_quant::walkforward::{
    Forecasts, History, Prices, Record, Refit, Signal, base_rates, default_signals, evaluate,
    goal_model, market, pool, ratings, signal_rates, stack,
};

/// The matches that the published figures speak of: those with both prices.
fn counts(record: &Record) -> bool {
    record.season >= 2012 && record.pre_match.is_some() && record.closing.is_some()
}

fn refit() -> Refit {
    Refit { first_season: 2008, ..Refit::default() }
}

fn stacked(history: &History) -> Forecasts {
    let from =
        |signal: Signal| Signal { refit: Refit { first_season: 2008, ..signal.refit }, ..signal };
    let rates: Vec<_> = default_signals()
        .into_iter()
        .map(|signal| signal_rates(history, &from(signal)).unwrap())
        .collect();
    stack(history, &rates).unwrap().forecasts
}

#[test]
fn the_best_model_without_odds_is_within_five_thousandths_of_the_closing_prices() {
    let Some(data) = support::real_data() else { return };
    let divisions = ["E0", "D1", "SP1", "I1", "E1"];
    let history = support::football_data::history(&data, &divisions, 2005, 2023);
    let closing = market(&history, Prices::Closing, Method::Multiplicative);
    let before = market(&history, Prices::PreMatch, Method::Multiplicative);
    let elo = ratings(&history, "elo", || EloTable::new(Elo::default())).unwrap();
    let stacked = stacked(&history);
    let ensemble = pool(&history, "ensemble", &[&stacked, &elo]).unwrap();
    let dixon_coles = goal_model(&history, Model::DixonColes, &refit()).unwrap();
    let blend = pool(&history, "blend", &[&stacked, &before]).unwrap();
    let recalibrated = pool(&history, "recalibrated", &[&before]).unwrap();
    let forecasters =
        [base_rates(&history), dixon_coles, elo, stacked, ensemble, before.clone(), closing];

    let evaluation = evaluate(&history, &forecasters, "market_closing", counts).unwrap();
    assert_eq!(evaluation.matches, 22_088);
    let scores = |name: &str| evaluation.overall(name).unwrap().scores;
    let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 5e-6, "{got}, {wanted}");
    close(scores("market_closing").rps, 0.196_84);
    close(scores("market_closing").log_loss, 0.973_20);
    close(scores("market_pre_match").rps, 0.197_64);
    close(scores("market_pre_match").log_loss, 0.975_88);
    let behind = |name: &str| evaluation.difference(name).unwrap().rps;
    for (name, most) in
        [("dixon_coles", 0.006_3), ("elo", 0.007), ("stack", 0.004), ("ensemble", 0.004)]
    {
        let difference = behind(name).difference;
        assert!(difference < most, "{name} is {difference} behind the closing prices");
        assert!(scores(name).rps < scores("base_rates").rps - 0.02, "{name}");
    }
    assert!(behind("stack").low > 0.0, "no model without odds is known to beat the closing prices");

    // The blend had the same freedom to recalibrate as the prices alone; it brings no gain that
    // these matches could show.
    let learnt = |record: &Record| counts(record) && record.season >= 2013;
    let evaluation = evaluate(&history, &[recalibrated, blend], "recalibrated", learnt).unwrap();
    let gain = evaluation.difference("blend").unwrap();
    assert!(gain.rps.difference.abs() < 1e-4 && gain.rps.low < 0.0 && gain.rps.high > 0.0);
    assert!(evaluation.chosen["blend"].contains_key(&2013));
}

#[test]
fn every_model_beats_the_base_rates_of_the_premier_league() {
    let Some(data) = support::real_data() else { return };
    let history = support::football_data::history(&data, &["E0"], 2008, 2023);
    let first = Refit { first_season: 2010, every_days: 28.0, ..Refit::default() };
    let mut forecasters = vec![
        base_rates(&history),
        ratings(&history, "elo", || EloTable::new(Elo::default())).unwrap(),
        ratings(&history, "pi", || PiTable::new(Pi::default())).unwrap(),
        ratings(&history, "glicko2", || GlickoTable::new(Glicko::default())).unwrap(),
    ];
    for model in Model::ALL {
        forecasters.push(goal_model(&history, model, &first).unwrap());
    }
    let evaluation = evaluate(&history, &forecasters, "base_rates", counts).unwrap();
    assert_eq!(evaluation.matches, 12 * 380);
    for forecaster in &forecasters[1..] {
        let difference = evaluation.difference(&forecaster.name).unwrap();
        assert!(difference.rps.high < -0.02, "{}: {:?}", forecaster.name, difference.rps);
        assert!(difference.log_loss.high < -0.05, "{}", forecaster.name);
    }
}
