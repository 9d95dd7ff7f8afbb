//! The way to a collector of OpenTelemetry: OTLP, protobuf over HTTP.
//!
//! Spans wait in a bounded queue for a thread of their own; what does not fit, or is not taken, is
//! lost and holds nothing up. That a collector is away is said once, and once that it is back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor};

use crate::config::Config;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long spans wait for more.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// Most spans that wait, and most in one request.
const WAITING_MAX: usize = 16_384;
const AT_ONCE_MAX: usize = 1_024;
/// Most bytes of an answer that are read.
const ANSWER_MAX: u64 = 64 << 10;

/// Opens the way to the configured collector.
pub(super) fn open(config: &Config) -> anyhow::Result<Arc<BatchSpanProcessor>> {
    let telemetry = &config.telemetry;
    let url = telemetry.otlp.as_deref().unwrap_or_default();
    let mut headers = HashMap::new();
    for (name, value) in &telemetry.headers {
        let value = value.read().with_context(|| format!("headers.{name}"))?;
        headers.insert(name.clone(), value.reveal().to_owned());
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::at(url))
        .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
        .with_timeout(TIMEOUT)
        .with_headers(headers)
        .build()
        .context("otlp")?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(WAITING_MAX)
        .with_max_export_batch_size(AT_ONCE_MAX)
        .with_scheduled_delay(SEND_EVERY)
        .build();
    let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let resource = Resource::builder()
        .with_service_name(telemetry.service.clone())
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.namespace", config.log.prefix.clone()),
            KeyValue::new("process.pid", i64::from(std::process::id())),
        ])
        .build();
    processor.set_resource(&resource);
    Ok(Arc::new(processor))
}

/// Posts what the exporter has made.
#[derive(Debug)]
struct Collector {
    agent: ureq::Agent,
    url: String,
    is_away: AtomicBool,
}

impl Collector {
    fn at(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .user_agent(concat!("marabet/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .build();
        Self { agent: config.into(), url: url.to_owned(), is_away: AtomicBool::new(false) }
    }

    fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (head, body) = request.into_parts();
        let mut post = self.agent.post(head.uri);
        for (name, value) in &head.headers {
            post = post.header(name, value);
        }
        let mut answer = post.send(&body[..])?;
        let text = answer.body_mut().with_config().limit(ANSWER_MAX).read_to_vec()?;
        Ok(answer.map(|_| Bytes::from(text)))
    }

    /// Says it where it has changed.
    fn note(&self, fault: Option<&str>) {
        let was_away = self.is_away.swap(fault.is_some(), Ordering::Relaxed);
        match fault {
            Some(fault) if !was_away => tracing::warn!(
                "the collector of [telemetry] otlp, {}, takes no spans: {fault}; they are dropped \
                 until it does",
                self.url
            ),
            None if was_away => tracing::info!("the collector {} takes spans again", self.url),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    // The processor asks from a thread of its own, which may block.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answered = self.post(request);
        match &answered {
            Ok(answer) if answer.status().is_success() => self.note(None),
            Ok(answer) => self.note(Some(&format!("it answers {}", answer.status()))),
            Err(error) => self.note(Some(&error.to_string())),
        }
        Ok(answered?)
    }
}
