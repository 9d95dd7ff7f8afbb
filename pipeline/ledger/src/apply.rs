//! What an event of the log means in rows.
//!
//! Each row follows from the events of one match, or of the whole system, in the order in which
//! their partition has them; what two streams say of one bet lies in tables of their own, so that
//! it does not matter which is taken in first. To take an event in twice changes nothing.

use marabet_schemas::bets::{BetPlaced, BetSkipped, BetVoid, Deposit, Grant, Settlement, ValueBet};
use marabet_schemas::control::{ConfigPublished, ModelPublished};
use marabet_schemas::frame::BadLine;
use marabet_schemas::{Address, ArtefactHash, BetId, Body, Event, Instant, MatchKey};
use sqlx::{AnyConnection, Row};

type Done = Result<(), sqlx::Error>;

/// Takes an event in. Returns the bet whose money it moves, where it does; see
/// [`money`](crate::money).
pub(crate) async fn event(
    to: &mut AnyConnection,
    event: &Event,
    address: Address,
) -> Result<Option<BetId>, sqlx::Error> {
    write(to, event, address).await?;
    Ok(match &event.body {
        Body::Grant(granted) => Some(granted.value_bet.bet),
        Body::Settlement(settled) => Some(settled.bet),
        Body::BetPlaced(BetPlaced { bet, .. })
        | Body::BetSkipped(BetSkipped { bet, .. })
        | Body::BetVoid(BetVoid { bet, .. }) => Some(*bet),
        _ => None,
    })
}

async fn write(to: &mut AnyConnection, event: &Event, address: Address) -> Done {
    match (&event.body, &event.key) {
        (Body::ValueBet(bet), Some(key)) => value_bet(to, event.at, key, bet, address).await,
        (Body::Grant(granted), _) => grant(to, event.at, granted).await,
        (Body::Settlement(settled), _) => settlement(to, event.at, settled).await,
        (Body::BetPlaced(word), _) => placed(to, event.at, word).await,
        (Body::BetSkipped(word), _) => skipped(to, event.at, word).await,
        (Body::BetVoid(word), _) => void(to, event.at, word).await,
        (Body::Deposit(deposit), _) => self::deposit(to, event.at, deposit).await,
        (Body::ConfigPublished(config), _) => rules(to, event.at, config).await,
        (Body::ModelPublished(model), _) => self::model(to, event.at, model).await,
        // What else is said moves no money and is read in the log.
        _ => Ok(()),
    }
}

/// Keeps a line that is no event.
pub(crate) async fn reject(to: &mut AnyConnection, bad: &BadLine, address: Address) -> Done {
    sqlx::query("INSERT INTO rejects VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(address.to_string())
        .bind(&*bad.line)
        .bind(&*bad.reason)
        .execute(to)
        .await?;
    Ok(())
}

const BET: &str = "INSERT INTO bets (bet, strategy, match_key, competition, book, market, \
     selection, odds, net_odds, fair_source, fair_probability, ev, stake_share, config, model, \
     found_at, quoted_at, kickoff, expires, revision, shown_book, shown_odds, address) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
     $19, $20, $21, $22, $23) \
     ON CONFLICT (bet) DO UPDATE SET revision = excluded.revision, kickoff = excluded.kickoff, \
     expires = excluded.expires, shown_book = excluded.shown_book, \
     shown_odds = excluded.shown_odds WHERE excluded.revision > bets.revision";

async fn value_bet(
    to: &mut AnyConnection,
    at: Instant,
    key: &MatchKey,
    bet: &ValueBet,
    address: Address,
) -> Done {
    let best = bet.others.iter().find(|other| other.net_odds > bet.net_odds);
    let (shown_book, shown_odds) =
        best.map_or((&bet.book, bet.odds), |other| (&other.book, other.odds));
    sqlx::query(BET)
        .bind(bet.bet.to_string())
        .bind(bet.strategy.as_str())
        .bind(key.as_str())
        .bind(key.competition().to_string())
        .bind(bet.book.as_str())
        .bind(bet.market.to_string())
        .bind(bet.selection.as_str())
        .bind(bet.odds.decimal())
        .bind(bet.net_odds)
        .bind(word(&bet.fair.source))
        .bind(bet.fair.probability)
        .bind(bet.ev)
        .bind(bet.stake.get())
        .bind(number(bet.config))
        .bind(bet.fair.model.as_ref().map(|model| number(model.number)))
        .bind(at.micros())
        .bind(bet.quoted_at.micros())
        .bind(bet.kickoff.micros())
        .bind(bet.expires.micros())
        .bind(i64::from(bet.revision))
        .bind(shown_book.as_str())
        .bind(shown_odds.decimal())
        .bind(address.to_string())
        .execute(to)
        .await?;
    Ok(())
}

async fn grant(to: &mut AnyConnection, at: Instant, grant: &Grant) -> Done {
    if grant.value_bet.revision > 0 {
        // It repeats the stake of the first.
        return Ok(());
    }
    let caps: Vec<String> = grant.capped_by.iter().map(word).collect();
    sqlx::query(
        "INSERT INTO grants (bet, strategy, granted_at, stake, asked, bankroll, currency, \
         capped_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(grant.value_bet.bet.to_string())
    .bind(grant.value_bet.strategy.as_str())
    .bind(at.micros())
    .bind(grant.stake.cents())
    .bind(grant.asked.cents())
    .bind(grant.bankroll.cents())
    .bind(&*grant.currency)
    .bind(caps.join(","))
    .execute(to)
    .await?;
    Ok(())
}

async fn settlement(to: &mut AnyConnection, at: Instant, settled: &Settlement) -> Done {
    let clv = settled.clv.as_ref();
    sqlx::query(
        "INSERT INTO settlements (bet, revision, strategy, settled_at, outcome, profit, net_odds, \
         claimed_ev, clv, clv_fallback, score, reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
    )
    .bind(settled.bet.to_string())
    .bind(i64::from(settled.revision))
    .bind(settled.strategy.as_str())
    .bind(at.micros())
    .bind(word(&settled.outcome))
    .bind(settled.profit)
    .bind(settled.net_odds)
    .bind(settled.claimed_ev)
    .bind(clv.map(|clv| clv.value))
    .bind(i64::from(clv.is_some_and(|clv| clv.fallback)))
    .bind(settled.score.map(|[home, away]| format!("{home}-{away}")))
    .bind(settled.reason.as_deref())
    .execute(to)
    .await?;
    Ok(())
}

async fn placed(to: &mut AnyConnection, at: Instant, placed: &BetPlaced) -> Done {
    let commission = sqlx::query(
        "SELECT commission FROM commissions WHERE book = $1 AND since <= $2 \
         ORDER BY since DESC LIMIT 1",
    )
    .bind(placed.book.as_str())
    .bind(at.micros())
    .fetch_optional(&mut *to)
    .await?;
    let commission = commission.map_or(Ok(0.0), |row| row.try_get::<f64, _>(0))?;
    sqlx::query(
        "INSERT INTO placements (bet, word, said_at, book, odds, net_odds, stake) \
         VALUES ($1, 'placed', $2, $3, $4, $5, $6) ON CONFLICT (bet) DO UPDATE \
         SET word = 'placed', said_at = excluded.said_at, book = excluded.book, \
         odds = excluded.odds, net_odds = excluded.net_odds, stake = excluded.stake",
    )
    .bind(placed.bet.to_string())
    .bind(at.micros())
    .bind(placed.book.as_str())
    .bind(placed.odds.decimal())
    .bind(placed.odds.net_of_commission(commission))
    .bind(placed.stake.cents())
    .execute(to)
    .await?;
    Ok(())
}

async fn skipped(to: &mut AnyConnection, at: Instant, skipped: &BetSkipped) -> Done {
    sqlx::query(
        "INSERT INTO placements (bet, word, said_at, stake, reason) \
         VALUES ($1, 'skipped', $2, 0, $3) ON CONFLICT (bet) DO UPDATE SET word = 'skipped', \
         said_at = excluded.said_at, stake = 0, reason = excluded.reason",
    )
    .bind(skipped.bet.to_string())
    .bind(at.micros())
    .bind(skipped.reason.as_deref())
    .execute(to)
    .await?;
    Ok(())
}

async fn void(to: &mut AnyConnection, at: Instant, void: &BetVoid) -> Done {
    sqlx::query(
        "INSERT INTO placements (bet, void_at, reason) VALUES ($1, $2, $3) \
         ON CONFLICT (bet) DO UPDATE SET void_at = excluded.void_at, reason = excluded.reason",
    )
    .bind(void.bet.to_string())
    .bind(at.micros())
    .bind(void.reason.as_deref())
    .execute(to)
    .await?;
    Ok(())
}

async fn deposit(to: &mut AnyConnection, at: Instant, deposit: &Deposit) -> Done {
    // It comes once a partition; its content tells the copies from another deposit.
    let content = serde_json::to_vec(&(at, deposit)).expect("a deposit is plain data");
    sqlx::query(
        "INSERT INTO movements VALUES ($1, $2, $3, 'deposit', $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(format!("deposit:{}", ArtefactHash::of(&content)))
    .bind(deposit.strategy.as_str())
    .bind(at.micros())
    .bind(deposit.amount.cents())
    .bind(deposit.note.as_deref())
    .execute(to)
    .await?;
    Ok(())
}

async fn rules(to: &mut AnyConnection, at: Instant, config: &ConfigPublished) -> Done {
    for (book, rules) in &config.rules.books {
        sqlx::query("INSERT INTO commissions VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(book.as_str())
            .bind(at.micros())
            .bind(rules.commission)
            .execute(&mut *to)
            .await?;
    }
    for strategy in config.rules.strategies.keys() {
        sqlx::query(
            "INSERT INTO accounts (strategy, start, currency, config) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (strategy) DO UPDATE SET start = excluded.start, \
             currency = excluded.currency, config = excluded.config \
             WHERE excluded.config < accounts.config",
        )
        .bind(strategy.as_str())
        .bind(config.rules.account.bankroll.cents())
        .bind(&*config.rules.account.currency)
        .bind(number(config.number))
        .execute(&mut *to)
        .await?;
    }
    Ok(())
}

async fn model(to: &mut AnyConnection, at: Instant, model: &ModelPublished) -> Done {
    sqlx::query(
        "INSERT INTO models VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(model.competition.as_str())
    .bind(number(model.number))
    .bind(model.hash.to_string())
    .bind(&*model.family)
    .bind(model.training.from.micros())
    .bind(model.training.to.micros())
    .bind(i64::from(model.training.matches))
    .bind(at.micros())
    .execute(to)
    .await?;
    Ok(())
}

/// The word that JSON has for it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("an enumeration of words is a text, not {other:?}"),
    }
}

/// A count as SQL has it; what would not fit has never been counted.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
