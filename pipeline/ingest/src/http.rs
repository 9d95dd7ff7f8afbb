//! One polite client for files on web servers.
//!
//! It says who it is, asks only for what changed (with the validators of the last reply), takes
//! no more than a bound in bytes and time, and waits between two requests. Blocking: call it
//! where blocking is allowed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::http::StatusCode;
use ureq::http::header::{ETAG, HeaderName, LAST_MODIFIED, RETRY_AFTER};

use crate::clock;

/// Who asks.
pub(crate) const USER_AGENT: &str =
    concat!("marabet/", env!("CARGO_PKG_VERSION"), " (+", env!("CARGO_PKG_REPOSITORY"), ")");

/// By what a server knows whether a file has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Validators {
    /// The entity tag, as the server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The date of the last change, as the server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The file.
    Body {
        /// Its bytes.
        bytes: Vec<u8>,
        /// To ask with next time.
        validators: Validators,
    },
    /// It is as it was.
    NotModified,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The server did not answer in time, or could not be reached.
    #[error("{url} cannot be reached: {reason}")]
    Away {
        /// What was asked for.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The server answered with something else.
    #[error("{url} answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status code.
        status: u16,
        /// How long it asks to wait, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The file is larger than it should be.
    #[error("{url} is larger than {bytes_max} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The bound.
        bytes_max: u64,
    },
}

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    bytes_max: u64,
}

impl Client {
    /// A client that takes at most `bytes_max` bytes a file.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let config = ureq::Agent::config_builder()
            .user_agent(USER_AGENT)
            .http_status_as_error(false)
            .max_redirects(3)
            .build();
        Self { agent: config.into(), bytes_max }
    }

    /// Asks for a file, unless it is as these validators say, and gives up after `timeout`.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn get(
        &self,
        url: &str,
        known: &Validators,
        timeout: Duration,
    ) -> Result<Reply, HttpError> {
        let mut request = self.agent.get(url);
        for (name, value) in
            [("if-none-match", &known.etag), ("if-modified-since", &known.last_modified)]
        {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let began = clock::moment();
        let away = |error: ureq::Error| {
            let reason = match error {
                ureq::Error::Timeout(_) => {
                    format!("no answer within {:.1} s", began.elapsed().as_secs_f64())
                }
                other => other.to_string(),
            };
            HttpError::Away { url: url.to_owned(), reason }
        };
        let timed = request.config().timeout_global(Some(timeout)).build();
        let mut reply = timed.call().map_err(away)?;
        let header = |name: HeaderName| {
            reply.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let validators = Validators { etag: header(ETAG), last_modified: header(LAST_MODIFIED) };
        let retry_after_ms = header(RETRY_AFTER)
            .and_then(|seconds| seconds.parse::<u64>().ok())
            .map(|seconds| seconds.saturating_mul(1000));
        match reply.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(Reply::NotModified),
            status => {
                let (url, status) = (url.to_owned(), status.as_u16());
                return Err(HttpError::Status { url, status, retry_after_ms });
            }
        }
        let body = reply.body_mut().with_config().limit(self.bytes_max).read_to_vec();
        match body {
            Ok(bytes) => Ok(Reply::Body { bytes, validators }),
            Err(ureq::Error::BodyExceedsLimit(bytes_max)) => {
                Err(HttpError::TooLarge { url: url.to_owned(), bytes_max })
            }
            Err(error) => Err(away(error)),
        }
    }
}
