//! Reports of backtests: what lies in a folder, and each as the page that it is.
//!
//! A page that a browser opens by a link brings no key along. So the list, for which one is
//! needed, names each page by a ticket that cannot be guessed.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use marabet_schemas::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::extract::{Named, NoParams, Params};
use crate::keys::hexadecimal;
use crate::problem::Problem;

/// Folders that are looked into.
const FOLDERS_MAX: usize = 1_000;
/// The page of a report, in its folder.
const PAGE: &str = "report.html";
/// The largest report that is read.
const BYTES_MAX: u64 = 64 << 20;
/// A report is one file with its style and its figures in it, and nothing that runs.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'",
);

/// The reports there are.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Reports {
    /// The newest first.
    items: Vec<ReportRow>,
}

/// A report.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReportRow {
    /// Its folder.
    name: String,
    /// Where its page is, until the server ends.
    page: String,
    /// What was done.
    title: String,
    /// When it was written.
    at: Option<Instant>,
    /// What each strategy came to.
    strategies: Vec<Tested>,
}

/// A strategy of a report. The names are those of `report.json`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Tested {
    /// Its name.
    name: String,
    /// What it came to.
    summary: Outcome,
}

/// What a strategy came to.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Outcome {
    /// How many bets.
    bets: u64,
    /// Mean expected value that was claimed.
    claimed_ev: Option<f64>,
    /// Profit as a share of what was staked.
    #[serde(rename = "yield")]
    yield_: Option<f64>,
    /// Mean closing-line value.
    clv_mean: Option<f64>,
}

/// What is read of a `report.json`.
#[derive(Deserialize)]
struct Written {
    title: String,
    strategies: Vec<Tested>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Reports>, Problem> {
    let (folder, secret) = (app.office()?.reports.clone(), app.tickets);
    let found = tokio::task::spawn_blocking(move || rows(&folder, &secret)).await;
    let items = found.map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Json(Reports { items }))
}

/// The names of the folders that may hold a report.
fn folders(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.filter_map(Result::ok).take(FOLDERS_MAX);
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn rows(folder: &Path, secret: &[u8]) -> Vec<ReportRow> {
    let mut rows: Vec<ReportRow> = folders(folder)
        .into_iter()
        .filter_map(|name| {
            let own = folder.join(&name);
            let at = std::fs::metadata(own.join(PAGE)).ok()?.modified().ok();
            let at = at.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let at = at.and_then(|at| i64::try_from(at.as_micros()).ok());
            let page = format!("/reports/{}", ticket(secret, &name));
            let (title, strategies) = match summary(&own.join("report.json")) {
                Ok(Written { title, strategies }) => (title, strategies),
                // The page is there to be read all the same.
                Err(reason) => {
                    tracing::warn!(name, "a report without its numbers: {reason}");
                    (name.clone(), Vec::new())
                }
            };
            Some(ReportRow { name, page, title, at: at.map(Instant::from_micros), strategies })
        })
        .collect();
    rows.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)));
    rows
}

fn summary(path: &Path) -> std::io::Result<Written> {
    if std::fs::metadata(path)?.len() > BYTES_MAX {
        return Err(std::io::Error::other("it is too large"));
    }
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// What names the page of a report to those who were told it.
fn ticket(secret: &[u8], name: &str) -> String {
    hexadecimal(&Sha256::new().chain_update(secret).chain_update(name).finalize()[..16])
}

/// The page of a report. No part of a path is taken from the request.
pub(crate) async fn page(
    State(app): State<App>,
    Named(asked): Named<String>,
) -> Result<Response, Problem> {
    let absent = || Problem::not_found("there is no such report (any more); look at the list");
    let (folder, secret) = (app.office()?.reports.clone(), app.tickets);
    let read = tokio::task::spawn_blocking(move || {
        let name = folders(&folder).into_iter().find(|name| ticket(&secret, name) == asked)?;
        std::fs::read(folder.join(name).join(PAGE)).ok()
    });
    let html = read.await.map_err(|error| Problem::internal(error.to_string()))?;
    let html = html.ok_or_else(absent)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    Ok((headers, html).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_listed_by_their_folders_and_those_without_numbers_too() {
        let home = tempfile::tempdir().unwrap();
        let write = |folder: &str, file: &str, text: &str| {
            std::fs::create_dir_all(home.path().join(folder)).unwrap();
            std::fs::write(home.path().join(folder).join(file), text).unwrap();
        };
        write("redis", "appendonly.aof", "");
        write("backtest", "report.html", "<!doctype html>");
        let json = r#"{"title":"replay","unread":0,"strategies":[{"name":"sharp","about":"","summary":{"bets":3,"claimed_ev":0.03,"yield":-0.1,"clv_mean":null}}]}"#;
        write("backtest", "report.json", json);
        write("sweep", "report.html", "<!doctype html>");
        write("sweep", "report.json", "{");
        let mut rows = rows(home.path(), b"secret");
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["backtest", "sweep"]);
        assert_eq!(rows[0].title, "replay");
        assert_ne!(rows[0].page, rows[1].page);
        assert_eq!(rows[0].strategies[0].summary.bets, 3);
        assert!(rows[1].strategies.is_empty());
    }
}
