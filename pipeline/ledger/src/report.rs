//! What a period brought: bets as they were alerted, apart from those that were placed.

use std::collections::BTreeMap;

use marabet_schemas::{Instant, Money};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::database::Ledger;
use crate::error::LedgerError;
use crate::money::Placement;
use crate::records::instant;

/// Sums over settled bets.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
pub struct Sums {
    /// How many bets.
    pub bets: u32,
    /// What was staked on them.
    pub staked: Money,
    /// What they brought.
    pub profit: Money,
    /// The mean of the expected values that the alerts claimed.
    pub claimed_ev: f64,
    /// Bets with a closing price.
    pub with_clv: u32,
    /// The mean closing-line value of these.
    pub clv: f64,
}

impl Sums {
    /// Profit as a share of what was staked; none where nothing was.
    #[must_use]
    pub fn yield_(&self) -> Option<f64> {
        let staked = self.staked.units();
        (staked > 0.0).then(|| self.profit.units() / staked)
    }

    fn add(&mut self, stake: Money, profit: Money, claimed_ev: f64, clv: Option<f64>) {
        self.bets += 1;
        self.staked += stake;
        self.profit += profit;
        self.claimed_ev += (claimed_ev - self.claimed_ev) / f64::from(self.bets);
        if let Some(clv) = clv {
            self.with_clv += 1;
            self.clv += (clv - self.clv) / f64::from(self.with_clv);
        }
    }
}

/// A strategy's period.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StrategyReport {
    /// All bets with a stake, at the granted stake and the price of record.
    pub alerted: Sums,
    /// Those that the user said he placed, at his stake and price.
    pub placed: Sums,
    /// What the strategy owns at the end.
    pub bankroll: Money,
    /// Of which currency.
    pub currency: String,
    /// What it owned after each movement of the period, from the period's beginning.
    pub equity: Vec<(Instant, Money)>,
}

/// A bet for a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OpenBet {
    /// Its identity.
    pub bet: String,
    /// By which strategy.
    pub strategy: String,
    /// The match.
    #[serde(rename = "match")]
    pub key: String,
    /// On which market.
    pub market: String,
    /// On what.
    pub selection: String,
    /// Where.
    pub book: String,
    /// At what price.
    pub odds: f64,
    /// With what stake.
    pub stake: Money,
    /// `placed`, `skipped`, or none.
    pub word: Option<String>,
    /// The last known kick-off.
    pub kickoff: Instant,
}

const SETTLED: &str = "SELECT g.strategy, g.stake AS granted, p.word, p.stake AS placed, \
     p.net_odds AS placed_net_odds, p.void_at, s.outcome, s.profit, s.claimed_ev, s.clv \
     FROM settlements s JOIN grants g ON g.bet = s.bet LEFT JOIN placements p ON p.bet = s.bet \
     WHERE s.settled_at >= $1 AND s.settled_at < $2 AND s.outcome <> 'review' \
     AND s.revision = (SELECT MAX(x.revision) FROM settlements x WHERE x.bet = s.bet) \
     ORDER BY s.settled_at, s.bet";

const OPEN: &str = "SELECT b.bet, b.strategy, b.match_key, b.market, b.selection, \
     b.book, b.odds, b.kickoff, g.stake AS granted, p.word, p.stake AS placed, \
     p.net_odds AS placed_net_odds, p.void_at \
     FROM bets b JOIN grants g ON g.bet = b.bet LEFT JOIN placements p ON p.bet = b.bet \
     WHERE g.stake > 0 AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.bet = b.bet) \
     AND p.void_at IS NULL ORDER BY b.kickoff, b.bet LIMIT $1";

impl Ledger {
    /// What the bets that were settled from `from` until before `to` brought, by strategy.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn report(
        &self,
        from: Instant,
        to: Instant,
    ) -> Result<BTreeMap<String, StrategyReport>, LedgerError> {
        let fault = |error: sqlx::Error| self.fault(&error);
        let mut reports = self.accounts_at(from).await?;
        let query = sqlx::query(SETTLED).bind(from.micros()).bind(to.micros());
        for row in query.fetch_all(&self.pool).await.map_err(fault)? {
            let strategy: String = row.try_get("strategy").map_err(fault)?;
            if let Some(report) = reports.get_mut(&strategy) {
                add_settled(report, &row).map_err(fault)?;
            }
        }
        let query = sqlx::query(
            "SELECT strategy, moved_at, amount FROM movements \
             WHERE moved_at >= $1 AND moved_at < $2 ORDER BY moved_at, id",
        );
        let rows = query.bind(from.micros()).bind(to.micros()).fetch_all(&self.pool);
        for row in rows.await.map_err(fault)? {
            let strategy: String = row.try_get("strategy").map_err(fault)?;
            let Some(report) = reports.get_mut(&strategy) else { continue };
            report.bankroll += Money::from_cents(row.try_get("amount").map_err(fault)?);
            report.equity.push((instant(&row, "moved_at").map_err(fault)?, report.bankroll));
        }
        Ok(reports)
    }

    /// Empty reports, with what each strategy owned before an instant.
    async fn accounts_at(
        &self,
        at: Instant,
    ) -> Result<BTreeMap<String, StrategyReport>, LedgerError> {
        let query = sqlx::query(
            "SELECT a.strategy, a.currency, CAST(a.start + COALESCE((SELECT SUM(m.amount) \
             FROM movements m WHERE m.strategy = a.strategy AND m.moved_at < $1), 0) AS BIGINT) \
             AS bankroll FROM accounts a",
        );
        let rows = query.bind(at.micros()).fetch_all(&self.pool).await;
        let reports = rows.and_then(|rows| {
            let report = |row: &AnyRow| {
                let bankroll = Money::from_cents(row.try_get("bankroll")?);
                let report = StrategyReport {
                    alerted: Sums::default(),
                    placed: Sums::default(),
                    bankroll,
                    currency: row.try_get("currency")?,
                    equity: vec![(at, bankroll)],
                };
                Ok((row.try_get("strategy")?, report))
            };
            rows.iter().map(report).collect()
        });
        reports.map_err(|error| self.fault(&error))
    }

    /// The bets that are not settled, by kick-off, at most `count`.
    ///
    /// # Errors
    /// [`LedgerError::Away`].
    pub async fn open_bets(&self, count: u16) -> Result<Vec<OpenBet>, LedgerError> {
        let rows = sqlx::query(OPEN).bind(i64::from(count)).fetch_all(&self.pool).await;
        rows.and_then(|rows| rows.iter().map(open_bet).collect())
            .map_err(|error| self.fault(&error))
    }
}

fn add_settled(report: &mut StrategyReport, row: &AnyRow) -> Result<(), sqlx::Error> {
    let placement = Placement::of(row)?;
    let granted = Money::from_cents(row.try_get("granted")?);
    let (outcome, at_record): (String, f64) = (row.try_get("outcome")?, row.try_get("profit")?);
    let (claimed_ev, clv) = (row.try_get("claimed_ev")?, row.try_get("clv")?);
    if granted > Money::ZERO {
        report.alerted.add(granted, granted.times(at_record), claimed_ev, clv);
    }
    if placement.is_placed() {
        let stake = placement.stake(granted);
        let profit = stake.times(placement.unit_profit(&outcome, at_record));
        report.placed.add(stake, profit, claimed_ev, clv);
    }
    Ok(())
}

fn open_bet(row: &AnyRow) -> Result<OpenBet, sqlx::Error> {
    let placement = Placement::of(row)?;
    Ok(OpenBet {
        bet: row.try_get("bet")?,
        strategy: row.try_get("strategy")?,
        key: row.try_get("match_key")?,
        market: row.try_get("market")?,
        selection: row.try_get("selection")?,
        book: row.try_get("book")?,
        odds: row.try_get("odds")?,
        stake: placement.stake(Money::from_cents(row.try_get("granted")?)),
        word: row.try_get("word")?,
        kickoff: instant(row, "kickoff")?,
    })
}
