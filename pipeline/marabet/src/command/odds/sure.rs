//! `marabet odds arbitrage`, `hedge` and `lay`: bets on every outcome.

use std::io::{self, Write};

use anyhow::{Context, ensure};
use marabet_quant::staking::{self, Book, Hedge, Position};
use serde::Serialize;

use super::{checked_commission, list, typed};
use crate::output::{Answer, percent};

/// Stakes that win whatever happens.
#[derive(Serialize)]
pub(super) struct Arbitrage {
    /// Whether there is a sure gain.
    exists: bool,
    /// Profit of one unit in all; negative where there is none to be had.
    r#return: f64,
    /// Shares of the whole stake.
    stakes: Vec<f64>,
    /// The book of each selection's best price, from 1 in the order given.
    books: Vec<usize>,
    /// The best price of each selection, net of commission.
    net_odds: Vec<f64>,
}

pub(super) fn arbitrage(
    odds: &[f64],
    commission: f64,
    books: &[String],
) -> anyhow::Result<Arbitrage> {
    let mut offered = Vec::new();
    if !odds.is_empty() {
        offered.push(Book { odds: typed(odds)?, commission });
    }
    for (number, text) in (1..).zip(books) {
        offered.push(book(text).with_context(|| format!("book number {number}"))?);
    }
    let found = staking::arbitrage(&offered)?;
    let prices = &found.prices;
    Ok(Arbitrage {
        exists: found.exists(),
        r#return: found.sure_return,
        stakes: prices.iter().map(|price| price.stake_share).collect(),
        books: prices.iter().map(|price| price.book + 1).collect(),
        net_odds: prices.iter().map(|price| price.net_odds).collect(),
    })
}

/// A book as it is written: odds with commas between them, a commission behind a colon.
fn book(text: &str) -> anyhow::Result<Book> {
    let (odds, commission) = text.split_once(':').unwrap_or((text, "0"));
    let commission =
        commission.trim().parse().with_context(|| format!("`{commission}` is no commission"))?;
    Ok(Book { odds: typed(&list(odds)?)?, commission })
}

impl Answer for Arbitrage {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for ((stake, book), odds) in self.stakes.iter().zip(&self.books).zip(&self.net_odds) {
            writeln!(out, "stake {stake:.7} of the whole at {odds:.3} of book {book}")?;
        }
        writeln!(out, "sure return {}", percent(self.r#return))
    }
}

/// What secures bets already placed.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Hedged(Hedge);

pub(super) fn hedge(stakes: &[f64], placed: &[f64], net: &[f64]) -> anyhow::Result<Hedged> {
    ensure!(
        stakes.len() == placed.len(),
        "{} stakes need as many odds at which they were placed, got {}",
        stakes.len(),
        placed.len()
    );
    let position = |(&stake, &net_odds): (&f64, &f64)| Position { stake, net_odds };
    let positions: Vec<Position> = stakes.iter().zip(placed).map(position).collect();
    Ok(Hedged(staking::hedge(&positions, net)?))
}

impl Answer for Hedged {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for stake in &self.0.stakes {
            writeln!(out, "stake {stake:.2}")?;
        }
        writeln!(out, "sure profit {:.2}", self.0.sure_profit)
    }
}

/// A lay that leaves the same both ways.
#[derive(Serialize)]
pub(super) struct Lay {
    /// The backer's stake to take on the exchange.
    lay_stake: f64,
    /// What the lay loses where the bet wins.
    liability: f64,
    /// The profit either way.
    sure_profit: f64,
}

pub(super) fn lay(stake: f64, odds: f64, lay_odds: f64, commission: f64) -> anyhow::Result<Lay> {
    let commission = checked_commission(commission)?;
    let lay_stake = staking::lay_stake(Position { stake, net_odds: odds }, lay_odds, commission)?;
    let sure_profit = lay_stake * (1.0 - commission) - stake;
    Ok(Lay { lay_stake, liability: lay_stake * (lay_odds - 1.0), sure_profit })
}

impl Answer for Lay {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "lay {:.2} (liability {:.2})", self.lay_stake, self.liability)?;
        writeln!(out, "sure profit {:.2}", self.sure_profit)
    }
}
