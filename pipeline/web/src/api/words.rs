//! What the user says of a bet.

use axum::Json;
use axum::extract::State;
use marabet_quant::Odds;
use marabet_schemas::{BetId, Book, Instant, Money};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::extract::{self, Named, NoParams, Params};
use crate::problem::Problem;
use crate::word::{Word, WordError, say};

/// How a bet was placed; what is left out is as it was alerted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Placed {
    /// At what decimal odds.
    odds: Option<Odds>,
    /// With what stake, in the account's currency, to the nearest hundredth; above 0.
    #[schemars(extend("minimum" = 0.005, "exclusiveMaximum" = 9e13))]
    stake: Option<Money>,
    /// At which book.
    book: Option<Book>,
}

/// Why a bet was skipped or is void.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// In the user's own words.
    reason: Option<String>,
}

/// What the log has now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Said {
    /// The bet.
    bet: BetId,
    /// Since when it is said.
    at: Instant,
}

pub(crate) async fn placed(
    State(app): State<App>,
    Named(bet): Named<BetId>,
    Params(NoParams {}): Params<NoParams>,
    extract::Json(Placed { odds, stake, book }): extract::Json<Placed>,
) -> Result<Json<Said>, Problem> {
    said(&app, bet, Word::Placed { odds, stake, book }).await
}

pub(crate) async fn skipped(
    State(app): State<App>,
    Named(bet): Named<BetId>,
    Params(NoParams {}): Params<NoParams>,
    extract::Json(Why { reason }): extract::Json<Why>,
) -> Result<Json<Said>, Problem> {
    said(&app, bet, Word::Skipped { reason }).await
}

pub(crate) async fn void(
    State(app): State<App>,
    Named(bet): Named<BetId>,
    Params(NoParams {}): Params<NoParams>,
    extract::Json(Why { reason }): extract::Json<Why>,
) -> Result<Json<Said>, Problem> {
    said(&app, bet, Word::Void { reason }).await
}

async fn said(app: &App, bet: BetId, word: Word) -> Result<Json<Said>, Problem> {
    let at = app.now(&app.board());
    let filed = app.office().map(|office| office.filed.clone()).unwrap_or_default();
    let event = say(&app.log, &filed, bet, &word, at).await.map_err(|error| match error {
        WordError::NoBet(_) => Problem::not_found(error.to_string()),
        WordError::NoStake(_) => Problem::refused(error.to_string()),
        WordError::NoneGranted(_) => Problem::conflict(error.to_string()),
        WordError::Filed { .. } => Problem::unavailable(error.to_string()),
        WordError::Log(error) => error.into(),
    })?;
    tracing::info!(%bet, "the user said {}", event.kind().name());
    Ok(Json(Said { bet, at: event.at }))
}
