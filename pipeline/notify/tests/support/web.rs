//! A small web server that answers as a test says, and keeps what it got.

#![allow(dead_code, clippy::unwrap_used, reason = "support of tests, each of which uses its part")]

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the server does.
pub(crate) enum Reply {
    /// Answers with a status and a body.
    Answer(u16, String),
    /// Answers nothing and keeps the connection.
    Hang,
    /// Closes the connection without an answer.
    Reset,
}

/// Answers requests, one after the other on each connection.
pub(crate) struct Web {
    pub(crate) url: String,
    pub(crate) had: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Web {
    pub(crate) async fn start(react: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let had = Arc::new(Mutex::new(Vec::new()));
        let (kept, react) = (Arc::clone(&had), Arc::new(react));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, react) = (Arc::clone(&kept), Arc::clone(&react));
                tokio::spawn(async move { serve(stream, &kept, &*react).await });
            }
        });
        Self { url, had, task }
    }

    pub(crate) fn had(&self) -> Vec<Request> {
        self.had.lock().unwrap().clone()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    kept: &Mutex<Vec<Request>>,
    react: &(impl Fn(&Request) -> Reply + Send + Sync),
) {
    while let Some(request) = read(&mut stream).await {
        kept.lock().unwrap().push(request.clone());
        match react(&request) {
            Reply::Answer(status, body) => {
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Hang => std::future::pending().await,
            Reply::Reset => return,
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let path = String::from_utf8_lossy(&bytes[..end]).split(' ').nth(1)?.to_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    let mut body = bytes[end..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { path, head, body })
}
