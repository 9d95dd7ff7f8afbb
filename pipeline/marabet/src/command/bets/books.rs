//! `marabet bets books`: what each book had to offer, and what would have come of betting there
//! alone.
//!
//! A bet is value at every book that pays enough for it, not only at the one that pays most. Each
//! counts here at the first price at which the book was value, at equal stakes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use marabet_quant::outcome::Outcomes;
use marabet_schemas::bets::{BetOutcome, Settlement, ValueBet};
use marabet_schemas::{BetId, Body, Book};
use serde::Serialize;

use crate::output::{Answer, or_dash, percent};
use crate::summary::{Streams, canonical};

/// Every book that a bet could be placed at.
#[derive(Debug, Serialize)]
pub(super) struct Books {
    books: BTreeMap<Book, OfBook>,
    /// Each bet at the book that paid most.
    best: OfBook,
}

/// Bets at one book.
#[derive(Debug, Default, Serialize)]
struct OfBook {
    /// Bets that were value here.
    bets: u64,
    /// Those for which no other book paid more.
    best: u64,
    /// Mean expected value.
    claimed_ev: Option<f64>,
    /// How many have ended, void ones and those in review apart.
    settled: u64,
    /// Those that brought something.
    won: u64,
    /// What one unit earned.
    r#yield: Option<f64>,
    /// Mean closing-line value of those that have one, and how many have.
    clv: Option<f64>,
    clv_of: u64,
    #[serde(skip)]
    sums: Sums,
}

#[derive(Debug, Default)]
struct Sums {
    claimed: f64,
    profit: f64,
    clv: f64,
}

/// A book's price for a bet, net of commission, and what it was worth.
#[derive(Debug, Clone, Copy)]
struct Price {
    net_odds: f64,
    ev: f64,
}

/// What one unit at these net odds brought; none where nothing was decided.
fn profit(outcome: BetOutcome, net_odds: f64) -> Option<f64> {
    Some(match outcome {
        BetOutcome::Win => net_odds - 1.0,
        BetOutcome::HalfWin => (net_odds - 1.0) / 2.0,
        BetOutcome::Push => 0.0,
        BetOutcome::HalfLoss => -0.5,
        BetOutcome::Loss => -1.0,
        BetOutcome::Void | BetOutcome::Review => return None,
    })
}

impl OfBook {
    fn take(&mut self, price: Price, is_best: bool, end: Option<&Settlement>) {
        self.bets += 1;
        self.best += u64::from(is_best);
        self.sums.claimed += price.ev;
        let Some((end, profit)) = end.and_then(|e| Some((e, profit(e.outcome, price.net_odds)?)))
        else {
            return;
        };
        self.settled += 1;
        self.won += u64::from(profit > 0.0);
        self.sums.profit += profit;
        if let Some(clv) = &end.clv {
            self.clv_of += 1;
            // The closing probability is the same for every book's price.
            self.sums.clv += (1.0 + clv.value) / end.net_odds * price.net_odds - 1.0;
        }
    }

    fn means(&mut self) {
        let mean = |sum: f64, of: u64| (of > 0).then(|| sum / of as f64);
        self.claimed_ev = mean(self.sums.claimed, self.bets);
        self.r#yield = mean(self.sums.profit, self.settled);
        self.clv = mean(self.sums.clv, self.clv_of);
    }
}

/// Adds the prices that a revision of a bet shows of books that were not shown before.
fn prices(bet: &ValueBet, known: &mut BTreeMap<Book, Price>) {
    let outcomes = Outcomes::new(bet.fair.outcomes).ok();
    let own = (&bet.book, bet.net_odds);
    let others = bet.others.iter().map(|other| (&other.book, other.net_odds));
    // A book may have the payoff in several markets; the best price comes first.
    for (book, net_odds) in std::iter::once(own).chain(others) {
        let ev = outcomes.as_ref().map_or(bet.ev, |outcomes| outcomes.expected_return(net_odds));
        known.entry(book.clone()).or_insert(Price { net_odds, ev });
    }
}

pub(super) fn books(streams: &Streams, strategy: Option<&str>) -> Books {
    let mut ends: BTreeMap<BetId, &Settlement> = BTreeMap::new();
    let mut bets: BTreeMap<BetId, BTreeMap<Book, Price>> = BTreeMap::new();
    for event in canonical(&streams.bets) {
        match &event.body {
            Body::Settlement(end) => drop(ends.insert(end.bet, end)),
            Body::ValueBet(bet) if strategy.is_none_or(|name| name == bet.strategy.as_str()) => {
                prices(bet, bets.entry(bet.bet).or_default());
            }
            _ => {}
        }
    }
    let mut all = Books { books: BTreeMap::new(), best: OfBook::default() };
    for (bet, prices) in &bets {
        let end = ends.get(bet).copied();
        let most = prices.values().copied().max_by(|a, b| a.net_odds.total_cmp(&b.net_odds));
        let Some(most) = most else { continue };
        all.best.take(most, true, end);
        for (book, price) in prices {
            let of_book = all.books.entry(book.clone()).or_default();
            of_book.take(*price, price.net_odds >= most.net_odds, end);
        }
    }
    all.books.values_mut().chain([&mut all.best]).for_each(OfBook::means);
    all
}

impl Answer for Books {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<24} {:>6} {:>6} {:>11} {:>8} {:>6} {:>11} {:>10} {:>6}",
            "book", "bets", "best", "claimed EV", "settled", "won", "yield", "CLV", "of"
        )?;
        let mut ordered: Vec<(&str, &OfBook)> =
            self.books.iter().map(|(book, of_book)| (book.as_str(), of_book)).collect();
        ordered.sort_by(|a, b| b.1.bets.cmp(&a.1.bets).then(a.0.cmp(b.0)));
        ordered.push(("the best price of each", &self.best));
        let share = |value: Option<f64>| or_dash(value.map(percent));
        for (book, of_book) in ordered {
            writeln!(
                out,
                "{book:<24} {:>6} {:>6} {:>11} {:>8} {:>6} {:>11} {:>10} {:>6}",
                of_book.bets,
                of_book.best,
                share(of_book.claimed_ev),
                of_book.settled,
                of_book.won,
                share(of_book.r#yield),
                share(of_book.clv),
                of_book.clv_of,
            )?;
        }
        Ok(())
    }
}
