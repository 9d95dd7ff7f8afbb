//! Closing-line value, with numbers that can be checked by hand.

mod support;

use std::collections::BTreeMap;

use marabet_quant::devig::Method;
use marabet_schemas::bets::{BetOutcome, ClosingLineValue};
use marabet_schemas::facts::FixtureStatus;
use marabet_schemas::strategy::{ClosingRules, Rules};
use support::*;

const RESULT: i64 = KICKOFF + 2 * HOUR;

/// The sharp strategy, with the closing margin taken out in proportion for the reader's sake.
fn rules() -> Rules {
    let closing = ClosingRules { devig: Method::Multiplicative, ..ClosingRules::default() };
    Rules { closing, ..support::rules("sharp", plain()) }
}

/// A match with a bet at 2.1 on its first selection.
fn story_of(market: &str) -> Story {
    let mut story = Story::under(rules());
    story.quote("pinnacle", market, &[1.9, 1.9]);
    only_bet(&story.quote("bet365", market, &[2.1, 1.75]));
    story
}

fn clv(story: &mut Story) -> Option<ClosingLineValue> {
    let events = story.at(RESULT).played(3, 0);
    only_settlement(&events).clv.clone()
}

#[test]
fn the_last_quote_before_the_kick_off_closes() {
    let mut story = story_of("ou@2.5");
    story.at(KICKOFF - 60).quote("pinnacle", "ou@2.5", &[1.8, 2.0]);
    story.at(KICKOFF).quote("pinnacle", "ou@2.5", &[1.2, 5.0]);
    let clv = clv(&mut story).unwrap();
    // Fair 10/19 at the close: 2.1 · 10/19 − 1 = 2/19.
    near(clv.probability, 10.0 / 19.0);
    near(clv.value, 2.0 / 19.0);
    assert_eq!((clv.reference.book.as_str(), clv.reference.at), ("pinnacle", at(KICKOFF - 60)));
    assert_eq!((clv.fallback, clv.repriced), (false, false));
    assert_eq!(clv.reference.odds, odds(&[1.8, 2.0]));
}

#[test]
fn the_actual_kick_off_decides_which_quote_was_the_last() {
    let mut story = story_of("ou@2.5");
    for (minutes, over) in [(-1, 1.9), (3, 1.85), (9, 1.8), (20, 1.3)] {
        let under = 1.0 / (1.0 - 1.0 / (over * 1.05)) / 1.05;
        story.at(KICKOFF + 60 * minutes).quote("pinnacle", "ou@2.5", &[over, under]);
    }
    // It began ten minutes late, which became known after the fact.
    story.at(KICKOFF + 1_500).fixture(FixtureStatus::Live, KICKOFF + 600);
    let clv = clv(&mut story).unwrap();
    assert_eq!(clv.reference.at, at(KICKOFF + 540));
    near(clv.probability, 1.0 / (1.8 * 1.05));
}

#[test]
fn a_price_called_closing_closes_and_a_late_one_is_the_next_revision() {
    let mut story = story_of("ou@2.5");
    story.at(KICKOFF - 60).closing("pinnacle", "ou@2.5", &[1.8, 2.0]);
    let events = story.at(RESULT).played(3, 0);
    near(only_settlement(&events).clv.as_ref().unwrap().value, 2.0 / 19.0);
    let events = story.at(RESULT + 60).closing("pinnacle", "ou@2.5", &[2.0, 1.8]);
    let settled = only_settlement(&events);
    assert_eq!((settled.revision, settled.outcome), (2, BetOutcome::Win));
    near(settled.clv.as_ref().unwrap().value, 2.1 * 9.0 / 19.0 - 1.0);
    assert_eq!(story.closing("pinnacle", "ou@2.5", &[2.0, 1.8]), []);
}

#[test]
fn a_withdrawn_price_closes_as_books_suspend_at_the_off() {
    let mut story = story_of("ou@2.5");
    story.at(KICKOFF - 60).quote("pinnacle", "ou@2.5", &[1.8, 2.0]);
    story.at(KICKOFF - 30).withdrawn("pinnacle", None);
    near(clv(&mut story).unwrap().value, 2.0 / 19.0);
}

#[test]
fn where_the_first_reference_has_no_closing_price_a_fallback_is_named() {
    let mut story = Story::under(rules());
    story.quote("betfair_exchange", "ou@2.5", &[1.9, 1.9]);
    let mut strategy = plain();
    strategy.references = vec!["betfair_exchange".into()];
    let configured = Rules { closing: rules().closing, ..support::rules("sharp", strategy) };
    story.configure(2, configured);
    only_bet(&story.quote("bet365", "ou@2.5", &[2.1, 1.75]));
    story.at(KICKOFF - HOUR).seen("betfair_exchange");
    let clv = clv(&mut story).unwrap();
    assert_eq!((clv.reference.book.as_str(), clv.fallback), ("betfair_exchange", true));
    near(clv.value, 0.05);
}

#[test]
fn without_a_closing_price_there_is_no_figure() {
    let mut rules = rules();
    rules.closing.references = vec!["sbobet".into()];
    let mut story = Story::under(rules);
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    only_bet(&story.quote("bet365", "ou@2.5", &[2.1, 1.75]));
    assert_eq!(clv(&mut story), None);
}

#[test]
fn the_same_payoff_in_another_market_closes_as_well() {
    let mut story = Story::under(rules());
    story.quote("pinnacle", "1x2", &[2.0, 3.8, 4.2]);
    only_bet(&story.quote("bet365", "1x2", &[2.2, 3.3, 3.4]));
    story.at(KICKOFF - 60).closing("pinnacle", "ah@-0.5", &[1.8, 2.0]);
    // Its own market comes first: the last 1X2 quote, which still stands.
    story.seen("pinnacle");
    let events = story.at(RESULT).played(3, 0);
    let own = only_settlement(&events).clv.clone().unwrap();
    assert_eq!((own.reference.market.to_string().as_str(), own.repriced), ("1x2", false));

    let mut story = Story::under(rules());
    story.quote("sbobet", "1x2", &[2.0, 3.8, 4.2]);
    let mut strategy = plain();
    strategy.references = vec!["sbobet".into()];
    story.configure(2, Rules { closing: rules().closing, ..support::rules("sharp", strategy) });
    only_bet(&story.quote("bet365", "1x2", &[2.2, 3.3, 3.4]));
    story.at(KICKOFF - 60).closing("pinnacle", "ah@-0.5", &[1.8, 2.0]);
    let clv = clv(&mut story).unwrap();
    assert_eq!((clv.reference.market.to_string().as_str(), clv.repriced), ("ah@-0.5", false));
    near(clv.value, 2.2 * 10.0 / 19.0 - 1.0);
}

#[test]
fn where_the_line_moved_the_closing_prices_are_repriced_and_the_figure_is_flagged() {
    let mut strategy = plain();
    strategy.references = vec!["sbobet".into()];
    let configured = Rules { closing: rules().closing, ..support::rules("sharp", strategy) };
    let mut story = Story::under(configured);
    story.quote("sbobet", "ou@2.5", &[1.9, 1.9]);
    only_bet(&story.quote("bet365", "ou@2.5", &[2.1, 1.75]));
    // Pinnacle closes on 3 and on 3.5 goals; 3 is nearer to the bet's 2.5.
    story.at(KICKOFF - 60).closing("pinnacle", "ou@3", &[1.9, 1.9]);
    story.closing("pinnacle", "ou@3.5", &[2.6, 1.5]);
    let clv = clv(&mut story).unwrap();
    assert_eq!((clv.reference.market.to_string().as_str(), clv.repriced), ("ou@3", true));
    // Over 3 even with three goals returned: over 2.5, which wins on three, is likelier by half
    // the push at least.
    assert!(clv.probability > 0.58 && clv.probability < 0.64, "{}", clv.probability);
    near(clv.value, 2.1 * clv.probability - 1.0);
}

#[test]
fn a_repriced_line_is_that_of_the_matrix_which_the_closing_prices_imply() {
    let source = marabet_quant::matrix::ScoreMatrix::independent(1.7, 1.3).unwrap();
    let price = |text: &str| {
        let market: marabet_quant::Market = text.parse().unwrap();
        let fair: Vec<f64> = market
            .selections()
            .iter()
            .map(|s| 1.0 / source.outcomes(&market, *s).unwrap().conditional_win().unwrap())
            .collect();
        fair
    };
    let mut story = story_of("ah@-0.25");
    // The line that was bet at is given up the day before; the book closes on −0.75.
    story.at(60).withdrawn("pinnacle", Some("ah@-0.25"));
    story.at(KICKOFF - 60);
    for market in ["1x2", "ou@2.5", "ah@-0.75"] {
        story.closing("pinnacle", market, &price(market));
    }
    let clv = clv(&mut story).unwrap();
    assert_eq!((clv.reference.market.to_string().as_str(), clv.repriced), ("ah@-0.75", true));
    let expected = 1.0 / price("ah@-0.25")[0];
    assert!((clv.probability - expected).abs() < 1e-6, "{} not {expected}", clv.probability);
}

#[test]
fn a_price_of_the_day_before_that_nobody_saw_again_closes_nothing() {
    let mut story = story_of("ou@2.5");
    assert_eq!(clv(&mut story), None);
    let mut story = story_of("ou@2.5");
    story.at(KICKOFF - HOUR - 1).seen("pinnacle");
    assert_eq!(clv(&mut story), None);
    let mut story = story_of("ou@2.5");
    story.at(KICKOFF - HOUR).seen("pinnacle");
    near(clv(&mut story).unwrap().value, 0.05);
}

#[test]
fn a_closing_book_that_sums_below_one_is_no_reference_unless_it_is_an_exchange() {
    let mut story = story_of("ou@2.5");
    story.at(KICKOFF - 60).closing("pinnacle", "ou@2.5", &[2.1, 2.1]);
    story.closing("betfair_exchange", "ou@2.5", &[2.02, 2.02]);
    let clv = clv(&mut story).unwrap();
    assert_eq!((clv.reference.book.as_str(), clv.fallback), ("betfair_exchange", true));
}

#[test]
fn the_closing_prices_of_a_kick_off_that_was_put_off_do_not_close_the_new_one() {
    let mut story = story_of("ou@2.5");
    story.at(KICKOFF - 60).closing("pinnacle", "ou@2.5", &[1.2, 5.0]);
    let new = KICKOFF + 7 * DAY;
    story.fixture(FixtureStatus::Scheduled, new);
    story.at(new - HOUR).quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    only_bet(&story.quote("bet365", "ou@2.5", &[2.1, 1.75]));
    let events = story.at(new + 2 * HOUR).played(3, 0);
    let settled = settlements(&events);
    assert_eq!(settled.len(), 1);
    near(settled[0].clv.as_ref().unwrap().value, 0.05);
}

#[test]
fn a_void_bet_has_no_closing_line() {
    let mut story = story_of("ou@2.5");
    story.at(KICKOFF - 60).closing("pinnacle", "ou@2.5", &[1.8, 2.0]);
    let events = story.at(RESULT).fixture(FixtureStatus::Abandoned, KICKOFF);
    assert_eq!(only_settlement(&events).clv, None);
}

#[test]
fn the_default_takes_the_closing_margin_out_by_the_power_method() {
    let default = Rules { strategies: BTreeMap::new(), ..Rules::default() };
    assert_eq!(default.closing.devig, Method::Power);
    let mut configured = rules();
    configured.closing = default.closing;
    let mut story = Story::under(configured);
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    only_bet(&story.quote("bet365", "ou@2.5", &[2.1, 1.75]));
    story.at(KICKOFF - 60).closing("pinnacle", "ou@2.5", &[1.25, 4.0]);
    let clv = clv(&mut story).unwrap();
    // 0.8^k + 0.25^k = 1.
    let k = clv.probability.ln() / 0.8_f64.ln();
    near(0.8_f64.powf(k) + 0.25_f64.powf(k), 1.0);
}
