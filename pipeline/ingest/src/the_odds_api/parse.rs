//! Replies of The Odds API, from bytes to what they show. No I/O, no clock.

use marabet_schemas::facts::{Fixture, FixtureStatus, MatchResult, ResultStatus};
use marabet_schemas::{Body, Instant, Source};
use serde_json::Value;
use smol_str::SmolStr;

use super::SOURCE;
use super::markets::{self, Offer};
use crate::changes::Known;
use crate::desk::ShownMatch;
use crate::json::{Fault, Node};
use crate::names::Named;
use crate::prices::{Gathered, Whole};
use crate::reject::{Reject, RejectKind, Scope};

/// What a reply shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parsed {
    /// The matches.
    pub matches: Vec<ShownMatch>,
    /// What could not be used.
    pub rejects: Vec<Reject>,
    /// Prices read, used or not.
    pub prices: u64,
}

/// Which of the prices are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Prices for laying too, each as a book of its own.
    pub lay: bool,
}

/// A reply of `/odds` (a list of events) or `/events/{id}/odds` (one), as it was at `now`.
/// `file` names it in rejects.
#[must_use]
pub fn odds(file: &str, bytes: &[u8], wanted: Wanted, now: Instant) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(document) = document(file, bytes, &mut parsed.rejects) else { return parsed };
    odds_of(file, Node::root(&document), wanted, now, &mut parsed);
    parsed
}

/// A reply of `/historical/…/odds`: the instant of the snapshot, the one after it, and what it
/// shows.
#[must_use]
pub fn historical(file: &str, bytes: &[u8], wanted: Wanted) -> (Option<Snapshot>, Parsed) {
    let mut parsed = Parsed::default();
    let Some(document) = document(file, bytes, &mut parsed.rejects) else { return (None, parsed) };
    let root = Node::root(&document);
    let at = match root.at("timestamp").instant() {
        Ok(at) => at,
        Err(fault) => {
            parsed.rejects.push(fault.reject(file, Scope::Row, &document));
            return (None, parsed);
        }
    };
    odds_of(file, root.at("data"), wanted, at, &mut parsed);
    let next = root.at("next_timestamp").instant().ok();
    (Some(Snapshot { at, next }), parsed)
}

/// A snapshot of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Instant,
    /// When the next one was.
    pub next: Option<Instant>,
}

/// A reply of `/events`: the matches to come, without prices.
#[must_use]
pub fn events(file: &str, bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(document) = document(file, bytes, &mut parsed.rejects) else { return parsed };
    each_event(file, Node::root(&document), &mut parsed, |event, parsed| {
        if let Some((named, kickoff)) = match_of(event)? {
            parsed.matches.push(ShownMatch { named, kickoff, facts: Vec::new() });
        }
        Ok(())
    });
    parsed
}

/// A reply of `/scores`: matches that run, and those of the last days that are over.
///
/// `knockout` competitions go on after ninety minutes, and the provider does not say what its
/// score counts: there is no result of theirs to settle on.
#[must_use]
pub fn scores(file: &str, bytes: &[u8], knockout: impl Fn(&str) -> bool) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(document) = document(file, bytes, &mut parsed.rejects) else { return parsed };
    each_event(file, Node::root(&document), &mut parsed, |event, parsed| {
        let Some((named, kickoff)) = match_of(event)? else { return Ok(()) };
        let score = score(event, &named)?;
        let is_over = event.at("completed").value() == &Value::Bool(true);
        let stated = event.at("last_update").instant();
        let known = stated.map_or(Known::Seen, Known::Stated);
        let status = if is_over { FixtureStatus::Finished } else { FixtureStatus::Live };
        let mut facts: Vec<(Known, Body)> = Vec::new();
        if is_over || score.is_some() {
            let of_live = score.filter(|_| !is_over);
            let fixture = Fixture { score: of_live, ..fixture(status, kickoff) };
            facts.push((known, fixture.into()));
        }
        if let (true, Some(score), false) = (is_over, score, knockout(&named.competition)) {
            let result = MatchResult {
                src: Source::new(SOURCE),
                status: ResultStatus::Played,
                score: Some(score),
                half_time: None,
            };
            facts.push((known, result.into()));
        }
        parsed.matches.push(ShownMatch { named, kickoff, facts });
        Ok(())
    });
    parsed
}

/// What the provider says where it refuses: its code and its message.
#[must_use]
pub fn refusal(body: &str) -> (Option<String>, String) {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    (text("error_code"), text("message").unwrap_or_else(|| body.trim().to_owned()))
}

fn document(file: &str, bytes: &[u8], rejects: &mut Vec<Reject>) -> Option<Value> {
    match serde_json::from_slice(bytes) {
        Ok(document) => Some(document),
        Err(error) => {
            rejects.push(crate::json::malformed(file, bytes, &error));
            None
        }
    }
}

fn each_event(
    file: &str,
    root: Node<'_>,
    parsed: &mut Parsed,
    mut read: impl FnMut(Node<'_>, &mut Parsed) -> Result<(), Fault>,
) {
    let one = root.value().is_object();
    let events: Vec<Node<'_>> = if one { vec![root] } else { root.items().collect() };
    if !one && let Err(fault) = root.list().map(drop) {
        parsed.rejects.push(fault.reject(file, Scope::Row, root.value()));
    }
    for event in events {
        if let Err(fault) = read(event, parsed) {
            parsed.rejects.push(fault.reject(file, Scope::Row, event.value()));
        }
    }
}

/// The match of an event; none for one that is no match: the winner of a tournament.
fn match_of(event: Node<'_>) -> Result<Option<(Named, Instant)>, Fault> {
    let id = event.at("id").code()?;
    let sport = event.at("sport_key");
    let competition = sport.code()?;
    if !competition.starts_with("soccer_") {
        let reason = format!("sport `{competition}` is not known here; football is `soccer_…`");
        return Err(sport.fault(RejectKind::Unsupported, reason));
    }
    if event.at("home_team").is_null() && event.at("away_team").is_null() {
        return Ok(None);
    }
    let side = |key: &str| {
        let text = event.at(key).text().map_err(|fault| Fault { kind: RejectKind::Name, ..fault });
        text.map(SmolStr::new)
    };
    let named = Named { id, competition, home: side("home_team")?, away: side("away_team")? };
    Ok(Some((named, event.at("commence_time").instant()?)))
}

fn odds_of(file: &str, root: Node<'_>, wanted: Wanted, now: Instant, parsed: &mut Parsed) {
    each_event(file, root, parsed, |event, parsed| {
        let Some((named, kickoff)) = match_of(event)? else {
            let reason = "no match but a contest of many; such markets are not known here";
            return Err(event.at("id").fault(RejectKind::Unsupported, reason));
        };
        let mut gathered = Gathered::default();
        for bookmaker in event.at("bookmakers").items() {
            if let Err(fault) = book_of(file, bookmaker, &named, wanted, &mut gathered, parsed) {
                parsed.rejects.push(fault.reject(file, Scope::Cell, bookmaker.value()));
            }
        }
        let facts = facts(file, gathered, kickoff, now, &mut parsed.rejects, &named);
        parsed.matches.push(ShownMatch { named, kickoff, facts });
        Ok(())
    });
}

fn book_of(
    file: &str,
    bookmaker: Node<'_>,
    named: &Named,
    wanted: Wanted,
    gathered: &mut Gathered,
    parsed: &mut Parsed,
) -> Result<(), Fault> {
    let book = markets::book(&bookmaker.at("key").code()?);
    let mut own = Gathered::default();
    let of_book = bookmaker.at("last_update").instant().ok();
    for market in bookmaker.at("markets").items() {
        let key = market.at("key").code()?;
        let stated = market.at("last_update").instant().ok().or(of_book);
        for outcome in market.at("outcomes").items() {
            parsed.prices += 1;
            let read = price(&key, outcome, named).map(|(market, selection, lays, odds)| {
                match (lays, wanted.lay) {
                    (false, _) => drop(own.price(&book, market, selection, odds, stated)),
                    (true, true) => {
                        let book = markets::lay_book(&book);
                        own.price(&book, market, selection, odds, stated);
                    }
                    (true, false) => {}
                }
            });
            if let Err((fault, place)) = read {
                if let Some((market, selection, _)) = place {
                    own.price(&book, market, selection, None, stated);
                }
                parsed.rejects.push(fault.reject(file, Scope::Cell, outcome.value()));
                // Of a market that is not known one refusal says all.
                if place.is_none() {
                    break;
                }
            }
        }
    }
    gathered.merge(own);
    Ok(())
}

type Place = (marabet_quant::Market, marabet_quant::Selection, bool);
type Price = (marabet_quant::Market, marabet_quant::Selection, bool, Option<marabet_quant::Odds>);

fn price(key: &str, outcome: Node<'_>, named: &Named) -> Result<Price, (Fault, Option<Place>)> {
    let name = outcome.at("name").text().map_err(|fault| (fault, None))?;
    let point = outcome.at("point");
    let point = if point.is_null() { None } else { Some(point.number().map_err(|f| (f, None))?) };
    let offer = Offer { market: key, outcome: name, point };
    let place = markets::selection(offer, &named.home, &named.away)
        .map_err(|(kind, reason)| (outcome.fault(kind, reason), None))?;
    let odds = outcome.at("price").odds().map_err(|fault| (fault, Some(place)))?;
    Ok((place.0, place.1, place.2, Some(odds)))
}

/// A match's facts out of its gathered prices. Of a running match the scores tell the state.
pub(crate) fn facts(
    file: &str,
    gathered: Gathered,
    kickoff: Instant,
    now: Instant,
    rejects: &mut Vec<Reject>,
    named: &Named,
) -> Vec<(Known, Body)> {
    let mut facts: Vec<(Known, Body)> = Vec::new();
    if now < kickoff {
        facts.push((Known::Seen, fixture(FixtureStatus::Scheduled, kickoff).into()));
    }
    for whole in gathered.whole(&Source::new(SOURCE), kickoff, now) {
        match whole {
            Whole::Quote { quote, stated } => {
                facts.push((stated.map_or(Known::Seen, Known::Stated), quote.into()));
            }
            Whole::Incomplete { book, market } => rejects.push(Reject {
                file: SmolStr::new(file),
                line: 1,
                column: Some(format!("{} {book}", named.id)),
                value: Some(market.to_string()),
                kind: RejectKind::Incomplete,
                scope: Scope::Cell,
                reason: "some but not all prices of the market are there".to_owned(),
                row: format!("{} v {}", named.home, named.away),
            }),
        }
    }
    facts
}

fn fixture(status: FixtureStatus, kickoff: Instant) -> Fixture {
    let src = Source::new(SOURCE);
    Fixture { src, status, kickoff, neutral: false, minute: None, score: None }
}

fn score(event: Node<'_>, named: &Named) -> Result<Option<[u8; 2]>, Fault> {
    let mut score = [None; 2];
    for of_side in event.at("scores").items() {
        let name = of_side.at("name").text()?;
        let at = match name {
            name if name == named.home => 0,
            name if name == named.away => 1,
            _ => {
                let reason = "is neither side of the match";
                return Err(of_side.at("name").fault(RejectKind::Score, reason));
            }
        };
        score[at] = Some(of_side.at("score").goals()?);
    }
    Ok(score[0].zip(score[1]).map(|(home, away)| [home, away]))
}
