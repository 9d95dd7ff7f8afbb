//! Why a price that looks like value is not bet at, one test a reason.

mod support;

use marabet_schemas::bets::RefusalReason;
use marabet_schemas::facts::{FixtureStatus, Phase, ResultStatus};
use marabet_schemas::strategy::Strategy;
use support::*;

/// A match on which Pinnacle has even chances on 2.5 goals.
fn story() -> Story {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    story
}

#[test]
fn an_aggregate_is_nobody_s_price() {
    let mut story = story();
    let events = story.aggregate("ou@2.5", &[2.2, 2.2]);
    let refused = only_refusal(&events);
    assert_eq!((refused.reason, &refused.book), (RefusalReason::Aggregate, &None));
    near(refused.ev.unwrap(), 0.1);
    assert_eq!(story.aggregate("ou@2.5", &[2.3, 2.0]), []);
    assert_eq!(story.aggregate("btts", &[2.3, 2.0]), []);
}

#[test]
fn a_closing_price_is_not_bet_at() {
    let mut story = story();
    let events = story.closing("bet365", "ou@2.5", &[2.1, 1.75]);
    let refused = only_refusal(&events);
    assert_eq!(refused.reason, RefusalReason::Closing);
    assert_eq!(refused.book.as_ref().unwrap().as_str(), "bet365");
    assert_eq!(story.closing("bwin", "ou@2.5", &[2.0, 1.75]), []);
}

#[test]
fn a_price_in_play_or_at_the_kick_off_comes_too_late() {
    let mut story = story();
    let events = story.tell(priced("bet365", "ou@2.5", &[2.1, 1.75], Phase::InPlay));
    assert_eq!(only_refusal(&events).reason, RefusalReason::AfterKickoff);
    story.at(KICKOFF).quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let events = story.quote("bwin", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::AfterKickoff);
}

#[test]
fn the_moment_is_the_largest_seen_for_the_match() {
    let mut story = story();
    story.at(KICKOFF).seen("pinnacle");
    // The quote says that it is from before; what came before it says that it is too late.
    let events = story.at(KICKOFF - 60).quote("bet365", "ou@2.5", &[2.1, 1.75]);
    let refused = only_refusal(&events);
    assert_eq!(refused.reason, RefusalReason::AfterKickoff);
    assert_eq!(events[0].at, at(KICKOFF));
}

#[test]
fn another_match_s_time_is_not_this_one_s() {
    let mut story = story();
    story.of("E0|2024-25|Ipswich|Liverpool|1").at(KICKOFF + HOUR).seen("pinnacle");
    let events =
        story.of("E0|2024-25|Man United|Fulham|1").at(1).quote("bet365", "ou@2.5", &[2.1, 1.75]);
    only_bet(&events);
}

#[test]
fn a_price_far_above_the_others_is_an_error() {
    let mut story = story();
    story.quote("bwin", "ou@2.5", &[2.0, 1.8]);
    // The others' median is (1.9 + 2.0)/2 = 1.95; 1.25 times that is 2.4375.
    let events = story.quote("bet365", "ou@2.5", &[2.44, 1.5]);
    let refused = only_refusal(&events);
    assert_eq!(refused.reason, RefusalReason::Outlier);
    near(refused.ev.unwrap(), 0.22);
    let events = story.quote("unibet", "ou@2.5", &[2.43, 1.5]);
    only_bet(&events);
}

#[test]
fn where_too_few_others_offer_a_price_is_held_against_the_fair_odds() {
    let mut story = story();
    // Only Pinnacle offers besides: fair odds are 2.0, and 1.25 times that is 2.5.
    let events = story.quote("bet365", "ou@2.5", &[2.52, 1.6]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::Outlier);
    only_bet(&story.at(1).quote("bet365", "ou@2.5", &[2.5, 1.6]));
}

#[test]
fn a_book_whose_own_market_sums_below_one_made_an_error_unless_it_is_an_exchange() {
    let mut story = story();
    let events = story.quote("bet365", "ou@2.5", &[2.1, 2.0]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::UnderRound);
    let events = story.quote("betfair_exchange", "ou@2.5", &[2.2, 2.0]);
    assert_eq!(only_bet(&events).book.as_str(), "betfair_exchange");
}

#[test]
fn a_price_not_seen_for_long_is_stale_until_it_is_seen_again() {
    let mut story = story();
    story.quote("bet365", "ou@2.5", &[2.0, 1.8]);
    let events = story.at(601).quote("pinnacle", "ou@2.5", &[1.8, 2.0]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::Stale);
    // At 601 it was refused; once seen it is bet at, and stale again 600 s later.
    let events = story.at(610).seen("bet365");
    let bet = only_bet(&events);
    assert_eq!((bet.quoted_at, bet.expires), (at(0), at(1210)));
}

#[test]
fn without_a_fair_price_a_market_is_refused_once_a_later_moment_came() {
    let mut story = Story::under(rules("sharp", plain()));
    assert_eq!(story.quote("bet365", "ou@2.5", &[2.1, 1.75]), []);
    assert_eq!(story.quote("bwin", "ou@2.5", &[2.1, 1.75]), []);
    let events = story.at(60).quote("bwin", "ou@2.5", &[2.15, 1.75]);
    let refused = only_refusal(&events);
    assert_eq!((refused.reason, refused.ev), (RefusalReason::NoFairPrice, None));
    assert_eq!(story.at(120).quote("bet365", "ou@2.5", &[2.15, 1.75]), []);
    only_bet(&story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]));
}

#[test]
fn the_closing_prices_show_that_nobody_said_what_is_fair() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    story.quote("bet365", "btts", &[2.1, 1.75]);
    story.quote("pinnacle", "btts", &[2.1, 1.75]);
    let events = story.at(KICKOFF - 60).closing("bet365", "ou@2.5", &[2.1, 1.75]);
    let refused = only_refusal(&events);
    assert_eq!((refused.reason, &refused.book), (RefusalReason::NoFairPrice, &None));
    // Where somebody did, a day ago, there is no more to say.
    assert_eq!(story.closing("bet365", "btts", &[2.1, 1.75]), []);
}

#[test]
fn a_reference_not_seen_for_long_is_the_reason_where_there_is_no_other() {
    let mut story = story();
    let events = story.at(601).quote("bet365", "ou@2.5", &[2.1, 1.75]);
    let refused = only_refusal(&events);
    assert_eq!(refused.reason, RefusalReason::Stale);
    assert_eq!(refused.book.as_ref().unwrap().as_str(), "pinnacle");
    assert_eq!(story.at(602).quote("bwin", "ou@2.5", &[2.1, 1.75]), []);
}

#[test]
fn odds_that_the_method_cannot_serve_are_refused_by_the_reference_s_name() {
    let additive = marabet_quant::devig::Method::Additive;
    let mut story = Story::under(rules("sharp", Strategy { devig: additive, ..plain() }));
    // An equal share of a margin of 14 % leaves nothing of 1/51.
    story.quote("pinnacle", "1x2", &[1.02, 7.3, 51.0]);
    let events = story.at(60).quote("bet365", "1x2", &[1.02, 8.0, 60.0]);
    let refused = only_refusal(&events);
    assert_eq!(refused.reason, RefusalReason::DevigFailed);
    assert_eq!(refused.book.as_ref().unwrap().as_str(), "pinnacle");
}

#[test]
fn a_market_on_a_half_is_refused_by_name_once() {
    let mut story = story();
    let events = story.quote("pinnacle", "1x2/1h", &[2.6, 2.1, 4.5]);
    let refused = only_refusal(&events);
    assert_eq!(refused.reason, RefusalReason::UnsupportedMarket);
    assert_eq!(refused.market.to_string(), "1x2/1h");
    assert_eq!(story.quote("bet365", "1x2/1h", &[2.6, 2.1, 4.5]), []);
}

#[test]
fn without_a_kick_off_nothing_is_bet_and_with_it_the_price_that_stood_is() {
    let mut story = Story::without_fixture(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::NoFixture);
    only_bet(&story.fixture(FixtureStatus::Scheduled, KICKOFF));
}

#[test]
fn a_book_that_takes_no_bets_is_not_bet_at() {
    let strategy = Strategy { references: vec!["sbobet".into()], ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("sbobet", "ou@2.5", &[1.9, 1.9]);
    let events = story.quote("pinnacle", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::BookNotBettable);
}

#[test]
fn odds_outside_the_strategy_s_range_are_refused() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "1x2", &[1.1, 11.0, 22.0]);
    let events = story.quote("bet365", "1x2", &[1.08, 10.0, 26.0]);
    let refused = only_refusal(&events);
    assert_eq!(refused.reason, RefusalReason::OddsRange);
    assert_eq!(refused.selection.unwrap().as_str(), "away");
    // The range is of the odds, its ends included.
    let strategy = Strategy { odds_max: 26.0.try_into().unwrap(), ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("pinnacle", "1x2", &[1.1, 11.0, 22.0]);
    only_bet(&story.quote("bet365", "1x2", &[1.08, 10.0, 26.0]));
}

#[test]
fn a_match_that_is_put_off_or_over_is_not_open() {
    for status in [
        FixtureStatus::Postponed,
        FixtureStatus::Suspended,
        FixtureStatus::Cancelled,
        FixtureStatus::Abandoned,
        FixtureStatus::Finished,
        FixtureStatus::Awarded,
    ] {
        let mut story = story();
        story.fixture(status, KICKOFF);
        let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
        assert_eq!(only_refusal(&events).reason, RefusalReason::NotOpen, "{status:?}");
        // Set again, it is open again.
        only_bet(&story.fixture(FixtureStatus::Scheduled, KICKOFF + HOUR));
    }
    let mut story = story();
    story.result(ResultStatus::Abandoned, None);
    let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::NotOpen);
}

#[test]
fn a_live_match_is_after_its_kick_off_whatever_the_clock_says() {
    let mut story = story();
    story.fixture(FixtureStatus::Live, KICKOFF);
    let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::AfterKickoff);
}

#[test]
fn a_refusal_is_recorded_once_for_each_strategy_market_book_and_reason() {
    let mut both = rules("sharp", plain());
    both.strategies.insert("sharper".into(), Strategy { ev_min: 0.04, ..plain() });
    let mut story = Story::under(both);
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let under_round = |story: &mut Story, book| {
        let events = story.quote(book, "ou@2.5", &[2.1, 2.0]);
        let refused = refusals(&events);
        assert_eq!(refused.len(), events.len());
        refused.len()
    };
    assert_eq!(under_round(&mut story, "bet365"), 2);
    assert_eq!(under_round(&mut story, "bet365"), 0);
    assert_eq!(under_round(&mut story, "bwin"), 2);
    assert_eq!(story.at(1).quote("bet365", "ou@2.5", &[2.05, 2.0]), []);
    // Another reason is another refusal.
    let events = story.at(602).quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let reasons: Vec<_> = refusals(&events).iter().map(|refused| refused.reason).collect();
    assert_eq!(reasons, [RefusalReason::Stale; 3]);
}
