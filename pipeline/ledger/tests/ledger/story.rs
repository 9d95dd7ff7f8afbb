//! A small history of bets: found, granted, placed, skipped, settled, corrected.

use marabet_portfolio::Portfolio;
use marabet_portfolio::view::AccountView;
use marabet_quant::devig::Method;
use marabet_quant::outcome::Outcome;
use marabet_schemas::bets::{
    BetOutcome, BetPlaced, BetSkipped, BetVoid, Deposit, Fair, Settlement, ValueBet,
};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::{BookRules, FairSource, Rules};
use marabet_schemas::{ArtefactHash, BetId, Body, EntryId, Event, MatchKey, Money, StakeFraction};
use marabet_stage::{Artefacts, Driver};

use crate::support::at;

/// No artefact is needed.
struct None;
impl Artefacts for None {
    fn get(&self, _: &ArtefactHash) -> Option<std::sync::Arc<[u8]>> {
        Option::None
    }
}

/// What `bets` holds, and what the portfolio makes of it.
pub(crate) struct Story {
    pub(crate) bets: Vec<Event>,
    pub(crate) grants: Vec<Event>,
    pub(crate) account: AccountView,
}

fn key(number: usize) -> MatchKey {
    // Spread over the partitions: a name that stands twice in a key would count for nothing.
    format!("E0|2024-25|H{number}|A{}|1", number / 2).parse().unwrap()
}

fn bet_id(number: usize) -> BetId {
    BetId::of(&"sharp".into(), &key(number), "1x2:home", 0, 0)
}

fn cents(cents: i64) -> Money {
    Money::from_cents(cents)
}

fn bet(number: usize, minute: i64, revision: u16) -> Event {
    let odds = 2.0 + 0.01 * (number % 50) as f64;
    let bet = ValueBet {
        bet: bet_id(number),
        revision,
        strategy: "sharp".into(),
        config: 1,
        book: if number.is_multiple_of(2) { "bet365" } else { "betfair_exchange" }.into(),
        market: "1x2".parse().unwrap(),
        selection: "home".parse().unwrap(),
        odds: odds.try_into().unwrap(),
        net_odds: odds,
        fair: Fair {
            source: FairSource::Sharp,
            references: Vec::new(),
            devig: Method::Power,
            model: Option::None,
            probability: 0.52,
            outcomes: [0.52, 0.0, 0.0, 0.0, 0.48],
        },
        ev: 0.52 * odds - 1.0,
        stake: StakeFraction::new(0.003).unwrap(),
        quoted_at: at(minute),
        kickoff: at(minute + 60),
        expires: at(minute + 10),
        occurrence: 0,
        top_up: 0,
        in_play: false,
        others: Vec::new(),
    };
    Event::of(key(number), at(minute), bet)
}

fn settled(number: usize, minute: i64, revision: u16, outcome: BetOutcome) -> Event {
    let Body::ValueBet(bet) = bet(number, 0, 0).body else { unreachable!("it is a bet") };
    let profit = match outcome {
        BetOutcome::Win => Outcome::Win.profit(bet.net_odds),
        BetOutcome::Loss => -1.0,
        _ => 0.0,
    };
    let settlement = Settlement {
        bet: bet.bet,
        strategy: bet.strategy,
        revision,
        outcome,
        profit,
        stake: bet.stake,
        market: bet.market,
        selection: bet.selection,
        book: bet.book,
        net_odds: bet.net_odds,
        claimed_ev: bet.ev,
        score: Some([2, 1]),
        clv: Option::None,
        reason: Option::None,
    };
    Event::of(key(number), at(minute), settlement)
}

/// What happens to this many bets. Of every eight some are placed at another price, skipped, made
/// void, or corrected after their settlement, before it or after it.
pub(crate) fn story(count: usize) -> Story {
    let mut rules = Rules::default();
    rules.account.day_max = StakeFraction::new(1.0).unwrap();
    rules.account.open_max = StakeFraction::new(1.0).unwrap();
    let commission = BookRules { commission: 0.05, ..BookRules::default() };
    rules.books.insert("betfair_exchange".into(), commission);
    let mut bets = vec![Event::global(at(-10), ConfigPublished::new(1, rules))];
    let deposit = Deposit { strategy: "sharp".into(), amount: cents(50_000), note: Option::None };
    bets.push(Event::global(at(-5), deposit));
    for number in 0..count {
        let minute = number as i64;
        let id = bet_id(number);
        let say = |minute, body: Body| Event::of(key(number), at(minute), body);
        let odds = 2.6.try_into().unwrap();
        let placed =
            BetPlaced { bet: id, book: "betfair_exchange".into(), odds, stake: cents(1_234) };
        bets.push(bet(number, minute, 0));
        match number % 8 {
            0 => bets.push(bet(number, minute + 1, 1)),
            1 => bets.push(say(minute + 2, placed.clone().into())),
            2 => bets.push(say(minute + 2, BetSkipped { bet: id, reason: Option::None }.into())),
            _ => {}
        }
        let outcome = if number % 3 == 0 { BetOutcome::Win } else { BetOutcome::Loss };
        bets.push(settled(number, minute + 200, 1, outcome));
        match number % 8 {
            3 => bets.push(say(minute + 210, BetVoid { bet: id, reason: Option::None }.into())),
            4 => bets.push(settled(number, minute + 220, 2, BetOutcome::Void)),
            5 => bets.push(say(minute + 230, placed.into())),
            6 => bets.push(settled(number, minute + 220, 2, BetOutcome::Win)),
            _ => {}
        }
    }
    let mut portfolio = Driver::new(Portfolio::new(), 0);
    let frame = Frame::new(EntryId { ms: 1, seq: 0 }, bets.clone());
    let output = portfolio.apply(&[frame], &None).unwrap().pop().unwrap();
    assert_eq!(output.dead, []);
    let account = portfolio.stage().accounts().next().unwrap().1;
    Story { bets, grants: output.events, account }
}
