//! From `tracing`'s spans to OpenTelemetry's.
//!
//! A layer of our own, because a span's trace follows from what the span is about
//! ([`super::identity`]): that is how a frame's way through several processes is one trace, though
//! no header travels with an event.

use std::borrow::Cow;
use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use marabet_streams::clock;
use opentelemetry::trace::{Event, Link, SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, SpanId, TraceId, Value};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::identity::{self, Identity};

/// Most events, and most links, of one span.
const EVENTS_MAX: usize = 32;
const LINKS_MAX: usize = 64;

/// Makes spans and hands them on when they end.
pub(super) struct Spans<P> {
    to: Arc<P>,
    namespace: String,
    /// The share of traces that is kept.
    share: f64,
    ids: RandomIdGenerator,
    scope: InstrumentationScope,
}

/// A span that has not ended and is kept.
struct Open {
    parent: SpanId,
    began: SystemTime,
    fields: Fields,
    events: Vec<Event>,
}

impl<P: SpanProcessor> Spans<P> {
    pub(super) fn new(to: Arc<P>, namespace: &str, share: f64) -> Self {
        let scope = InstrumentationScope::builder("marabet")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let namespace = namespace.to_owned();
        Self { to, namespace, share, ids: RandomIdGenerator::default(), scope }
    }

    /// A span's place, and its parent's, by what its fields say and by the span that it began in.
    fn place(&self, fields: &Fields, within: Option<Identity>) -> (Identity, SpanId) {
        let span = self.ids.new_span_id();
        if let Some(key) = &fields.key {
            let trace = identity::trace_of(&self.namespace, key);
            let kept = identity::is_among(trace, self.share);
            let origin = identity::origin_of(trace);
            return if fields.is_origin {
                (Identity { trace, span: origin, kept }, SpanId::INVALID)
            } else {
                (Identity { trace, span, kept }, origin)
            };
        }
        let caller = || identity::of_caller(fields.caller.as_deref()?);
        if let Some(parent) = within.or_else(caller) {
            return (Identity { span, ..parent }, parent.span);
        }
        let trace = self.ids.new_trace_id();
        let kept = identity::is_among(trace, self.share);
        (Identity { trace, span, kept }, SpanId::INVALID)
    }

    fn links(&self, keys: &str) -> SpanLinks {
        let link = |key: &str| {
            let trace = identity::trace_of(&self.namespace, key);
            Link::with_context(context(trace, identity::origin_of(trace)))
        };
        let mut links = SpanLinks::default();
        links.links = keys.split_whitespace().take(LINKS_MAX).map(link).collect();
        links.dropped_count = keys.split_whitespace().skip(LINKS_MAX).count() as u32;
        links
    }

    fn ended(&self, identity: Identity, open: Open) -> SpanData {
        let Open { parent, began, fields, events: found } = open;
        let mut events = SpanEvents::default();
        events.events = found;
        SpanData {
            span_context: context(identity.trace, identity.span),
            parent_span_id: parent,
            parent_span_is_remote: fields.key.is_some() || fields.caller.is_some(),
            span_kind: fields.kind,
            name: fields.name,
            start_time: began,
            end_time: now(),
            links: self.links(&fields.links),
            attributes: fields.attributes,
            dropped_attributes_count: 0,
            events,
            status: fields.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn context(trace: TraceId, span: SpanId) -> SpanContext {
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default())
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(clock::wall_us())
}

impl<P, S> Layer<S> for Spans<P>
where
    P: SpanProcessor + 'static,
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::of(attributes.metadata());
        attributes.record(&mut fields);
        let parent = span.parent();
        let within = parent.and_then(|parent| parent.extensions().get::<Identity>().copied());
        let (identity, parent) = self.place(&fields, within);
        let mut extensions = span.extensions_mut();
        extensions.insert(identity);
        if identity.kept {
            let began = now() - Duration::from_micros(fields.took_us);
            extensions.insert(Open { parent, began, fields, events: Vec::new() });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(&mut open.fields);
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.lookup_current() else { return };
        let mut extensions = span.extensions_mut();
        let Some(open) = extensions.get_mut::<Open>() else { return };
        if open.events.len() >= EVENTS_MAX {
            return;
        }
        let mut fields = Fields::of(event.metadata());
        event.record(&mut fields);
        if *event.metadata().level() == Level::ERROR {
            open.fields.error = Some(fields.name.clone().into_owned());
        }
        fields.attributes.push(KeyValue::new("level", event.metadata().level().as_str()));
        open.events.push(Event::new(fields.name, now(), fields.attributes, 0));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let (identity, open) = {
            let mut extensions = span.extensions_mut();
            (extensions.get_mut::<Identity>().copied(), extensions.remove::<Open>())
        };
        if let (Some(identity), Some(open)) = (identity, open) {
            self.to.on_end(self.ended(identity, open));
        }
    }
}

/// The fields of a span or an event, sorted.
struct Fields {
    name: Cow<'static, str>,
    kind: SpanKind,
    key: Option<String>,
    is_origin: bool,
    caller: Option<String>,
    links: String,
    took_us: u64,
    error: Option<String>,
    attributes: Vec<KeyValue>,
}

impl Fields {
    fn of(what: &'static Metadata<'static>) -> Self {
        Self {
            name: what.name().into(),
            kind: SpanKind::Internal,
            key: None,
            is_origin: false,
            caller: None,
            links: String::new(),
            took_us: 0,
            error: None,
            attributes: Vec::new(),
        }
    }

    fn attribute(&mut self, field: &Field, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }

    fn text(&mut self, field: &Field, text: impl Display) {
        let text = text.to_string();
        match field.name() {
            "otel.name" | "message" => self.name = text.into(),
            "otel.kind" => {
                self.kind = match &*text {
                    "server" => SpanKind::Server,
                    "client" => SpanKind::Client,
                    "producer" => SpanKind::Producer,
                    "consumer" => SpanKind::Consumer,
                    _ => SpanKind::Internal,
                };
            }
            "trace.key" => self.key = Some(text),
            "trace.parent" => self.caller = Some(text),
            "trace.links" => self.links = text,
            "error" => self.error = Some(text),
            _ => self.attribute(field, text),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "trace.origin" => self.is_origin = value,
            _ => self.attribute(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.attribute(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.attribute(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "trace.took_us" => self.took_us = value,
            _ => self.attribute(field, i64::try_from(value).unwrap_or(i64::MAX)),
        }
    }
}
