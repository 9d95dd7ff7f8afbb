//! Spans of what happens to frames, for whoever wants to follow one from process to process.
//!
//! A frame keeps its address from stage to stage, so the address says which trace a span belongs
//! to, and nothing has to travel with the events. This module names the spans; whether anybody
//! collects them it does not know. While nobody does, a span costs one look at a flag.
//!
//! Fields whose names begin with `trace.` are for the collector alone: `trace.key` is what the
//! trace is named after, `trace.origin` marks the span that the others of a trace descend from,
//! `trace.took_us` says that a span began so long before it was told of, `trace.links` names the
//! keys of the traces that led to this one, with blanks between, and `trace.parent` is what a caller
//! sent as its `traceparent` (W3C Trace Context). `otel.name` and `otel.kind` are a span's name and
//! kind as OpenTelemetry has them, and `error` is what made it fail.

use std::time::Duration;

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use tracing::{Level, Span};

/// What every span of this system is filed under, at the level `debug`.
pub const TARGET: &str = "marabet::span";

/// A span for each frame that a stage takes; they end when they are dropped.
pub(crate) fn frames(stage: &str, partition: u16, frames: &[Frame]) -> Vec<Span> {
    if !tracing::span_enabled!(target: TARGET, Level::DEBUG) {
        return Vec::new();
    }
    let span = |frame: &Frame| {
        tracing::debug_span!(
            target: TARGET,
            parent: None,
            "frame",
            otel.name = stage,
            trace.key = %format_args!("{partition}/{}", frame.id),
            stage,
            partition,
            entry = %frame.id,
            events = frame.events.len(),
        )
    };
    frames.iter().map(span).collect()
}

/// The span that stands for all of a batch where only one can: in the lines of the log.
pub(crate) fn first(spans: &[Span]) -> Span {
    spans.first().cloned().unwrap_or_else(Span::none)
}

/// Tells of a frame that a source has appended to the feed, with which its trace begins.
pub(crate) fn appended(source: &str, partition: u16, id: EntryId, events: usize, took: Duration) {
    let _ended = tracing::debug_span!(
        target: TARGET,
        parent: None,
        "frame",
        otel.name = "feed",
        otel.kind = "producer",
        trace.key = %format_args!("{partition}/{id}"),
        trace.origin = true,
        trace.took_us = took.as_micros() as u64,
        stage = "feed",
        source,
        partition,
        entry = %id,
        events,
    );
}
