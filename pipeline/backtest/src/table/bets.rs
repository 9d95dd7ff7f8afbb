//! Bets as Parquet, beside a report.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use marabet_schemas::Instant;

use super::TableError;
use crate::played::PlayedBet;

/// Writes bets, a row each: instants in microseconds since 1970 (UTC), money in whole units.
///
/// # Errors
/// [`TableError`] with the file.
pub fn write(bets: &[PlayedBet], path: &Path) -> Result<(), TableError> {
    let partial = path.with_extension("partial");
    let file = File::create(&partial).map_err(TableError::file(&partial))?;
    let batch = RecordBatch::try_from_iter_with_nullable(columns(bets))
        .map_err(|error| TableError::damaged(&partial, error))?;
    super::write_batch(file, &batch, &partial)?;
    std::fs::rename(&partial, path).map_err(TableError::file(path))
}

/// A name, its values, and whether some may be missing.
type Column = (&'static str, ArrayRef, bool);

fn columns(bets: &[PlayedBet]) -> Vec<Column> {
    let text = |name: &'static str, value: fn(&PlayedBet) -> String| -> Column {
        let values = bets.iter().map(|bet| Some(value(bet)));
        (name, Arc::new(values.collect::<StringArray>()), false)
    };
    let number = |name: &'static str, value: fn(&PlayedBet) -> Option<f64>| -> Column {
        (name, Arc::new(bets.iter().map(value).collect::<Float64Array>()), true)
    };
    let instant = |name: &'static str, value: fn(&PlayedBet) -> Option<Instant>| -> Column {
        let values = bets.iter().map(|bet| value(bet).map(Instant::micros));
        (name, Arc::new(values.collect::<Int64Array>()), true)
    };
    vec![
        text("strategy", |bet| bet.strategy.to_string()),
        text("bet", |bet| bet.bet.to_string()),
        text("match", |bet| bet.key.to_string()),
        text("competition", |bet| bet.key.competition().to_string()),
        instant("at_us", |bet| Some(bet.at)),
        instant("kickoff_us", |bet| Some(bet.kickoff)),
        instant("settled_at_us", |bet| bet.settled_at),
        text("book", |bet| bet.book.to_string()),
        text("market", |bet| bet.market.to_string()),
        text("selection", |bet| bet.selection.to_string()),
        number("odds", |bet| Some(bet.odds)),
        number("net_odds", |bet| Some(bet.net_odds)),
        number("probability", |bet| Some(bet.probability)),
        number("ev", |bet| Some(bet.ev)),
        number("share", |bet| Some(bet.share)),
        number("stake", |bet| Some(bet.stake.units())),
        number("bankroll", |bet| Some(bet.bankroll.units())),
        text("outcome", |bet| bet.outcome.map_or_else(String::new, |o| format!("{o:?}"))),
        number("unit_profit", |bet| Some(bet.unit_profit)),
        number("profit", |bet| Some(bet.profit.units())),
        number("clv", |bet| bet.clv),
    ]
}
