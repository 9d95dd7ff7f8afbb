//! For one strategy the sweep makes the bets that the replay makes, bet by bet, to the digit.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use marabet_backtest::history::{History, Years};
use marabet_backtest::replay::replay;
use marabet_backtest::setup::Setup;
use marabet_backtest::sweep::compare::{differences, swept};
use marabet_ingest::simulator::Settings;
use marabet_quant::Odds;
use marabet_quant::devig::Method;
use marabet_schemas::StakeFraction;
use marabet_schemas::strategy::{FairSource, Strategy};

/// Strategies that differ in everything that a strategy can differ in.
fn setup() -> Setup {
    let plain = || Strategy { max_age_s: 4 * 86_400, ..Strategy::default() };
    let share = |value| StakeFraction::new(value).unwrap();
    let odds = |value| Odds::new(value).unwrap();
    let mut setup = Setup::default();
    setup.training.matches_min = 40;
    setup.strategies = [
        ("sharp", plain()),
        ("shin", Strategy { devig: Method::Shin, ev_min: 0.01, kelly_fraction: 1.0, ..plain() }),
        (
            "consensus",
            Strategy {
                fair: FairSource::Consensus,
                consensus_books_min: 3,
                ev_min: 0.01,
                ..plain()
            },
        ),
        ("model", Strategy { fair: FairSource::Model, ev_min: 0.05, ..plain() }),
        ("blend", Strategy { fair: FairSource::Blend, model_weight: 0.5, ..plain() }),
        (
            "narrow",
            Strategy {
                fair: FairSource::Model,
                markets: vec!["1x2".into(), "ah".into()],
                odds_min: odds(2.0),
                odds_max: odds(4.5),
                outlier_factor: 1.08,
                ..plain()
            },
        ),
        (
            "flat",
            Strategy {
                fair: FairSource::Model,
                ev_min: 0.0,
                flat_stake: Some(share(0.02)),
                match_max: share(0.05),
                ..plain()
            },
        ),
        (
            "crowded",
            Strategy {
                fair: FairSource::Model,
                kelly_fraction: 1.0,
                match_max: share(0.02),
                ..plain()
            },
        ),
    ]
    .map(|(name, rules)| (name.into(), rules))
    .into();
    setup
}

#[track_caller]
fn check(history: &History, setup: &Setup) {
    let replayed = replay(history, setup, 2).unwrap();
    for name in setup.strategies.keys() {
        let bets = replayed.booked.bets.iter().filter(|bet| bet.strategy == *name).count();
        assert!(bets > 5, "{name} made {bets} bets, which compares nothing");
    }
    let swept = swept(history, setup, 2).unwrap();
    let found = differences(&replayed.booked.bets, &swept);
    assert_eq!(found.first(), None, "{} differences", found.len());
    assert_eq!(replayed.booked.bets.len(), swept.len());
}

#[test]
fn replay_and_sweep_make_the_same_bets_over_a_simulated_league() {
    let settings = Settings { seasons: 2, sides: 10, ..Settings::default() };
    check(&History::simulated(settings), &setup());
}

#[test]
fn a_book_that_takes_no_bets_gets_none_in_either() {
    let settings = Settings { seasons: 2, sides: 8, ..Settings::default() };
    let history = History::simulated(settings);
    let mut setup = setup();
    let all = replay(&history, &setup, 1).unwrap().booked.bets;
    let book = all[0].book.clone();
    setup.books.entry(book.clone()).or_default().bettable = false;
    let other = all.iter().find(|bet| bet.book != book).unwrap().book.clone();
    for rules in setup.strategies.values_mut() {
        rules.books = vec![other.clone()];
        rules.ev_min = 0.0;
    }
    setup.strategies.retain(|name, _| name.as_str() != "narrow" && name.as_str() != "consensus");
    let replayed = replay(&history, &setup, 1).unwrap().booked.bets;
    assert!(!replayed.is_empty() && replayed.iter().all(|bet| bet.book == other));
    assert_eq!(differences(&replayed, &swept(&history, &setup, 1).unwrap()), []);
}

#[test]
fn replay_and_sweep_make_the_same_bets_over_real_seasons() {
    let Some(data) = std::env::var_os("MARABET_DATA") else {
        assert!(std::env::var_os("MARABET_DATA_DEMANDED").is_none(), "MARABET_DATA is not set");
        return;
    };
    let years = Years { from: Some(2019), to: Some(2021) };
    let history = History::in_folder(data.as_ref(), &["E0".into()], years).unwrap();
    check(&history, &setup());
}
