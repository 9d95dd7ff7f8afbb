//! Messages in, news of matches out: all markets of a stream or of files.

use std::collections::{BTreeMap, BTreeSet};

use marabet_schemas::facts::Seen;
use marabet_schemas::{Body, Book, Instant, Source};
use serde_json::Value;
use smol_str::SmolStr;

use super::book::{BookSettings, EventBook, MarketBook, Said};
use super::catalogue::Catalogue;
use super::definition::Definition;
use super::wire::{Message, Op};
use super::{BOOK, SOURCE};
use crate::names::Named;
use crate::reject::{Reject, RejectKind, Scope, raw_row};

/// What is said of one match at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// When it was published.
    pub at: Instant,
    /// The match.
    pub named: Named,
    /// When it starts.
    pub kickoff: Instant,
    /// What is said.
    pub facts: Said,
}

/// How a tape is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TapeSettings {
    /// The competition of matches of which no catalogue says it.
    pub competition: Option<SmolStr>,
    /// What is told again.
    pub book: BookSettings,
}

/// What came of the messages so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TapeCounts {
    /// Messages read.
    pub messages: u64,
    /// Changes of a market within them.
    pub market_changes: u64,
    /// Changed prices within them.
    pub prices: u64,
    /// Definitions within them.
    pub definitions: u64,
    /// Lines that are no message.
    pub malformed: u64,
}

/// Markets, kept from their messages.
#[derive(Debug)]
pub struct Tape {
    settings: TapeSettings,
    catalogue: Catalogue,
    places: BTreeMap<SmolStr, usize>,
    markets: Vec<MarketBook>,
    events: BTreeMap<SmolStr, EventBook>,
    message: Message,
    counts: TapeCounts,
    refused: BTreeSet<SmolStr>,
    said: Said,
}

/// The competition of matches of which nobody says it.
pub const UNKNOWN_COMPETITION: &str = "BETFAIR";

impl Tape {
    /// Nothing was read yet. What has no name is looked up in the catalogue.
    #[must_use]
    pub fn new(settings: TapeSettings, catalogue: Catalogue) -> Self {
        Self {
            settings,
            catalogue,
            places: BTreeMap::new(),
            markets: Vec::new(),
            events: BTreeMap::new(),
            message: Message::default(),
            counts: TapeCounts::default(),
            refused: BTreeSet::new(),
            said: Vec::new(),
        }
    }

    /// What came of the messages so far.
    #[must_use]
    pub fn counts(&self) -> TapeCounts {
        self.counts
    }

    /// The message that was read last.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// A market.
    #[must_use]
    pub fn market(&self, id: &str) -> Option<&MarketBook> {
        self.places.get(id).map(|at| &self.markets[*at])
    }

    /// Adds names.
    pub fn catalogue_mut(&mut self) -> &mut Catalogue {
        &mut self.catalogue
    }

    /// Reads a line and adds what is news to `news`. A line that is no message becomes a reject with its place.
    pub fn read(
        &mut self,
        file: &str,
        number: u64,
        line: &[u8],
        news: &mut Vec<News>,
        rejects: &mut Vec<Reject>,
    ) {
        if let Err(error) = self.message.read(line) {
            self.counts.malformed += 1;
            rejects.push(reject(file, number, line, RejectKind::Malformed, error.to_string()));
            return;
        }
        self.counts.messages += 1;
        if self.message.op != Op::MarketChange {
            return;
        }
        // Taken out, so that the books can be changed while it is read; put back below.
        let message = std::mem::take(&mut self.message);
        let at = Instant::from_micros(message.published_ms.saturating_mul(1000));
        for change in &message.markets {
            self.counts.market_changes += 1;
            let place = self.place(&change.id);
            let mut said = std::mem::take(&mut self.said);
            if let Some(range) = change.definition.clone() {
                self.counts.definitions += 1;
                match serde_json::from_slice::<Definition>(&line[range]) {
                    Ok(definition) => self.define(place, &change.id, definition, at, &mut said),
                    Err(error) => {
                        let reason = format!("market definition: {error}");
                        rejects.push(reject(file, number, line, RejectKind::Malformed, reason));
                    }
                }
            }
            let market = &mut self.markets[place];
            market.change(change, &message);
            market.news(self.settings.book, &mut said);
            if let Some(settled) = market.settled_score()
                && let Some(event) = market.definition().map(|d| d.event_id.clone())
            {
                self.events.entry(event).or_default().settle(settled, &mut said);
            }
            if said.is_empty() {
                self.said = said;
            } else {
                self.tell(place, &change.id, at, said, news);
            }
            if change.definition.is_some() {
                self.refuse(file, number, place, &change.id, rejects);
            }
        }
        self.counts.prices += message.markets.iter().map(|m| count(&message, m)).sum::<u64>();
        self.message = message;
    }

    /// A new image is whole and holds these markets alone: the others are gone.
    pub fn keep_only(&mut self, held: &BTreeSet<SmolStr>, at: Instant, news: &mut Vec<News>) {
        let gone: Vec<(SmolStr, usize)> = self
            .places
            .iter()
            .filter(|(id, _)| !held.contains(*id))
            .map(|(id, place)| (id.clone(), *place))
            .collect();
        for (id, place) in gone {
            let mut said = Vec::new();
            self.markets[place].vanish(&mut said);
            if !said.is_empty() {
                self.tell(place, &id, at, said, news);
            }
        }
    }

    /// Says of every match with prices that they stand as they are.
    pub fn seen(&self, at: Instant, news: &mut Vec<News>) {
        let mut told = BTreeSet::new();
        for (id, place) in &self.places {
            let market = &self.markets[*place];
            let Some(definition) = market.definition().filter(|_| market.stands()) else {
                continue;
            };
            let event = self.events.get(&definition.event_id);
            let Some(kickoff) = event.and_then(EventBook::kickoff) else { continue };
            if told.insert(definition.event_id.clone()) {
                let seen = Seen { src: Source::new(SOURCE), book: Book::new(BOOK) };
                let named = self.named(id, definition);
                news.push(News { at, named, kickoff, facts: vec![seen.into()] });
            }
        }
    }

    fn place(&mut self, id: &SmolStr) -> usize {
        if let Some(at) = self.places.get(id) {
            return *at;
        }
        self.markets.push(MarketBook::default());
        self.places.insert(id.clone(), self.markets.len() - 1);
        self.markets.len() - 1
    }

    fn define(
        &mut self,
        place: usize,
        id: &SmolStr,
        mut definition: Definition,
        at: Instant,
        said: &mut Said,
    ) {
        self.catalogue.name(id, &mut definition);
        if definition.event_type_id == Definition::FOOTBALL {
            let event = self.events.entry(definition.event_id.clone()).or_default();
            event.define(&definition, at, said);
            self.markets[place].define(definition, said);
        } else {
            // Other sports are kept without markets: their prices are read and mean nothing here.
            let unknown = Definition { market_type: SmolStr::default(), ..definition };
            self.markets[place].define(unknown, said);
        }
    }

    fn tell(&mut self, place: usize, id: &SmolStr, at: Instant, said: Said, news: &mut Vec<News>) {
        let Some(definition) = self.markets[place].definition() else { return };
        let event = self.events.get(&definition.event_id);
        let Some(kickoff) = event.and_then(EventBook::kickoff) else { return };
        let named = self.named(id, definition);
        match news.last_mut() {
            Some(last) if last.at == at && last.named == named => last.facts.extend(said),
            _ => news.push(News { at, named, kickoff, facts: said }),
        }
    }

    /// What Betfair calls the match of a market; its numbers where it gives no names.
    fn named(&self, id: &SmolStr, definition: &Definition) -> Named {
        let entry = self.catalogue.entry(id);
        let competition = entry.and_then(|entry| entry.competition.clone()).map(|(name, _)| name);
        let competition = competition.or_else(|| self.settings.competition.clone());
        // One word a side: two that share a word would be taken for alike, and asked about.
        let (home, away) = definition.sides().unwrap_or_else(|| {
            let event = &definition.event_id;
            (format!("home{event}").into(), format!("away{event}").into())
        });
        Named {
            id: definition.event_id.clone(),
            competition: competition.unwrap_or_else(|| UNKNOWN_COMPETITION.into()),
            home,
            away,
        }
    }

    /// A market that means nothing here is refused once, by name.
    fn refuse(
        &mut self,
        file: &str,
        number: u64,
        place: usize,
        id: &SmolStr,
        rejects: &mut Vec<Reject>,
    ) {
        let market = &self.markets[place];
        let Some(definition) = market.definition().filter(|_| market.is_unsupported()) else {
            return;
        };
        if !self.refused.insert(id.clone()) {
            return;
        }
        let kind = if definition.event_type_id == Definition::FOOTBALL {
            format!("market type `{}`", definition.market_type)
        } else {
            format!("sport {}", definition.event_type_id)
        };
        let reason = format!("{kind} of market {id} is not known here");
        let name = Value::from(definition.name.clone()).to_string();
        rejects.push(reject(file, number, name.as_bytes(), RejectKind::Unsupported, reason));
    }
}

fn count(message: &Message, market: &super::wire::MarketChange) -> u64 {
    message.runners(market).iter().map(|runner| message.prices(runner).len() as u64).sum()
}

fn reject(file: &str, line: u64, row: &[u8], kind: RejectKind, reason: String) -> Reject {
    Reject {
        file: SmolStr::new(file),
        line,
        column: None,
        value: None,
        kind,
        scope: Scope::Row,
        reason,
        row: raw_row(row),
    }
}

/// The facts of news, as a desk takes them.
#[must_use]
pub fn stated(at: Instant, facts: Said) -> Vec<(crate::changes::Known, Body)> {
    facts.into_iter().map(|body| (crate::changes::Known::Stated(at), body)).collect()
}
