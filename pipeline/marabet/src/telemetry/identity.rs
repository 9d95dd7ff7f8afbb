//! Which trace a span belongs to.
//!
//! What has a name of its own in the whole system (a frame by its address, a job by its identity)
//! has a trace that follows from this name, so that processes which know nothing of each other
//! tell of one trace.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use sha2::{Digest, Sha256};

/// A span's place among all spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    /// Whether its trace is among those that are sent.
    pub(super) kept: bool,
}

/// The trace that is named after this key of a namespace.
pub(super) fn trace_of(namespace: &str, key: &str) -> TraceId {
    let mut hash = Sha256::new();
    hash.update(namespace);
    hash.update([0]);
    hash.update(key);
    TraceId::from_bytes(first_bytes(&hash.finalize()))
}

/// The span that the others of such a trace descend from.
pub(super) fn origin_of(trace: TraceId) -> SpanId {
    SpanId::from_bytes(first_bytes(&Sha256::digest(trace.to_bytes())))
}

fn first_bytes<const N: usize>(hash: &[u8]) -> [u8; N] {
    std::array::from_fn(|place| hash[place])
}

/// Whether a trace is among this share of all traces; every process finds the same.
pub(super) fn is_among(trace: TraceId, share: f64) -> bool {
    let bytes: [u8; 8] = first_bytes(&trace.to_bytes()[8..]);
    (u64::from_be_bytes(bytes) as f64) < share * 2_f64.powi(64)
}

/// The span that a caller's `traceparent` names.
pub(super) fn of_caller(traceparent: &str) -> Option<Identity> {
    // The parts have set lengths, which the reader of OpenTelemetry does not ask for.
    if !traceparent.split('-').map(str::len).eq([2, 32, 16, 2]) {
        return None;
    }
    let headers = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&headers);
    let found = context.span().span_context().clone();
    found.is_valid().then(|| Identity {
        trace: found.trace_id(),
        span: found.span_id(),
        kept: found.is_sampled(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_has_one_trace_in_every_process_and_another_in_another_namespace() {
        let trace = trace_of("mb", "3/1700000000000-1");
        assert_eq!(trace, trace_of("mb", "3/1700000000000-1"));
        assert_ne!(trace, trace_of("mb", "3/1700000000000-2"));
        assert_ne!(trace, trace_of("other", "3/1700000000000-1"));
        assert_eq!(origin_of(trace), origin_of(trace));
    }

    #[test]
    fn a_share_of_the_traces_is_kept() {
        let kept = |share: f64| {
            let traces = (0..4_000).map(|number| trace_of("mb", &number.to_string()));
            traces.filter(|trace| is_among(*trace, share)).count()
        };
        assert_eq!(kept(1.0), 4_000);
        assert_eq!(kept(0.0), 0);
        assert!((900..1_100).contains(&kept(0.25)), "{}", kept(0.25));
    }

    #[test]
    fn a_caller_s_header_is_read_and_a_malformed_one_is_none() {
        let found = of_caller("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(found.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(found.span.to_string(), "00f067aa0ba902b7");
        assert!(found.kept);
        for malformed in
            ["", "00-1-2-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"]
        {
            assert_eq!(of_caller(malformed), None, "{malformed}");
        }
    }
}
