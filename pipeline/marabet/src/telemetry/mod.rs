//! What the program says of itself while it runs: lines on standard error, and spans for a
//! collector of OpenTelemetry where the configuration names one.
//!
//! Other crates log and open spans by `tracing` and know nothing of this.

mod collector;
mod identity;
mod lines;
mod spans;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use marabet_streams::trace::TARGET;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor};
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{Command, Global};
use crate::command;
use crate::config::Config;
use spans::Spans;

/// How long the last spans may take on their way when the process ends.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What is to be ended with the process.
pub(crate) struct Telemetry {
    sending: Option<Arc<BatchSpanProcessor>>,
}

/// Starts logging; and spans, where the command runs for long and the configuration asks for them.
///
/// # Errors
/// A collector that cannot be spoken to as it is configured. One that is away is no error.
pub(crate) fn start(command: &Command, global: &Global) -> anyhow::Result<Telemetry> {
    // What is wrong with the configuration is told by the command itself, which reads it too.
    let config = runs_long(command).then(|| command::configuration(global).ok()).flatten();
    let wanted = config.as_ref().filter(|config| config.telemetry.otlp.is_some());
    let sending = wanted.map(collector::open).transpose();
    let spans = match (&sending, wanted) {
        (Ok(Some(sending)), Some(config)) => Some(spans_to(sending, config)),
        _ => None,
    };
    let lines = lines::layer(global.log_format).with_filter(filter(global, spans.is_some()));
    tracing_subscriber::registry().with(lines.boxed()).with(spans).init();
    Ok(Telemetry { sending: sending.context("[telemetry]")? })
}

fn runs_long(command: &Command) -> bool {
    matches!(command, Command::Run(_) | Command::Demo(_))
}

/// Spans are taken, and warnings within them.
fn spans_to<S>(sending: &Arc<BatchSpanProcessor>, config: &Config) -> impl Layer<S> + use<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let namespace = &config.log.prefix;
    Spans::new(Arc::clone(sending), namespace, config.telemetry.share).with_filter(filter_fn(
        |what| {
            if what.is_span() { what.target() == TARGET } else { *what.level() <= Level::WARN }
        },
    ))
}

/// Which lines are written. Spans are let through where they are collected, so that a line can say
/// to which it belongs.
fn filter(global: &Global, with_spans: bool) -> EnvFilter {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| global.log_level.clone());
    let filter = EnvFilter::try_new(&wanted).unwrap_or_else(|_| EnvFilter::new("warn"));
    match format!("{TARGET}=debug").parse() {
        Ok(spans) if with_spans => filter.add_directive(spans),
        _ => filter,
    }
}

impl Telemetry {
    /// Sends what is left, as far as the collector takes it in time.
    pub(crate) fn close(self) {
        if let Some(sending) = self.sending {
            // Nothing waits for it, and the collector has said already that it is away.
            let _ = sending.shutdown_with_timeout(CLOSE_WITHIN);
        }
    }
}
