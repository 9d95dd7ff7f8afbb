//! Models that came into force, and the rules that are.

use axum::Json;
use axum::extract::State;
use marabet_schemas::control::{ConfigPublished, ModelPublished};
use marabet_schemas::{Competition, Instant};
use marabet_views::board::Model;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::extract::{NoParams, Params};
use crate::page::{Page, cut, limit};
use crate::problem::Problem;

/// Which models.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Of this competition alone.
    competition: Option<Competition>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A model that came into force.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ModelRow {
    /// When, in event time.
    at: Instant,
    /// What was published.
    model: ModelPublished,
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<ModelRow>>, Problem> {
    let limit = limit(filter.limit)?;
    let board = app.board();
    let mut models: Vec<&Model> = board.models().collect();
    let wanted = filter.competition.as_ref();
    models.retain(|model| wanted.is_none_or(|one| *one == model.published.competition));
    models.sort_by(|a, b| {
        let place = |model: &Model| (model.at, model.published.competition.clone());
        place(b).cmp(&place(a)).then_with(|| b.published.number.cmp(&a.published.number))
    });
    let name =
        |model: &Model| format!("{}:{}", model.published.competition, model.published.number);
    let show = |model: &Model| ModelRow { at: model.at, model: model.published.clone() };
    cut(models.into_iter(), filter.cursor.as_deref(), limit, name, show).map(Json)
}

/// What is set.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Settings {
    /// The version of this program.
    version: &'static str,
    /// The rules in force in the log; none while none were published.
    in_force: Option<ConfigPublished>,
    /// What this process was configured with, secrets left out.
    process: Value,
    /// Whether a key is needed here.
    keys_needed: bool,
    /// Whose time it is: `wall`, this machine's, or `event`, the log's own.
    clock: &'static str,
    /// The moment that counts as now.
    now: Instant,
    /// Where the facts of the log have come to, in event time.
    latest_fact: Option<Instant>,
}

pub(crate) async fn settings(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Settings>, Problem> {
    let board = app.board();
    Ok(Json(Settings {
        version: env!("CARGO_PKG_VERSION"),
        in_force: board.rules().cloned(),
        process: app.settings.clone(),
        keys_needed: app.keys.are_needed(),
        clock: app.clock.name(),
        now: app.now(&board),
        latest_fact: board.latest(),
    }))
}
