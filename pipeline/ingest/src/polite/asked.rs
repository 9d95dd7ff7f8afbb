//! The providers that this process asks, so that its metrics can say how they do.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Health, Polite};

/// By the names of the sources; those of the configuration, so that their number is bounded.
static ASKED: Mutex<BTreeMap<String, Polite>> = Mutex::new(BTreeMap::new());

/// Notes that a source of this process asks a provider through this client.
pub fn asks(source: &str, client: &Polite) {
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    asked.insert(source.to_owned(), client.clone());
}

/// How the providers do, by source, each with what may still be spent today, where that is known.
#[must_use]
pub fn providers() -> BTreeMap<String, (Health, Option<u64>)> {
    let asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let shown = |client: Polite| (client.health(), client.rest_of_budget());
    asked.into_iter().map(|(source, client)| (source, shown(client))).collect()
}
