//! The server: the board that it keeps, and the routes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use marabet_notify::Notifier;
use marabet_streams::{Log, Shutdown, clock};
use serde_json::Value;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::app::{App, Shared};
use crate::clock::Clock;
use crate::config::WebConfig;
use crate::extract::BodyBound;
use crate::keys::Scope;
use crate::office::Office;
use crate::openapi::BASE;
use crate::problem::Problem;
use crate::{api, assets, etag, follow, guard, headers, listen, metrics};

/// How long a request may take, streams of events apart.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What a server is started with.
#[derive(Clone, Default)]
pub struct ServerOptions {
    /// Whose time counts as now.
    pub clock: Clock,
    /// What the process was configured with, secrets left out, to be shown.
    pub settings: Value,
    /// What can be asked beside the log; none where there is no ledger.
    pub office: Option<Arc<Office>>,
    /// Those who tell of bets in this process, for its metrics.
    pub notifiers: Vec<Arc<Notifier>>,
}

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be had.
    #[error(
        "cannot listen on {address}: {error}; choose another with [web] address, or MARABET_WEB__ADDRESS"
    )]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The configuration makes no sense.
    #[error("[web] {0}")]
    Config(#[from] crate::config::ConfigFault),
    /// A metric cannot be registered.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The log cannot be followed.
    #[error(transparent)]
    Log(#[from] marabet_streams::LogError),
}

impl ServeError {
    /// Whether somebody else has the address.
    #[must_use]
    pub fn is_address_taken(&self) -> bool {
        matches!(self, Self::Listen { error, .. } if error.kind() == std::io::ErrorKind::AddrInUse)
    }
}

/// A server that listens and does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
    shutdown: Shutdown,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Listens on the configured address; port 0 takes any that is free.
    ///
    /// # Errors
    /// [`ServeError::Config`] for settings that make no sense; [`ServeError::Listen`] when the
    /// address cannot be had.
    pub async fn bind(
        log: &Log,
        config: WebConfig,
        options: ServerOptions,
        shutdown: Shutdown,
    ) -> Result<Self, ServeError> {
        if let Some(fault) = config.faults().into_iter().next() {
            return Err(fault.into());
        }
        let wanted = config.address;
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|error| ServeError::Listen { address: wanted, error })?;
        let address = listener.local_addr().unwrap_or(wanted);
        let app = Shared::new(log, config, options, shutdown.clone())?;
        Ok(Self { listener, address, app: Arc::new(app), shutdown })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until asked to end.
    ///
    /// # Errors
    /// [`ServeError::Log`] when the log cannot be followed; Redis being away passes.
    pub async fn serve(self) -> Result<(), ServeError> {
        let connections_max = self.app.config.connections_max;
        let following = follow::follow(Arc::clone(&self.app), self.shutdown.clone());
        let alive = api::keep_alive(Arc::clone(&self.app), self.shutdown.clone());
        let router = router(&self.app);
        let listening = listen::serve(self.listener, router, connections_max, self.shutdown);
        let serving = async { tokio::join!(listening, alive).0 };
        tokio::pin!(serving);
        tokio::select! {
            followed = following => followed?,
            () = &mut serving => return Ok(()),
        }
        serving.await;
        Ok(())
    }
}

fn router(app: &App) -> Router {
    let api = api::router()
        .layer(middleware::from_fn(etag::layer))
        .layer(middleware::from_fn(time_limit))
        .layer(DefaultBodyLimit::max(app.config.body_bytes_max))
        .layer(Extension(BodyBound(app.config.body_bytes_max)))
        .layer(middleware::from_fn_with_state(Arc::clone(app), guard::layer))
        .layer(middleware::from_fn_with_state(Arc::clone(app), count));
    Router::new()
        .nest(BASE, api)
        .route("/metrics", get(expose))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/reports/{ticket}", get(api::report_page))
        .merge(assets::router())
        .fallback(|| async { Problem::not_found("there is nothing here; see / and /api") })
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal("the server made a mistake; its log says which").into_response()
        }))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(headers::layer))
        .with_state(Arc::clone(app))
}

/// Counts and times the requests of the API by their route, each within a span of its own.
async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = clock::moment();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let span = span(&request, &route);
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("error", response.status().as_str());
    }
    app.http.count(&method, &route, response.status(), began.elapsed());
    response
}

/// The span of a request, in the trace of whoever asks, where it says which that is.
fn span(request: &Request, route: &str) -> Span {
    let method = request.method().as_str();
    let caller = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    tracing::debug_span!(
        target: marabet_streams::trace::TARGET,
        parent: None,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        trace.parent = caller,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        error = Empty,
    )
}

async fn time_limit(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("the answer took too long; try again").into_response(),
    }
}

/// The metrics. Where keys are needed, one is needed here too.
async fn expose(State(app): State<App>, request: Request) -> Response {
    match guard::admitted(&app, &request) {
        Ok(caller) if caller.scopes.contains(&Scope::Read) => {}
        Ok(_) => return Problem::forbidden("the key lacks the scope `read`").into_response(),
        Err(problem) => return problem.into_response(),
    }
    let status = app.status().await.ok();
    let jobs = app.queues.counts().await.ok();
    let seen = metrics::Seen { app: &app, status: status.as_deref(), jobs: jobs.as_ref() };
    let text = metrics::text(&app.registry, &seen);
    ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response()
}

/// Ready once Redis answers and the board holds what the log did at the start.
async fn ready(State(app): State<App>) -> Response {
    if !app.has_caught_up() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the board still reads the log\n")
            .into_response();
    }
    match app.status().await {
        Ok(_) => "ready\n".into_response(),
        Err(problem) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", problem.detail)).into_response()
        }
    }
}
