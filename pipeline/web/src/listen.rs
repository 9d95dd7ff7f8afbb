//! Taking connections: none that dawdles over its headers, all ended on request.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use marabet_streams::Shutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::room::Room;

/// How long a client may take to send the head of a request; how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long requests that run may go on after the server was asked to end.
const DRAIN: Duration = Duration::from_secs(3);
/// How long to wait where the system has no file descriptor left.
const NO_DESCRIPTOR_WAIT: Duration = Duration::from_millis(100);

/// Serves connections until asked to end, then lets requests that run go on for a moment.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    mut shutdown: Shutdown,
) {
    let graceful = GracefulShutdown::new();
    let mut room = Room::new(connections_max);
    while let Some(accepted) = shutdown.unless_asked(listener.accept()).await {
        let (socket, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("a connection was not taken: {error}");
                tokio::time::sleep(NO_DESCRIPTOR_WAIT).await;
                continue;
            }
        };
        let Some((socket, place)) = room.place_for(socket) else { continue };
        let connection = connection(socket, from, router.clone(), &graceful);
        tokio::spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN) => tracing::info!("connections were cut that went on"),
    }
}

fn connection(
    socket: TcpStream,
    from: SocketAddr,
    router: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    // A delayed answer of few bytes is worse than a small packet.
    let _ = socket.set_nodelay(true);
    // The router is shared by all connections; a layer on it would copy every route for each.
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        router.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    let connection = graceful.watch(connection);
    async move {
        if let Err(error) = connection.await {
            tracing::debug!(%from, "a connection ended: {error}");
        }
    }
}
