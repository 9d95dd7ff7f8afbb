//! `--verify`: the same bets by the sweep's way.

use marabet_backtest::history::History;
use marabet_backtest::replay::Replayed;
use marabet_backtest::setup::Setup;
use marabet_backtest::sweep::compare::{Difference, differences, swept};

/// How many bets the sweep's way makes otherwise; the first is told.
pub(crate) fn count(
    history: &History,
    setup: &Setup,
    replayed: &Replayed,
    threads: usize,
) -> anyhow::Result<u64> {
    if !setup.frictions.are_none() {
        anyhow::bail!("a sweep knows no frictions: compare without --delay and --rejected");
    }
    let swept = swept(history, setup, threads)?;
    let found = differences(&replayed.booked.bets, &swept);
    if let Some(first) = found.first() {
        tell(first);
    }
    Ok(found.len() as u64)
}

#[allow(clippy::print_stderr, reason = "a person should see what differs")]
fn tell(first: &Difference) {
    eprintln!("first difference\n  replay {:?}\n  sweep  {:?}", first.replayed, first.swept);
}
