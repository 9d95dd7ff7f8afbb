//! The HTTP that the object store speaks, over the client that the rest of the program uses.

use std::io::Read;

use bytes::Bytes;
use http_body_util::BodyExt;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use ureq::http::Request;

/// Largest answer that is taken: far above the largest file of an archive.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// Makes clients.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp);
        let config = ureq::Agent::config_builder()
            .https_only(plain.as_deref() != Some("true"))
            .user_agent(concat!("marabet/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .timeout_connect(Some(std::time::Duration::from_secs(5)))
            .timeout_global(Some(std::time::Duration::from_secs(60)))
            .max_redirects(0)
            .build();
        Ok(HttpClient::new(Client(config.into())))
    }
}

#[derive(Debug)]
struct Client(ureq::Agent);

#[async_trait::async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let agent = self.0.clone();
        let asked = tokio::task::spawn_blocking(move || {
            // Most methods forbid a body, even an empty one.
            if body.is_empty() {
                ask(&agent, Request::from_parts(head, ()))
            } else {
                ask(&agent, Request::from_parts(head, body.to_vec()))
            }
        });
        let asked = asked.await;
        asked.map_err(|gone| HttpError::new(HttpErrorKind::Interrupted, gone))?
    }
}

fn ask(
    agent: &ureq::Agent,
    request: Request<impl ureq::AsSendBody>,
) -> Result<HttpResponse, HttpError> {
    let response = agent.run(request).map_err(|error| {
        let kind = match &error {
            ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
            ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => HttpErrorKind::Connect,
            _ => HttpErrorKind::Request,
        };
        HttpError::new(kind, error)
    })?;
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    body.as_reader()
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
    Ok(HttpResponse::from_parts(head, HttpResponseBody::from(Bytes::from(bytes))))
}
