//! `--verify`: the same bets by the other way.

use marabet_backtest::history::History;
use marabet_backtest::played::PlayedBet;
use marabet_backtest::replay::{Replayed, replay};
use marabet_backtest::setup::Setup;
use marabet_backtest::sweep::Trial;
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
    Ok(count_between(&replayed.booked.bets, &swept))
}

/// How many of the bets that a sweep made for these strategies a replay makes otherwise; the first
/// is told.
pub(crate) fn of_trials(
    history: &History,
    setup: &Setup,
    trials: &[&Trial],
    swept: &[PlayedBet],
    threads: usize,
) -> anyhow::Result<u64> {
    if let Some(trial) = trials.iter().find(|trial| trial.aggregates) {
        anyhow::bail!(
            "`{}` bets at maxima over books, which a replay refuses: compare without --aggregates",
            trial.about
        );
    }
    let rules = trials.iter().map(|trial| (trial.name.clone(), trial.rules.clone())).collect();
    let alone = Setup { strategies: rules, frictions: Default::default(), ..setup.clone() };
    let replayed = replay(history, &alone, threads)?;
    Ok(count_between(&replayed.booked.bets, swept))
}

fn count_between(replayed: &[PlayedBet], swept: &[PlayedBet]) -> u64 {
    let found = differences(replayed, swept);
    if let Some(first) = found.first() {
        tell(first);
    }
    found.len() as u64
}

#[allow(clippy::print_stderr, reason = "a person should see what differs")]
fn tell(first: &Difference) {
    eprintln!("first difference\n  replay {:?}\n  sweep  {:?}", first.replayed, first.swept);
}
