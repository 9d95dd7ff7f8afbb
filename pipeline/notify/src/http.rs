//! One JSON request to a service, and what its end says about whether it was heard.

use std::time::Duration;

use ureq::http::StatusCode;

use crate::SendError;

/// Below a notifier's own limit, so that it is this client that says what happened.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Most bytes of an answer that are read.
const ANSWER_MAX: u64 = 1 << 20;

/// A client that keeps its connections.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
}

/// What a service answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    /// How long it asks to wait.
    pub(crate) retry_after: Option<Duration>,
}

/// A body and what it is.
pub(crate) struct Body {
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

impl Body {
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        let bytes = value.to_string().into_bytes();
        Self { content_type: "application/json".to_owned(), bytes }
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::with_timeout(TIMEOUT)
    }

    pub(crate) fn with_timeout(timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .user_agent(concat!("marabet/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .build();
        Self { agent: config.into() }
    }

    /// Posts a body. The URL may hold a secret and is in no error.
    pub(crate) async fn post(
        &self,
        url: String,
        headers: Vec<(&'static str, String)>,
        body: Body,
    ) -> Result<Answer, SendError> {
        let agent = self.agent.clone();
        let post = move || {
            let mut request = agent.post(&url).header("content-type", &body.content_type);
            for (name, value) in &headers {
                request = request.header(*name, value);
            }
            let mut response = request.send(&body.bytes[..]).map_err(|error| fault(&error))?;
            let header = response.headers().get("retry-after");
            let retry_after = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            // The service has answered: what it says of it may be cut short without harm.
            let text = response.body_mut().with_config().limit(ANSWER_MAX).read_to_string();
            Ok(Answer {
                status: response.status(),
                body: text.unwrap_or_default(),
                retry_after: retry_after.map(Duration::from_secs),
            })
        };
        tokio::task::spawn_blocking(post)
            .await
            .unwrap_or_else(|error| Err(SendError::Unclear(format!("sending ended: {error}"))))
    }
}

impl Answer {
    /// What an answer that is none of the service's own says.
    pub(crate) fn refusal(&self, service: &str) -> SendError {
        let said: String = self.body.chars().take(200).collect();
        let reason = format!("{service} answered {}: {said}", self.status);
        match self.status.as_u16() {
            408 | 425 | 429 | 500.. => SendError::Away { reason, wait: self.retry_after },
            _ => SendError::Refused(reason),
        }
    }
}

/// Whether the service can have heard a request that failed.
fn fault(error: &ureq::Error) -> SendError {
    use std::io::ErrorKind as K;
    use ureq::Timeout as T;
    let unheard = match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Tls(_) => true,
        ureq::Error::Timeout(at) => matches!(at, T::Resolve | T::Connect),
        ureq::Error::Io(error) => {
            matches!(
                error.kind(),
                K::ConnectionRefused | K::NetworkUnreachable | K::HostUnreachable
            )
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            return SendError::Refused("the address of the service is no URL".to_owned());
        }
        _ => false,
    };
    let reason = match error {
        ureq::Error::Io(error) => format!("the connection failed: {}", error.kind()),
        ureq::Error::Timeout(at) => format!("no answer in time ({at:?})"),
        ureq::Error::HostNotFound => "the service's host is not found".to_owned(),
        // Other messages may repeat the URL.
        _ => "the connection failed".to_owned(),
    };
    if unheard { SendError::Away { reason, wait: None } } else { SendError::Unclear(reason) }
}
