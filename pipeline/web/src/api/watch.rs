//! Server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use marabet_streams::Shutdown;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::extract::{NoParams, Params};
use crate::live::{RESET, Watch};
use crate::problem::Problem;

/// How often a silent stream says that it lives.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

pub(crate) async fn watch(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last_seen = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let Watch { missed, begin_anew, coming } = app.live.watch(last_seen);
    let mut head = b": watching\n\n".to_vec();
    if begin_anew {
        head.extend_from_slice(&RESET);
    }
    missed.iter().for_each(|event| head.extend_from_slice(event));
    // Thousands may watch: what one holds is a place in the channel and no more.
    let state = (Some(Bytes::from(head)), coming, app.shutdown.clone());
    let events = stream::unfold(state, |(head, mut coming, mut shutdown)| async {
        let bytes = match head {
            Some(head) => head,
            None => match shutdown.unless_asked(coming.recv()).await? {
                Ok(bytes) => bytes,
                // Too slow: what was missed is not told one by one.
                Err(RecvError::Lagged(_)) => RESET,
                Err(RecvError::Closed) => return None,
            },
        };
        Some((Ok::<_, Infallible>(bytes), (None, coming, shutdown)))
    });
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// Lets those who watch know now and then that their streams live, until asked to end.
pub(crate) async fn keep_alive(app: App, mut shutdown: Shutdown) {
    while shutdown.unless_asked(tokio::time::sleep(ALIVE_EVERY)).await.is_some() {
        app.live.alive();
    }
}
