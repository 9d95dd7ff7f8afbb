//! What must hold of a line that has come to rest, whatever happened to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use marabet_detect::Detect;
use marabet_predict::Predict;
use marabet_schemas::frame::Frame;
use marabet_schemas::{Body, Event, Money};
use marabet_stage::FrameOutput;
use marabet_streams::{Log, Stream};
use redis::aio::MultiplexedConnection;

use crate::expected::{self, derive, frames, quarantined};

/// What was found of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Events that should be there.
    pub expected: u64,
    /// Those that are not.
    pub lost: u64,
    /// Those that are there more often than they should, and those that should not be there.
    pub doubled: u64,
    /// Everything is there once, but not in order.
    pub disordered: bool,
}

impl Compared {
    /// Compares what is there with what should be.
    fn of(expected: &[String], found: &[String]) -> Self {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        expected.iter().for_each(|one| *counts.entry(one).or_default() += 1);
        found.iter().for_each(|one| *counts.entry(one).or_default() -= 1);
        let lost = counts.values().filter(|count| **count > 0).sum::<i64>().unsigned_abs();
        let doubled = counts.values().filter(|count| **count < 0).sum::<i64>().unsigned_abs();
        let disordered = lost + doubled == 0 && expected != found;
        Self { expected: expected.len() as u64, lost, doubled, disordered }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.expected += other.expected;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.disordered |= other.disordered;
    }

    /// Whether everything is there, once, in order.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled == 0 && !self.disordered
    }
}

/// What was found of a round's log.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By stream, dead letters and alerts included.
    pub(crate) streams: BTreeMap<&'static str, Compared>,
    /// Alerts that were told more than once, which a crash may lead to.
    pub(crate) alerts_repeated: u64,
    /// Frames that a stage passes over because they were at hand when it died too often.
    pub(crate) quarantined: u64,
}

/// The facts of each partition's feed, in order, as the source alone makes them.
pub(crate) async fn facts(log: &Log) -> anyhow::Result<BTreeMap<u16, Vec<String>>> {
    let mut all = BTreeMap::new();
    for partition in 0..log.namespace().partitions() {
        all.insert(partition, of_source(&frames(log, Stream::Feed, partition).await?));
    }
    Ok(all)
}

/// The lines of a feed. The rules in force are a source of their own, put in at the wall's time.
fn of_source(feed: &[Frame]) -> Vec<String> {
    let events = feed.iter().flat_map(|frame| frame.events.iter().flatten());
    let of_source = events.filter(|event| !matches!(event.body, Body::ConfigPublished(_)));
    of_source.map(Event::to_line).collect()
}

/// Checks everything.
pub(crate) async fn check(
    log: &Log,
    connection: &mut MultiplexedConnection,
    facts: &BTreeMap<u16, Vec<String>>,
    alerts: &Path,
) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut all_bets = BTreeMap::new();
    for (&partition, facts) in facts {
        let feed = frames(log, Stream::Feed, partition).await?;
        found.compare("feed", facts, &of_source(&feed));

        let skipped = quarantined(log, connection, partition, Predict::NAME).await?;
        let outputs = derive(log, Predict::new(), partition, &feed, &skipped).await?;
        let priced = frames(log, Stream::Priced, partition).await?;
        found.compare("priced", &derived(&outputs), &placed(&priced));
        let letters = letters(log, Predict::NAME, partition).await?;
        found.compare("dead letters", &dead(&outputs), &letters);
        found.quarantined += skipped.len() as u64;

        let skipped = quarantined(log, connection, partition, Detect::NAME).await?;
        let outputs = derive(log, Detect::new(), partition, &priced, &skipped).await?;
        let bets = frames(log, Stream::Bets, partition).await?;
        found.compare("bets", &derived(&outputs), &placed(&bets));
        let letters = self::letters(log, Detect::NAME, partition).await?;
        found.compare("dead letters", &dead(&outputs), &letters);
        found.quarantined += skipped.len() as u64;
        all_bets.insert(partition, bets);
    }
    let answers = expected::answers(log, connection).await?;
    let (granted, untaken) = expected::granted(log, &answers, &all_bets).await?;
    let lines: Vec<String> = answers.iter().flat_map(|answer| answer.lines.clone()).collect();
    found.compare("grants", &granted.concat(), &lines);
    found.streams.entry("grants").or_default().lost += untaken as u64;
    found.alerts(&lines, alerts)?;
    Ok(found)
}

impl Found {
    /// Whether nothing is lost, doubled or out of order.
    pub(crate) fn is_clean(&self) -> bool {
        self.streams.values().all(Compared::is_clean)
    }

    fn compare(&mut self, stream: &'static str, expected: &[String], found: &[String]) {
        self.streams.entry(stream).or_default().add(&Compared::of(expected, found));
    }

    /// Each bet that was granted a stake is told; one that was told again is counted apart.
    fn alerts(&mut self, grants: &[String], alerts: &Path) -> anyhow::Result<()> {
        let mut due = BTreeSet::new();
        for line in grants {
            if let Body::Grant(grant) = Event::from_line(line)?.body
                && grant.stake > Money::ZERO
                && grant.value_bet.revision == 0
            {
                due.insert(grant.value_bet.bet.to_string());
            }
        }
        let text = std::fs::read_to_string(alerts);
        let text = text.with_context(|| format!("the alerts in {}", alerts.display()))?;
        let mut told: BTreeMap<String, u64> = BTreeMap::new();
        for line in text.lines() {
            // A process that was killed while it wrote leaves a line unfinished, and tells again.
            let Ok(alert) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            if let Some(bet) = alert["bet"].as_str() {
                *told.entry(bet.to_owned()).or_default() += 1;
            }
        }
        let lost = due.iter().filter(|bet| !told.contains_key(*bet)).count() as u64;
        let expected = due.len() as u64;
        self.streams.entry("alerts").or_default().add(&Compared {
            expected,
            lost,
            ..Compared::default()
        });
        self.alerts_repeated += told.values().map(|times| times - 1).sum::<u64>();
        Ok(())
    }
}

/// Derived events under their addresses: the same ID, the same place, the same line.
fn derived(outputs: &[FrameOutput]) -> Vec<String> {
    let placed = outputs.iter().flat_map(|output| {
        output.events.iter().map(move |event| format!("{} {}", output.id, event.to_line()))
    });
    placed.collect()
}

fn placed(frames: &[Frame]) -> Vec<String> {
    let placed = frames.iter().flat_map(|frame| {
        frame.events.iter().map(move |event| match event {
            Ok(event) => format!("{} {}", frame.id, event.to_line()),
            Err(bad) => format!("{} {}", frame.id, bad.line),
        })
    });
    placed.collect()
}

fn dead(outputs: &[FrameOutput]) -> Vec<String> {
    let letters = outputs.iter().flat_map(|output| &output.dead);
    letters.map(|letter| format!("{} {}", letter.stage, letter.address)).collect()
}

async fn letters(log: &Log, stage: &str, partition: u16) -> anyhow::Result<Vec<String>> {
    let letters = log.dead_letters(stage, true, usize::MAX).await?;
    let letters = letters.into_iter().map(|entry| entry.letter);
    let own = letters.filter(|letter| letter.address.partition == partition);
    Ok(own.map(|letter| format!("{stage} {}", letter.address)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(expected: &str, found: &str) -> (u64, u64, bool) {
        let each = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let Compared { lost, doubled, disordered, .. } =
            Compared::of(&each(expected), &each(found));
        (lost, doubled, disordered)
    }

    #[test]
    fn what_is_lost_doubled_strange_or_out_of_order_is_seen() {
        assert_eq!(compared("abc", "abc"), (0, 0, false));
        assert_eq!(compared("abc", "ac"), (1, 0, false));
        assert_eq!(compared("abc", "abbc"), (0, 1, false));
        assert_eq!(compared("abc", "abx"), (1, 1, false));
        assert_eq!(compared("aab", "aba"), (0, 0, true));
    }
}
