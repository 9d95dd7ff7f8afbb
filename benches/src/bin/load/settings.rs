//! What a run is asked for, from the environment: `RATE=5000 JSON=1 make load`.

use anyhow::Context;

/// Quotes of a run at the highest rate, where nothing else is asked for.
const QUOTES: u64 = 1_000_000;
/// Seconds of a run at a chosen rate, where nothing else is asked for.
const SECONDS: u64 = 30;

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Quotes a second; none for as many as go through.
    pub(crate) rate: Option<u64>,
    /// How many quotes.
    pub(crate) quotes: u64,
    /// Partitions of the log.
    pub(crate) partitions: u16,
    /// Threads of the stages.
    pub(crate) workers: usize,
    /// Print one JSON object.
    pub(crate) json: bool,
}

impl Settings {
    /// From the variables RATE, QUOTES, PARTITIONS, WORKERS and JSON.
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        let rate = number("RATE")?;
        let quotes = number("QUOTES")?.unwrap_or(rate.map_or(QUOTES, |rate| rate * SECONDS));
        let partitions = number("PARTITIONS")?.unwrap_or(4);
        let partitions = u16::try_from(partitions).context("PARTITIONS is at most 100")?;
        let workers = number("WORKERS")?.unwrap_or(2) as usize;
        let json = std::env::var("JSON").is_ok_and(|value| !value.is_empty() && value != "0");
        Ok(Self { rate, quotes, partitions, workers, json })
    }
}

/// A positive number, where the variable is set to something.
fn number(variable: &str) -> anyhow::Result<Option<u64>> {
    let Ok(text) = std::env::var(variable) else { return Ok(None) };
    if text.is_empty() {
        return Ok(None);
    }
    let number: u64 = text.parse().with_context(|| {
        format!("{variable} is `{text}`, it must be a whole number such as {variable}=5000")
    })?;
    anyhow::ensure!(
        number > 0,
        "{variable} is 0, it must be at least 1; leave it out for the default"
    );
    Ok(Some(number))
}
