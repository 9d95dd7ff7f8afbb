//! A match told event by event, and what the stage makes of it.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(missing_docs, clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::{BTreeMap, BTreeSet};

use marabet_detect::Detect;
use marabet_quant::Odds;
use marabet_schemas::bets::{ModelView, OutcomeRow, Priced, Refused, Settlement, ValueBet};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::facts::{
    Aggregate, Fixture, FixtureStatus, MatchClosed, MatchResult, OddsList, Phase, Quote,
    ResultStatus, Seen, Statistic, Withdrawn,
};
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::{Rules, Strategy};
use marabet_schemas::{ArtefactHash, Body, EntryId, Event, Forecast, Instant, MatchKey};
use marabet_stage::Driver;

pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Midday of the day before the match's.
pub(crate) const START: i64 = 1_723_723_200;
/// Seconds from [`START`] to kick-off.
pub(crate) const KICKOFF: i64 = DAY;

/// The instant this many seconds after [`START`].
pub(crate) fn at(seconds: i64) -> Instant {
    Instant::default().plus_seconds(START + seconds)
}

pub(crate) fn key() -> MatchKey {
    "E0|2024-25|Man United|Fulham|1".parse().unwrap()
}

pub(crate) fn odds(decimals: &[f64]) -> OddsList {
    decimals.iter().map(|decimal| Odds::new(*decimal).unwrap()).collect()
}

/// One strategy of this name, on the default books.
pub(crate) fn rules(name: &str, strategy: Strategy) -> Rules {
    Rules { strategies: BTreeMap::from([(name.into(), strategy)]), ..Rules::default() }
}

/// The sharp strategy with full Kelly and margins taken out in proportion, so that its numbers
/// can be checked by hand.
pub(crate) fn plain() -> Strategy {
    Strategy {
        devig: marabet_quant::devig::Method::Multiplicative,
        kelly_fraction: 1.0,
        match_max: 1.0.try_into().unwrap(),
        ..Strategy::default()
    }
}

/// A match under the eyes of the stage.
pub(crate) struct Story {
    pub(crate) driver: Driver<Detect>,
    key: MatchKey,
    now: Instant,
    frames: u64,
    rows: BTreeSet<String>,
}

impl Story {
    /// The match is set for [`KICKOFF`], and these rules are in force.
    pub(crate) fn under(rules: Rules) -> Self {
        let mut story = Self::without_fixture(rules);
        assert_eq!(story.fixture(FixtureStatus::Scheduled, KICKOFF), []);
        story
    }

    pub(crate) fn without_fixture(rules: Rules) -> Self {
        let mut story = Self {
            driver: Driver::new(Detect::new(), 0),
            key: key(),
            now: at(0),
            frames: 0,
            rows: BTreeSet::new(),
        };
        story.configure(1, rules);
        story
    }

    /// The fields of the state's rows.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.rows.iter().cloned().collect()
    }

    pub(crate) fn configure(&mut self, number: u64, rules: Rules) -> Vec<Event> {
        self.event(Event::global(self.now, ConfigPublished::new(number, rules)))
    }

    /// The events that follow tell of this many seconds after [`START`].
    pub(crate) fn at(&mut self, seconds: i64) -> &mut Self {
        self.now = at(seconds);
        self
    }

    /// The events that follow tell of another match.
    pub(crate) fn of(&mut self, key: &str) -> &mut Self {
        self.key = key.parse().unwrap();
        self
    }

    /// What follows from an event; it must not be rejected.
    pub(crate) fn event(&mut self, event: Event) -> Vec<Event> {
        let (derived, dead) = self.try_event(event);
        assert_eq!(dead, None);
        derived
    }

    /// What follows from an event, and why it was rejected, if so.
    pub(crate) fn try_event(&mut self, event: Event) -> (Vec<Event>, Option<String>) {
        self.frames += 1;
        let frame = Frame::new(EntryId { ms: self.frames, seq: 0 }, vec![event]);
        let mut outputs = self.driver.apply(&[frame], &BTreeMap::new()).unwrap();
        for change in self.driver.changes().unwrap() {
            match change.value {
                Some(_) => self.rows.insert(change.field),
                None => self.rows.remove(&change.field),
            };
        }
        self.driver.keep();
        let output = outputs.remove(0);
        (output.events, output.dead.first().map(|letter| letter.reason.clone()))
    }

    pub(crate) fn body(&self, body: impl Into<Body>) -> Event {
        Event::of(self.key.clone(), self.now, body)
    }

    pub(crate) fn tell(&mut self, body: impl Into<Body>) -> Vec<Event> {
        self.event(self.body(body))
    }

    pub(crate) fn fixture(&mut self, status: FixtureStatus, kickoff: i64) -> Vec<Event> {
        let fixture = Fixture {
            src: "test".into(),
            status,
            kickoff: at(kickoff),
            neutral: false,
            minute: None,
            score: None,
        };
        self.tell(fixture)
    }

    pub(crate) fn quote(&mut self, book: &str, market: &str, decimals: &[f64]) -> Vec<Event> {
        self.tell(priced(book, market, decimals, Phase::Pre))
    }

    pub(crate) fn closing(&mut self, book: &str, market: &str, decimals: &[f64]) -> Vec<Event> {
        self.tell(priced(book, market, decimals, Phase::Closing))
    }

    pub(crate) fn aggregate(&mut self, market: &str, decimals: &[f64]) -> Vec<Event> {
        self.tell(Aggregate {
            src: "test".into(),
            statistic: Statistic::Max,
            market: market.parse().unwrap(),
            odds: odds(decimals),
            phase: Phase::Pre,
            books: None,
        })
    }

    pub(crate) fn seen(&mut self, book: &str) -> Vec<Event> {
        self.tell(Seen { src: "test".into(), book: book.into() })
    }

    pub(crate) fn withdrawn(&mut self, book: &str, market: Option<&str>) -> Vec<Event> {
        let market = market.map(|market| market.parse().unwrap());
        self.tell(Withdrawn { src: "test".into(), book: book.into(), market })
    }

    pub(crate) fn result(&mut self, status: ResultStatus, score: Option<[u8; 2]>) -> Vec<Event> {
        self.tell(MatchResult { src: "test".into(), status, score, half_time: None })
    }

    pub(crate) fn played(&mut self, home: u8, away: u8) -> Vec<Event> {
        self.result(ResultStatus::Played, Some([home, away]))
    }

    /// What follows from the end of it all; that it came is passed on behind.
    pub(crate) fn closed(&mut self) -> Vec<Event> {
        self.tell(MatchClosed { src: "test".into() })
    }
}

pub(crate) fn priced(book: &str, market: &str, decimals: &[f64], phase: Phase) -> Priced {
    let quote = Quote {
        src: "test".into(),
        book: book.into(),
        market: market.parse().unwrap(),
        odds: odds(decimals),
        phase,
        sizes: None,
    };
    Priced { quote, forecast: None, unpriced: None }
}

/// The quote with a model's view: the probabilities of its selections, none of which can push.
pub(crate) fn with_model(priced: Priced, number: u64, probabilities: &[f64]) -> Priced {
    let row = |p: &f64| -> OutcomeRow { [*p, 0.0, 0.0, 0.0, 1.0 - p] };
    forecast(priced, number, probabilities.iter().map(row).collect())
}

/// The quote with a model's view, whose outcomes are these.
pub(crate) fn forecast(priced: Priced, number: u64, outcomes: Vec<OutcomeRow>) -> Priced {
    let view = ModelView {
        number,
        hash: ArtefactHash::of(&number.to_le_bytes()),
        lambda: 1.6,
        mu: 1.1,
        rho: 0.0,
        running: None,
    };
    Priced { forecast: Some(Forecast::new(view, outcomes)), ..priced }
}

pub(crate) fn bets(events: &[Event]) -> Vec<&ValueBet> {
    let bets = events.iter().filter_map(|event| match &event.body {
        Body::ValueBet(bet) => Some(&**bet),
        _ => None,
    });
    bets.collect()
}

pub(crate) fn refusals(events: &[Event]) -> Vec<&Refused> {
    let refused = events.iter().filter_map(|event| match &event.body {
        Body::Refused(refused) => Some(refused),
        _ => None,
    });
    refused.collect()
}

pub(crate) fn settlements(events: &[Event]) -> Vec<&Settlement> {
    let settled = events.iter().filter_map(|event| match &event.body {
        Body::Settlement(settled) => Some(&**settled),
        _ => None,
    });
    settled.collect()
}

/// The one bet that the events tell of, and nothing else.
#[track_caller]
pub(crate) fn only_bet(events: &[Event]) -> &ValueBet {
    let bets = bets(events);
    assert_eq!((bets.len(), events.len()), (1, 1), "{events:#?}");
    bets[0]
}

/// The one refusal that the events tell of, and nothing else.
#[track_caller]
pub(crate) fn only_refusal(events: &[Event]) -> &Refused {
    let refusals = refusals(events);
    assert_eq!((refusals.len(), events.len()), (1, 1), "{events:#?}");
    refusals[0]
}

/// The one settlement that the events tell of, and nothing else.
#[track_caller]
pub(crate) fn only_settlement(events: &[Event]) -> &Settlement {
    let settlements = settlements(events);
    assert_eq!((settlements.len(), events.len()), (1, 1), "{events:#?}");
    settlements[0]
}

#[track_caller]
pub(crate) fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value}, not {expected}");
}
