//! Dead letters: what could not be processed, and what is done about it.

use axum::Json;
use axum::extract::State;
use marabet_schemas::Address;
use marabet_streams::LogError;
use marabet_streams::dead::DeadEntry;
use marabet_views::dead::{LISTED_MAX, STAGES};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::extract::{self, NoParams, Params};
use crate::page::{Page, cut, limit};
use crate::problem::Problem;

/// Which letters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Of this stage alone.
    stage: Option<Stage>,
    /// Those that were dealt with too.
    done: Option<bool>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A stage that writes dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Facts into priced quotes.
    Predict,
    /// Priced quotes into bets.
    Detect,
    /// Bets into stakes.
    Portfolio,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Detect => "detect",
            Self::Portfolio => "portfolio",
        }
    }
}

/// A letter.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Letter {
    /// Which stage gave up.
    stage: String,
    /// Where the event stands in the stage's input.
    address: Address,
    /// What was wrong.
    reason: String,
    /// The event's line as it was.
    line: String,
    /// `retried` or `dropped`, with the time in ms since 1970; null while nothing was done.
    done: Option<String>,
}

impl From<&DeadEntry> for Letter {
    fn from(entry: &DeadEntry) -> Self {
        let DeadEntry { letter, done } = entry.clone();
        let (stage, address, reason, line) =
            (letter.stage, letter.address, letter.reason, letter.line);
        Self { stage, address, reason, line, done }
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Letter>>, Problem> {
    let limit = limit(filter.limit)?;
    let with_done = filter.done.unwrap_or(false);
    let mut letters = Vec::new();
    for stage in STAGES {
        if filter.stage.is_none_or(|wanted| wanted.name() == stage) {
            letters.extend(app.log.dead_letters(stage, with_done, LISTED_MAX).await?);
        }
    }
    let name = |entry: &DeadEntry| format!("{}:{}", entry.letter.stage, entry.letter.address);
    cut(letters.iter(), filter.cursor.as_deref(), limit, name, |one| one.into()).map(Json)
}

/// Which letter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Its stage.
    stage: Stage,
    /// Its address.
    #[schemars(regex(pattern = r"^[0-9]{1,4}/[0-9]{1,19}-[0-9]{1,9}/[0-9]{1,9}$"))]
    address: Address,
}

/// What was done about a letter.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Done {
    /// The letter's address.
    address: Address,
    /// Where a retried fact stands in the feed now.
    appended_at: Option<Address>,
}

pub(crate) async fn retry(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    extract::Json(Which { stage, address }): extract::Json<Which>,
) -> Result<Json<Done>, Problem> {
    there(&app, stage, address).await?;
    let appended_at = Some(app.log.retry_dead(stage.name(), address).await.map_err(dealt_with)?);
    tracing::info!(stage = stage.name(), %address, "a dead letter was retried");
    Ok(Json(Done { address, appended_at }))
}

pub(crate) async fn drop_it(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    extract::Json(Which { stage, address }): extract::Json<Which>,
) -> Result<Json<Done>, Problem> {
    there(&app, stage, address).await?;
    app.log.drop_dead(stage.name(), address).await.map_err(dealt_with)?;
    tracing::info!(stage = stage.name(), %address, "a dead letter was dropped");
    Ok(Json(Done { address, appended_at: None }))
}

/// Sees that the letter is there.
async fn there(app: &App, stage: Stage, address: Address) -> Result<(), Problem> {
    let absent = || Problem::not_found(format!("{} has no dead letter {address}", stage.name()));
    if address.partition >= app.log.namespace().partitions() {
        return Err(absent());
    }
    match app.log.dead_letter(stage.name(), address).await {
        Ok(_) => Ok(()),
        Err(LogError::Asked(_)) => Err(absent()),
        Err(error) => Err(error.into()),
    }
}

/// That something was done about the letter already, or that its event is no fact.
fn dealt_with(error: LogError) -> Problem {
    match error {
        LogError::Asked(reason) => Problem::conflict(reason),
        error => error.into(),
    }
}
