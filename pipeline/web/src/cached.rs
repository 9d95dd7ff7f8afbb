//! Views of a match: from the cache first, from the board where the cache has lost them.
//!
//! A view expires after its last change. A change that comes later makes it anew with that one
//! field, so that a view which is there may still lack what stood before: what the board knows
//! beside it is added, and the whole is put back.

use std::collections::BTreeMap;

use marabet_predict::view::{self, Prediction};
use marabet_quant::Market;
use marabet_schemas::facts::Quote;
use marabet_schemas::{Body, Book, Event, Instant, MatchKey};
use marabet_stage::CacheClass;
use marabet_streams::{LogError, Slot};

use crate::app::Shared;

/// A price that stands, as a view or the board has it.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// When it was quoted.
    pub(crate) at: Instant,
    /// When it was last seen to stand.
    pub(crate) seen: Instant,
    /// The quote.
    pub(crate) quote: Quote,
}

type Fields = BTreeMap<String, String>;

/// The prices of a match that stand, by market and book.
pub(crate) async fn odds(
    app: &Shared,
    key: &MatchKey,
) -> Result<BTreeMap<Market, BTreeMap<Book, Standing>>, LogError> {
    let name = view::odds(key);
    let cached = app.log.cached(CacheClass::Odds, key, &name).await?;
    let is_new = cached.is_none();
    let cached = cached.unwrap_or_default();
    let (known, gone, seen) = of_board(app, key);
    let missing: Fields =
        known.into_iter().filter(|(field, _)| !cached.contains_key(field)).collect();
    if is_new || !missing.is_empty() {
        put_back(app, CacheClass::Odds, key, &name, &missing).await?;
    }
    let mut markets: BTreeMap<Market, BTreeMap<Book, Standing>> = BTreeMap::new();
    for (field, line) in cached.iter().chain(&missing) {
        let Ok(event) = Event::from_line(line) else { continue };
        let Body::Quote(quote) = event.body else { continue };
        if gone.contains(field) {
            continue;
        }
        let seen = seen.get(field).copied().unwrap_or(event.at).max(event.at);
        let standing = Standing { at: event.at, seen, quote: quote.clone() };
        markets.entry(quote.market).or_default().insert(quote.book, standing);
    }
    Ok(markets)
}

/// What the board knows of the prices of a match: those that stand, those that are gone, and when
/// each was seen.
fn of_board(
    app: &Shared,
    key: &MatchKey,
) -> (Fields, std::collections::BTreeSet<String>, BTreeMap<String, Instant>) {
    let (mut known, mut gone) = (Fields::new(), std::collections::BTreeSet::new());
    let mut seen = BTreeMap::new();
    let board = app.board();
    let Some(one) = board.one_match(key) else { return (known, gone, seen) };
    for (market, books) in &one.prices {
        for (book, price) in books {
            let field = view::odds_field(book, market).to_string();
            seen.insert(field.clone(), price.seen);
            if price.withdrawn {
                gone.insert(field);
            } else {
                let event = Event::of(key.clone(), price.at, price.quote.clone());
                known.insert(field, event.to_line());
            }
        }
    }
    (known, gone, seen)
}

/// What the model makes of the markets of a match.
pub(crate) async fn predictions(
    app: &Shared,
    key: &MatchKey,
) -> Result<BTreeMap<Market, Prediction>, LogError> {
    let name = view::predictions(key);
    let class = CacheClass::Predictions;
    let cached = app.log.cached(class, key, &name).await?;
    let is_new = cached.is_none();
    let cached = cached.unwrap_or_default();
    let missing: Fields = {
        let board = app.board();
        let one = board.one_match(key);
        let model = one.and_then(|one| one.model.as_ref());
        let known = one.into_iter().flat_map(|one| &one.predictions);
        let lines = model.into_iter().flat_map(|(at, model)| {
            known.clone().filter_map(move |(market, outcomes)| {
                let model = model.clone();
                let made = Prediction { at: *at, model, outcomes: outcomes.clone() };
                Some((market.to_string(), serde_json::to_string(&made).ok()?))
            })
        });
        lines.filter(|(field, _)| !cached.contains_key(field)).collect()
    };
    if is_new || !missing.is_empty() {
        put_back(app, class, key, &name, &missing).await?;
    }
    let all = cached.iter().chain(&missing);
    Ok(all
        .filter_map(|(market, json)| Some((market.parse().ok()?, serde_json::from_str(json).ok()?)))
        .collect())
}

async fn put_back(
    app: &Shared,
    class: CacheClass,
    key: &MatchKey,
    name: &str,
    missing: &Fields,
) -> Result<(), LogError> {
    let slot = Slot::Partition(key.partition(app.log.namespace().partitions()));
    match app.log.put_view(class, slot, name, missing).await {
        // The view is a help; where there is no memory for it, the answer stands all the same.
        Err(LogError::Full { .. }) => Ok(()),
        done => done,
    }
}
