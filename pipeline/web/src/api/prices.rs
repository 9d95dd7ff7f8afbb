//! Prices of a match, how they moved, and what the model makes of them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use marabet_quant::devig::{Method, devig};
use marabet_quant::{Market, Odds as Price, Selection};
use marabet_schemas::bets::{ModelView, OutcomeRow};
use marabet_schemas::facts::{OddsList, Phase};
use marabet_schemas::{Book, Instant, MatchKey, Source};
use marabet_views::board::Point;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fixtures::unknown;
use crate::app::{App, Shared};
use crate::cached::{self, Standing};
use crate::extract::{Named, NoParams, Params};
use crate::problem::Problem;

/// Which market.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarketFilter {
    /// This market alone: `1x2`, `ou@2.5`, `ah@-0.25`.
    market: Option<Market>,
}

/// The prices of one market.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MarketPrices {
    /// The market.
    market: Market,
    /// What can be bet on, in the order of every list of odds here.
    selections: Vec<Selection>,
    /// The best price of each selection.
    best: Vec<BestPrice>,
    /// Prices by book.
    books: Vec<BookPrices>,
    /// The reference's price without its margin, where a reference has one.
    fair: Option<FairPrices>,
    /// The model's probability of winning for each selection; empty without a model.
    model: Vec<f64>,
}

/// The best price of a selection.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BestPrice {
    /// On what.
    selection: Selection,
    /// The odds.
    odds: Price,
    /// Where.
    book: Book,
}

/// One book's prices.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BookPrices {
    /// Whose.
    book: Book,
    /// Who reported them.
    src: Source,
    /// Decimal odds.
    odds: OddsList,
    /// The margin: what the inverse odds add up to, less one.
    margin: f64,
    /// When in the life of the match.
    phase: Phase,
    /// When they were quoted.
    at: Instant,
    /// When they were last seen to stand.
    seen: Instant,
}

/// A reference's prices without their margin.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FairPrices {
    /// The reference.
    book: Book,
    /// How the margin was taken out.
    devig: Method,
    /// Probabilities of the selections.
    probabilities: Vec<f64>,
}

/// The prices of a match.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Odds {
    /// The match.
    r#match: MatchKey,
    /// By market.
    markets: Vec<MarketPrices>,
}

pub(crate) async fn odds(
    State(app): State<App>,
    Named(key): Named<MatchKey>,
    Params(filter): Params<MarketFilter>,
) -> Result<Json<Odds>, Problem> {
    known(&app, &key)?;
    let mut markets = markets(&app, &key).await?;
    markets.retain(|one| filter.market.is_none_or(|wanted| wanted == one.market));
    Ok(Json(Odds { r#match: key, markets }))
}

fn known(app: &Shared, key: &MatchKey) -> Result<(), Problem> {
    app.board().one_match(key).map(|_| ()).ok_or_else(|| unknown(key))
}

/// The prices of a match by market, beside the reference's and the model's probabilities.
pub(crate) async fn markets(app: &Shared, key: &MatchKey) -> Result<Vec<MarketPrices>, Problem> {
    let (odds, predictions) = (cached::odds(app, key), cached::predictions(app, key));
    let (odds, predictions) = futures::future::try_join(odds, predictions).await?;
    let closing = {
        let board = app.board();
        board.rules().map_or_else(Default::default, |published| published.rules.closing.clone())
    };
    let show = |(market, books): (Market, BTreeMap<Book, Standing>)| {
        let fair = closing.references.iter().find_map(|book| {
            let quote = &books.get(book)?.quote;
            let fair = devig(closing.devig, &quote.odds).ok()?;
            let probabilities = fair.probabilities;
            Some(FairPrices { book: book.clone(), devig: closing.devig, probabilities })
        });
        let model = predictions.get(&market).map_or_else(Vec::new, |made| {
            // A half-win counts as a half: what one unit of stake has of winning.
            made.outcomes.iter().map(|[win, half_win, ..]| win + half_win / 2.0).collect()
        });
        MarketPrices {
            market,
            selections: market.selections().to_vec(),
            best: best(&market, &books),
            books: books.into_iter().map(|(book, standing)| row(book, standing)).collect(),
            fair,
            model,
        }
    };
    Ok(odds.into_iter().map(show).collect())
}

fn best(market: &Market, books: &BTreeMap<Book, Standing>) -> Vec<BestPrice> {
    let selections = market.selections().iter().enumerate();
    selections
        .filter_map(|(index, selection)| {
            let prices = books
                .iter()
                .filter_map(|(book, standing)| Some((book, *standing.quote.odds.get(index)?)));
            let (book, odds) =
                prices.max_by(|(_, a), (_, b)| a.decimal().total_cmp(&b.decimal()))?;
            Some(BestPrice { selection: *selection, odds, book: book.clone() })
        })
        .collect()
}

fn row(book: Book, standing: Standing) -> BookPrices {
    let Standing { at, seen, quote } = standing;
    let sum: f64 = quote.odds.iter().map(|odds| 1.0 / odds.decimal()).sum();
    let (src, odds, phase) = (quote.src, quote.odds, quote.phase);
    BookPrices { book, src, odds, margin: sum - 1.0, phase, at, seen }
}

/// How the prices of a match moved.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Movements {
    /// The match.
    r#match: MatchKey,
    /// By market and book.
    movements: Vec<BookMovement>,
}

/// How one book's prices moved.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BookMovement {
    /// The market.
    market: Market,
    /// Whose.
    book: Book,
    /// Its prices, the oldest first; old ones more coarsely.
    points: Vec<Point>,
}

pub(crate) async fn movement(
    State(app): State<App>,
    Named(key): Named<MatchKey>,
    Params(filter): Params<MarketFilter>,
) -> Result<Json<Movements>, Problem> {
    let board = app.board();
    let one = board.one_match(&key).ok_or_else(|| unknown(&key))?;
    let wanted =
        one.prices.iter().filter(|(market, _)| filter.market.is_none_or(|one| one == **market));
    let movements = wanted.flat_map(|(market, books)| {
        books.iter().map(|(book, price)| BookMovement {
            market: *market,
            book: book.clone(),
            points: price.movement.points().to_vec(),
        })
    });
    Ok(Json(Movements { r#match: key.clone(), movements: movements.collect() }))
}

/// What the model makes of a match.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Predictions {
    /// The match.
    r#match: MatchKey,
    /// By market.
    predictions: Vec<MarketPrediction>,
}

/// What the model makes of a market.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MarketPrediction {
    /// The market.
    market: Market,
    /// Its selections.
    selections: Vec<Selection>,
    /// The model's view of the match.
    model: ModelView,
    /// Probabilities of win, half-win, push, half-loss and loss, one row a selection.
    outcomes: Vec<OutcomeRow>,
    /// Event time of the quote that it was made for.
    at: Instant,
}

pub(crate) async fn predictions(
    State(app): State<App>,
    Named(key): Named<MatchKey>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Predictions>, Problem> {
    known(&app, &key)?;
    let found = cached::predictions(&app, &key).await?;
    let predictions = found.into_iter().map(|(market, made)| MarketPrediction {
        market,
        selections: market.selections().to_vec(),
        model: made.model,
        outcomes: made.outcomes,
        at: made.at,
    });
    Ok(Json(Predictions { r#match: key, predictions: predictions.collect() }))
}
