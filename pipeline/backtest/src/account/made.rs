//! Bets that were found otherwise than by the stage, as the events that the stage would have
//! derived.

use marabet_quant::devig::Method;
use marabet_quant::payoff::Payoff;
use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::{
    BetOutcome, ClosingLineValue, Fair, ReferencePrice, Settlement, ValueBet,
};
use marabet_schemas::facts::OddsList;
use marabet_schemas::strategy::FairSource;
use marabet_schemas::{BetId, Book, Event, Instant, MatchKey, StakeFraction, StrategyName};

/// A bet that was found and how it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The match.
    pub key: MatchKey,
    /// When the bet was found.
    pub at: Instant,
    /// When its price was quoted.
    pub quoted_at: Instant,
    /// The kick-off as it was known.
    pub kickoff: Instant,
    /// The book.
    pub book: Book,
    /// The market.
    pub market: Market,
    /// The selection.
    pub selection: Selection,
    /// What it pays on.
    pub payoff: Payoff,
    /// Rises when a bet on the payoff was void and another was made.
    pub occurrence: u16,
    /// The odds.
    pub odds: Odds,
    /// Net of commission.
    pub net_odds: f64,
    /// The fair probability claimed.
    pub probability: f64,
    /// The expected value claimed.
    pub ev: f64,
    /// The stake as a share of the bankroll.
    pub share: StakeFraction,
    /// How it ended, where that is known.
    pub ended: Option<MadeEnd>,
}

/// How such a bet ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MadeEnd {
    /// When.
    pub at: Instant,
    /// How.
    pub outcome: BetOutcome,
    /// Profit of one unit.
    pub profit: f64,
    /// Closing-line value.
    pub clv: Option<f64>,
}

impl Made {
    /// The bet's identity.
    #[must_use]
    pub fn id(&self, strategy: &StrategyName) -> BetId {
        BetId::of(strategy, &self.key, &self.payoff.to_string(), self.occurrence, 0)
    }

    /// The alert and the settlement.
    #[must_use]
    pub fn events(&self, strategy: &StrategyName) -> (Event, Option<Event>) {
        let bet = self.id(strategy);
        let alert = Event::of(self.key.clone(), self.at, self.alert(bet, strategy));
        let settlement = self
            .ended
            .map(|end| Event::of(self.key.clone(), end.at, self.settlement(bet, strategy, end)));
        (alert, settlement)
    }

    fn alert(&self, bet: BetId, strategy: &StrategyName) -> ValueBet {
        ValueBet {
            bet,
            revision: 0,
            strategy: strategy.clone(),
            config: 1,
            book: self.book.clone(),
            market: self.market,
            selection: self.selection,
            odds: self.odds,
            net_odds: self.net_odds,
            fair: Fair {
                source: FairSource::Sharp,
                references: Vec::new(),
                devig: Method::Power,
                model: None,
                probability: self.probability,
                outcomes: [self.probability, 0.0, 0.0, 0.0, 1.0 - self.probability],
            },
            ev: self.ev,
            stake: self.share,
            quoted_at: self.quoted_at,
            kickoff: self.kickoff,
            expires: self.kickoff,
            occurrence: self.occurrence,
            top_up: 0,
            in_play: false,
            others: Vec::new(),
        }
    }

    fn settlement(&self, bet: BetId, strategy: &StrategyName, end: MadeEnd) -> Settlement {
        Settlement {
            bet,
            strategy: strategy.clone(),
            revision: 1,
            outcome: end.outcome,
            profit: end.profit,
            stake: self.share,
            market: self.market,
            selection: self.selection,
            book: self.book.clone(),
            net_odds: self.net_odds,
            claimed_ev: self.ev,
            score: None,
            clv: end.clv.map(|value| self.closing(value)),
            reason: None,
        }
    }

    fn closing(&self, value: f64) -> ClosingLineValue {
        let reference = ReferencePrice {
            book: Book::new("closing"),
            market: self.market,
            odds: OddsList::new(),
            at: self.kickoff,
        };
        let probability = (1.0 + value) / self.net_odds;
        ClosingLineValue { value, reference, fallback: false, repriced: false, probability }
    }
}

/// The events of bets, in canonical order.
#[must_use]
pub fn events(made: &[Made], strategy: &StrategyName) -> Vec<Event> {
    let mut events = Vec::with_capacity(2 * made.len());
    for bet in made {
        let (alert, settlement) = bet.events(strategy);
        events.push(alert);
        events.extend(settlement);
    }
    super::sort_canonically(&mut events);
    events
}
