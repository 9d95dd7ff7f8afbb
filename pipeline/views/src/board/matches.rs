//! One match: fixture, prices, the model's view, result.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use marabet_quant::Market;
use marabet_schemas::bets::{ModelView, OutcomeRow, Priced};
use marabet_schemas::facts::{
    Aggregate, FixtureStatus, MatchResult, OddsList, Quote, Statistic, Stats, Withdrawn,
};
use marabet_schemas::{Address, BetId, Body, Book, Event, Instant};

use super::movement::Movement;

/// Quotes of one book's market whose places are kept. A bet is found within moments of its quote,
/// so that few can come between them.
const LATELY_MAX: usize = 8;

/// What is known of a match.
#[derive(Debug, Clone, Default)]
pub struct Match {
    /// The start, planned or actual; none while no fixture came.
    pub kickoff: Option<Instant>,
    /// Where the match stands.
    pub status: Option<FixtureStatus>,
    /// Goals while it runs.
    pub live: Option<[u8; 2]>,
    /// Minutes played while it runs.
    pub minute: Option<u16>,
    /// Its end.
    pub result: Option<MatchResult>,
    /// Its statistics.
    pub stats: Option<Stats>,
    /// Prices, by market and book.
    pub prices: BTreeMap<Market, BTreeMap<Book, Price>>,
    /// Means and maxima over books: a reference, never bettable.
    pub aggregates: BTreeMap<(Market, Statistic), OddsList>,
    /// The model's latest view, with the event time of the quote that it was made for.
    pub model: Option<(Instant, ModelView)>,
    /// The model's outcomes, one row a selection, by market.
    pub predictions: BTreeMap<Market, Vec<OutcomeRow>>,
    /// The bets on it.
    pub bets: BTreeSet<BetId>,
    /// The largest event time of any of its facts.
    pub at: Instant,
    /// Nothing more is expected.
    pub closed: bool,
}

/// One book's market.
#[derive(Debug, Clone)]
pub struct Price {
    /// The latest quote.
    pub quote: Quote,
    /// When it was quoted.
    pub at: Instant,
    /// When it was last seen to stand.
    pub seen: Instant,
    /// It is gone or suspended.
    pub withdrawn: bool,
    /// How it came to be.
    pub movement: Movement,
    /// Where the last quotes stand, the newest last.
    pub lately: VecDeque<PricedAt>,
}

/// Where a priced quote stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricedAt {
    /// When it was quoted.
    pub quoted_at: Instant,
    /// Its place in `priced`.
    pub address: Address,
    /// The number of the model that priced it; none where none did.
    pub model: Option<u64>,
}

impl Match {
    /// Takes in one fact about the match, and where it stands.
    pub fn apply(&mut self, address: Address, event: &Event) {
        self.at = self.at.max(event.at);
        match &event.body {
            Body::Fixture(fixture) => {
                self.kickoff = Some(fixture.kickoff);
                self.status = Some(fixture.status);
                self.live = fixture.score.or(self.live);
                self.minute = fixture.minute;
            }
            Body::Priced(priced) => self.priced(event.at, address, priced),
            Body::Aggregate(Aggregate { market, statistic, odds, .. }) => {
                self.aggregates.insert((*market, *statistic), odds.clone());
            }
            Body::Withdrawn(withdrawn) => self.withdrawn(withdrawn),
            Body::Seen(seen) => {
                let books = self.prices.values_mut();
                for price in books.filter_map(|books| books.get_mut(&seen.book)) {
                    price.seen = price.seen.max(event.at);
                }
            }
            Body::Stats(stats) => self.stats = Some(stats.clone()),
            Body::Result(result) => self.result = Some(result.clone()),
            Body::MatchClosed(_) => self.closed = true,
            _ => {}
        }
    }

    /// The quote of a book's market that was made at an instant, up to a place in the log.
    #[must_use]
    pub fn quoted(
        &self,
        (market, book): (&Market, &Book),
        at: Instant,
        upto: Address,
    ) -> Option<PricedAt> {
        let lately = &self.prices.get(market)?.get(book)?.lately;
        let wanted = |one: &&PricedAt| one.quoted_at == at && one.address.entry <= upto.entry;
        lately.iter().rev().find(wanted).copied()
    }

    fn priced(&mut self, at: Instant, address: Address, priced: &Priced) {
        let quote = &priced.quote;
        if let Some(model) = priced.model() {
            self.model = Some((at, model.clone()));
            self.predictions.insert(quote.market, priced.outcomes().to_vec());
        }
        let books = self.prices.entry(quote.market).or_default();
        let price = books.entry(quote.book.clone()).or_insert_with(|| Price {
            quote: quote.clone(),
            at,
            seen: at,
            withdrawn: false,
            movement: Movement::default(),
            lately: VecDeque::new(),
        });
        price.quote.clone_from(quote);
        price.at = at;
        price.seen = price.seen.max(at);
        price.withdrawn = false;
        price.movement.push(at, &quote.odds);
        if price.lately.len() == LATELY_MAX {
            price.lately.pop_front();
        }
        let model = priced.model().map(|model| model.number);
        price.lately.push_back(PricedAt { quoted_at: at, address, model });
    }

    fn withdrawn(&mut self, withdrawn: &Withdrawn) {
        for (market, books) in &mut self.prices {
            let meant = withdrawn.market.is_none_or(|meant| meant == *market);
            if let Some(price) = books.get_mut(&withdrawn.book).filter(|_| meant) {
                price.withdrawn = true;
            }
        }
    }
}
