//! What changed since the last look: for sources that show the whole each time.
//!
//! A poll brings the state of the world, not its news. Here it is compared with what was last
//! reported: what is new or different goes out; a market that a book showed and no longer shows
//! is withdrawn; a book whose prices on a match all stand as they were is reported as seen, at
//! most once an interval, so that *stale* can mean time since last seen.

use std::collections::{BTreeMap, BTreeSet};

use marabet_quant::Market;
use marabet_schemas::facts::{Fixture, Phase, Seen, Statistic, Withdrawn};
use marabet_schemas::{Body, Book, Event, Instant, MatchKey, Source as SourceName};

/// A fact as a look shows it. The match goes by its key, or by the provider's own name for it
/// where that is resolved later.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown<K = MatchKey> {
    /// The match that it is about.
    pub key: K,
    /// The fact.
    pub body: Body,
    /// When it became known, where that is not when it was seen.
    pub known: Known,
}

/// When a fact became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// When it was seen.
    #[default]
    Seen,
    /// At the instant that the provider states; one that lies after the look counts as the look.
    Stated(Instant),
    /// At an instant that a rule sets; the event is marked as assumed.
    Assumed(Instant),
}

impl<K> Shown<K> {
    /// A fact that became known when it was seen.
    #[must_use]
    pub fn now(key: K, body: impl Into<Body>) -> Self {
        Self { key, body: body.into(), known: Known::Seen }
    }
}

/// What is news.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<K> {
    /// The match that it is about.
    pub key: K,
    /// When it became known.
    pub at: Instant,
    /// The instant is set by a rule.
    pub assumed: bool,
    /// What it says.
    pub body: Body,
}

impl From<Change<MatchKey>> for Event {
    fn from(change: Change<MatchKey>) -> Self {
        let event = Self::of(change.key, change.at, change.body);
        if change.assumed { event.assumed() } else { event }
    }
}

/// What a fact replaces when it changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Fixture,
    Quote(Book, Phase, Market),
    Aggregate(Statistic, Phase, Market),
    Result,
    Stats,
    Incidents,
    LineUps,
    Absences,
    Standing,
    Closed,
}

impl Slot {
    fn of(body: &Body) -> Option<Self> {
        Some(match body {
            Body::Fixture(_) => Self::Fixture,
            Body::Quote(quote) => Self::Quote(quote.book.clone(), quote.phase, quote.market),
            Body::Aggregate(aggregate) => {
                Self::Aggregate(aggregate.statistic, aggregate.phase, aggregate.market)
            }
            Body::Result(_) => Self::Result,
            Body::Stats(_) => Self::Stats,
            Body::Incidents(_) => Self::Incidents,
            Body::LineUps(_) => Self::LineUps,
            Body::Absences(_) => Self::Absences,
            Body::Standing(_) => Self::Standing,
            Body::MatchClosed(_) => Self::Closed,
            _ => return None,
        })
    }
}

/// The last reported state of one match.
#[derive(Debug, Clone, Default)]
struct Reported {
    facts: BTreeMap<Slot, Body>,
    /// When each book was last reported, by a price or as seen.
    books: BTreeMap<Book, Instant>,
}

impl Reported {
    fn kickoff(&self) -> Option<Instant> {
        match self.facts.get(&Slot::Fixture) {
            Some(Body::Fixture(Fixture { kickoff, .. })) => Some(*kickoff),
            _ => None,
        }
    }

    fn is_closed(&self) -> bool {
        self.facts.contains_key(&Slot::Closed)
    }
}

/// The last reported state of a source.
#[derive(Debug, Clone)]
pub struct Changes<K = MatchKey> {
    src: SourceName,
    seen_every_seconds: i64,
    matches: BTreeMap<K, Reported>,
}

impl Changes {
    /// Takes in what was reported before, from the log, so that a restart reports no more than
    /// what changed meanwhile.
    pub fn observe(&mut self, event: &Event) {
        if let Some(key) = &event.key {
            self.observe_of(key, event);
        }
    }

    /// What is to be reported of a look at `now` that showed all this. A match that is not among
    /// it is no longer shown.
    pub fn since(&mut self, now: Instant, shown: Vec<Shown>) -> Vec<Event> {
        self.since_within(now, shown, |_| true).into_iter().map(Event::from).collect()
    }
}

impl<K: Ord + Clone> Changes<K> {
    /// Nothing was reported yet. A book whose prices stand is reported as seen when this many
    /// seconds have gone by since it was last reported.
    #[must_use]
    pub fn new(src: SourceName, seen_every_seconds: i64) -> Self {
        Self { src, seen_every_seconds, matches: BTreeMap::new() }
    }

    /// Takes in what was reported before of a match that goes by this name here.
    pub fn observe_of(&mut self, key: &K, event: &Event) {
        let reported = self.matches.entry(key.clone()).or_default();
        match &event.body {
            Body::Withdrawn(withdrawn) => reported.withdraw(withdrawn),
            Body::Seen(seen) => drop(reported.books.insert(seen.book.clone(), event.at)),
            body => reported.report(event.at, body),
        }
    }

    /// What is to be reported of a look at `now` that showed all this of the matches that it
    /// `covers`. Of these, one that is not among it is no longer shown; others are left alone.
    pub fn since_within(
        &mut self,
        now: Instant,
        shown: Vec<Shown<K>>,
        covers: impl Fn(&K) -> bool,
    ) -> Vec<Change<K>> {
        let mut changes = Vec::new();
        let mut standing: BTreeMap<K, BTreeSet<Slot>> = BTreeMap::new();
        // When each book's prices were last seen by the provider, where it says so.
        let mut stated: BTreeMap<(K, Book), Instant> = BTreeMap::new();
        for Shown { key, body, known } in shown {
            let Some(slot) = Slot::of(&body) else { continue };
            let reported = self.matches.entry(key.clone()).or_default();
            if reported.is_closed() {
                continue;
            }
            let (at, assumed) = match known {
                Known::Seen => (now, false),
                Known::Stated(at) => (at.min(now), false),
                Known::Assumed(at) => (at, true),
            };
            if let (Slot::Quote(book, ..), Known::Stated(_)) = (&slot, known) {
                let last = stated.entry((key.clone(), book.clone())).or_insert(at);
                *last = at.max(*last);
            }
            if reported.facts.get(&slot) != Some(&body) {
                reported.report(at, &body);
                changes.push(Change { key: key.clone(), at, assumed, body });
            }
            standing.entry(key).or_default().insert(slot);
        }
        for (key, reported) in self.matches.iter_mut().filter(|(key, _)| covers(key)) {
            let is_to_come = reported.kickoff().is_some_and(|kickoff| now < kickoff);
            if reported.is_closed() || !is_to_come {
                continue;
            }
            let change = |at, body: Body| Change { key: key.clone(), at, assumed: false, body };
            let none = BTreeSet::new();
            let standing = standing.get(key).unwrap_or(&none);
            for withdrawn in reported.gone(&self.src, standing) {
                reported.withdraw(&withdrawn);
                changes.push(change(now, withdrawn.into()));
            }
            for (book, last) in &mut reported.books {
                let at = stated.get(&(key.clone(), book.clone())).copied().unwrap_or(now);
                if last.plus_seconds(self.seen_every_seconds) <= at {
                    *last = at;
                    let seen = Seen { src: self.src.clone(), book: book.clone() };
                    changes.push(change(at, seen.into()));
                }
            }
        }
        changes
    }

    /// What stands of a match, in no particular order of time: to be said again where it was
    /// said of another match.
    #[must_use]
    pub fn standing(&self, key: &K) -> Vec<Body> {
        self.matches.get(key).map(|r| r.facts.values().cloned().collect()).unwrap_or_default()
    }

    /// Forgets the matches for which this does not hold.
    pub fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) {
        self.matches.retain(|key, _| keep(key));
    }
}

impl Reported {
    fn report(&mut self, at: Instant, body: &Body) {
        let Some(slot) = Slot::of(body) else { return };
        if let Body::Quote(quote) = body
            && quote.phase == Phase::Pre
        {
            self.books.insert(quote.book.clone(), at);
        }
        self.facts.insert(slot, body.clone());
    }

    fn withdraw(&mut self, withdrawn: &Withdrawn) {
        let book = &withdrawn.book;
        self.facts.retain(|slot, _| match slot {
            Slot::Quote(of, Phase::Pre, market) => {
                of != book || withdrawn.market.is_some_and(|gone| gone != *market)
            }
            _ => true,
        });
        let quotes = self.facts.keys();
        let has_more = quotes
            .into_iter()
            .any(|slot| matches!(slot, Slot::Quote(of, Phase::Pre, _) if of == book));
        if !has_more {
            self.books.remove(book);
        }
    }

    /// What was reported and no longer stands: a whole book where none of its markets do.
    fn gone(&self, src: &SourceName, standing: &BTreeSet<Slot>) -> Vec<Withdrawn> {
        let mut markets: BTreeMap<&Book, (Vec<Market>, bool)> = BTreeMap::new();
        for slot in self.facts.keys() {
            let Slot::Quote(book, Phase::Pre, market) = slot else { continue };
            let (gone, has_more) = markets.entry(book).or_default();
            if standing.contains(slot) {
                *has_more = true;
            } else {
                gone.push(*market);
            }
        }
        let withdrawn =
            |book: &Book, market| Withdrawn { src: src.clone(), book: book.clone(), market };
        markets
            .into_iter()
            .flat_map(|(book, (gone, has_more))| match (gone.is_empty(), has_more) {
                (true, _) => Vec::new(),
                (false, false) => vec![withdrawn(book, None)],
                (false, true) => gone.into_iter().map(|m| withdrawn(book, Some(m))).collect(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::facts::{FixtureStatus, MatchClosed, Quote};

    use super::*;

    const KICKOFF: i64 = 1_000_000;

    fn key(home: &str) -> MatchKey {
        format!("E0|2024-25|{home}|Z|1").parse().unwrap()
    }

    fn fixture(home: &str) -> Shown {
        let fixture = Fixture {
            src: "test".into(),
            status: FixtureStatus::Scheduled,
            kickoff: Instant::default().plus_seconds(KICKOFF),
            neutral: false,
            minute: None,
            score: None,
        };
        Shown::now(key(home), fixture)
    }

    fn quote(home: &str, book: &str, market: &str, odds: &[f64]) -> Shown {
        let quote = Quote {
            src: "test".into(),
            book: book.into(),
            market: market.parse().unwrap(),
            odds: odds.iter().map(|odds| (*odds).try_into().unwrap()).collect(),
            phase: Phase::Pre,
            sizes: None,
        };
        Shown::now(key(home), quote)
    }

    /// What is reported at a second, as `match kind detail`.
    fn report(changes: &mut Changes, second: i64, shown: &[Shown]) -> Vec<String> {
        let now = Instant::default().plus_seconds(second);
        let events = changes.since(now, shown.to_vec());
        let describe = |event: &Event| {
            let what = match &event.body {
                Body::Quote(quote) => format!("{} {}", quote.book, quote.market),
                Body::Withdrawn(gone) => {
                    format!("{} {:?}", gone.book, gone.market.map(|m| m.to_string()))
                }
                Body::Seen(seen) => seen.book.to_string(),
                _ => String::new(),
            };
            let home = event.key.as_ref().unwrap().home().to_owned();
            format!("{home} {} {what}", event.kind().name()).trim_end().to_owned()
        };
        events.iter().map(describe).collect()
    }

    fn all() -> Vec<Shown> {
        vec![
            fixture("A"),
            quote("A", "bet365", "1x2", &[2.0, 3.4, 4.0]),
            quote("A", "bet365", "ah@-0.5", &[1.9, 1.9]),
            quote("A", "bwin", "1x2", &[2.1, 3.3, 3.9]),
        ]
    }

    fn changes() -> Changes {
        Changes::new("test".into(), 600)
    }

    #[test]
    fn the_first_look_reports_everything_and_the_same_again_only_that_it_was_seen() {
        let mut changes = changes();
        assert_eq!(report(&mut changes, 0, &all()).len(), 4);
        assert_eq!(report(&mut changes, 599, &all()), [""; 0]);
        assert_eq!(report(&mut changes, 600, &all()), ["A seen bet365", "A seen bwin"]);
        assert_eq!(report(&mut changes, 700, &all()), [""; 0]);
    }

    #[test]
    fn a_price_that_changed_is_reported_and_its_book_counts_as_seen() {
        let mut changes = changes();
        report(&mut changes, 0, &all());
        let mut shown = all();
        shown[3] = quote("A", "bwin", "1x2", &[2.2, 3.3, 3.7]);
        assert_eq!(report(&mut changes, 500, &shown), ["A quote bwin 1x2"]);
        assert_eq!(report(&mut changes, 600, &shown), ["A seen bet365"]);
    }

    #[test]
    fn what_is_no_longer_shown_is_withdrawn_once_market_by_market_or_the_whole_book() {
        let mut changes = changes();
        report(&mut changes, 0, &all());
        let mut shown = all();
        shown[2] = quote("A", "bet365", "ah@-0.75", &[2.0, 1.8]);
        shown.pop();
        assert_eq!(
            report(&mut changes, 1, &shown),
            [
                "A quote bet365 ah@-0.75",
                "A withdrawn bet365 Some(\"ah@-0.5\")",
                "A withdrawn bwin None"
            ]
        );
        assert_eq!(report(&mut changes, 2, &shown), [""; 0]);
        // The match itself is gone from the list.
        assert_eq!(report(&mut changes, 3, &[]), ["A withdrawn bet365 None"]);
        assert_eq!(report(&mut changes, 4, &all()).len(), 3);
    }

    #[test]
    fn after_kick_off_nothing_is_withdrawn_and_after_the_close_nothing_reported() {
        let mut changes = changes();
        report(&mut changes, 0, &all());
        assert_eq!(report(&mut changes, KICKOFF, &[]), [""; 0]);
        let closed = Shown::now(key("A"), MatchClosed { src: "test".into() });
        let shown = std::slice::from_ref(&closed);
        assert_eq!(report(&mut changes, KICKOFF + 1, shown), ["A match.closed"]);
        assert_eq!(report(&mut changes, KICKOFF + 2, shown), [""; 0]);
        assert_eq!(report(&mut changes, KICKOFF + 3, &all()), [""; 0]);
        changes.retain(|_| false);
        assert_eq!(report(&mut changes, 5, &all()).len(), 4);
    }

    #[test]
    fn what_the_log_holds_is_not_reported_again() {
        let mut changes = changes();
        let events = changes.since(Instant::default(), all());
        let mut restarted = self::changes();
        events.iter().for_each(|event| restarted.observe(event));
        assert_eq!(report(&mut restarted, 1, &all()), [""; 0]);
        let gone = changes.since(Instant::default(), vec![fixture("A")]);
        gone.iter().for_each(|event| restarted.observe(event));
        assert_eq!(report(&mut restarted, 2, &all()).len(), 3);
    }
}
