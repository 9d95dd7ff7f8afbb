//! Facts of the world, as sources report them: fixtures, prices, statistics, results.

use marabet_quant::{Market, Odds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{Book, Instant, Source};

/// Whether a match is still to come, running or over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixtureStatus {
    /// Not begun; the kick-off stands.
    Scheduled,
    /// Being played.
    Live,
    /// Interrupted, to be resumed.
    Suspended,
    /// Over.
    Finished,
    /// Put off to another day; the kick-off is the new one once it is known.
    Postponed,
    /// Broken off for good.
    Abandoned,
    /// Will not be played.
    Cancelled,
    /// Decided without (all of) the play.
    Awarded,
}

/// A match, and what is known of when it is played. A later one replaces an earlier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fixture {
    /// Who reported it.
    pub src: Source,
    /// Where the match stands.
    pub status: FixtureStatus,
    /// The start, planned or actual.
    pub kickoff: Instant,
    /// Played on neither side's ground.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub neutral: bool,
    /// Minutes played, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minute: Option<u16>,
    /// Goals so far, home then away, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<[u8; 2]>,
}

/// What a source calls a match, in its own words: said once before its first fact, and again
/// where the source's match turns out to be another. So a wrong joining of names can be found
/// and undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Who calls it so.
    pub src: Source,
    /// Its number or code of the match.
    pub id: String,
    /// Its code or name of the competition.
    pub competition: String,
    /// Its name of the home side.
    pub home: String,
    /// Its name of the away side.
    pub away: String,
}

/// When in the life of a match a price stood.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before kick-off, while it can still be bet at.
    #[default]
    Pre,
    /// The last price before kick-off. It measures bets; it is never bet at.
    Closing,
    /// While the match is played.
    InPlay,
}

impl Phase {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Closing => "closing",
            Self::InPlay => "in_play",
        }
    }
}

/// Decimal odds of a market's selections, in their canonical order. Three lie in place, which is
/// what most markets have: a price is read and handed on without asking for memory.
pub type OddsList = SmallVec<[Odds; 3]>;

/// One book's complete market on one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quote {
    /// Who reported it.
    pub src: Source,
    /// Whose price it is.
    pub book: Book,
    /// The market, with its line.
    pub market: Market,
    /// Decimal odds of the market's selections, in their canonical order.
    pub odds: OddsList,
    /// When in the life of the match.
    #[serde(default)]
    pub phase: Phase,
    /// What can be staked at each price, in the currency of the book, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<f64>>,
}

impl Quote {
    /// Whether there is one price for each selection of the market.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let selections = self.market.selections().len();
        self.odds.len() == selections
            && self.sizes.as_ref().is_none_or(|sizes| sizes.len() == selections)
    }
}

/// Which statistic over books an aggregate is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// The best price of any book.
    Max,
    /// The mean over books.
    Avg,
}

impl Statistic {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Avg => "avg",
        }
    }
}

/// Averages or maxima over books: a reference, never something that one can bet at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Aggregate {
    /// Who reported it.
    pub src: Source,
    /// Mean or maximum.
    pub statistic: Statistic,
    /// The market, with its line.
    pub market: Market,
    /// Decimal odds of the market's selections, in their canonical order.
    pub odds: OddsList,
    /// When in the life of the match.
    #[serde(default)]
    pub phase: Phase,
    /// Over how many books, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub books: Option<u16>,
}

/// A price, a line or a book is gone or suspended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Withdrawn {
    /// Who reported it.
    pub src: Source,
    /// Whose prices.
    pub book: Book,
    /// Which market; all of the book's on this match where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market: Option<Market>,
}

/// A book's prices on a match were looked at and stand as they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// Who looked.
    pub src: Source,
    /// Whose prices.
    pub book: Book,
}

/// One side's counts. What a source does not state is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "each name is the statistic, a count")]
pub struct SideStats {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shots: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shots_on_target: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corners: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fouls: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yellow_cards: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub red_cards: Option<u16>,
}

/// Match statistics, so far or final.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Who reported them.
    pub src: Source,
    /// The home side's.
    pub home: SideStats,
    /// The away side's.
    pub away: SideStats,
}

/// How a result came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// On the pitch.
    Played,
    /// By decision of the competition.
    Awarded,
    /// Broken off; there is no result to settle on.
    Abandoned,
    /// An earlier result does not stand.
    Void,
}

/// The end of a match. A later one corrects an earlier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MatchResult {
    /// Who reported it.
    pub src: Source,
    /// How it came about.
    pub status: ResultStatus,
    /// Goals after ninety minutes, home then away. There for `played` and `awarded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<[u8; 2]>,
    /// Goals at half time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_time: Option<[u8; 2]>,
}

/// Nothing more is expected of the match: its state is dropped, and what still comes is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatchClosed {
    /// Who closed it.
    pub src: Source,
}
