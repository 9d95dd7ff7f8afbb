//! The view that the stage keeps in the cache, for the API.
//!
//! | view | field | value | kept as |
//! |---|---|---|---|
//! | `bets:<match>` | `<bet>` | the latest `value_bet` of an open bet, as its line | predictions |
//!
//! A settlement takes the field away.

use marabet_schemas::{BetId, Event, MatchKey};
use marabet_stage::{CacheClass, CacheEntry, Json, ViewName};
use smol_str::format_smolstr;

/// The name of a match's bets.
#[must_use]
pub fn bets(key: &MatchKey) -> String {
    name(key).to_string()
}

fn name(key: &MatchKey) -> ViewName {
    ViewName::new("bets", key.clone())
}

/// A bet as it is shown now.
pub(crate) fn shown(key: &MatchKey, bet: BetId, event: &Event) -> CacheEntry {
    entry(key, bet, Some(event.to_line().into()))
}

/// A bet that is open no more.
pub(crate) fn settled(key: &MatchKey, bet: BetId) -> CacheEntry {
    entry(key, bet, None)
}

fn entry(key: &MatchKey, bet: BetId, json: Option<Json>) -> CacheEntry {
    let field = format_smolstr!("{bet}");
    CacheEntry { class: CacheClass::Predictions, name: name(key), field, json }
}
