//! Requests and replies as they are recorded, and played back without a network.
//!
//! Each exchange is one file of JSON, numbered in the order in which they happened. Keys stand
//! nowhere in it: parameters and headers that are secret are left out, and a reply that repeats
//! one has it taken out.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The path behind the provider's address, from its slash.
    pub path: String,
    /// Parameters.
    pub query: Vec<(&'static str, String)>,
    /// Parameters that are secret.
    pub secret_query: Vec<(&'static str, Secret)>,
    /// Headers that are secret.
    pub secret_headers: Vec<(&'static str, Secret)>,
    /// A body: then it is posted, as JSON.
    pub body: Option<String>,
    /// A secret form that is posted: a login. It is never recorded.
    pub secret_form: Option<Secret>,
    /// What it costs, in the provider's credits, when it succeeds.
    pub cost: u64,
}

impl Request {
    /// A request for this path.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), cost: 1, ..Self::default() }
    }

    /// With a parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// What is asked for, without secrets: for messages, records and caches.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = self.path.clone();
        for (at, (name, value)) in self.query.iter().enumerate() {
            shown.push(if at == 0 { '?' } else { '&' });
            shown.push_str(&format!("{name}={value}"));
        }
        if let Some(body) = &self.body {
            shown.push_str(&format!(" {body}"));
        }
        self.without_secrets(&shown)
    }

    /// The text without any secret of this request.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        let secrets = self.secret_query.iter().chain(&self.secret_headers);
        secrets.fold(text.to_owned(), |text, (_, secret)| secret.taken_out_of(&text))
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The status code; 200 also where the provider said that nothing changed.
    pub status: u16,
    /// Headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// It is as it was when it was last asked for.
    pub unchanged: bool,
}

impl Reply {
    /// A header as a number.
    #[must_use]
    pub fn number(&self, header: &str) -> Option<u64> {
        let value = self.headers.get(header)?.trim();
        value
            .parse()
            .ok()
            .or_else(|| value.parse::<f64>().ok().map(|number| number.max(0.0) as u64))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    request: String,
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Headers that are worth keeping.
const KEPT: &[&str] = &["content-type", "retry-after", "etag", "last-modified", "date"];

/// Writes exchanges into a folder.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    count: u64,
}

impl Recorder {
    /// Into this folder, which is made where it is not there.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn new(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let count = std::fs::read_dir(folder)?.count() as u64;
        Ok(Self { folder: folder.to_owned(), count })
    }

    /// Keeps an exchange.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn keep(&mut self, request: &Request, reply: &Reply) -> io::Result<()> {
        self.count += 1;
        let name: String =
            request.path.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let path = self.folder.join(format!("{:06}{name:.80}.json", self.count));
        let is_kept = |name: &str| {
            KEPT.contains(&name) || name.starts_with("x-r") || name.starts_with("x-ratelimit")
        };
        let headers = reply.headers.iter().filter(|(name, _)| is_kept(name));
        let recorded = Recorded {
            request: request.shown(),
            status: reply.status,
            headers: headers.map(|(n, v)| (n.clone(), request.without_secrets(v))).collect(),
            body: request.without_secrets(&String::from_utf8_lossy(&reply.body)),
        };
        std::fs::write(path, serde_json::to_vec_pretty(&recorded)?)
    }
}

/// Plays exchanges back: to each request the replies that it got, in their order, the last one
/// again and again.
#[derive(Debug)]
pub struct Player {
    replies: BTreeMap<String, VecDeque<Reply>>,
}

impl Player {
    /// What was recorded into this folder.
    ///
    /// # Errors
    /// What the file system reports, and a file that is no recorded exchange.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        let mut replies: BTreeMap<String, VecDeque<Reply>> = BTreeMap::new();
        for path in paths {
            let Recorded { request, status, headers, body } =
                serde_json::from_slice(&std::fs::read(&path)?).map_err(|error| {
                    let reason = format!("{} is no recorded exchange: {error}", path.display());
                    io::Error::new(io::ErrorKind::InvalidData, reason)
                })?;
            let reply = Reply { status, headers, body: body.into_bytes(), unchanged: false };
            replies.entry(request).or_default().push_back(reply);
        }
        Ok(Self { replies })
    }

    /// The reply that a request got.
    pub fn reply(&mut self, request: &Request) -> Option<Reply> {
        let replies = self.replies.get_mut(&request.shown())?;
        if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
    }
}
