//! Requests of the API.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::families::BUCKETS_S;

/// Counts and times requests by route.
pub(crate) struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl HttpMetrics {
    /// Registers the metrics.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new("marabet_http_requests_total", "Requests of the API."),
            &["method", "route", "code"],
        )?;
        let options = HistogramOpts::new(
            "marabet_http_request_seconds",
            "From the head of a request to the head of its answer.",
        );
        let seconds = HistogramVec::new(options.buckets(BUCKETS_S.into()), &["route"])?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { requests, seconds })
    }

    /// Counts a request. Methods and routes are those of the table, or `other`.
    pub(crate) fn count(&self, method: &Method, route: &str, code: StatusCode, took: Duration) {
        let known = [Method::GET, Method::HEAD, Method::POST].contains(method);
        let method = if known { method.as_str() } else { "other" };
        self.requests.with_label_values(&[method, route, code.as_str()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }
}
