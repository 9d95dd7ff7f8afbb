//! openfootball's `football.json`: fixtures and results, free of rights.
//!
//! A file is one competition and season. Its times are of the place, without a zone; they are
//! taken for UTC, so that every instant here is marked as assumed. A match is announced a week
//! before its kick-off, and its result known two and a half hours after it.

use std::path::PathBuf;

use async_trait::async_trait;
use marabet_schemas::facts::{Fixture, FixtureStatus, MatchResult, ResultStatus};
use marabet_schemas::{Body, Instant, Source as SourceName};
use serde_json::Value;
use smol_str::SmolStr;

use crate::changes::Known;
use crate::desk::{Desk, News};
use crate::json::{Fault, Node, malformed};
use crate::names::Named;
use crate::recorded::Numbered;
use crate::reject::{Reject, RejectKind, Scope};
use crate::source::{Batch, Source, SourceError};

/// The name of this source in facts and in the configuration.
pub const SOURCE: &str = "openfootball";

/// A match of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The match.
    pub named: Named,
    /// When it starts, by the rule above.
    pub kickoff: Instant,
    /// Goals after ninety minutes, and at half time.
    pub score: Option<([u8; 2], Option<[u8; 2]>)>,
}

const ANNOUNCED_SECONDS: i64 = 7 * 86_400;
const OVER_SECONDS: i64 = 9_000;

/// Reads a file; the competition is what its name begins with, as in `en.1.json`.
#[must_use]
pub fn read(file: &str, bytes: &[u8], rejects: &mut Vec<Reject>) -> Vec<Listed> {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let mut parts = name.split(['.', '_', '-']);
    let competition =
        format!("{}.{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let document: Value = match serde_json::from_slice(bytes) {
        Ok(document) => document,
        Err(error) => {
            rejects.push(malformed(file, bytes, &error));
            return Vec::new();
        }
    };
    let root = Node::root(&document);
    // Older files list matches by round.
    let mut matches: Vec<Node<'_>> = Vec::new();
    let (flat, rounds) = (root.at("matches"), root.at("rounds"));
    matches.extend(flat.items());
    let rounds: Vec<Node<'_>> = rounds.items().collect();
    let lists: Vec<Node<'_>> = rounds.iter().map(|round| round.at("matches")).collect();
    matches.extend(lists.iter().flat_map(Node::items));
    let mut listed = Vec::with_capacity(matches.len());
    for one in matches {
        match listed_of(one, &competition) {
            Ok(one) => listed.push(one),
            Err(fault) => rejects.push(fault.reject(file, Scope::Row, one.value())),
        }
    }
    listed
}

fn listed_of(one: Node<'_>, competition: &str) -> Result<Listed, Fault> {
    // A side is a name, or an object that has one.
    let side = |key: &str| {
        let side = one.at(key);
        let name = side.at("name");
        let text = if name.is_null() { side.text() } else { name.text() };
        text.map(SmolStr::new).map_err(|fault| Fault { kind: RejectKind::Name, ..fault })
    };
    let date = one.at("date");
    let time = one.at("time").text().unwrap_or("12:00");
    let time = time.split_whitespace().next().unwrap_or("12:00");
    let kickoff = format!("{}T{time}:00Z", date.text()?);
    let kickoff: Instant = kickoff
        .parse()
        .map_err(|_| date.fault(RejectKind::Date, format!("`{kickoff}` is no instant")))?;
    let (home, away) = (side("team1")?, side("team2")?);
    let score = one.at("score");
    let pair = |node: Node<'_>| -> Result<Option<[u8; 2]>, Fault> {
        let goals: Vec<u8> = node.items().map(|goals| goals.goals()).collect::<Result<_, _>>()?;
        match goals.as_slice() {
            [] => Ok(None),
            [home, away] => Ok(Some([*home, *away])),
            _ => Err(node.fault(RejectKind::Score, "should be two numbers of goals")),
        }
    };
    let full = if score.value().is_array() { pair(score)? } else { pair(score.at("ft"))? };
    let half = pair(score.at("ht"))?;
    let id = SmolStr::from(format!("{} {home} {away}", kickoff.day()));
    let named = Named { id, competition: competition.into(), home, away };
    Ok(Listed { named, kickoff, score: full.map(|full| (full, half)) })
}

/// openfootball's files as a source.
#[derive(Debug)]
pub struct Openfootball {
    name: SourceName,
    desk: Desk,
    files: Vec<PathBuf>,
    read: bool,
    numbered: Numbered,
}

impl Openfootball {
    /// Reads these files.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, desk: Desk) -> Self {
        Self {
            name: SourceName::new(SOURCE),
            desk,
            files,
            read: false,
            numbered: Numbered::default(),
        }
    }

    fn all(&mut self) -> Result<News, SourceError> {
        let mut news = News::default();
        let mut told: Vec<(Instant, Named, Instant, Body)> = Vec::new();
        for path in &self.files {
            let file = path.display().to_string();
            let bytes = std::fs::read(path)
                .map_err(|error| SourceError::permanent(format!("{file}: {error}")))?;
            for Listed { named, kickoff, score } in read(&file, &bytes, &mut news.rejects) {
                let fixture = |status| Fixture {
                    src: SourceName::new(SOURCE),
                    status,
                    kickoff,
                    neutral: false,
                    minute: None,
                    score: None,
                };
                let announced = kickoff.plus_seconds(-ANNOUNCED_SECONDS);
                let planned = fixture(FixtureStatus::Scheduled).into();
                told.push((announced, named.clone(), kickoff, planned));
                if let Some((full, half_time)) = score {
                    let over = kickoff.plus_seconds(OVER_SECONDS);
                    let (src, status) = (SourceName::new(SOURCE), ResultStatus::Played);
                    let result = MatchResult { src, status, score: Some(full), half_time };
                    let finished = fixture(FixtureStatus::Finished).into();
                    told.push((over, named.clone(), kickoff, finished));
                    told.push((over, named, kickoff, result.into()));
                }
            }
        }
        told.sort_by_key(|a| a.0);
        for (at, named, kickoff, body) in told {
            let facts = vec![(Known::Assumed(at), body)];
            let said = self.desk.tell(at, named, kickoff, facts, &mut news);
            said.map_err(|error| SourceError::transient(error.to_string()))?;
        }
        Ok(news)
    }
}

#[async_trait]
impl Source for Openfootball {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn resume(&mut self, from: u64) -> Result<(), SourceError> {
        self.numbered.resume(from);
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        if std::mem::replace(&mut self.read, true) {
            return Ok(None);
        }
        let News { events, rejects } = self.all()?;
        let batch = self.numbered.number(Batch { first: None, events, rejects });
        self.numbered.ended(&self.name)?;
        Ok(Some(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_read_flat_or_by_round_with_sides_by_name_or_as_objects() {
        let flat = r#"{"name":"x","matches":[
            {"round":"1","date":"2025-08-15","time":"20:00","team1":"Liverpool FC","team2":"AFC Bournemouth","score":{"ht":[1,0],"ft":[4,2]}},
            {"date":"2026-05-24","team1":"Arsenal FC","team2":"Chelsea FC"},
            {"date":"never","team1":"A","team2":"B"},{"date":"2026-05-24","team1":"A"}]}"#;
        let mut rejects = Vec::new();
        let read_flat = read("data/2025-26/en.1.json", flat.as_bytes(), &mut rejects);
        assert_eq!(read_flat.len(), 2);
        assert_eq!(read_flat[0].named.competition, "en.1");
        assert_eq!(read_flat[0].score, Some(([4, 2], Some([1, 0]))));
        assert_eq!(read_flat[1].kickoff.to_string(), "2026-05-24T12:00:00Z");
        assert_eq!(rejects.len(), 2);
        let rounds = r#"{"rounds":[{"matches":[{"date":"2018-08-10","team1":{"name":"Manchester United"},"team2":{"name":"Leicester City"},"score":{"ft":["2","1"]}}]}]}"#;
        assert_eq!(
            read("en.1.json", rounds.as_bytes(), &mut rejects)[0].score,
            Some(([2, 1], None))
        );
    }
}
