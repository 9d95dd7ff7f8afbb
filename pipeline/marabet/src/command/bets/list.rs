//! `marabet bets list`

use std::collections::BTreeMap;
use std::io::{self, Write};

use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::{BetId, Body, Book, Instant, MatchKey, StrategyName};
use serde::Serialize;

use crate::output::{Answer, or_dash, percent};
use crate::summary::{Streams, canonical};

/// All bets, in canonical order.
#[derive(Serialize)]
pub(super) struct List {
    bets: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    bet: BetId,
    at: Instant,
    strategy: StrategyName,
    r#match: MatchKey,
    book: Book,
    market: Market,
    selection: Selection,
    odds: Odds,
    ev: f64,
    stake: f64,
    outcome: Option<BetOutcome>,
    profit: Option<f64>,
    clv: Option<f64>,
}

pub(super) fn list(streams: &Streams, strategy: Option<&str>) -> List {
    let ordered = canonical(&streams.bets);
    let mut ends = BTreeMap::new();
    for event in &ordered {
        if let Body::Settlement(settlement) = &event.body {
            ends.insert(settlement.bet, settlement);
        }
    }
    let rows = ordered.iter().filter_map(|event| {
        let (Body::ValueBet(bet), Some(key)) = (&event.body, &event.key) else { return None };
        let wanted = strategy.is_none_or(|name| name == bet.strategy.as_str());
        let end = ends.get(&bet.bet);
        (wanted && bet.revision == 0).then(|| Row {
            bet: bet.bet,
            at: event.at,
            strategy: bet.strategy.clone(),
            r#match: key.clone(),
            book: bet.book.clone(),
            market: bet.market,
            selection: bet.selection,
            odds: bet.odds,
            ev: bet.ev,
            stake: bet.stake.get(),
            outcome: end.map(|end| end.outcome),
            profit: end.map(|end| end.profit),
            clv: end.and_then(|end| end.clv.as_ref()).map(|clv| clv.value),
        })
    });
    List { bets: rows.collect() }
}

impl Answer for List {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for row in &self.bets {
            let outcome = row.outcome.and_then(|outcome| serde_json::to_string(&outcome).ok());
            writeln!(
                out,
                "{} {} {:<7} {} – {}: {} {} at {} with {}, EV {}, stake {:.4}; {} {} CLV {}",
                row.bet,
                row.at,
                row.strategy,
                row.r#match.home(),
                row.r#match.away(),
                row.market,
                row.selection,
                row.odds,
                row.book,
                percent(row.ev),
                row.stake,
                or_dash(outcome).trim_matches('"'),
                or_dash(row.profit.map(|profit| format!("{profit:+.3}"))),
                or_dash(row.clv.map(percent)),
            )?;
        }
        Ok(())
    }
}
