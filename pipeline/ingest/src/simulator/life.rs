//! The events of one match.

use std::collections::BTreeMap;

use marabet_quant::{Line, Market, Odds};
use marabet_schemas::facts::{
    Aggregate, Fixture, FixtureStatus, MatchClosed, MatchResult, OddsList, Phase, Quote,
    ResultStatus, Seen, Statistic, Stats,
};
use marabet_schemas::{Body, Event, Instant, Source};

use super::SOURCE;
use super::draw::{Drawn, same_family, update_instant};
use super::market::{self, Beliefs};
use super::settings::{BookKind, Settings};

/// From kick-off to the result, in seconds.
const RESULT_AFTER_SECONDS: i64 = 115 * 60;
/// From the announcement of a match to its first prices, in seconds.
const ANNOUNCED_BEFORE_SECONDS: i64 = 3600;

/// When the first event of a match comes.
pub(super) fn begins(settings: &Settings, kickoff: Instant) -> Instant {
    update_instant(settings, kickoff, 0, 0).plus_seconds(-ANNOUNCED_BEFORE_SECONDS)
}

/// Every event of a match, in order.
pub(super) fn events(settings: &Settings, drawn: &Drawn) -> Vec<Event> {
    let mut life = Life { settings, drawn, beliefs: drawn.beliefs(settings), events: Vec::new() };
    let kickoff = drawn.truth.kickoff;
    life.push(begins(settings, kickoff), life.fixture(FixtureStatus::Scheduled));
    life.updates();
    life.closing();
    life.push(kickoff, life.fixture(FixtureStatus::Live));
    let result_at = kickoff.plus_seconds(RESULT_AFTER_SECONDS);
    let result = MatchResult {
        src: Source::new(SOURCE),
        status: ResultStatus::Played,
        score: Some(drawn.truth.score),
        half_time: Some(drawn.half_time),
    };
    life.push(result_at, result);
    let [home, away] = drawn.stats;
    life.push(result_at, Stats { src: Source::new(SOURCE), home, away });
    let closed_at = result_at.plus_seconds(i64::from(settings.closed_after_hours) * 3600);
    life.push(closed_at, MatchClosed { src: Source::new(SOURCE) });
    life.events
}

struct Life<'s> {
    settings: &'s Settings,
    drawn: &'s Drawn,
    beliefs: Beliefs,
    events: Vec<Event>,
}

impl Life<'_> {
    fn push(&mut self, at: Instant, body: impl Into<Body>) {
        self.events.push(Event::of(self.drawn.truth.key.clone(), at, body));
    }

    fn fixture(&self, status: FixtureStatus) -> Fixture {
        Fixture {
            src: Source::new(SOURCE),
            status,
            kickoff: self.drawn.truth.kickoff,
            neutral: false,
            minute: None,
            score: None,
        }
    }

    /// The prices before the match: what changed since a book's last, or that it was seen.
    fn updates(&mut self) {
        let kickoff = self.drawn.truth.kickoff;
        let mut last: BTreeMap<(usize, Market), OddsList> = BTreeMap::new();
        for update in 0..self.settings.updates_hours.len() {
            let mut over_books = OverBooks::default();
            for book in 0..self.settings.books.len() {
                let at = update_instant(self.settings, kickoff, book, update);
                let mut changed = false;
                for (market, odds) in self.prices(book, Some(update)) {
                    over_books.take(self.settings.books[book].kind, market, &odds);
                    if last.get(&(book, market)) != Some(&odds) {
                        changed = true;
                        self.quote(at, book, market, odds.clone(), Phase::Pre);
                        last.insert((book, market), odds);
                    }
                }
                if !changed {
                    let book = self.settings.books[book].name.clone();
                    self.push(at, Seen { src: Source::new(SOURCE), book });
                }
            }
            let books = self.settings.books.len();
            let at = update_instant(self.settings, kickoff, books, update);
            self.aggregates(at, over_books, Phase::Pre);
        }
    }

    fn closing(&mut self) {
        let at = self.drawn.truth.kickoff.plus_seconds(-60);
        let mut over_books = OverBooks::default();
        for book in 0..self.settings.books.len() {
            for (market, odds) in self.prices(book, None) {
                over_books.take(self.settings.books[book].kind, market, &odds);
                self.quote(at, book, market, odds, Phase::Closing);
            }
        }
        self.aggregates(at, over_books, Phase::Closing);
    }

    /// A book's prices at an update, or without one at the close.
    fn prices(&self, index: usize, update: Option<usize>) -> Vec<(Market, OddsList)> {
        let book = &self.settings.books[index];
        let hours = update.map_or(0, |update| self.settings.updates_hours[update]);
        let view = self.beliefs.book(self.drawn.rates(), index, hours, book.lag_hours);
        let line: Line = self.drawn.lines[usize::from(update.is_none())];
        let mut prices = Vec::new();
        for market in market::offered(book, line) {
            let Some(mut odds) = market::prices(book, &view, &market) else { continue };
            if let Some(wrong) = self.mistake(index, update, &market, &odds) {
                odds = wrong;
            }
            prices.push((market, odds));
        }
        prices
    }

    /// The prices with the planted one among them, where it belongs.
    fn mistake(
        &self,
        book: usize,
        update: Option<usize>,
        market: &Market,
        odds: &[Odds],
    ) -> Option<OddsList> {
        let (mistake, planted) = (self.drawn.mistake?, self.drawn.truth.planted.as_ref()?);
        let stands = mistake.book == book
            && update.is_some_and(|update| mistake.update <= update)
            && same_family(market, &planted.market);
        stands.then(|| market::with_mistake(odds, mistake.selection, planted.odds))
    }

    fn quote(&mut self, at: Instant, book: usize, market: Market, odds: OddsList, phase: Phase) {
        let book = &self.settings.books[book];
        let sizes = match book.kind {
            // More can be staked where the price is short.
            BookKind::Exchange => {
                Some(odds.iter().map(|odds| libm::floor(5000.0 / odds.decimal())).collect())
            }
            BookKind::Sharp | BookKind::Soft => None,
        };
        let (src, book) = (Source::new(SOURCE), book.name.clone());
        self.push(at, Quote { src, book, market, odds, phase, sizes });
    }

    fn aggregates(&mut self, at: Instant, over_books: OverBooks, phase: Phase) {
        for (market, prices) in over_books.0 {
            for statistic in [Statistic::Max, Statistic::Avg] {
                let Some(odds) = over(&prices, statistic) else { continue };
                let (src, books) = (Source::new(SOURCE), u16::try_from(prices.len()).ok());
                self.push(at, Aggregate { src, statistic, market, odds, phase, books });
            }
        }
    }
}

/// The prices of all bookmakers, exchanges apart, by market.
#[derive(Default)]
struct OverBooks(BTreeMap<Market, Vec<OddsList>>);

impl OverBooks {
    fn take(&mut self, kind: BookKind, market: Market, odds: &[Odds]) {
        if kind != BookKind::Exchange {
            self.0.entry(market).or_default().push(odds.into());
        }
    }
}

/// The maximum or the mean of each selection, the mean to two digits as comparisons show it.
fn over(prices: &[OddsList], statistic: Statistic) -> Option<OddsList> {
    let selections = prices.first()?.len();
    let of = |selection: usize| {
        let odds = prices.iter().map(|prices| prices[selection].decimal());
        let value = match statistic {
            Statistic::Max => odds.fold(0.0, f64::max),
            Statistic::Avg => libm::round(odds.sum::<f64>() / prices.len() as f64 * 100.0) / 100.0,
        };
        Odds::new(value).ok()
    };
    (0..selections).map(of).collect()
}
