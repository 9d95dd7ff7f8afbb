//! What a run is told as: a table for people, one JSON object for programs.

use std::io::{self, Write};
use std::time::Duration;

use marabet_streams::histogram::Histogram;
use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Quotes through all stages, a second.
    pub(crate) quotes_per_s: f64,
    /// Quotes that the bare loop moves, a second.
    pub(crate) ceiling_quotes_per_s: f64,
    /// The first by the second.
    pub(crate) ratio: f64,
    /// From sending a quote to Redis until its value bet is in Redis.
    pub(crate) latency_ms: Quantiles,
    /// Most memory that Redis' data took.
    pub(crate) redis_memory_mb: f64,
    /// Processor time of Redis over the run.
    pub(crate) redis_cpu_s: f64,
    /// Processor time of this process over the run, the making of the mix included.
    pub(crate) pipeline_cpu_s: f64,
    /// From the quote's instant until its alert was told.
    pub(crate) alert_age_ms: Quantiles,
    /// Most memory that Redis had of the system.
    pub(crate) redis_resident_mb: f64,
    /// Quotes of the run.
    pub(crate) quotes: u64,
    /// The rate that was asked for; 0 for the highest.
    pub(crate) rate: u64,
    /// Seconds of the run.
    pub(crate) seconds: f64,
    /// Value bets, better prices included: compared with the pure stages, line by line.
    pub(crate) bets: u64,
    /// Alerts told.
    pub(crate) alerts: u64,
    /// Mean number of events in a frame of the feed.
    pub(crate) frame_events: f64,
    /// Which share of the commits of `detect` were made along with those of `predict`.
    pub(crate) along: f64,
    /// Times that an fsync of the AOF was late.
    pub(crate) fsyncs_late: u64,
    /// Processor time of Redis for each quote of the bare loop, in µs.
    pub(crate) ceiling_redis_us: f64,
    /// What the pure stages alone cost, in µs of one core a quote, step by step.
    pub(crate) pure_us: Vec<(&'static str, f64)>,
}

/// Quantiles of a duration, in ms.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

impl Quantiles {
    pub(crate) fn of(histogram: &Histogram) -> Self {
        let ms = |quantile| ms(histogram.quantile(quantile));
        Self { p50: ms(0.5), p99: ms(0.99), p999: ms(0.999) }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

impl Report {
    /// Prints it for people.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let rate = if self.rate == 0 {
            "as fast as it goes".to_owned()
        } else {
            format!("at {}/s", self.rate)
        };
        let per_quote = |seconds: f64| seconds * 1e6 / self.quotes as f64;
        writeln!(out, "{} quotes {rate}, {:.1} s", self.quotes, self.seconds)?;
        writeln!(out, "  through all stages        {:>10.0} quotes/s", self.quotes_per_s)?;
        writeln!(out, "  ceiling, Redis calls alone{:>10.0} quotes/s", self.ceiling_quotes_per_s)?;
        writeln!(out, "  ratio                     {:>10.2}", self.ratio)?;
        for (name, of) in
            [("append to value bet", self.latency_ms), ("age of quote at alert", self.alert_age_ms)]
        {
            writeln!(
                out,
                "  {name:<22} p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms",
                of.p50, of.p99, of.p999
            )?;
        }
        writeln!(
            out,
            "  bets {} ({:.2} % of the quotes), each as the pure stages decide it; {} alerts",
            self.bets,
            100.0 * self.bets as f64 / self.quotes as f64,
            self.alerts
        )?;
        writeln!(
            out,
            "  Redis: at most {:.0} MB of data, {:.0} MB resident; {:.1} s of processor, {:.2} µs a quote (bare {:.2})",
            self.redis_memory_mb,
            self.redis_resident_mb,
            self.redis_cpu_s,
            per_quote(self.redis_cpu_s),
            self.ceiling_redis_us
        )?;
        writeln!(
            out,
            "  pipeline: {:.1} s of processor, {:.2} µs a quote; {:.0} events a frame, {:.0} % of commits along; {} late fsyncs",
            self.pipeline_cpu_s,
            per_quote(self.pipeline_cpu_s),
            self.frame_events,
            100.0 * self.along,
            self.fsyncs_late
        )?;
        writeln!(out, "  the pure steps in one core, µs a quote:")?;
        for (step, us) in &self.pure_us {
            writeln!(out, "    {step:<26}{us:>6.2}")?;
        }
        let total: f64 = self.pure_us.iter().map(|(_, us)| us).sum();
        writeln!(out, "    {:<26}{total:>6.2}", "together")
    }
}
