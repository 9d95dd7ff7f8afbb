//! The exchange's stream on loopback, over TLS: it greets, lets in, sends an image of the markets
//! as they stand, and then each change. It can be taken away and come back.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// How often it says that it is alive, and looks for what there is to say.
const HEARTBEAT: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(20);

/// A certificate of the tests, made for `localhost`.
pub(crate) fn certificate(name: &str) -> PathBuf {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../ingest/tests/providers/certificates");
    PathBuf::from(here).join(name)
}

/// The server's side of TLS.
pub(crate) fn tls() -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certificate("server.pem")).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// What a request is answered with.
pub(crate) fn success() -> Value {
    json!({"op": "status", "id": 1, "statusCode": "SUCCESS"})
}

/// A market as it stands: each runner with its price to back.
#[derive(Clone)]
pub(crate) struct Standing {
    /// The definition, as the live stream has it: without names.
    pub(crate) definition: Value,
    /// Runner and price.
    pub(crate) prices: Vec<(u64, f64)>,
}

impl Standing {
    fn change(&self, market: &str) -> Value {
        let runner = |(id, price): &(u64, f64)| json!({"id": id, "batb": [[0, price, 500]]});
        let prices: Vec<Value> = self.prices.iter().map(runner).collect();
        json!({"id": market, "img": true, "marketDefinition": self.definition, "rc": prices})
    }
}

#[derive(Default)]
struct State {
    markets: Vec<(String, Standing)>,
    /// Changes so far; a connection says those that came after its image.
    changes: Vec<Value>,
    away: bool,
}

/// The server.
pub(crate) struct Exchange {
    /// `host:port`.
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    /// Tells the time, in milliseconds since 1970.
    now_ms: fn() -> i64,
}

impl Exchange {
    /// A server whose messages are published at what this clock says.
    pub(crate) fn start(now_ms: fn() -> i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let of_thread = Arc::clone(&state);
        thread::spawn(move || listen(listener, at, &of_thread, now_ms));
        Self { address: format!("localhost:{}", at.port()), state, now_ms }
    }

    /// A market stands so from now on.
    pub(crate) fn set(&self, market: &str, standing: Standing) {
        let mut state = self.state.lock().unwrap();
        let change = standing.change(market);
        let change =
            json!({"op": "mcm", "id": 2, "clk": "C", "pt": (self.now_ms)(), "mc": [change]});
        state.changes.push(change);
        state.markets.retain(|(known, _)| known != market);
        state.markets.push((market.to_owned(), standing));
    }

    /// It goes away: its connections end, and there are no new ones.
    pub(crate) fn leave(&self) {
        self.state.lock().unwrap().away = true;
    }

    /// It is there again, at the same address.
    pub(crate) fn come_back(&self) {
        self.state.lock().unwrap().away = false;
    }
}

fn listen(listener: TcpListener, at: SocketAddr, state: &Arc<Mutex<State>>, now_ms: fn() -> i64) {
    let config = tls();
    let mut listener = Some(listener);
    loop {
        if state.lock().unwrap().away {
            listener = None;
        } else if let Some(listener) = &listener {
            listener.set_nonblocking(true).unwrap();
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(false).unwrap();
                let (config, state) = (Arc::clone(&config), Arc::clone(state));
                // The client may go at any time.
                thread::spawn(move || drop(serve(stream, config, &state, now_ms)));
            }
        } else {
            listener = TcpListener::bind(at).ok();
        }
        thread::sleep(TICK);
    }
}

type Tls = BufReader<StreamOwned<ServerConnection, TcpStream>>;

fn send(tls: &mut Tls, message: &Value) -> std::io::Result<()> {
    tls.get_mut().write_all(format!("{message}\r\n").as_bytes())?;
    tls.get_mut().flush()
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    state: &Mutex<State>,
    now_ms: fn() -> i64,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut tls: Tls = BufReader::new(StreamOwned::new(connection, stream));
    send(&mut tls, &json!({"op": "connection", "connectionId": "1"}))?;
    for _authentication_and_subscription in 0..2 {
        let mut line = String::new();
        tls.read_line(&mut line)?;
        send(&mut tls, &success())?;
    }
    let (image, mut told) = {
        let state = state.lock().unwrap();
        let markets: Vec<Value> =
            state.markets.iter().map(|(market, standing)| standing.change(market)).collect();
        (markets, state.changes.len())
    };
    let message = |more: Value| {
        let mut message = json!({"op": "mcm", "id": 2, "clk": "C", "pt": now_ms()});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let image = json!({"ct": "SUB_IMAGE", "initialClk": "I", "heartbeatMs": 500, "mc": image});
    send(&mut tls, &message(image))?;
    let mut alive = Instant::now();
    loop {
        let changes = {
            let state = state.lock().unwrap();
            if state.away {
                return Ok(());
            }
            state.changes[told..].to_vec()
        };
        told += changes.len();
        for change in &changes {
            send(&mut tls, change)?;
        }
        if alive.elapsed() >= HEARTBEAT {
            send(&mut tls, &message(json!({"ct": "HEARTBEAT"})))?;
            alive = Instant::now();
        }
        thread::sleep(TICK);
    }
}
