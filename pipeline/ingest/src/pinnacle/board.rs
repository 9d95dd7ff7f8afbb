//! What stands, kept from one reply to the next: a reply `since` holds changed periods alone.

use std::collections::BTreeMap;

use marabet_schemas::facts::{Fixture, FixtureStatus, Phase, Quote};
use marabet_schemas::{Body, Book, Competition, Instant, Source};
use smol_str::SmolStr;

use super::SOURCE;
use super::parse::{FixturesReply, Listed, Markets, OddsReply};
use crate::changes::Known;
use crate::desk::ShownMatch;
use crate::names::Named;

/// Events and their periods.
#[derive(Debug, Clone, Default)]
pub struct Board {
    events: BTreeMap<SmolStr, Listed>,
    periods: BTreeMap<(SmolStr, u8), Markets>,
}

/// An event is forgotten so long after its start.
const KEPT_SECONDS: i64 = 6 * 3_600;

impl Board {
    /// Takes in fixtures: those that are wanted.
    pub fn list(&mut self, reply: FixturesReply, wanted: impl Fn(&str) -> bool) {
        for listed in reply.events {
            if wanted(&listed.league) {
                self.events.insert(listed.id.clone(), listed);
            }
        }
    }

    /// Takes in odds. A whole reply replaces all that stood.
    pub fn price(&mut self, reply: OddsReply, whole: bool) {
        if whole {
            self.periods.clear();
        }
        for (event, number, markets) in reply.periods {
            if self.events.contains_key(&event) {
                self.periods.insert((event, number), markets);
            }
        }
    }

    /// Forgets what is long over.
    pub fn forget(&mut self, now: Instant) {
        self.events.retain(|_, listed| now < listed.starts.plus_seconds(KEPT_SECONDS));
        let events = &self.events;
        self.periods.retain(|(event, _), _| events.contains_key(event));
    }

    /// All that stands at `now`, under this book.
    #[must_use]
    pub fn shown(&self, book: &Book, now: Instant) -> Vec<ShownMatch> {
        self.events.values().map(|listed| self.shown_of(listed, book, now)).collect()
    }

    fn shown_of(&self, listed: &Listed, book: &Book, now: Instant) -> ShownMatch {
        let src = Source::new(SOURCE);
        let mut facts: Vec<(Known, Body)> = Vec::new();
        let kickoff = listed.starts;
        if now < kickoff {
            let status = FixtureStatus::Scheduled;
            let (neutral, minute, score) = (false, None, None);
            let fixture = Fixture { src: src.clone(), status, kickoff, neutral, minute, score };
            facts.push((Known::Seen, fixture.into()));
        }
        let phase = if listed.live || kickoff <= now { Phase::InPlay } else { Phase::Pre };
        for number in 0..=2 {
            let markets = self.periods.get(&(listed.id.clone(), number));
            for (market, offered) in markets.into_iter().flatten() {
                let sizes = offered.max.map(|max| vec![max; offered.odds.len()]);
                let quote = Quote {
                    src: src.clone(),
                    book: book.clone(),
                    market: *market,
                    odds: offered.odds.clone(),
                    phase,
                    sizes,
                };
                facts.push((Known::Seen, quote.into()));
            }
        }
        let named = Named {
            id: listed.id.clone(),
            competition: listed.league.clone(),
            home: listed.home.clone(),
            away: listed.away.clone(),
        };
        ShownMatch { named, kickoff, facts }
    }
}

/// Whether a competition is among those that are wanted; all are where none is named.
#[must_use]
pub fn is_wanted(competition: Option<Competition>, wanted: &[Competition]) -> bool {
    competition.is_some_and(|known| wanted.is_empty() || wanted.contains(&known))
}
