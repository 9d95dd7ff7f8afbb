//! A proxy between the processes and Redis, which can cut and delay what goes over it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

/// Listens on a port of this machine and passes everything on to a socket.
pub(crate) struct Proxy {
    port: u16,
    gate: Arc<Gate>,
    accepting: JoinHandle<()>,
}

/// What happens to all connections at once.
struct Gate {
    cut: broadcast::Sender<()>,
    delay: watch::Sender<Duration>,
}

impl Proxy {
    /// To the socket at this path, whether a server listens there yet or not.
    pub(crate) async fn to(socket: &Path) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the proxy")?;
        let port = listener.local_addr()?.port();
        let gate = Arc::new(Gate {
            cut: broadcast::Sender::new(1),
            delay: watch::Sender::new(Duration::ZERO),
        });
        let (of_gate, socket) = (Arc::clone(&gate), socket.to_owned());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (gate, socket) = (Arc::clone(&of_gate), socket.clone());
                tokio::spawn(async move { connect(client, &socket, &gate).await });
            }
        });
        Ok(Self { port, gate, accepting })
    }

    /// The URL of Redis by way of the proxy.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Cuts every connection there is.
    pub(crate) fn cut(&self) {
        // An error says that there is none.
        let _ = self.gate.cut.send(());
    }

    /// Holds back whatever comes from now on for this long.
    pub(crate) fn delay(&self, by: Duration) {
        self.gate.delay.send_replace(by);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

/// Serves one connection until an end closes it or it is cut.
async fn connect(client: TcpStream, socket: &Path, gate: &Gate) {
    let mut cut = gate.cut.subscribe();
    let Ok(server) = UnixStream::connect(socket).await else { return };
    // Without it the kernel would wait for more to send.
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, gate.delay.subscribe()) => {}
        () = pass(from_server, to_client, gate.delay.subscribe()) => {}
        _ = cut.recv() => {}
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: watch::Receiver<Duration>,
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let by = *delay.borrow();
        if !by.is_zero() {
            tokio::time::sleep(by).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
