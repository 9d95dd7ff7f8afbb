//! Weighing the evidence on one match.

use std::io;

use marabet_schemas::{Competition, Instant, MatchKey, Source};
use smol_str::SmolStr;

use super::canon;
use super::normal::normal;
use super::pool::{Candidate, Pool, Verdict, judge};
use super::record::{COMPETITIONS, Evidence, Question, Written};
use super::{Answer, Inner, Named};

/// How much less alike the next match must be.
const MARGIN: f64 = 0.12;
/// Both sides of two matches at one time, together, are at least so alike.
const SAME_MATCH: f64 = 0.62;
/// And each of them at least so.
const SAME_MATCH_SIDE: f64 = 0.3;

/// What one name of a match means.
#[derive(Debug, Clone, PartialEq)]
enum Meaning {
    /// This side, as was decided before.
    Decided(SmolStr),
    /// This side, which is called so.
    Known(SmolStr),
    /// This side, by what evidence.
    Likely(SmolStr, Evidence),
    /// One of these, or none.
    Open(Vec<Candidate>),
}

impl Inner {
    pub(super) fn resolve(
        &mut self,
        src: &Source,
        named: &Named,
        kickoff: Instant,
        now: Instant,
    ) -> io::Result<Answer> {
        let Some(competition) = self.competition(src, &named.competition) else {
            return self.ask_competition(src, named, now);
        };
        if named.home.trim().is_empty() || named.away.trim().is_empty() {
            return Ok(Answer::NoMatch("a side has no name".to_owned()));
        }
        if named.home == named.away {
            return Ok(Answer::NoMatch(format!("`{}` plays itself", named.home)));
        }
        let sides = [&named.home, &named.away];
        let mut meanings = sides.map(|name| self.meaning(src, &competition, name));
        // Even what is called so is looked up in the calendar: a club may go by another name there.
        if !meanings.iter().all(|meaning| matches!(meaning, Meaning::Decided(_)))
            && let Some(by_match) = self.by_match(src, &competition, sides, &meanings, kickoff)
        {
            meanings = by_match;
        }
        let mut found: Vec<SmolStr> = Vec::with_capacity(2);
        let mut open = Vec::new();
        for (name, meaning) in sides.into_iter().zip(meanings) {
            let written = self.written(src, &competition, name);
            match meaning {
                Meaning::Decided(side) | Meaning::Known(side) => found.push(side),
                Meaning::Likely(side, evidence) => {
                    self.decide(written, side.clone(), evidence, now)?;
                    found.push(side);
                }
                Meaning::Open(candidates) => {
                    let example = format!("{} v {}, {kickoff}", named.home, named.away);
                    let question = Question {
                        written: written.clone(),
                        competition: competition.clone(),
                        example,
                        candidates,
                        at: now,
                    };
                    self.ask(question)?;
                    open.push(written);
                }
            }
        }
        let [home, away] = found.as_slice() else { return Ok(Answer::Ask(open)) };
        for (side, name) in [(home, &named.home), (away, &named.away)] {
            let claim = (src.clone(), competition.clone(), side.clone());
            self.claimed.insert(claim, name.clone());
        }
        Ok(self.key(&competition, home, away, kickoff))
    }

    /// What is sure of each side that a provider lists: first what is called so, then what is
    /// alike among those that are left.
    pub(super) fn introduce(
        &mut self,
        src: &Source,
        competition: &str,
        names: &[SmolStr],
        now: Instant,
    ) -> io::Result<usize> {
        let Some(competition) = self.competition(src, competition) else { return Ok(0) };
        let names = || names.iter().filter(|name| !name.trim().is_empty());
        let mut known = std::collections::BTreeSet::new();
        for name in names() {
            if let Meaning::Decided(side) | Meaning::Known(side) =
                self.meaning(src, &competition, name)
            {
                self.claimed.insert((src.clone(), competition.clone(), side), name.clone());
                known.insert(name.clone());
            }
        }
        for name in names() {
            // A side that nothing is like waits for its first match: it may be known there.
            if !known.contains(name)
                && let Meaning::Likely(side, evidence @ Evidence::Likeness { .. }) =
                    self.meaning(src, &competition, name)
            {
                let written = self.written(src, &competition, name);
                self.decide(written, side.clone(), evidence, now)?;
                self.claimed.insert((src.clone(), competition.clone(), side), name.clone());
                known.insert(name.clone());
            }
        }
        Ok(known.len())
    }

    fn key(
        &mut self,
        competition: &Competition,
        home: &str,
        away: &str,
        kickoff: Instant,
    ) -> Answer {
        if home == away {
            return Answer::NoMatch(format!("both names mean {home}; see `marabet names review`"));
        }
        let season = self.canon.season(competition, kickoff);
        let key = MatchKey::new(competition, &season, home, away, 1).and_then(|first| {
            let leg = self.register.leg(&first, kickoff);
            MatchKey::new(competition, &season, home, away, leg)
        });
        match key {
            Ok(key) => {
                self.register.put(&key, kickoff, false);
                Answer::Match(key)
            }
            Err(error) => Answer::NoMatch(error.to_string()),
        }
    }

    fn ask_competition(&mut self, src: &Source, named: &Named, now: Instant) -> io::Result<Answer> {
        let name = named.competition.clone();
        let written = Written { src: src.clone(), table: COMPETITIONS.into(), name };
        let question = Question {
            written: written.clone(),
            competition: Competition::new(&named.competition),
            example: format!("{} v {}", named.home, named.away),
            candidates: Vec::new(),
            at: now,
        };
        self.ask(question)?;
        Ok(Answer::Ask(vec![written]))
    }

    fn table(&self, competition: &Competition) -> SmolStr {
        let known = self.canon.competition(competition);
        known.map_or_else(|| SmolStr::new(competition.as_str()), |known| known.sides.clone())
    }

    fn written(&self, src: &Source, competition: &Competition, name: &SmolStr) -> Written {
        Written { src: src.clone(), table: self.table(competition), name: name.clone() }
    }

    /// What a name means by itself.
    fn meaning(&self, src: &Source, competition: &Competition, name: &SmolStr) -> Meaning {
        let written = self.written(src, competition, name);
        if let Some(side) = self.decided.get(&written) {
            return Meaning::Decided(side.clone());
        }
        let tables = canon::tables(&written.table);
        let pools: Vec<&Pool> = tables.iter().filter_map(|table| self.pools.get(table)).collect();
        // Two names of one source in one competition are two sides.
        let taken = self.taken(src, competition, name);
        let covered = self.canon.competition(competition).is_some_and(|known| known.covered);
        match judge(&pools, name, &taken, covered) {
            Verdict::Known(side) => Meaning::Known(side),
            Verdict::Same(Candidate { side, likeness }) => {
                Meaning::Likely(side, Evidence::Likeness { likeness })
            }
            Verdict::Different => Meaning::Likely(side_name(name), Evidence::New),
            Verdict::Ask(candidates) => Meaning::Open(candidates),
        }
    }

    /// What both names mean, by a known match of the competition at about that time.
    fn by_match(
        &self,
        src: &Source,
        competition: &Competition,
        names: [&SmolStr; 2],
        meanings: &[Meaning; 2],
        kickoff: Instant,
    ) -> Option<[Meaning; 2]> {
        let table = self.table(competition);
        let pool = self.pools.get(&table)?;
        let taken = names.map(|name| self.taken(src, competition, name));
        // How well each side of a known match fits: 1 or 0 where the name is known.
        let fit = |side: &str, at: usize| match &meanings[at] {
            Meaning::Decided(known) => f64::from(u8::from(known == side)),
            Meaning::Known(known) if known == side => 1.0,
            _ if normal(names[at]).eleven != normal(side).eleven => 0.0,
            _ if taken[at].contains(side) => 0.0,
            _ => pool.likeness(names[at], side),
        };
        let mut fits: Vec<(f64, [f64; 2], &MatchKey)> = self
            .register
            .about(competition, kickoff)
            .map(|known| {
                let fits = [fit(known.key.home(), 0), fit(known.key.away(), 1)];
                ((fits[0] + fits[1]) / 2.0, fits, &known.key)
            })
            .collect();
        fits.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (both, each, key) = *fits.first()?;
        let next = fits.get(1).map_or(0.0, |next| next.0);
        let known = |at: usize| {
            matches!(meanings[at], Meaning::Known(_) | Meaning::Decided(_)) && each[at] == 1.0
        };
        // A side plays one match at a time: its opponent is who the known match says.
        let by_opponent =
            (known(0) || known(1)) && both - next >= 0.3 && each[0].min(each[1]) > 0.0;
        let by_both =
            both >= SAME_MATCH && each[0].min(each[1]) >= SAME_MATCH_SIDE && both - next >= MARGIN;
        // What is called so gives way to a side that is much alike alone.
        let contradicts = |at: usize| match &meanings[at] {
            Meaning::Known(_) => each[at] < 0.68,
            _ => false,
        };
        if !(by_opponent || by_both) || contradicts(0) || contradicts(1) {
            return None;
        }
        let mean = |side: &str, at: usize| match &meanings[at] {
            Meaning::Decided(known) => Meaning::Decided(known.clone()),
            Meaning::Known(known) if known == side => Meaning::Known(known.clone()),
            _ => {
                let key = SmolStr::new(key.as_str());
                let evidence = Evidence::Match { key, likeness: each[at] };
                Meaning::Likely(SmolStr::new(side), evidence)
            }
        };
        Some([mean(key.home(), 0), mean(key.away(), 1)])
    }
}

/// The name under which a new side goes: the provider's, without what a key cannot hold.
fn side_name(name: &str) -> SmolStr {
    let kept = name.chars().filter(|letter| *letter != '|' && !letter.is_control());
    SmolStr::from(kept.collect::<String>().trim())
}
