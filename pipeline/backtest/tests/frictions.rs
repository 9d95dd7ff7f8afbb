//! What happens to bets on their way to the book.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use marabet_backtest::history::History;
use marabet_backtest::played::{NotPlaced, PlayedBet};
use marabet_backtest::replay::replay;
use marabet_backtest::setup::Setup;
use marabet_ingest::simulator::Settings;
use marabet_schemas::Money;

fn bets(change: impl FnOnce(&mut Setup)) -> Vec<PlayedBet> {
    let mut setup = Setup::default();
    setup.keep(&["sharp".into()]).unwrap();
    change(&mut setup);
    let settings = Settings { seasons: 2, sides: 12, ..Settings::default() };
    replay(&History::simulated(settings), &setup, 1).unwrap().booked.bets
}

fn not_placed(bets: &[PlayedBet], reason: NotPlaced) -> usize {
    bets.iter().filter(|bet| bet.not_placed == Some(reason)).count()
}

#[test]
fn books_refuse_the_share_that_they_are_said_to_and_the_same_bets_each_time() {
    let all = bets(|_| {});
    let some = bets(|setup| setup.frictions.rejected = 0.3);
    assert_eq!(some.len(), all.len());
    let share = not_placed(&some, NotPlaced::Rejected) as f64 / some.len() as f64;
    assert!((share - 0.3).abs() < 0.15, "{share} of {}", some.len());
    assert_eq!(some, bets(|setup| setup.frictions.rejected = 0.3));
    let none = bets(|setup| setup.frictions.rejected = 1.0);
    assert!(none.iter().all(|bet| bet.stake == Money::ZERO && bet.profit == Money::ZERO));
}

#[test]
fn a_bet_that_arrives_after_kick_off_is_not_made() {
    let late = bets(|setup| setup.frictions.delay_s = 60 * 86_400);
    assert!(!late.is_empty());
    assert_eq!(not_placed(&late, NotPlaced::TooLate), late.len());
}

#[test]
fn a_late_bet_meets_the_price_that_stands_by_then() {
    let late = bets(|setup| setup.frictions.delay_s = 6 * 3_600);
    let moved = late.iter().filter(|bet| bet.stake > Money::ZERO && bet.net_odds != bet.odds);
    let (moved, gone) = (moved.count(), not_placed(&late, NotPlaced::PriceGone));
    assert!(moved + gone > 0, "{} bets and no price moved", late.len());
}

#[test]
fn a_books_limit_caps_what_is_staked() {
    let limit = Money::from_cents(1_000);
    let capped = bets(|setup| {
        for book in ["bet365", "pinnacle"] {
            setup.books.entry(book.into()).or_default().limit = Some(limit);
        }
        let names: Vec<_> = bets(|_| {}).into_iter().map(|bet| bet.book).collect();
        for book in names {
            setup.books.entry(book).or_default().limit = Some(limit);
        }
    });
    assert!(!capped.is_empty() && capped.iter().all(|bet| bet.stake <= limit));
}
