//! Which match a provider means: its names for competition and sides, resolved to ours.
//!
//! A name that we know, or that was decided before, is understood at once. Else there is
//! evidence: a match of the same competition at the same time whose sides are alike, or whose
//! other side is known already; or one side of the table that is like the name while no other
//! is. What the evidence does not decide is asked of a person ([`record::Question`]), never
//! guessed, and what was told of such a match waits.
//!
//! Decisions are recorded with what they rest on, and the log keeps each source's own name for a
//! match (`named`), so that a wrong one can be undone.

pub mod canon;
mod decide;
mod likeness;
pub mod normal;
pub mod pool;
pub mod record;
pub mod register;
pub mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use marabet_schemas::{Competition, Event, Instant, MatchKey, Source};
use smol_str::SmolStr;

use canon::Canon;
use pool::Pool;
use record::{COMPETITIONS, Evidence, Question, Record, Written};
use register::Register;
use store::{MemoryStore, Store};

/// A match as a provider names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    /// The provider's own number of the match.
    pub id: SmolStr,
    /// The competition, by the provider's code or name.
    pub competition: SmolStr,
    /// The home side.
    pub home: SmolStr,
    /// The away side.
    pub away: SmolStr,
}

/// What came of resolving.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The match.
    Match(MatchKey),
    /// It waits for these names.
    Ask(Vec<Written>),
    /// It can be no match: a side is missing, or both are the same.
    NoMatch(String),
}

/// The names, shared by all sources of a process.
#[derive(Clone)]
pub struct Names {
    inner: Arc<Mutex<Inner>>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

struct Inner {
    canon: Canon,
    store: Box<dyn Store>,
    pools: BTreeMap<SmolStr, Pool>,
    decided: BTreeMap<Written, SmolStr>,
    /// Under which name each source tells of a side in a competition: two names of one source
    /// are two sides.
    claimed: BTreeMap<(Source, Competition, SmolStr), SmolStr>,
    asked: BTreeMap<Written, Question>,
    register: Register,
    /// Rises with each decision of a person: what was resolved before may have changed.
    edition: u64,
}

impl Names {
    /// The names of this program and those of a record.
    ///
    /// # Errors
    /// What the store reports.
    pub fn open(store: Box<dyn Store>) -> io::Result<Self> {
        let canon = Canon::built_in();
        let mut pools: BTreeMap<SmolStr, Pool> = BTreeMap::new();
        for (table, sides) in canon.sides() {
            let pool = pools.entry(table.clone()).or_default();
            for (side, others) in sides {
                pool.learn(side, side);
                others.iter().for_each(|other| pool.learn(side, other));
            }
        }
        let mut inner = Inner {
            canon,
            store,
            pools,
            decided: BTreeMap::new(),
            claimed: BTreeMap::new(),
            asked: BTreeMap::new(),
            register: Register::default(),
            edition: 0,
        };
        inner.take_news()?;
        Ok(Self { inner: Arc::new(Mutex::new(inner)) })
    }

    /// The names of this program; what is decided ends with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::open(Box::<MemoryStore>::default()).expect("memory reports no errors")
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A panic while it was held left whole entries behind: each is written at once.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the log says of matches.
    pub fn observe(&self, event: &Event) {
        self.inner().observe(event);
    }

    /// Takes in what was decided elsewhere since the last call, and says whether a person changed
    /// anything since this edition.
    ///
    /// # Errors
    /// What the store reports.
    pub fn refresh(&self, edition: &mut u64) -> io::Result<bool> {
        let mut inner = self.inner();
        inner.take_news()?;
        let changed = inner.edition != *edition;
        *edition = inner.edition;
        Ok(changed)
    }

    /// The match that a provider means.
    ///
    /// # Errors
    /// What the store reports: a decision that cannot be kept is not made.
    pub fn resolve(
        &self,
        src: &Source,
        named: &Named,
        kickoff: Instant,
        now: Instant,
    ) -> io::Result<Answer> {
        self.inner().resolve(src, named, kickoff, now)
    }

    /// Takes in all sides that a provider lists in a competition. A name that is called so, or is
    /// much like one side and no other, is decided now, without a match; and as two names of one
    /// source are two sides, every one that is decided leaves fewer for the others. Returns how
    /// many are known by now; the others wait for a match with its evidence.
    ///
    /// # Errors
    /// What the store reports.
    pub fn introduce(
        &self,
        src: &Source,
        competition: &str,
        names: &[SmolStr],
        now: Instant,
    ) -> io::Result<usize> {
        self.inner().introduce(src, competition, names, now)
    }

    /// The competition that a provider calls so.
    #[must_use]
    pub fn competition(&self, provider: &Source, name: &str) -> Option<Competition> {
        self.inner().competition(provider, name)
    }

    /// What a provider calls a competition.
    #[must_use]
    pub fn provider_name(&self, provider: &str, competition: &Competition) -> Option<String> {
        self.inner().canon.provider_name(provider, competition).map(str::to_owned)
    }

    /// The season of a competition that is played at this instant.
    #[must_use]
    pub fn season(&self, competition: &Competition, at: Instant) -> String {
        self.inner().canon.season(competition, at)
    }

    /// Whether matches of a competition may go on after ninety minutes.
    #[must_use]
    pub fn is_knockout(&self, competition: &Competition) -> bool {
        self.inner().canon.competition(competition).is_none_or(|known| known.knockout)
    }

    /// What is asked, oldest first.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        let mut questions: Vec<Question> = self.inner().asked.values().cloned().collect();
        questions.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.written.cmp(&b.written)));
        questions
    }

    /// What a name was decided to mean.
    #[must_use]
    pub fn decided(&self, written: &Written) -> Option<SmolStr> {
        self.inner().decided.get(written).cloned()
    }

    /// All decisions.
    #[must_use]
    pub fn decisions(&self) -> Vec<(Written, SmolStr)> {
        self.inner().decided.iter().map(|(w, side)| (w.clone(), side.clone())).collect()
    }

    /// Records what a person says: this name means this side.
    ///
    /// # Errors
    /// What the store reports.
    pub fn answer(&self, written: Written, side: &str, now: Instant) -> io::Result<()> {
        self.inner().decide(written, SmolStr::new(side), Evidence::Person, now)
    }
}

impl Inner {
    fn take_news(&mut self) -> io::Result<()> {
        for record in self.store.news()? {
            match record {
                Record::Decided { written, side, evidence, .. } => {
                    self.learn(written, side, &evidence);
                }
                Record::Asked(question) => {
                    if !self.decided.contains_key(&question.written) {
                        self.asked.insert(question.written.clone(), question);
                    }
                }
            }
        }
        Ok(())
    }

    fn learn(&mut self, written: Written, side: SmolStr, evidence: &Evidence) {
        if *evidence == Evidence::Person && self.decided.get(&written) != Some(&side) {
            self.edition += 1;
        }
        self.asked.remove(&written);
        self.pools.entry(written.table.clone()).or_default().learn(&side, &side);
        self.decided.insert(written, side);
    }

    fn decide(
        &mut self,
        written: Written,
        side: SmolStr,
        evidence: Evidence,
        at: Instant,
    ) -> io::Result<()> {
        let record = Record::Decided { written: written.clone(), side: side.clone(), evidence, at };
        self.store.record(&record)?;
        if let Record::Decided { evidence, .. } = record {
            self.learn(written, side, &evidence);
        }
        Ok(())
    }

    fn ask(&mut self, question: Question) -> io::Result<()> {
        if !self.asked.contains_key(&question.written) {
            self.store.record(&Record::Asked(question.clone()))?;
            self.asked.insert(question.written.clone(), question);
        }
        Ok(())
    }

    fn observe(&mut self, event: &Event) {
        self.register.observe(event);
        let Some(key) = &event.key else { return };
        // The names in keys are ours: a source may call a side so.
        if let Some(known) = self.canon.competition(&key.competition()) {
            let pool = self.pools.entry(known.sides.clone()).or_default();
            for side in [key.home(), key.away()] {
                pool.learn(&SmolStr::new(side), side);
            }
        }
    }

    fn competition(&self, src: &Source, name: &str) -> Option<Competition> {
        let known = self.canon.called(src.as_str(), name);
        known.or_else(|| {
            let written =
                Written { src: src.clone(), table: COMPETITIONS.into(), name: SmolStr::new(name) };
            self.decided.get(&written).map(Competition::new)
        })
    }

    /// The sides that a source has told of in a competition under other names.
    fn taken(&self, src: &Source, competition: &Competition, name: &str) -> BTreeSet<SmolStr> {
        let of_source =
            self.claimed.range((src.clone(), competition.clone(), SmolStr::default())..);
        of_source
            .take_while(|((claimant, within, _), _)| claimant == src && within == competition)
            .filter(|(_, under)| under.as_str() != name)
            .map(|((_, _, side), _)| side.clone())
            .collect()
    }
}
