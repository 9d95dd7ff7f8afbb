//! A web server on loopback that answers as it is told, request by request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request, as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// How it answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Only half of the body comes.
    pub(crate) cut: bool,
    /// Nothing comes for so long.
    pub(crate) silent: Duration,
}

impl Answer {
    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self { status: 200, body: body.into().into_bytes(), ..Self::default() }
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self { status, body: body.as_bytes().to_vec(), ..Self::default() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts, as a test writes them")]
    pub(crate) fn with(mut self, header: &'static str, value: impl ToString) -> Self {
        self.headers.push((header, value.to_string()));
        self
    }
}

type Rule = dyn Fn(&Asked, usize) -> Answer + Send + Sync;

/// A server, and what it was asked.
pub(crate) struct Server {
    pub(crate) base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    rule: Arc<Mutex<Arc<Rule>>>,
}

impl Server {
    /// A server that answers by a rule; the rule gets the number of the request, from 0.
    pub(crate) fn start(rule: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let rule: Arc<Mutex<Arc<Rule>>> = Arc::new(Mutex::new(Arc::new(rule)));
        let (log, rules) = (Arc::clone(&asked), Arc::clone(&rule));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, rules) = (Arc::clone(&log), Arc::clone(&rules));
                thread::spawn(move || serve(stream, &log, &rules));
            }
        });
        Self { base_url, asked, rule }
    }

    pub(crate) fn answer(&self, rule: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// What was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, rules: &Mutex<Arc<Rule>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        if reader.read_line(&mut head).is_err() || head.is_empty() {
            return;
        }
        let target = head.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let mut headers = Vec::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
                if name == "content-length" {
                    length = value.parse().unwrap_or(0);
                }
                headers.push((name, value));
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let asked = Asked { path, query, headers, body };
        let number = {
            let mut log = log.lock().unwrap();
            log.push(asked.clone());
            log.len() - 1
        };
        let rule = Arc::clone(&rules.lock().unwrap());
        let answer = rule(&asked, number);
        thread::sleep(answer.silent);
        let length = answer.body.len();
        let mut text = format!("HTTP/1.1 {} X\r\nContent-Length: {length}\r\n", answer.status);
        for (name, value) in &answer.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let sent = if answer.cut { length / 2 } else { length };
        let written =
            stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&answer.body[..sent]));
        if written.is_err() || answer.cut {
            return;
        }
    }
}
