//! Bets: lists, one, why, and how they did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use marabet_schemas::{BetId, Book, Competition, Instant, MatchKey, StrategyName};
use marabet_views::board::{Bet, BetRow, BetState};
use marabet_views::why::{Chain, search};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::extract::{Named, NoParams, Params};
use crate::page::{Page, cut, limit};
use crate::problem::Problem;

/// Which bets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Of this strategy alone.
    strategy: Option<StrategyName>,
    /// Of this competition alone.
    competition: Option<Competition>,
    /// On this match alone.
    r#match: Option<MatchKey>,
    /// Of this family of markets alone: `1x2`, `ou`, `ah`.
    market: Option<String>,
    /// At this book alone.
    book: Option<Book>,
    /// In this state alone.
    state: Option<BetState>,
    /// With at least this expected value: 0.02 for 2 %.
    ev_min: Option<f64>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

impl Filter {
    fn takes(&self, bet: &Bet, now: Instant) -> bool {
        let alert = &bet.alert;
        self.strategy.as_ref().is_none_or(|wanted| *wanted == alert.strategy)
            && self.competition.as_ref().is_none_or(|wanted| *wanted == bet.key.competition())
            && self.r#match.as_ref().is_none_or(|wanted| *wanted == bet.key)
            && self.market.as_ref().is_none_or(|wanted| *wanted == alert.market.family())
            && self.book.as_ref().is_none_or(|wanted| *wanted == alert.book)
            && self.ev_min.is_none_or(|least| alert.ev >= least)
            && self.state.is_none_or(|wanted| wanted == BetRow::of(bet, now).state)
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<BetRow>>, Problem> {
    page(&app, &filter)
}

/// The bets that can be placed now.
pub(crate) async fn placeable(
    State(app): State<App>,
    Params(mut filter): Params<Filter>,
) -> Result<Json<Page<BetRow>>, Problem> {
    if filter.state.is_some_and(|state| state != BetState::Placeable) {
        return Err(Problem::malformed("value bets are placeable ones; ask /bets for others"));
    }
    filter.state = Some(BetState::Placeable);
    page(&app, &filter)
}

fn page(app: &App, filter: &Filter) -> Result<Json<Page<BetRow>>, Problem> {
    let limit = limit(filter.limit)?;
    let board = app.board();
    let now = app.now(&board);
    let rows = board.newest_bets().filter(|bet| filter.takes(bet, now));
    let name = |bet: &Bet| bet.alert.bet.to_string();
    cut(rows, filter.cursor.as_deref(), limit, name, |bet| BetRow::of(bet, now)).map(Json)
}

pub(crate) async fn one(
    State(app): State<App>,
    Named(id): Named<BetId>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<BetRow>, Problem> {
    let board = app.board();
    let bet = board.bet(&id).ok_or_else(|| unknown(id))?;
    Ok(Json(BetRow::of(bet, app.now(&board))))
}

fn unknown(id: BetId) -> Problem {
    Problem::not_found(format!("bet {id} is not in the log; see /api/v1/bets"))
}

pub(crate) async fn why(
    State(app): State<App>,
    Named(id): Named<BetId>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Chain>, Problem> {
    let trail = {
        let board = app.board();
        board.bet(&id).ok_or_else(|| unknown(id))?;
        // A board that began behind the quote, or fell far behind, did not see where it stands.
        board.trail(&id).filter(|trail| trail.quote.is_some())
    };
    let trail = match trail {
        Some(trail) => trail,
        None => search(&app.log, id).await?.ok_or_else(|| unknown(id))?,
    };
    Ok(Json(trail.read(&app.log).await?))
}

pub(crate) async fn performance(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let found = app.performance().await?;
    Ok(Json(Arc::as_ref(&found)).into_response())
}
