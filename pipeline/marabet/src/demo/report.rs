//! What the demo says at its end.

use std::io::{self, Write};

use marabet_streams::StageMetrics;
use serde::Serialize;

use crate::output::{Answer, grouped};
use crate::summary::Summary;

/// The summary of a demo.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// What was streamed, and where it came from.
    pub(super) season: String,
    /// Where the data came from: `files`, `fetched` or `simulated`.
    pub(super) origin: &'static str,
    #[serde(flatten)]
    pub(super) summary: Summary,
    /// Rows and cells that the source could not read.
    pub(super) rejects: u64,
    /// Events that could not be processed.
    pub(super) dead: u64,
    /// Book prices through all stages, per second.
    pub(super) quotes_per_s: f64,
    /// From the first append until every stage had caught up, in seconds.
    pub(super) seconds: f64,
    /// From append to the bet's commit, in milliseconds.
    pub(super) latency_ms: LatencyMs,
    /// Stakes granted by the portfolio.
    pub(super) grants: u64,
    /// Events of the log that differ from what the stages derive in process from its feed.
    pub(super) replay_differences: u64,
    /// Where the log lies that the demo leaves behind.
    pub(super) folder: String,
    /// A bet to look into.
    pub(super) example_bet: Option<String>,
}

/// Latency from append to bet, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct LatencyMs {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
}

impl From<&StageMetrics> for LatencyMs {
    fn from(metrics: &StageMetrics) -> Self {
        let ms = |quantile| metrics.bet_latency.quantile(quantile).as_secs_f64() * 1e3;
        Self { p50: ms(0.5), p99: ms(0.99), p999: ms(0.999) }
    }
}

impl Answer for Report {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = &self.summary;
        writeln!(out, "\n{} ({}), {} matches", self.season, self.origin, all.matches)?;
        writeln!(
            out,
            "  {} book prices/s through all stages, Redis included; {} rejects",
            grouped(self.quotes_per_s as u64),
            grouped(self.rejects)
        )?;
        let LatencyMs { p50, p99, p999 } = self.latency_ms;
        writeln!(out, "  append to bet: p50 {p50:.1} ms, p99 {p99:.1} ms, p99.9 {p999:.1} ms")?;
        all.write_text(out)?;
        writeln!(
            out,
            "replayed in process from the log's feed: {} differences",
            self.replay_differences
        )?;
        let config = format!("MARABET_LOG__FOLDER={}", self.folder);
        if let Some(bet) = &self.example_bet {
            writeln!(out, "look into a bet:    {config} marabet why {bet}")?;
        }
        writeln!(out, "look into the log:  {config} marabet events tail bets")?;
        writeln!(out, "replay the archive: {config} marabet replay --verify")
    }
}
