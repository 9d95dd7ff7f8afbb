//! The board: matches, prices, bets, models and rules as they stand, folded event by event.
//!
//! A dashboard looks at a board instead of reading whole streams. It takes the streams `priced`
//! (which carries every fact on), `bets` and `grants`; each match's events in their order, the
//! streams of a match in any. It is bounded: what was longest over goes first.

mod bets;
mod matches;
mod movement;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use marabet_schemas::control::{ConfigPublished, ModelPublished};
use marabet_schemas::strategy::ClosingRules;
use marabet_schemas::{Address, BetId, Body, Competition, EntryId, Event, Instant, MatchKey};
use marabet_streams::Stream;

use crate::summary::{Forecasts, Scores, Strategies};
use crate::why::Trail;

pub use bets::Bet;
pub use matches::{Match, Price, PricedAt};
pub use movement::{Movement, Point};
pub use rows::{BetRow, BetState, FixtureRow, Granted};

/// Most numbers of rules whose places are kept, times partitions; the lowest go first.
const RULES_MAX: usize = 10_000;

/// How much a board holds.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most matches; beyond it the one that kicked off first goes.
    pub matches: usize,
    /// Most bets; beyond it the oldest goes.
    pub bets: usize,
    /// Most models; beyond it the oldest goes.
    pub models: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { matches: 10_000, bets: 100_000, models: 5_000 }
    }
}

/// What was counted of the events that a board has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events of the stream `priced`: facts.
    pub facts: u64,
    /// Quotes of one book's market.
    pub quotes: u64,
    /// Quotes that carry a model's view.
    pub predictions: u64,
}

/// Something that a person may want to be told of at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A bet was found.
    Found(BetId),
    /// The portfolio decided on its stake.
    Granted(BetId),
    /// It was settled, or its settlement corrected.
    Settled(BetId),
}

/// A model that came into force.
#[derive(Debug, Clone)]
pub struct Model {
    /// When, in event time.
    pub at: Instant,
    /// What was published.
    pub published: ModelPublished,
    /// Where it stands in `priced`, in each partition.
    places: BTreeMap<u16, (EntryId, u32)>,
}

/// Everything that the log shows.
#[derive(Debug)]
pub struct Board {
    bounds: Bounds,
    matches: BTreeMap<MatchKey, Match>,
    by_kickoff: BTreeSet<(Instant, MatchKey)>,
    bets: BTreeMap<BetId, Bet>,
    by_age: BTreeSet<(Instant, BetId)>,
    models: BTreeMap<(Competition, u64), Model>,
    rules: Option<ConfigPublished>,
    /// Where rules stand in `priced`, by number and partition.
    rules_at: BTreeMap<(u64, u16), Address>,
    strategies: Strategies,
    forecasts: Forecasts,
    counts: Counts,
    latest: Option<Instant>,
    revision: u64,
}

impl Board {
    /// A board that has seen nothing; closing odds are taken by these rules.
    #[must_use]
    pub fn new(bounds: Bounds, closing: ClosingRules) -> Self {
        Self {
            bounds,
            matches: BTreeMap::new(),
            by_kickoff: BTreeSet::new(),
            bets: BTreeMap::new(),
            by_age: BTreeSet::new(),
            models: BTreeMap::new(),
            rules: None,
            rules_at: BTreeMap::new(),
            strategies: Strategies::default(),
            forecasts: Forecasts::new(closing),
            counts: Counts::default(),
            latest: None,
            revision: 0,
        }
    }

    /// Takes in one event of `priced`, `bets` or `grants`; those of the feed come in `priced`.
    pub fn apply(&mut self, stream: Stream, address: Address, event: &Event) -> Option<Change> {
        self.revision += 1;
        match stream {
            Stream::Priced => {
                self.fact(address, event);
                None
            }
            Stream::Bets => self.of_bets(address, event),
            Stream::Grants => self.granted(address, event),
            _ => None,
        }
    }

    fn fact(&mut self, address: Address, event: &Event) {
        self.counts.facts += 1;
        self.latest = self.latest.max(Some(event.at));
        self.forecasts.observe(event);
        match &event.body {
            Body::ModelPublished(model) => self.model(event.at, address, model),
            Body::ConfigPublished(rules) => self.ruled(address, rules),
            Body::Priced(priced) => {
                self.counts.quotes += 1;
                self.counts.predictions += u64::from(priced.forecast.is_some());
            }
            _ => {}
        }
        let Some(key) = &event.key else { return };
        let one = self.matches.entry(key.clone()).or_default();
        let before = one.kickoff;
        one.apply(address, event);
        if before != one.kickoff {
            let after = one.kickoff;
            if let Some(kickoff) = before {
                self.by_kickoff.remove(&(kickoff, key.clone()));
            }
            if let Some(kickoff) = after {
                self.by_kickoff.insert((kickoff, key.clone()));
            }
        }
        self.keep_within_bounds();
    }

    fn ruled(&mut self, address: Address, rules: &ConfigPublished) {
        self.rules_at.insert((rules.number, address.partition), address);
        if self.rules_at.len() > RULES_MAX {
            self.rules_at.pop_first();
        }
        if self.rules.as_ref().is_none_or(|known| known.number < rules.number) {
            self.rules = Some(rules.clone());
        }
    }

    fn model(&mut self, at: Instant, address: Address, model: &ModelPublished) {
        let place = (model.competition.clone(), model.number);
        // Every partition has its copy.
        let places = BTreeMap::new();
        let known = self.models.entry(place);
        let known = known.or_insert_with(|| Model { at, published: model.clone(), places });
        known.places.entry(address.partition).or_insert((address.entry, address.index));
        while self.models.len() > self.bounds.models {
            let oldest = self.models.iter().min_by_key(|(_, model)| model.at);
            let Some(place) = oldest.map(|(place, _)| place.clone()) else { break };
            self.models.remove(&place);
        }
    }

    fn of_bets(&mut self, address: Address, event: &Event) -> Option<Change> {
        self.strategies.observe(event);
        match &event.body {
            Body::ValueBet(bet) => {
                let key = event.key.as_ref()?;
                let one = self.matches.entry(key.clone()).or_default();
                let quote = one.quoted((&bet.market, &bet.book), bet.quoted_at, address);
                if let Some(known) = self.bets.get_mut(&bet.bet) {
                    known.shown(bet);
                    if known.address.is_some() {
                        return None;
                    }
                    (known.address, known.quote) = (Some(address), quote);
                    return Some(Change::Found(bet.bet));
                }
                let found = Bet::found(key, event.at, Some(address), bet);
                one.bets.insert(bet.bet);
                self.by_age.insert((event.at, bet.bet));
                self.bets.insert(bet.bet, Bet { quote, ..found });
                self.keep_within_bounds();
                Some(Change::Found(bet.bet))
            }
            Body::Settlement(settlement) => {
                self.bets.get_mut(&settlement.bet)?.settled(event.at, address, settlement);
                Some(Change::Settled(settlement.bet))
            }
            _ => None,
        }
    }

    fn granted(&mut self, address: Address, event: &Event) -> Option<Change> {
        let Body::Grant(grant) = &event.body else { return None };
        let id = grant.value_bet.bet;
        // A grant may be read before the bet that it follows from: another stream has it.
        if !self.bets.contains_key(&id) {
            let key = event.key.as_ref()?;
            let bet = Bet::found(key, event.at, None, &grant.value_bet);
            self.by_age.insert((event.at, id));
            self.bets.insert(id, bet);
            self.matches.entry(key.clone()).or_default().bets.insert(id);
        }
        self.bets.get_mut(&id)?.granted(address, grant);
        Some(Change::Granted(id))
    }

    fn keep_within_bounds(&mut self) {
        while self.matches.len() > self.bounds.matches {
            let Some((_, key)) = self.by_kickoff.pop_first() else { break };
            self.forecasts.forget(&key);
            self.matches.remove(&key);
        }
        while self.bets.len() > self.bounds.bets {
            let Some((_, id)) = self.by_age.pop_first() else { break };
            if let Some(bet) = self.bets.remove(&id)
                && let Some(one) = self.matches.get_mut(&bet.key)
            {
                one.bets.remove(&id);
            }
        }
    }

    /// Rises with every event taken in.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The largest event time of any fact.
    #[must_use]
    pub fn latest(&self) -> Option<Instant> {
        self.latest
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A match.
    #[must_use]
    pub fn one_match(&self, key: &MatchKey) -> Option<&Match> {
        self.matches.get(key)
    }

    /// How many matches there are.
    #[must_use]
    pub fn matches(&self) -> usize {
        self.matches.len()
    }

    /// Matches whose kick-off is known, by kick-off, those of one instant by key.
    pub fn by_kickoff(&self) -> impl DoubleEndedIterator<Item = (&MatchKey, &Match)> {
        self.by_kickoff.iter().filter_map(|(_, key)| self.matches.get_key_value(key))
    }

    /// A bet.
    #[must_use]
    pub fn bet(&self, id: &BetId) -> Option<&Bet> {
        self.bets.get(id)
    }

    /// Where what led to a bet stands in the log; none for a bet whose alert was not read.
    #[must_use]
    pub fn trail(&self, id: &BetId) -> Option<Trail> {
        let bet = self.bets.get(id)?;
        let at = bet.address?;
        let model = bet.quote.and_then(|quote| {
            let model = self.models.get(&(bet.key.competition(), quote.model?))?;
            let (entry, index) = *model.places.get(&at.partition)?;
            Some(Address { partition: at.partition, entry, index })
        });
        Some(Trail {
            key: bet.key.clone(),
            decided_at: bet.decided_at,
            at,
            alert: bet.alert.clone(),
            quote: bet.quote.map(|quote| quote.address),
            model,
            config: self.rules_at.get(&(bet.alert.config, at.partition)).copied(),
            grant: bet.grant_at,
            settlements: bet.settlements_at.clone(),
        })
    }

    /// The bets, by the time of the decision, the newest first.
    pub fn newest_bets(&self) -> impl Iterator<Item = &Bet> {
        self.by_age.iter().rev().filter_map(|(_, id)| self.bets.get(id))
    }

    /// The bets, by the time of the decision, the oldest first.
    pub fn oldest_bets(&self) -> impl Iterator<Item = &Bet> {
        self.by_age.iter().filter_map(|(_, id)| self.bets.get(id))
    }

    /// The models that came into force, by competition and number.
    pub fn models(&self) -> impl DoubleEndedIterator<Item = &Model> {
        self.models.values()
    }

    /// The rules in force, where any were published.
    #[must_use]
    pub fn rules(&self) -> Option<&ConfigPublished> {
        self.rules.as_ref()
    }

    /// What each strategy claimed and what came of it.
    #[must_use]
    pub fn strategies(&self) -> &Strategies {
        &self.strategies
    }

    /// The model's forecasts beside the closing odds.
    #[must_use]
    pub fn scores(&self) -> Scores {
        self.forecasts.score()
    }
}

#[cfg(test)]
mod tests;
