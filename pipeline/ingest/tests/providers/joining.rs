//! Names: joined by evidence, asked about where there is none, and taken apart again.

use marabet_ingest::changes::Known;
use marabet_ingest::desk::{Desk, ShownMatch};
use marabet_ingest::names::record::Written;
use marabet_ingest::names::store::FileStore;
use marabet_ingest::names::{Answer, Named, Names};
use marabet_schemas::facts::{Fixture, FixtureStatus, Phase, Quote};
use marabet_schemas::{Body, Event, Instant};

use crate::hand::told;

fn named(competition: &str, home: &str, away: &str) -> Named {
    let id = format!("{home}-{away}").into();
    Named { id, competition: competition.into(), home: home.into(), away: away.into() }
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

const KICKOFF: &str = "2026-04-18T14:00:00Z";

fn fixture(src: &str, kickoff: &str) -> Fixture {
    let (status, kickoff) = (FixtureStatus::Scheduled, at(kickoff));
    Fixture { src: src.into(), status, kickoff, neutral: false, minute: None, score: None }
}

fn calendar(names: &Names, key: &str) {
    let event = Event::of(key.parse().unwrap(), at(KICKOFF), fixture("football-data", KICKOFF));
    names.observe(&event);
}

fn resolve(names: &Names, src: &str, named: &Named) -> Result<String, usize> {
    match names.resolve(&src.into(), named, at(KICKOFF), at(KICKOFF)).unwrap() {
        Answer::Match(key) => Ok(key.as_str().to_owned()),
        Answer::Ask(names) => Err(names.len()),
        Answer::NoMatch(reason) => panic!("{reason}"),
    }
}

#[test]
fn a_side_is_known_by_its_opponent_where_its_name_says_nothing() {
    let names = Names::in_memory();
    let told = named("soccer_poland_ekstraklasa", "Xyzzy Sponsors", "Legia Warszawa");
    assert_eq!(resolve(&names, "the-odds-api", &told), Err(1));
    calendar(&names, "POL|2025-26|Rakow|Lech Poznan|1");
    assert_eq!(resolve(&names, "the-odds-api", &told), Err(1));
    // The same competition at the same time against the same side: who else could it be?
    let names = Names::in_memory();
    calendar(&names, "POL|2025-26|Radomiak Radom|Legia|1");
    let told = named("soccer_poland_ekstraklasa", "RKS Radomiak 1910", "Legia Warszawa");
    let key = Ok("POL|2025-26|Radomiak Radom|Legia|1".to_owned());
    assert_eq!(resolve(&names, "the-odds-api", &told), key);
}

#[test]
fn women_and_reserves_are_never_joined_with_the_first_side() {
    let names = Names::in_memory();
    calendar(&names, "E0|2025-26|Arsenal|Chelsea|1");
    for (home, away) in [("Arsenal Women", "Chelsea Women"), ("Arsenal U21", "Chelsea U21")] {
        let told = named("soccer_epl", home, away);
        assert_eq!(resolve(&names, "the-odds-api", &told), Err(2), "{home}");
    }
}

#[test]
fn two_sources_join_where_nobody_knew_the_sides_before() {
    let names = Names::in_memory();
    let one = named("soccer_norway_eliteserien", "Bodø/Glimt", "Vålerenga");
    let two = named("103", "Bodo/Glimt", "Valerenga IF");
    let key = resolve(&names, "the-odds-api", &one).unwrap();
    assert_eq!(key, "NOR|2026|Bodø/Glimt|Vålerenga|1");
    assert_eq!(resolve(&names, "api-football", &two), Ok(key));
}

fn quote(src: &str, home: f64) -> Body {
    let odds = [home, 3.0, 4.0].map(|odds| odds.try_into().unwrap()).into();
    let market = "1x2".parse().unwrap();
    Quote { src: src.into(), book: "b".into(), market, odds, phase: Phase::Pre, sizes: None }.into()
}

fn shown(named: &Named, home: f64) -> ShownMatch {
    let src = "the-odds-api";
    let facts = vec![(Known::Seen, fixture(src, KICKOFF).into()), (Known::Seen, quote(src, home))];
    ShownMatch { named: named.clone(), kickoff: at(KICKOFF), facts }
}

#[test]
fn what_waits_for_an_answer_is_not_lost_and_a_wrong_answer_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("names.ndjson");
    let open = || Names::open(Box::new(FileStore::open(&record).unwrap())).unwrap();
    let desk = |names: &Names| {
        let file = Some(folder.path().join("waiting.ndjson"));
        Desk::open("the-odds-api".into(), names.clone(), 600, file).unwrap()
    };
    let told_of = named("soccer_epl", "The Gunners XI", "Chelsea");
    {
        let names = open();
        let mut desk = desk(&names);
        for (minute, home) in [(0, 2.0), (10, 2.1)] {
            let now = at("2026-04-18T12:00:00Z").plus_seconds(minute * 60);
            let news = desk.look(now, vec![shown(&told_of, home)], |_| true).unwrap();
            assert!(news.events.is_empty());
        }
        assert_eq!((desk.waiting(), names.questions().len()), (3, 1));
    }
    // The process ended; a person answers in another one; the next goes on.
    let (names, person) = (open(), open());
    let mut desk = desk(&names);
    assert_eq!(desk.waiting(), 3);
    let written = Written {
        src: "the-odds-api".into(),
        table: "England".into(),
        name: "The Gunners XI".into(),
    };
    person.answer(written.clone(), "Arsenal", at(KICKOFF)).unwrap();
    let now = at("2026-04-18T12:20:00Z");
    let news = desk.look(now, vec![shown(&told_of, 2.1)], |_| true).unwrap();
    assert_eq!(
        told(&news.events),
        [
            "Arsenal named The Gunners XI",
            "Arsenal fixture Scheduled",
            "Arsenal quote b 1x2 [2.0, 3.0, 4.0]",
            "Arsenal quote b 1x2 [2.1, 3.0, 4.0]",
            "Arsenal seen b",
        ]
    );
    assert_eq!(news.events[2].at, at("2026-04-18T12:00:00Z"));
    assert_eq!(desk.waiting(), 0);

    person.answer(written, "Fulham", at(KICKOFF)).unwrap();
    let news = desk.look(now, vec![shown(&told_of, 2.1)], |_| true).unwrap();
    assert_eq!(
        told(&news.events),
        [
            "Arsenal withdrawn b",
            "Fulham named The Gunners XI",
            "Fulham fixture Scheduled",
            "Fulham quote b 1x2 [2.1, 3.0, 4.0]",
        ]
    );
}

#[test]
fn a_restart_that_reads_the_log_reports_nothing_again() {
    let names = Names::in_memory();
    let mut desk = Desk::open("the-odds-api".into(), names.clone(), 600, None).unwrap();
    let told_of = named("soccer_epl", "Arsenal", "Chelsea");
    let now = at("2026-04-18T12:00:00Z");
    let first = desk.look(now, vec![shown(&told_of, 2.0)], |_| true).unwrap();
    let mut again = Desk::open("the-odds-api".into(), Names::in_memory(), 600, None).unwrap();
    first.events.iter().for_each(|event| again.observe(event));
    let news = again.look(now, vec![shown(&told_of, 2.0)], |_| true).unwrap();
    assert_eq!(told(&news.events), [""; 0]);
}

#[test]
fn a_competition_that_nobody_knows_is_asked_about_and_then_understood() {
    let names = Names::in_memory();
    let told_of = named("soccer_mars_first", "Crater", "Canyon");
    assert_eq!(resolve(&names, "the-odds-api", &told_of), Err(1));
    let question = names.questions().remove(0);
    names.answer(question.written, "MARS", at(KICKOFF)).unwrap();
    assert_eq!(
        resolve(&names, "the-odds-api", &told_of),
        Ok("MARS|2025-26|Crater|Canyon|1".into())
    );
}
