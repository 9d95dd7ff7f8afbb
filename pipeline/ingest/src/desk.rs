//! From what a provider shows, in its own names, to events of the feed.
//!
//! A desk knows what was reported before and reports what changed; it asks [`Names`] which match
//! the provider means. What is told of a match whose names are still asked about waits here, in
//! a file, and is reported with its own instants when the answer is there. Where an answer moves
//! a match to another key, what was said of the old one is withdrawn, and said of the new one.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use marabet_schemas::facts::{MatchResult, Named as NamedFact, ResultStatus, Withdrawn};
use marabet_schemas::{Body, Book, Event, Instant, MatchKey, Source};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::changes::{Change, Changes, Known, Shown};
use crate::names::{Answer, Named, Names};
use crate::reject::{Reject, RejectKind, Scope};

/// A provider's match, as it shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownMatch {
    /// What it calls it.
    pub named: Named,
    /// When it starts.
    pub kickoff: Instant,
    /// What it says of it.
    pub facts: Vec<(Known, Body)>,
}

/// A match by the provider's own code, within its own competition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Own {
    /// The provider's code or name of the competition.
    pub competition: SmolStr,
    /// The provider's code of the match.
    pub id: SmolStr,
}

impl Own {
    fn of(named: &Named) -> Self {
        Self { competition: named.competition.clone(), id: named.id.clone() }
    }
}

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct News {
    /// The events, in order.
    pub events: Vec<Event>,
    /// What could not be used.
    pub rejects: Vec<Reject>,
}

/// Facts that wait, at most; beyond it the newest are refused, so that nothing grows for ever.
const WAITING_MAX: usize = 200_000;

/// Reports one provider.
#[derive(Debug)]
pub struct Desk {
    src: Source,
    names: Names,
    changes: Changes<Own>,
    matches: BTreeMap<Own, Met>,
    waiting: Vec<Held>,
    file: Option<PathBuf>,
    edition: u64,
    /// Books that others are held against.
    references: Vec<Book>,
}

/// A match that the provider told of.
#[derive(Debug, Clone)]
struct Met {
    named: Named,
    kickoff: Instant,
    key: Option<MatchKey>,
}

/// A fact that waits for a name, as a line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Held {
    own: Own,
    home: SmolStr,
    away: SmolStr,
    kickoff: Instant,
    event: String,
}

impl Desk {
    /// A desk for a provider. A book whose prices stand is reported as seen at this interval.
    /// What waits is kept in the file, where there is one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn open(
        src: Source,
        names: Names,
        seen_every_seconds: i64,
        file: Option<PathBuf>,
    ) -> io::Result<Self> {
        let mut desk = Self {
            changes: Changes::new(src.clone(), seen_every_seconds),
            src,
            names,
            matches: BTreeMap::new(),
            waiting: Vec::new(),
            file,
            edition: 0,
            references: Vec::new(),
        };
        desk.names.refresh(&mut desk.edition)?;
        // An edition that was never seen: what waited is looked through at the first look.
        desk.edition = u64::MAX;
        if let Some(text) = desk.file.as_ref().filter(|file| file.exists()).map(std::fs::read) {
            let text = text?;
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            for held in lines.filter_map(|line| serde_json::from_slice::<Held>(line).ok()) {
                desk.meet_waiting(&held);
                desk.waiting.push(held);
            }
        }
        Ok(desk)
    }

    /// Tells the prices of these books behind all others of a look.
    ///
    /// A look shows one moment, and its prices have no order. A decision that hangs on a reference
    /// finds all the other books there when the reference is told last, and takes the best of them;
    /// else it would take the best of those that happen to be told earlier.
    #[must_use]
    pub fn with_references(self, references: Vec<Book>) -> Self {
        Self { references, ..self }
    }

    /// The names that this desk resolves with.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    fn meet_waiting(&mut self, held: &Held) {
        let named = Named {
            id: held.own.id.clone(),
            competition: held.own.competition.clone(),
            home: held.home.clone(),
            away: held.away.clone(),
        };
        let met = Met { named, kickoff: held.kickoff, key: None };
        self.matches.entry(held.own.clone()).or_insert(met);
        if let Ok(event) = Event::from_line(&held.event) {
            self.changes.observe_of(&held.own, &event);
        }
    }

    /// Takes in what the log holds, so that a restart reports only what changed meanwhile.
    pub fn observe(&mut self, event: &Event) {
        let Some(key) = &event.key else { return };
        match &event.body {
            Body::Named(NamedFact { src, id, competition, home, away }) if *src == self.src => {
                let named = Named {
                    id: id.into(),
                    competition: competition.into(),
                    home: home.into(),
                    away: away.into(),
                };
                let met = Met { kickoff: event.at, key: Some(key.clone()), named: named.clone() };
                self.matches.insert(Own::of(&named), met);
            }
            body if src_of(body) == Some(&self.src) => {
                let of_key = self.matches.iter_mut().find(|(_, met)| met.key.as_ref() == Some(key));
                if let Some((own, met)) = of_key {
                    if let Body::Fixture(fixture) = body {
                        met.kickoff = fixture.kickoff;
                    }
                    self.changes.observe_of(own, event);
                }
            }
            _ => {}
        }
    }

    /// Reports what a look at `now` showed of the competitions that it `covers`.
    ///
    /// # Errors
    /// Decisions about names, or what waits, could not be kept: nothing was reported.
    pub fn look(
        &mut self,
        now: Instant,
        shown: Vec<ShownMatch>,
        covers: impl Fn(&Own) -> bool,
    ) -> io::Result<News> {
        let mut news = self.answered(now)?;
        let mut facts = Vec::new();
        for ShownMatch { named, kickoff, facts: of_match } in shown {
            let own = self.meet(named, kickoff);
            let of_own = of_match.into_iter();
            facts.extend(of_own.map(|(known, body)| Shown { key: own.clone(), body, known }));
        }
        let mut changes = self.changes.since_within(now, facts, covers);
        changes.sort_by_key(|change| {
            matches!(&change.body, Body::Quote(quote) if self.references.contains(&quote.book))
        });
        self.report(now, changes, &mut news)?;
        Ok(news)
    }

    /// Reports what a stream tells of a match, as it is: the stream itself says what is gone.
    ///
    /// # Errors
    /// As [`Desk::look`].
    pub fn tell(
        &mut self,
        now: Instant,
        named: Named,
        kickoff: Instant,
        facts: Vec<(Known, Body)>,
        news: &mut News,
    ) -> io::Result<()> {
        let own = self.meet(named, kickoff);
        let mut changes = Vec::with_capacity(facts.len());
        for (known, body) in facts {
            let (at, assumed) = match known {
                Known::Seen => (now, false),
                Known::Stated(at) => (at, false),
                Known::Assumed(at) => (at, true),
            };
            let change = Change { key: own.clone(), at, assumed, body };
            self.changes.observe_of(&own, &Event::global(at, change.body.clone()));
            changes.push(change);
        }
        self.report(now, changes, news)
    }

    fn meet(&mut self, named: Named, kickoff: Instant) -> Own {
        let own = Own::of(&named);
        let met = self.matches.entry(own.clone());
        let met = met.or_insert_with(|| Met { named, kickoff, key: None });
        met.kickoff = kickoff;
        own
    }

    fn report(
        &mut self,
        now: Instant,
        changes: Vec<Change<Own>>,
        news: &mut News,
    ) -> io::Result<()> {
        let mut held = Vec::new();
        for change in changes {
            let Some(met) = self.matches.get(&change.key) else { continue };
            let key = match &met.key {
                Some(key) => Some(key.clone()),
                None => self.resolve(&change.key, now, news)?,
            };
            match key {
                Some(key) => news.events.push(Event {
                    key: Some(key),
                    at: change.at,
                    assumed: change.assumed,
                    body: change.body,
                }),
                None => held.extend(self.hold(change)),
            }
        }
        self.keep(&held, news)
    }

    /// The key of a match that was not resolved yet; what it is called is told with it.
    fn resolve(
        &mut self,
        own: &Own,
        now: Instant,
        news: &mut News,
    ) -> io::Result<Option<MatchKey>> {
        let Some(met) = self.matches.get(own) else { return Ok(None) };
        match self.names.resolve(&self.src, &met.named, met.kickoff, now)? {
            Answer::Match(key) => {
                news.events.push(self.naming(&met.named, &key, now));
                if let Some(met) = self.matches.get_mut(own) {
                    met.key = Some(key.clone());
                }
                Ok(Some(key))
            }
            Answer::Ask(_) => Ok(None),
            Answer::NoMatch(reason) => {
                news.rejects.push(self.no_match(met, reason));
                self.matches.remove(own);
                Ok(None)
            }
        }
    }

    fn naming(&self, named: &Named, key: &MatchKey, now: Instant) -> Event {
        let fact = NamedFact {
            src: self.src.clone(),
            id: named.id.to_string(),
            competition: named.competition.to_string(),
            home: named.home.to_string(),
            away: named.away.to_string(),
        };
        Event::of(key.clone(), now, fact)
    }

    fn no_match(&self, met: &Met, reason: String) -> Reject {
        let Named { id, competition, home, away } = &met.named;
        Reject {
            file: SmolStr::new(self.src.as_str()),
            line: 1,
            column: None,
            value: None,
            kind: RejectKind::Name,
            scope: Scope::Row,
            reason,
            row: format!("{competition} {id}: {home} v {away}, {}", met.kickoff),
        }
    }

    fn hold(&self, change: Change<Own>) -> Option<Held> {
        let met = self.matches.get(&change.key)?;
        let event = Event { key: None, at: change.at, assumed: change.assumed, body: change.body };
        Some(Held {
            home: met.named.home.clone(),
            away: met.named.away.clone(),
            kickoff: met.kickoff,
            own: change.key,
            event: event.to_line(),
        })
    }

    /// Keeps what waits, in memory and in the file.
    fn keep(&mut self, held: &[Held], news: &mut News) -> io::Result<()> {
        let room = WAITING_MAX.saturating_sub(self.waiting.len()).min(held.len());
        for held in &held[room..] {
            if let Some(met) = self.matches.get(&held.own) {
                let reason = "too many facts wait for names; see `marabet names review`";
                news.rejects.push(self.no_match(met, reason.to_owned()));
            }
        }
        let held = &held[..room];
        if let (Some(file), false) = (&self.file, held.is_empty()) {
            let mut lines = Vec::new();
            for held in held {
                serde_json::to_writer(&mut lines, held)?;
                lines.push(b'\n');
            }
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
            io::Write::write_all(&mut file, &lines)?;
        }
        self.waiting.extend_from_slice(held);
        Ok(())
    }

    /// What waits.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Reports what the answers of persons since the last look bring about.
    ///
    /// # Errors
    /// As [`Desk::look`].
    pub fn answered(&mut self, now: Instant) -> io::Result<News> {
        let mut news = News::default();
        if !self.names.refresh(&mut self.edition)? {
            return Ok(news);
        }
        let moved: Vec<Own> = self
            .matches
            .iter()
            .filter(|(_, met)| met.key.is_some())
            .map(|(own, _)| own.clone())
            .collect();
        for own in moved {
            self.restate(&own, now, &mut news)?;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let mut still = Vec::new();
        for held in waiting {
            let key = match self.matches.get(&held.own).and_then(|met| met.key.clone()) {
                Some(key) => Some(key),
                None => self.resolve(&held.own, now, &mut news)?,
            };
            match (key, Event::from_line(&held.event)) {
                (Some(key), Ok(event)) => news.events.push(Event { key: Some(key), ..event }),
                (None, _) if self.matches.contains_key(&held.own) => still.push(held),
                _ => {}
            }
        }
        self.waiting = still;
        self.rewrite()?;
        Ok(news)
    }

    fn rewrite(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut lines = Vec::new();
        for held in &self.waiting {
            serde_json::to_writer(&mut lines, held)?;
            lines.push(b'\n');
        }
        let new = file.with_extension("new");
        std::fs::write(&new, lines)?;
        std::fs::rename(new, file)
    }

    /// Where a match now has another key: takes back what was said of the old one, and says it of
    /// the new one.
    fn restate(&mut self, own: &Own, now: Instant, news: &mut News) -> io::Result<()> {
        let Some(Met { named, kickoff, key: Some(old) }) = self.matches.get(own).cloned() else {
            return Ok(());
        };
        let new = match self.names.resolve(&self.src, &named, kickoff, now)? {
            Answer::Match(new) if new == old => return Ok(()),
            // A later leg of the same sides is a matter of the calendar, not of names.
            Answer::Match(new) if sides(&new) == sides(&old) => return Ok(()),
            Answer::Match(new) => Some(new),
            Answer::Ask(_) | Answer::NoMatch(_) => None,
        };
        let standing = self.changes.standing(own);
        let mut books: Vec<Book> = Vec::new();
        for body in &standing {
            match body {
                Body::Quote(quote) if !books.contains(&quote.book) => {
                    books.push(quote.book.clone());
                }
                Body::Result(_) => {
                    let void = MatchResult {
                        src: self.src.clone(),
                        status: ResultStatus::Void,
                        score: None,
                        half_time: None,
                    };
                    news.events.push(Event::of(old.clone(), now, void));
                }
                _ => {}
            }
        }
        for book in books {
            let gone = Withdrawn { src: self.src.clone(), book, market: None };
            news.events.push(Event::of(old.clone(), now, gone));
        }
        if let Some(met) = self.matches.get_mut(own) {
            met.key.clone_from(&new);
        }
        match new {
            Some(new) => {
                news.events.push(self.naming(&named, &new, now));
                let said = standing.into_iter().map(|body| Event::of(new.clone(), now, body));
                news.events.extend(said);
                Ok(())
            }
            None => {
                let changes = standing.into_iter().map(|body| Change {
                    key: own.clone(),
                    at: now,
                    assumed: false,
                    body,
                });
                let held: Vec<Held> = changes.filter_map(|change| self.hold(change)).collect();
                self.keep(&held, news)
            }
        }
    }
}

fn sides(key: &MatchKey) -> (&str, &str) {
    (key.home(), key.away())
}

/// Who reported a fact.
#[must_use]
pub fn src_of(body: &Body) -> Option<&Source> {
    Some(match body {
        Body::Fixture(fact) => &fact.src,
        Body::Named(fact) => &fact.src,
        Body::Quote(fact) => &fact.src,
        Body::Aggregate(fact) => &fact.src,
        Body::Withdrawn(fact) => &fact.src,
        Body::Seen(fact) => &fact.src,
        Body::Stats(fact) => &fact.src,
        Body::Incidents(fact) => &fact.src,
        Body::LineUps(fact) => &fact.src,
        Body::Absences(fact) => &fact.src,
        Body::Standing(fact) => &fact.src,
        Body::Result(fact) => &fact.src,
        Body::MatchClosed(fact) => &fact.src,
        _ => return None,
    })
}
