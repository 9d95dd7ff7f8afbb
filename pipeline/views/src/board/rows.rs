//! Matches and bets as rows of a list.

use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::{BetOutcome, Cap, OtherPrice};
use marabet_schemas::facts::{FixtureStatus, ResultStatus};
use marabet_schemas::strategy::FairSource;
use marabet_schemas::{BetId, Book, Competition, Instant, MatchKey, Money, StrategyName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bet, Match};

/// A match as a row.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FixtureRow {
    /// The match.
    pub r#match: MatchKey,
    /// Its competition.
    pub competition: Competition,
    /// Its season.
    pub season: String,
    /// The home side.
    pub home: String,
    /// The away side.
    pub away: String,
    /// The start, planned or actual.
    pub kickoff: Option<Instant>,
    /// Where the match stands.
    pub status: Option<FixtureStatus>,
    /// How the result came about, once there is one.
    pub result: Option<ResultStatus>,
    /// Goals at the end, or so far.
    pub score: Option<[u8; 2]>,
    /// Minutes played, while it runs.
    pub minute: Option<u16>,
    /// Markets with a price.
    pub markets: u32,
    /// Books with a price.
    pub books: u32,
    /// Bets on it.
    pub bets: u32,
    /// The largest event time of any of its facts.
    pub updated: Instant,
}

impl FixtureRow {
    /// The row of a match.
    #[must_use]
    pub fn of(key: &MatchKey, one: &Match) -> Self {
        let mut books: Vec<&Book> = one.prices.values().flat_map(|books| books.keys()).collect();
        books.sort_unstable();
        books.dedup();
        Self {
            r#match: key.clone(),
            competition: key.competition(),
            season: key.season().to_owned(),
            home: key.home().to_owned(),
            away: key.away().to_owned(),
            kickoff: one.kickoff,
            status: one.status,
            result: one.result.as_ref().map(|result| result.status),
            score: one.result.as_ref().and_then(|result| result.score).or(one.live),
            minute: one.minute,
            markets: one.prices.len() as u32,
            books: books.len() as u32,
            bets: one.bets.len() as u32,
            updated: one.at,
        }
    }
}

/// Whether a bet can be placed, runs, or is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BetState {
    /// It can be placed now: granted, its price fresh, its match not begun.
    Placeable,
    /// Its match is still to come or runs; its price is stale or its stake nothing.
    Open,
    /// It was settled.
    Settled,
}

/// What the portfolio granted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Granted {
    /// What to stake.
    pub stake: Money,
    /// ISO 4217 code.
    pub currency: String,
    /// The strategy's bankroll when it was granted.
    pub bankroll: Money,
    /// The caps that made it less.
    pub capped_by: Vec<Cap>,
}

/// A bet as a row.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BetRow {
    /// Its identity.
    pub bet: BetId,
    /// Whether it can be placed, runs, or is over.
    pub state: BetState,
    /// By which strategy.
    pub strategy: StrategyName,
    /// The match.
    pub r#match: MatchKey,
    /// Its competition.
    pub competition: Competition,
    /// The home side.
    pub home: String,
    /// The away side.
    pub away: String,
    /// The last known kick-off.
    pub kickoff: Instant,
    /// Where to bet.
    pub book: Book,
    /// On which market.
    pub market: Market,
    /// On what.
    pub selection: Selection,
    /// The price of record.
    pub odds: Odds,
    /// The price after commission.
    pub net_odds: f64,
    /// Whose opinion the fair price is.
    pub fair_by: FairSource,
    /// Fair probability of winning, conditional on the stake being decided.
    pub probability: f64,
    /// Expected value of one unit, net of commission.
    pub ev: f64,
    /// Stake asked for, as a share of the bankroll.
    pub stake: f64,
    /// What the portfolio granted; none while it has not decided.
    pub granted: Option<Granted>,
    /// When it was decided, in event time.
    pub decided_at: Instant,
    /// When its price was quoted.
    pub quoted_at: Instant,
    /// After this its price is stale.
    pub expires: Instant,
    /// The same payoff elsewhere, best net price first.
    pub others: Vec<OtherPrice>,
    /// What became of it.
    pub outcome: Option<BetOutcome>,
    /// Profit of one unit staked, net of commission.
    pub profit: Option<f64>,
    /// Closing-line value: 0.03 when the price was 3 % better than fair at the close.
    pub clv: Option<f64>,
    /// The score that settled it.
    pub score: Option<[u8; 2]>,
    /// When it was settled, in event time.
    pub settled_at: Option<Instant>,
}

impl BetRow {
    /// The row of a bet at this moment.
    #[must_use]
    pub fn of(bet: &Bet, now: Instant) -> Self {
        let alert = &bet.alert;
        let shown = bet.latest.as_ref().unwrap_or(alert);
        let end = bet.settlement.as_ref();
        Self {
            bet: alert.bet,
            state: state(bet, now),
            strategy: alert.strategy.clone(),
            r#match: bet.key.clone(),
            competition: bet.key.competition(),
            home: bet.key.home().to_owned(),
            away: bet.key.away().to_owned(),
            kickoff: shown.kickoff,
            book: alert.book.clone(),
            market: alert.market,
            selection: alert.selection,
            odds: alert.odds,
            net_odds: alert.net_odds,
            fair_by: alert.fair.source,
            probability: alert.fair.probability,
            ev: alert.ev,
            stake: alert.stake.get(),
            granted: bet.grant.as_ref().map(|grant| Granted {
                stake: grant.stake,
                currency: grant.currency.clone(),
                bankroll: grant.bankroll,
                capped_by: grant.capped_by.clone(),
            }),
            decided_at: bet.decided_at,
            quoted_at: alert.quoted_at,
            expires: shown.expires,
            others: shown.others.clone(),
            outcome: end.map(|(_, end)| end.outcome),
            profit: end.map(|(_, end)| end.profit),
            clv: end.and_then(|(_, end)| end.clv.as_ref()).map(|clv| clv.value),
            score: end.and_then(|(_, end)| end.score),
            settled_at: end.map(|(at, _)| *at),
        }
    }
}

fn state(bet: &Bet, now: Instant) -> BetState {
    let shown = bet.latest.as_ref().unwrap_or(&bet.alert);
    let granted = bet.grant.as_ref().is_some_and(|grant| grant.stake != Money::ZERO);
    if bet.settlement.is_some() {
        BetState::Settled
    } else if granted && shown.expires >= now && (shown.in_play || shown.kickoff > now) {
        BetState::Placeable
    } else {
        BetState::Open
    }
}
