//! `marabet odds kelly` and `marabet odds stake …`: stakes on bets that stand for themselves.

use std::io::{self, Write};

use anyhow::{Context, ensure};
use marabet_quant::outcome::Outcomes;
use marabet_quant::staking::{self, SimultaneousBet};
use serde::Serialize;

use super::{checked_commission, net, typed};
use crate::cli::{KellyArgs, StakeCommand};
use crate::output::{Answer, percent};

/// Stakes that grow the bankroll fastest.
#[derive(Serialize)]
pub(super) struct Stakes {
    /// Of each selection, a share of the bankroll.
    stakes: Vec<f64>,
    /// The stake, where there is one selection.
    #[serde(skip_serializing_if = "Option::is_none")]
    stake: Option<f64>,
    /// In money, where a bankroll was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    amounts: Option<Vec<f64>>,
    /// Expected growth of the logarithm of the bankroll with these stakes.
    log_growth: f64,
    /// Expected value of one unit on each selection.
    ev: Vec<f64>,
}

pub(super) fn kelly(arguments: &KellyArgs) -> anyhow::Result<Stakes> {
    let KellyArgs { odds, p, fraction, cap, bankroll, .. } = arguments;
    let net = net(odds, arguments.commission)?;
    let outcomes = outcomes(p, &arguments.outcomes)?;
    ensure!(
        net.len() == outcomes.len(),
        "{} odds need as many probabilities, got {}",
        net.len(),
        outcomes.len()
    );
    let (stakes, log_growth) = if arguments.exclusive {
        exclusive(&net, p, *fraction, *cap)?
    } else {
        let bet = |(&net_odds, &outcomes)| SimultaneousBet { outcomes, net_odds };
        let bets: Vec<SimultaneousBet> = net.iter().zip(&outcomes).map(bet).collect();
        together(&bets, *fraction, *cap)?
    };
    let amounts = bankroll.map(|bankroll| {
        let amount = |stake: &f64| staking::proportional(*stake, bankroll);
        stakes.iter().map(amount).collect::<Result<Vec<f64>, _>>()
    });
    let ev = outcomes.iter().zip(&net).map(|(outcomes, net)| outcomes.expected_return(*net));
    Ok(Stakes {
        stake: if let [stake] = stakes[..] { Some(stake) } else { None },
        amounts: amounts.transpose()?,
        ev: ev.collect(),
        stakes,
        log_growth,
    })
}

fn outcomes(p: &[f64], five: &[f64]) -> anyhow::Result<Vec<Outcomes>> {
    let (bets, rest) = five.as_chunks::<5>();
    ensure!(
        rest.is_empty(),
        "`--outcomes` takes five probabilities a bet (win, half-win, push, half-loss, loss), got {}",
        five.len()
    );
    let numbered = (1..).zip(p).map(|(place, p)| {
        Outcomes::two_way(*p).with_context(|| format!("probability number {place}"))
    });
    let of_five = (1..).zip(bets).map(|(place, five)| {
        Outcomes::new(*five).with_context(|| format!("outcomes of bet number {place}"))
    });
    numbered.chain(of_five).collect()
}

/// Independent bets, open at the same time.
fn together(bets: &[SimultaneousBet], fraction: f64, cap: f64) -> anyhow::Result<(Vec<f64>, f64)> {
    // One bet needs no search: its stake is exact.
    let stakes = match bets {
        [bet] => {
            ensure!((0.0..=1.0).contains(&cap), staking::StakingError::Cap(cap));
            let stake = staking::kelly_outcomes(&bet.outcomes, bet.net_odds, fraction)?.stake;
            vec![stake.min(cap)]
        }
        bets => staking::kelly_simultaneous(bets, fraction, cap)?,
    };
    let log_growth = staking::simultaneous_growth(bets, &stakes)?;
    Ok((stakes, log_growth))
}

fn exclusive(net: &[f64], p: &[f64], fraction: f64, cap: f64) -> anyhow::Result<(Vec<f64>, f64)> {
    ensure!((0.0..=1.0).contains(&fraction), staking::StakingError::Fraction(fraction));
    let full = staking::kelly_exclusive(net, p)?;
    let scaled: Vec<f64> = full.stakes.iter().map(|stake| stake * fraction).collect();
    let caps = staking::Caps { each_match: cap, each_day: 1.0, whole: 1.0 };
    let stakes = staking::capped(&scaled, &vec![(0, 0); scaled.len()], &caps)?;
    let unchanged = stakes == full.stakes;
    let log_growth =
        if unchanged { full.log_growth } else { staking::exclusive_growth(net, p, &stakes)? };
    Ok((stakes, log_growth))
}

impl Answer for Stakes {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (place, (stake, ev)) in self.stakes.iter().zip(&self.ev).enumerate() {
            write!(out, "stake {stake:.6} of the bankroll")?;
            if let Some(amounts) = &self.amounts {
                write!(out, " ({:.2})", amounts[place])?;
            }
            writeln!(out, " at an EV of {}", percent(*ev))?;
        }
        writeln!(out, "expected log growth {:.8}", self.log_growth)
    }
}

/// A stake in money.
#[derive(Serialize)]
pub(super) struct Plain {
    stake: f64,
}

pub(super) fn plain(command: StakeCommand) -> anyhow::Result<Plain> {
    let stake = match command {
        StakeCommand::Flat { amount, bankroll } => staking::flat(amount, bankroll)?,
        StakeCommand::Proportional { fraction, bankroll } => {
            staking::proportional(fraction, bankroll)?
        }
        StakeCommand::Target { profit, odds, commission } => {
            let odds = typed(&[odds])?[0].net_of_commission(checked_commission(commission)?);
            staking::target_profit(profit, odds)?
        }
    };
    Ok(Plain { stake })
}

impl Answer for Plain {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "stake {:.2}", self.stake)
    }
}
