//! The rules that decide what is fair, what is value and how much to stake.

use std::collections::BTreeMap;

use marabet_quant::Odds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Book, Competition, Money, StakeFraction, StrategyName};

/// All rules in force: the account, the books, the strategies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Whose money.
    #[serde(default)]
    pub account: Account,
    /// What is known of each book, by its canonical name. One that is not named is bettable (its
    /// prices for laying and its last traded ones are not), no reference, and takes no commission.
    #[serde(default)]
    pub books: BTreeMap<Book, BookRules>,
    /// The strategies, each with a bankroll of its own of the account's size.
    pub strategies: BTreeMap<StrategyName, Strategy>,
    /// How bets are measured against the closing line.
    #[serde(default)]
    pub closing: ClosingRules,
    /// When bets are void or in doubt.
    #[serde(default)]
    pub settlement: SettlementRules,
}

/// The account that stakes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// ISO 4217 code.
    pub currency: String,
    /// What each strategy starts with.
    pub bankroll: Money,
    /// Most that may be open at once, as a share of the bankroll.
    pub open_max: StakeFraction,
    /// Most that may be staked on one event-time day (UTC), as a share of the bankroll.
    pub day_max: StakeFraction,
    /// Most that is staked on one bet, whatever its edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stake_max: Option<Money>,
    /// Most that may be lost on one event-time day (UTC): then nothing is staked until the next,
    /// or until the cool-off is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_day_max: Option<Money>,
    /// Most that may be lost in seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_week_max: Option<Money>,
    /// For how many days nothing is staked once a loss limit is reached.
    #[serde(skip_serializing_if = "is_none_of_it")]
    pub cool_off_days: u16,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none_of_it(days: &u16) -> bool {
    *days == 0
}

impl Default for Account {
    fn default() -> Self {
        Self {
            currency: "EUR".to_owned(),
            bankroll: Money::from_cents(1_000_000),
            open_max: share(0.5),
            day_max: share(0.25),
            stake_max: None,
            loss_day_max: None,
            loss_week_max: None,
            cool_off_days: 0,
        }
    }
}

/// What is known of a book.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BookRules {
    /// Whether bets can be placed there.
    pub bettable: bool,
    /// A reference for the strategies whose configuration names none of its own.
    pub reference: bool,
    /// An exchange: its market may sum below one.
    pub exchange: bool,
    /// Share of the net winnings that it keeps: 0.02 for 2 %.
    pub commission: f64,
    /// Most that it takes on one bet.
    pub limit: Option<Money>,
    /// Stakes are rounded down to a multiple of this.
    pub rounding: Money,
}

impl Default for BookRules {
    fn default() -> Self {
        Self {
            bettable: true,
            reference: false,
            exchange: false,
            commission: 0.0,
            limit: None,
            rounding: Money::from_cents(1),
        }
    }
}

/// Whose opinion is the fair price.
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
pub enum FairSource {
    /// The named reference books, de-vigged, the offering book left out.
    #[default]
    Sharp,
    /// All books, de-vigged and averaged, the offering book left out.
    Consensus,
    /// The model in force.
    Model,
    /// Model and sharp price in a logarithmic pool.
    Blend,
}

/// How a strategy finds its bets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Strategy {
    /// Whose opinion is the fair price.
    pub fair: FairSource,
    /// The reference books of `sharp` and `blend`; the first that has a price is taken.
    pub references: Vec<Book>,
    /// How the margin is taken out.
    pub devig: marabet_quant::devig::Method,
    /// The model's weight in `blend`, in 0..=1.
    pub model_weight: f64,
    /// Fewest books for a `consensus`.
    pub consensus_books_min: u16,
    /// Least expected value, net of commission: 0.02 for 2 %.
    pub ev_min: f64,
    /// Lowest odds taken.
    pub odds_min: Odds,
    /// Highest odds taken.
    pub odds_max: Odds,
    /// Market families taken (`1x2`, `ou`, `ah`, …); all where empty.
    pub markets: Vec<String>,
    /// Competitions taken; all where empty.
    pub competitions: Vec<Competition>,
    /// Books bet at; every bettable one where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub books: Vec<Book>,
    /// Share of the full Kelly stake.
    pub kelly_fraction: f64,
    /// The same stake on every bet, as a share of the bankroll, in place of Kelly's; of the
    /// last one on a match what the match's cap leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flat_stake: Option<StakeFraction>,
    /// Most that is staked on one match, as a share of the bankroll.
    pub match_max: StakeFraction,
    /// A quote that was not seen for longer than this is stale, in seconds.
    pub max_age_s: u32,
    /// A price above this many times the median of the other books is taken for an error.
    pub outlier_factor: f64,
    /// Whether a better stake later makes a further bet of what is missing.
    pub top_up: bool,
    /// Bets while matches are played, and only then: at prices taken in play. A strategy without
    /// it bets before kick-off alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_play: bool,
}

impl Default for Strategy {
    fn default() -> Self {
        Self {
            fair: FairSource::Sharp,
            references: vec![Book::new("pinnacle")],
            devig: marabet_quant::devig::Method::Power,
            model_weight: 0.3,
            consensus_books_min: 4,
            ev_min: 0.02,
            odds_min: odds(1.2),
            odds_max: odds(15.0),
            markets: Vec::new(),
            competitions: Vec::new(),
            books: Vec::new(),
            kelly_fraction: 0.25,
            flat_stake: None,
            match_max: share(0.05),
            max_age_s: 600,
            outlier_factor: 1.25,
            top_up: false,
            in_play: false,
        }
    }
}

/// How the closing line is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClosingRules {
    /// Reference books in order; a later one is a fallback, and named on the bet.
    pub references: Vec<Book>,
    /// How the margin is taken out.
    pub devig: marabet_quant::devig::Method,
}

impl Default for ClosingRules {
    fn default() -> Self {
        Self {
            references: vec![Book::new("pinnacle"), Book::new("betfair_exchange")],
            devig: marabet_quant::devig::Method::Power,
        }
    }
}

/// When bets are void or in doubt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SettlementRules {
    /// A kick-off that moves by more than this voids what is open, in hours.
    pub kickoff_move_max_h: u32,
    /// What has no result this many days after kick-off goes to review.
    pub review_after_days: u32,
}

impl Default for SettlementRules {
    fn default() -> Self {
        Self { kickoff_move_max_h: 36, review_after_days: 3 }
    }
}

fn share(value: f64) -> StakeFraction {
    StakeFraction::new(value).expect("a default share lies in 0..=1")
}

fn odds(value: f64) -> Odds {
    Odds::new(value).expect("default odds are above one")
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            account: Account::default(),
            books: BTreeMap::from([
                (
                    Book::new("pinnacle"),
                    BookRules { bettable: false, reference: true, ..BookRules::default() },
                ),
                (
                    Book::new("betfair_exchange"),
                    BookRules { exchange: true, commission: 0.05, ..BookRules::default() },
                ),
            ]),
            strategies: BTreeMap::from([(StrategyName::new("sharp"), Strategy::default())]),
            closing: ClosingRules::default(),
            settlement: SettlementRules::default(),
        }
    }
}

impl Rules {
    /// What is known of a book. One that is not named is bettable, unless its prices are no offers
    /// ([`Book::is_offer`]).
    #[must_use]
    pub fn book(&self, book: &Book) -> BookRules {
        let assumed = || BookRules { bettable: book.is_offer(), ..BookRules::default() };
        self.books.get(book).cloned().unwrap_or_else(assumed)
    }
}
