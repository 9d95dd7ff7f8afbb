//! `[telemetry]`: who is told, beside the log and the metrics, what this process does.

use std::collections::BTreeMap;

use marabet_notify::secret::SecretSource;
use serde::{Deserialize, Serialize};

/// Where spans go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TelemetryConfig {
    /// A collector that takes OTLP over HTTP, such as `http://localhost:4318`; nobody where left
    /// out.
    pub(crate) otlp: Option<String>,
    /// The share of traces that is sent, in 0..=1. All processes send the same ones.
    pub(crate) share: f64,
    /// What this process is called there.
    pub(crate) service: String,
    /// Headers that the collector asks for, each where its value is: `{ env = "NAME" }` or
    /// `{ file = "path" }`.
    pub(crate) headers: BTreeMap<String, SecretSource>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { otlp: None, share: 1.0, service: "marabet".to_owned(), headers: BTreeMap::new() }
    }
}
