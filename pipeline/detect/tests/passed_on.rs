//! What the portfolio needs and the stage passes on.

mod support;

use marabet_schemas::bets::{BetPlaced, BetSkipped, BetVoid, Deposit};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::{BetId, Body, Event, Kind, Money};
use support::{HOUR, KICKOFF, Story, at, key, plain, rules};

#[test]
fn the_rules_the_users_word_and_deposits_are_passed_on() {
    let mut story = Story::under(rules("sharp", plain()));
    let bet = BetId::of(&"sharp".into(), &key(), "1x2:home", 0, 0);
    let ten = Money::from_cents(1_000);
    let odds = 2.0.try_into().unwrap();
    let bodies: [Body; 3] = [
        BetPlaced { bet, book: "bet365".into(), odds, stake: ten }.into(),
        BetSkipped { bet, reason: None }.into(),
        BetVoid { bet, reason: None }.into(),
    ];
    for body in bodies {
        let event = story.body(body);
        assert_eq!(story.event(event.clone()), [event]);
    }
    let deposit = Deposit { strategy: "sharp".into(), amount: ten, note: None };
    let next = ConfigPublished::new(2, rules("sharp", plain()));
    for event in [Event::global(at(0), deposit), Event::global(at(0), next)] {
        assert_eq!(story.event(event.clone()), [event]);
    }
    let old = Event::global(at(0), ConfigPublished::new(2, rules("sharp", plain())));
    assert_eq!(story.event(old), [], "rules that do not come into force concern nobody");
}

#[test]
fn that_a_match_is_closed_is_passed_on_after_all_that_follows_from_it() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "1x2", &[2.0, 3.6, 4.0]);
    let bets = story.quote("bet365", "1x2", &[2.2, 3.4, 3.7]);
    assert_eq!(bets.first().map(Event::kind), Some(Kind::ValueBet));
    let derived = story.at(KICKOFF + 100 * HOUR).closed();
    let kinds: Vec<Kind> = derived.iter().map(Event::kind).collect();
    assert_eq!(kinds, [Kind::Settlement, Kind::MatchClosed]);
    assert_eq!(derived[1], story.body(derived[1].body.clone()));
}
