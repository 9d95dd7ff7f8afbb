//! Matches: the list, and one whole.

use axum::Json;
use axum::extract::State;
use marabet_quant::matrix::ScoreMatrix;
use marabet_schemas::bets::ModelView;
use marabet_schemas::facts::{MatchResult, Stats};
use marabet_schemas::{Competition, Instant, MatchKey};
use marabet_views::board::{BetRow, FixtureRow, Match};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prices::{self, MarketPrices};
use crate::app::App;
use crate::extract::{Named, NoParams, Params};
use crate::page::{Page, cut, limit};
use crate::problem::Problem;

/// Goals of a side up to which the score matrix is shown.
const GOALS_SHOWN: u8 = 6;

/// Where matches stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    /// Not begun.
    Coming,
    /// Begun, and no result yet.
    Running,
    /// With a result.
    Over,
}

/// Which matches.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Of this competition alone.
    competition: Option<Competition>,
    /// Whose side holds this text, in any case.
    team: Option<String>,
    /// Where they stand.
    when: Option<When>,
    /// Kick-off at this instant or later, in microseconds since 1970.
    from: Option<i64>,
    /// Kick-off before this instant.
    to: Option<i64>,
    /// The newest first.
    newest_first: Option<bool>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

impl Filter {
    fn takes(&self, key: &MatchKey, one: &Match, now: Instant) -> bool {
        let contains = |team: &str| {
            let team = team.to_lowercase();
            key.home().to_lowercase().contains(&team) || key.away().to_lowercase().contains(&team)
        };
        let kickoff = one.kickoff.unwrap_or_default();
        let when = if one.result.is_some() {
            When::Over
        } else if kickoff <= now {
            When::Running
        } else {
            When::Coming
        };
        self.competition.as_ref().is_none_or(|wanted| *wanted == key.competition())
            && self.team.as_deref().is_none_or(contains)
            && self.when.is_none_or(|wanted| wanted == when)
            && self.from.is_none_or(|from| kickoff.micros() >= from)
            && self.to.is_none_or(|to| kickoff.micros() < to)
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<FixtureRow>>, Problem> {
    let limit = limit(filter.limit)?;
    let board = app.board();
    let now = app.now(&board);
    let rows: Vec<(&MatchKey, &Match)> = if filter.newest_first == Some(true) {
        board.by_kickoff().rev().filter(|(key, one)| filter.takes(key, one, now)).collect()
    } else {
        board.by_kickoff().filter(|(key, one)| filter.takes(key, one, now)).collect()
    };
    let name = |(key, _): &(&MatchKey, &Match)| key.to_string();
    let show = |(key, one): &(&MatchKey, &Match)| FixtureRow::of(key, one);
    cut(rows.iter(), filter.cursor.as_deref(), limit, name, show).map(Json)
}

/// A match, whole.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MatchPage {
    /// The match.
    fixture: FixtureRow,
    /// Its end.
    result: Option<MatchResult>,
    /// Its statistics.
    stats: Option<Stats>,
    /// The model's view of it.
    model: Option<ModelView>,
    /// What the model makes of its score.
    scores: Option<Scores>,
    /// Prices, by market.
    markets: Vec<MarketPrices>,
    /// Bets on it, the oldest first.
    bets: Vec<BetRow>,
}

/// Probabilities of scores.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Scores {
    /// Rows by goals of the home side, columns by goals of the away side, from 0.
    matrix: Vec<Vec<f64>>,
    /// What lies outside: more goals of either side.
    beyond: f64,
    /// Home, draw, away.
    result: [f64; 3],
}

pub(crate) async fn one(
    State(app): State<App>,
    Named(key): Named<MatchKey>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<MatchPage>, Problem> {
    let mut page = {
        let board = app.board();
        let one = board.one_match(&key).ok_or_else(|| unknown(&key))?;
        let now = app.now(&board);
        let bets = one.bets.iter().filter_map(|id| board.bet(id));
        let mut bets: Vec<BetRow> = bets.map(|bet| BetRow::of(bet, now)).collect();
        bets.sort_by_key(|row| (row.decided_at, row.bet));
        let model = one.model.as_ref().map(|(_, model)| model.clone());
        MatchPage {
            fixture: FixtureRow::of(&key, one),
            result: one.result.clone(),
            stats: one.stats.clone(),
            scores: model.as_ref().and_then(scores),
            model,
            markets: Vec::new(),
            bets,
        }
    };
    page.markets = prices::markets(&app, &key).await?;
    Ok(Json(page))
}

/// That a match is not known.
pub(crate) fn unknown(key: &MatchKey) -> Problem {
    Problem::not_found(format!("match {key} is not known; see /api/v1/fixtures"))
}

fn scores(model: &ModelView) -> Option<Scores> {
    let matrix = ScoreMatrix::dixon_coles(model.lambda, model.mu, model.rho).ok()?;
    let row = |home| (0..=GOALS_SHOWN).map(|away| matrix.get(home, away)).collect();
    let shown: Vec<Vec<f64>> = (0..=GOALS_SHOWN).map(row).collect();
    let inside: f64 = shown.iter().flatten().sum();
    Some(Scores { matrix: shown, beyond: (1.0 - inside).max(0.0), result: matrix.match_odds() })
}
