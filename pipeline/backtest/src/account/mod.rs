//! The portfolio's own fold over bets in canonical order, with what happens to a bet on its way
//! to the book.
//!
//! Live, the portfolio takes bets in the order in which they arrive; a backtest takes them in
//! canonical order: by event time, match, and place within the match.

mod made;

use std::collections::{BTreeMap, HashMap};

use marabet_portfolio::Portfolio;
use marabet_schemas::bets::{BetPlaced, BetSkipped, Grant, Settlement, ValueBet};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::strategy::Rules;
use marabet_schemas::{BetId, Body, Event, Instant, MatchKey, Money, StrategyName};
use marabet_stage::{Artefacts, Derived, Fault, Stage};

pub use made::{Made, MadeEnd, events};

use crate::frictions::Placement;
use crate::played::{NotPlaced, PlayedBet};

/// The bets of one or more strategies, with the money that each has after each settlement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Booked {
    /// In canonical order of their alerts.
    pub bets: Vec<PlayedBet>,
    /// Each strategy's bankroll after each of its settlements, the first entry before any.
    pub equity: BTreeMap<StrategyName, Vec<(Instant, Money)>>,
}

/// Sorts events into canonical order. Those of one match must stand in the order of the match.
pub fn sort_canonically(events: &mut [Event]) {
    events.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.key.cmp(&b.key)));
}

/// Takes value bets, settlements and closed matches, in canonical order, through the portfolio.
///
/// `placements` says what became of bets that were not simply made as they were alerted.
///
/// # Errors
/// [`Fault`] for an event that the portfolio rejects, which no stage derives.
pub fn book(
    rules: &Rules,
    events: &[Event],
    placements: &HashMap<BetId, Placement>,
) -> Result<Booked, Fault> {
    let mut folding = Folding::new(rules, events.first().map(|event| event.at))?;
    for event in events {
        folding.event(event, placements)?;
    }
    Ok(folding.booked)
}

struct Folding {
    portfolio: Portfolio,
    booked: Booked,
    places: HashMap<BetId, usize>,
}

impl Folding {
    fn new(rules: &Rules, at: Option<Instant>) -> Result<Self, Fault> {
        let mut folding =
            Self { portfolio: Portfolio::new(), booked: Booked::default(), places: HashMap::new() };
        let at = at.unwrap_or_default();
        folding.apply(&Event::global(at, ConfigPublished::new(1, rules.clone())))?;
        let start = rules.account.bankroll;
        folding.booked.equity =
            rules.strategies.keys().map(|name| (name.clone(), vec![(at, start)])).collect();
        Ok(folding)
    }

    fn apply(&mut self, event: &Event) -> Result<Vec<Event>, Fault> {
        let mut derived = Derived::without_views();
        self.portfolio.apply(event, &NoArtefacts, &mut derived)?;
        self.portfolio.tables().into_iter().for_each(marabet_stage::Rows::keep);
        Ok(derived.events)
    }

    fn event(
        &mut self,
        event: &Event,
        placements: &HashMap<BetId, Placement>,
    ) -> Result<(), Fault> {
        let Some(key) = &event.key else { return Ok(()) };
        match &event.body {
            Body::ValueBet(bet) if bet.revision == 0 => {
                let grants = self.apply(event)?;
                let grant = grants.iter().find_map(|derived| match &derived.body {
                    Body::Grant(grant) => Some(grant),
                    _ => None,
                });
                let grant = grant.ok_or_else(|| Fault::rejected("a bet got no grant"))?;
                let placement = placements.get(&bet.bet).copied().unwrap_or_default();
                self.place(event.at, key, bet, grant, placement)?;
            }
            Body::Settlement(settlement) => {
                self.apply(event)?;
                self.settle(event.at, settlement);
            }
            Body::MatchClosed(_) => drop(self.apply(event)?),
            _ => {}
        }
        Ok(())
    }

    /// Notes a bet, and tells the portfolio what the user would have: placed at another price, or
    /// not at all.
    fn place(
        &mut self,
        at: Instant,
        key: &MatchKey,
        bet: &ValueBet,
        grant: &Grant,
        placement: Placement,
    ) -> Result<(), Fault> {
        let mut played = played(at, key, bet, grant);
        let word: Option<Body> = match placement {
            Placement::AsAlerted => None,
            Placement::At { odds, net_odds } => {
                played.net_odds = net_odds;
                let (book, stake) = (bet.book.clone(), grant.stake);
                Some(BetPlaced { bet: bet.bet, book, odds, stake }.into())
            }
            Placement::Not(reason) => {
                played.stake = Money::ZERO;
                played.not_placed = Some(reason);
                Some(BetSkipped { bet: bet.bet, reason: None }.into())
            }
        };
        if let Some(word) = word {
            self.apply(&Event::of(key.clone(), at, word))?;
        }
        self.places.insert(bet.bet, self.booked.bets.len());
        self.booked.bets.push(played);
        Ok(())
    }

    fn settle(&mut self, at: Instant, settlement: &Settlement) {
        let Some(played) =
            self.places.get(&settlement.bet).and_then(|at| self.booked.bets.get_mut(*at))
        else {
            return;
        };
        let is_placed_otherwise = played.net_odds.to_bits() != settlement.net_odds.to_bits();
        played.outcome = Some(settlement.outcome);
        played.settled_at.get_or_insert(at);
        played.unit_profit = if is_placed_otherwise {
            crate::frictions::profit(settlement.outcome, played.net_odds)
        } else {
            settlement.profit
        };
        played.profit = played.stake.times(played.unit_profit);
        played.clv = settlement.clv.as_ref().map(|clv| clv.value);
        let strategy = &settlement.strategy;
        let account = self.portfolio.account_of(strategy);
        if let (Some(account), Some(equity)) = (account, self.booked.equity.get_mut(strategy)) {
            equity.push((at, account.bankroll));
        }
    }
}

fn played(at: Instant, key: &MatchKey, bet: &ValueBet, grant: &Grant) -> PlayedBet {
    PlayedBet {
        strategy: bet.strategy.clone(),
        bet: bet.bet,
        key: key.clone(),
        at,
        kickoff: bet.kickoff,
        book: bet.book.clone(),
        aggregate: bet.book.as_str() == marabet_detect::survey::MARKET_MAX,
        market: bet.market,
        selection: bet.selection,
        odds: bet.odds.decimal(),
        net_odds: bet.net_odds,
        probability: bet.fair.probability,
        ev: bet.ev,
        share: bet.stake.get(),
        stake: grant.stake,
        bankroll: grant.bankroll,
        not_placed: (grant.stake == Money::ZERO).then_some(NotPlaced::Capped),
        outcome: None,
        settled_at: None,
        unit_profit: 0.0,
        profit: Money::ZERO,
        clv: None,
    }
}

/// The portfolio asks for none.
struct NoArtefacts;

impl Artefacts for NoArtefacts {
    fn get(&self, _: &marabet_schemas::ArtefactHash) -> Option<std::sync::Arc<[u8]>> {
        None
    }
}
