//! What a bet brought: one movement of its strategy's money, once it is granted and settled.

use std::collections::BTreeSet;

use marabet_quant::outcome::Outcome;
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::{BetId, Money};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Bets asked for at once: one statement of one shape, which the database prepares once.
const AT_ONCE: usize = 64;

/// What is known of the money of bets: their grant, the user's word, their settlements in order.
const STANDING: &str = "SELECT g.bet, g.strategy, g.stake AS granted, p.word, \
     p.stake AS placed, p.net_odds AS placed_net_odds, p.void_at, s.outcome, s.profit, \
     s.settled_at FROM grants g LEFT JOIN placements p ON p.bet = g.bet \
     JOIN settlements s ON s.bet = g.bet";

/// Books what bets brought, as it stands now; a correction replaces what stood before. Done once
/// for all that a transaction says, since only how they stand in the end counts.
pub(crate) async fn book(
    to: &mut AnyConnection,
    bets: &BTreeSet<BetId>,
) -> Result<(), sqlx::Error> {
    let places: Vec<String> = (1..=AT_ONCE).map(|place| format!("${place}")).collect();
    let statement =
        format!("{STANDING} WHERE g.bet IN ({}) ORDER BY g.bet, s.revision", places.join(", "));
    let bets: Vec<String> = bets.iter().map(BetId::to_string).collect();
    for some in bets.chunks(AT_ONCE) {
        let mut query = sqlx::query(&statement);
        // The last one again fills the places that are left.
        for bet in some.iter().chain(std::iter::repeat(&some[some.len() - 1])).take(AT_ONCE) {
            query = query.bind(bet);
        }
        let rows = query.fetch_all(&mut *to).await?;
        let bet = |row: &AnyRow| row.try_get::<String, _>("bet");
        for (number, row) in rows.iter().enumerate() {
            let id = bet(row)?;
            // The last settlement of a bet is the one that stands.
            if rows.get(number + 1).map(bet).transpose()?.as_ref() != Some(&id) {
                move_money(to, &id, row).await?;
            }
        }
    }
    Ok(())
}

async fn move_money(to: &mut AnyConnection, bet: &str, row: &AnyRow) -> Result<(), sqlx::Error> {
    let placement = Placement::of(row)?;
    let stake = placement.stake(Money::from_cents(row.try_get("granted")?));
    let outcome: String = row.try_get("outcome")?;
    let unit_profit = placement.unit_profit(&outcome, row.try_get("profit")?);
    sqlx::query(
        "INSERT INTO movements VALUES ($1, $2, $3, 'bet', $4, NULL) ON CONFLICT (id) DO UPDATE \
         SET amount = excluded.amount, moved_at = excluded.moved_at",
    )
    .bind(format!("bet:{bet}"))
    .bind(row.try_get::<String, _>("strategy")?)
    .bind(row.try_get::<i64, _>("settled_at")?)
    .bind(stake.times(unit_profit).cents())
    .execute(to)
    .await?;
    Ok(())
}

/// How a bet ended, where that decides about money; a void or doubtful one returns the stake.
fn outcome_of(outcome: &str) -> Option<Outcome> {
    let ended: BetOutcome = serde_json::from_value(outcome.into()).ok()?;
    Some(match ended {
        BetOutcome::Win => Outcome::Win,
        BetOutcome::HalfWin => Outcome::HalfWin,
        BetOutcome::Push => Outcome::Push,
        BetOutcome::HalfLoss => Outcome::HalfLoss,
        BetOutcome::Loss => Outcome::Loss,
        BetOutcome::Void | BetOutcome::Review => return None,
    })
}

/// What the user said of a bet.
pub(crate) struct Placement {
    word: Option<String>,
    stake: Option<i64>,
    net_odds: Option<f64>,
    void: bool,
}

impl Placement {
    /// From the columns `word`, `placed`, `placed_net_odds` and `void_at`.
    pub(crate) fn of(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            word: row.try_get("word")?,
            stake: row.try_get("placed")?,
            net_odds: row.try_get("placed_net_odds")?,
            void: row.try_get::<Option<i64>, _>("void_at")?.is_some(),
        })
    }

    /// Whether the user said that he placed it.
    pub(crate) fn is_placed(&self) -> bool {
        self.word.as_deref() == Some("placed")
    }

    /// What counts as staked: what was granted, until the user says what he did.
    pub(crate) fn stake(&self, granted: Money) -> Money {
        match (&self.word, self.stake) {
            (Some(_), Some(stake)) => Money::from_cents(stake),
            _ => granted,
        }
    }

    /// Profit of one unit, at the price that the user got, or at the price of record.
    pub(crate) fn unit_profit(&self, outcome: &str, at_record: f64) -> f64 {
        match outcome_of(outcome) {
            Some(ended) if !self.void => {
                let placed = self.net_odds.filter(|_| self.is_placed());
                placed.map_or(at_record, |net_odds| ended.profit(net_odds))
            }
            _ => 0.0,
        }
    }
}
