//! `marabet odds …`: the calculators for prices.

use std::io::{self, Write};

use anyhow::{Context, ensure};
use marabet_quant::Odds;
use marabet_quant::devig::{Method, devig_to};
use marabet_quant::outcome::Outcomes;
use marabet_quant::staking::{self, SimultaneousBet};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::OddsCommand;
use crate::output::{Answer, percent, say};

pub(super) fn execute(command: &OddsCommand, json: bool) -> anyhow::Result<()> {
    match command {
        OddsCommand::Devig { method, target, odds } => {
            say(&devigged(*method, &typed(odds)?, *target)?, json)
        }
        OddsCommand::Value { odds, p, reference, method, commission } => {
            say(&value(&typed(odds)?, p, reference, *method, *commission)?, json)
        }
        OddsCommand::Kelly { odds, p, fraction, exclusive, commission } => {
            let net: Vec<f64> =
                typed(odds)?.iter().map(|odds| odds.net_of_commission(*commission)).collect();
            ensure!(net.len() == p.len(), "{} odds and {} probabilities", net.len(), p.len());
            say(&kelly(&net, p, *fraction, *exclusive)?, json)
        }
        OddsCommand::Arbitrage { odds } => say(&arbitrage(&typed(odds)?)?, json),
    }
}

fn typed(odds: &[f64]) -> anyhow::Result<Vec<Odds>> {
    (1..)
        .zip(odds)
        .map(|(place, &odds)| Odds::new(odds).with_context(|| format!("odds number {place}")))
        .collect()
}

/// A market without its margin.
#[derive(Serialize)]
struct Devigged {
    method: Method,
    odds: Vec<Odds>,
    probabilities: Vec<f64>,
    fair_odds: Vec<f64>,
    margin: f64,
    overround: f64,
    /// The method's own parameter under its name: `z`, `k`, `c`, `step`.
    #[serde(flatten)]
    parameter: Map<String, Value>,
}

fn devigged(method: Method, odds: &[Odds], target: f64) -> anyhow::Result<Devigged> {
    let fair = devig_to(method, odds, target)?;
    let parameter = fair.parameter.iter().map(|one| (one.name.to_owned(), one.value.into()));
    Ok(Devigged {
        method,
        odds: odds.to_vec(),
        fair_odds: fair.probabilities.iter().map(|p| 1.0 / p).collect(),
        margin: fair.margin,
        overround: fair.overround,
        parameter: parameter.collect(),
        probabilities: fair.probabilities,
    })
}

impl Answer for Devigged {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:>8}  {:>11}  {:>9}", "odds", "probability", "fair odds")?;
        for ((odds, p), fair) in self.odds.iter().zip(&self.probabilities).zip(&self.fair_odds) {
            writeln!(out, "{odds:>8.3}  {p:>11.6}  {fair:>9.4}")?;
        }
        write!(out, "margin {} by {}", percent(self.margin), self.method)?;
        for (name, value) in &self.parameter {
            write!(out, ", {name} = {value}")?;
        }
        writeln!(out)
    }
}

/// Prices against what is fair.
#[derive(Serialize)]
struct Value_ {
    selections: Vec<SelectionValue>,
}

#[derive(Serialize)]
struct SelectionValue {
    odds: Odds,
    net_odds: f64,
    probability: f64,
    fair_odds: f64,
    /// Expected value of one unit, net of commission.
    ev: f64,
    /// Full Kelly stake, a share of the bankroll.
    kelly: f64,
}

fn value(
    odds: &[Odds],
    p: &[f64],
    reference: &[f64],
    method: Method,
    commission: f64,
) -> anyhow::Result<Value_> {
    let probabilities = if reference.is_empty() {
        p.to_vec()
    } else {
        devig_to(method, &typed(reference)?, 1.0).context("the reference's odds")?.probabilities
    };
    ensure!(
        probabilities.len() == odds.len(),
        "{} odds offered, and {} probabilities to hold against them",
        odds.len(),
        probabilities.len()
    );
    let selections = odds.iter().zip(probabilities).map(|(&odds, probability)| {
        let net_odds = odds.net_of_commission(commission);
        let outcomes = Outcomes::two_way(probability)?;
        Ok(SelectionValue {
            odds,
            net_odds,
            probability,
            fair_odds: 1.0 / probability,
            ev: outcomes.expected_return(net_odds),
            kelly: staking::kelly(net_odds, probability, 1.0)?.stake,
        })
    });
    Ok(Value_ { selections: selections.collect::<anyhow::Result<_>>()? })
}

impl Answer for Value_ {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:>8}  {:>9}  {:>9}  {:>7}", "net odds", "fair odds", "EV", "Kelly")?;
        for one in &self.selections {
            let (net, fair) = (one.net_odds, one.fair_odds);
            writeln!(out, "{net:>8.3}  {fair:>9.4}  {:>9}  {:>7.4}", percent(one.ev), one.kelly)?;
        }
        Ok(())
    }
}

/// Stakes that grow the bankroll fastest.
#[derive(Serialize)]
struct Stakes {
    /// Of each selection, a share of the bankroll.
    stakes: Vec<f64>,
    /// The stake, where there is one selection.
    #[serde(skip_serializing_if = "Option::is_none")]
    stake: Option<f64>,
    /// Expected growth of the logarithm of the bankroll: of one bet, or of full Kelly stakes on
    /// selections that exclude each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_growth: Option<f64>,
    /// Expected value of one unit on each selection.
    ev: Vec<f64>,
}

fn kelly(net: &[f64], p: &[f64], fraction: f64, exclusive: bool) -> anyhow::Result<Stakes> {
    let ev = net.iter().zip(p).map(|(net, p)| p * net - 1.0).collect();
    let (stakes, log_growth) = match (net, p) {
        ([net], [p]) => {
            let bet = staking::kelly(*net, *p, fraction)?;
            (vec![bet.stake], Some(bet.log_growth))
        }
        _ if exclusive => {
            let bets = staking::kelly_exclusive(net, p)?;
            // Full Kelly's growth comes with its stakes; a share of them grows by less.
            let log_growth = (fraction >= 1.0).then_some(bets.log_growth);
            (bets.stakes.iter().map(|stake| stake * fraction).collect(), log_growth)
        }
        _ => {
            let bet = |(&net_odds, &p): (&f64, &f64)| {
                Ok(SimultaneousBet { outcomes: Outcomes::two_way(p)?, net_odds })
            };
            let bets: Vec<_> = net.iter().zip(p).map(bet).collect::<anyhow::Result<_>>()?;
            let stakes = staking::kelly_simultaneous(&bets, fraction, 1.0)?;
            (stakes, None)
        }
    };
    let stake = if let [stake] = stakes[..] { Some(stake) } else { None };
    Ok(Stakes { stakes, stake, log_growth, ev })
}

impl Answer for Stakes {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (stake, ev) in self.stakes.iter().zip(&self.ev) {
            writeln!(out, "stake {stake:.6} of the bankroll at an EV of {}", percent(*ev))?;
        }
        match self.log_growth {
            Some(growth) => writeln!(out, "expected log growth {growth:.8}"),
            None => Ok(()),
        }
    }
}

/// Stakes that win whatever happens.
#[derive(Serialize)]
struct Arbitrage {
    /// Profit of one unit in all; negative where there is none to be had.
    r#return: f64,
    /// Shares of the whole stake.
    stakes: Vec<f64>,
}

fn arbitrage(odds: &[Odds]) -> anyhow::Result<Arbitrage> {
    let best = staking::Book { odds: odds.to_vec(), commission: 0.0 };
    let found = staking::arbitrage(&[best])?;
    let stakes = found.prices.iter().map(|price| price.stake_share).collect();
    Ok(Arbitrage { r#return: found.sure_return, stakes })
}

impl Answer for Arbitrage {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for stake in &self.stakes {
            writeln!(out, "stake {stake:.7} of the whole")?;
        }
        writeln!(out, "sure return {}", percent(self.r#return))
    }
}
