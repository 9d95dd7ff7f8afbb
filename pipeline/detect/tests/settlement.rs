//! How bets end: results, corrections, voids, and what nobody knows.

mod support;

use marabet_schemas::bets::{BetOutcome, RefusalReason, ValueBet};
use marabet_schemas::facts::{FixtureStatus, Phase, ResultStatus};
use support::*;

const RESULT: i64 = KICKOFF + 2 * HOUR;

/// A match with one bet on it, of this market and on its first selection.
fn story_of(market: &str) -> (Story, ValueBet) {
    let mut story = Story::under(rules("sharp", plain()));
    let (fair, offered): (&[f64], &[f64]) = match market {
        "1x2" => (&[2.9, 2.9, 2.9], &[3.3, 2.5, 2.5]),
        _ => (&[1.9, 1.9], &[2.1, 1.75]),
    };
    story.quote("pinnacle", market, fair);
    let events = story.quote("bet365", market, offered);
    let bet = only_bet(&events).clone();
    (story, bet)
}

#[test]
fn each_outcome_pays_what_it_says() {
    for (market, home, away, outcome, profit) in [
        ("1x2", 2, 0, BetOutcome::Win, 2.3),
        ("1x2", 1, 1, BetOutcome::Loss, -1.0),
        ("ah@0", 1, 1, BetOutcome::Push, 0.0),
        ("ah@-0.25", 1, 1, BetOutcome::HalfLoss, -0.5),
        ("ah@-0.75", 1, 0, BetOutcome::HalfWin, 0.55),
        ("ah@-1", 1, 0, BetOutcome::Push, 0.0),
        ("ou@2.5", 2, 1, BetOutcome::Win, 1.1),
        ("ou@2.75", 2, 1, BetOutcome::HalfWin, 0.55),
        ("dnb", 0, 1, BetOutcome::Loss, -1.0),
        ("btts", 1, 3, BetOutcome::Win, 1.1),
    ] {
        let (mut story, bet) = story_of(market);
        let events = story.at(RESULT).played(home, away);
        let settled = only_settlement(&events);
        assert_eq!((settled.bet, settled.revision), (bet.bet, 1), "{market}");
        assert_eq!(settled.outcome, outcome, "{market} {home}-{away}");
        near(settled.profit, profit);
        assert_eq!((settled.score, settled.stake), (Some([home, away]), bet.stake));
        assert_eq!(events[0].at, at(RESULT));
    }
}

#[test]
fn a_corrected_result_is_the_next_revision_and_the_same_again_is_none() {
    let (mut story, _) = story_of("ou@2.5");
    story.at(RESULT).played(2, 1);
    assert_eq!(story.at(RESULT + 60).played(2, 1), []);
    let events = story.at(RESULT + HOUR).played(2, 0);
    let settled = only_settlement(&events);
    assert_eq!((settled.revision, settled.outcome), (2, BetOutcome::Loss));
    let events = story.at(RESULT + 2 * HOUR).result(ResultStatus::Void, None);
    let settled = only_settlement(&events);
    assert_eq!((settled.revision, settled.outcome), (3, BetOutcome::Void));
    near(settled.profit, 0.0);
    assert_eq!(settled.score, None);
    let events = story.at(RESULT + 3 * HOUR).played(3, 0);
    let settled = only_settlement(&events);
    assert_eq!((settled.revision, settled.outcome), (4, BetOutcome::Win));
}

#[test]
fn a_match_without_bets_settles_nothing() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    assert_eq!(story.at(RESULT).played(2, 1), []);
    assert_eq!(settlements(&story.at(RESULT + DAY).closed()).len(), 0);
}

#[test]
fn a_kick_off_moved_within_the_limit_leaves_the_bet_and_beyond_it_voids_for_good() {
    let (mut story, bet) = story_of("ou@2.5");
    let thirty_six = KICKOFF + 36 * HOUR;
    assert_eq!(story.at(60).fixture(FixtureStatus::Scheduled, thirty_six), []);
    let events = story.at(120).fixture(FixtureStatus::Scheduled, thirty_six + 1);
    let settled = settlements(&events)[0];
    assert_eq!((settled.bet, settled.outcome), (bet.bet, BetOutcome::Void));
    let reason = settled.reason.as_deref().unwrap();
    assert!(reason.contains("2024-08-16T12:00:00Z to 2024-08-18T00:00:01Z"), "{reason}");
    // Armed again at once: the price still stands, and is bet at for the new kick-off.
    let again = bets(&events)[0];
    assert_eq!((again.occurrence, again.kickoff), (1, at(thirty_six + 1)));
    assert_ne!(again.bet, bet.bet);
    assert_eq!(events.len(), 2);
    // The result settles the second and leaves the first void.
    let events = story.at(thirty_six + 2 * HOUR).played(3, 0);
    let settled = only_settlement(&events);
    assert_eq!((settled.bet, settled.outcome), (again.bet, BetOutcome::Win));
}

#[test]
fn moves_add_up_against_the_kick_off_that_the_bet_was_made_for() {
    let (mut story, _) = story_of("ou@2.5");
    assert_eq!(story.fixture(FixtureStatus::Scheduled, KICKOFF + 20 * HOUR), []);
    let events = story.fixture(FixtureStatus::Scheduled, KICKOFF + 40 * HOUR);
    assert_eq!(settlements(&events)[0].outcome, BetOutcome::Void);
}

#[test]
fn a_kick_off_moved_after_the_result_is_the_next_revision() {
    let (mut story, _) = story_of("ou@2.5");
    story.at(RESULT).played(2, 1);
    let events = story.at(RESULT + 60).fixture(FixtureStatus::Postponed, KICKOFF + 7 * DAY);
    let settled = only_settlement(&events);
    assert_eq!((settled.revision, settled.outcome), (2, BetOutcome::Void));
    // For good: what is played later is another bet's.
    assert_eq!(story.at(KICKOFF + 7 * DAY + 2 * HOUR).played(2, 1), []);
}

#[test]
fn a_match_put_off_without_a_new_kick_off_voids_once_the_limit_has_passed() {
    for status in [FixtureStatus::Postponed, FixtureStatus::Suspended] {
        let (mut story, _) = story_of("ou@2.5");
        assert_eq!(story.at(KICKOFF - HOUR).fixture(status, KICKOFF), []);
        assert_eq!(story.at(KICKOFF + 36 * HOUR).seen("bet365"), []);
        let events = story.at(KICKOFF + 36 * HOUR + 1).seen("bet365");
        let settled = only_settlement(&events);
        assert_eq!(settled.outcome, BetOutcome::Void, "{status:?}");
    }
}

#[test]
fn an_abandonment_voids_and_arms_again_and_a_later_result_settles_what_was_not_replaced() {
    for status in [None, Some(FixtureStatus::Abandoned), Some(FixtureStatus::Cancelled)] {
        let (mut story, bet) = story_of("ou@2.5");
        story.at(RESULT);
        let events = match status {
            None => story.result(ResultStatus::Abandoned, None),
            Some(status) => story.fixture(status, KICKOFF),
        };
        let settled = only_settlement(&events);
        assert_eq!(settled.outcome, BetOutcome::Void, "{status:?}");
        let mut resumed = story_of("ou@2.5").0;
        resumed.at(RESULT).result(ResultStatus::Abandoned, None);
        let events = resumed.at(RESULT + DAY).played(2, 1);
        let settled = only_settlement(&events);
        assert_eq!((settled.bet, settled.revision), (bet.bet, 2));
        assert_eq!(settled.outcome, BetOutcome::Win);

        // Set again, the selection is armed again under a new occurrence.
        let events = story.fixture(FixtureStatus::Scheduled, RESULT + DAY);
        assert_eq!(only_refusal(&events).reason, RefusalReason::Stale);
        story.at(RESULT + HOUR).quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
        let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
        let again = only_bet(&events);
        assert_eq!((again.occurrence, again.revision), (1, 0));
        let events = story.at(RESULT + DAY + 2 * HOUR).played(2, 1);
        let settled = only_settlement(&events);
        assert_eq!((settled.bet, settled.revision), (again.bet, 1));
    }
}

#[test]
fn an_awarded_result_stands_aside_for_what_was_played_and_voids_what_was_not() {
    let (mut story, _) = story_of("ou@2.5");
    let events = story.at(RESULT).result(ResultStatus::Awarded, Some([3, 0]));
    let settled = only_settlement(&events);
    assert_eq!((settled.outcome, settled.score), (BetOutcome::Void, None));

    let (mut story, _) = story_of("ou@2.5");
    story.at(RESULT).played(1, 1);
    assert_eq!(story.at(RESULT + DAY).result(ResultStatus::Awarded, Some([3, 0])), []);
}

#[test]
fn a_price_quoted_after_the_actual_kick_off_is_void() {
    let mut story = Story::under(rules("sharp", plain()));
    story.at(KICKOFF - HOUR).quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    only_bet(&story.quote("bet365", "ou@2.5", &[2.1, 1.75]));
    assert_eq!(story.at(KICKOFF).fixture(FixtureStatus::Live, KICKOFF - 2 * HOUR), []);
    let events = story.at(RESULT).played(3, 0);
    assert_eq!(only_settlement(&events).outcome, BetOutcome::Void);
}

#[test]
fn without_a_result_a_bet_goes_to_review_by_the_first_event_that_is_late_enough() {
    let (mut story, _) = story_of("ou@2.5");
    assert_eq!(story.at(KICKOFF + 3 * DAY - 1).seen("bet365"), []);
    let events = story.at(KICKOFF + 3 * DAY).seen("bet365");
    let settled = only_settlement(&events);
    assert_eq!((settled.outcome, settled.profit), (BetOutcome::Review, 0.0));
    assert_eq!(settled.reason.as_deref(), Some("no result 3 days after kick-off"));
    assert_eq!(story.at(KICKOFF + 4 * DAY).seen("bet365"), []);
    let events = story.at(KICKOFF + 5 * DAY).played(0, 0);
    let settled = only_settlement(&events);
    assert_eq!((settled.revision, settled.outcome), (2, BetOutcome::Loss));
}

#[test]
fn a_closed_match_leaves_no_state_and_refuses_what_comes_late() {
    let (mut story, bet) = story_of("ou@2.5");
    let events = story.at(RESULT).closed();
    let settled = only_settlement(&events[..1]);
    assert_eq!((settled.bet, settled.outcome), (bet.bet, BetOutcome::Review));
    assert_eq!(
        story.rows(),
        ["books:only", "closed:E0|2024-25|Man United|Fulham|1", "config:only"]
    );
    let late = [
        story.body(priced("bet365", "ou@2.5", &[2.1, 1.75], Phase::Pre)),
        story.body(marabet_schemas::facts::MatchClosed { src: "test".into() }),
    ];
    for event in late {
        let (derived, reason) = story.try_event(event);
        assert_eq!(derived, []);
        let reason = reason.unwrap();
        assert!(reason.contains("was closed at 2024-08-16T14:00:00Z"), "{reason}");
    }
}

#[test]
fn a_result_that_cannot_be_true_is_rejected_and_changes_nothing() {
    let mut story = Story::without_fixture(rules("sharp", plain()));
    let result = |score| marabet_schemas::facts::MatchResult {
        src: "test".into(),
        status: ResultStatus::Played,
        score,
        half_time: None,
    };
    let (_, reason) = story.try_event(story.body(result(Some([1, 0]))));
    assert!(reason.unwrap().contains("no fixture"));
    let (mut story, _) = story_of("ou@2.5");
    let unscored = story.at(RESULT).body(result(None));
    let (_, reason) = story.try_event(unscored);
    assert!(reason.unwrap().contains("needs its score"));
    let events = story.at(RESULT).played(2, 1);
    assert_eq!(only_settlement(&events).revision, 1);
}

#[test]
fn every_strategy_s_bets_are_settled_even_when_it_is_in_force_no_more() {
    let (mut story, bet) = story_of("ou@2.5");
    story.configure(2, rules("another", plain()));
    let events = story.at(RESULT).played(2, 1);
    let settled = only_settlement(&events);
    assert_eq!((settled.bet, settled.strategy.as_str()), (bet.bet, "sharp"));
}
