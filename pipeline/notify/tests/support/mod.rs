//! Grants to be told.

#![allow(dead_code, clippy::unwrap_used, reason = "support of tests, each of which uses its part")]

use marabet_quant::devig::Method;
use marabet_schemas::bets::{Fair, Grant, ModelView, OtherPrice, ReferencePrice, ValueBet};
use marabet_schemas::strategy::FairSource;
use marabet_schemas::{ArtefactHash, BetId, Event, Instant, MatchKey, Money, StakeFraction};

pub(crate) fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

/// When the bet is found; its price lasts ten minutes, and its match begins in twenty.
pub(crate) const FOUND: &str = "2024-08-17T13:40:00Z";

pub(crate) fn key() -> MatchKey {
    "E0|2024-25|Arsenal|Chelsea|1".parse().unwrap()
}

pub(crate) fn bet_id() -> BetId {
    BetId::of(&"sharp".into(), &key(), "ah@-0.5:home", 0, 0)
}

pub(crate) fn money(units: f64) -> Money {
    units.try_into().unwrap()
}

/// Arsenal to win at 2.15, 23.40 EUR.
pub(crate) fn grant() -> Grant {
    let at = instant(FOUND);
    let pinnacle = ReferencePrice {
        book: "pinnacle".into(),
        market: "1x2".parse().unwrap(),
        odds: [2.02, 3.6, 3.95].map(|odds| odds.try_into().unwrap()).into(),
        at,
    };
    let value_bet = ValueBet {
        bet: bet_id(),
        revision: 0,
        strategy: "sharp".into(),
        config: 1,
        book: "bet365".into(),
        market: "1x2".parse().unwrap(),
        selection: "home".parse().unwrap(),
        odds: 2.15.try_into().unwrap(),
        net_odds: 2.15,
        fair: Fair {
            source: FairSource::Sharp,
            references: vec![pinnacle],
            devig: Method::Power,
            model: None,
            probability: 0.4849,
            outcomes: [0.4849, 0.0, 0.0, 0.0, 0.5151],
        },
        ev: 0.0425,
        stake: StakeFraction::new(0.00234).unwrap(),
        quoted_at: at,
        kickoff: at.plus_seconds(1_200),
        expires: at.plus_seconds(600),
        occurrence: 0,
        top_up: 0,
        in_play: false,
        others: vec![OtherPrice {
            book: "betfair_exchange".into(),
            market: "ah@-0.5".parse().unwrap(),
            selection: "home".parse().unwrap(),
            odds: 2.2.try_into().unwrap(),
            net_odds: 2.14,
        }],
    };
    Grant {
        value_bet,
        stake: money(23.4),
        currency: "EUR".to_owned(),
        bankroll: money(10_000.0),
        asked: money(23.4),
        capped_by: Vec::new(),
    }
}

pub(crate) fn model() -> ModelView {
    ModelView {
        number: 12,
        hash: ArtefactHash::of(b"model"),
        lambda: 1.624,
        mu: 1.131,
        rho: -0.05,
        running: None,
    }
}

pub(crate) fn event(grant: Grant) -> Event {
    Event::of(key(), instant(FOUND), grant)
}
