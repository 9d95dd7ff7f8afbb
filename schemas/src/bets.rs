//! What the stages derive: priced quotes, value bets, grants, settlements; and what the user
//! says of bets.

use marabet_quant::{Market, Odds, Selection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{OddsList, Phase, Quote};
use crate::forecast::Forecast;
use crate::strategy::FairSource;
use crate::{ArtefactHash, BetId, Book, Instant, MatchKey, Money, StakeFraction, StrategyName};

/// Probabilities of win, half-win, push, half-loss and loss, in this order; they add up to one.
pub type OutcomeRow = [f64; 5];

/// The model's view of a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelView {
    /// The model's number within its competition.
    pub number: u64,
    /// Its artefact.
    pub hash: ArtefactHash,
    /// Expected goals of the home side.
    pub lambda: f64,
    /// Expected goals of the away side.
    pub mu: f64,
    /// Dependence of low scores (Dixon and Coles 1997).
    pub rho: f64,
    /// Where the match stood, for a price taken in play: the goals to come are those of before
    /// the match, as far as they are still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
}

/// Where a match stands that is being played, as far as it was told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Running {
    /// Minutes played, with what went by since they were told.
    pub minute: f64,
    /// Goals so far, home then away.
    pub score: [u8; 2],
    /// Players sent off, home then away.
    #[serde(default, skip_serializing_if = "is_nobody")]
    pub reds: [u8; 2],
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_nobody(reds: &[u8; 2]) -> bool {
    *reds == [0, 0]
}

/// A quote, carrying what the model in force makes of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "PricedFields")]
pub struct Priced {
    /// The quote as it was.
    pub quote: Quote,
    /// What the model makes of it; none where no model is in force, a side is unknown to it, or
    /// it does not price the market.
    pub forecast: Option<Forecast>,
    /// Why there is no forecast, where there is none.
    pub unpriced: Option<Unpriced>,
}

/// A quote, carrying what the model in force makes of it.
#[derive(Deserialize, JsonSchema)]
struct PricedFields {
    /// The quote as it was.
    quote: Quote,
    /// The model's view; none where no model is in force, a side is unknown to it, or it does
    /// not price the market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<ModelView>,
    /// The model's outcome probabilities, one row a selection; empty without a model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outcomes: Vec<OutcomeRow>,
    /// Why there is no model's view, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unpriced: Option<Unpriced>,
}

impl TryFrom<PricedFields> for Priced {
    type Error = &'static str;
    fn try_from(fields: PricedFields) -> Result<Self, &'static str> {
        let PricedFields { quote, model, outcomes, unpriced } = fields;
        let forecast = match model {
            Some(model) => Some(Forecast::new(model, outcomes)),
            None if outcomes.is_empty() => None,
            None => return Err("`outcomes` stand there without the `model` that they are of"),
        };
        Ok(Self { quote, forecast, unpriced })
    }
}

impl JsonSchema for Priced {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Priced".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        PricedFields::json_schema(generator)
    }
}

impl Serialize for Priced {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename = "Priced")]
        struct Fields<'a> {
            quote: &'a Quote,
            #[serde(skip_serializing_if = "Option::is_none")]
            model: Option<&'a ModelView>,
            #[serde(skip_serializing_if = "<[OutcomeRow]>::is_empty")]
            outcomes: &'a [OutcomeRow],
            #[serde(skip_serializing_if = "Option::is_none")]
            unpriced: Option<Unpriced>,
        }
        let Self { quote, unpriced, .. } = self;
        let (model, outcomes) = (self.model(), self.outcomes());
        Fields { quote, model, outcomes, unpriced: *unpriced }.serialize(to)
    }
}

impl Priced {
    /// The model's view of the match.
    #[must_use]
    pub fn model(&self) -> Option<&ModelView> {
        self.forecast.as_ref().map(Forecast::model)
    }

    /// The model's outcome probabilities, one row a selection; none without a model.
    #[must_use]
    pub fn outcomes(&self) -> &[OutcomeRow] {
        self.forecast.as_ref().map_or(&[], Forecast::outcomes)
    }

    /// Appends it as JSON, as its serialisation does, with the forecast as it was once written.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self { quote, forecast: Some(forecast), unpriced: None } => {
                out.extend_from_slice(b"{\"quote\":");
                serde_json::to_writer(&mut *out, quote)?;
                out.push(b',');
                out.extend_from_slice(forecast.json_tail().as_bytes());
                Ok(())
            }
            other => serde_json::to_writer(out, other),
        }
    }
}

/// Why a quote carries no model's view.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unpriced {
    /// No model is in force for the competition.
    NoModel,
    /// The match has no fixture, so its ground is not known.
    NoFixture,
    /// The model has never seen one of the sides.
    UnknownTeam,
    /// The model's numbers for the pairing make no score matrix.
    NoMatrix,
    /// The model does not price the market.
    Market,
    /// The match is being played, and its score and minute are not known.
    InPlay,
}

/// How a fair price came about, so that a reader can redo it by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fair {
    /// Whose opinion.
    pub source: FairSource,
    /// The books whose prices were de-vigged, with these prices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ReferencePrice>,
    /// How the margin was taken out.
    pub devig: marabet_quant::devig::Method,
    /// The model's view, where it took part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelView>,
    /// Fair probability of winning, conditional on the stake being decided: `1 / fair odds`.
    pub probability: f64,
    /// Probabilities of the selection's outcomes.
    pub outcomes: OutcomeRow,
}

/// A reference book's market at the moment of the decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReferencePrice {
    /// Whose.
    pub book: Book,
    /// On which market and line.
    pub market: Market,
    /// Its odds, in the market's canonical order.
    pub odds: OddsList,
    /// When it was quoted.
    pub at: Instant,
}

/// A price elsewhere for the same payoff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OtherPrice {
    /// Where.
    pub book: Book,
    /// In which market.
    pub market: Market,
    /// As which selection.
    pub selection: Selection,
    /// The odds.
    pub odds: Odds,
    /// The odds after commission.
    pub net_odds: f64,
}

/// A bet worth more than it costs, by the rules in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValueBet {
    /// Its identity.
    pub bet: BetId,
    /// Zero for the alert, whose price is the price of record; higher where only what is shown
    /// has changed since.
    pub revision: u16,
    /// By which strategy.
    pub strategy: StrategyName,
    /// The configuration's number.
    pub config: u64,
    /// Where to bet.
    pub book: Book,
    /// On which market.
    pub market: Market,
    /// On what.
    pub selection: Selection,
    /// The price.
    pub odds: Odds,
    /// The price after commission.
    pub net_odds: f64,
    /// The fair price and where it comes from.
    pub fair: Fair,
    /// Expected value of one unit staked, net of commission.
    pub ev: f64,
    /// Stake, as a share of the strategy's bankroll.
    pub stake: StakeFraction,
    /// When the price was quoted.
    pub quoted_at: Instant,
    /// The last known kick-off.
    pub kickoff: Instant,
    /// After this the price is stale.
    pub expires: Instant,
    /// Rises when open bets were voided and the selection was armed again.
    pub occurrence: u16,
    /// Counts added stakes on one selection; zero for the first bet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub top_up: u16,
    /// Made while the match is played.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_play: bool,
    /// The same payoff elsewhere, best net price first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherPrice>,
}

impl ValueBet {
    /// Until when it can be made: while its price is fresh, and before the kick-off where it is
    /// not a bet in play.
    #[must_use]
    pub fn until(&self) -> Instant {
        if self.in_play { self.expires } else { self.expires.min(self.kickoff) }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u16) -> bool {
    *count == 0
}

/// Why a price that looked like value was not bet at.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// A mean or a maximum over books, which nobody offers.
    Aggregate,
    /// A closing price.
    Closing,
    /// An in-play price, or one at or after the last known kick-off, of a strategy that bets
    /// before it.
    AfterKickoff,
    /// Too far above the other books' median.
    Outlier,
    /// The book's own market sums below one.
    UnderRound,
    /// Not seen for longer than the strategy's `max_age_s`.
    Stale,
    /// No reference price and no model is there to say what is fair.
    NoFairPrice,
    /// The de-vig method cannot serve this market's odds.
    DevigFailed,
    /// The market type is not supported.
    UnsupportedMarket,
    /// The kick-off is not known.
    NoFixture,
    /// The book takes no bets from this account.
    BookNotBettable,
    /// Outside the strategy's odds range.
    OddsRange,
    /// The stake came out as nothing beside the match's other bets.
    NoStake,
    /// The match was postponed, suspended, cancelled or is over; for a bet in play, or not begun.
    NotOpen,
}

impl RefusalReason {
    /// The reason as it is written in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::Closing => "closing",
            Self::AfterKickoff => "after_kickoff",
            Self::Outlier => "outlier",
            Self::UnderRound => "under_round",
            Self::Stale => "stale",
            Self::NoFairPrice => "no_fair_price",
            Self::DevigFailed => "devig_failed",
            Self::UnsupportedMarket => "unsupported_market",
            Self::NoFixture => "no_fixture",
            Self::BookNotBettable => "book_not_bettable",
            Self::OddsRange => "odds_range",
            Self::NoStake => "no_stake",
            Self::NotOpen => "not_open",
        }
    }
}

/// A price that was looked at and not bet at. At most one for each strategy, market, book and
/// reason of a match, so that refusals stay fewer than quotes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// By which strategy.
    pub strategy: StrategyName,
    /// Whose price; none for an aggregate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub book: Option<Book>,
    /// In which market.
    pub market: Market,
    /// Which selection, where the reason is one selection's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// Why.
    pub reason: RefusalReason,
    /// The expected value that it seemed to have, where there was a fair price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ev: Option<f64>,
}

/// What became of a stake.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BetOutcome {
    /// Paid in full.
    Win,
    /// Half paid, half returned.
    HalfWin,
    /// Returned.
    Push,
    /// Half lost, half returned.
    HalfLoss,
    /// Lost.
    Loss,
    /// Returned, because the match did not settle it.
    Void,
    /// Nobody knows; a person has to look.
    Review,
}

/// Closing-line value of a bet: net odds × the closing fair probability − 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClosingLineValue {
    /// The value: 0.03 when the price was 3 % better than fair at the close.
    pub value: f64,
    /// The reference whose closing price was de-vigged.
    pub reference: ReferencePrice,
    /// The reference is not the first choice.
    pub fallback: bool,
    /// The closing line was another one, and its prices were re-priced to the bet's.
    pub repriced: bool,
    /// The fair probability at the close, conditional on the stake being decided.
    pub probability: f64,
}

/// How a bet ended. A later revision corrects an earlier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settlement {
    /// Which bet.
    pub bet: BetId,
    /// By which strategy.
    pub strategy: StrategyName,
    /// From 1; each correction is one higher.
    pub revision: u16,
    /// What became of it.
    pub outcome: BetOutcome,
    /// Profit of one unit staked at the price of record, net of commission.
    pub profit: f64,
    /// The bet's stake, as a share of the strategy's bankroll.
    pub stake: StakeFraction,
    /// The bet's market.
    pub market: Market,
    /// The bet's selection.
    pub selection: Selection,
    /// The bet's book.
    pub book: Book,
    /// The net price of record.
    pub net_odds: f64,
    /// The expected value that the alert claimed.
    pub claimed_ev: f64,
    /// The score that settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<[u8; 2]>,
    /// Closing-line value, where there is a closing price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clv: Option<ClosingLineValue>,
    /// Why, where it is void or in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A stake that the portfolio grants, to be announced; zero where a cap left nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// The bet.
    pub value_bet: ValueBet,
    /// What to stake.
    pub stake: Money,
    /// ISO 4217 code.
    pub currency: String,
    /// The strategy's bankroll when it was granted.
    pub bankroll: Money,
    /// What the bet asked for before caps.
    pub asked: Money,
    /// The caps that made it less.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capped_by: Vec<Cap>,
}

/// What made a granted stake smaller than the one asked for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// The bankroll itself.
    Bankroll,
    /// The most that may be open at once.
    Open,
    /// The most on one day.
    Day,
    /// The book's limit.
    Book,
    /// The book's smallest step.
    Rounding,
    /// The most on one bet.
    Stake,
    /// The most that may be lost.
    Loss,
    /// The days without a stake after that was reached.
    CoolOff,
}

/// The user placed a bet, at this price and stake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BetPlaced {
    /// Which bet.
    pub bet: BetId,
    /// Where.
    pub book: Book,
    /// At what price.
    pub odds: Odds,
    /// With what stake.
    pub stake: Money,
}

/// The user let a bet go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BetSkipped {
    /// Which bet.
    pub bet: BetId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The book made a placed bet void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BetVoid {
    /// Which bet.
    pub bet: BetId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Money put into (or, negative, taken from) a strategy's bankroll.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deposit {
    /// Whose bankroll.
    pub strategy: StrategyName,
    /// How much.
    pub amount: Money,
    /// What for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A phase that a bet can be made in.
impl Phase {
    /// Whether a price of this phase can be bet at.
    #[must_use]
    pub fn is_open(self) -> bool {
        self == Self::Pre
    }
}

/// The order in which bets of all partitions are listed, hashed and reported: event time, match,
/// place within the match. It holds nothing of the wall clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalPlace {
    /// Event time.
    pub at: Instant,
    /// The match.
    pub key: Option<MatchKey>,
    /// The event's place among those derived for the match.
    pub ordinal: u64,
}
