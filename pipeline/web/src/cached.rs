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
    let (known, gone, seen) = of_board(app, key);
    let fields = whole(app, (CacheClass::Odds, key, &name), cached, known).await?;
    let mut markets: BTreeMap<Market, BTreeMap<Book, Standing>> = BTreeMap::new();
    for (field, line) in &fields {
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
    let known: Fields = {
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
        lines.collect()
    };
    let fields = whole(app, (class, key, &name), cached, known).await?;
    Ok(fields
        .iter()
        .filter_map(|(market, json)| Some((market.parse().ok()?, serde_json::from_str(json).ok()?)))
        .collect())
}

/// What was cached of a view, with what is known beside it, which is put back where it was missing;
/// a view that was not there is put back even where nothing is known.
async fn whole(
    app: &Shared,
    (class, key, name): (CacheClass, &MatchKey, &str),
    cached: Option<Fields>,
    known: Fields,
) -> Result<Fields, LogError> {
    let is_new = cached.is_none();
    let mut fields = cached.unwrap_or_default();
    let missing: Fields =
        known.into_iter().filter(|(field, _)| !fields.contains_key(field)).collect();
    if is_new || !missing.is_empty() {
        let slot = Slot::Partition(key.partition(app.log.namespace().partitions()));
        match app.log.put_view(class, slot, name, &missing).await {
            // The view is a help; where there is no memory for it, the answer stands all the same.
            Ok(()) | Err(LogError::Full { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    fields.extend(missing);
    Ok(fields)
}
