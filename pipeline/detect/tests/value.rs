//! What is fair and what is value, with numbers that can be checked by hand.

mod support;

use marabet_schemas::bets::RefusalReason;
use marabet_schemas::strategy::{FairSource, Strategy};
use support::*;

#[test]
fn a_price_above_the_sharp_books_fair_one_is_a_bet() {
    let mut story = Story::under(rules("sharp", plain()));
    assert_eq!(story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]), []);
    let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    let bet = only_bet(&events);
    assert_eq!((bet.book.as_str(), bet.selection.as_str()), ("bet365", "over"));
    // 1/1.9 each way is a half each way; 0.5 × 2.1 − 1 = 0.05; (0.5·2.1 − 1)/1.1 = 0.04545…
    near(bet.fair.probability, 0.5);
    near(bet.ev, 0.05);
    near(bet.stake.get(), 0.05 / 1.1);
    assert_eq!((bet.revision, bet.occurrence, bet.top_up, bet.config), (0, 0, 0, 1));
    assert_eq!(bet.kickoff, at(KICKOFF));
    assert_eq!(bet.expires, at(600));
    assert_eq!(bet.fair.references.len(), 1);
    assert_eq!(bet.fair.references[0].book.as_str(), "pinnacle");
    assert_eq!(bet.fair.outcomes, [0.5, 0.0, 0.0, 0.0, 0.5]);
}

#[test]
fn a_price_without_interest_derives_nothing() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    assert_eq!(story.quote("bet365", "ou@2.5", &[2.03, 1.8]), []);
    assert_eq!(story.quote("bwin", "ou@2.5", &[1.8, 2.0]), []);
}

#[test]
fn a_move_of_the_reference_makes_value_of_a_price_that_stood() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    story.quote("bet365", "ou@2.5", &[2.0, 1.8]);
    let events = story.at(60).quote("pinnacle", "ou@2.5", &[1.8, 2.0]);
    let bet = only_bet(&events);
    // (1/1.8)/(1/1.8 + 1/2) = 10/19; 20/19 − 1 = 1/19.
    near(bet.fair.probability, 10.0 / 19.0);
    near(bet.ev, 1.0 / 19.0);
    assert_eq!(bet.quoted_at, at(0));
}

#[test]
fn the_commission_is_taken_before_value_is_seen() {
    let strategy = Strategy { references: vec!["pinnacle".into()], ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    // 2.05 is worth 2.5 % before the commission of 5 %, and 0.5·(1 + 1.05·0.95) − 1 < 0 after it.
    assert_eq!(story.quote("betfair_exchange", "ou@2.5", &[2.05, 1.9]), []);
    let events = story.at(1).quote("betfair_exchange", "ou@2.5", &[2.2, 1.85]);
    let bet = only_bet(&events);
    near(bet.net_odds, 1.0 + 1.2 * 0.95);
    near(bet.ev, 0.5 * 2.14 - 1.0);
}

#[test]
fn the_offering_book_is_left_out_of_what_is_fair() {
    let strategy =
        Strategy { references: vec!["betfair_exchange".into(), "pinnacle".into()], ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("betfair_exchange", "ou@2.5", &[2.3, 1.7]);
    // Its own opinion would make 2.3 fair; Pinnacle's makes it value.
    let events = story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let bet = bets(&events)[0];
    assert_eq!(bet.book.as_str(), "betfair_exchange");
    near(bet.ev, 0.5 * (1.0 + 1.3 * 0.95) - 1.0);
    assert_eq!(bet.fair.references[0].book.as_str(), "pinnacle");
    // And Pinnacle's own under is held against the exchange's 2.3/(2.3 + 1.7), which it beats;
    // but it takes no bets.
    let refused = refusals(&events)[0];
    assert_eq!(refused.reason, RefusalReason::BookNotBettable);
    near(refused.ev.unwrap(), 2.3 / 4.0 * 1.9 - 1.0);
    assert_eq!(events.len(), 2);
}

#[test]
fn the_second_reference_speaks_where_the_first_has_no_live_price() {
    let strategy = Strategy { references: vec!["pinnacle".into(), "sbobet".into()], ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    story.quote("sbobet", "ou@2.5", &[1.8, 2.0]);
    assert_eq!(story.quote("bet365", "ou@2.5", &[2.0, 1.8]), []);
    let events = story.withdrawn("pinnacle", Some("ou@2.5"));
    let bet = only_bet(&events);
    assert_eq!(bet.fair.references[0].book.as_str(), "sbobet");
    near(bet.ev, 1.0 / 19.0);
}

#[test]
fn a_reference_that_was_not_seen_for_long_is_none() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let events = story.at(601).quote("bet365", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(bets(&events), Vec::<&_>::new());
    let events = story.at(602).seen("pinnacle");
    only_bet(&events);
}

#[test]
fn a_consensus_is_the_mean_of_the_others() {
    let strategy = Strategy { fair: FairSource::Consensus, consensus_books_min: 2, ..plain() };
    let mut story = Story::under(rules("consensus", strategy));
    story.quote("a", "ou@2.5", &[1.9, 1.9]);
    // One other book is too few for a consensus.
    assert_eq!(story.quote("c", "ou@2.5", &[2.2, 1.75]), []);
    let events = story.quote("b", "ou@2.5", &[1.86, 1.9]);
    let bet = only_bet(&events);
    // 1/2 by `a`, 1.9/(1.86 + 1.9) = 95/188 by `b`: their mean is 189/376.
    assert_eq!(bet.book.as_str(), "c");
    near(bet.fair.probability, 189.0 / 376.0);
    near(bet.ev, 2.2 * 189.0 / 376.0 - 1.0);
    let books: Vec<&str> =
        bet.fair.references.iter().map(|reference| reference.book.as_str()).collect();
    assert_eq!(books, ["a", "b"]);
}
