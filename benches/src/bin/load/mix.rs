//! The stated mix: 300 matches, 30 books, three markets.
//!
//! Quotes come as books report them: each book in turn with all its markets on all matches. In
//! every round every price moves. Some prices are raised above the sharp book's fair odds, so that
//! one quote in a hundred leads to a bet or to a better price for one. After some rounds the
//! matches end and the next 300 begin, so that a run of any length keeps its mix and its memory.
//!
//! The mix is a function of a quote's number: the same numbers give the same quotes.

use marabet_predict::training::{Trainer, TrainingOptions};
use marabet_quant::{Market, Odds};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::facts::{
    Fixture, FixtureStatus, MatchClosed, MatchResult, Phase, Quote, ResultStatus,
};
use marabet_schemas::strategy::{Account, Rules, Strategy};
use marabet_schemas::{ArtefactHash, Body, Book, Event, Instant, MatchKey, Source, StakeFraction};

use marabet_benches::league;

const MATCHES: u64 = 300;
const BOOKS: u64 = 30;
/// Rounds of quotes in the life of a match.
const ROUNDS: u64 = 20;
/// Quotes of one set of matches.
const QUOTES_OF_SET: u64 = ROUNDS * BOOKS * MATCHES * MARKETS.len() as u64;
/// One price in this many is raised, which with the bets that stand makes one bet in a hundred.
const RAISED: u64 = 44;

/// The three markets, each with what its selections are worth.
const MARKETS: [(&str, &[f64]); 3] =
    [("1x2", &[0.46, 0.27, 0.27]), ("ou@2.5", &[0.52, 0.48]), ("ah@-0.25", &[0.5, 0.5])];

/// A model in force, with its artefact.
pub(crate) struct Model {
    pub(crate) hash: ArtefactHash,
    pub(crate) bytes: std::sync::Arc<[u8]>,
    event: Event,
}

/// Makes the events.
pub(crate) struct Mix {
    books: Vec<Book>,
    markets: Vec<Market>,
    source: Source,
    /// The matches at hand and whose they are.
    keys: (u64, Vec<MatchKey>),
}

impl Mix {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let name = |book| if book == 0 { "pinnacle".to_owned() } else { format!("book{book}") };
        let markets = MARKETS.iter().map(|(market, _)| market.parse());
        Ok(Self {
            books: (0..BOOKS).map(|book| Book::new(name(book))).collect(),
            markets: markets.collect::<Result<_, _>>()?,
            source: Source::new("load"),
            keys: (0, keys(0)),
        })
    }

    /// The rules and the model that are in force before the first quote.
    pub(crate) fn opening(model: &Model, at: Instant) -> Vec<Event> {
        let rules = Event::global(at, ConfigPublished::new(1, rules()));
        vec![rules, Event { at, ..model.event.clone() }]
    }

    /// Appends the events of `count` quotes from quote `first` on, all at this instant: the quotes,
    /// and where a set of matches begins or ends its fixtures and results.
    pub(crate) fn events(&mut self, first: u64, count: u64, at: Instant, events: &mut Vec<Event>) {
        for number in first..first + count {
            let (set, place) = (number / QUOTES_OF_SET, number % QUOTES_OF_SET);
            if self.keys.0 != set {
                self.keys = (set, keys(set));
            }
            if place == 0 {
                events.extend(self.keys.1.iter().map(|key| self.fixture(key, at)));
            }
            events.push(self.quote(set, place, at));
            if place == QUOTES_OF_SET - 1 {
                let ended = self.keys.1.iter().enumerate();
                events.extend(ended.flat_map(|(at_of, key)| self.end(at_of, key, at)));
            }
        }
    }

    fn quote(&self, set: u64, place: u64, at: Instant) -> Event {
        let (market, rest) = (place % 3, place / 3);
        let (game, rest) = (rest % MATCHES, rest / MATCHES);
        let (book, round) = (rest % BOOKS, rest / BOOKS);
        let seed = set.wrapping_mul(0x1000_0001) ^ place;
        let fair = MARKETS[market as usize].1;
        let raised = (book != 0 && scattered(seed ^ 0xb0b0_0000_0000, RAISED) == 0)
            .then(|| scattered(seed ^ 0xa110_0000_0000, fair.len() as u64) as usize);
        let margin = if book == 0 { 1.025 } else { 1.05 + scattered(seed, 30) as f64 / 1000.0 };
        // All books follow the same news.
        let moved = 1.0 + scattered(game * 7 + round, 9) as f64 / 2000.0;
        let price = |(at, p): (usize, &f64)| {
            // Later raises are better, so that they are news beside the bets that stand.
            let margin = if raised == Some(at) { 0.965 - 0.004 * round as f64 } else { margin };
            let decimal = (100.0 / (p * margin * moved)).round() / 100.0;
            Odds::new(decimal).expect("a price of a probability below one is odds")
        };
        let quote = Quote {
            src: self.source.clone(),
            book: self.books[book as usize].clone(),
            market: self.markets[market as usize],
            odds: fair.iter().enumerate().map(price).collect(),
            phase: Phase::Pre,
            sizes: None,
        };
        Event::of(self.keys.1[game as usize].clone(), at, quote)
    }

    fn fixture(&self, key: &MatchKey, at: Instant) -> Event {
        let fixture = Fixture {
            src: self.source.clone(),
            status: FixtureStatus::Scheduled,
            kickoff: at.plus_seconds(86_400),
            neutral: false,
            minute: None,
            score: None,
        };
        Event::of(key.clone(), at, fixture)
    }

    fn end(&self, game: usize, key: &MatchKey, at: Instant) -> [Event; 2] {
        let at = at.plus_seconds(2 * 86_400);
        let result = MatchResult {
            src: self.source.clone(),
            status: ResultStatus::Played,
            score: Some([(game % 4) as u8, (game % 3) as u8]),
            half_time: None,
        };
        let closed = MatchClosed { src: self.source.clone() };
        [Event::of(key.clone(), at, result), Event::of(key.clone(), at, closed)]
    }
}

/// The matches of a set: pairs of one league's sides, a season of their own.
fn keys(set: u64) -> Vec<MatchKey> {
    let season = format!("{}", 2_000 + set);
    let key = |n: u64| {
        let (home, offset) = (n % 20, 1 + n / 20);
        let side = |n: u64| format!("Team {n:02}");
        MatchKey::new(&"E0".into(), &season, &side(home), &side((home + offset) % 20), 1)
            .expect("plain names make a key")
    };
    (0..MATCHES).map(key).collect()
}

/// The sharp strategy with stakes so small that no cap is reached by the first matches.
fn rules() -> Rules {
    let whole = StakeFraction::new(1.0).expect("all of it is a share");
    let strategy = Strategy { kelly_fraction: 0.01, ..Strategy::default() };
    Rules {
        account: Account { open_max: whole, day_max: whole, ..Account::default() },
        strategies: [("sharp".into(), strategy)].into(),
        ..Rules::default()
    }
}

/// A model of the league, trained on made-up seasons before the instant.
pub(crate) fn model(before: Instant) -> anyhow::Result<Model> {
    let mut trainer = Trainer::new(TrainingOptions::default())?;
    let first = before.plus_seconds(-3 * 365 * 86_400);
    for played in league::results(3) {
        let season = format!("{}", 1_990 + played.season);
        let key = MatchKey::new(&"E0".into(), &season, &played.home, &played.away, 1)?;
        let at = first.plus_seconds((played.day * 86_400.0) as i64);
        let fixture = Fixture {
            src: "load".into(),
            status: FixtureStatus::Scheduled,
            kickoff: at,
            neutral: false,
            minute: None,
            score: None,
        };
        trainer.learn(&Event::of(key.clone(), at, fixture));
        let result = MatchResult {
            src: "load".into(),
            status: ResultStatus::Played,
            score: Some(played.goals.map(|goals| goals as u8)),
            half_time: None,
        };
        trainer.learn(&Event::of(key, at.plus_seconds(7_200), result));
    }
    let mut due = trainer.train(before);
    anyhow::ensure!(
        due.models.len() == 1,
        "no model came of the made-up league: {:?}",
        due.skipped
    );
    let model = due.models.remove(0);
    debug_assert!(matches!(model.event.body, Body::ModelPublished(_)));
    Ok(Model { hash: model.hash, bytes: model.bytes, event: model.event })
}

/// A number below `below` that looks random (SplitMix64) and is the same each time.
fn scattered(seed: u64, below: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}
