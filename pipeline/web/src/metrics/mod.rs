//! What Prometheus reads.
//!
//! Every process tells what its own stages, writers and views did. The process that serves the
//! dashboard tells besides what only the log knows: lag, lengths, owners, dead letters, memory,
//! and how the bets do. Names follow Prometheus' conventions; labels take values from the
//! configuration and the code alone (stages, partitions, streams, groups, routes), so that their
//! number is bounded.

mod families;
mod http;
mod own;
mod seen;

use std::sync::Arc;

use marabet_notify::Notifier;
use marabet_stage::CacheClass;
use marabet_streams::Log;
use prometheus::proto::MetricFamily;
use prometheus::{Encoder, Registry, TextEncoder};

pub(crate) use http::HttpMetrics;
pub(crate) use seen::Seen;

/// The classes of cached views, by the names that metrics and answers give them.
pub(crate) const CACHE_CLASSES: [(&str, CacheClass); 4] = [
    ("odds", CacheClass::Odds),
    ("stats", CacheClass::Stats),
    ("predictions", CacheClass::Predictions),
    ("static", CacheClass::Static),
];

/// A registry with what a process tells of itself, and of those who tell of bets here.
///
/// # Errors
/// A metric that is registered twice.
pub fn registry(log: &Log, notifiers: Vec<Arc<Notifier>>) -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    registry.register(Box::new(own::Own::new(log, notifiers)))?;
    Ok(registry)
}

/// The metrics as text.
#[must_use]
pub fn exposition(families: &[MetricFamily]) -> String {
    let mut text = Vec::new();
    // Names were checked when they were written, and memory takes every write.
    let written = TextEncoder::new().encode(families, &mut text);
    if let Err(error) = written {
        tracing::error!("metrics that cannot be written: {error}");
    }
    String::from_utf8(text).unwrap_or_default()
}

/// What a process tells of itself, and what is seen of the log, as text.
pub(crate) fn text(registry: &Registry, seen: &Seen<'_>) -> String {
    let mut families = registry.gather();
    families.extend(seen.families());
    families.sort_by(|a, b| a.name().cmp(b.name()));
    exposition(&families)
}
