//! The dashboard's files, compiled in. There is no path to a file of the machine's.

use axum::Router;
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::app::App;
use crate::etag;

/// One file: where it is served, its media type, its content.
type Asset = (&'static str, &'static str, &'static str);

macro_rules! asset {
    ($path:literal, $media:literal, $file:literal) => {
        ($path, $media, include_str!(concat!("../dashboard/", $file)))
    };
}

const HTML: &str = "text/html; charset=utf-8";
const ASSETS: &[Asset] = &[
    asset!("/", "text/html; charset=utf-8", "index.html"),
    asset!("/api", "text/html; charset=utf-8", "api.html"),
    asset!("/assets/style.css", "text/css; charset=utf-8", "style.css"),
    asset!("/assets/icon.svg", "image/svg+xml", "icon.svg"),
    asset!("/assets/app.js", "text/javascript; charset=utf-8", "app.js"),
    asset!("/assets/api.js", "text/javascript; charset=utf-8", "api.js"),
    asset!("/assets/charts.js", "text/javascript; charset=utf-8", "charts.js"),
    asset!("/assets/client.js", "text/javascript; charset=utf-8", "client.js"),
    asset!("/assets/dom.js", "text/javascript; charset=utf-8", "dom.js"),
    asset!("/assets/format.js", "text/javascript; charset=utf-8", "format.js"),
    asset!("/assets/words.js", "text/javascript; charset=utf-8", "words.js"),
    asset!("/assets/pages/bets.js", "text/javascript; charset=utf-8", "pages/bets.js"),
    asset!("/assets/pages/bet.js", "text/javascript; charset=utf-8", "pages/bet.js"),
    asset!("/assets/pages/matches.js", "text/javascript; charset=utf-8", "pages/matches.js"),
    asset!("/assets/pages/match.js", "text/javascript; charset=utf-8", "pages/match.js"),
    asset!(
        "/assets/pages/performance.js",
        "text/javascript; charset=utf-8",
        "pages/performance.js"
    ),
    asset!("/assets/pages/pipeline.js", "text/javascript; charset=utf-8", "pages/pipeline.js"),
    asset!("/assets/pages/ledger.js", "text/javascript; charset=utf-8", "pages/ledger.js"),
    asset!("/assets/pages/jobs.js", "text/javascript; charset=utf-8", "pages/jobs.js"),
    asset!("/assets/pages/job.js", "text/javascript; charset=utf-8", "pages/job.js"),
    asset!("/assets/pages/backtests.js", "text/javascript; charset=utf-8", "pages/backtests.js"),
    asset!("/assets/pages/letters.js", "text/javascript; charset=utf-8", "pages/letters.js"),
    asset!("/assets/pages/models.js", "text/javascript; charset=utf-8", "pages/models.js"),
    asset!("/assets/pages/settings.js", "text/javascript; charset=utf-8", "pages/settings.js"),
];

/// The routes of the files.
pub(crate) fn router() -> Router<App> {
    let files = ASSETS.iter().fold(Router::new(), |router, &(path, media, content)| {
        router.route(path, get(move || async move { file(media, content) }))
    });
    files.layer(middleware::from_fn(etag::layer))
}

fn file(media: &'static str, content: &'static str) -> impl IntoResponse {
    debug_assert!(media != HTML || content.starts_with("<!doctype html>"));
    ([(header::CONTENT_TYPE, media)], content)
}
