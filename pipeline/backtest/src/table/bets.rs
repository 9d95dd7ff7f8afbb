//! Bets as Parquet, beside a report.

use std::path::Path;

use marabet_schemas::Instant;
use polars::prelude::{Column, DataFrame};

use super::TableError;
use crate::played::PlayedBet;

/// Writes bets, a row each: instants in microseconds since 1970 (UTC), money in whole units.
///
/// # Errors
/// [`TableError`] with the file.
pub fn write(bets: &[PlayedBet], path: &Path) -> Result<(), TableError> {
    let partial = path.with_extension("partial");
    let frame = DataFrame::new(bets.len(), columns(bets));
    let mut frame = frame.map_err(|error| TableError::damaged(&partial, error))?;
    super::write_frame(&mut frame, &partial)?;
    std::fs::rename(&partial, path).map_err(TableError::file(path))
}

fn columns(bets: &[PlayedBet]) -> Vec<Column> {
    let text = |name: &str, value: fn(&PlayedBet) -> String| {
        Column::new(name.into(), bets.iter().map(value).collect::<Vec<_>>())
    };
    let number = |name: &str, value: fn(&PlayedBet) -> Option<f64>| {
        Column::new(name.into(), bets.iter().map(value).collect::<Vec<_>>())
    };
    let instant = |name: &str, value: fn(&PlayedBet) -> Option<Instant>| {
        let micros = |bet| value(bet).map(Instant::micros);
        Column::new(name.into(), bets.iter().map(micros).collect::<Vec<_>>())
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
