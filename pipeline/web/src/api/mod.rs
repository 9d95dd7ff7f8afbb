//! The API's operations: one file a thing that is asked for.

mod bets;
mod events;
mod fixtures;
mod jobs;
mod ledger;
mod letters;
mod log;
mod models;
mod prices;
mod reports;
mod watch;
mod words;

use axum::Router;
use axum::routing::{MethodRouter, get};
use marabet_jobs::JobView;
use marabet_schemas::{BetId, MatchKey};
use marabet_streams::Status;
use marabet_views::board::{BetRow, FixtureRow};
use marabet_views::performance::Performance;
use marabet_views::why::Chain;
use serde_json::json;

use crate::app::App;
use crate::openapi::{self, Table};
use crate::page::Page;
use crate::problem::Problem;

/// Every operation.
pub(crate) fn table() -> Table {
    let mut table = Table::new();
    matches(&mut table);
    of_bets(&mut table);
    words_of_bets(&mut table);
    pipeline(&mut table);
    office(&mut table);
    table
}

/// The operations as a router, with the problems of what is not among them.
pub(crate) fn router() -> Router<App> {
    openapi::router(table())
        .route("/openapi.json", get(|| async { axum::Json(openapi::document()) }))
        .fallback(|| async { Problem::not_found("there is no such operation; see /api") })
        .method_not_allowed_fallback(|| async { Problem::method("see /api for what is") })
}

pub(crate) use reports::page as report_page;
pub(crate) use watch::keep_alive;

/// The form of a match's key, as strictly as it is read.
const MATCH: &str = r"^([^|\x00-\x1f\x7f]+\|){4}[1-9][0-9]?$";
/// The form of a bet's identity.
const BET: &str = "^[0-9a-f]{16}$";
/// The form of a market, with lines as books offer them.
const MARKET: &str = r"^(1x2|dc|dnb|btts|oe|(cs|wtn)\.(home|away)|(ou|ou\.home|ou\.away|ah)@-?[1-9]?[0-9](\.25|\.5|\.75)?|eh@-?[1-9])(/[12]h)?$";

fn matches(table: &mut Table) {
    let query = table.taken::<fixtures::Filter>();
    let none = table.taken::<crate::extract::NoParams>();
    let key = table.taken::<MatchKey>();
    let route = MethodRouter::new().get(fixtures::list);
    table
        .get::<Page<FixtureRow>>("/fixtures", ["matches", "Matches, by kick-off"], route)
        .query(&query);
    let route = MethodRouter::new().get(fixtures::one);
    table
        .get::<fixtures::MatchPage>("/fixtures/{match}", ["matches", "A match, whole"], route)
        .query(&none)
        .path("match", key.clone())
        .form("match", MATCH);
    let query = table.taken::<prices::MarketFilter>();
    let route = MethodRouter::new().get(prices::odds);
    table
        .get::<prices::Odds>(
            "/fixtures/{match}/odds",
            ["matches", "Prices of a match: by market and book, and the best"],
            route,
        )
        .query(&query)
        .form("market", MARKET)
        .path("match", key.clone())
        .form("match", MATCH);
    let route = MethodRouter::new().get(prices::movement);
    table
        .get::<prices::Movements>(
            "/fixtures/{match}/movement",
            ["matches", "How the prices of a match moved"],
            route,
        )
        .query(&query)
        .form("market", MARKET)
        .path("match", key.clone())
        .form("match", MATCH);
    let route = MethodRouter::new().get(prices::predictions);
    table
        .get::<prices::Predictions>(
            "/fixtures/{match}/predictions",
            ["matches", "What the model in force makes of a match"],
            route,
        )
        .query(&none)
        .path("match", key)
        .form("match", MATCH);
}

fn of_bets(table: &mut Table) {
    let query = table.taken::<bets::Filter>();
    let none = table.taken::<crate::extract::NoParams>();
    let bet = table.taken::<BetId>();
    let route = MethodRouter::new().get(bets::placeable);
    table
        .get::<Page<BetRow>>("/value-bets", ["bets", "Bets that can be placed now"], route)
        .query(&query)
        .form("match", MATCH)
        .only("state", "placeable");
    let route = MethodRouter::new().get(bets::list);
    table
        .get::<Page<BetRow>>("/bets", ["bets", "All bets, the newest first"], route)
        .query(&query)
        .form("match", MATCH);
    let route = MethodRouter::new().get(bets::one);
    table
        .get::<BetRow>("/bets/{bet}", ["bets", "A bet, with its settlement"], route)
        .query(&none)
        .path("bet", bet.clone())
        .form("bet", BET);
    let route = MethodRouter::new().get(bets::why);
    table
        .get::<Chain>("/why/{bet}", ["bets", "Why there is a bet"], route)
        .says("From the bet back to the quote, the prediction, the model and its training.")
        .query(&none)
        .path("bet", bet)
        .form("bet", BET);
    let route = MethodRouter::new().get(bets::performance);
    table
        .get::<Performance>(
            "/performance",
            ["bets", "How the bets did: claimed beside realised"],
            route,
        )
        .query(&none);
    let route = MethodRouter::new().get(watch::watch);
    table
        .get_stream("/live", ["bets", "Bets, grants and settlements as they come"], route)
        .says(
            "Server-sent events `bet`, `grant` and `settlement`, each with the bet's row. \
             `Last-Event-ID` resumes; the event `reset` asks to load the list anew.",
        )
        .query(&none)
        .header("Last-Event-ID", "The event after which to go on", &json!({ "type": "string" }));
}

fn words_of_bets(table: &mut Table) {
    let none = table.taken::<crate::extract::NoParams>();
    let bet = table.taken::<BetId>();
    let json = |schema| json!({ "application/json": { "schema": schema } });
    let placed = json(table.taken::<words::Placed>());
    let why = json(table.taken::<words::Why>());
    for (path, summary, body, route) in [
        (
            "/bets/{bet}/placed",
            "Say that a bet was placed",
            &placed,
            MethodRouter::new().post(words::placed),
        ),
        (
            "/bets/{bet}/skipped",
            "Say that a bet was let go",
            &why,
            MethodRouter::new().post(words::skipped),
        ),
        (
            "/bets/{bet}/void",
            "Say that the book made a bet void",
            &why,
            MethodRouter::new().post(words::void),
        ),
    ] {
        table
            .post::<words::Said>(path, ["bets", summary], route)
            .says("A fact in the log; the last word counts. The answer comes once it is on disk.")
            .query(&none)
            .path("bet", bet.clone())
            .form("bet", BET)
            .fails_with(404)
            .body(body);
    }
}

fn pipeline(table: &mut Table) {
    let none = table.taken::<crate::extract::NoParams>();
    let query = table.taken::<models::Filter>();
    let route = MethodRouter::new().get(models::list);
    table
        .get::<Page<models::ModelRow>>(
            "/models",
            ["pipeline", "Models that came into force, the newest first"],
            route,
        )
        .query(&query);
    let route = MethodRouter::new().get(models::settings);
    table
        .get::<models::Settings>(
            "/settings",
            ["pipeline", "The rules in force, and this process' configuration"],
            route,
        )
        .query(&none);
    let route = MethodRouter::new().get(log::streams);
    table
        .get::<Status>("/streams", ["pipeline", "Streams, groups, lag, owners, memory"], route)
        .query(&none);
    let route = MethodRouter::new().get(log::stages);
    table
        .get::<log::Stages>(
            "/stages",
            ["pipeline", "What the stages of this process did, and how fast"],
            route,
        )
        .query(&none);
    let route = MethodRouter::new().get(log::cache);
    table
        .get::<log::Cache>("/cache", ["pipeline", "Hits and misses of cached views"], route)
        .query(&none);
    let query = table.taken::<letters::Filter>();
    let route = MethodRouter::new().get(letters::list);
    table
        .get::<Page<letters::Letter>>(
            "/dead-letters",
            ["pipeline", "Events that could not be processed, with the reason"],
            route,
        )
        .query(&query);
    let which = json!({ "application/json": { "schema": table.taken::<letters::Which>() } });
    let route = MethodRouter::new().post(letters::retry);
    table
        .post::<letters::Done>(
            "/dead-letters/retry",
            ["pipeline", "Append the fact of a dead letter again"],
            route,
        )
        .query(&none)
        .fails_with(404)
        .body(&which);
    let route = MethodRouter::new().post(letters::drop_it);
    table
        .post::<letters::Done>(
            "/dead-letters/drop",
            ["pipeline", "Mark a dead letter as needing nothing"],
            route,
        )
        .query(&none)
        .fails_with(404)
        .body(&which);
    let route = MethodRouter::new().post(events::post);
    table
        .post::<events::Accepted>("/events", ["pipeline", "Append own events"], route)
        .says(
            "One event a line, in the forms of the published schemas; facts alone are taken. The \
             answer comes once they are on disk, some two seconds later. The same \
             `Idempotency-Key`, or without one the same body, appends once within a day.",
        )
        .query(&none)
        .header(
            "Idempotency-Key",
            "Names the batch, so that it can be sent again",
            &json!({
                "type": "string", "minLength": 1, "maxLength": 128,
                "pattern": "^[!-z|~]+$"
            }),
        )
        .body(&json!({
            "application/x-ndjson": { "schema": { "type": "string", "minLength": 1 } }
        }));
}

fn office(table: &mut Table) {
    let none = table.taken::<crate::extract::NoParams>();
    let query = table.taken::<jobs::Filter>();
    let asked = json!({ "application/json": { "schema": table.taken::<jobs::Asked>() } });
    let job = json!({ "type": "string", "minLength": 1 });
    let route = MethodRouter::new().get(jobs::list);
    table.get::<jobs::Jobs>("/jobs", ["office", "Jobs, those that run first"], route).query(&query);
    let route = MethodRouter::new().post(jobs::run);
    table
        .post::<JobView>("/jobs", ["office", "Ask for a job"], route)
        .query(&none)
        .fails_with(404)
        .body(&asked);
    let route = MethodRouter::new().get(jobs::one);
    table
        .get::<jobs::JobPage>("/jobs/{job}", ["office", "A job, with what it wrote"], route)
        .query(&none)
        .path("job", job.clone());
    let route = MethodRouter::new().post(jobs::retry);
    table
        .post::<JobView>("/jobs/{job}/retry", ["office", "Run a job that ended again"], route)
        .query(&none)
        .path("job", job.clone());
    let route = MethodRouter::new().post(jobs::cancel);
    table
        .post::<JobView>("/jobs/{job}/cancel", ["office", "Cancel a job"], route)
        .query(&none)
        .path("job", job);
    let route = MethodRouter::new().get(jobs::schedule);
    table
        .get::<jobs::Schedule>(
            "/schedule",
            ["office", "What is due when, and every kind of job"],
            route,
        )
        .query(&none);
    let query = table.taken::<ledger::Period>();
    let route = MethodRouter::new().get(ledger::accounts);
    table
        .get::<ledger::Accounts>(
            "/ledger",
            ["office", "What was placed beside what was alerted, in money"],
            route,
        )
        .query(&query);
    let route = MethodRouter::new().get(reports::list);
    table
        .get::<reports::Reports>("/backtests", ["office", "Reports of backtests"], route)
        .query(&none);
}
