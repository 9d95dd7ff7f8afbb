//! A web server on loopback that serves files with validators, and misbehaves when told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What an address answers.
#[derive(Clone)]
pub(crate) enum Answer {
    /// The file, or 304 to whoever has it.
    File(Vec<u8>),
    /// This status, with a `Retry-After` of so many seconds where there is one.
    Status(u16, Option<u32>),
    /// Nothing, for longer than anybody waits.
    Silence,
    /// The head of a reply and half of its body, then the end of the connection.
    Cut(Vec<u8>),
}

type Answers = Arc<Mutex<BTreeMap<String, Answer>>>;
type Log = Arc<Mutex<Vec<(String, u16, String)>>>;

/// A running server.
pub(crate) struct Web {
    pub(crate) base_url: String,
    answers: Answers,
    log: Log,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let (answers, log) = (Answers::default(), Log::default());
        let (to_serve, to_log) = (Arc::clone(&answers), Arc::clone(&log));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, log) = (Arc::clone(&to_serve), Arc::clone(&to_log));
                thread::spawn(move || serve(stream, &answers, &log));
            }
        });
        Self { base_url, answers, log }
    }

    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// The requests since the last call: path and status.
    pub(crate) fn requests(&self) -> Vec<(String, u16)> {
        let log: Vec<_> = self.log.lock().unwrap().drain(..).collect();
        for (path, _, agent) in &log {
            assert!(agent.starts_with("marabet/"), "{path} was asked for by `{agent}`");
        }
        log.into_iter().map(|(path, status, _)| (path, status)).collect()
    }
}

fn serve(mut stream: TcpStream, answers: &Answers, log: &Log) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(request)) = lines.next() {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let headers: Vec<String> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let header = |name: &str| {
            headers.iter().find_map(|line| {
                let (found, value) = line.split_once(": ")?;
                found.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        let answer = answers.lock().unwrap().get(&path).cloned();
        let (status, body, more) = match answer {
            None => (404, Vec::new(), String::new()),
            Some(Answer::Silence) => {
                thread::sleep(Duration::from_secs(30));
                return;
            }
            Some(Answer::Status(status, retry_after)) => {
                let more = retry_after.map(|s| format!("Retry-After: {s}\r\n"));
                (status, b"<html>busy</html>".to_vec(), more.unwrap_or_default())
            }
            Some(Answer::Cut(body)) => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&body[..body.len() / 2]).unwrap();
                return;
            }
            Some(Answer::File(body)) => {
                let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
                let etag = format!("\"{}-{sum}\"", body.len());
                let more = format!("ETag: {etag}\r\n");
                match header("If-None-Match") {
                    Some(known) if known == etag => (304, Vec::new(), more),
                    _ => (200, body, more),
                }
            }
        };
        log.lock().unwrap().push((path, status, header("User-Agent").unwrap_or_default()));
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{more}\r\n");
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
            return;
        }
    }
}
