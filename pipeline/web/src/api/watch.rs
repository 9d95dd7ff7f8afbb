//! Server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use futures::stream;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::extract::{NoParams, Params};
use crate::live::{LiveEvent, Watch};
use crate::problem::Problem;

/// How often a silent stream says that it lives.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

pub(crate) async fn watch(
    State(app): State<App>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last_seen = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let Watch { missed, begin_anew, coming } = app.live.watch(last_seen);
    let first = begin_anew.then(|| Ok(Event::default().event("reset").data("{}")));
    let hello = Ok(Event::default().comment("watching"));
    let missed: Vec<_> = missed.iter().map(|event| Ok(shown(&app, event))).collect();
    let head = stream::iter([hello].into_iter().chain(first).chain(missed));
    let shutdown = app.shutdown.clone();
    let tail = stream::unfold((app, coming, shutdown), |(app, mut coming, mut shutdown)| async {
        let received = shutdown.unless_asked(coming.recv()).await?;
        let event = match received {
            Ok(event) => shown(&app, &event),
            // Too slow: what was missed is not told one by one.
            Err(RecvError::Lagged(_)) => Event::default().event("reset").data("{}"),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), (app, coming, shutdown)))
    });
    let events = futures::StreamExt::chain(head, tail);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)))
}

fn shown(app: &App, event: &Arc<LiveEvent>) -> Event {
    Event::default().event(event.kind).id(app.live.id(event.number)).data(&event.json)
}
