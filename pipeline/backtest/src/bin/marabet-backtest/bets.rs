//! The bets beside a report: Parquet with the feature `sweep`, else lines of JSON.

use std::path::Path;

use marabet_backtest::played::PlayedBet;

/// Writes the bets into the report's folder.
#[cfg(feature = "sweep")]
pub(crate) fn write(bets: &[PlayedBet], folder: &Path) -> anyhow::Result<()> {
    Ok(marabet_backtest::table::bets::write(bets, &folder.join("bets.parquet"))?)
}

/// Writes the bets into the report's folder.
#[cfg(not(feature = "sweep"))]
pub(crate) fn write(bets: &[PlayedBet], folder: &Path) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for bet in bets {
        serde_json::to_writer(&mut lines, bet)?;
        lines.push(b'\n');
    }
    Ok(std::fs::write(folder.join("bets.ndjson"), lines)?)
}
