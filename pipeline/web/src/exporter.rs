//! The metrics of a process that serves no dashboard, and whether it is alive.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use marabet_notify::Notifier;
use marabet_streams::{Condition, Log, Shutdown};
use tokio::net::TcpListener;

use crate::server::ServeError;
use crate::{listen, metrics};

/// Most connections at a time.
const CONNECTIONS_MAX: usize = 64;

/// Serves `/metrics`, `/healthz` and `/readyz` until asked to end. They hold nothing secret, and
/// need no key: let the network keep them among your own.
///
/// # Errors
/// [`ServeError::Listen`] when the address cannot be had.
pub async fn serve(
    log: Log,
    notifiers: Vec<Arc<Notifier>>,
    address: SocketAddr,
    shutdown: Shutdown,
) -> Result<(), ServeError> {
    let listener =
        TcpListener::bind(address).await.map_err(|error| ServeError::Listen { address, error })?;
    let registry = metrics::registry(&log, notifiers)?;
    let expose = move || async move {
        let text = metrics::exposition(&registry.gather());
        ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
    };
    let router = Router::new()
        .route("/metrics", get(expose))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(move || async move { ready(&log) }));
    listen::serve(listener, router, CONNECTIONS_MAX, shutdown).await;
    Ok(())
}

/// Ready while no stage of the process waits for Redis or has failed.
fn ready(log: &Log) -> Response {
    for (stage, metrics) in log.metrics().stages() {
        for (partition, condition) in metrics.conditions() {
            if let Condition::Away { reason } | Condition::Failed { reason } = condition {
                let text = format!("{stage} of partition {partition}: {reason}\n");
                return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
            }
        }
    }
    "ready\n".into_response()
}
