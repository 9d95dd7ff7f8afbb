//! One small match from its fixture to the closing-line value of its bets, as a person reads it.

mod support;

use marabet_schemas::Event;
use marabet_schemas::facts::FixtureStatus;
use marabet_schemas::strategy::Strategy;
use support::*;

#[test]
fn a_match_from_its_fixture_to_the_closing_line_value_of_its_bets() {
    let mut story = Story::under(rules("sharp", Strategy::default()));
    let mut told: Vec<String> = Vec::new();
    let mut note = |what: &str, events: Vec<Event>| {
        told.push(format!("# {what}"));
        told.extend(events.iter().map(Event::to_line));
    };

    let prices = [
        ("pinnacle", "1x2", &[2.31, 3.45, 3.24][..]),
        ("bet365", "1x2", &[2.3, 3.4, 3.2]),
        ("bwin", "1x2", &[2.4, 3.3, 3.0]),
        ("pinnacle", "ou@2.5", &[1.93, 1.95]),
        ("bet365", "ou@2.5", &[1.9, 1.9]),
        ("pinnacle", "ah@-0.25", &[1.99, 1.91]),
        ("unibet", "ah@-0.25", &[2.12, 1.74]),
    ];
    for (book, market, decimals) in prices {
        note(&format!("{book} {market} {decimals:?}"), story.quote(book, market, decimals));
    }
    note("the best of all books", story.aggregate("ou@2.5", &[2.1, 2.0]));
    story.at(300);
    note("a price for what is bet on already", story.quote("betway", "1x2", &[2.45, 3.2, 2.95]));
    note("a better price", story.quote("betway", "ah@-0.25", &[2.17, 1.7]));
    note("an error", story.quote("betfred", "ou@2.5", &[2.7, 1.45]));
    note("pinnacle moves", story.quote("pinnacle", "ou@2.5", &[1.78, 2.14]));
    story.at(KICKOFF - 60);
    note("closing", story.closing("pinnacle", "1x2", &[2.22, 3.5, 3.4]));
    note("the line moved", story.closing("pinnacle", "ah@-0.5", &[2.22, 1.72]));
    note("and the total", story.closing("pinnacle", "ou@2.5", &[1.75, 2.17]));
    story.at(KICKOFF);
    note("kick-off", story.fixture(FixtureStatus::Live, KICKOFF));
    story.at(KICKOFF + 2 * HOUR);
    note("the result", story.played(1, 1));
    note("corrected", story.at(KICKOFF + 3 * HOUR).played(2, 1));
    note("closed", story.at(KICKOFF + 2 * DAY).closed());

    insta::assert_snapshot!(told.join("\n"));
}
