//! What people read.

mod support;

use jiff::tz::TimeZone;
use marabet_notify::voice::{Language, OddsFormat, Voice};
use marabet_notify::{Announcement, Channel, Console, FileChannel};
use marabet_schemas::bets::Cap;
use marabet_schemas::strategy::FairSource;
use support::{grant, key, model, money};

#[test]
fn a_bet_is_told_with_all_that_it_takes_to_place_and_to_judge_it() {
    let message = Announcement::new(&key(), &grant(), false).message(&Voice::default());
    insta::assert_snapshot!("a_bet", message.text);
    assert_eq!(message.text.lines().next(), Some(&*message.title));
    assert_eq!(message.key, "bet:".to_owned() + &grant().value_bet.bet.to_string());
    assert!(!message.json.contains('\n'));
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    insta::assert_snapshot!("a_bet_for_programs", serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn a_capped_stake_a_commission_and_a_repetition_are_said() {
    let mut grant = grant();
    let bet = &mut grant.value_bet;
    bet.book = "betfair_exchange".into();
    bet.net_odds = 2.0925;
    (bet.market, bet.selection) = ("ah@-0.25".parse().unwrap(), "away".parse().unwrap());
    bet.fair.source = FairSource::Blend;
    bet.fair.model = Some(model());
    bet.others.clear();
    grant.asked = money(60.0);
    grant.capped_by = vec![Cap::Open, Cap::Rounding];
    let lisbon = TimeZone::get("Europe/Lisbon").unwrap();
    insta::assert_snapshot!(
        "a_capped_bet",
        Announcement::new(&key(), &grant, true)
            .message(&Voice { zone: lisbon, ..Voice::default() })
            .text
    );
}

#[test]
fn every_source_of_a_fair_price_is_named() {
    let mut lines = String::new();
    for (source, books) in [
        (FairSource::Sharp, 1),
        (FairSource::Consensus, 5),
        (FairSource::Model, 0),
        (FairSource::Blend, 1),
    ] {
        let mut grant = grant();
        let fair = &mut grant.value_bet.fair;
        fair.source = source;
        fair.references = vec![fair.references[0].clone(); books];
        fair.model = Some(model());
        let message = Announcement::new(&key(), &grant, false).message(&Voice::default());
        let line = message.text.lines().find(|line| line.contains("fair")).unwrap();
        lines.push_str(&format!("{source:?}:{line}\n"));
    }
    insta::assert_snapshot!("fair_prices", lines);
}

#[tokio::test]
async fn console_and_file_carry_the_whole_message() {
    let message = Announcement::new(&key(), &grant(), false).message(&Voice::default());
    let console = Console::new(Vec::new());
    console.send(&message).await.unwrap();
    assert_eq!(String::from_utf8(console.into_inner()).unwrap(), format!("{}\n\n", message.text));

    let folder = tempfile::tempdir().unwrap();
    let file = FileChannel::open("file", folder.path()).unwrap();
    file.send(&message).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read(FileChannel::JSON), format!("{}\n", message.json));
    assert_eq!(read(FileChannel::TEXT), format!("{}\n\n", message.text));
}

#[test]
fn a_bet_is_told_in_the_readers_language_and_odds() {
    let voice = Voice {
        language: Language::Portuguese,
        odds: OddsFormat::Fractional,
        notice: true,
        ..Voice::default()
    };
    let text = Announcement::new(&key(), &grant(), false).message(&voice).text;
    assert!(text.starts_with("Arsenal v Chelsea: vitória: Arsenal a 23/20, bet365"), "{text}");
    for word in ["aposta 23.40 EUR", "até sáb, 17 ago 2024", "justa", "18+"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
