//! `marabet bets today`: what can be placed now, or why there is nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::{Grant, RefusalReason};
use marabet_schemas::{BetId, Body, Book, Event, Instant, MatchKey, Money, StrategyName};
use serde::Serialize;

use crate::output::{Answer, percent};
use crate::summary::{Streams, by_frequency};

/// What can be placed now.
#[derive(Debug, Serialize)]
pub(super) struct Today {
    now: Instant,
    bets: Vec<Placeable>,
    /// Why bets that were found cannot be placed now.
    gone: Gone,
    /// Where nothing is to be placed: what is known that explains it.
    known: Known,
}

/// A bet that can be placed.
#[derive(Debug, Serialize)]
struct Placeable {
    bet: BetId,
    strategy: StrategyName,
    r#match: MatchKey,
    kickoff: Instant,
    book: Book,
    market: Market,
    selection: Selection,
    odds: Odds,
    ev: f64,
    stake: Money,
    currency: String,
    /// After this the price counts as stale.
    until: Instant,
}

/// How many granted bets cannot be placed now, by what stands against them.
#[derive(Debug, Default, Serialize)]
struct Gone {
    kicked_off: u64,
    stale: u64,
    nothing_granted: u64,
}

/// What the log knows at all.
#[derive(Debug, Default, Serialize)]
struct Known {
    matches_to_come: u64,
    quotes: u64,
    last_fact: Option<Instant>,
    refusals: BTreeMap<RefusalReason, u64>,
}

pub(super) fn today(streams: &Streams, grants: &[Event], now: Instant) -> Today {
    let mut today =
        Today { now, bets: Vec::new(), gone: Gone::default(), known: known(streams, now) };
    // A bet is granted once; later revisions of it change what is shown.
    let mut latest: BTreeMap<BetId, (&MatchKey, &Grant)> = BTreeMap::new();
    for event in grants {
        if let (Body::Grant(grant), Some(key)) = (&event.body, &event.key) {
            latest.insert(grant.value_bet.bet, (key, grant));
        }
    }
    latest.values().for_each(|(key, grant)| today.take(key, grant));
    today.bets.sort_by(|a, b| a.kickoff.cmp(&b.kickoff).then_with(|| b.ev.total_cmp(&a.ev)));
    today
}

impl Today {
    fn take(&mut self, key: &MatchKey, grant: &Grant) {
        let bet = &grant.value_bet;
        if !bet.in_play && bet.kickoff <= self.now {
            self.gone.kicked_off += 1;
        } else if bet.expires < self.now {
            self.gone.stale += 1;
        } else if grant.stake == Money::ZERO {
            self.gone.nothing_granted += 1;
        } else {
            self.bets.push(Placeable {
                bet: bet.bet,
                strategy: bet.strategy.clone(),
                r#match: key.clone(),
                kickoff: bet.kickoff,
                book: bet.book.clone(),
                market: bet.market,
                selection: bet.selection,
                odds: bet.odds,
                ev: bet.ev,
                stake: grant.stake,
                currency: grant.currency.clone(),
                until: bet.until(),
            });
        }
    }
}

fn known(streams: &Streams, now: Instant) -> Known {
    let mut known = Known::default();
    let mut to_come: BTreeSet<&MatchKey> = BTreeSet::new();
    for event in &streams.priced {
        known.last_fact = known.last_fact.max(Some(event.at));
        match (&event.body, &event.key) {
            (Body::Fixture(fixture), Some(key)) if fixture.kickoff > now => {
                to_come.insert(key);
            }
            (Body::Priced(_), _) => known.quotes += 1,
            _ => {}
        }
    }
    known.matches_to_come = to_come.len() as u64;
    for event in &streams.bets {
        if let Body::Refused(refused) = &event.body {
            *known.refusals.entry(refused.reason).or_default() += 1;
        }
    }
    known
}

impl Answer for Today {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for bet in &self.bets {
            writeln!(
                out,
                "{} {}  {} – {}, kick-off {}\n  {} {} at {} with {}: stake {} {} (EV {}, by {}), until {}",
                bet.bet,
                bet.r#match.competition(),
                bet.r#match.home(),
                bet.r#match.away(),
                bet.kickoff,
                bet.market,
                bet.selection,
                bet.odds,
                bet.book,
                bet.stake,
                bet.currency,
                percent(bet.ev),
                bet.strategy,
                bet.until
            )?;
        }
        if self.bets.is_empty() {
            self.explain(out)?;
        }
        Ok(())
    }
}

impl Today {
    fn explain(&self, out: &mut dyn Write) -> io::Result<()> {
        let Known { matches_to_come, quotes, last_fact, refusals } = &self.known;
        writeln!(out, "nothing can be placed at {}", self.now)?;
        match last_fact {
            None => writeln!(out, "  the log holds no fact; give `marabet run` a source")?,
            Some(at) => writeln!(
                out,
                "  the log knows {quotes} quotes, the last fact is of {at}; {matches_to_come} matches are to come"
            )?,
        }
        let Gone { kicked_off, stale, nothing_granted } = self.gone;
        writeln!(
            out,
            "  bets found earlier: {kicked_off} have kicked off, {stale} have a stale price, \
             {nothing_granted} were left without stake by the caps"
        )?;
        for (reason, count) in by_frequency(refusals) {
            writeln!(out, "  refused {count} times: {}", reason.as_str())?;
        }
        Ok(())
    }
}
