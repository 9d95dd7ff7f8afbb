//! The state of markets, kept from the changes that the stream sends, and what is news of it.
//!
//! A market is bettable while it is open and complete: each selection has a price to back, good
//! for the size that stands there. Where a market is suspended, closed, or loses a price, its
//! quote is withdrawn; when it turns in play, what stood last is its closing quote.

use std::collections::BTreeMap;

use marabet_quant::{Market, Odds};
use marabet_schemas::facts::{
    Fixture, FixtureStatus, MatchResult, Phase, Quote, ResultStatus, Withdrawn,
};
use marabet_schemas::{Body, Book, Instant, Source};
use smol_str::SmolStr;

use super::definition::{Definition, MarketStatus, RunnerStatus};
use super::ladder::Ladder;
use super::markets::{Mapped, mapped};
use super::wire::{Ladder as On, MarketChange, Message};
use super::{BOOK, LAST_TRADED_BOOK, SOURCE};
use crate::json::odds;

/// What is told again when it changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BookSettings {
    /// A size that grows or shrinks by less than this factor is not told again; a price always
    /// is.
    pub size_factor: f64,
    /// Tell the last traded price of markets without offers, as the historical files of the
    /// lowest tier have it, under a book of its own at which nobody can bet.
    pub last_traded: bool,
}

impl Default for BookSettings {
    fn default() -> Self {
        Self { size_factor: 2.0, last_traded: true }
    }
}

/// A runner's prices.
#[derive(Debug, Clone, Default)]
struct Runner {
    id: u64,
    handicap: f64,
    back: Ladder,
    lay: Ladder,
    last_traded: Option<f64>,
    removed: bool,
    /// It changed since news was last looked for.
    touched: bool,
}

/// What was last told of one of our markets.
#[derive(Debug, Clone)]
struct Told {
    quote: Quote,
}

/// One market.
#[derive(Debug, Clone, Default)]
pub struct MarketBook {
    definition: Option<Definition>,
    /// Its runners, in the order of the definition; before there is one, as they appear.
    runners: Vec<Runner>,
    markets: Vec<Mapped>,
    told: BTreeMap<Market, Told>,
    settled: bool,
    /// All of its markets are to be looked at for news, not those of the touched runners alone.
    redefined: bool,
    /// Its type is none that is known here.
    unsupported: bool,
}

/// What a change of a market says, in order.
pub type Said = Vec<Body>;

impl MarketBook {
    /// The definition, once it was sent.
    #[must_use]
    pub fn definition(&self) -> Option<&Definition> {
        self.definition.as_ref()
    }

    /// Whether its market type is none that is known here.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.unsupported
    }

    /// Our markets that have offers to back and to lay, with the best of each.
    pub fn best(&self) -> impl Iterator<Item = (Market, Vec<Option<(f64, f64)>>)> {
        self.markets.iter().map(|mapped| {
            let best = |at: &usize| self.runners[*at].back.best_to_back();
            (mapped.market, mapped.runners.iter().map(best).collect())
        })
    }

    /// The best price to lay each selection of our markets.
    pub fn best_to_lay(&self) -> impl Iterator<Item = (Market, Vec<Option<(f64, f64)>>)> {
        self.markets.iter().map(|mapped| {
            let best = |at: &usize| self.runners[*at].lay.best_to_lay();
            (mapped.market, mapped.runners.iter().map(best).collect())
        })
    }

    /// Takes in a definition, and says what it changes.
    pub fn define(&mut self, new: Definition, said: &mut Said) {
        self.redefined = true;
        let before = self.definition.replace(new);
        let definition = self.definition.as_ref().expect("it was just put there");
        let same_runners = before.as_ref().is_some_and(|before| {
            let ids = |d: &Definition| d.runners.iter().map(|r| (r.id, r.hc)).collect::<Vec<_>>();
            before.market_type == definition.market_type && ids(before) == ids(definition)
        });
        if !same_runners {
            let known = std::mem::take(&mut self.runners);
            self.runners = definition
                .runners
                .iter()
                .map(|runner| {
                    let had = known.iter().find(|k| k.id == runner.id && k.handicap == runner.hc);
                    let new = || Runner { id: runner.id, handicap: runner.hc, ..Runner::default() };
                    had.cloned().unwrap_or_else(new)
                })
                .collect();
            let markets = mapped(definition);
            self.unsupported = markets.is_none();
            self.markets = markets.unwrap_or_default();
        }
        for (runner, defined) in self.runners.iter_mut().zip(&definition.runners) {
            if defined.status == RunnerStatus::Removed && !runner.removed {
                runner.removed = true;
                runner.back.clear();
                runner.lay.clear();
                runner.last_traded = None;
            }
        }
        let turned = before.as_ref().is_none_or(|before| !before.in_play) && definition.in_play;
        if turned {
            for told in self.told.values() {
                let mut closing = told.quote.clone();
                closing.phase = Phase::Closing;
                said.push(closing.into());
            }
            self.withdraw_all(said);
        }
        let status = self.status();
        if status != MarketStatus::Open {
            self.withdraw_all(said);
        }
    }

    /// Takes in changed prices.
    #[inline]
    pub fn change(&mut self, change: &MarketChange, message: &Message) {
        if change.image {
            for runner in &mut self.runners {
                runner.back.clear();
                runner.lay.clear();
                runner.last_traded = None;
                runner.touched = true;
            }
        }
        for changed in message.runners(change) {
            let place = self
                .runners
                .iter()
                .position(|runner| runner.id == changed.id && runner.handicap == changed.handicap);
            let at = place.unwrap_or_else(|| {
                let (id, handicap) = (changed.id, changed.handicap);
                self.runners.push(Runner { id, handicap, ..Runner::default() });
                self.runners.len() - 1
            });
            let runner = &mut self.runners[at];
            runner.touched = true;
            if changed.last_traded.is_some() {
                runner.last_traded = changed.last_traded;
            }
            for price in message.prices(changed) {
                match price.ladder {
                    On::Back => runner.back.set(price.price, price.size),
                    On::Lay => runner.lay.set(price.price, price.size),
                    On::BestBack => {
                        runner.back.set_position(price.position, price.price, price.size);
                    }
                    On::BestLay => {
                        runner.lay.set_position(price.position, price.price, price.size);
                    }
                }
            }
        }
    }

    fn status(&self) -> MarketStatus {
        self.definition.as_ref().map_or(MarketStatus::Unknown, |definition| definition.status)
    }

    /// Says what is news of its prices.
    pub fn news(&mut self, settings: BookSettings, said: &mut Said) {
        let Some(definition) = &self.definition else { return };
        if definition.status != MarketStatus::Open {
            return;
        }
        let phase = if definition.in_play { Phase::InPlay } else { Phase::Pre };
        let all = std::mem::take(&mut self.redefined);
        for mapped in &self.markets {
            if !all && !mapped.runners.iter().any(|at| self.runners[*at].touched) {
                continue;
            }
            let told = self.told.get(&mapped.market);
            match Offered::of(mapped, &self.runners, settings) {
                Some(offered) => {
                    let is_news =
                        |told: &Told| offered.is_news(&told.quote, phase, settings.size_factor);
                    if told.is_none_or(is_news) {
                        let quote = offered.quote(mapped.market, phase);
                        said.push(quote.clone().into());
                        self.told.insert(mapped.market, Told { quote });
                    }
                }
                None => {
                    if let Some(told) = self.told.remove(&mapped.market) {
                        said.push(withdrawn(&told.quote.book, mapped.market));
                    }
                }
            }
        }
        self.runners.iter_mut().for_each(|runner| runner.touched = false);
    }

    /// Whether a quote of it stands.
    #[must_use]
    pub fn stands(&self) -> bool {
        !self.told.is_empty()
    }

    /// The stream tells of it no more: nothing of it stands.
    pub fn vanish(&mut self, said: &mut Said) {
        self.withdraw_all(said);
        for runner in &mut self.runners {
            runner.back.clear();
            runner.lay.clear();
            runner.last_traded = None;
        }
    }

    fn withdraw_all(&mut self, said: &mut Said) {
        for (market, told) in std::mem::take(&mut self.told) {
            said.push(withdrawn(&told.quote.book, market));
        }
    }

    /// The score that a settled market of exact scores tells: its winner is `2 - 1`.
    pub fn settled_score(&mut self) -> Option<Settled> {
        let definition = self.definition.as_ref().filter(|_| !self.settled)?;
        if definition.status != MarketStatus::Closed {
            return None;
        }
        let kind = definition.market_type.as_str();
        let removed = |d: &Definition| {
            !d.runners.is_empty() && d.runners.iter().all(|r| r.status == RunnerStatus::Removed)
        };
        if kind == "MATCH_ODDS" && removed(definition) {
            self.settled = true;
            return Some(Settled::Void);
        }
        let winner = definition.runners.iter().find(|r| r.status == RunnerStatus::Winner)?;
        let (home, away) = winner.name.as_deref()?.split_once(" - ")?;
        let score = [home.trim().parse().ok()?, away.trim().parse().ok()?];
        self.settled = true;
        match kind {
            "CORRECT_SCORE" => Some(Settled::Score(score)),
            "HALF_TIME_SCORE" => Some(Settled::HalfTime(score)),
            _ => None,
        }
    }
}

/// What a settled market tells of the match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The score after ninety minutes.
    Score([u8; 2]),
    /// The score at half time.
    HalfTime([u8; 2]),
    /// All bets are void.
    Void,
}

fn withdrawn(book: &Book, market: Market) -> Body {
    Withdrawn { src: Source::new(SOURCE), book: book.clone(), market: Some(market) }.into()
}

/// What is offered on each selection of a market, while it is not known whether that is news: most
/// changes are none, and ask for no memory.
struct Offered {
    book: &'static str,
    odds: [Option<Odds>; SELECTIONS_MAX],
    /// Nothing where these are last traded prices.
    sizes: [f64; SELECTIONS_MAX],
    count: usize,
}

/// Selections of a market of ours, at most.
const SELECTIONS_MAX: usize = 3;

impl Offered {
    /// The offers of a market whose every selection has one; else the last traded prices, where
    /// there are no offers at all.
    fn of(mapped: &Mapped, runners: &[Runner], settings: BookSettings) -> Option<Self> {
        let count = mapped.runners.len();
        let mut offered =
            Self { book: BOOK, odds: [None; SELECTIONS_MAX], sizes: [0.0; SELECTIONS_MAX], count };
        let mut traded = 0;
        for (at, runner) in mapped.runners.iter().enumerate() {
            let runner = &runners[*runner];
            let (price, size) = match runner.back.best_to_back() {
                Some(best) => best,
                None if settings.last_traded && runner.lay.is_empty() => {
                    traded += 1;
                    (runner.last_traded?, 0.0)
                }
                None => return None,
            };
            *offered.odds.get_mut(at)? = Some(odds(price)?);
            offered.sizes[at] = size;
        }
        match traded {
            0 => Some(offered),
            all if all == count => Some(Self { book: LAST_TRADED_BOOK, ..offered }),
            _ => None,
        }
    }

    fn sizes(&self) -> Option<&[f64]> {
        (self.book == BOOK).then(|| &self.sizes[..self.count])
    }

    fn is_news(&self, told: &Quote, phase: Phase, factor: f64) -> bool {
        let is_another = told.phase != phase
            || told.book.as_str() != self.book
            || !told.odds.iter().copied().map(Some).eq(self.odds[..self.count].iter().copied());
        if is_another {
            return true;
        }
        let (Some(told), Some(sizes)) = (&told.sizes, self.sizes()) else { return false };
        let changed =
            |(before, now): (&f64, &f64)| *now >= before * factor || *now * factor <= *before;
        told.iter().zip(sizes).any(changed)
    }

    fn quote(&self, market: Market, phase: Phase) -> Quote {
        Quote {
            src: Source::new(SOURCE),
            book: Book::new(self.book),
            market,
            odds: self.odds.into_iter().flatten().collect(),
            phase,
            sizes: self.sizes().map(<[f64]>::to_vec),
        }
    }
}

/// What is known of an event from its markets: the match, its kick-off, its end.
#[derive(Debug, Clone, Default)]
pub struct EventBook {
    fixture: Option<Fixture>,
    score: Option<[u8; 2]>,
    half_time: Option<[u8; 2]>,
    result: Option<MatchResult>,
}

impl EventBook {
    /// When it starts.
    #[must_use]
    pub fn kickoff(&self) -> Option<Instant> {
        self.fixture.as_ref().map(|fixture| fixture.kickoff)
    }

    /// Takes in what a market's definition says of its event.
    pub fn define(&mut self, definition: &Definition, at: Instant, said: &mut Said) {
        let Some(planned) = definition.kickoff() else { return };
        let known = self.fixture.as_ref();
        // What has begun does not begin again, and what is over stays so.
        let has_begun = known.is_some_and(|known| known.status != FixtureStatus::Scheduled);
        let (status, kickoff) = match (has_begun, definition.in_play) {
            // It began when the first market turned, or when that says.
            (false, true) => (FixtureStatus::Live, planned.min(at)),
            (true, _) => return,
            (false, false) => (FixtureStatus::Scheduled, planned),
        };
        let src = Source::new(SOURCE);
        let fixture = Fixture { src, status, kickoff, neutral: false, minute: None, score: None };
        if self.fixture.as_ref() != Some(&fixture) {
            self.fixture = Some(fixture.clone());
            said.push(fixture.into());
        }
    }

    /// Takes in what a settled market tells.
    pub fn settle(&mut self, settled: Settled, said: &mut Said) {
        let status = match settled {
            Settled::Score(score) => {
                self.score = Some(score);
                ResultStatus::Played
            }
            Settled::HalfTime(score) => {
                self.half_time = Some(score);
                ResultStatus::Played
            }
            Settled::Void => ResultStatus::Void,
        };
        let is_told = status == ResultStatus::Void || self.score.is_some();
        let (src, score, half_time) = (Source::new(SOURCE), self.score, self.half_time);
        let result = MatchResult { src, status, score, half_time };
        if is_told && self.result.as_ref() != Some(&result) {
            if let Some(fixture) = &mut self.fixture
                && status == ResultStatus::Played
                && fixture.status != FixtureStatus::Finished
            {
                fixture.status = FixtureStatus::Finished;
                said.push(fixture.clone().into());
            }
            self.result = Some(result.clone());
            said.push(result.into());
        }
    }
}

/// The number of the event of a market, as the stream has it.
pub type EventId = SmolStr;
