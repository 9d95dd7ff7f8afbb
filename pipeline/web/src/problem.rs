//! What went wrong with a request, as a problem document (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use marabet_streams::LogError;
use schemars::JsonSchema;
use serde::Serialize;

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// What kind of problem: a path of the documentation, the same for every case of it.
    pub(crate) r#type: String,
    /// The kind, for a person.
    pub(crate) title: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    pub(crate) status: u16,
    /// What was wrong this time, and what to do.
    pub(crate) detail: String,
}

/// The media type of problem documents.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("/api/problems#{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    /// The request cannot be understood.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "the request cannot be understood", detail)
    }

    /// Understood, and it cannot be done.
    pub(crate) fn refused(detail: impl Into<String>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, "refused", "the request cannot be done", detail)
    }

    /// It stands against what is the case now.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "the request conflicts with another", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "not here", detail)
    }

    pub(crate) fn method(detail: impl Into<String>) -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method", "the method is not allowed here", detail)
    }

    pub(crate) fn no_key() -> Self {
        let detail = "send a key: `Authorization: Bearer mbk_…`; `marabet key new NAME` makes one";
        Self::new(StatusCode::UNAUTHORIZED, "key", "a key is needed", detail)
    }

    pub(crate) fn wrong_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "key", "a key is needed", "this key is not known")
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "not allowed", detail)
    }

    pub(crate) fn too_large(bytes_max: usize) -> Self {
        let detail = format!("the body is larger than {bytes_max} bytes; send it in parts");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is too large", detail)
    }

    pub(crate) fn media_type(detail: impl Into<String>) -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "media-type", "the body is of another kind", detail)
    }

    pub(crate) fn too_many(wait_s: u64) -> Self {
        let detail = format!("too many requests; try again in {wait_s} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "too many requests", detail)
    }

    /// Redis or the server cannot serve now.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "unavailable", "not available now", detail)
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "something is wrong with the server", detail)
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match &error {
            LogError::Away { .. } | LogError::Full { .. } => Self::unavailable(error.to_string()),
            LogError::Fenced { .. } => Self::conflict(error.to_string()),
            LogError::Asked(reason) => Self::refused(reason.clone()),
            _ => {
                tracing::error!("{error}");
                Self::internal(error.to_string())
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static("Bearer realm=\"marabet\"");
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}
