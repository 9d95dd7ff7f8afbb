use marabet_schemas::facts::{Fixture, FixtureStatus};

use super::*;

fn fixture(day: i64) -> (MatchKey, Event) {
    let key: MatchKey = format!("E0|2024-25|H{day}|A|1").parse().unwrap();
    let fixture = Fixture {
        src: "test".into(),
        status: FixtureStatus::Scheduled,
        kickoff: Instant::from_micros(day),
        neutral: false,
        minute: None,
        score: None,
    };
    let event = Event::of(key.clone(), Instant::from_micros(0), fixture);
    (key, event)
}

const PLACE: Address =
    Address { partition: 0, entry: marabet_schemas::EntryId { ms: 1, seq: 0 }, index: 0 };

#[test]
fn a_full_board_lets_go_of_the_match_that_kicked_off_first() {
    let bounds = Bounds { matches: 3, ..Bounds::default() };
    let mut board = Board::new(bounds, ClosingRules::default());
    for day in [5, 1, 4, 3, 2] {
        board.apply(Stream::Priced, PLACE, &fixture(day).1);
    }
    let kept: Vec<_> = board.by_kickoff().map(|(_, one)| one.kickoff.unwrap().micros()).collect();
    assert_eq!(kept, [3, 4, 5]);
    assert_eq!(board.matches(), 3);
}

#[test]
fn a_kickoff_that_moves_moves_the_match_in_the_list() {
    let mut board = Board::new(Bounds::default(), ClosingRules::default());
    let (early, event) = fixture(1);
    board.apply(Stream::Priced, PLACE, &event);
    board.apply(Stream::Priced, PLACE, &fixture(2).1);
    let Body::Fixture(mut moved) = event.body else { panic!("a fixture") };
    moved.kickoff = Instant::from_micros(9);
    let moved = Event::of(early.clone(), Instant::from_micros(1), moved);
    board.apply(Stream::Priced, PLACE, &moved);
    let order: Vec<_> = board.by_kickoff().map(|(key, _)| key.home()).collect();
    assert_eq!(order, ["H2", "H1"]);
}
