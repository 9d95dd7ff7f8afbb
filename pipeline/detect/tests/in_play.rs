//! Bets while a match is played: made by strategies that ask for them, and by no other.

mod support;

use marabet_schemas::bets::{BetOutcome, RefusalReason};
use marabet_schemas::facts::{Fixture, FixtureStatus, Phase};
use marabet_schemas::strategy::{FairSource, Rules, Strategy};
use support::*;

/// A sharp strategy of each sort.
fn both() -> Rules {
    let mut rules = rules("before", plain());
    let in_play = Strategy { in_play: true, max_age_s: 30, ..plain() };
    rules.strategies.insert("running".into(), in_play);
    rules
}

fn live(story: &mut Story, minute: u16, score: [u8; 2]) -> Vec<marabet_schemas::Event> {
    story.tell(Fixture {
        src: "test".into(),
        status: FixtureStatus::Live,
        kickoff: at(KICKOFF),
        neutral: false,
        minute: Some(minute),
        score: Some(score),
    })
}

fn quoted(story: &mut Story, book: &str, decimals: &[f64]) -> Vec<marabet_schemas::Event> {
    story.tell(priced(book, "ou@2.5", decimals, Phase::InPlay))
}

/// The match of both strategies, ten minutes old.
fn story() -> Story {
    let mut story = Story::under(both());
    story.at(KICKOFF + 600);
    assert_eq!(live(&mut story, 10, [0, 0]), []);
    story
}

#[test]
fn a_price_in_play_is_bet_at_by_the_strategy_that_asks_for_it_and_refused_by_the_other() {
    let mut story = Story::under(both());
    story.at(KICKOFF - 60).quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    story.at(KICKOFF + 300);
    live(&mut story, 5, [0, 0]);
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    let events = quoted(&mut story, "bet365", &[2.1, 1.75]);
    let [first, second] = &events[..] else { panic!("{events:?}") };
    let refused = only_refusal(std::slice::from_ref(first));
    assert_eq!(
        (refused.strategy.as_str(), refused.reason),
        ("before", RefusalReason::AfterKickoff)
    );
    let bet = only_bet(std::slice::from_ref(second));
    assert_eq!((bet.strategy.as_str(), bet.in_play), ("running", true));
    near(bet.ev, 0.05);
    assert_eq!((bet.expires, bet.until()), (at(KICKOFF + 330), at(KICKOFF + 330)));
}

#[test]
fn before_kick_off_a_strategy_for_play_makes_no_bet() {
    let mut story = Story::under(both());
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(only_bet(&events).strategy.as_str(), "before");
    // Nor at a price that is said to be in play of a match that has not begun.
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    let events = quoted(&mut story, "bwin", &[2.1, 1.75]);
    let refused = events.iter().filter_map(|event| match &event.body {
        marabet_schemas::Body::Refused(refused) => {
            Some((refused.strategy.as_str(), refused.reason))
        }
        _ => None,
    });
    let refused: Vec<_> = refused.collect();
    assert!(refused.contains(&("running", RefusalReason::NotOpen)), "{refused:?}");
}

#[test]
fn after_a_goal_no_price_of_before_it_stands() {
    let mut story = story();
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    story.at(KICKOFF + 610);
    assert_eq!(live(&mut story, 10, [1, 0]), []);
    // Pinnacle's price is of before the goal: nobody says what is fair.
    assert_eq!(bets(&quoted(&mut story, "bet365", &[2.1, 1.75])).len(), 0);
    // A price that is older than the goal is none, though it comes behind it.
    let late = priced("pinnacle", "ou@2.5", &[1.9, 1.9], Phase::InPlay);
    let late = marabet_schemas::Event::of(key(), at(KICKOFF + 609), late);
    assert_eq!(bets(&story.event(late)).len(), 0);
    let events = quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    assert_eq!(only_bet(&events).book.as_str(), "bet365");
}

#[test]
fn an_interruption_takes_every_price_and_nothing_is_bet_until_play_goes_on() {
    let mut story = story();
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    story.fixture(FixtureStatus::Suspended, KICKOFF);
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    let events = quoted(&mut story, "bet365", &[2.1, 1.75]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::NotOpen);
    story.at(KICKOFF + 900);
    live(&mut story, 12, [0, 0]);
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    only_bet(&quoted(&mut story, "bet365", &[2.1, 1.75]));
}

#[test]
fn a_suspended_price_is_not_bet_at_and_one_of_too_long_ago_is_stale() {
    let mut story = story();
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    story.withdrawn("pinnacle", None);
    assert_eq!(bets(&quoted(&mut story, "bet365", &[2.1, 1.75])).len(), 0);
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    story.at(KICKOFF + 631);
    // By Pinnacle's price it would be worth ten per cent, if that were not of half a minute ago.
    assert_eq!(bets(&quoted(&mut story, "bwin", &[2.2, 1.7])).len(), 0);
}

#[test]
fn a_price_far_above_what_is_fair_is_a_goal_that_was_not_heard_of() {
    let mut rules = both();
    let running = rules.strategies.get_mut(&"running".into()).unwrap();
    running.fair = FairSource::Model;
    let mut story = Story::under(rules);
    story.at(KICKOFF + 600);
    live(&mut story, 10, [0, 0]);
    // All books have moved alike, and the model still knows the old score.
    for book in ["pinnacle", "bwin"] {
        story.tell(with_model(priced(book, "ou@2.5", &[3.0, 1.35], Phase::InPlay), 1, &[0.5, 0.5]));
    }
    let moved = with_model(priced("bet365", "ou@2.5", &[3.0, 1.35], Phase::InPlay), 1, &[0.5, 0.5]);
    let events = story.tell(moved);
    assert_eq!(only_refusal(&events).reason, RefusalReason::Outlier);
}

#[test]
fn a_bet_in_play_is_settled_by_the_result_and_not_measured_by_the_close() {
    let mut story = Story::under(both());
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    story.at(KICKOFF + 600);
    live(&mut story, 10, [0, 0]);
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    quoted(&mut story, "bet365", &[2.1, 1.75]);
    let events = story.at(KICKOFF + 2 * HOUR).played(2, 1);
    let settled = only_settlement(&events);
    assert_eq!((settled.outcome, &settled.clv), (BetOutcome::Win, &None));
    near(settled.profit, 1.1);
}

#[test]
fn what_was_kept_of_play_goes_with_the_match() {
    let mut story = story();
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    assert!(story.rows().iter().any(|row| row.contains("running")), "{:?}", story.rows());
    story.at(KICKOFF + 2 * HOUR).played(2, 1);
    story.closed();
    assert!(!story.rows().iter().any(|row| row.contains("running") || row.starts_with("play")));
}

#[test]
fn where_no_strategy_asks_for_it_nothing_is_kept() {
    let mut story = Story::under(rules("before", plain()));
    story.at(KICKOFF + 600);
    live(&mut story, 10, [0, 0]);
    quoted(&mut story, "pinnacle", &[1.9, 1.9]);
    assert!(!story.rows().iter().any(|row| row.contains("running")), "{:?}", story.rows());
}
