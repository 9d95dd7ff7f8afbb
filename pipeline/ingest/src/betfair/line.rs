//! One connection to the stream: TLS, a line in each direction at a time, and the watch over its
//! silence.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::files::LINE_BYTES_MAX;

/// A connection.
#[derive(Debug)]
pub(super) struct Line {
    read: BufReader<ReadHalf<TlsStream<TcpStream>>>,
    write: WriteHalf<TlsStream<TcpStream>>,
    /// What came of the line that is coming.
    coming: Vec<u8>,
    /// The last whole line.
    whole: Vec<u8>,
}

/// Longest until a connection stands.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// Whom to trust: the certificates of a file, or those of the web.
pub(super) fn trust(file: Option<&Path>) -> io::Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    match file {
        Some(file) => {
            let invalid = |error: rustls::pki_types::pem::Error| {
                let reason = format!("{} holds no certificates: {error}", file.display());
                io::Error::new(io::ErrorKind::InvalidData, reason)
            };
            for certificate in CertificateDer::pem_file_iter(file).map_err(invalid)? {
                roots.add(certificate.map_err(invalid)?).map_err(io::Error::other)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Line {
    /// Connects to `host:port`.
    pub(super) async fn connect(address: &str, trust: &TlsConnector) -> io::Result<Self> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let connect = async {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            trust.connect(name, tcp).await
        };
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        let stream = tokio::time::timeout(CONNECT_MAX, connect).await.map_err(late)??;
        let (read, write) = tokio::io::split(stream);
        Ok(Self {
            read: BufReader::with_capacity(1 << 16, read),
            write,
            coming: Vec::new(),
            whole: Vec::new(),
        })
    }

    /// Sends a line.
    pub(super) async fn send(&mut self, line: &str) -> io::Result<()> {
        self.write.write_all(line.as_bytes()).await?;
        self.write.write_all(b"\r\n").await?;
        self.write.flush().await
    }

    /// The next line. What came of it so far is kept where the future is dropped.
    ///
    /// # Errors
    /// The connection ended, or nothing came for so long: a stream that stops without a close.
    pub(super) async fn next(&mut self, silence_max: Duration) -> io::Result<&[u8]> {
        let room = LINE_BYTES_MAX.saturating_sub(self.coming.len()) as u64;
        loop {
            let mut limited = (&mut self.read).take(room);
            let read = limited.read_until(b'\n', &mut self.coming);
            let silent = |_| {
                let reason = format!("nothing came for {:.1} s", silence_max.as_secs_f64());
                io::Error::new(io::ErrorKind::TimedOut, reason)
            };
            let count = tokio::time::timeout(silence_max, read).await.map_err(silent)??;
            if count == 0 || self.coming.len() >= LINE_BYTES_MAX {
                let reason =
                    if count == 0 { "the connection was closed" } else { "a message is too long" };
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
            }
            if self.coming.ends_with(b"\n") {
                self.whole.clear();
                std::mem::swap(&mut self.whole, &mut self.coming);
                return Ok(self.whole.trim_ascii());
            }
        }
    }
}
