//! One match as a row tells it.

use std::num::NonZeroU16;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use marabet_quant::{Line, Odds};
use marabet_schemas::facts::{
    Aggregate, MatchResult, Phase, Quote, ResultStatus, SideStats, Stats,
};
use marabet_schemas::{Body, Book, Competition, MatchKey};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::SRC;
use super::books::Origin;
use super::columns::Family;
use super::header::Header;

/// Where a match stands, as far as its row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The list has no results: the match is to come.
    ToCome,
    /// The list has results, but none that can be used for this match.
    WithoutResult,
    /// Over.
    Over {
        /// Played, or awarded where a note beside the row says that it was broken off.
        status: ResultStatus,
        /// Goals, home then away.
        score: [u8; 2],
        /// Goals at half time.
        half_time: Option<[u8; 2]>,
    },
}

/// The prices of one market, as the row lists them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Price {
    /// Which of the header's markets.
    pub(super) plan: u16,
    /// Over how many books an aggregate is taken, where the row says so, and one: a million prices
    /// lie in memory.
    books: Option<NonZeroU16>,
    /// The Asian handicap line.
    pub(super) line: Option<Line>,
    /// As many as the market has selections; the rest repeats the first.
    pub(super) odds: [Odds; 3],
}

impl Price {
    pub(super) fn new(plan: u16, books: Option<u16>, line: Option<Line>, odds: [Odds; 3]) -> Self {
        // A count of books is far below 2^16.
        let books = books.and_then(|books| NonZeroU16::new(books.saturating_add(1)));
        Self { plan, books, line, odds }
    }

    /// Over how many books an aggregate is taken, where the row says so.
    fn books(&self) -> Option<u16> {
        self.books.map(|and_one| and_one.get() - 1)
    }
}

/// One match as a row tells it.
#[derive(Debug, Clone)]
pub struct Record {
    pub(super) header: Arc<Header>,
    /// The file that it stands in.
    pub file: SmolStr,
    /// The line, counted from 1.
    pub line: u64,
    /// The key, as if it were the sides' only match at this ground in the season.
    pub(super) key: MatchKey,
    /// The competition, by the site's code.
    pub competition: Competition,
    /// The season, `2024-25` or `2024`.
    pub season: SmolStr,
    /// The home side.
    pub home: SmolStr,
    /// The away side.
    pub away: SmolStr,
    /// The day, in London.
    pub date: Date,
    /// Kick-off, in London, where the row states it.
    pub time: Option<Time>,
    /// Where it stands.
    pub standing: Standing,
    pub(super) stats: Option<[SideStats; 2]>,
    pub(super) prices: Box<[Price]>,
}

impl Record {
    /// The quotes and aggregates of a phase, in the order of the columns.
    pub(super) fn prices_at(&self, phase: Phase) -> impl Iterator<Item = Body> + '_ {
        self.prices.iter().filter_map(move |price| {
            let plan = &self.header.markets[usize::from(price.plan)];
            if plan.phase != phase {
                return None;
            }
            let market = plan.market(price.line).expect("a handicap is only kept with its line");
            let odds = SmallVec::from_slice(&price.odds[..plan.family.selections()]);
            let src = SRC;
            Some(match &plan.origin {
                Origin::Book(book) => {
                    Quote { src, book: book.clone(), market, odds, phase, sizes: None }.into()
                }
                Origin::Aggregate(statistic) => {
                    let (statistic, books) = (*statistic, price.books());
                    Aggregate { src, statistic, market, odds, phase, books }.into()
                }
            })
        })
    }

    /// This book's prices for home, draw and away in this phase, where the row has them.
    #[must_use]
    pub fn match_odds_of(&self, book: &Book, phase: Phase) -> Option<[Odds; 3]> {
        let of_book = self.prices.iter().find(|price| {
            let plan = &self.header.markets[usize::from(price.plan)];
            plan.family == Family::MatchOdds
                && plan.phase == phase
                && matches!(&plan.origin, Origin::Book(of) if of == book)
        });
        of_book.map(|price| price.odds)
    }

    /// What was counted of home and away side, where the row tells it.
    #[must_use]
    pub fn side_stats(&self) -> Option<&[SideStats; 2]> {
        self.stats.as_ref()
    }

    /// Whether something will be said of its end: its list has results.
    pub(super) fn may_end(&self) -> bool {
        self.standing != Standing::ToCome
    }

    /// Reads a little of what its prices are made of, so that all of it is near when it is wanted.
    pub(super) fn touch_prices(&self) -> usize {
        let plans = self.prices.iter().step_by(2).map(|price| usize::from(price.plan));
        self.header.markets.len() + plans.sum::<usize>()
    }

    /// Reads a little of what its end is made of.
    pub(super) fn touch_end(&self) -> usize {
        usize::from(self.may_end()) + usize::from(self.stats.is_some())
    }

    pub(super) fn has_prices_at(&self, phase: Phase) -> bool {
        self.prices.iter().any(|price| self.header.markets[usize::from(price.plan)].phase == phase)
    }

    /// How many quotes, prices within them, and aggregates the row holds.
    pub(super) fn price_counts(&self) -> PriceCounts {
        let mut counts = PriceCounts::default();
        for price in &*self.prices {
            let plan = &self.header.markets[usize::from(price.plan)];
            match plan.origin {
                Origin::Book(_) => {
                    counts.quotes += 1;
                    counts.prices += plan.family.selections() as u64;
                }
                Origin::Aggregate(_) => counts.aggregates += 1,
            }
        }
        counts
    }

    pub(super) fn result(&self) -> Option<MatchResult> {
        match self.standing {
            Standing::Over { status, score, half_time } => {
                Some(MatchResult { src: SRC, status, score: Some(score), half_time })
            }
            Standing::ToCome | Standing::WithoutResult => None,
        }
    }

    pub(super) fn stats(&self) -> Option<Stats> {
        let [home, away] = self.stats?;
        Some(Stats { src: SRC, home, away })
    }
}

/// How many prices of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PriceCounts {
    pub(super) quotes: u64,
    pub(super) prices: u64,
    pub(super) aggregates: u64,
}
