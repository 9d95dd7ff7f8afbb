//! `marabet odds …`: the calculators for prices.

mod clv;
mod devig;
mod kelly;
mod opinion;
mod slate;
mod sure;
mod value;

use anyhow::{Context, ensure};
use marabet_quant::{Market, Odds, Selection};

use crate::cli::OddsCommand;
use crate::output::say;

pub(super) fn execute(command: &OddsCommand, json: bool) -> anyhow::Result<()> {
    match command {
        OddsCommand::Devig { method, target, odds } => {
            say(&devig::devigged(*method, &typed(odds)?, *target)?, json)
        }
        OddsCommand::Price { method, margin, p } => say(&devig::priced(*method, p, *margin)?, json),
        OddsCommand::Value { odds, p, reference, method, commission } => {
            let net = net(odds, *commission)?;
            say(&value::value(&typed(odds)?, &net, p, reference, *method)?, json)
        }
        OddsCommand::Kelly(arguments) => say(&kelly::kelly(arguments)?, json),
        OddsCommand::Slate(arguments) => say(&slate::slate(arguments)?, json),
        OddsCommand::Stake(command) => say(&kelly::plain(*command)?, json),
        OddsCommand::Arbitrage { odds, book, commission } => {
            say(&sure::arbitrage(odds, *commission, book)?, json)
        }
        OddsCommand::Hedge { stakes, placed, odds, commission } => {
            say(&sure::hedge(stakes, placed, &net(odds, *commission)?)?, json)
        }
        OddsCommand::Lay { stake, odds, lay_odds, commission } => {
            say(&sure::lay(*stake, *odds, *lay_odds, *commission)?, json)
        }
        OddsCommand::Consensus { book, method, rule, trim, weights } => {
            say(&opinion::consensus(book, *method, *rule, *trim, weights)?, json)
        }
        OddsCommand::Blend { model, market, weight } => {
            say(&opinion::blend(model, market, *weight)?, json)
        }
        OddsCommand::Clv(arguments) => say(&clv::clv(arguments)?, json),
    }
}

pub(super) fn typed(odds: &[f64]) -> anyhow::Result<Vec<Odds>> {
    (1..)
        .zip(odds)
        .map(|(place, &odds)| Odds::new(odds).with_context(|| format!("odds number {place}")))
        .collect()
}

fn checked_commission(commission: f64) -> anyhow::Result<f64> {
    ensure!(
        (0.0..1.0).contains(&commission),
        "a commission is a share of the winnings in 0..1, such as 0.02 for 2 %, got {commission}"
    );
    Ok(commission)
}

/// Decimal odds net of a commission on net winnings.
fn net(odds: &[f64], commission: f64) -> anyhow::Result<Vec<f64>> {
    let commission = checked_commission(commission)?;
    Ok(typed(odds)?.iter().map(|odds| odds.net_of_commission(commission)).collect())
}

/// Odds with commas between them.
fn list(text: &str) -> anyhow::Result<Vec<f64>> {
    let number = |cell: &str| {
        cell.trim().parse().with_context(|| format!("`{text}`: `{cell}` is no number"))
    };
    text.split(',').map(number).collect()
}

/// A bet as it is written: `1x2:home`, `ah@-0.25:home`.
fn bet(text: &str) -> anyhow::Result<(Market, Selection)> {
    let (market, selection) = text
        .split_once(':')
        .with_context(|| format!("`{text}` is no bet; write it as 1x2:home or ah@-0.25:home"))?;
    let (market, selection): (Market, Selection) = (market.parse()?, selection.parse()?);
    let offered = market.selections();
    ensure!(
        offered.contains(&selection),
        "`{market}` has no `{selection}`, but {}",
        offered.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    );
    Ok((market, selection))
}
