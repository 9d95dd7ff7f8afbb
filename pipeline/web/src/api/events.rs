//! Own events into the feed.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use marabet_ingest::ndjson::Reader;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::extract::{Body, NoParams, Params, media_type};
use crate::idempotency;
use crate::problem::Problem;

/// Most events in one request.
const EVENTS_MAX: usize = 5_000;
/// Most rejects that are named in an answer.
const REJECTS_MAX: usize = 100;

/// What became of the lines.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Accepted {
    /// Events that are in the feed, on disk.
    accepted: u64,
    /// Lines that are no event and were left out.
    rejected: u64,
    /// The first of them.
    rejects: Vec<BadLine>,
}

/// A line that is no event.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BadLine {
    /// Its number, from 1.
    line: u64,
    /// What is wrong with it.
    reason: String,
}

pub(crate) async fn post(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Json<Accepted>, Problem> {
    let media = media_type(&headers);
    if !matches!(media, "application/x-ndjson" | "application/ndjson" | "application/jsonl") {
        return Err(Problem::media_type(format!(
            "send application/x-ndjson, one event a line, not `{media}`"
        )));
    }
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
    let source = idempotency::source(key, &body)?;
    let (mut events, mut rejects, mut rejected) = (Vec::new(), Vec::new(), 0);
    let mut reader = Reader::new("body", &body[..]);
    while let Some(read) =
        reader.next_event().map_err(|error| Problem::malformed(error.to_string()))?
    {
        match read {
            Ok(event) => events.push(event),
            Err(reject) => {
                rejected += 1;
                if rejects.len() < REJECTS_MAX {
                    let reason = reject.reason.clone();
                    rejects.push(BadLine { line: reject.line, reason });
                }
            }
        }
        if events.len() > EVENTS_MAX {
            let detail = format!("more than {EVENTS_MAX} events; send them in parts");
            return Err(Problem::refused(detail));
        }
    }
    if events.is_empty() {
        let first = rejects.first().map_or_else(
            || "the body holds no line".to_owned(),
            |bad| format!("no line is an event; line {}: {}", bad.line, bad.reason),
        );
        return Err(Problem::refused(first));
    }
    idempotency::append(&app.log, &source, &body, &events).await?;
    Ok(Json(Accepted { accepted: events.len() as u64, rejected, rejects }))
}
