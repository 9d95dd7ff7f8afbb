//! The fold, as a runner drives it.

#![allow(clippy::unwrap_used, reason = "a test's support fails as its tests do")]

use std::collections::BTreeMap;

use marabet_portfolio::Portfolio;
use marabet_portfolio::view::AccountView;
use marabet_quant::devig::Method;
use marabet_schemas::bets::{
    BetOutcome, BetPlaced, BetSkipped, BetVoid, Cap, Deposit, Fair, Grant, Settlement, ValueBet,
};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::facts::{MatchClosed, Seen};
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::{self, BookRules, FairSource, Rules};
use marabet_schemas::{
    ArtefactHash, BetId, Body, EntryId, Event, Instant, MatchKey, Money, StakeFraction,
    StrategyName,
};
use marabet_stage::{Derived, Driver, Fault, Stage};
use proptest::prelude::*;

type Nothing = BTreeMap<ArtefactHash, std::sync::Arc<[u8]>>;

fn money(units: f64) -> Money {
    units.try_into().unwrap()
}

fn share(share: f64) -> StakeFraction {
    StakeFraction::new(share).unwrap()
}

fn at(hour: i64) -> Instant {
    "2024-08-16T00:00:00Z".parse::<Instant>().unwrap().plus_seconds(3_600 * hour)
}

fn key(number: u8) -> MatchKey {
    format!("E0|2024-25|Home {number}|Away {number}|1").parse().unwrap()
}

/// A bankroll of 1,000 each; half of it open at most, a quarter a day; `small` takes 30 at most,
/// in steps of 5, less 2 % commission.
fn rules(number: u64) -> Event {
    let mut rules = Rules::default();
    rules.account.bankroll = money(1_000.0);
    (rules.account.open_max, rules.account.day_max) = (share(0.5), share(0.25));
    rules.strategies.insert("model".into(), strategy::Strategy::default());
    let small = BookRules {
        limit: Some(money(30.0)),
        rounding: money(5.0),
        commission: 0.02,
        ..BookRules::default()
    };
    rules.books.insert("small".into(), small);
    Event::global(at(0), ConfigPublished::new(number, rules))
}

fn bet_id(number: u8) -> BetId {
    BetId::of(&"sharp".into(), &key(number), "1x2:home", 0, 0)
}

/// The `sharp` strategy's bet on a match's home side.
fn bet(number: u8, hour: i64, book: &str, stake: f64) -> Event {
    let value_bet = ValueBet {
        bet: bet_id(number),
        revision: 0,
        strategy: "sharp".into(),
        config: 1,
        book: book.into(),
        market: "1x2".parse().unwrap(),
        selection: "home".parse().unwrap(),
        odds: 2.5.try_into().unwrap(),
        net_odds: 2.5,
        fair: Fair {
            source: FairSource::Sharp,
            references: Vec::new(),
            devig: Method::Power,
            model: None,
            probability: 0.42,
            outcomes: [0.42, 0.0, 0.0, 0.0, 0.58],
        },
        ev: 0.05,
        stake: share(stake),
        quoted_at: at(hour),
        kickoff: at(hour + 24),
        expires: at(hour + 1),
        occurrence: 0,
        top_up: 0,
        in_play: false,
        others: Vec::new(),
    };
    Event::of(key(number), at(hour), value_bet)
}

fn revised(event: &Event, revision: u16) -> Event {
    let mut event = event.clone();
    let Body::ValueBet(bet) = &mut event.body else { panic!("{event:?}") };
    bet.revision = revision;
    event
}

fn settled(number: u8, revision: u16, outcome: BetOutcome, profit: f64) -> Event {
    let settlement = Settlement {
        bet: bet_id(number),
        strategy: "sharp".into(),
        revision,
        outcome,
        profit,
        stake: share(0.02),
        market: "1x2".parse().unwrap(),
        selection: "home".parse().unwrap(),
        book: "bet365".into(),
        net_odds: 2.5,
        claimed_ev: 0.05,
        score: None,
        clv: None,
        reason: None,
    };
    Event::of(key(number), at(30), settlement)
}

fn deposit(amount: f64, note: &str) -> Event {
    let note = Some(note.to_owned());
    Event::global(at(1), Deposit { strategy: "sharp".into(), amount: money(amount), note })
}

fn placed(number: u8, odds: f64, stake: f64) -> Event {
    let placed = BetPlaced {
        bet: bet_id(number),
        book: "small".into(),
        odds: odds.try_into().unwrap(),
        stake: money(stake),
    };
    Event::of(key(number), at(2), placed)
}

fn skipped(number: u8) -> Event {
    Event::of(key(number), at(2), BetSkipped { bet: bet_id(number), reason: None })
}

fn void(number: u8) -> Event {
    Event::of(key(number), at(2), BetVoid { bet: bet_id(number), reason: None })
}

fn closed(number: u8) -> Event {
    Event::of(key(number), at(99), MatchClosed { src: "test".into() })
}

fn apply(stage: &mut Portfolio, event: &Event) -> Result<Vec<Grant>, Fault> {
    let mut derived = Derived::default();
    stage.apply(event, &Nothing::new(), &mut derived)?;
    Ok(derived
        .events
        .into_iter()
        .map(|out| {
            assert_eq!((&out.key, out.at, out.assumed), (&event.key, event.at, event.assumed));
            match out.body {
                Body::Grant(grant) => *grant,
                other => panic!("only grants are derived, got {other:?}"),
            }
        })
        .collect())
}

fn all(stage: &mut Portfolio, events: &[Event]) -> Vec<Grant> {
    events.iter().flat_map(|event| apply(stage, event).unwrap()).collect()
}

fn account(stage: &Portfolio) -> AccountView {
    stage.accounts().find(|(strategy, _)| strategy.as_str() == "sharp").unwrap().1
}

/// Bankroll and open stakes after these events.
#[track_caller]
fn check(events: &[Event], bankroll: f64, open: f64) {
    let mut stage = Portfolio::new();
    all(&mut stage, &[rules(1)]);
    all(&mut stage, events);
    let AccountView { bankroll: found, open: found_open, .. } = account(&stage);
    assert_eq!((found, found_open), (money(bankroll), money(open)));
}

#[test]
fn a_bet_is_granted_its_share_of_the_bankroll_once() {
    let mut stage = Portfolio::new();
    let event = bet(1, 0, "bet365", 0.02);
    let grants = all(&mut stage, &[rules(1), event.clone(), event.clone()]);
    let [grant] = &grants[..] else { panic!("{grants:?}") };
    assert_eq!((grant.stake, grant.asked), (money(20.0), money(20.0)));
    assert_eq!((grant.bankroll, &*grant.currency), (money(1_000.0), "EUR"));
    assert!(grant.capped_by.is_empty());
    let Body::ValueBet(value_bet) = event.body else { panic!() };
    assert_eq!(grant.value_bet, *value_bet);
}

#[test]
fn a_revision_is_answered_with_the_stake_that_was_granted() {
    let mut stage = Portfolio::new();
    let event = bet(1, 0, "bet365", 0.02);
    let first = all(&mut stage, &[rules(1), event.clone(), deposit(500.0, "a")]).remove(0);
    for (revision, answers) in [(2, 1), (2, 0), (1, 0), (3, 1)] {
        let grants = all(&mut stage, &[revised(&event, revision)]);
        assert_eq!(grants.len(), answers, "revision {revision}");
        for grant in grants {
            assert_eq!(grant.value_bet.revision, revision);
            assert_eq!((grant.stake, grant.bankroll), (first.stake, first.bankroll));
        }
    }
    assert_eq!(account(&stage).open, first.stake);
    let unannounced = revised(&bet(2, 0, "bet365", 0.02), 1);
    assert!(matches!(apply(&mut stage, &unannounced), Err(Fault::Rejected(_))));
}

#[test]
fn a_cap_that_leaves_nothing_is_an_answer() {
    let mut stage = Portfolio::new();
    all(&mut stage, &[rules(1)]);
    let stakes: Vec<(Money, Vec<Cap>)> = (1..=6)
        .flat_map(|n| all(&mut stage, &[bet(n, 0, "bet365", 0.05)]))
        .map(|grant| (grant.stake, grant.capped_by))
        .collect();
    assert_eq!(stakes[..5], vec![(money(50.0), Vec::new()); 5]);
    assert_eq!(stakes[5], (Money::ZERO, vec![Cap::Day]));
    // The next day has money again, and the half that may be open runs out in turn.
    let next_day =
        all(&mut stage, &(7..=12).map(|n| bet(n, 24, "bet365", 0.05)).collect::<Vec<_>>());
    assert!(next_day[..5].iter().all(|grant| grant.stake == money(50.0)));
    assert_eq!(
        (next_day[5].stake, &*next_day[5].capped_by),
        (Money::ZERO, &[Cap::Open, Cap::Day][..])
    );
    // Yesterday's bet that arrives late counts for yesterday.
    let late = all(&mut stage, &[settled(7, 1, BetOutcome::Push, 0.0), bet(20, 1, "bet365", 0.05)]);
    assert_eq!((late[0].stake, &*late[0].capped_by), (Money::ZERO, &[Cap::Day][..]));
    let small = all(&mut stage, &[bet(21, 72, "small", 0.0334), bet(22, 72, "small", 0.0224)]);
    assert_eq!((small[0].stake, &*small[0].capped_by), (money(30.0), &[Cap::Book][..]));
    assert_eq!((small[1].stake, &*small[1].capped_by), (money(20.0), &[Cap::Open][..]));
}

#[test]
fn a_correction_replaces_what_the_settlement_before_it_brought() {
    let bet = bet(1, 0, "bet365", 0.02);
    let won = settled(1, 1, BetOutcome::Win, 1.5);
    let lost = settled(1, 2, BetOutcome::Loss, -1.0);
    check(std::slice::from_ref(&bet), 1_000.0, 20.0);
    check(&[bet.clone(), won.clone()], 1_030.0, 0.0);
    check(&[bet.clone(), won.clone(), lost.clone()], 980.0, 0.0);
    check(&[bet.clone(), won.clone(), lost.clone(), won.clone()], 980.0, 0.0);
    check(&[bet.clone(), won.clone(), settled(1, 3, BetOutcome::Void, 0.0)], 1_000.0, 0.0);
    check(&[bet.clone(), lost, settled(1, 3, BetOutcome::Review, 0.0)], 1_000.0, 20.0);
    check(&[bet, settled(1, 1, BetOutcome::HalfLoss, -0.5)], 990.0, 0.0);
}

#[test]
fn what_the_user_says_of_a_bet_moves_the_money() {
    let bet = bet(1, 0, "bet365", 0.02);
    let won = settled(1, 1, BetOutcome::Win, 1.5);
    check(&[bet.clone(), skipped(1)], 1_000.0, 0.0);
    check(&[bet.clone(), skipped(1), won.clone()], 1_000.0, 0.0);
    check(&[bet.clone(), placed(1, 2.0, 10.0)], 1_000.0, 10.0);
    // Ten at evens, less 2 % of the winnings; the word may also come after the settlement.
    check(&[bet.clone(), placed(1, 2.0, 10.0), won.clone()], 1_009.8, 0.0);
    check(&[bet.clone(), won.clone(), placed(1, 2.0, 10.0)], 1_009.8, 0.0);
    check(
        &[bet.clone(), placed(1, 2.0, 10.0), settled(1, 1, BetOutcome::HalfWin, 0.75)],
        1_004.9,
        0.0,
    );
    check(&[bet.clone(), void(1)], 1_000.0, 0.0);
    check(&[bet.clone(), void(1), won.clone()], 1_000.0, 0.0);
    check(&[bet.clone(), won, void(1)], 1_000.0, 0.0);
    check(&[bet, skipped(1), placed(1, 2.0, 10.0)], 1_000.0, 10.0);
}

#[test]
fn a_skipped_stake_is_free_again_for_its_day() {
    let mut stage = Portfolio::new();
    let bets: Vec<Event> = (1..=5).map(|n| bet(n, 0, "bet365", 0.05)).collect();
    all(&mut stage, &[rules(1)]);
    all(&mut stage, &bets);
    let grants = all(&mut stage, &[skipped(2), bet(6, 0, "bet365", 0.05)]);
    assert_eq!(grants[0].stake, money(50.0));
}

#[test]
fn a_closed_match_is_forgotten_and_what_was_open_counts_as_returned() {
    let bets = [bet(1, 0, "bet365", 0.02), bet(2, 0, "bet365", 0.03)];
    let review = settled(1, 1, BetOutcome::Review, 0.0);
    check(&[bets[0].clone(), bets[1].clone(), review, closed(1)], 1_000.0, 30.0);
    check(&[bets[0].clone(), settled(1, 1, BetOutcome::Win, 1.5), closed(1)], 1_030.0, 0.0);
    let mut stage = Portfolio::new();
    all(&mut stage, &[rules(1), bets[0].clone(), closed(1), closed(2)]);
    for late in [settled(1, 1, BetOutcome::Win, 1.5), void(1), placed(1, 2.0, 5.0), skipped(1)] {
        let fault = apply(&mut stage, &late).unwrap_err();
        assert!(fault.to_string().contains("is not known"), "{fault}");
    }
}

#[test]
fn what_comes_once_a_partition_counts_once() {
    let copies = |event: Event| std::iter::repeat_n(event, 4);
    let events: Vec<Event> = copies(rules(2))
        .chain(copies(deposit(100.0, "a")))
        .chain(copies(deposit(100.0, "b")))
        .chain(copies(deposit(-50.0, "a")))
        .chain(copies(rules(1)))
        .collect();
    check(&events, 1_150.0, 0.0);
}

#[test]
fn a_new_bankroll_in_the_rules_is_that_of_new_strategies_alone() {
    let mut richer = rules(2);
    let Body::ConfigPublished(published) = &mut richer.body else { panic!() };
    published.rules.account.bankroll = money(5_000.0);
    published.rules.strategies.insert("late".into(), strategy::Strategy::default());
    let mut stage = Portfolio::new();
    all(&mut stage, &[rules(1), richer]);
    let bankrolls: Vec<(StrategyName, Money)> =
        stage.accounts().map(|(strategy, view)| (strategy, view.bankroll)).collect();
    let [old, new] = [1_000.0, 5_000.0].map(money);
    let expected = [("late", new), ("model", old), ("sharp", old)];
    assert_eq!(bankrolls, expected.map(|(strategy, bankroll)| (strategy.into(), bankroll)));
}

#[test]
fn what_cannot_be_counted_is_rejected() {
    let mut stage = Portfolio::new();
    let bet = bet(1, 0, "bet365", 0.02);
    let reason =
        |stage: &mut Portfolio, event: &Event| apply(stage, event).unwrap_err().to_string();
    assert!(reason(&mut stage, &bet).contains("no rules are in force"));
    assert!(reason(&mut stage, &deposit(1.0, "a")).contains("named a strategy `sharp`"));
    all(&mut stage, &[rules(1)]);
    assert!(reason(&mut stage, &settled(1, 1, BetOutcome::Win, 1.5)).contains("is not known"));
    let mut stranger = bet.clone();
    let Body::ValueBet(body) = &mut stranger.body else { panic!() };
    body.strategy = "other".into();
    assert!(reason(&mut stage, &stranger).contains("named a strategy `other`"));
    let nameless = Event { key: None, ..bet };
    assert!(reason(&mut stage, &nameless).contains("must name its match"));
    let seen = Event::global(at(0), Seen { src: "test".into(), book: "b".into() });
    assert_eq!(apply(&mut stage, &seen), Ok(Vec::new()), "other facts move no money");
}

/// One of the things that can happen to a bet, or to all.
fn happening() -> impl Strategy<Value = Event> {
    let number = 1_u8..12;
    let outcomes = [
        (BetOutcome::Win, 1.5),
        (BetOutcome::HalfWin, 0.75),
        (BetOutcome::Push, 0.0),
        (BetOutcome::HalfLoss, -0.5),
        (BetOutcome::Loss, -1.0),
        (BetOutcome::Void, 0.0),
        (BetOutcome::Review, 0.0),
    ];
    prop_oneof![
        4 => (number.clone(), 0_i64..72, 0.0..0.2_f64)
            .prop_map(|(n, hour, stake)| bet(n, hour, if n % 3 == 0 { "small" } else { "b" }, stake)),
        4 => (number.clone(), 1_u16..5, 0_usize..7)
            .prop_map(move |(n, revision, which)| {
                let (outcome, profit) = outcomes[which];
                settled(n, revision, outcome, profit)
            }),
        1 => (number.clone(), 1.1..9.0_f64, 1.0..90.0_f64)
            .prop_map(|(n, odds, stake)| placed(n, odds, stake)),
        1 => number.clone().prop_map(skipped),
        1 => number.clone().prop_map(void),
        1 => number.prop_map(closed),
        1 => (-50.0..200.0_f64).prop_map(|amount| deposit(amount, "x")),
        1 => Just(rules(1)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_money_adds_up_and_no_cap_is_passed(events in proptest::collection::vec(happening(), 1..120)) {
        let mut stage = Portfolio::new();
        all(&mut stage, &[rules(1)]);
        for event in &events {
            let before = account(&stage);
            let Ok(grants) = apply(&mut stage, event) else { continue };
            let after = account(&stage);
            prop_assert!(after.open >= Money::ZERO);
            prop_assert_eq!(after.bankroll, after.start + after.deposits + after.profit);
            for grant in grants.iter().filter(|grant| grant.value_bet.revision == 0) {
                prop_assert_eq!(grant.bankroll, before.bankroll);
                prop_assert!(grant.stake >= Money::ZERO && grant.stake <= grant.asked);
                prop_assert_eq!(grant.stake == grant.asked, grant.capped_by.is_empty());
                if grant.stake > Money::ZERO {
                    prop_assert!(after.open <= before.bankroll.times(0.5));
                }
            }
        }
        // When all matches are closed nothing is open.
        for number in 1..12 {
            apply(&mut stage, &closed(number)).unwrap();
        }
        prop_assert_eq!(account(&stage).open, Money::ZERO);
    }

    #[test]
    fn frames_and_restarts_change_nothing(
        events in proptest::collection::vec(happening(), 1..80),
        sizes in proptest::collection::vec(1_usize..20, 8),
    ) {
        let events: Vec<Event> = std::iter::once(rules(1)).chain(events).collect();
        let frame = |events: &[Event]| Frame::new(EntryId { ms: 1, seq: 1 }, events.to_vec());
        let mut whole = Driver::new(Portfolio::new(), 0);
        let outputs = whole.apply(&[frame(&events)], &Nothing::new()).unwrap();
        let expected: Vec<Event> = outputs.into_iter().flat_map(|output| output.events).collect();

        let mut state: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let (mut derived, mut rest) = (Vec::new(), &events[..]);
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (head, tail) = rest.split_at((*size).min(rest.len()));
            // A new owner for each frame, which knows nothing but what was committed.
            let mut owner = Driver::new(Portfolio::new(), 0);
            owner.load(state.iter().map(|(field, bytes)| (&**field, &**bytes))).unwrap();
            let outputs = owner.apply(&[frame(head)], &Nothing::new()).unwrap();
            derived.extend(outputs.into_iter().flat_map(|output| output.events));
            for change in owner.changes().unwrap() {
                match change.value {
                    Some(bytes) => state.insert(change.field, bytes),
                    None => state.remove(&change.field),
                };
            }
            rest = tail;
        }
        prop_assert_eq!(derived, expected);
    }
}
